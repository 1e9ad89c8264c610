"""The whole bundle on a stand-in of AWS, against one machine on the same simulated vendors.

The functions reach the stand-in through recorder.py, which writes their calls into WORK/calls and holds some back, and
through what faults.yaml breaks. Started by tests/stack/run, which says where all of them are.
"""

import concurrent.futures
import json
import subprocess
import time
import urllib.request

import pages
import rights
from desk import Desk
from gate import Gate
from place import BETWEEN, ENDPOINT_OF_FAULTS, PROGRAMS, STACK, WORK
from place import check, client, create_stack, depth, environments, hand_over, invoke, kill_environments
from place import name_the_functions, say, until, warm_up

# A schedule fires at most every minute, and the stand-in looks each ten seconds from the second minute on.
SCHEDULE_SECONDS_MAX = 180
# How long an invocation lives, and what must be left of it for a function to read on.
INVOCATION_SECONDS, LEFT_UNREAD_SECONDS = 70, 60
# Longer than a function waits within an invocation (20 s).
WAIT_ASKED_FOR_SECONDS = 21
# More than the guard lets pass without a word (product.md section 4).
CREATED_WITHOUT_A_WORD_MAX = 25
# What a message that a dead function had is hidden for in these tests; the template says 18 minutes.
HIDDEN_SECONDS = 10


class Story:
    """What the chapters share: the stack, the one machine beside it, and an integration a vendor."""

    def __init__(self, listings):
        self.listings = {listing["vendor"]: listing for listing in listings}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            warm = pool.submit(warm_up)
            self.outputs = create_stack()
            self.roles = name_the_functions()
            warm.result()
        self.here, self.there = Desk(["--data-dir", str(WORK / "data")]), Desk(["--aws", STACK])
        self.gate = Gate(self.listings["nable-rmm"]["url"])
        self.schedules = {}
        self.catalogue = None

    def id(self, vendor):
        return f"main-{vendor}"

    def secret_name(self, vendor):
        return f"{self.outputs['SecretPrefix']}/{vendor}/{self.id(vendor)}"

    def both(self, work):
        """Has the same done at the stack and on the one machine; returns what came of it there and here."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            here = pool.submit(work, self.here)
            there = work(self.there)
            return there, here.result()

    def note_schedules(self):
        """Remembers what is seen of schedules in either group: a continuation's is gone soon."""
        scheduler = client("scheduler")
        for group in [STACK, f"{STACK}-continuations"]:
            for one in scheduler.list_schedules(GroupName=group)["Schedules"]:
                key = (group, one["Name"])
                if key not in self.schedules:
                    self.schedules[key] = scheduler.get_schedule(GroupName=group, Name=one["Name"])
        return self.schedules


# ------------------------------------------------------------------------------------------------------ chapters


def people_set_up(story):
    order = ["autotask", *(vendor for vendor in story.listings if vendor != "autotask")]

    def set_up(desk):
        at = {"nable-rmm": story.gate.url} if desk is story.there else {}
        return [desk.set_up(story.listings[vendor], at.get(vendor)) for vendor in order[:1]]

    story.both(set_up)
    the_guard_holds(story)

    def set_up_the_others(desk):
        at = {"nable-rmm": story.gate.url} if desk is story.there else {}
        return [desk.set_up(story.listings[vendor], at.get(vendor)) for vendor in order[1:]]

    story.both(set_up_the_others)
    there, here = story.both(Desk.catalogue)
    sizes = {kind: len(lines) - 1 for kind, lines in there.items()}
    differing = {kind: [line for line in lines if line not in here[kind]][:5] for kind, lines in there.items()}
    check(there == here and sizes["asset"] > 20, f"five integrations; the catalogue is the one machine's: {sizes}", differing)


