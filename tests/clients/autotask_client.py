"""Reads the simulated Autotask with `autotask-client` 0.3.1, a client from the package index.

It pages by ids above the last until a page is not full. Its zone look-up takes the vendor's own hosts alone, so it is told
the address. It keeps a zone in the user's home otherwise.
"""

import asyncio
import sys

from autotask.client import AutotaskClient
from autotask.config import AutotaskConfig
from autotask.exceptions import AutotaskAPIError, AutotaskAuthError
from autotask.query import Q

from findings import Findings, sandbox, world

EVERYTHING = [{"op": "gte", "field": "id", "value": 0}]


async def read(listing, companies, findings):
    """Reads every list and compares it with the world."""
    secret = listing["secret"]

    def connect(password):
        config = AutotaskConfig(secret["username"], password, secret["integration_code"], api_url=listing["url"])
        return AutotaskClient(config)

    async with connect(secret["secret"]) as client:
        found = {row["id"]: row for row in await client.query_all("ConfigurationItems", EVERYTHING)}
        devices = [device for company in companies for device in company["devices"]]
        findings.same("items", len(devices), len(found))
        findings.fits("items fill more than one page", len(found) > 500)
        for device in devices:
            row = found.get(155_000 + device["number"], {})
            findings.same(f"title of {device['number']}", device["name"], row.get("referenceTitle"))
            findings.same(f"serial number of {device['number']}", device["serial"], row.get("serialNumber"))

        found = {row["id"]: row["companyName"] for row in await client.query_all("Companies", EVERYTHING)}
        expected = {0 if one["standing"] == "msp" else 160 + one["number"]: one["name"] for one in companies}
        findings.same("companies", expected, found)

        rows = await client.query_all("Contacts", EVERYTHING)
        found = {row["id"]: (row["firstName"], row["lastName"], row["isActive"]) for row in rows}
        people = [person for company in companies for person in company["contacts"]]
        expected = {
            30_684_000 + one["number"]: (one["given_name"], one["family_name"], int(one["is_active"])) for one in people
        }
        findings.same("contacts", expected, found)

        left = await client.query_all("Contacts", Q(isActive=0).to_filter())
        findings.same("contacts who left", sum(not one["is_active"] for one in people), len(left))
        name = companies[1]["name"]
        rows = await client.query_all("Companies", Q(companyName__begins_with=name[:5].upper()).to_filter())
        findings.fits("names are found whatever their case", name in [row["companyName"] for row in rows])
        one = await client.get("Companies/0")
        findings.same("company 0", companies[0]["name"], one["item"]["companyName"])
        try:
            await client.query_all("Companies", [{"op": "eq", "field": "nothing", "value": 1}])
            findings.fits("an unknown field is refused", False)
        except AutotaskAPIError as refused:
            findings.same("an unknown field is refused", 500, refused.status_code)
    async with connect("wrong") as client:
        try:
            await client.query_all("Companies", EVERYTHING)
            findings.fits("a wrong secret is refused", False)
        except AutotaskAuthError:
            findings.fits("a wrong secret is refused", True)


def main():
    listing, _ = sandbox("autotask")
    findings = Findings("autotask_client")
    asyncio.run(read(listing, world("psa")["companies"], findings))
    findings.close()


if __name__ == "__main__":
    sys.exit(main())
