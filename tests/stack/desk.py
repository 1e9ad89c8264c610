"""A person at the command line, at a stack or at one machine."""

import json
import os
import subprocess

from place import ENDPOINT, PROGRAMS

COMMAND_SECONDS_MAX = 240
KINDS = ["client", "user", "asset", "contact", "location"]


class Desk:
    def __init__(self, place):
        self.place = place

    def run(self, *words, given=None, codes=(0,)):
        command = [str(PROGRAMS / "msp-sync"), *self.place, "--json", *words]
        environment = {**os.environ, "AWS_ENDPOINT_URL": ENDPOINT}
        ran = subprocess.run(
            command, input=given, capture_output=True, text=True, env=environment, timeout=COMMAND_SECONDS_MAX
        )
        if ran.returncode not in codes:
            said = f"{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
            raise SystemExit(f"FAILED  {' '.join(words)} ended with {ran.returncode} ({self.place[0]})\n{said}")
        return ran.stdout

    def ask(self, *words, **more):
        return json.loads(self.run(*words, **more))

    def items(self, *words, **more):
        return self.ask(*words, **more)["items"]

    def set_up(self, listing, url=None):
        """Sets an integration up as a person would, to the end of its first full sync, and returns its id. Types are chosen
        later where there are some to choose from."""
        integration = f"main-{listing['vendor']}"
        settings = {**listing["settings"], "requests_per_minute": "60000", **({"url": url} if url else {})}
        settings = [word for key, value in settings.items() for word in ("--setting", f"{key}={value}")]
        secret = json.dumps(listing["secret"])
        added = self.ask("integration", "add", integration, "--vendor", listing["vendor"], *settings, "--secret-stdin", given=secret)
        verified = self.ask("integration", "verify", integration)
        assert verified["ok"], verified
        kinds = ",".join(added["kinds"])
        below = ",".join(kind for kind in added["kinds"] if kind in ("asset", "contact", "location"))
        self.ask("integration", "set", integration, "--sync", kinds, "--auto-create", below)
        self.ask("sync", integration)
        if added["types"] is not None and listing["vendor"] != "autotask":
            types = [one["id"] for one in self.items("integration", "types", integration)]
            self.ask("integration", "set", integration, "--types", ",".join(types))
        self.ask("auto-match", integration)
        self.ask("create-unmatched", integration)
        plan = self.ask("preview", integration)["plan_id"]
        finished = self.ask("finish", integration, "--plan", plan)
        assert finished["run"]["outcome"] == "complete", finished
        return integration

    def hold(self, integration, types):
        """Chooses types so that a run would create more than the guard lets pass, and returns the plan that it holds."""
        self.ask("integration", "set", integration, "--types", ",".join(types))
        run = self.items("sync", integration, codes=(3,))[0]
        assert run["outcome"] == "held", run
        held = [plan for plan in self.items("plans", integration) if plan["state"] == "held"]
        assert len(held) == 1, held
        return held[0]["plan_id"], held[0]["counts"]

    def plan_state(self, integration, plan):
        return next(one["state"] for one in self.items("plans", integration) if one["plan_id"] == plan)

    def record(self, integration, kind, state, nth=0):
        """The vendor's id of one record in this state."""
        records = self.items("records", integration, "--kind", kind, "--state", state)
        return sorted(record["vendor_id"] for record in records)[nth]

    def state(self, integration, kind, vendor_id):
        records = self.items("records", integration, "--kind", kind)
        return next(record["state"] for record in records if record["vendor_id"] == vendor_id)

    def finish(self, integration):
        """Carries out what is staged, and returns the plan."""
        plan = self.ask("preview", integration)["plan_id"]
        self.ask("finish", integration, "--plan", plan, "--no-sync")
        return plan

    def catalogue(self):
        """All documentation records by kind, as the place exports them."""
        return {kind: sorted(self.run("docs", "export", "--kind", kind).splitlines()) for kind in KINDS}

    def runs(self, integration):
        return self.items("runs", integration)

    def ended(self, integration, run):
        return next((one for one in self.runs(integration) if one["run_id"] == run and one["outcome"]), None)
