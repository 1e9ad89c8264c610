"""What the functions called, held against what template.yaml lets them: nothing is missing, and nothing is idle."""

import fnmatch
import json
import re

# Rights that others use in a function's name, or that a run without faults of its own never needs, each with who does.
USED_ELSEWHERE = {
    "Log": "Lambda writes the function's log",
    "TellOfFailedEvents": "Lambda leaves events that failed",
    "WhatLambdaDoesToFeedIt": "Lambda takes messages from the queue",
    "GoOnLater": "only where a vendor asks for a wait",
    "LetTheSchedulerInvoke": "goes with GoOnLater",
    "CarryOutApprovedPlans": "only where a plan is held",
}


def granted(roles, stack, role):
    """The statements of a role as (sid, action, pattern of a resource's last part)."""
    statements = []
    for name in roles.list_role_policies(RoleName=role)["PolicyNames"]:
        document = roles.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        for one in document["Statement"]:
            actions = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
            resources = [one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"]
            statements += [(one["Sid"], action, last_part(resource)) for action in actions for resource in resources]
    return statements


def last_part(arn):
    """What a call names: a table, a queue, a secret, a function, a schedule's group, a role."""
    resource = arn.split(":", 5)[-1]
    if resource.startswith("secret:"):
        return resource.removeprefix("secret:")
    if resource.startswith("schedule/"):
        return resource.split("/")[1]
    return re.split("[:/]", resource)[-1]


def compare(log, statements_of):
    """Returns a report by function, and what is wrong."""
    used = {}
    for line in log.read_text().splitlines():
        call = json.loads(line)
        used.setdefault(call["who"], set()).add((call["action"], call["resource"]))
    report, findings = [], []
    seen = set()
    for who, statements in sorted(statements_of.items()):
        calls = used.get(who, set())
        for action, resource in sorted(calls):
            uses = {(sid, action) for sid, allowed, of in statements if action == allowed and fits(resource, of)}
            seen |= {(shape(who), *use) for use in uses}
            if not uses:
                findings.append(f"{who} may not {action} on {resource}")
        report.append(f"{who}: {', '.join(sorted({action for action, _ in calls}))}")
    granted_ones = {(shape(who), sid, action) for who, some in statements_of.items() for sid, action, _ in some}
    for who, sid, action in sorted(granted_ones - seen):
        if sid in USED_ELSEWHERE:
            report.append(f"not seen of {who}: {action} ({USED_ELSEWHERE[sid]})")
        else:
            findings.append(f"{who} never needs {action}")
    return report, findings


def fits(resource, pattern):
    return fnmatch.fnmatchcase(resource, pattern)


def shape(who):
    """The functions that read vendors have one shape of rights, each over its own secrets."""
    return who if who in ("reconciler", "console") else "a vendor's function"
