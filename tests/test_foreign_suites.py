"""A share of the tests of FastAPI and Starlette, with their applications behind a policy."""

from pathlib import Path

import pytest

from scripts.foreign_suites.differences import SUITES
from scripts.foreign_suites.suites import (
    MODES,
    Checkout,
    Difference,
    SuiteError,
    compare,
    differing,
    unexplained,
)
from tests.support.requirements import REQUIRED_ENGINES, lack
from tests.support.slow import slow_except


@pytest.mark.parametrize("name", slow_except({"starlette"}, SUITES))
def test_suite_differs_only_as_the_table_says(name: str, tmp_path: Path) -> None:
    checkout = Checkout(SUITES[name], tmp_path)
    try:
        checkout.install()
    except SuiteError as error:
        lack(f"the tests of {name} are not installed: {error}", any(REQUIRED_ENGINES))
    for found in compare(checkout, SUITES[name].share):
        assert not found.problems
        assert found.count > len(found.different)


LINES = (
    Difference("tests/a.py::", MODES, 2, "all of the file"),
    Difference("tests/a.py::test_x", ("production",), 1, "one more in production"),
    Difference("tests/b/", ("production",), 1, "a folder"),
)


@pytest.mark.parametrize(
    ("mode", "tests", "files", "problems"),
    [
        ("development", ["tests/a.py::test_y", "tests/a.py::test_z"], ["tests/"], []),
        ("development", ["tests/a.py::test_x", "tests/a.py::test_y"], ["tests/a.py"], []),
        ("production", ["tests/b/c.py::test"], ["tests/b/"], []),
        ("development", [], ["tests/b/"], []),
        (
            "production",
            ["tests/a.py::test_x", "tests/a.py::test_y", "tests/a.py::test_z"],
            ["tests/a.py"],
            [],
        ),
        (
            "development",
            ["tests/c.py::test"],
            ["tests/c.py"],
            ["development: tests/c.py::test differs, and no line of the table says why"],
        ),
        (
            "development",
            ["tests/a.py::test_y"],
            ["tests/a.py"],
            ["development: tests/a.py:: differs in 1 tests; the table says 2"],
        ),
        (
            "production",
            [],
            ["tests/b/"],
            ["production: tests/b/ differs in 0 tests; the table says 1"],
        ),
    ],
)
def test_table_and_differences_agree_exactly(
    mode: str, tests: list[str], files: list[str], problems: list[str]
) -> None:
    assert unexplained(LINES, mode, tests, files) == problems


def test_comparison_finds_changed_missing_and_new_outcomes() -> None:
    plain = {"same": "passed", "breaks": "passed", "mends": "failed", "goes": "passed"}
    behind = {"same": "passed", "breaks": "failed", "mends": "passed", "comes": "passed"}
    assert differing(plain, behind) == ["breaks", "mends", "goes", "comes"]
