"""What the checks share: the sandbox's line of JSON, and a list of what did not fit."""

import json
import sys


class Findings:
    """Collects what did not fit, so that one run shows all of it."""

    def __init__(self, name):
        self.name = name
        self.checked = 0
        self.failed = []

    def same(self, what, expected, found):
        """Notes a difference."""
        self.checked += 1
        if expected != found:
            self.failed.append(f"{what}: expected {expected!r}, found {found!r}")

    def fits(self, what, condition):
        """Notes what does not hold."""
        self.same(what, True, bool(condition))

    def close(self):
        """Prints the findings and ends the program: 1 if there are any, or if nothing was checked."""
        for line in self.failed[:40]:
            print(f"{self.name}: {line}", file=sys.stderr)
        print(f"{self.name}: {self.checked} checks, {len(self.failed)} failed")
        sys.exit(1 if self.failed or not self.checked else 0)


def sandbox(vendor):
    """Returns the vendor's listing and the size of the world, from the sandbox's line of JSON (the first argument)."""
    summary = json.loads(sys.argv[1])
    listing = next(entry for entry in summary["vendors"] if entry["vendor"] == vendor)
    return listing, summary["world"]


def world(system):
    """Returns what a sort of system sees of the world, from the file that the second argument names."""
    with open(sys.argv[2], encoding="utf-8") as file:
        return json.load(file)[system]
