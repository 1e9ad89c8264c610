"""What a request of schemathesis is changed in before it is sent.

It is kept on this machine: an address that an integration is given is that of a simulated vendor, whatever was made up, so
that no call goes anywhere else, and the pace is one that a test can wait for. And where several ids have to belong together,
or to something in a certain state, made-up ones end at 404 each time: most of such requests are given ids of the world that
`check.py` set up, those that are wrong on purpose excepted."""

import json
import os
import random

import schemathesis

ADDRESSES = json.loads(os.environ["MSP_SYNC_API_ADDRESSES"])
ANY_ADDRESS = next(iter(ADDRESSES.values()))
WORLD = json.loads(os.environ["MSP_SYNC_API_WORLD"])
# So many of ten requests are given ids that exist; the others say what becomes of ids that do not.
IDS_OF_TEN = 8
# The same choices each time.
CHOICES = random.Random(20261122)


def plan(case):
    case.path_parameters["plan_id"] = CHOICES.choice(WORLD["plans"])


def candidates(case):
    of = CHOICES.choice(WORLD["records"])
    case.path_parameters["integration"] = of["integration"]
    case.query |= {"kind": of["kind"], "vendor_id": of["vendor_id"]}
    if of["client"]:
        case.query["client"] = of["client"]
    else:
        case.query.pop("client", None)


def match(case):
    of = CHOICES.choice([one for one in WORLD["records"] if one["doc_id"]])
    case.path_parameters["integration"] = of["integration"]
    case.body |= {"kind": of["kind"], "vendor_id": of["vendor_id"], "doc_id": of["doc_id"]}


def decide(case):
    of = CHOICES.choice(WORLD["records"])
    case.path_parameters["integration"] = of["integration"]
    case.body["kind"] = of["kind"]
    for decision in case.body["decisions"]:
        decision["vendor_id"] = of["vendor_id"]
        decision.pop("client", None)
        if of["client"]:
            decision["client"] = of["client"]
        if isinstance(decision["choice"], dict):
            decision["choice"] = {"match": of["doc_id"]} if of["doc_id"] else "create"
        # What was seen when the decision was made: nothing, or something that is not so any more.
        if CHOICES.random() < 0.5:
            decision.pop("revision", None)


def newest(case):
    # A place in a history is nothing that can be made up.
    case.query.pop("cursor", None)


BELONGING = {
    "docs_history": newest,
    "plan_approve": plan,
    "plan_discard": plan,
    "candidates": candidates,
    "match": match,
    "decide": decide,
}


@schemathesis.hook
def before_call(context, case, kwargs):
    name = case.operation.definition.raw.get("operationId")
    is_right = case.meta is None or case.meta.generation.mode.is_positive
    if name in BELONGING and is_right and CHOICES.randrange(10) < IDS_OF_TEN:
        BELONGING[name](case)
    keep_here(case)


def keep_here(case):
    if case.operation.definition.raw.get("operationId") not in ("integration_add", "integration_set"):
        return
    body = case.body
    settings = body.get("settings") if isinstance(body, dict) else None
    if not isinstance(settings, dict):
        return
    vendor = body.get("vendor")
    address = ADDRESSES.get(vendor, ANY_ADDRESS) if isinstance(vendor, str) else ANY_ADDRESS
    # Autotask finds its address by itself where none is given.
    if isinstance(settings.get("url", ""), str) and ("url" in settings or vendor == "autotask"):
        settings["url"] = address
    # A pace that was made up could be a request a minute.
    if isinstance(settings.get("requests_per_minute"), str):
        settings["requests_per_minute"] = "60000"
