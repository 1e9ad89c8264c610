"""The console's pages on the stack, as a browser with a session sees them over events of the HTTP API."""

import base64
import datetime
import hashlib
import json
import os
import re
import urllib.parse

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HOST = "abc123.execute-api.eu-west-1.amazonaws.com"


def session(key, role):
    """A session's cookie, sealed with the stack's own key as the console seals it."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    inside = {"id": "of-the-test", "name": "ann@msp.example", "role": role, "csrf": "of-the-test", "began": now, "noted": now}
    cipher = AESGCM(hashlib.sha256(f"msp-sync cookies\0{key}".encode()).digest())
    nonce = os.urandom(12)
    sealed = nonce + cipher.encrypt(nonce, json.dumps(inside).encode(), b"msp_sync_session")
    return "__Host-msp_sync_session=" + base64.urlsafe_b64encode(sealed).decode().rstrip("=")


class Browser:
    """Somebody with a session, or a stranger."""

    def __init__(self, invoke, cookie=None):
        self.invoke, self.cookie = invoke, cookie

    def send(self, method, path, form=None):
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": HOST, "origin": f"https://{HOST}"},
            "requestContext": {"domainName": HOST, "http": {"method": method, "path": path, "sourceIp": "203.0.113.9"}},
            "isBase64Encoded": False,
        }
        if self.cookie:
            event["cookies"] = [self.cookie]
        if form is not None:
            event["body"] = urllib.parse.urlencode({"csrf": "of-the-test", **form})
        return self.invoke(event)


def browse(invoke, key, integration, check):
    """Looks at pages, and has a sync begun whose run the page of the run shows to its end."""
    stranger = Browser(invoke).send("GET", "/")
    check(stranger["statusCode"] == 401 and "/sign-in" in stranger["body"], "a stranger is asked to sign in", stranger)
    ann = Browser(invoke, session(key, "operator"))
    home = ann.send("GET", "/")
    check(home["statusCode"] == 200 and integration in home["body"], "a session sees the console's page", home)
    begun = ann.send("POST", f"/i/{integration}/sync", {})
    place = begun.get("headers", {}).get("location", "")
    check(re.fullmatch(rf"/run/{integration}\..*", place), "a sync leads to the page of its run", begun)
    run = urllib.parse.unquote(place.removeprefix("/run/"))
    check(ann.send("GET", place)["statusCode"] == 200, "the run has its page while it goes on")
    vera = Browser(invoke, session(key, "viewer"))
    vera.send("POST", f"/i/{integration}/pause", {})
    return run
