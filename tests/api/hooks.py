"""Keeps schemathesis on this machine: an address that an integration is given is that of a simulated vendor, whatever was
made up, so that no call goes anywhere else. Nothing else of a request is changed but the pace."""

import json
import os

import schemathesis

ADDRESSES = json.loads(os.environ["MSP_SYNC_API_ADDRESSES"])
ANY_ADDRESS = next(iter(ADDRESSES.values()))


@schemathesis.hook
def before_call(context, case, kwargs):
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
