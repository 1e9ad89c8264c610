"""Holds the simulated Auvik's answers against the vendor's own OpenAPI document with `openapi-core` 0.23.1.

`forms.py` says by which form of the document.
"""

import copy
import json
import sys

import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from findings import Findings, sandbox
from forms import document_for

# What the simulator may do against the document, each with its reason; nothing else. (auvik.md, sections 3, 4, 6.)
NULLS = [
    # Clients of the real service had to make these nullable.
    ("deviceAttributes", "makeModel"),
    ("deviceAttributes", "vendorName"),
    ("deviceAttributes", "softwareVersion"),
    ("deviceAttributes", "serialNumber"),
    ("deviceAttributes", "firmwareVersion"),
    ("interfaceAttributes", "macAddress"),
    ("interfaceAttributes", "negotiatedSpeed"),
    # The same address, mentioned in a device's detail.
    ("deviceDetailsRelationships_interfaces_attributes", "macAddress"),
]
# The document requires an attribute that it does not define and forbids all that it does not define.
UNDEFINED = [("tenantAttributes", "name"), ("tenantDetailAttributes", "name")]

# Pages of a list that are looked at.
PAGES_MAX = 8


def allowing(document, origin):
    """Returns the document with the allowances above, and with the server that it does not name."""
    document = copy.deepcopy(document)
    document["servers"] = [{"url": f"{origin}/v1"}]
    schemas = document["components"]["schemas"]
    for schema, attribute in NULLS:
        schemas[schema]["properties"][attribute]["nullable"] = True
    for schema, attribute in UNDEFINED:
        schemas[schema]["required"].remove(attribute)
    return document


class Checker:
    """Asks the simulator and holds each answer against the document."""

    def __init__(self, auvik):
        self.findings = Findings("auvik_openapi")
        document = document_for("auvik_v1", "AUVIK_OPENAPI", self.findings)
        self.spec = OpenAPI.from_dict(allowing(document, auvik["url"]))
        self.base = f"{auvik['url']}/v1"
        self.session = requests.Session()
        self.session.auth = (auvik["secret"]["username"], auvik["secret"]["api_key"])

    def complaint(self, response):
        """Returns what the document has against an answer, or nothing."""
        request = RequestsOpenAPIRequest(response.request)
        try:
            self.spec.validate_response(request, RequestsOpenAPIResponse(response))
        except Exception as refused:  # The library's exceptions share no base; each of them is a finding.
            causes = getattr(refused.__cause__, "schema_errors", None) or [refused.__cause__ or refused]
            return "; ".join(f"{'/'.join(map(str, getattr(cause, 'path', [])))} {cause}"[:300] for cause in causes)
        return None

    def ask(self, target, status=200):
        """Checks one answer."""
        url = target if target.startswith("http") else self.base + target
        response = self.session.get(url)
        self.findings.same(f"status of {target}", status, response.status_code)
        self.findings.same(f"the document's word on {target}", None, self.complaint(response))
        return response

    def ask_verify(self):
        """Checks the one answer without a body: the document's empty `content` means none, the library expects one."""
        response = self.session.get(f"{self.base}/authentication/verify")
        self.findings.same("verify", (200, b""), (response.status_code, response.content))
        response = requests.get(f"{self.base}/authentication/verify", timeout=10)
        self.findings.same("verify without a key", 401, response.status_code)

    def ask_pages(self, target):
        """Checks a list page by page; returns its rows."""
        rows, pages = [], 0
        while target and pages < PAGES_MAX:
            body = self.ask(target).json()
            rows.extend(body["data"])
            target = body["links"].get("next")
            pages += 1
        return rows

    def can_complain(self):
        """Checks the check: an answer with a null that is not allowed, one without and one with an attribute too many."""
        response = self.session.get(f"{self.base}/inventory/device/info?page[first]=1")
        for what, spoil in {
            "a null name": lambda attributes: attributes.update(deviceName=None),
            "no name": lambda attributes: attributes.pop("deviceName"),
            "a MAC address": lambda attributes: attributes.update(macAddress="00:00:5e:00:53:01"),
        }.items():
            body = response.json()
            spoil(body["data"][0]["attributes"])
            spoiled = copy.copy(response)
            spoiled._content = json.dumps(body).encode()
            self.findings.fits(f"{what} would be noticed", self.complaint(spoiled))


def main():
    auvik, _ = sandbox("auvik")
    checker = Checker(auvik)
    account = f"tenantDomainPrefix={auvik['settings']['domain']}"

    checker.ask_verify()
    tenants = checker.ask("/tenants").json()["data"]
    checker.ask(f"/tenants/detail?{account}")
    checker.ask(f"/tenants/detail/{tenants[1]['id']}?{account}")
    devices = checker.ask_pages("/inventory/device/info?page[first]=200")
    checker.ask_pages("/inventory/device/info?include=deviceDetail&page[first]=200")
    checker.ask_pages("/inventory/device/info?include=deviceDetail&fields[deviceDetail]=interfaces&page[first]=200")
    checker.ask("/inventory/device/info?page[last]=5")
    checker.ask_pages("/inventory/device/detail?page[first]=200")
    interfaces = checker.ask_pages("/inventory/interface/info?page[first]=200")
    checker.ask(f"/inventory/device/info/{devices[0]['id']}?include=deviceDetail")
    checker.ask(f"/inventory/device/detail/{devices[0]['id']}")
    checker.ask(f"/inventory/interface/info/{interfaces[0]['id']}")
    checker.ask("/inventory/device/info?filter[vendorName]=Nobody")

    checker.ask("/inventory/device/info?page[first]=0", status=400)
    checker.ask("/tenants/detail", status=400)
    checker.ask("/inventory/device/info?tenants=1", status=403)
    checker.ask("/inventory/device/info/bm90aGluZw", status=404)
    checker.can_complain()
    checker.findings.close()


if __name__ == "__main__":
    sys.exit(main())
