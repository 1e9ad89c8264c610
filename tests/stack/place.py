"""The stack on the stand-in of AWS: made from template.yaml, with zips of the programs that were built for this machine."""

import contextlib
import io
import json
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time
import zipfile

import boto3
import botocore.exceptions

ENDPOINT, BETWEEN, ENDPOINT_OF_FAULTS = (os.environ[name] for name in ("STAND_IN", "BETWEEN", "FAULTS"))
PROGRAMS, WORK = pathlib.Path(os.environ["PROGRAMS"]), pathlib.Path(os.environ["WORK"])
STACK = "bundle"
BUCKET = "bundle-code"
WAIT_SECONDS_MAX = 150
CERTIFICATES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
]


def client(service, endpoint=ENDPOINT):
    return boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1")


def warm_up():
    """What breaks calls loads AWS's own description of all services at its first call, which takes seconds."""
    with contextlib.suppress(botocore.exceptions.ClientError):
        client("sqs", ENDPOINT_OF_FAULTS).list_queues()


def say(text):
    print(text, flush=True)


def check(holds, what, *seen):
    if not holds:
        shown = "\n".join(json.dumps(one, indent=1, default=str)[:4000] for one in seen)
        raise SystemExit(f"FAILED  {what}\n{shown}")
    say(f"ok      {what}")


def until(what, look, seconds_max=WAIT_SECONDS_MAX):
    """Looks again and again until `look` returns something, and returns that."""
    end = time.monotonic() + seconds_max
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise SystemExit(f"FAILED  {what}: not within {seconds_max} s")


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
    """Makes the stack, and returns its outputs."""
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
    """Has each function say its name with every call, and returns the ARN of each one's role."""
    functions, roles = client("lambda"), {}
    for function in functions.list_functions()["Functions"]:
        name = function["FunctionName"]
        short = name.removeprefix(f"{STACK}-")
        variables = {**function["Environment"]["Variables"], "AWS_SDK_UA_APP_ID": short}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        roles[short] = function["Role"]
    return roles


def invoke(function, event):
    """Calls a function, waits, and returns its answer."""
    answer = client("lambda").invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def hand_over(function, event):
    """Hands an event to a function, as Scheduler does, and does not wait."""
    client("lambda").invoke(FunctionName=f"{STACK}-{function}", InvocationType="Event", Payload=json.dumps(event))


def environments(function):
    """The processes of a function, by what their environment says; no others of this machine are ours."""
    ours = {f"AWS_LAMBDA_FUNCTION_NAME={STACK}-{function}".encode(), f"AWS_ENDPOINT_URL={BETWEEN}".encode()}
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if ours <= set((folder / "environ").read_bytes().split(b"\0")):
                    found.append(int(folder.name))
            except OSError:
                pass
    return found


def kill_environments(function):
    """Kills a function's processes, whatever they are doing; says how many there were."""
    pids = environments(function)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def depth(queue):
    """How many messages wait in a queue or are being worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


if sys.platform != "linux":
    raise SystemExit("processes are looked for in /proc, which this system has not")
