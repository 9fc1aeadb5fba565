"""Ends the import where Starlette or FastAPI is too old; imported before everything else here."""

import re
from importlib.metadata import version

NEEDED = {
    # The first with `Vary: Origin` on every response; 0.41 answered 500 to every foreign origin.
    "starlette": (1, 7),
    # The first with `iter_route_contexts`, which the check of routes is made of.
    "fastapi": (0, 138),
}

for package, needed in NEEDED.items():
    installed = version(package)
    if tuple(map(int, re.findall(r"\d+", installed)[:2])) < needed:
        raise ImportError(
            f"{__package__} needs {package}>={needed[0]}.{needed[1]}, and {installed} is installed"
        )
