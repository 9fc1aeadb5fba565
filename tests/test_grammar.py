"""One grammar of origins: at the prompt, at start-up and at each request, and against the URL standard."""

import json
import re
import subprocess
import sys
from typing import Any

import ada_url
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from hooks.filters import origins
from tests.baking import Bakery
from tests.conftest import Serving
from tests.judge import Fetch, fetch
from tests.origins_table import REFUSED, REPAIRED, VALID
from tests.serving import clean_environment

# A text, the origin that it stands for (None if refused), and the correction that the refusal names.
ROWS = [
    *((text, text, None) for text in VALID),
    *((text, canonical, None) for text, canonical in REPAIRED.items()),
    *((text, None, correction) for text, correction in REFUSED.items()),
]
# Jinja would render this, and there is no way to give a NUL to a process.
GIVEN_ROWS = [row for row in ROWS if "\0" not in row[0]]

# Reads texts from standard input, gives each to the settings as FRONTEND_ORIGINS, and says what came out.
START = """
import json, os, sys
from pydantic import ValidationError
from app.settings import Settings, explain
outcomes = []
for text in json.load(sys.stdin):
    os.environ["FRONTEND_ORIGINS"] = text
    try:
        outcomes.append([list(Settings().frontend_origins), None])
    except ValidationError as error:
        outcomes.append([None, explain(error)])
print(json.dumps(outcomes))
"""


@pytest.mark.parametrize(("text", "canonical", "correction"), ROWS)
def test_at_the_prompt(
    bakery: Bakery, text: str, canonical: str | None, correction: str | None
) -> None:
    if canonical is not None:
        rendered = (bakery.bake_new(frontend_origins=text) / "app" / "settings.py").read_text(
            "utf-8"
        )
        assert f'FRONTEND_ORIGINS: list[str] = [\n    "{canonical}",\n]\n' in rendered
    else:
        message = bakery.refusal(frontend_origins=text)
        assert message.startswith("FailedHookException: frontend_origins: ")
        assert "\n" not in message
        assert message.endswith(f"; write {correction}") if correction else "; write" not in message


def test_at_start_up(bakery: Bakery) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", START],
        cwd=bakery.bake(),
        env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
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
            assert (
                message.endswith(f"; write {correction}")
                if correction
                else "; write" not in message
            )


def test_at_each_request(bakery: Bakery, served: Serving) -> None:
    """Every accepted text is on the list; as an `Origin`, only what a browser sends matches."""
    accepted = ",".join(text for text, canonical, _ in ROWS if canonical and "*" not in canonical)
    port = served(bakery.bake(), FRONTEND_ORIGINS=accepted).port
    for text, canonical, _ in GIVEN_ROWS:
        if text.isprintable() and text.isascii():
            readable = canonical == text and "*" not in text
            assert fetch(port, Fetch(text, "/health")).readable == readable, text
        if canonical and "*" not in canonical:
            assert fetch(port, Fetch(canonical, "/health")).readable, text


