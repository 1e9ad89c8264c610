//! `template.yaml` against the code: what is named on both sides is the same, and limits that rest on each other agree.

use std::collections::BTreeSet;

use engine::error::Disposition;
use engine::ports::ATTEMPTS_MAX;
use functions::bootstrap::{CONSOLE_VARIABLES, OPTIONAL_VARIABLES, RECONCILER_VARIABLES, VENDOR_VARIABLES};
use functions::signing_in::SIGN_IN_VARIABLES;
use functions::{fetching, reconciling};
use serde_yaml_ng::Value;

use crate::workspace::{assert_none, root};

/// The template; CloudFormation's own tags are left out of the values (`!Ref X` is `X`).
struct Template(Value);

/// One function of the template.
struct Function<'t> {
    resource: String,
    binary: String,
    properties: &'t Value,
}

impl Template {
    fn read() -> Self {
        let text = std::fs::read_to_string(root().join("template.yaml")).expect("the template lies in the root");
        let value: Value = serde_yaml_ng::from_str(&text).expect("the template is YAML");
        Self(untagged(value))
    }

    fn resource(&self, name: &str) -> &Value {
        let resource = &self.0["Resources"][name];
        assert!(!resource.is_null(), "the template has no {name}");
        &resource["Properties"]
    }

    fn functions(&self) -> Vec<Function<'_>> {
        let resources = self.0["Resources"].as_mapping().expect("a template has resources");
        let functions = resources.iter().filter(|(_, one)| one["Type"] == "AWS::Serverless::Function");
        let functions: Vec<Function<'_>> = functions
            .map(|(name, one)| Function {
                resource: name.as_str().expect("resources have names").to_owned(),
                binary: text(&one["Metadata"]["BuildProperties"]["Binary"]),
                properties: &one["Properties"],
            })
            .collect();
        assert!(functions.len() > 2, "the template has {} functions", functions.len());
        functions
    }

    /// Returns the statements of a function's role.
    fn rights(&self, function: &Function<'_>) -> Vec<&Value> {
        let role = function.resource.replace("Function", "Role");
        let policies = self.resource(&role)["Policies"].as_sequence().expect("a role has policies");
        policies
            .iter()
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().expect("a policy has statements"))
            .collect()
    }

    /// Returns the environment of a function, with what all functions have.
    fn variables(&self, function: &Function<'_>) -> BTreeSet<String> {
        let of = |value: &Value| -> BTreeSet<String> {
            let variables = value["Environment"]["Variables"].as_mapping();
            variables.into_iter().flatten().map(|(name, _)| text(name)).collect()
        };
        let mut all = of(&self.0["Globals"]["Function"]);
        all.extend(of(function.properties));
        all
    }
}

fn untagged(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => untagged(tagged.value),
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(untagged).collect()),
        Value::Mapping(pairs) => {
            Value::Mapping(pairs.into_iter().map(|(name, value)| (untagged(name), untagged(value))).collect())
        }
        other => other,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is no text")).to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value:?} is no number"))
}

/// A text or a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn is_vendor(function: &Function<'_>) -> bool {
    !["reconciler", "console"].contains(&function.binary.as_str())
}

#[test]
fn every_vendor_has_its_function_and_every_function_its_binary() {
    let template = Template::read();
    let functions = template.functions();
    let binaries: BTreeSet<&str> = functions.iter().map(|function| function.binary.as_str()).collect();
    let wanted = apis::vendors::ALL.iter().map(|vendor| vendor.id).chain(["reconciler", "console"]);
    assert_none(
        "these have no function in the template",
        wanted.filter(|id| !binaries.contains(id)).map(str::to_owned).collect(),
    );
    for function in &functions {
        let name = format!("${{AWS::StackName}}-{}", function.binary);
        assert_eq!(text(&function.properties["FunctionName"]), name, "the stack finds a function by its vendor's id");
        let source = root().join("functions/src/bin").join(format!("{}.rs", function.binary));
        let known = apis::vendors::find(&function.binary).is_some() || !is_vendor(function);
        assert!(!known || source.exists(), "{} is not there", source.display());
    }
}

