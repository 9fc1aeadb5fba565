"""The folder as a library: its imports, its two floors, and its unchanged rendering."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import cors_right
import pytest

from tests.support.baking import ROOT
from tests.support.serving import clean_environment

FOLDER = Path(cors_right.__file__).parent
ALLOWED = {"fastapi", "publicsuffixlist", "starlette"}
ALLOWED |= {"pydantic", "pydantic_core", "pydantic_settings", "dotenv"}  # of pydantic-settings
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))
SERVING = [name for name in FILES if "/" not in name and name != "__main__.py"]


def imports(name: str, walk: Callable[[ast.Module], Iterable[ast.AST]] = ast.walk) -> set[str]:
    """Return the modules that a file imports, with a dot before relative imports."""
    found = set()
    for node in walk(ast.parse((FOLDER / name).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


@pytest.mark.parametrize("name", FILES)
def test_library_imports_nothing_of_the_service(name: str) -> None:
    names = {name for name in imports(name) if not name.startswith(".")}
    packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert packages <= ALLOWED


def test_grammar_imports_the_standard_library_only() -> None:
    names = {name.partition(".")[0] for name in imports("origins.py")}
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize("name", SERVING)
def test_serving_file_loads_no_file_that_explains(name: str) -> None:
    """Accept imports inside functions, which only development runs."""
    loaded = imports(name, ast.iter_child_nodes)
    assert not [each for each in loaded if "diagnostics" in each]


SERVES = """
import sys
from tests.support.asgi import ask
from tests.support.service.application import create_app
from tests.support.service.settings import Settings

def explaining():
    return [name for name in sys.modules if name.startswith("cors_right.diagnostics")]

app = create_app(Settings.load())
found = [explaining()]
for origin in ("https://app.example.com", "http://app.example.com"):
    for method, more in (("GET", {}), ("OPTIONS", {"Access-Control-Request-Method": "PURGE"})):
        ask(app, {"Origin": origin} | more, method, "/notes")
    ask(app, {"Origin": origin}, path="/notes", scheme="wss")
    found.append(explaining())
print(found)
"""


def test_production_imports_nothing_that_explains() -> None:
    """Check after startup, after allowed requests, and after refused requests."""
    ended = subprocess.run(
        [sys.executable, "-B", "-c", SERVES],
        env=clean_environment(PYTHONPATH=f"{ROOT}:{FOLDER.parent}"),
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "[[], [], []]\n", ended.stderr


@pytest.mark.parametrize("name", FILES)
def test_library_contains_no_template(name: str) -> None:
    assert not re.search(r"cookiecutter|\{%|\{#", (FOLDER / name).read_text("utf-8"))


def test_versions_agree() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert re.findall(r"^## ([0-9.]+)", changelog, re.M)[0] == cors_right.__version__
    assert project["version"] == cors_right.__version__


def test_library_has_the_licence_of_the_repository() -> None:
    assert (FOLDER / "LICENSE").read_text("utf-8") == (ROOT / "LICENSE").read_text("utf-8")