LABELS = st.text("abcxyz019-_", min_size=1, max_size=8) | st.sampled_from(
    ["xn--mnchen-3ya", "0x7f", "1", "a" * 63]
)
NAMES = st.builds(
    "{}.{}".format,
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.sampled_from(["com", "a1"]),
)
ADDRESSES = (
    st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(lambda address: f"[{address}]")
    | st.ip_addresses(v=6).map(lambda address: f"[{address.exploded}]")
)
HOSTS = NAMES | NAMES.map(str.upper) | ADDRESSES
PORTS = (
    st.just("")
    | st.integers(1, 65535).map(lambda port: f":{port}")
    | st.sampled_from([":80", ":443"])
)
LIKELY = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "HTTP", "http"]),
    HOSTS,
    PORTS,
    st.sampled_from(["", "/"]),
) | st.builds("app://{}{}".format, NAMES | ADDRESSES, PORTS)
# Everything that can be wrong with an origin, often several things at once.
SCHEMES = st.sampled_from(["https", "http", "capacitor", "file", "wss", "chrome-extension", "h t"])
STARS = st.sampled_from(["", "*.", "*", "*.*."])
ODD_HOSTS = HOSTS | st.sampled_from(["127.1", "[::ffff:1.2.3.4]", "a..b", "", ".", "[", "]:["])
ODD_PORTS = (
    PORTS
    | st.integers(-1, 70000).map(lambda port: f":{port}")
    | st.sampled_from([":", ":*", ":080", ":x"])
)
NOISE = st.sampled_from(
    ["", "/", "//", "/x", "?x", "#x", " ", "\t", "\\", "%2e", ".", "@", "\u00a0", "\u3002"]
)
ODD = st.builds("{}{}://{}{}{}{}".format, NOISE, SCHEMES, STARS, ODD_HOSTS, ODD_PORTS, NOISE)
TEXTS = (
    LIKELY
    | ODD
    | st.text(max_size=40)
    | st.text("htps:/.*@[]0123456789abcAX-_%\\ \t?#", max_size=40)
)


def parsed(text: str) -> Any:
    """Parse a text; any exception but the one of the grammar is a failure."""
    try:
        return origins.parse_origin(text)
    except origins.OriginError:
        return None


def expected_from_standard(canonical: str) -> str:
    """Return the origin according to the URL standard; it has none for app schemes, only their parts."""
    url = ada_url.URL(canonical)
    return f"{url.protocol}//{url.host}" if url.origin == "null" else str(url.origin)


@given(st.one_of(LIKELY, TEXTS))
@example("https://xn--a.example")
def test_accepted_origins_are_those_of_the_url_standard(text: str) -> None:
    origin = parsed(text)
    event(f"accepted: {origin is not None}")
    if origin is None or origin.is_pattern:
        return
    # What was written, and what it was brought to, are one origin to a browser.
    assert (
        expected_from_standard(text.strip(" \t\r\n"))
        == str(origin)
        == expected_from_standard(str(origin))
    )


@given(TEXTS)
def test_parsing_is_idempotent_and_corrections_are_valid(text: str) -> None:
    try:
        origin = origins.parse_origin(text)
        assert origins.parse_origin(str(origin)) == origin
        origins.require_secure(origin, allow_loopback=False)
        assert origin.scheme != "http"
    except origins.OriginError as error:
        assert str(error).isprintable()
        if error.correction is not None:
            assert str(origins.parse_origin(error.correction)) == error.correction


PATTERNS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http", "app"]),
    st.sampled_from(["", "*.", "*."]),
    NAMES,
    st.sampled_from(["", ":*", ":8443"]),
)
INSIDES = st.lists(LABELS.map(str.lower), max_size=4).map(
    lambda labels: "".join(f"{label}." for label in labels)
)


@given(pattern=PATTERNS, inside=INSIDES, port=ODD_PORTS, suffix=NOISE, other=TEXTS)
def test_a_pattern_matches_its_own_domain_only(
    pattern: str, inside: str, port: str, suffix: str, other: str
) -> None:
    allowed = parsed(pattern)
    event(f"accepted: {allowed is not None}")
    if allowed is None:
        return
    matches = re.compile(rf"\A(?:{allowed.regex})\Z").fullmatch
    inner = f"{allowed.scheme}://{inside}{allowed.host}"
    glued = f"{allowed.scheme}://{inside[:-1]}{allowed.host}"
    for candidate in (
        inner + port,
        inner + port + suffix,
        inner + suffix + port,
        glued + port,
        other,
    ):
        origin = parsed(candidate)
        belongs = (
            origin is not None
            and str(origin) == candidate
            and not origin.is_pattern
            and origin.scheme == allowed.scheme
            and (
                origin.host.endswith(f".{allowed.host}")
                if allowed.any_subdomain
                else origin.host == allowed.host
            )
            and allowed.port in ("*", origin.port)
        )
        assert bool(matches(candidate)) == belongs, candidate