def the_guard_holds(story):
    """Plans that the guard held are approved by a person at the command line, and by one at the console."""
    integration = story.id("autotask")
    counts = {one["id"]: one["count"] for one in story.there.items("integration", "types", integration)}
    half, rest = halves(counts)

    def hold_and_approve(desk):
        plan, planned = desk.hold(integration, half)
        desk.ask("plan", "approve", plan)
        return planned, desk.plan_state(integration, plan)

    there, here = story.both(hold_and_approve)
    check(there == here and there[1] == "applied", "a plan that the guard held is approved through --aws", there, here)

    (plan, planned), (plan_here, planned_here) = story.both(lambda desk: desk.hold(integration, half + rest))
    check(planned == planned_here, "the guard holds what the one machine holds", planned, planned_here)
    client("sqs").set_queue_attributes(QueueUrl=story.outputs["RecordsQueueUrl"], Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})
    hold_back("reconciler", "TransactWriteItems")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        told = pool.submit(ask_console, {"ask": "plan_approve", "plan": plan})
        until("the reconciler is in the middle of a write", is_held)
        killed = kill_environments("reconciler")
        let_go()
        code, answer = told.result()
    check(code == 200 and killed, "a held plan is approved at the console; the reconciler dies in the middle of it", code, answer)
    until("its messages come again, and the plan is carried out", lambda: story.there.plan_state(integration, plan) == "applied")
    story.here.ask("plan", "approve", plan_here)
    until("the run is over", lambda: story.there.runs(integration)[0]["outcome"])
    newest = [desk.runs(integration)[0] for desk in (story.there, story.here)]
    check(newest[0]["outcome"] == "complete" and newest[0]["counts"] == newest[1]["counts"], "nothing is lost or doubled by it", newest)
    client("sqs").set_queue_attributes(QueueUrl=story.outputs["RecordsQueueUrl"], Attributes={"VisibilityTimeout": "1080"})


def halves(counts):
    """Types in two parts, each of more records than the guard lets pass."""
    half, rest, records = [], [], 0
    for one, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        (half if records <= CREATED_WITHOUT_A_WORD_MAX else rest).append(one)
        records += count
    left = sum(counts[one] for one in rest)
    assert left > CREATED_WITHOUT_A_WORD_MAX, counts
    return half, rest


def slow_things_begin(story):
    """What takes a minute or more goes on beside the other chapters: a schedule, and a message that fails five times."""
    there, integration = story.there, story.id("kaseya-bms")
    there.ask("integration", "set", integration, "--schedule", "* * * * *")
    schedule = story.note_schedules()[STACK, integration]
    check(schedule["FlexibleTimeWindow"]["MaximumWindowInMinutes"] == 30, "an integration has its schedule", schedule)

    # Its run's own item is broken, so the message fails however often it comes.
    client("dynamodb").put_item(
        TableName=story.outputs["TableName"],
        Item={"pk": {"S": "runs#poison"}, "sk": {"S": "open"}, "v": {"N": "1"}, "body": {"S": '{"not":"a run"}'}},
    )
    # Sent together with one that is about nothing, so that a batch is taken in part.
    messages = [
        {
            "Id": group,
            "MessageBody": json.dumps({"do": "look", "run": f"{group}.20261122T200000000Z"}),
            "MessageGroupId": group,
            "MessageDeduplicationId": group,
        }
        for group in ("poison", "nothing")
    ]
    client("sqs").send_message_batch(QueueUrl=story.outputs["RecordsQueueUrl"], Entries=messages)
    in_part = lambda: [one for one in batches() if one["MessagesReturned"] == 1 and one["MessagesDone"] > 0]
    until("the reconciler gives one message of a batch back, and keeps the rest", in_part)
    say("ok      one message of a batch comes again, the others of the batch do not")
    # A vendor that wants to be left alone for a while, in a read that nobody at a command line waits for.
    story.gate.ask_for_a_wait(WAIT_ASKED_FOR_SECONDS)
    hand_over("nable-rmm", {"integration": story.id("nable-rmm"), "force": True})
    until("the vendor turns the function away", lambda: story.gate.turned_away)
    # It is gone as soon as it has fired.
    continuations = lambda: [one for (of, _), one in story.note_schedules().items() if of == f"{STACK}-continuations"]
    made = until("a one-time schedule is made", continuations)
    check(
        made[0]["ScheduleExpression"].startswith("at(") and made[0]["ActionAfterCompletion"] == "DELETE",
        "a read whose vendor asks for a wait goes on by a one-time schedule",
        made,
    )


