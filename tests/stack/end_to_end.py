"""The whole bundle on a stand-in of AWS, against one machine on the same simulated vendors.

    end_to_end.py ENDPOINT FOLDER_OF_PROGRAMS WORK_FOLDER

The functions reach the stand-in through recorder.py, which writes their calls into WORK_FOLDER/calls and breaks some.
"""

import io
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time
import zipfile

import boto3

import pages
import rights

ENDPOINT, PROGRAMS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
STACK = "bundle"
BUCKET = "bundle-code"
# A schedule fires at most every minute.
SCHEDULE_SECONDS_MAX = 150
WAIT_SECONDS_MAX = 150
# A function reads on while a minute is left.
INVOCATION_SECONDS = 61
COMMAND_SECONDS_MAX = 180
CERTIFICATES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
]
KINDS = ["client", "user", "asset", "contact", "location"]


def client(service):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="eu-west-1")


def say(text):
    print(text, flush=True)


def check(holds, what, *seen):
    if not holds:
        shown = "\n".join(json.dumps(one, indent=1, default=str)[:4000] for one in seen)
        sys.exit(f"FAILED  {what}\n{shown}")
    say(f"ok      {what}")


def until(what, look, seconds_max=WAIT_SECONDS_MAX):
    """Looks again and again until `look` returns something, and returns that."""
    end = time.monotonic() + seconds_max
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    sys.exit(f"FAILED  {what}: not within {seconds_max} s")


# ------------------------------------------------------------------------------------------------------ the stack


def zipped(binary):
    """A zip as `cargo lambda build --output-format zip` makes it, from the program built for this machine."""
    small = WORK / binary
    subprocess.run(["strip", "-o", small, PROGRAMS / binary], check=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, small.read_bytes(), zipfile.ZIP_DEFLATED)
    small.unlink()
    return buffer.getvalue()


def template():
    """Our template, with each function's code where its zip lies."""
    text = pathlib.Path("template.yaml").read_text()
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    binaries = re.findall(r"Binary: ([a-z-]+) }", text)
    for binary in binaries:
        s3.put_object(Bucket=BUCKET, Key=f"{binary}.zip", Body=zipped(binary))
    places = iter(binaries)
    return re.sub(r"CodeUri: functions", lambda _: f"CodeUri: s3://{BUCKET}/{next(places)}.zip", text)


def create_stack():
    cloud = client("cloudformation")
    bundle = next(path for path in CERTIFICATES if os.path.exists(path))
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    values = {"Stage": "test", "Architecture": architecture, "CertificateBundle": bundle, "AlarmEmail": "ops@msp.example"}
    values |= {"SignInIssuer": "https://login.msp.example", "SignInClientId": "console"}
    cloud.create_stack(
        StackName=STACK,
        TemplateBody=template(),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
    )

    def done():
        stack = cloud.describe_stacks(StackName=STACK)["Stacks"][0]
        return stack if "PROGRESS" not in stack["StackStatus"] else None

    stack = until("the stack is made", done)
    events = cloud.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
    check(stack["StackStatus"] == "CREATE_COMPLETE", "the stack is made from template.yaml", failed)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def name_the_functions():
    """Has each function say its name with every call, and returns the name of each one's role."""
    functions, roles = client("lambda"), {}
    for function in functions.list_functions()["Functions"]:
        name = function["FunctionName"]
        short = name.removeprefix(f"{STACK}-")
        variables = {**function["Environment"]["Variables"], "AWS_SDK_UA_APP_ID": short}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        roles[short] = function["Role"].rsplit("/", 1)[1]
    return roles


# ------------------------------------------------------------------------------------------------------ the desk


