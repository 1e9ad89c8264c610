"""Reads the simulated N-able RMM with `NAbleAPI` 0.0.9, a client from the package index.

That client has no option for the server: its constructor maps a region to a fixed host and asks it twice for the clients.
So the host is replaced below it, where requests are sent. A list without rows is None to it, and a list of one is a list.
"""

import sys

import requests
from NAbleAPI import NAble

from findings import Findings, sandbox, world

# The address that the region `us` stands for.
ADDRESS = "https://www.systemmonitor.us/api/"


def redirect(own):
    """Lets every request to the address of the region go to the address `own`."""
    send = requests.Session.request

    def request(self, method, url, **named):
        return send(self, method, url.replace(ADDRESS, own), **named)

    requests.Session.request = request


def mac_of(text):
    """Returns a MAC address in whose groups no zero is missing."""
    return ":".join(group.zfill(2) for group in text.split(":"))


def found(client, site, sort, row):
    """Returns what identifies a device, from the client's row."""
    macs = sorted(mac_of(row[name]) for name in ("mac1", "mac2", "mac3") if row[name])
    # The build stands after the name of the system.
    system = (row.get("os_details") or row["os"] or "").split(", 64-bit")[0].strip()
    values = [row[name] or "" for name in ("name", "device_serial", "manufacturer", "model", "ip")]
    return (client, site, sort, *values, system, *macs)


def expected(company, device):
    """Returns the same from the world."""
    sort = "server" if device["type"] == "Server" else "workstation"
    site = next(site["name"] for site in company["sites"] if site["number"] == device["site"])
    values = [device[name] or "" for name in ("name", "serial", "make", "model")]
    return (company["name"], site, sort, *values, device["ips"][0], device["os"] or "", *sorted(device["macs"]))


def read(findings, client):
    """Reads everything; returns the names of clients, the names of sites by client, and the devices."""
    names, sites, devices, nothing = [], [], [], 0
    for row in client.clients():
        name, here = row["name"], {"server": set(), "workstation": set()}
        names.append(name)
        for site in client.sites(clientid=row["clientid"]):
            sites.append((name, site["name"]))
            for sort, rows in (("server", client.servers), ("workstation", client.workstations)):
                of_site = rows(siteid=site["siteid"])
                nothing += of_site is None
                here[sort].update(device[f"{sort}id"] for device in of_site or [])
                devices.extend(found(name, site["name"], sort, device) for device in of_site or [])
        for sort, ids in here.items():
            findings.same(f"{sort}s that client {row['clientid']} says it has", row[f"{sort}_count"], str(len(ids)))
            findings.same(f"{sort}s in the tree of {row['clientid']}", ids, tree(client, row["clientid"], sort))
    findings.fits("some sites have no devices of a sort", nothing)
    return names, sites, devices


def tree(client, clientid, sort):
    """Returns the numbers of the devices in list_devices_at_client."""
    try:
        found = client.clientDevices(clientid=clientid, devicetype=sort)
    except ValueError:  # The client takes an empty list for an error.
        return set()
    numbers = set()
    for site in found["site"]:
        rows = site[sort]
        numbers.update(row["id"] for row in (rows if isinstance(rows, list) else [rows]))
    return numbers


def refused(findings, what, words, act):
    """Notes whether something is refused in the right words."""
    try:
        act()
        findings.fits(f"{what} is refused", False)
    except ValueError as error:
        findings.fits(f"{what} is refused in words, not {error}", words in str(error))


def main():
    nable, counts = sandbox("nable-rmm")
    redirect(nable["settings"]["url"] + "/api/")
    findings = Findings("nable_api")
    client = NAble("us", nable["secret"]["api_key"])
    names, sites, devices = read(findings, client)
    findings.same("clients", counts["clients"], len(names))
    findings.fits("some devices lack a serial number", any(not device[4] for device in devices))

    companies = world("rmm")["companies"]
    findings.same("names of clients", sorted(company["name"] for company in companies), sorted(names))
    theirs = [(company["name"], site["name"]) for company in companies for site in company["sites"]]
    findings.same("sites", sorted(theirs), sorted(sites))
    rows = sorted(expected(company, device) for company in companies for device in company["devices"])
    findings.same("devices", len(rows), len(devices))
    for row, own in zip(rows, sorted(devices)):
        findings.same("a device", row, own)

    first = client.clients(devicetype="server")[0]
    site = next(site for site in client.sites(clientid=first["clientid"]) if client.servers(siteid=site["siteid"]))
    server = client.servers(siteid=site["siteid"])[0]
    details = client.assetDetails(deviceid=server["serverid"])
    findings.same("serial number in the details", server["device_serial"], details["serialnumber"])
    hardware = client.assetHardware(assetid=server["assetid"]) or []
    findings.same("network adapters", sum(bool(server[mac]) for mac in ("mac1", "mac2", "mac3")), len(hardware))

    refused(findings, "a wrong key", "Login failed", lambda: NAble("us", "wrong"))
    refused(findings, "an unknown device", "Invalid value for parameter: deviceid", lambda: client.assetDetails(deviceid=1))
    refused(findings, "a site that is no number", "Invalid value", lambda: client.sites(clientid="abc"))
    findings.close()


if __name__ == "__main__":
    sys.exit(main())
