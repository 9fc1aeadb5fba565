"""The texts and tables of the pages about CORS, compared with the code."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cors_right import CORSPolicy
from cors_right.diagnostics.browser import Fetch
from cors_right.diagnostics.consoles import FAILED, MISMATCH, WORDS
from cors_right.diagnostics.cookies import ENGINES, is_same_site, judge_cookie
from cors_right.middleware import COSTLY, TOO_LARGE
from cors_right.reasons import (
    ABSENT,
    CROSS_SITE_FORM,
    MAX_NAMED,
    NULL,
    TOO_LONG,
    Difference,
    Miss,
    NotListed,
    Reason,
    Unlisted,
    why_not_allowed,
)
from cors_right.refusal import judge
from cors_right.request import Request

from hooks.filters import origins
from tests.support import words
from tests.support.asgi import raw
from tests.support.baking import ROOT, SERVICE, Bakery
from tests.support.browse import fetch
from tests.support.markdown import command, commands
from tests.support.origins_table import REFUSED
from tests.support.serving import REQUIRED, clean_environment, send, serve

FIX, CONCEPTS, COOKIES, LOCAL, SECURITY = (
    ROOT / "docs" / f"{name}.md"
    for name in (
        *("fix-blocked", "how-cors-works", "cookies-and-csrf", "local-development", "security"),
    )
)
VALUE = "…"  # stands for a value on the pages
EXPLAIN, CHECK, PREFLIGHT = "--env production", "/health", "/notes"
SERVE = "--host localhost"


def rows(page: Path, head: str) -> list[list[str]]:
    """Return the cells of a table that has a cell in its head, with the backslashes of `\\*`."""
    text = page.read_text("utf-8")
    tables = re.findall(r"^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.M)
    found = [body for line, body in tables if head in line.strip("| ").split(" | ")]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        for body in found
        for line in body.splitlines()
    ]


def code(cell: str) -> list[str]:
    """Return the code in a cell."""
    return re.findall("`([^`]+)`", cell)


def expression(text: str) -> str:
    """Return the regular expression of a text with values."""
    return ".+".join(map(re.escape, text.split(VALUE)))


def test_page_quotes_every_console_message_and_no_other() -> None:
    shown = set(re.findall(r"^(Chromium|Firefox|WebKit): +(.*)$", FIX.read_text("utf-8"), re.M))
    frames = {line for line in shown if "REASON" in line[1]}
    engines = ("Chromium", "Firefox", "WebKit")
    printed = {("Chromium", FAILED.strip()), ("Firefox", MISMATCH)} | {
        line for texts in WORDS.values() for line in zip(engines, texts, strict=True)
    }
    assert len(frames) == len(engines)
    assert shown - frames == {(name, re.sub(r"\{[\w.]+\}", VALUE, text)) for name, text in printed}


def miss(difference: Difference) -> NotListed:
    """Return the reason for an origin that misses an entry by a difference."""
    near = Miss(0, words.APP, "a.example", "b.example", (difference,), None)
    return NotListed("https://a.example", "FRONTEND_ORIGINS", near, False)


IN_FORCE = words.policy(words.APP)
REASONS: list[Reason] = [
    ABSENT,
    CROSS_SITE_FORM,
    NULL,
    TOO_LONG,
    *map(miss, Difference),
    words.not_listed("https://other.example", words.APP),
    words.not_listed("https://other.example"),
    why_not_allowed(IN_FORCE, [words.APP, words.APP]),
    why_not_allowed(IN_FORCE, [f"{words.APP}:443"]),
    why_not_allowed(IN_FORCE, ["file://"]),
    Unlisted("QUERY"),
    Unlisted("patch", upper_is_listed=True),
    Unlisted("TRACE"),
    Unlisted(headers=("x-tenant",)),
    Unlisted(headers=("cookie",)),
    Unlisted(headers=tuple(f"x-{number}" for number in range(MAX_NAMED + 1))),
]


def test_page_explains_every_logged_reason_and_no_other() -> None:
    ends = [expression(end) for row in rows(FIX, "the reason ends with") for end in code(row[0])]
    for reason in REASONS:
        assert any(re.search(f"(?:^|; |, but ){end}$", reason.why) for end in ends), reason.why
    for end in ends:
        assert any(re.search(f"(?:^|; |, but ){end}$", reason.why) for reason in REASONS), end


def test_page_shows_the_line_of_a_refusal() -> None:
    line = words.log_line("http://app.example.com", "/notes", words.APP)
    assert f"\n{line}\n" in FIX.read_text("utf-8")


def test_page_has_the_line_of_every_limit() -> None:
    shown = [code(row[0]) for row in rows(FIX, "the line ends with")]
    assert shown == [[TOO_LARGE.format(VALUE)], [f"{COSTLY} (431)"]]


def test_page_explains_every_refused_origin_and_no_other() -> None:
    """Match each row with a message, and each message with a row."""
    text = FIX.read_text("utf-8")
    tables = re.findall(r"^\| the entry \| why \|\n\|---\|---\|\n((?:\|.*\|\n)+)", text, re.M)
    grammar, credentials = (
        [line.split(" | ")[0][2:].replace("\\", "") for line in body.splitlines()]
        for body in tables
    )
    messages = []
    for refused in (*REFUSED, "*"):
        with pytest.raises(origins.OriginError) as caught:
            origins.parse_origin(refused)
        messages.append(str(caught.value))
    for message in messages:
        assert [reason for reason in grammar if reason in message], message
    for reason in grammar:
        assert [message for message in messages if reason in message], reason
    sources = "".join(
        (SERVICE / "cors_right" / name).read_text("utf-8")
        for name in ("origins.py", "public_suffixes.py")
    )
    for reason in credentials:
        assert reason.removeprefix("'*' ") in sources


def test_commands_of_the_page_run(bakery: Bakery) -> None:
    project = bakery.bake(credentials="cookies")
    assert len(commands(FIX)) == 3
    required = REQUIRED | {"FASTAPI_ENV": "production"}

    def ran(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        line = line.replace("uv run python", f"{sys.executable} -B")
        variables = clean_environment(**environment)
        return subprocess.run(
            ["bash", "-c", line], cwd=project, env=variables, text=True, capture_output=True
        )

    ended = ran(command(FIX, EXPLAIN))
    assert (ended.returncode, ended.stderr) == (1, "")
    assert FAILED in " ".join(ended.stdout.split())
    with serve(project, "app.main:app", required) as server:
        address = f"http://localhost:{server.port}"
        line = command(FIX, CHECK).replace("https://api.example.com", address)
        ended = ran(line, **required)
        assert (ended.returncode, ended.stderr) == (0, "")
        line = command(FIX, PREFLIGHT).replace("http://127.0.0.1:8000", address)
        assert ran(line).stdout.startswith("HTTP/1.1 200 ")
        assert send(server.port, "OPTIONS", "/notes", {"Origin": words.APP})[0] == 405


SITES = {"yes": (True, True), "no": (False, False), "not in Chromium": (False, True)}


def test_table_of_sites_agrees_with_browsers() -> None:
    table = rows(COOKIES, "one site?")
    assert len(table) == 6
    for page, api, answer in table:
        compared = tuple(
            is_same_site(*code(page), *code(api), is_schemeful=ENGINES[name].is_schemeful)
            for name in ("chromium", "webkit")
        )
        assert compared == SITES[answer], page


ORIGINS = {
    "any": ["https://evil.example"],
    "absent": [],
    "allowed": [words.APP],
    "unlisted": ["https://evil.example"],
    "`null`": ["null"],
    "the service's own": ["https://api.example.com"],
    "two": [words.APP, words.APP],
}
HEADERS = ("same-origin", "none", "same-site", "cross-site")


def test_table_of_writes_agrees_with_the_service() -> None:
    table = rows(COOKIES, "the write")
    assert len(table) == 7
    policy = CORSPolicy(allow_origins=[words.APP], allow_credentials=True)
    seen = set()
    for sites, sent, verdict in table:
        for site in {"absent": [""], "any": ["", *HEADERS]}.get(sites, code(sites)):
            for name in re.split(", (?:or )?| or ", sent):
                seen.add(name)
                headers = {"Host": "api.example.com", "Origin": ORIGINS[name]}
                headers |= {"Sec-Fetch-Site": site} if site else {}
                scope = {"type": "http", "method": "POST", "scheme": "https", "path": "/"}
                refused = judge(Request({**scope, "headers": raw(headers)}, policy))
                assert (refused is not None) == verdict.startswith("refused"), (site, name)
    assert seen == {*ORIGINS}


def test_table_of_dropped_cookies_agrees_with_verdicts() -> None:
    head = "`SameSite` of the cookie"
    (line,) = re.findall(rf"^\| {head} .*$", LOCAL.read_text("utf-8"), re.M)
    _, *services = code(line)
    for attributes, *cells in rows(LOCAL, head):
        cookies = [f"a=b; SameSite={value}" for value in code(attributes)] or ["a=b"]
        for (url, cell), cookie in itertools.product(zip(services, cells, strict=True), cookies):
            dropped = [
                name
                for name, rules in ENGINES.items()
                if not judge_cookie("http://localhost:3000", url, cookie, rules).is_kept
            ]
            said = [name for name in ENGINES if name in cell.lower()]
            assert dropped == ([*ENGINES] if cell == "dropped by all" else said), (url, cookie)


def test_page_shows_lines_of_the_log_of_development() -> None:
    reason = words.TWO_SITES.format("Lax", "http://localhost:3000", "http://127.0.0.1:8000")
    cookie = words.drops("shop-session", "Chromium drops", reason)
    text = " ".join(LOCAL.read_text("utf-8").split())
    assert f" PUT /session {cookie}; call http://localhost:8000 " in text
    assert f" GET /orders {words.hides('X-Total-Count')} " in text
    assert commands(LOCAL) == [command(LOCAL, SERVE)]


def test_security_page_names_tests_that_exist(bakery: Bakery) -> None:
    service = bakery.bake(credentials="cookies")
    table = rows(SECURITY, "tests")
    assert len(table) >= 18
    for *_, cell in table:
        folder = service if cell.startswith("the service's") else ROOT
        assert code(cell)
        assert [name for name in code(cell) if not (folder / name).is_file()] == []


def test_table_of_the_policy_agrees_with_services(bakery: Bakery) -> None:
    """Compare the page's seconds with the preflights of development and production services."""
    project = bakery.bake(credentials="none")
    (row,) = [row for row in rows(CONCEPTS, "development") if row[0].startswith("seconds")]
    for environment, seconds in zip(("development", "production"), row[1:], strict=True):
        with serve(project, "app.main:app", {"FASTAPI_ENV": environment}) as server:
            headers = {"Origin": words.APP, "Access-Control-Request-Method": "PUT"}
            _, answer, _ = send(server.port, "OPTIONS", "/notes", headers)
            assert answer["Access-Control-Max-Age"] == seconds
            is_read = fetch(server.port, Fetch("https://evil.example", "/health")).readable
            assert is_read == (environment == "development")
