"""The folder as a library: what it imports, what it needs, and that it is rendered as it lies."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path

import cors_right
import pytest
from cors_right import requirements

FOLDER = Path(cors_right.__file__).parent
ALLOWED = {"fastapi", "publicsuffixlist", "starlette"}
ALLOWED |= {"pydantic", "pydantic_core", "pydantic_settings"}
FILES = sorted(FOLDER.glob("*.py"))


def imports(file: Path) -> set[str]:
    """Return the modules that a file imports; relative ones begin with a dot."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_of_the_service_is_imported(file: Path) -> None:
    names = {name for name in imports(file) if not re.fullmatch(r"\.[a-z_]*", name)}
    packages = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert packages <= ALLOWED


def test_the_grammar_imports_the_standard_library_only() -> None:
    names = {name.partition(".")[0] for name in imports(FOLDER / "origins.py")}
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_there_is_no_template_in_it(file: Path) -> None:
    assert not re.search(r"cookiecutter|\{%|\{#", file.read_text("utf-8"))


def test_the_sums_are_those_of_the_files() -> None:
    """CONTRIBUTING.md has the command that makes them so."""
    sums = (FOLDER / "SHA256SUMS").read_text("utf-8")
    assert sums == "".join(
        f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in FILES
    )


def test_its_version_is_the_one_of_the_changelog() -> None:
    root = FOLDER.parent.parent
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert re.findall(r"^## ([0-9.]+)", changelog, re.M)[0] == cors_right.__version__
    assert project["version"] == cors_right.__version__


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("starlette", "0.41.3", "cors_right needs starlette>=1.7, and 0.41.3 is installed"),
        ("starlette", "1.6.9", "cors_right needs starlette>=1.7, and 1.6.9 is installed"),
        ("fastapi", "0.137.2", "cors_right needs fastapi>=0.138, and 0.137.2 is installed"),
        ("starlette", "1.7.0", None),
        ("starlette", "1.10.0", None),
        ("fastapi", "0.138", None),
        ("fastapi", "1.0.0", None),
    ],
)
def test_what_is_too_old_is_named(
    package: str, version: str, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = {"starlette": "1.7", "fastapi": "0.138", package: version}
    monkeypatch.setattr("importlib.metadata.version", installed.__getitem__)
    if message is None:
        importlib.reload(requirements)
        return
    with pytest.raises(ImportError) as caught:
        importlib.reload(requirements)
    assert str(caught.value) == message


def test_importing_says_it_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / "starlette-0.41.3.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: starlette\nVersion: 0.41.3\n"
    (tmp_path / "starlette-0.41.3.dist-info" / "METADATA").write_text(metadata)
    program = f"import sys; sys.path[:0] = {[str(tmp_path), str(FOLDER.parent)]}; import cors_right"
    ended = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True)
    last = ended.stderr.splitlines()[-1]
    assert last == "ImportError: cors_right needs starlette>=1.7, and 0.41.3 is installed"