#[test]
fn a_function_has_the_environment_that_it_reads() {
    let template = Template::read();
    let mut findings = Vec::new();
    for function in template.functions() {
        let needed: BTreeSet<String> = match function.binary.as_str() {
            "reconciler" => RECONCILER_VARIABLES,
            "console" => CONSOLE_VARIABLES,
            _ => VENDOR_VARIABLES,
        }
        .iter()
        .chain(SIGN_IN_VARIABLES.iter().filter(|_| function.binary == "console"))
        .map(|name| (*name).to_owned())
        .collect();
        let set = template.variables(&function);
        let missing = needed.difference(&set).map(|name| format!("{} lacks {name}", function.binary));
        let unread = set.difference(&needed).filter(|name| !OPTIONAL_VARIABLES.contains(&name.as_str()));
        findings.extend(missing.chain(unread.map(|name| format!("{} never reads {name}", function.binary))));
        assert!(set.contains("METRICS_NAMESPACE") && set.contains("SSL_CERT_FILE"), "{set:?}");
    }
    assert_none("template and code disagree", findings);
}

/// A message that is being worked on must not come again meanwhile: Lambda asks for six times the function's timeout.
#[test]
fn the_records_queue_waits_for_the_reconciler() {
    let template = Template::read();
    let queue = template.resource("RecordsQueue");
    let functions = template.functions();
    let reconciler = functions.iter().find(|function| function.binary == "reconciler").expect("it is there");
    let timeout = number(&reconciler.properties["Timeout"]);
    assert!(timeout * 6 <= number(&queue["VisibilityTimeout"]), "{timeout} s");
    assert!(reconciling::MESSAGE_DURATION_MAX.as_secs() * 3 <= timeout, "a batch does more than one message");
    // The engine gives a run up at a message's last delivery; the queue must not take it away before.
    assert_eq!(number(&queue["RedrivePolicy"]["maxReceiveCount"]), u64::from(ATTEMPTS_MAX));
    let mapping = &reconciler.properties["Events"]["Records"]["Properties"];
    assert_eq!(texts(&mapping["FunctionResponseTypes"]), ["ReportBatchItemFailures"]);
    let reserved = &reconciler.properties["ReservedConcurrentExecutions"][1];
    assert!(
        number(reserved) >= number(&mapping["ScalingConfig"]["MaximumConcurrency"]),
        "the mapping would be throttled"
    );
    assert!(number(&queue["MessageRetentionPeriod"]) > number(&queue["VisibilityTimeout"]) * u64::from(ATTEMPTS_MAX));
}

#[test]
fn a_reader_is_taken_for_gone_only_when_it_is() {
    let template = Template::read();
    let gone_after = fetching::READER_GONE_AFTER.as_secs();
    for function in template.functions() {
        let timeout = number(&function.properties["Timeout"]);
        assert!(timeout < gone_after, "{}: {timeout} s", function.binary);
        // The next invocation begins while the one that calls it still ends.
        let reserved = number(&function.properties["ReservedConcurrentExecutions"][1]);
        assert!(reserved >= 2, "{}: {reserved}", function.binary);
        if function.binary == "console" {
            assert!(timeout < 30, "the HTTP API gives an answer 30 seconds");
        }
    }
}

#[test]
fn no_right_is_wider_than_it_must_be() {
    let template = Template::read();
    let mut findings = Vec::new();
    for function in template.functions() {
        for statement in template.rights(&function) {
            let sid = text(&statement["Sid"]);
            findings.extend(
                texts(&statement["Action"])
                    .into_iter()
                    .chain(texts(&statement["Resource"]))
                    .filter(|word| word == "*" || word.ends_with(":*"))
                    .map(|word| format!("{}: {sid}: {word}", function.binary)),
            );
        }
    }
    assert_none("these rights are too wide", findings);
}

#[test]
fn a_vendor_reads_its_own_secrets_and_makes_no_schedule_of_people_s() {
    let template = Template::read();
    for function in template.functions().iter().filter(|function| is_vendor(function)) {
        let prefix = text(&function.properties["Environment"]["Variables"]["SECRET_PREFIX"]);
        assert_eq!(prefix, format!("${{AWS::StackName}}/{}", function.binary));
        for statement in template.rights(function) {
            let actions = texts(&statement["Action"]);
            let resources = texts(&statement["Resource"]);
            if actions.iter().any(|action| action.starts_with("secretsmanager:")) {
                assert_eq!(actions, ["secretsmanager:GetSecretValue"], "{}", function.binary);
                assert!(resources.iter().all(|one| one.ends_with(&format!(":secret:{prefix}/*"))), "{resources:?}");
            }
            if actions.iter().any(|action| action.starts_with("scheduler:")) {
                assert!(resources.iter().all(|one| one.ends_with("schedule/${ContinuationGroup}/*")), "{resources:?}");
            }
        }
    }
}

