//! What a stack says of itself.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::StackError;
use crate::Config;
use crate::functions::encoded;
use crate::signed::{Signed, SignedCall};

/// What a stack is worked with by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The table.
    pub table_name: String,
    /// The records queue.
    pub records_queue_url: String,
    /// Where schedules leave events that they could not deliver.
    pub failed_events_arn: String,
    /// Secrets are called `PREFIX/VENDOR/INTEGRATION`.
    pub secret_prefix: String,
    /// The group of the integrations' schedules.
    pub schedule_group: String,
    /// The role that schedules run as.
    pub scheduler_role_arn: String,
    /// With a vendor's id behind it, the function that reads this vendor.
    pub function_arn_prefix: String,
}

/// A stack's outputs, as `template.yaml` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    /// What it is worked with by.
    pub parts: Parts,
    /// `RecordsDeadLettersUrl`.
    pub records_dead_letters_url: String,
}

impl Outputs {
    /// The names of all of them.
    pub const NAMES: [&str; 8] = [
        "TableName",
        "RecordsQueueUrl",
        "RecordsDeadLettersUrl",
        "FailedEventsArn",
        "SecretPrefix",
        "ScheduleGroup",
        "SchedulerRoleArn",
        "FunctionArnPrefix",
    ];

    /// Asks CloudFormation for the outputs of a stack.
    pub async fn of(config: &Config, stack: &str) -> Result<Outputs, StackError> {
        let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={}", encoded(stack));
        let headers: &[(&'static str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
        let call = SignedCall { headers, ..SignedCall::json("describe the stack", "POST", "/", body.into_bytes()) };
        let answer = Signed::open(config, "cloudformation").send(&call).await?;
        Self::read(stack, &parse(&String::from_utf8_lossy(&answer.body)))
    }

    fn read(stack: &str, found: &BTreeMap<String, String>) -> Result<Outputs, StackError> {
        let output = |missing: &'static str| {
            let value = found.get(missing).filter(|value| !value.is_empty()).cloned();
            value.ok_or_else(|| StackError::NotOurs { stack: stack.to_owned(), missing })
        };
        let parts = Parts {
            table_name: output("TableName")?,
            records_queue_url: output("RecordsQueueUrl")?,
            failed_events_arn: output("FailedEventsArn")?,
            secret_prefix: output("SecretPrefix")?,
            schedule_group: output("ScheduleGroup")?,
            scheduler_role_arn: output("SchedulerRoleArn")?,
            function_arn_prefix: output("FunctionArnPrefix")?,
        };
        Ok(Outputs { parts, records_dead_letters_url: output("RecordsDeadLettersUrl")? })
    }
}

/// Reads the outputs from CloudFormation's answer; what cannot be read is left out, and is missed by name then.
fn parse(answer: &str) -> BTreeMap<String, String> {
    let mut reader = Reader::from_str(answer);
    let mut outputs = BTreeMap::new();
    let (mut element, mut key, mut value) = (String::new(), String::new(), String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => element = start.local_name().as_ref().to_owned(),
            Ok(Event::Text(text)) => match element.as_str() {
                "OutputKey" => key.push_str(&text),
                "OutputValue" => value.push_str(&text),
                _ => {}
            },
            // Of the letters that XML escapes, an ampersand in an address is all that an output of ours can hold.
            Ok(Event::GeneralRef(name)) if element == "OutputValue" && &*name == "amp" => value.push('&'),
            Ok(Event::End(end)) => {
                if end.local_name().as_ref() == "member" && !key.is_empty() {
                    outputs.insert(std::mem::take(&mut key), std::mem::take(&mut value));
                }
                element.clear();
            }
            Ok(Event::Eof) | Err(_) => return outputs,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
        <DescribeStacksResult><Stacks><member><StackName>acme</StackName><Outputs>\
        <member><OutputKey>TableName</OutputKey><OutputValue>acme-Table-1</OutputValue></member>\
        <member><Description>a queue</Description><OutputKey>RecordsQueueUrl</OutputKey>\
        <OutputValue>https://sqs.example/1/acme.fifo?a=1&amp;b=2</OutputValue></member>\
        </Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>";

    #[test]
    fn outputs_are_read_by_name() {
        let outputs = parse(ANSWER);
        assert_eq!(outputs["TableName"], "acme-Table-1");
        assert_eq!(outputs["RecordsQueueUrl"], "https://sqs.example/1/acme.fifo?a=1&b=2");
        assert_eq!(outputs.len(), 2);
    }

    #[test]
    fn a_stack_of_somebody_else_is_told_by_what_it_lacks() {
        let error = Outputs::read("acme", &parse(ANSWER)).unwrap_err();
        assert_eq!(error.to_string(), "the stack acme has no output FailedEventsArn");
        assert!(parse("<html><body>no XML").is_empty());
    }

    #[test]
    fn all_names_are_read() {
        let found = Outputs::NAMES.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect();
        assert_eq!(Outputs::read("acme", &found).unwrap().parts.function_arn_prefix, "FunctionArnPrefix");
    }
}
