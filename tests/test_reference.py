"""The page docs/reference.md, which has exactly the names, options and statuses of the code."""

import argparse
import inspect
import json
import logging
import re
import subprocess
import sys
from functools import cache
from typing import Any

import cors_right
import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware, CORSSettings
from cors_right import __main__ as command
from cors_right.diagnostics import service
from cors_right.diagnostics.explain import ADDRESS
from cors_right.log import RefusalLog
from cors_right.policy import CORSPolicyError
from cors_right.refusal import Kind, Refusal
from cors_right.settings import CANNOT_START
from fastapi import FastAPI

from tests.support.baking import CREDENTIALS, ROOT, Bakery
from tests.support.commands import run_command
from tests.support.serving import clean_environment

PAGE = ROOT / "docs" / "reference.md"
APP = "https://app.example.com"
SHOW_SETTINGS = """
import json
from app.settings import Settings
defaults = {name: field.default for name, field in Settings.model_fields.items()}
print(json.dumps(defaults, default=str))
Settings()
"""


def section(heading: str) -> str:
    """Return the part of the page below a heading."""
    text = PAGE.read_text("utf-8")
    return re.split(rf"^## {re.escape(heading)}\n", text, flags=re.M)[1].partition("\n## ")[0]


def tables(heading: str) -> list[list[list[str]]]:
    """Return the rows of the tables below a heading, without the heads."""
    found = re.findall(r"^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", section(heading), re.M)
    return [
        [re.split(r" *(?<!\\)\| *", line.strip("| ")) for line in rows.splitlines()]
        for rows in found
    ]