def a_vendor_asks_for_a_wait(story):
    integration = story.id("nable-rmm")
    forced = lambda: [run for run in story.there.runs(integration) if run["trigger"] == "forced" and run["outcome"]]
    runs = until("the read goes on when the wait is over", forced)
    check(runs[0]["outcome"] == "complete", "the read went on, and its run is complete", runs[0])
    left = client("scheduler").list_schedules(GroupName=f"{STACK}-continuations")["Schedules"]
    check(not left, "the one-time schedule deleted itself", left)


def syncs_by_hand(story):
    """A forced sync by invocation, as `aws lambda invoke` does it, and a quiet one."""
    there, integration = story.there, story.id("auvik")
    said = invoke("auvik", {"integration": integration, "force": True})
    check(said.get("state") == "read" and said["queued"]["messages"] > 0, "a forced sync by invocation reads all", said)
    run = until("the forced run ends", lambda: there.ended(integration, said["run_id"]))
    check((run["trigger"], run["outcome"]) == ("forced", "complete"), "the forced run is carried out", run)
    quiet = there.items("sync", integration)[0]
    changed = [counts[what] for counts in quiet["counts"].values() for what in ("created", "matched", "updated")]
    check(quiet["outcome"] == "complete" and not any(changed), "a night without changes changes nothing", quiet)


def a_reader_dies(story):
    """The vendor's function is killed after it sent messages: Lambda repeats an event, and tells a caller who waits."""
    there, integration = story.there, story.id("auvik")
    before = {run["run_id"] for run in there.runs(integration)}
    hold_back("auvik", "SendMessageBatch")
    hand_over("auvik", {"integration": integration, "force": True})
    until("the function is in the middle of a read", is_held)
    check(kill_environments("auvik"), "the vendor's function is killed in the middle of a read")
    let_go()
    new = lambda: [run for run in there.runs(integration) if run["run_id"] not in before]
    runs = until("the event's next try makes a run", lambda: [run for run in new() if run["outcome"] == "complete"] and new())
    outcomes = [run["outcome"] for run in runs]
    check(outcomes == ["complete", "failed"], "its run is given up, and the next one is complete", runs)

    hold_back("auvik", "SendMessageBatch")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        told = pool.submit(there.run, "sync", integration, "--force", codes=(1,))
        until("the function is in the middle of a read that somebody waits for", is_held)
        kill_environments("auvik")
        let_go()
        told.result()
    over = there.runs(integration)[0]
    check(over["outcome"] == "failed", "who waits for a function that is killed is told, and its run is given up", over)
    run = there.items("sync", integration)[0]
    check(run["outcome"] == "complete", "nothing is in the way of the next sync", run)


def people_decide(story):
    """Decisions, undo, documentation and mappings, the same at both places; what was decided here is carried over there."""
    integration = story.id("autotask")

    def decide(desk):
        one = desk.record(integration, "contact", "created")
        desk.ask("exclude", integration, "--kind", "contact", one)
        plan = desk.finish(integration)
        excluded = desk.state(integration, "contact", one)
        desk.ask("undo", plan)
        staged_again = desk.ask("preview", integration)["counts"]["exclude"]
        undone = (desk.plan_state(integration, plan), staged_again)
        asset = sorted(doc["doc_id"] for doc in desk.items("docs", "list", "--kind", "asset"))[0]
        desk.ask("docs", "edit", asset, "--set", "model=Written by a person")
        shown = desk.ask("docs", "show", asset)
        desk.ask("docs", "archive", asset)
        archived = desk.ask("docs", "show", asset)["archived"]
        desk.ask("docs", "restore", asset)
        return excluded, undone, shown["fields"]["model"], archived

    there, here = story.both(decide)
    check(there == here == ("excluded", ("undone", 1), "Written by a person", True), "decisions, undo, docs", there, here)

    left = story.here.record(integration, "contact", "created", 1)
    story.here.ask("exclude", integration, "--kind", "contact", left)
    story.here.finish(integration)
    file = WORK / "mappings.csv"
    file.write_text(story.here.run("mappings", "export", integration))
    story.there.ask("mappings", "import", integration, str(file), codes=(0, 3))
    story.there.finish(integration)
    exported = [desk.run("mappings", "export", integration).splitlines() for desk in (story.there, story.here)]
    check(exported[0] == exported[1], "mappings are carried from one deployment to another", exported)


