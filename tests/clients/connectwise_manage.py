"""Reads the simulated ConnectWise PSA with `connectpyse-manage` 0.0.7, a client from the package index.

That client speaks plain http, adds the path `v4_6_release`, counts a list first and reads as many numbered pages.
"""

import sys

from connectwise import ConnectWiseClient
from connectwise.exceptions import ConnectWiseAuthenticationError, ConnectWiseBadRequestError

from connectwise_rows import compare
from findings import Findings, sandbox, world


def main():
    psa, size = sandbox("connectwise")
    secret, findings = psa["secret"], Findings("connectwise_manage")
    account = {
        "base_url": psa["url"], "client": psa["settings"]["company_id"], "username": secret["public_key"],
        "client_id": secret["client_id"],
    }
    client = ConnectWiseClient(**account, password=secret["private_key"])
    companies = client.get_all("company/companies", pagesize=10)
    lists = {
        "companies": companies,
        "sites": [site for company in companies for site in client.get_all(f"company/companies/{company['id']}/sites")],
        "contacts": client.get_all("company/contacts"),
        "configurations": client.get_all("company/configurations", pagesize=300),
        "members": client.get_all("system/members"),
    }
    findings.fits("every client of the world is a company", len(companies) >= size["clients"])
    compare(findings, lists, world("psa"))

    owner = lists["configurations"][0]["company"]["id"]
    own = sorted(row["id"] for row in lists["configurations"] if row["company"]["id"] == owner)
    picked = client.get_company_configurations(owner)
    findings.same("configurations of one company", own, sorted(row.id for row in picked))
    prospects = client.get_all("company/companies", childconditions='types/name="Prospect"', fields="id,types/name")
    findings.same("prospects", {"Prospect"}, {one["types"][0]["name"] for one in prospects})
    findings.same("fields that were asked for", {"id", "types"}, set(prospects[0]))
    described = client.get_all("company/companies", orderby="name desc")
    names = [company["name"].lower() for company in described]
    findings.same("an order of one's own", sorted(names, reverse=True), names)
    findings.same("a company that is not there", None, client.get_company(99999))
    people = client.get_members(conditions='licenseClass != "A" AND inactiveFlag=false')
    findings.same(
        "people among the members",
        sorted(row["id"] for row in lists["members"] if row["licenseClass"] != "A" and not row["inactiveFlag"]),
        sorted(member.id for member in people),
    )

    for what, error, act in [
        ("a wrong key", ConnectWiseAuthenticationError,
         lambda: ConnectWiseClient(**account, password="wrong").get_all("company/companies")),
        ("a condition that is none", ConnectWiseBadRequestError,
         lambda: client.get_all("company/companies", conditions="name ~ 5")),
    ]:
        try:
            act()
            findings.fits(f"{what} is refused", False)
        except error:
            findings.fits(f"{what} is refused", True)
    findings.close()


if __name__ == "__main__":
    sys.exit(main())