class Desk:
    """A person at the command line, at one place."""

    def __init__(self, place):
        self.place = place

    def run(self, *words, given=None, codes=(0,)):
        command = [str(PROGRAMS / "msp-sync"), *self.place, "--json", *words]
        environment = {**os.environ, "AWS_ENDPOINT_URL": ENDPOINT}
        ran = subprocess.run(
            command, input=given, capture_output=True, text=True, env=environment, timeout=COMMAND_SECONDS_MAX
        )
        if ran.returncode not in codes:
            sys.exit(f"FAILED  {' '.join(words)} ended with {ran.returncode}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
        return ran.stdout

    def ask(self, *words, **more):
        return json.loads(self.run(*words, **more))

    def set_up(self, listing):
        """Sets an integration up as a person would, to the end of its first full sync, and returns its id."""
        integration = f"main-{listing['vendor']}"
        settings = [word for key, value in listing["settings"].items() for word in ("--setting", f"{key}={value}")]
        settings += ["--setting", "requests_per_minute=60000"]
        secret = json.dumps(listing["secret"])
        added = self.ask("integration", "add", integration, "--vendor", listing["vendor"], *settings, "--secret-stdin", given=secret)
        verified = self.ask("integration", "verify", integration)
        assert verified["ok"], verified
        kinds = ",".join(added["kinds"])
        below = ",".join(kind for kind in added["kinds"] if kind in ("asset", "contact", "location"))
        self.ask("integration", "set", integration, "--sync", kinds, "--auto-create", below)
        self.ask("sync", integration)
        if added["types"] is not None:
            types = [one["id"] for one in self.ask("integration", "types", integration)["items"]]
            self.ask("integration", "set", integration, "--types", ",".join(types))
        self.ask("auto-match", integration)
        self.ask("create-unmatched", integration)
        plan = self.ask("preview", integration)["plan_id"]
        finished = self.ask("finish", integration, "--plan", plan)
        assert finished["run"]["outcome"] == "complete", finished
        return integration

    def catalogue(self):
        """All documentation records by kind, as the place exports them."""
        return {kind: sorted(self.run("docs", "export", "--kind", kind).splitlines()) for kind in KINDS}

    def runs(self, integration):
        return self.ask("runs", integration)["items"]


def message_of_a_run_nobody_can_read(table, queue):
    """A message whose run's own item is broken: it fails however often it comes."""
    client("dynamodb").put_item(
        TableName=table,
        Item={"pk": {"S": "runs#poison"}, "sk": {"S": "open"}, "v": {"N": "1"}, "body": {"S": '{"not":"a run"}'}},
    )
    body = json.dumps({"do": "look", "run": "poison.20261122T200000000Z"})
    client("sqs").send_message(
        QueueUrl=queue, MessageBody=body, MessageGroupId="poison", MessageDeduplicationId="poison-1"
    )


# ------------------------------------------------------------------------------------------------------ the story


def tell(listings):
    outputs = create_stack()
    roles = name_the_functions()
    here, there = Desk(["--data-dir", str(WORK / "data")]), Desk(["--aws", STACK])
    began = time.monotonic()
    integrations = [there.set_up(listing) for listing in listings]
    say(f"ok      {len(integrations)} integrations are set up on the stack, in {time.monotonic() - began:.0f} s")
    for listing in listings:
        here.set_up(listing)
    one_machine, stack = here.catalogue(), there.catalogue()
    sizes = {kind: len(lines) - 1 for kind, lines in stack.items()}
    differing = {kind: [line for line in stack[kind] if line not in one_machine[kind]][:5] for kind in KINDS}
    check(stack == one_machine and sizes["asset"] > 20, f"the catalogue is the one machine's: {sizes}", differing)

    # A forced sync by invocation, as `aws lambda invoke` does it.
    first = integrations[0]
    event = json.dumps({"integration": first, "force": True})
    answer = client("lambda").invoke(FunctionName=f"{STACK}-{listings[0]['vendor']}", Payload=event)
    said = json.loads(answer["Payload"].read())
    check(said.get("state") == "read" and said["queued"]["messages"] > 0, "a forced sync by invocation reads all", said)
    run = until("the forced run ends", lambda: ended(there, first, said["run_id"]))
    check((run["trigger"], run["outcome"]) == ("forced", "complete"), "the forced run is carried out", run)
    quiet = there.ask("sync", first)["items"][0]
    changed = [counts[what] for counts in quiet["counts"].values() for what in ("created", "matched", "updated")]
    check(quiet["outcome"] == "complete" and not any(changed), "a night without changes changes nothing", quiet)
    check(there.catalogue() == stack, "the catalogue stays as it was")

    # A schedule, made by the command line in the stack's own group.
    there.ask("integration", "set", first, "--schedule", "* * * * *")
    scheduler = client("scheduler")
    group = outputs["ScheduleGroup"]
    schedule = scheduler.get_schedule(GroupName=group, Name=first)
    check(schedule["FlexibleTimeWindow"]["MaximumWindowInMinutes"] == 30, "the integration has its schedule", schedule)
    scheduled = lambda: [run for run in there.runs(first) if run["trigger"] == "schedule" and run["outcome"]]
    runs = until("a schedule fires", scheduled, SCHEDULE_SECONDS_MAX)
    check(runs[0]["outcome"] == "complete", "the schedule fired, and its run is complete", runs[0])
    there.ask("integration", "pause", first)
    left = [one["Name"] for one in scheduler.list_schedules(GroupName=group)["Schedules"]]
    check(sorted(left) == sorted(integrations[1:]), "a paused integration has no schedule, the others theirs", left)
    there.ask("integration", "resume", first)

    # A message that fails however often it comes.
    queue = outputs["RecordsQueueUrl"]
    message_of_a_run_nobody_can_read(outputs["TableName"], queue)
    letters = until("the poison is among the dead letters", lambda: there.ask("dlq", "list", codes=(0, 3))["items"])
    check([letter["of"] for letter in letters] == ["poison.20261122T200000000Z"], "a poison message ends as a dead letter", letters)
    client("dynamodb").delete_item(TableName=outputs["TableName"], Key={"pk": {"S": "runs#poison"}, "sk": {"S": "open"}})
    check(there.ask("dlq", "redrive")["redriven"] == 1, "it is sent again once its cause is mended")
    idle = lambda: depth(queue) == 0 and not there.ask("dlq", "list", codes=(0, 3))["items"]
    until("the message is dealt with", idle)
    check(there.catalogue() == stack, "none of this touched the catalogue")

    # A key that was revoked, and a new one.
    secrets = client("secretsmanager")
    name = f"{outputs['SecretPrefix']}/{listings[0]['vendor']}/{first}"
    wrong = {part: "revoked" if part != "username" else value for part, value in listings[0]["secret"].items()}
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(wrong))
    start_anew(listings[0]["vendor"])
    there.run("sync", first, codes=(3,))
    check(there.ask("status", first)["items"][0]["state"] == "credentials_rejected", "a revoked key stops the integration")
    there.run("secret", "rotate", first, "--secret-stdin", given=json.dumps(wrong), codes=(1,))
    there.ask("secret", "rotate", first, "--secret-stdin", given=json.dumps(listings[0]["secret"]))
    stages = secrets.describe_secret(SecretId=name)["VersionIdsToStages"].values()
    flat = sorted(stage for some in stages for stage in some)
    check(flat.count("AWSCURRENT") == 1 and "AWSPREVIOUS" in flat, "a new key is current, the one before is kept", flat)
    check(there.ask("sync", first)["items"][0]["outcome"] == "complete", "and the integration syncs again")

    # The console's function, asked as an admin over HTTP API events.
    ask_console(listings[-1], integrations)

    # The same function's pages, for people with a session.
    key = secrets.get_secret_value(SecretId=f"{outputs['SecretPrefix']}/console/cookie-key")["SecretString"]
    run = pages.browse(invoke_console, key, integrations[0], check)
    over = until("the run that a page began is over", lambda: ended(there, integrations[0], run))
    check(over["outcome"] == "complete", "the run that a page began is complete", over)
    check(there.ask("status", integrations[0])["items"][0]["state"] == "live", "a viewer paused nothing")

    # A read that outlives its invocation: with so little time a call or two is all that an invocation makes.
    continued, vendor = integrations[-1], listings[-1]["vendor"]
    client("lambda").update_function_configuration(FunctionName=f"{STACK}-{vendor}", Timeout=INVOCATION_SECONDS)
    run = there.ask("sync", continued, "--force")["items"][0]
    check(run["outcome"] == "complete", "a read goes on over several invocations of the function", run)
    check(there.catalogue() == stack, "the catalogue is still the one machine's")

    # Rights: whoever called what, against the roles that the template made.
    identities = client("iam")
    statements = {who: rights.granted(identities, STACK, role) for who, role in roles.items()}
    report, findings = rights.compare(WORK / "calls", statements)
    say("\n".join(report))
    check(not findings, "each function has exactly the rights that it used", findings)