def slow_things_end(story):
    there, integration = story.there, story.id("kaseya-bms")
    scheduled = lambda: [run for run in there.runs(integration) if run["trigger"] == "schedule" and run["outcome"]]
    runs = until("a schedule fires", scheduled, SCHEDULE_SECONDS_MAX)
    check(runs[0]["outcome"] == "complete", "the schedule fired, and its run is complete", runs[0])
    there.ask("integration", "pause", integration)
    scheduler = client("scheduler")
    left = [one["Name"] for one in scheduler.list_schedules(GroupName=STACK)["Schedules"]]
    others = sorted(story.id(vendor) for vendor in story.listings if vendor != "kaseya-bms")
    check(sorted(left) == others, "a paused integration has no schedule, the others theirs", left)
    there.ask("integration", "set", integration, "--schedule", "0 20 * * *")
    there.ask("integration", "resume", integration)

    queue = story.outputs["RecordsQueueUrl"]
    letters = until("the poison is among the dead letters", lambda: there.items("dlq", "list", codes=(0, 3)))
    check([letter["of"] for letter in letters] == ["poison.20261122T200000000Z"], "a poison message ends as a dead letter", letters)
    key = {"pk": {"S": "runs#poison"}, "sk": {"S": "open"}}
    client("dynamodb").delete_item(TableName=story.outputs["TableName"], Key=key)
    check(there.ask("dlq", "redrive")["redriven"] == 1, "it is sent again once its cause is mended")
    idle = lambda: depth(queue) == 0 and not there.items("dlq", "list", codes=(0, 3))
    until("the message is dealt with", idle)


def a_key_is_revoked(story):
    """Environments keep a key for minutes: a revoked one stops the integration, a new one is met at once."""
    there, integration, secrets = story.there, story.id("auvik"), client("secretsmanager")
    right = story.listings["auvik"]["secret"]
    wrong = {part: "revoked" if part != "username" else value for part, value in right.items()}
    secrets.put_secret_value(SecretId=story.secret_name("auvik"), SecretString=json.dumps(wrong))
    kill_environments("auvik")
    until("the environments that kept the right key are gone", lambda: not environments("auvik"))
    there.run("sync", integration, codes=(3,))
    state = there.items("status", integration)[0]["state"]
    check(state == "credentials_rejected", "a revoked key stops the integration", state)
    there.run("secret", "rotate", integration, "--secret-stdin", given=json.dumps(wrong), codes=(1,))
    there.ask("secret", "rotate", integration, "--secret-stdin", given=json.dumps(right))
    versions = secrets.describe_secret(SecretId=story.secret_name("auvik"))["VersionIdsToStages"].values()
    stages = sorted(stage for some in versions for stage in some)
    check(stages.count("AWSCURRENT") == 1 and "AWSPREVIOUS" in stages, "a new key is current, the one before is kept", stages)
    check("AWSPENDING" not in stages, "no proposed key is left over", stages)
    run = there.items("sync", integration)[0]
    check(run["outcome"] == "complete", "the new key is met at once by environments that kept the one before", run)


def reads_outlive_their_invocations(story):
    """The vendor's first answer takes all the time that an invocation reads; the function calls itself to go on."""
    integration = story.id("nable-rmm")
    client("lambda").update_function_configuration(FunctionName=f"{STACK}-nable-rmm", Timeout=INVOCATION_SECONDS)
    story.gate.be_slow(INVOCATION_SECONDS - LEFT_UNREAD_SECONDS + 1)
    run = story.there.items("sync", integration, "--force")[0]
    check(run["outcome"] == "complete", "a read goes on over several invocations of the function", run)


def people_ask_the_console(story):
    status = {"ask": "status", "id": None, "page": {"limit": 10}}
    code, told = ask_console(status)
    check(code == 200 and len(told["of"]["items"]) == len(story.listings), "the console answers", told)
    check(ask_console(status, None)[0] == 403, "and lets nobody in who does not say who they are")
    first, listing = story.id("auvik"), story.listings["connectwise"]
    every_night = {"schedule": "0 4 * * *"}
    questions = [
        {"ask": "integration_set", "id": first, "change": every_night},
        {"ask": "pause", "id": first},
        {"ask": "resume", "id": first},
        {"ask": "sync", "target": {"ids": [first]}, "force": False},
        {"ask": "docs_list", "kind": "client", "client": None, "search": None, "page": {"limit": 10}},
    ]
    for question in questions:
        code, told = ask_console(question)
        check(code == 200, f"the console carries out {question['ask']}", told)
    # An account of which there is one already is refused; under another address it is another account.
    settings = {**listing["settings"], "requests_per_minute": "60000"}
    settings["url"] = settings["url"].replace("127.0.0.1", "localhost")
    added = {"ask": "integration_add", "id": "second", "vendor": listing["vendor"], "settings": settings}
    for question in [{**added, "secret": listing["secret"]}, {"ask": "integration_remove", "id": "second"}]:
        code, told = ask_console(question)
        check(code == 200, f"the console carries out {question['ask']}", told)


