"""The one grammar of origins: at the prompt, at startup and at each request."""

import ast
import json
import re
import subprocess
import sys

import pytest
from cors_right.diagnostics.browser import Fetch
from hypothesis import example, given
from hypothesis import strategies as st

from hooks import filters
from tests.support.baking import Bakery
from tests.support.browse import fetch
from tests.support.origins_table import REFUSED, REPAIRED, VALID
from tests.support.serving import Serving, clean_environment
from tests.support.texts import TEXTS
from tests.support.words import INSTEAD, instead

# A text, its origin (None if refused), and the correction in the message.
ROWS = [
    *((text, text, None) for text in VALID),
    *((text, canonical, None) for text, canonical in REPAIRED.items()),
    *((text, None, correction) for text, correction in REFUSED.items()),
]
# Rows for whole renderings: each kind, and characters with a meaning in Jinja, TOML, Python or
# a terminal.
SPECIAL = set("\"'\\%#\r\n\0\u200b")
RENDERED = [
    *(
        (text, text, None)
        for text in (VALID[0], max(VALID, key=len), "http://[::1]:3000", "https://*.example.com:*")
    ),
    *list((text, canonical, None) for text, canonical in REPAIRED.items())[:2],
    *((text, None, REFUSED[text]) for text in REFUSED if SPECIAL & {*text} or text == "null"),
]
# Jinja would render this, and no process accepts a NUL.
GIVEN_ROWS = [row for row in ROWS if "\0" not in row[0]]

# Reads texts from standard input, passes each to the settings as FRONTEND_ORIGINS, and prints the
# result.
START = """
import io, json, os, sys
from app.settings import Settings
outcomes = []
for text in json.load(sys.stdin):
    os.environ["FRONTEND_ORIGINS"], sys.stderr = text, io.StringIO()
    try:
        outcomes.append([Settings.load().frontend_origins, None])
    except SystemExit:
        outcomes.append([None, sys.stderr.getvalue().rstrip("\\n")])
print(json.dumps(outcomes))
"""


@pytest.mark.parametrize(("text", "canonical", "correction"), ROWS)
def test_check_of_the_prompt_accepts_or_corrects(
    text: str, canonical: str | None, correction: str | None
) -> None:
    if canonical is not None:
        checked = filters.checked_origins(text, "")
        assert ast.literal_eval(filters.literals(checked)) == [canonical]
    else:
        with pytest.raises(filters.WrongAnswer) as caught:
            filters.checked_origins(text, "")
        message = str(caught.value)
        assert message.startswith("frontend_origins: ")
        assert "\n" not in message
        assert message.endswith(f". Write {correction}") if correction else ". Write" not in message


@pytest.mark.parametrize(("text", "canonical", "correction"), RENDERED)
def test_prompt_accepts_or_corrects_origins(
    bakery: Bakery, text: str, canonical: str | None, correction: str | None
) -> None:
    if canonical is not None:
        rendered = (bakery.bake_new(frontend_origins=text) / "app" / "settings.py").read_text(
            "utf-8"
        )
        (listed,) = re.findall(r"frontend_origins: Origins = (\[.*?\])$", rendered, re.M | re.S)
        assert ast.literal_eval(listed) == [canonical]
    else:
        message = bakery.refusal(frontend_origins=text)
        assert message.startswith("FailedHookException: frontend_origins: ")
        assert "\n" not in message
        assert message.endswith(instead(correction)) and (INSTEAD in message) == bool(correction)


def test_startup_accepts_or_corrects_origins(bakery: Bakery) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", START],
        cwd=bakery.bake(),
        env=clean_environment(),
        input=json.dumps([text for text, _, _ in GIVEN_ROWS]),
        capture_output=True,
        text=True,
        check=True,
    )
    for (text, canonical, correction), (listed, message) in zip(
        GIVEN_ROWS, json.loads(ended.stdout), strict=True
    ):
        assert listed == ([canonical] if canonical else None), text
        if canonical is None:
            assert re.fullmatch("FRONTEND_ORIGINS: .*", message), text
            assert message.endswith(instead(correction))
            assert (INSTEAD in message) == bool(correction)


def test_request_matches_canonical_origins_only(bakery: Bakery, served: Serving) -> None:
    """List every accepted text, and match only an `Origin` in the form of browsers."""
    accepted = ",".join(text for text, canonical, _ in ROWS if canonical and "*" not in canonical)
    port = served(bakery.bake(), FRONTEND_ORIGINS=accepted).port
    for text, canonical, _ in GIVEN_ROWS:
        if text.isprintable() and text.isascii():
            readable = canonical == text and "*" not in text
            assert fetch(port, Fetch(text, "/health")).readable == readable, text
        if canonical and "*" not in canonical:
            assert fetch(port, Fetch(canonical, "/health")).readable, text


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=3), browser_credentials=st.sampled_from(["", "yes"])
)
@example(["http://shop.example.com/cart"], "yes")
@example(["localhost:3000", "https://a.example/x"], "yes")
@example(["http://a.example/x", "HTTPS://B.example"], "yes")
def test_prompt_accepts_its_own_corrections(texts: list[str], browser_credentials: str) -> None:
    try:
        filters.checked_origins(",".join(texts), browser_credentials)
    except filters.WrongAnswer as refused:
        message = str(refused)
        assert message.isprintable()
        if refused.instead:
            again = filters.checked_origins(refused.instead, browser_credentials)
            assert again == refused.instead
        for proposal in re.findall(rf"(?:{INSTEAD}|The whole answer: )(\S+?)(?=\. |$)", message):
            if proposal != "none":
                assert filters.checked_origins(proposal, browser_credentials) == proposal