def code(cell: str) -> list[str]:
    """Return the names in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def first_column(rows: list[list[str]]) -> list[str]:
    """Return the names in the first cells."""
    return [name for row in rows for name in code(row[0])]


def test_page_imports_every_public_name() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    names: dict[str, Any] = {}
    exec(block, names)
    assert names.keys() - {"__builtins__"} == {*cors_right.__all__}


@pytest.mark.parametrize(
    ("heading", "number", "documented", "left_out"),
    [
        ("CORSPolicy", 0, CORSPolicy, ()),
        ("CORSFastAPI and CORSPolicyMiddleware", 0, CORSFastAPI, ("arguments",)),
        ("CORSFastAPI and CORSPolicyMiddleware", 1, CORSPolicyMiddleware, ()),
    ],
)
def test_page_lists_every_argument_with_its_default(
    heading: str, number: int, documented: type, left_out: tuple[str, ...]
) -> None:
    parameters = inspect.signature(documented).parameters.values()
    assert {row[0]: row[2] for row in tables(heading)[number]} == {
        f"`{each.name}`": "required"
        if each.default is each.empty
        else f"`{each.default!r}`".replace("'", '"')
        for each in parameters
        if each.name not in left_out
    }


@pytest.mark.parametrize(
    "name", sorted({*re.findall(r"`(CORS\w+\.\w+)`", PAGE.read_text("utf-8"))})
)
def test_page_names_attributes_that_exist(name: str) -> None:
    kind, _, attribute = name.partition(".")
    policy = CORSPolicy()
    made = {
        "CORSFastAPI": CORSFastAPI(cors_policy=policy),
        "CORSPolicyMiddleware": CORSPolicyMiddleware(FastAPI(), policy),
    }
    assert hasattr(made[kind], attribute)


def examples() -> list[str]:
    """Return the arguments in the table of refused policies."""
    return [arguments for row in tables("CORSPolicy")[1] for arguments in code(row[1])]


def test_page_gives_refused_examples_of_every_argument() -> None:
    parameters = inspect.signature(CORSPolicy).parameters.values()
    names = {each.name for each in parameters if each.annotation is not bool}
    assert {*first_column(tables("CORSPolicy")[1])} == names | {"bool"}


@pytest.mark.parametrize("arguments", examples())
def test_policy_refuses_the_examples_of_the_page(arguments: str) -> None:
    with pytest.raises(CORSPolicyError):
        eval(f"CORSPolicy({arguments})", {"CORSPolicy": CORSPolicy})


def test_page_shows_entries_that_the_policy_accepts() -> None:
    (rows,) = tables("Origins and patterns")
    for entry in first_column(rows):
        assert CORSPolicy(allow_origins=[entry.replace("<id>", "a" * 32)]).allow_origins


def test_page_names_members_of_the_settings() -> None:
    members, types = tables("CORSSettings")
    assert all(
        hasattr(CORSSettings, name.rstrip("()")) or name in CORSSettings.model_fields
        for name in first_column(members)
    )
    names = {name.partition("[")[0] for name in first_column(types)}
    assert names == {*cors_right.__all__} - {
        each.__name__ for each in (CORSFastAPI, CORSPolicy, CORSPolicyMiddleware, CORSSettings)
    }


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_page_lists_every_variable_of_the_service(bakery: Bakery, credentials: str) -> None:
    """Check the defaults in the service, which must also accept the examples."""
    (rows,) = tables("Variables of the service")
    rows = [row for row in rows if row[1] == "all" or credentials in code(row[1])]
    given = "; ".join(f"export {code(row[0])[0]}={code(row[3])[0]}" for row in rows)
    ended = subprocess.run(
        ["bash", "-c", f'{given}; exec "$0" -B -c "$1"', sys.executable, SHOW_SETTINGS],
        cwd=bakery.bake(credentials=credentials),
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    defaults = json.loads(ended.stdout)
    assert first_column(rows) == [name.upper() for name in defaults]
    for row in rows:
        default = defaults[code(row[0])[0].lower()]
        if row[2].startswith("`"):
            assert row[2] == f"`{default}`".replace("True", "true")


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    (commands,) = (
        action
        for action in command.make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(commands.choices)


def test_page_lists_every_command_and_option() -> None:
    commands, options = tables("python -m cors_right")
    assert first_column([row[:1] for row in commands]) == [*parsers()]
    for name, parser in parsers().items():
        (row,) = (row for row in commands if code(row[0]) == [name])
        arguments = " ".join(code(row[1]))
        assert " ".join(parser.format_usage().split()).endswith(f"] {arguments}".rstrip())
        assert bool(arguments) == any(not each.option_strings for each in parser._actions)
        assert {
            option
            for row in options
            if row[1] == "all" or name in code(row[1])
            for option in code(row[0])
        } == {
            " ".join(filter(None, [each.option_strings[-1], str(each.metavar or "")]))
            for each in parser._actions
            if each.option_strings
        }
    for given in (ADDRESS, service.APPLICATION, service.SETTINGS):
        assert f"`{given}` by default" in section("python -m cors_right")


def test_page_lists_every_exit_status() -> None:
    (rows,) = tables("Exit statuses")
    assert [row[0] for row in rows] == re.findall(r"^  (\d)  ", command.STATUSES, re.M)
    assert rows[CANNOT_START][1].startswith("the settings are wrong")


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return the JSON output of a command."""
    monkeypatch.setattr(service, "SETTINGS", "tests.support.service.settings:Settings")
    monkeypatch.setattr(service, "APPLICATION", "tests.support.service.application:create_app")

    def printed(*arguments: str) -> Any:
        return json.loads(run_command([*arguments, "--json"], monkeypatch, capsys)[1])

    return printed


def test_page_lists_every_key_of_the_json(printed: Any) -> None:
    show, explain, requests, check = map(first_column, tables("JSON output"))
    explanation = printed("explain", APP, "PUT", "/notes")
    (finding, *_) = printed("check", "http://localhost:1/")
    assert {*show} == printed("show").keys()
    assert {*explain} - {"true", "false", "null"} == explanation.keys()
    assert {*requests} == explanation["requests"][0].keys()
    assert {*check} == finding.keys()


def test_page_lists_every_field_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    fields, kinds = map(first_column, tables("Log records"))
    refusal = Refusal(Kind.READ, CORSPolicy(), (APP,), "GET", "/")
    RefusalLog().write(refusal)
    (record,) = caplog.records
    plain = logging.LogRecord("", 0, "", 0, "", (), None)
    assert {*fields} == vars(record).keys() - vars(plain).keys() - {"message", "asctime"}
    assert (record.name, record.levelname) == ("cors_right", "WARNING")
    assert kinds == [kind.name.lower() for kind in Kind]