def people_sign_in_to_the_console(story):
    """The same function's pages, for people with a session."""
    there, integration = story.there, story.id("auvik")
    name = f"{story.outputs['SecretPrefix']}/console/cookie-key"
    key = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    run = pages.browse(lambda event: invoke("console", event), key, integration, check)
    over = until("the run that a page began is over", lambda: there.ended(integration, run))
    check(over["outcome"] == "complete", "the run that a page began is complete", over)
    check(there.items("status", integration)[0]["state"] == "live", "a viewer paused nothing")


def rights_are_exact(story):
    """Whoever called what, against the roles that the template made."""
    report, findings = rights.compare(story, client("iam"), WORK / "calls")
    say("\n".join(report))
    check(not findings, "each function has exactly the rights that it used", findings)
    refused = rights.other_secrets(story, client("iam"))
    check(not refused, "no vendor's function may read another vendor's secrets", refused)


def every_fault_struck():
    """Each rule of faults.yaml broke calls."""
    with urllib.request.urlopen(f"{ENDPOINT_OF_FAULTS}/_microburst/rules") as answer:
        rules = json.load(answer)
    struck = sum(rule["fired_count"] for rule in rules)
    check(
        rules and all(rule["fired_count"] for rule in rules),
        f"{struck} calls of the functions were throttled, or lost their answer, by each of {len(rules)} rules",
        rules,
    )


# ------------------------------------------------------------------------------------------------------ by the way


def ask_console(question, caller={"iam": {"userArn": "arn:aws:iam::000000000000:user/ann"}}):
    event = {"rawPath": "/ask/admin", "requestContext": {"authorizer": caller}, "body": json.dumps(question)}
    answer = invoke("console", event)
    return answer["statusCode"], json.loads(answer["body"])


def batches():
    """What the reconciler said of its batches."""
    pages = client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{STACK}-reconciler")
    lines = [event["message"] for page in pages for event in page["events"]]
    return [json.loads(line) for line in lines if "MessagesReturned" in line and line.startswith("{")]


def between(method, wanted=None):
    body = json.dumps(wanted).encode() if wanted else None
    with urllib.request.urlopen(urllib.request.Request(f"{BETWEEN}/_between", body, method=method)) as answer:
        return json.load(answer)


def hold_back(who, operation):
    between("PUT", {"who": who, "operation": operation})


def is_held():
    return between("GET")["held"]


def let_go():
    between("DELETE")


CHAPTERS = [
    people_set_up,
    slow_things_begin,
    syncs_by_hand,
    a_reader_dies,
    a_vendor_asks_for_a_wait,
    people_decide,
    slow_things_end,
    a_key_is_revoked,
    people_ask_the_console,
    people_sign_in_to_the_console,
    reads_outlive_their_invocations,
]


def tell(listings):
    story = Story(listings)
    for chapter in CHAPTERS:
        began = time.monotonic()
        chapter(story)
        say(f"        {chapter.__name__.replace('_', ' ')}: {time.monotonic() - began:.0f} s")
    there, here = story.both(Desk.catalogue)
    differing = {kind: sorted(set(lines) ^ set(here[kind]))[:6] for kind, lines in there.items()}
    check(there == here, "after all of it the catalogue is still the one machine's", differing)
    story.note_schedules()
    every_fault_struck()
    rights_are_exact(story)


def main():
    command = [str(PROGRAMS / "msp-sync"), "--json", "sandbox", "--clients", "8", "--devices", "96", "--seed", "5"]
    sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        tell(json.loads(sandbox.stdout.readline())["items"])
    finally:
        sandbox.terminate()
        sandbox.wait()


main()