#[test]
fn the_stack_says_what_the_command_line_asks_for() {
    let template = Template::read();
    let outputs = template.0["Outputs"].as_mapping().expect("the template has outputs");
    let outputs: BTreeSet<String> = outputs.iter().map(|(name, _)| text(name)).collect();
    let missing = aws::stack::Outputs::NAMES.iter().filter(|name| !outputs.contains(**name));
    assert_none("the template lacks these outputs", missing.map(|name| (*name).to_owned()).collect());
}

/// What a stack must raise an alarm for, by metric.
const WATCHED: &[(&str, &str)] = &[
    ("dead letters", "ApproximateNumberOfMessagesVisible"),
    ("messages that wait", "ApproximateAgeOfOldestMessage"),
    ("failed runs", "RunsFailed"),
    ("held runs", "RunsHeld"),
    ("rejected credentials", "CredentialsRejected"),
    ("runs that do suspiciously little", "RunsPoor"),
    ("nights without a run", "RunsEnded"),
    ("schedules that did not fire", "InvocationDroppedCount"),
    ("events that a person must look at", "EventsForAPerson"),
    ("mistakes of ours", "EventsOfBugs"),
    ("functions that fail as a whole", "Errors"),
];

#[test]
fn whatever_must_be_told_has_an_alarm_that_can_see_it() {
    let template = Template::read();
    let resources = template.0["Resources"].as_mapping().expect("a template has resources");
    let alarms = resources.iter().filter(|(_, one)| one["Type"] == "AWS::CloudWatch::Alarm");
    let alarms: Vec<(String, &Value)> = alarms.map(|(name, one)| (text(name), &one["Properties"])).collect();
    let watched: BTreeSet<String> = alarms.iter().map(|(_, alarm)| text(&alarm["MetricName"])).collect();
    let unseen = WATCHED.iter().filter(|(_, metric)| !watched.contains(*metric));
    assert_none("these raise no alarm", unseen.map(|(what, metric)| format!("{what} ({metric})")).collect());
    let namespace = &template.0["Globals"]["Function"]["Environment"]["Variables"]["METRICS_NAMESPACE"];
    for (name, alarm) in &alarms {
        assert!(texts(&alarm["AlarmActions"]).contains(&"AlarmTopic".to_owned()), "{name} tells nobody");
        if text(&alarm["Namespace"]).starts_with("AWS/") {
            assert!(!alarm["Dimensions"].is_null(), "{name} would look at all of the account's");
        } else {
            // Our metrics have no dimensions (functions/src/metrics.rs): an alarm with one would never see them.
            assert_eq!((&alarm["Namespace"], alarm["Dimensions"].is_null()), (namespace, true), "{name}");
        }
    }
}

#[test]
fn every_disposition_is_in_the_runbook() {
    let runbook = std::fs::read_to_string(root().join("infra/RUNBOOK.md")).expect("the runbook lies in infra");
    let reason = reconcile::reason::Reason::Unmatched;
    let all = [Disposition::Again { after: None }, Disposition::Person, Disposition::Drop(reason), Disposition::Bug];
    let untold = all.map(Disposition::name).into_iter().filter(|name| !runbook.contains(&format!("`{name}`")));
    assert_none("the runbook does not say what these mean", untold.map(str::to_owned).collect());
}

#[test]
fn every_alarm_has_its_page_and_watches_what_is_counted() {
    let template = Template::read();
    let runbook = std::fs::read_to_string(root().join("infra/RUNBOOK.md")).expect("the runbook lies in infra");
    let metrics = std::fs::read_to_string(root().join("functions/src/metrics.rs")).expect("it lies there");
    let mut findings = Vec::new();
    let resources = template.0["Resources"].as_mapping().expect("a template has resources");
    let alarms = resources.iter().filter(|(_, one)| one["Type"] == "AWS::CloudWatch::Alarm");
    for (name, alarm) in alarms {
        let (name, properties) = (text(name), &alarm["Properties"]);
        let page = text(&properties["AlarmDescription"]);
        let page = page.split('"').nth(1).unwrap_or_else(|| panic!("{name} names no page of the runbook"));
        if !runbook.to_lowercase().contains(&format!("## {page}\n")) {
            findings.push(format!("{name}: the runbook has no page {page:?}"));
        }
        let metric = text(&properties["MetricName"]);
        let ours = text(&properties["Namespace"]).starts_with("msp-sync/");
        if ours && !metrics.contains(&format!("\"{metric}\"")) {
            findings.push(format!("{name}: nothing counts {metric}"));
        }
    }
    assert_none("alarms without a page or a metric", findings);
}
