"""Reads the simulated Auvik with `auviknetworks` 1.0.3, a client from the package index.

That client follows `links.next` as it stands, wants exactly 200 from the verify call, and asks again for ever when a list
is refused; its address is a class attribute that must be set before it is made, since its constructor verifies.
"""

import contextlib
import io
import sys

from auviknetworks import AuvikNetworksConnection

from findings import Findings, sandbox

# Tenants that are read one by one; all of them where there are fewer.
TENANTS_MAX = 12


def main():
    auvik, world = sandbox("auvik")
    secret = auvik["secret"]
    AuvikNetworksConnection.BASE_URL = f"{auvik['url']}/v1"
    findings = Findings("auvik_networks")
    # The client talks on standard output; only its errors are of interest.
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        client = AuvikNetworksConnection(secret["username"], secret["api_key"])
        tenants = client.get_tenants()
        details = client.get_tenant_details(auvik["settings"]["domain"])
        devices = client.get_auvik_devices_info(include_detail=True)
        switches = client.get_auvik_devices_info(device_type="switch")
        owner = "relationships.tenant.data.id"
        by_tenant = {
            tenant: client.get_auvik_devices_info(tenant_id=tenant) for tenant in list(tenants["id"])[:TENANTS_MAX]
        }
    findings.same("errors that the client printed", [], [line for line in said.getvalue().splitlines() if "rror" in line])

    findings.same("tenants", world["clients"], len(tenants))
    findings.same("one tenant is the MSP", 1, int((tenants["attributes.tenantType"] == "multiClient").sum()))
    findings.same("details are of the same tenants", sorted(tenants["id"]), sorted(details["id"]))
    findings.fits("most details have a name", details["attributes.displayName"].notna().mean() > 0.8)

    findings.same("devices", world["devices"], len(devices))
    findings.same("devices by id", world["devices"], devices["id"].nunique())
    findings.fits("every device belongs to a tenant", devices[owner].isin(tenants["id"]).all())
    findings.fits("every device has its detail", devices["deviceDetail_attributes.manageStatus"].isin([True, False]).all())
    findings.fits("some serial numbers are missing", devices["attributes.serialNumber"].isna().any())
    of_type = devices[devices["attributes.deviceType"] == "switch"]
    findings.same("switches", sorted(of_type["id"]), sorted(switches["id"]))
    for tenant, own in by_tenant.items():
        expected = sorted(devices[devices[owner] == tenant]["id"])
        findings.same(f"devices of tenant {tenant}", expected, sorted(own["id"]) if len(own) else [])

    try:
        AuvikNetworksConnection(secret["username"], "wrong")
        findings.fits("a wrong key is refused", False)
    except Exception as refused:  # The client raises nothing more precise.
        findings.fits("a wrong key is refused in words", "Full authentication is required" in str(refused))
    findings.close()


if __name__ == "__main__":
    sys.exit(main())
