"""What stands between the functions and the stand-in of AWS: it writes down who calls what, and breaks some calls.

    recorder.py PORT UPSTREAM LOG_FILE

A line of the log is {"who", "action", "resource"}: the function, the right that IAM would ask for, and what it would have to
be for. Every so many calls of the table or the queue one is throttled, and another is carried out and its answer lost; the
functions' own tries have to make up for it.
"""

import http.client
import http.server
import json
import re
import sys
import threading
from urllib.parse import unquote, urlsplit

PORT, UPSTREAM, LOG = int(sys.argv[1]), urlsplit(sys.argv[2]), sys.argv[3]
THROTTLED_EVERY, LOST_EVERY = 61, 83
# In a transaction IAM asks for the right of each write.
WRITES = {"Put": "PutItem", "Delete": "DeleteItem", "Update": "UpdateItem", "ConditionCheck": "ConditionCheckItem"}

lock = threading.Lock()
calls = 0


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
        global calls
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = self.headers.get("x-amz-target", "")
        who = re.search(r"\bapp/([\w-]+)", self.headers.get("user-agent", ""))
        with lock:
            if who:
                for action, resource in rights(self.command, self.path, target, body):
                    line = {"who": who[1], "action": action, "resource": resource}
                    with open(LOG, "a") as log:
                        log.write(json.dumps(line) + "\n")
            breakable = who is not None and target.startswith(("DynamoDB", "AmazonSQS"))
            calls += breakable
            throttled = breakable and calls % THROTTLED_EVERY == 0
            lost = breakable and calls % LOST_EVERY == 0
        if throttled:
            self.answer(400, [("x-amzn-errortype", "ThrottlingException")], b'{"__type":"ThrottlingException"}')
            return
        upstream = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if lost:
            self.close_connection = True
            return
        self.answer(answer.status, answer.getheaders(), content)

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
