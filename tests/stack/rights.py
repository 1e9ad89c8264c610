"""What the functions called, held against what template.yaml lets them: nothing is missing, and nothing is idle."""

import fnmatch
import json
import re

from place import STACK

# Rights that a service of AWS uses in a function's name, so that no call of the function shows them: exactly these, each with
# who does, and on what. Whatever else is granted has to be seen.
USED_BY_AWS = {
    "Log": ("Lambda writes the function's log", {"logs:CreateLogStream", "logs:PutLogEvents"}, "/aws/lambda/{stack}-{who}"),
    "TellOfFailedEvents": ("Lambda leaves events that failed", {"sqs:SendMessage"}, "{stack}-failed-events"),
    "WhatLambdaDoesToFeedIt": (
        "Lambda takes messages from the queue",
        {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
        "{stack}-records.fifo",
    ),
}
OTHERS = ("reconciler", "console")


def granted(identities, role):
    """The statements of a role as (sid, action, resource)."""
    statements = []
    role = role.rsplit("/", 1)[-1]
    for name in identities.list_role_policies(RoleName=role)["PolicyNames"]:
        document = identities.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        for one in document["Statement"]:
            assert one["Effect"] == "Allow", one
            actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
            resources = [one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"]
            statements += [(one["Sid"], action, resource) for action in actions for resource in resources]
    return statements


def last_part(arn):
    """What a call names: a table, a queue, a secret, a function, a schedule's group, a role, a log group."""
    resource = arn.split(":", 5)[-1]
    if resource.startswith("secret:"):
        return resource.removeprefix("secret:")
    if resource.startswith("schedule/"):
        return resource.split("/")[1]
    if resource.startswith("log-group:"):
        return resource.removeprefix("log-group:").removesuffix(":*")
    return re.split("[:/]", resource)[-1]


def compare(story, identities, log):
    """Returns a report by function, and what is wrong."""
    statements_of = {who: granted(identities, role) for who, role in story.roles.items()}
    used = {}
    for line in log.read_text().splitlines():
        call = json.loads(line)
        used.setdefault(call["who"], set()).add((call["action"], call["resource"]))
    report, findings, seen = [], [], set()
    for who, statements in sorted(statements_of.items()):
        calls = used.get(who, set())
        for action, resource in sorted(calls):
            uses = {(sid, action) for sid, allowed, of in statements if action == allowed and fits(resource, last_part(of))}
            seen |= {(shape(who), *use) for use in uses}
            if not uses:
                findings.append(f"{who} may not {action} on {resource}")
        report.append(f"{who}: {', '.join(sorted({action for action, _ in calls}))}")
        findings += too_wide(who, statements) + by_aws(who, statements)
    granted_ones = {(shape(who), sid, action) for who, some in statements_of.items() for sid, action, _ in some}
    idle = sorted(one for one in granted_ones - seen if one[1] not in USED_BY_AWS)
    findings += [f"{who} never needs {action} ({sid})" for who, sid, action in idle]
    return report, findings + unlike(statements_of) + scheduler(story, identities)


def fits(resource, pattern):
    return fnmatch.fnmatchcase(resource, pattern)


def shape(who):
    """The functions that read vendors have one shape of rights, each over its own secrets; see `unlike`."""
    return who if who in OTHERS else "a vendor's function"


def unlike(statements_of):
    """Vendors' functions whose rights differ by more than the vendor's name."""
    shapes = {
        who: {(sid, action, last_part(of).replace(who, "VENDOR")) for sid, action, of in some}
        for who, some in statements_of.items()
        if who not in OTHERS
    }
    first = shapes["auvik"]
    return [f"{who} has other rights than auvik: {sorted(one ^ first)}" for who, one in sorted(shapes.items()) if one != first]


def too_wide(who, statements):
    """A star stands at the end of a name only, where what is meant has no name yet: secrets, schedules, log streams."""
    ends = ("/*", "log-group:/aws/lambda/" + f"{STACK}-{who}:*")
    wide = [(action, of) for _, action, of in statements if "*" in action or ("*" in of and not of.endswith(ends))]
    return [f"{who}: too wide: {action} on {of}" for action, of in wide]


def by_aws(who, statements):
    """What services of AWS use is granted to the letter, where it is granted."""
    findings = []
    for sid, (_, actions, resource) in USED_BY_AWS.items():
        some = [(action, last_part(of)) for of_sid, action, of in statements if of_sid == sid]
        on = resource.format(stack=STACK, who=who)
        if some and set(some) != {(action, on) for action in actions}:
            findings.append(f"{who}: {sid} is {sorted(some)}, and should be {sorted(actions)} on {on}")
    return findings


def scheduler(story, identities):
    """The role of schedules calls what schedules were seen to call, and leaves failed events where they were seen to."""
    targets = [one["Target"] for one in story.schedules.values()]
    wanted = {("lambda:InvokeFunction", target["Arn"]) for target in targets}
    wanted |= {("sqs:SendMessage", target["DeadLetterConfig"]["Arn"]) for target in targets if "DeadLetterConfig" in target}
    found = {(action, of) for _, action, of in granted(identities, story.outputs["SchedulerRoleArn"])}
    return [f"the scheduler's role: {one}" for one in sorted(wanted ^ found)]


def other_secrets(story, identities):
    """Secrets that a vendor's function may read though they are not its vendor's, or may change; asked of its policy by us
    and by the stand-in's own evaluation."""
    refused, vendors = [], [who for who in story.roles if who not in OTHERS]
    names = {vendor: client_arn(story, vendor) for vendor in vendors}
    for who in vendors:
        statements = granted(identities, story.roles[who])
        for vendor, arn in names.items():
            for action in ["GetSecretValue", "PutSecretValue", "DeleteSecret", "UpdateSecretVersionStage"]:
                action = f"secretsmanager:{action}"
                wanted = vendor == who and action.endswith("GetSecretValue")
                ours = any(action == allowed and fits(arn, of) for _, allowed, of in statements)
                asked = identities.simulate_principal_policy(
                    PolicySourceArn=story.roles[who], ActionNames=[action], ResourceArns=[arn]
                )
                theirs = asked["EvaluationResults"][0]["EvalDecision"] == "allowed"
                if (ours, theirs) != (wanted, wanted):
                    refused.append((who, action, arn, ours, theirs))
    return refused


def client_arn(story, vendor):
    """A secret's ARN ends in six letters that AWS adds."""
    return f"arn:aws:secretsmanager:eu-west-1:000000000000:secret:{story.secret_name(vendor)}-AbCdEf"
