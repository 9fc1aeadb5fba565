"""The rule for messages: a new wording changes the library, one test file and one page."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.baking import ROOT, SERVICE

LIBRARY = SERVICE / "cors_right"
MOST_FILES = 3
SHORTEST = 11  # characters of a searched part
# Images, lock files and schemas quote no message.
UNREAD = (".png", ".svg", ".json")
# The page that quotes each message of the log and of consoles; tests/test_pages.py compares it.
EXPLAINED = "docs/fix-blocked.md"
# Parts of messages in more files, and the reasons why a new wording changes no more files.
EXCEPTIONS = {
    "python -m cors_right": "a command",
    'credentials: "include"': "an option of fetch()",
    "CORS refused": "the beginning of a line of the log, which pages show",
    "Status code:": "words of WebKit's console",
    "has credentials": "words of WebKit's console, and a sentence of `explain`",
    "the environment": "common words, in a message for variables",
    "browsers drop": "common words, in a line of the log and a message of the command line",
    "The browser": "common words, in a line of `explain`",
    "Did you mean": "common words, in four messages",
    "the service refuses": "common words, in a finding of `check`",
    "request header": "common words, in the messages for names",
    "response header": "common words, in the messages for names",
    "without CORS headers": "common words, in a finding of `check`",
    "pages cannot set": "three messages: of the policy, of the log, of the command line",
    "is not a valid": "two messages: of the policy, of the settings",
    "must be one of": "three messages: for FASTAPI_ENV, for --env, for an answer of the template",
    "browsers send": "common words, in a correction of `explain`",
    "so it must be the only entry": "two messages: for origins, for names",
}


def parts(source: str) -> Iterator[str]:
    """Yield the parts of a module's strings between values, except docstrings."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            for part in re.split(r"\{[^}]*\}", node.value):
                text = part.strip(" ;,.'")
                if len(text) >= SHORTEST and " " in text:
                    yield text


def joined(text: str) -> str:
    """Return a text on one line, with continued strings joined."""
    return " ".join(re.sub(r"""["']\s*\n\s*f?["']""", "", text).split())


@cache
def texts() -> dict[str, str]:
    """Return the texts of the tracked files except this one, unchanged and on one line."""
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    paths = [ROOT / name for name in names if name and not name.endswith((*UNREAD, EXPLAINED))]
    found = {}
    for path in paths:
        if path.is_file() and path != Path(__file__):
            text = path.read_text("utf-8")
            found[str(path.relative_to(ROOT))] = f"{text}\n{joined(text)}"
    return found


def files_with(part: str) -> list[str]:
    """Return the tracked files that contain a part of a message."""
    return [name for name, text in texts().items() if part in text]


@cache
def messages() -> frozenset[str]:
    """Return the parts of all messages of the library."""
    modules = LIBRARY.rglob("*.py")
    return frozenset(part for path in modules for part in parts(path.read_text("utf-8")))


def test_message_occurs_in_three_files_at_most() -> None:
    everywhere = {part: files_with(part) for part in messages() - EXCEPTIONS.keys()}
    assert {part: names for part, names in everywhere.items() if len(names) > MOST_FILES} == {}


@pytest.mark.parametrize("part", EXCEPTIONS)
def test_exception_is_still_needed(part: str) -> None:
    assert part in messages()
    assert len(files_with(part)) > MOST_FILES


def test_message_is_found_across_lines_and_values() -> None:
    source = '"""A message here."""\nraise E(f"{x} has no scheme, " "or a bad one; write {y}")\n'
    assert [*parts(source)] == ["has no scheme, or a bad one; write"]
    assert "no scheme, or" in joined('f"has no scheme, "\n        f"or a bad one"')
    assert "the list has no" in joined("the list\n   has no")
