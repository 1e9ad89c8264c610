"""The forms of a vendor's answers: what its OpenAPI document says of paths, fields and types, without a word of its prose.

The documents themselves are not ours to hand on. Facts are: `openapi/NAME.json` keeps those of the paths that the checks ask.
A check goes by the document where it is at hand (the variable that it names, or `../shared/vendors/specs` beside the
checkout) and then also says whether the kept facts still are the document's; elsewhere it goes by what is kept.

    python3 forms.py NAME DOCUMENT    writes openapi/NAME.json anew
"""

import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
BESIDE = HERE.parents[2] / "shared" / "vendors" / "specs"

# The paths that the checks ask, by document.
PATHS = {
    "auvik_v1": [
        "/authentication/verify",
        "/tenants",
        "/tenants/detail",
        "/tenants/detail/{id}",
        "/inventory/device/info",
        "/inventory/device/info/{id}",
        "/inventory/device/detail",
        "/inventory/device/detail/{id}",
        "/inventory/interface/info",
        "/inventory/interface/info/{id}",
    ],
    "kaseya_bms_v2": [
        "/v2/security/authenticate",
        "/v2/security/refreshtoken",
        "/v2/security/userinfo",
        "/v2/crm/accounts/summary",
        "/v2/crm/contacts/summary",
        "/v2/hr/employees/searchselect",
        "/v2/servicedesk/hardwareasset/searchselect",
        "/v2/servicedesk/hardwareasset/{assetId}",
    ],
}

# What is said to people, and what says nothing of a form.
PROSE = {"description", "summary", "title", "example", "examples", "tags", "operationId", "externalDocs", "contact"}


def without_prose(node, is_names=False):
    """Returns a part of the document without its texts; `is_names` where the keys are names of fields and not words of
    OpenAPI."""
    if isinstance(node, list):
        return [without_prose(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if is_names or not (key in PROSE or key.startswith("x-"))}
    bare = {key: without_prose(value, key in ("properties", "schemas")) for key, value in kept.items()}
    for answer in bare.get("responses", {}).values():
        # OpenAPI wants every answer described.
        answer["description"] = ""
    return bare


def named(node):
    """Returns the names of the schemas that a part of the document points to."""
    if isinstance(node, list):
        return set().union(*map(named, node))
    if not isinstance(node, dict):
        return set()
    here = {node["$ref"].rsplit("/", 1)[1]} if isinstance(node.get("$ref"), str) else set()
    return here.union(*map(named, node.values()))


def forms_of(document, paths):
    """Returns the document's forms of these paths: a document of OpenAPI itself."""
    schemas = document["components"]["schemas"]
    wanted = without_prose({path: document["paths"][path] for path in paths})
    reached, found = set(), named(wanted)
    while found:
        reached |= found
        found = set().union(*(named(schemas[name]) for name in found)) - reached
    components = {**document["components"], "schemas": {name: schemas[name] for name in sorted(reached)}}
    return {
        "openapi": document["openapi"],
        "info": {"title": "forms", "version": document["info"]["version"]},
        "paths": wanted,
        "components": without_prose(components),
    }


def read(path):
    """Returns the JSON of a file."""
    return json.loads(path.read_text(encoding="utf-8"))


def document_for(name, variable, findings):
    """Returns the document to hold answers against, and says which it is."""
    kept = read(HERE / "openapi" / f"{name}.json")
    path = pathlib.Path(os.environ.get(variable, BESIDE / f"{name}.openapi.json"))
    if not path.is_file():
        print(f"{findings.name}: by the forms kept here, since {variable} names no document")
        return kept
    document = read(path)
    findings.fits(f"openapi/{name}.json says what the document says", kept == forms_of(document, PATHS[name]))
    return document


def main():
    name, path = sys.argv[1:]
    forms = forms_of(read(pathlib.Path(path)), PATHS[name])
    lines = json.dumps(forms, indent=1, sort_keys=True)
    (HERE / "openapi" / f"{name}.json").write_text(f"{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
