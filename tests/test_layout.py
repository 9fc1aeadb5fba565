"""The direction of imports: tests import scripts and benchmarks, and all three tests.support."""

import ast
import re
from pathlib import Path

import pytest

from tests.support.baking import ROOT, SERVICE

OURS = {"benchmarks", "docs", "hooks", "scripts", "tests"}
SUPPORT = ("tests.support", "hooks")
# A folder or a kind of file, and the packages of the repository that it can import.
ALLOWED: dict[str, tuple[str, ...]] = {
    "tests/support/**/*.py": SUPPORT,
    "benchmarks/**/*.py": ("benchmarks", *SUPPORT),
    "scripts/**/*.py": ("scripts", *SUPPORT),
    "tests/**/conftest.py": SUPPORT,
    "tests/**/test_*.py": ("benchmarks", "scripts", *SUPPORT),
}
BENCHMARKED = "tests/test_benchmarks.py"
SHORT = ("service/", f"{SERVICE.name}/")  # in the table of CONTRIBUTING.md


def imported(path: Path) -> set[str]:
    """Return the absolute names of the modules, and of their members, that a file imports."""
    found: set[str] = set()
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def names_below(packages: tuple[str, ...], name: str) -> bool:
    """Return whether a name belongs to a package or its content."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("pattern", ALLOWED)
def test_file_imports_only_packages_below_it(pattern: str) -> None:
    files = sorted(ROOT.glob(pattern))
    assert files
    wrong = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in files
        for name in imported(path)
        if name.partition(".")[0] in OURS and not names_below(ALLOWED[pattern], name)
    }
    assert not wrong


def test_one_test_module_imports_the_benchmarks() -> None:
    importing = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("tests/**/test_*.py")
        if any(names_below(("benchmarks",), name) for name in imported(path))
    }
    assert importing == {BENCHMARKED}


def test_table_covers_every_file_of_tests() -> None:
    placed = {path for pattern in ALLOWED for path in ROOT.glob(pattern)}
    modules = {*ROOT.glob("tests/**/*.py")} - {*ROOT.glob("tests/**/__init__.py")}
    assert not modules - placed


def test_contributors_find_the_files_of_the_table() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    _, _, table = text.partition("| to change | edit | test with |\n")
    names = re.findall(r"`([\w./]+/[\w./]*)`", table.partition("\n\n")[0])
    assert names
    assert [name for name in names if not (ROOT / name.replace(*SHORT, 1)).exists()] == []