def invoke_console(event):
    answered = client("lambda").invoke(FunctionName=f"{STACK}-console", Payload=json.dumps(event))
    return json.loads(answered["Payload"].read())


def start_anew(vendor):
    """Ends the environments of a function, which keep a secret for minutes, by changing its configuration."""
    functions, name = client("lambda"), f"{STACK}-{vendor}"
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, "STARTED": "anew"}})


def ask_console(listing, integrations):
    def ask(question, caller={"iam": {"userArn": "arn:aws:iam::000000000000:user/ann"}}):
        event = {"rawPath": "/ask/admin", "requestContext": {"authorizer": caller}, "body": json.dumps(question)}
        answer = invoke_console(event)
        return answer["statusCode"], json.loads(answer["body"])

    status = {"ask": "status", "id": None, "page": {"limit": 10}}
    code, told = ask(status)
    check(code == 200 and len(told["of"]["items"]) == len(integrations), "the console answers", told)
    check(ask(status, None)[0] == 403, "and lets nobody in who does not say who they are")
    first = integrations[0]
    every_night = {"schedule": "0 4 * * *"}
    questions = [
        {"ask": "integration_set", "id": first, "change": every_night},
        {"ask": "pause", "id": first},
        {"ask": "resume", "id": first},
        {"ask": "sync", "target": {"ids": [first]}, "force": False},
        {"ask": "docs_list", "kind": "client", "client": None, "search": None, "page": {"limit": 10}},
    ]
    for question in questions:
        code, told = ask(question)
        check(code == 200, f"the console carries out {question['ask']}", told)
    # An account of which there is one already is refused; under another address it is another account.
    settings = {**listing["settings"], "requests_per_minute": "60000"}
    if "url" in settings:
        settings["url"] = settings["url"].replace("127.0.0.1", "localhost")
    added = {"ask": "integration_add", "id": "second", "vendor": listing["vendor"], "settings": settings}
    for question in [{**added, "secret": listing["secret"]}, {"ask": "integration_remove", "id": "second"}]:
        code, told = ask(question)
        check(code == 200, f"the console carries out {question['ask']}", told)


def ended(desk, integration, run):
    return next((one for one in desk.runs(integration) if one["run_id"] == run and one["outcome"]), None)


def depth(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def main():
    command = [str(PROGRAMS / "msp-sync"), "--json", "sandbox", "--clients", "8", "--devices", "80", "--seed", "5"]
    sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        tell(json.loads(sandbox.stdout.readline())["items"])
    finally:
        sandbox.terminate()
        sandbox.wait()


main()
