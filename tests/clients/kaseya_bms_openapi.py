"""Holds the simulated Kaseya BMS's answers against the vendor's own OpenAPI document with `openapi-core` 0.23.1.

No client is published for this API (kaseya_bms.md, section 11). `forms.py` says by which form of the document.
"""

import copy
import json
import re
import sys

import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from findings import Findings, sandbox
from forms import document_for

# The types of accounts are not in the part of the document that we have; the fields of the sheet's sample (section 8).
ACCOUNT_TYPE = {"id": int, "name": str, "isActive": bool, "isClient": bool, "isVendor": bool}

TIMEOUT_S = 10


def small(name):
    """Returns a name as it is on the wire, where capitals at its beginning are small (section 1)."""
    return re.sub(r"^[A-Z]+?(?=[A-Z][a-z]|[a-z]|$)", lambda capitals: capitals.group().lower(), name)


def on_the_wire(schema):
    """Returns a schema with names as they are on the wire, and with dates that name no zone (section 1)."""
    if isinstance(schema, list):
        return [on_the_wire(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: on_the_wire(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        schema["properties"] = {small(name): value for name, value in schema["properties"].items()}
    if schema.get("format") == "date-time":
        del schema["format"]
        schema["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$"
    return schema


def allowing(document, origin):
    """Returns the document as the wire is, with one media type of the several that each answer lists."""
    document = copy.deepcopy(document)
    document["servers"] = [{"url": origin}]
    document["components"]["schemas"] = on_the_wire(document["components"]["schemas"])
    for path in document["paths"].values():
        for operation in path.values():
            for answer in operation.get("responses", {}).values():
                content = answer.get("content", {})
                answer["content"] = {kind: value for kind, value in content.items() if kind == "application/json"}
    return document


class Checker:
    """Asks the simulator and holds each answer against the document."""

    def __init__(self, bms):
        self.findings = Findings("kaseya_bms_openapi")
        document = document_for("kaseya_bms_v2", "KASEYA_BMS_OPENAPI", self.findings)
        document = allowing(document, bms["url"])
        self.spec = OpenAPI.from_dict(document)
        self.schemas = document["components"]["schemas"]
        self.base = bms["url"]
        self.session = requests.Session()

    def complaint(self, response):
        """Returns what the document has against an answer, or nothing."""
        request = RequestsOpenAPIRequest(response.request)
        try:
            self.spec.validate_response(request, RequestsOpenAPIResponse(response))
        except Exception as refused:  # The library's exceptions share no base; each of them is a finding.
            causes = getattr(refused.__cause__, "schema_errors", None) or [refused.__cause__ or refused]
            return "; ".join(f"{'/'.join(map(str, getattr(cause, 'path', [])))} {cause}"[:300] for cause in causes)
        return None

    def fits(self, what, response):
        """Checks one answer; returns its result."""
        self.findings.same(f"status of {what}", 200, response.status_code)
        self.findings.same(f"the document's word on {what}", None, self.complaint(response))
        body = response.json()
        self.findings.same(f"success of {what}", True, body.get("success"))
        return body

    def log_in(self, bms):
        """Logs in with both kinds of forms, renews, and goes on with the last token."""
        form = {
            "GrantType": "password",
            "UserName": bms["secret"]["username"],
            "Password": bms["secret"]["password"],
            "Tenant": bms["settings"]["tenant"],
        }
        url = f"{self.base}/v2/security/authenticate"
        parts = {name: (None, value) for name, value in form.items()}
        self.fits("a log-in in several parts", self.session.post(url, files=parts, timeout=TIMEOUT_S))
        token = self.fits("a log-in in one part", self.session.post(url, data=form, timeout=TIMEOUT_S))["result"]
        old = {"AccessToken": (None, token["accessToken"]), "RefreshToken": (None, token["refreshToken"])}
        url = f"{self.base}/v2/security/refreshtoken"
        token = self.fits("a renewal", self.session.post(url, files=old, timeout=TIMEOUT_S))["result"]
        self.session.headers["Authorization"] = f"Bearer {token['accessToken']}"

    def ask(self, target):
        """Checks one answer; returns its body."""
        return self.fits(target, self.session.get(self.base + target, timeout=TIMEOUT_S))

    def ask_pages(self, target):
        """Checks a list page by page, by the rule of section 4; returns its rows."""
        rows, number = [], 0
        while True:
            number += 1
            body = self.ask(f"{target}?PageSize=100&PageNumber={number}")
            rows.extend(body["result"])
            is_last = len(body["result"]) < 100 or len(rows) == body.get("totalRecords")
            if is_last:
                break
        self.findings.same(f"rows of {target}", body.get("totalRecords", len(rows)), len(rows))
        self.findings.same(f"ids of {target}", len(rows), len({row["id"] for row in rows}))
        return rows

    def has_all_names(self, schema, row):
        """Checks that a row leaves no field out: the real service writes nulls, and the document requires nothing."""
        self.findings.same(f"the names of {schema}", sorted(self.schemas[schema]["properties"]), sorted(row))

    def ask_account_types(self):
        """Checks the list that the document leaves out."""
        for row in self.session.get(f"{self.base}/v2/system/accounttypes/lookup", timeout=TIMEOUT_S).json()["result"]:
            self.findings.same("an account type", ACCOUNT_TYPE, {name: type(value) for name, value in row.items()})

    def can_complain(self):
        """Checks the check: answers that the document must refuse."""
        target = "/v2/servicedesk/hardwareasset/searchselect?PageSize=1&PageNumber=1"
        response = self.session.get(self.base + target, timeout=TIMEOUT_S)
        for what, spoil in {
            "a name with a capital": lambda row: row.update(AssetName="x"),
            "an id that is a text": lambda row: row.update(id="8001"),
            "a null account": lambda row: row.update(accountId=None),
            "a field too many": lambda row: row.update(macAddress="00-00-5E-00-53-01"),
        }.items():
            body = response.json()
            spoil(body["result"][0])
            spoiled = copy.copy(response)
            spoiled._content = json.dumps(body).encode()
            self.findings.fits(f"{what} would be noticed", self.complaint(spoiled))
        for capitals, expected in {"DNSServers": "dnsServers", "IPAddress": "ipAddress", "Id": "id"}.items():
            self.findings.same(f"{capitals} on the wire", expected, small(capitals))


def main():
    bms, _ = sandbox("kaseya-bms")
    checker = Checker(bms)
    checker.log_in(bms)
    checker.ask("/v2/security/userinfo")
    checker.ask_account_types()
    accounts = checker.ask_pages("/v2/crm/accounts/summary")
    contacts = checker.ask_pages("/v2/crm/contacts/summary")
    employees = checker.ask_pages("/v2/hr/employees/searchselect")
    assets = checker.ask_pages("/v2/servicedesk/hardwareasset/searchselect")
    for asset in assets[::7]:
        detail = checker.ask(f"/v2/servicedesk/hardwareasset/{asset['id']}")["result"]
    checker.has_all_names("AccountSummaryOutputDto", accounts[0])
    checker.has_all_names("AccountLocationOutputDto", accounts[0]["locations"][0])
    checker.has_all_names("AccountAddressOutputDto", accounts[0]["locations"][0]["addresses"][0])
    checker.has_all_names("ContactsSummaryOutputDto", contacts[0])
    checker.has_all_names("ContactPhoneOutputDto", contacts[0]["phones"][0])
    checker.has_all_names("EmployeesListSearchSelectOutputDto", employees[0])
    checker.has_all_names("HardwareAssetsListSearchSelectOutputDto", assets[0])
    checker.has_all_names("HardwareAssetOutputDto", detail)
    checker.ask(f"/v2/crm/contacts/summary?Filter.AccountId={accounts[1]['id']}&Filter.IsActive=true")
    checker.ask("/v2/crm/accounts/summary?Filter.ModifiedOnFrom=2026-01-01T00:00:00&Sort=AccountName")
    checker.can_complain()
    checker.findings.close()


if __name__ == "__main__":
    sys.exit(main())
