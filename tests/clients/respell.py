"""Makes `NAbleAPI` readable for Python 3.11: it asks for 3.12 for two texts alone, which have quotes in quotes.

Changes the quotes around such texts in the package's file, in the environment that runs this, and nothing else.
"""

import importlib.util
import pathlib
import re

NESTED = re.compile(r"f'((?:[^'{}]|\{[^{}]*\})*)'")


def respelled(match):
    """Returns the text in double quotes where it holds single ones."""
    return f'f"{match[1]}"' if "'" in match[1] else match[0]


[folder] = importlib.util.find_spec("NAbleAPI").submodule_search_locations
path = pathlib.Path(folder) / "client.py"
source = NESTED.sub(respelled, path.read_text(encoding="utf-8"))
compile(source, str(path), "exec")
path.write_text(source, encoding="utf-8")
