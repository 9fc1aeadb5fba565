"""Untrusted texts, such as a server's headers, made harmless for terminals and CI systems."""

import re
from typing import Any

MAX_TEXT = 1000  # characters
KEPT = MAX_TEXT // 2  # at each end of a longer text
# All but ASCII and the quotes of Firefox. In ASCII, GitHub obeys a line that begins with `::`,
# Azure Pipelines obeys `##vso[`, and TeamCity `##teamcity[`.
UNSAFE = re.compile(r"[^ -~‘’]|#(?=#)|(?<!\S):(?=:)")


def harmless(text: str) -> str:
    """Return a text on one line, shortened, without commands that its reader may obey."""
    if (more := len(text) - MAX_TEXT) > 0:
        text = f"{text[:KEPT]} [{more} characters left out] {text[-KEPT:]}"
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def harmless_in(value: Any) -> Any:
    """Return a JSON value with harmless texts."""
    if isinstance(value, dict):
        return {harmless(key): harmless_in(value[key]) for key in value}
    if isinstance(value, list | tuple):
        return [*map(harmless_in, value)]
    return harmless(value) if isinstance(value, str) else value
