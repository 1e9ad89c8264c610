"""What stands between the functions and AWS: it writes down who calls what, and holds a call back where a test wants to see
what becomes of a function that dies in the middle of it.

    recorder.py PORT UPSTREAM LOG_FILE

A line of the log is {"who", "action", "resource"}: the function, the right that IAM would ask for, and what it would have to
be for. Calls are broken by what stands behind (faults.yaml), not here. A test asks at /_between:

    PUT {"who": "auvik", "operation": "SendMessageBatch"}   the next such call is carried out, and its answer held back
    GET                                                     {"held": true} as soon as there is one
    DELETE                                                  the held call's connection is cut; nothing more is held
"""

import http.client
import http.server
import json
import re
import sys
import threading
from urllib.parse import unquote, urlsplit

PORT, UPSTREAM, LOG = int(sys.argv[1]), urlsplit(sys.argv[2]), sys.argv[3]
# In a transaction IAM asks for the right of each write.
WRITES = {"Put": "PutItem", "Delete": "DeleteItem", "Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem"}

# Longer than a test looks for what it waits for.
HELD_SECONDS_MAX = 120
lock = threading.Lock()


class Snare:
    """Which call is held back."""

    def __init__(self, who=None, operation=None):
        self.who, self.operation = who, operation
        self.held, self.over = threading.Event(), threading.Event()

    def takes(self, who, operation):
        if self.who is None or self.held.is_set() or (who, operation) != (self.who, self.operation):
            return False
        self.held.set()
        return True


snare = Snare()


def rights(method, path, target, body):
    """The rights that a call needs, as (action, resource)."""
    service, _, operation = target.partition(".")
    if service == "DynamoDB_20120810":
        asked = json.loads(body)
        if operation == "TransactWriteItems":
            pairs = [next(iter(item.items())) for item in asked["TransactItems"]]
            return {(f"dynamodb:{WRITES[kind]}", of["TableName"]) for kind, of in pairs}
        if operation == "BatchGetItem":
            return {(f"dynamodb:{operation}", table) for table in asked["RequestItems"]}
        return {(f"dynamodb:{operation}", asked["TableName"])}
    if service == "AmazonSQS":
        return {(f"sqs:{operation.removesuffix('Batch')}", json.loads(body)["QueueUrl"].rsplit("/", 1)[1])}
    if service == "secretsmanager":
        asked = json.loads(body)
        return {(f"secretsmanager:{operation}", asked.get("SecretId") or asked["Name"])}
    invoked = re.fullmatch(r"/2015-03-31/functions/([^/]+)/invocations", path)
    if invoked:
        return {("lambda:InvokeFunction", unquote(invoked[1]).rsplit(":", 1)[-1])}
    scheduled = re.fullmatch(r"/schedules/([^/?]+)(?:\?groupName=(.*))?", path)
    if scheduled:
        asked = json.loads(body or "{}")
        verb = {"POST": "CreateSchedule", "PUT": "UpdateSchedule", "DELETE": "DeleteSchedule"}[method]
        group = asked.get("GroupName") or unquote(scheduled[2])
        passed = {("iam:PassRole", asked["Target"]["RoleArn"].rsplit("/", 1)[1])} if asked else set()
        return {(f"scheduler:{verb}", group)} | passed
    return {("unknown", f"{method} {path} {target}")}


class Between(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def carry(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/_between":
            self.control(body)
            return
        target = self.headers.get("x-amz-target", "")
        agent = re.search(r"\bapp/([\w-]+)", self.headers.get("user-agent", ""))
        who, held = agent and agent[1], None
        if who:
            with lock:
                with open(LOG, "a") as log:
                    for action, resource in rights(self.command, self.path, target, body):
                        log.write(json.dumps({"who": who, "action": action, "resource": resource}) + "\n")
                if snare.takes(who, target.rpartition(".")[2]):
                    held = snare
        upstream = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        try:
            upstream.request(self.command, self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            # What stands behind cut the answer off; so do we.
            self.close_connection = True
            return
        finally:
            upstream.close()
        if held:
            held.over.wait(HELD_SECONDS_MAX)
            self.close_connection = True
            return
        self.answer(answer.status, answer.getheaders(), content)

    def control(self, body):
        global snare
        with lock:
            if self.command == "PUT":
                snare = Snare(**json.loads(body))
            elif self.command == "DELETE":
                snare.over.set()
                snare = Snare()
            shown = {"held": snare.held.is_set()}
        self.answer(200, [("content-type", "application/json")], json.dumps(shown).encode())

    def answer(self, status, headers, content):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = carry


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Between).serve_forever()
