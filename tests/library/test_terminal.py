"""Texts from servers as the commands print them, without commands to terminals or CI systems."""

import re
from typing import Any

import pytest
from cors_right.diagnostics.report import labelled
from cors_right.diagnostics.terminal import MAX_TEXT, harmless, harmless_in
from hypothesis import given
from hypothesis import strategies as st

# A terminal obeys C0 and C1 controls. Bidi and zero-width characters deceive readers.
CASES = {
    "escape": ("\x1b[2J", r"\u001b[2J"),
    "clipboard, OSC 52": ("\x1b]52;c;eA==\x07", r"\u001b]52;c;eA==\u0007"),
    "C1": ("\x9b2J\x9d0;x\x9c", r"\u009b2J\u009d0;x\u009c"),
    "cursor": ("a\rb\bc\x7f", r"a\u000db\u0008c\u007f"),
    "lines": ("a\nb\x0bc\x0cd\x85e\u2028f\u2029", r"a\u000ab\u000bc\u000cd\u0085e\u2028f\u2029"),
    "tab": ("a\tb", r"a\u0009b"),
    "NUL": ("a\0b", r"a\u0000b"),
    "bidi": ("\u202eevil\u2066\u200f", r"\u202eevil\u2066\u200f"),
    "no width": ("a\u200bb\ufeffc\xadd", r"a\u200bb\ufeffc\u00add"),
    "blanks": ("a\xa0b\u3000c", r"a\u00a0b\u3000c"),
    "tags": ("\U000e0041", r"\ue0041"),
    "surrogate": ("\udc9b", r"\udc9b"),
    "GitHub": ("::set-output name=a::b", r"\u003a:set-output name=a::b"),
    "GitHub, wrapped": ("a ::error::b :::c", r"a \u003a:error::b \u003a::c"),
    "GitHub, a new line": ("a\n::error::b", r"a\u000a\u003a:error::b"),
    "GitHub, old": ("a ##[error]b", r"a \u0023#[error]b"),
    "Azure Pipelines": ("a##vso[task.complete]", r"a\u0023#vso[task.complete]"),
    "TeamCity": ("###teamcity[x]", r"\u0023\u0023#teamcity[x]"),
    "plain": ("GET, POST #1 a:b 'x' ‘y’", "GET, POST #1 a:b 'x' ‘y’"),
    "an address": ("http://[::1]:3000", "http://[::1]:3000"),
}


@pytest.mark.parametrize("name", CASES)
def test_text_is_escaped(name: str) -> None:
    text, expected = CASES[name]
    assert harmless(text) == expected
    assert labelled("", text) == f"{'':10}{expected}"
    assert harmless_in({text: [text, (text, 1, None)]}) == {
        expected: [expected, [expected, 1, None]]
    }


def test_long_text_loses_its_middle() -> None:
    half = MAX_TEXT // 2
    text = "a" * 60_000 + "b"
    expected = f"{'a' * half} [59001 characters left out] {'a' * (half - 1)}b"
    assert harmless(text) == expected
    assert harmless(text[:MAX_TEXT]) == text[:MAX_TEXT]
    assert harmless(text[: MAX_TEXT + 1]).count(" [1 characters left out] ") == 1
    assert len(harmless("\x1b" * 60_000)) < 7 * MAX_TEXT
    # The end of a shortened text starts at the beginning of a word.
    end = "::" + "x" * (half - 2)
    assert "left out] \\u003a:x" in harmless("a" * MAX_TEXT + ":" * 2 + end)


OBEYED = re.compile(r"[^ -~‘’\n]|##|^\s*::", re.M)


@given(st.text(st.sampled_from("\x1b\x07\x9b\r\n\t :#[]va\u202e\xe9"), max_size=300))
def test_line_of_a_text_is_never_obeyed(text: str) -> None:
    value: Any = harmless_in([text])
    for shown in (harmless(text), labelled("why", text * 20), *value):
        assert not OBEYED.search(shown)
