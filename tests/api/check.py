"""Sets integrations up through the interface for programs, then lets schemathesis loose on it.

usage: check.py PROGRAM SCHEMATHESIS
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = os.environ.get("MSP_SYNC_API_EXAMPLES", "12")


class Api:
    """The interface, as a program uses it that knows nothing but HTTP and JSON."""

    def __init__(self, address, token):
        self.address, self.token = address, token

    def call(self, method, path, body=None, kind="application/json", token=None):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {token if token is not None else self.token}"}
        if data is not None:
            headers["Content-Type"] = kind
        request = urllib.request.Request(self.address + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as reply:
                status, content, text = reply.status, reply.headers.get_content_type(), reply.read().decode()
        except urllib.error.HTTPError as error:
            status, content, text = error.code, error.headers.get_content_type(), error.read().decode()
        return status, json.loads(text) if content == "application/json" else text

    def __getattr__(self, method):
        def ask(path, body=None, expect=200, **more):
            status, answer = self.call(method.upper(), path, body, **more)
            assert status == expect, f"{method} {path}: {status} {answer}"
            return answer

        return ask


def start(program, words, env, children):
    child = subprocess.Popen([program, *words, "--json"], env=env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    children.append(child)
    line = child.stdout.readline()
    assert line, f"{words[0]} ended with {child.wait()}"
    return json.loads(line)


def set_up(api, vendors):
    """Brings three integrations live, one of them with a plan that the guard holds, leaves one with staged decisions and
    one as a draft; returns ids that exist."""
    kinds = {}
    for vendor, listing in vendors.items():
        # A simulated vendor may be asked as fast as it answers.
        settings = {**listing["settings"], "requests_per_minute": "60000"}
        added = api.post("/integrations", {"id": f"{vendor}-1", "vendor": vendor, "settings": settings,
                                           "secret": listing["secret"]}, expect=201)
        assert added["state"] == "draft", added
        assert all(part not in json.dumps(added) for part in listing["secret"].values()), added
        kinds[vendor] = added["kinds"]
    drafts = {"kaseya-bms"}
    staged = {"connectwise"}
    held = "autotask"
    for vendor in sorted(vendors.keys() - drafts):
        at = f"/integrations/{vendor}-1"
        assert api.post(f"{at}/verify")["ok"], vendor
        api.patch(at, {"sync": kinds[vendor]})
        status, types = api.call("GET", f"{at}/types")
        assert status in (200, 409), types
        if status == 200 and vendor != held:
            api.patch(at, {"types": [one["id"] for one in types["items"]]})
        run = api.post(f"{at}/sync", {})["items"][0]
        assert (run["trigger"], run["outcome"]) == ("setup", "complete"), run
    # One after another, as a person would: what the first creates, the next ones match.
    for vendor in sorted(vendors.keys() - drafts - staged):
        at = f"/integrations/{vendor}-1"
        api.post(f"{at}/auto-match")
        first = api.get(f"{at}/records?kind=client&state=unmatched&limit=1")["items"]
        if first:
            api.post(f"{at}/exclude", {"kind": "client", "records": {"ids": [first[0]["vendor_id"]]}})
        api.post(f"{at}/create-unmatched", {})
        plan = api.get(f"{at}/preview")["plan_id"]
        done = api.post(f"{at}/finish", {"plan": plan})
        assert done["state"] == "live" and done["run"]["outcome"] == "complete", done
        assert "asset" in done["run"]["counts"], done
        counts = done["run"]["counts"]["asset"]
        assert counts["fetched"] == counts["synced"] + counts["unsynced"] > 0, counts
        if vendor == held:
            # Types that are chosen late bring in more devices at once than the guard lets pass.
            api.patch(at, {"types": [one["id"] for one in api.get(f"{at}/types")["items"]]})
            run = api.post(f"{at}/sync", {})["items"][0]
            assert run["outcome"] == "held", run
    for vendor in staged:
        api.post(f"/integrations/{vendor}-1/auto-match", {"kind": "client"})
        api.get(f"/integrations/{vendor}-1/preview")
    ids = {
        "integration": [f"{vendor}-1" for vendor in vendors],
        "plan_id": [one["plan_id"] for vendor in vendors for one in api.get(f"/integrations/{vendor}-1/plans")["items"]],
        "run_id": [one["run_id"] for one in api.get("/runs")["items"]],
        "doc_id": [one["doc_id"] for kind in ("client", "asset", "location") for one in
                api.get(f"/docs?kind={kind}&limit=5")["items"]],
    }
    assert all(ids.values()), ids
    return ids


def world(api, ids):
    """Returns what belongs together: plans that can be decided, records with a documentation record of their kind."""
    waiting = ("held", "staged")
    plans = [one["plan_id"] for integration in ids["integration"]
             for one in api.get(f"/integrations/{integration}/plans")["items"] if one["state"] in waiting]
    records = []
    for integration in ids["integration"]:
        if api.get(f"/integrations/{integration}")["state"] == "draft":
            continue
        for kind in ("client", "user", "asset"):
            docs = [one["doc_id"] for one in api.get(f"/docs?kind={kind}&limit=5")["items"]]
            status, listed = api.call("GET", f"/integrations/{integration}/records?kind={kind}&limit=5")
            for number, one in enumerate(listed["items"] if status == 200 else []):
                # A device belongs below its own client's documentation record; others are refused, which is an answer, too.
                doc = one["doc_id"] or (docs[number % len(docs)] if docs else None)
                records.append({"integration": integration, "kind": kind, "vendor_id": one["vendor_id"],
                                "client": one["client_vendor_id"], "doc_id": doc})
    assert len(plans) >= 2 and records, (plans, records)
    return {"plans": plans, "records": records}


def look_around(api, ids):
    """Looks at what programs rely on: pages, files, errors, who is let in."""
    first = api.get("/docs?kind=asset&limit=2")
    second = api.get(f"/docs?kind=asset&limit=2&cursor={first['next']}")
    assert len(first["items"]) == len(second["items"]) == 2 and first["items"] != second["items"]
    exported = api.get("/docs.csv?kind=client")
    assert exported.startswith("doc_id,") or "name" in exported.splitlines()[0], exported[:80]
    for _ in range(2):
        again = api.post("/docs.csv?kind=client", exported, kind="text/csv")
        assert (again["created"], again["problems"]) == (0, []), again
    assert (again["updated"], again["unchanged"] > 0) == (0, True), again
    unsynced = api.get(f"/integrations/{ids['integration'][0]}/unsynced?kind=asset")["items"]
    lines = api.get(f"/integrations/{ids['integration'][0]}/unsynced.csv").splitlines()
    assert len(lines) > len(unsynced), lines[:2]
    error = api.get("/integrations/nobody", expect=404)["error"]
    assert error["code"] == "not_found" and error["hint"], error
    for token in ("", "guessed"):
        assert api.get("/status", expect=401, token=token)["error"]["code"] == "forbidden"
    who = {(one["what"], one["who"]) for one in api.get("/audit")["items"]}
    assert ("finish", "tester") in who, who


def config(address, token, ids):
    """Writes what schemathesis is told: above all ids that exist, so that it comes further than to 404."""
    lines = [(HERE / "schemathesis.toml").read_text()]
    for name, values in ids.items():
        lines.append(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n")
    lines.append("[parameters]")
    for name in ids:
        lines.append(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}')
    # Only the draft is removed; the others are to be there until the end.
    lines.append('\n[[operations]]\ninclude-operation-id = "integration_remove"\nparameters = { "path.integration" = "kaseya-bms-1" }\n')
    return "\n".join(lines)


def main(program, schemathesis):
    program, schemathesis = (os.path.abspath(path) for path in (program, schemathesis))
    with tempfile.TemporaryDirectory(prefix="msp-sync-api-") as folder:
        data = pathlib.Path(folder, "data")
        env = {**os.environ, "MSP_SYNC_ALLOW_LOOPBACK": "1", "MSP_SYNC_DATA_DIR": str(data), "USER": "tester",
               "TZ": "UTC"}
        env.pop("SUDO_USER", None)
        children = []
        try:
            sandbox = start(program, ["sandbox", "--clients", "4", "--devices", "60", "--seed", "3"], env, children)
            vendors = {one["vendor"]: one for one in sandbox["items"]}
            serving = start(program, ["serve", "--listen", "127.0.0.1:0"], env, children)
            token = (data / "api-token").read_text().strip()
            api = Api(serving["api"], token)
            ids = set_up(api, vendors)
            look_around(api, ids)
            print(f"set up through {serving['api']}: {', '.join(ids['integration'])}", flush=True)
            pathlib.Path(folder, "schemathesis.toml").write_text(config(serving["api"], token, ids))
            words = [schemathesis, "--config-file", f"{folder}/schemathesis.toml", "run", f"{serving['api']}/openapi.json",
                     "--header", f"Authorization: Bearer {token}", "--max-examples", EXAMPLES, "--no-color",
                     "--checks", "all", "--generation-database", "none", "--suppress-health-check", "all"]
            env |= {"SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
                    "MSP_SYNC_API_WORLD": json.dumps(world(api, ids)),
                    "MSP_SYNC_API_ADDRESSES": json.dumps({of: one["url"] for of, one in vendors.items()})}
            ended = subprocess.run(words, env=env, cwd=folder)
            assert all(child.poll() is None for child in children), "the program ended"
            api.get("/status")
            return ended.returncode
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
