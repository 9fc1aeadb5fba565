"""Texts of others, such as a server's headers, as a terminal and a CI system only show them."""

import re
from typing import Any

MAX_TEXT = 1000  # characters
KEPT = MAX_TEXT // 2  # at each end of a longer text
# GitHub obeys a line that begins with `::`, Azure Pipelines and TeamCity `##vso[`, `##teamcity[`.
COMMAND = re.compile(r"#(?=#)|(?<!\S):(?=:)")
UNPRINTABLE = re.compile(r"[^ -~]")


def harmless(text: str) -> str:
    """Return a text on one line, without the middle of a long one and what a reader may obey."""
    if (more := len(text) - MAX_TEXT) > 0:
        text = f"{text[:KEPT]} [{more} characters left out] {text[-KEPT:]}"
    text = UNPRINTABLE.sub(lambda found: found[0] if found[0].isprintable() else _code(found), text)
    return COMMAND.sub(_code, text)


def harmless_in(value: Any) -> Any:
    """Return a value of JSON with harmless texts."""
    match value:
        case str():
            return harmless(value)
        case dict():
            return {harmless(key): harmless_in(value[key]) for key in value}
        case list() | tuple():
            return [*map(harmless_in, value)]
    return value


def _code(found: re.Match[str]) -> str:
    """Return a character as Python writes it in a string."""
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\U{code:08x}"
