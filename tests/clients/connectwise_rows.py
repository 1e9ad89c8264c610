"""What the checks of ConnectWise PSA share: rows as they are on the wire against the world's.

The ids follow from the world's numbers; everything else is compared as the service desk has it.
"""

import re

# How far ids are from numbers.
COMPANY, CONTACT, SITE, CONFIGURATION, MEMBER = 248, 810, 310, 1543, 175


def mac_of(text):
    """Returns a MAC address in capitals with colons, whatever it is written like."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", text or "").upper()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def addresses_of(text):
    """Returns the IP addresses in a text that holds several."""
    return tuple(sorted(re.split(r"[|,; ]+", text or "")))


def reference(row, name):
    """Returns the id of what a row mentions."""
    return (row.get(name) or {}).get("id")


def email_of(row):
    """Returns a contact's default e-mail address."""
    items = row.get("communicationItems") or []
    mails = [item for item in items if item["communicationType"] == "Email" and item["defaultFlag"]]
    return mails[0]["value"] if mails else None


FOUND = {
    "companies": lambda row: (row["id"], row["name"], row["website"], row["addressLine1"], row["city"], row["zip"]),
    "sites": lambda row: (
        row["id"], row["name"], row["addressLine1"], row.get("addressLine2"), row["city"], row["zip"],
        reference(row, "company"), row["inactiveFlag"],
    ),
    "contacts": lambda row: (
        row["id"], row["firstName"], row["lastName"], row.get("title"), email_of(row), row["defaultPhoneNbr"],
        reference(row, "company"), reference(row, "site"), row["inactiveFlag"],
    ),
    "configurations": lambda row: (
        row["id"], row["name"], row.get("serialNumber"), mac_of(row.get("macAddress")),
        addresses_of(row.get("ipAddress")), (row.get("manufacturer") or {}).get("name"), row.get("modelNumber"),
        row.get("osType"), row["type"]["name"], reference(row, "company"), reference(row, "site"),
        reference(row, "contact"),
    ),
    "members": lambda row: (
        row["id"], row["firstName"], row["lastName"], row.get("primaryEmail"), row["officePhone"],
        row["licenseClass"] == "A", row["inactiveFlag"],
    ),
}


def expected(world):
    """Returns what each list holds, by the world."""
    lists = {name: [] for name in FOUND}
    for user in world["users"]:
        lists["members"].append((
            MEMBER + user["number"], user["given_name"], user["family_name"], user["email"], user["phone"],
            user["is_api_only"], not user["is_active"],
        ))
    for company in world["companies"]:
        own, head = COMPANY + company["number"], company["sites"][0]
        website = f"www.{company['slug']}.example"
        place = (head["street"], head["city"], head["postal_code"])
        lists["companies"].append((own, company["name"], website, *place))
        for site in company["sites"]:
            lists["sites"].append((
                SITE + site["number"], site["name"], site["street"], site["floor"], site["city"], site["postal_code"],
                own, not site["is_active"],
            ))
        for contact in company["contacts"]:
            lists["contacts"].append((
                CONTACT + contact["number"], contact["given_name"], contact["family_name"], contact["title"] or None,
                contact["email"], contact["phone"], own, contact["site"] and SITE + contact["site"],
                not contact["is_active"],
            ))
        for device in company["devices"]:
            number = CONFIGURATION + device["number"]
            lists["configurations"].append((
                number, device["name"] or f"{device['type']} {number}", device["serial"],
                mac_of("".join(device["macs"])), tuple(sorted(device["ips"])), device["make"], device["model"],
                device["os"], device["type"], own, device["site"] and SITE + device["site"],
                device["contact"] and CONTACT + device["contact"],
            ))
    return lists


def compare(findings, lists, world):
    """Notes every row that is only here or only there."""
    there = expected(world)
    for name, rows in lists.items():
        here = sorted(map(FOUND[name], rows), key=repr)
        findings.fits(f"there are {name}", here)
        findings.same(f"{name} by id", len(here), len({row[0] for row in here}))
        own = sorted(there[name], key=repr)
        findings.same(f"{name} of the world alone", [], [row for row in own if row not in set(here)][:5])
        findings.same(f"{name} of the client alone", [], [row for row in here if row not in set(own)][:5])
        findings.same(f"how many {name}", len(own), len(here))
