"""The cookies that engines keep, compared with the verdicts of `judge_cookie`.

A page calls an address, which sets all cookies of the table at once, and then receives the cookies
that the browser kept.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cors_right.diagnostics.browser import Response
from cors_right.diagnostics.cookies import ENGINES, judge_cookie

from tests.support.browser.engines import Browser, cookie_behaviour, started
from tests.support.browser.report import Case, record
from tests.support.crooked import Crooked, crooked
from tests.support.requirements import REQUIRED_ENGINES, need

PAGES = (
    "http://localhost",
    "http://127.0.0.1",
    "http://app.example.localhost",
    "https://localhost",
    "https://app.example.localhost",
)
ADDRESSES = (
    "http://localhost",
    "http://127.0.0.1",
    "http://api.example.localhost",
    "http://api.other.localhost",
    "https://localhost",
    "https://127.0.0.1",
    "https://api.example.localhost",
    "https://api.other.localhost",
)
PAST, FUTURE = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
# Each cookie has a unique value, {value}, and mostly a unique name, {name}. Its host is
# {host}, and {parent} is the part behind the first dot.
COOKIES = (
    "{name}={value}",
    "{name}={value}; SameSite=Lax",
    "{name}={value}; SameSite=Strict",
    "{name}={value}; SameSite=None",
    "{name}={value}; SameSite=None; Secure",
    "{name}={value}; SameSite=None; Secure; Partitioned",
    "{name}={value}; SameSite=None; Partitioned",
    "{name}={value}; SameSite=Lax; Partitioned",
    "{name}={value}; SameSite=Lax; Secure; Partitioned",
    "{name}={value}; SameSite",
    "{name}={value}; SameSite=; Secure",
    "{name}={value}; SameSite=Unknown; Secure",
    "{name}={value}; samesite=lAX; SECURE",
    "{name}={value}; SameSite=Lax; SameSite=NONE; Secure",
    "{name}={value}; SameSite=None; SameSite=Lax; Secure",
    "{name}={value}; SameSite=Lax; SameSite=Unknown; Secure",
    "{name}={value}; Secure",
    "{name}={value}; HttpOnly; SameSite=None; Secure",
    "{name}={value}; Domain={host}; SameSite=None; Secure",
    "{name}={value}; Domain={host}; SameSite=Lax",
    "{name}={value}; Domain=.{host}; SameSite=None; Secure",
    "{name}={value}; Domain={parent}; SameSite=None; Secure",
    "{name}={value}; Domain=localhost; SameSite=None; Secure",
    "{name}={value}; Domain=x.{host}; SameSite=None; Secure",
    "{name}={value}; Domain=example.com; SameSite=None; Secure",
    "{name}={value}; Domain=; SameSite=None; Secure",
    "{name}={value}; Domain=example.com; Domain={host}; SameSite=None; Secure",
    "__Host-{name}={value}; Path=/; SameSite=None; Secure",
    "__Host-{name}={value}; Path=/; SameSite=None; Secure; Domain={host}",
    "__Host-{name}={value}; SameSite=None; Secure",
    "__Host-{name}={value}; Path=/x; Path=/; SameSite=None; Secure",
    "__Host-{name}={value}; Path=/; SameSite=Lax",
    "__HOST-{name}={value}; SameSite=None; Secure",
    "__Secure-{name}={value}; SameSite=None; Secure",
    "__Secure-{name}={value}; SameSite=Lax",
    "__Http-{name}={value}; SameSite=None; Secure; HttpOnly",
    "__Http-{name}={value}; SameSite=None; Secure",
    "__Host-Http-{name}={value}; Path=/; SameSite=None; Secure; HttpOnly",
    "__Host-Http-{name}={value}; Path=/; SameSite=None; Secure",
    # Cookies without a name replace each other, unless they have another path.
    "__Host-{value}; SameSite=None; Secure",
    "{value}; Path=/; SameSite=None; Secure",
    "={value}; Path=/cookies/kept; SameSite=None; Secure",
    "=__Secure-{value}; Path=/cookies/kept/now; SameSite=None; Secure",
    "{name}={value}; Max-Age=0; SameSite=None; Secure",
    "{name}={value}; Max-Age=-1; Expires={future}; SameSite=None; Secure",
    "{name}={value}; Max-Age=100; Expires={past}; SameSite=None; Secure",
    "{name}={value}; Max-Age=x; Expires={past}; SameSite=None; Secure",
    "{name}={value}; Max-Age=0; Max-Age=100; SameSite=None; Secure",
    "{name}={value}; Expires=soon; SameSite=None; Secure",
    "{name}={value}\tx; SameSite=None; Secure",
    "{name}={value}; SameSite=None;\tSecure",
    "{name}={value}; x=\x01; SameSite=None; Secure",
    "  {name} = {value} ; SameSite = None ; Secure",
    "{name}={value}{fill}; SameSite=None; Secure",
    "{name}={value}{fill}x; SameSite=None; Secure",
    "{name}={value}; SameSite=Lax{long}; SameSite=None; Secure",
)
MAX_PAIR = 4096
# Sets all cookies, reads them back, and removes them.
VISIT = """
const visited = [];
for (const address of args[0]) {
    const ask = async path => {
        const response = await fetch(`${address}/cookies/${path}`, {credentials: 'include'});
        return response.text();
    };
    await ask('set');
    visited.push(await ask('kept/now'));
    await ask('remove');
    const left = await ask('kept/now');
    if (left) throw new Error(`${address} keeps ${left}`);
}
return visited;
"""


def cookies_of(host: str) -> list[tuple[str, str]]:
    """Return the value and the header of each cookie that a host sets."""
    made = []
    for number, template in enumerate(COOKIES):
        name, value = f"name{number}", f"value{number}."
        parts = {"host": host, "parent": host.partition(".")[2], "past": PAST, "future": FUTURE}
        parts |= {"fill": "x" * (MAX_PAIR - len(name + value)), "long": "x" * 1024}
        made.append((value, template.format(name=name, value=value, **parts)))
    return made


def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
    """Set the cookies, remove them, or return the received cookies."""
    allowed = [
        ("Access-Control-Allow-Origin", headers.get("Origin", "")),
        ("Access-Control-Allow-Credentials", "true"),
        ("Cache-Control", "no-store"),
    ]
    cookies = [text for _, text in cookies_of(headers["Host"].partition(":")[0])]
    if path.endswith("now"):
        return Response(200, allowed, headers.get("Cookie", "").encode("latin-1"))
    if path.endswith("remove"):
        # The original header, its shortened form, and a form without obstructive attributes.
        cookies += [re.sub(r"[\t\x01].*", "", text) for text in cookies]
        cookies += [re.sub("; (Secure|SameSite).*", "", text) for text in cookies]
        cookies = [f"{text}; Max-Age=0; Expires={PAST}" for text in cookies]
    return Response(200, [*allowed, *(("Set-Cookie", text) for text in cookies)])


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[Crooked]:
    with crooked(certificate) as server:
        server.behaviours["cookies"] = answer
        yield server


def cells(
    browser: Browser, server: Crooked, pages: tuple[str, ...]
) -> Iterator[tuple[str, str, str, bool]]:
    """Yield a page, an address, a cookie, and whether the engine keeps it.

    Secure pages call secure addresses alone: not every engine lets them call loopback over http.
    """
    for page in pages:
        addresses = [each for each in ADDRESSES if each.startswith(page.partition(":")[0])]
        browser.open(f"{page}:{server.server_port}/")
        kept = browser.run(VISIT, [f"{address}:{server.server_port}" for address in addresses])
        for address, texts in zip(addresses, kept, strict=True):
            for value, text in cookies_of(address.partition("://")[2]):
                yield page, address, text, value in texts


# The cells that disagree: engine, expression for page, address and cookie, and reason.
BINDING = "no other host has the Domain, so the cookie is bound to its host, as __Host- wants"
DISAGREEING = (
    ("chromium", r".*127\.0\.0\.1 __Host-.*; Domain=127\.0\.0\.1", BINDING),
    ("firefox", r".* __Host-.*; Domain=(127\.0\.0\.1|localhost)", BINDING),
    (
        "webkit",
        r"(?i)https?://localhost (?!http:.*secure(;|$))\S+\.localhost "
        r".*samesite=(lax|strict)(?!x).*",
        "WebKitGTK takes names below a page's host for its site; a page on a suffix has no others",
    ),
    (
        "webkit",
        r".* https://127\.0\.0\.1 .*; Domain=0\.0\.1; .*",
        "WebKitGTK compares addresses as if they were names; no service means such a Domain",
    ),
    (
        "webkit",
        r".*(\x01.*| http://.*value\d+\.\tx; SameSite=None; Secure)",
        "WebKitGTK cuts a cookie before a control character, so that it keeps the first part",
    ),
)


def is_listed(engine: str, cell: str) -> bool:
    """Return whether the table lists a cell as a disagreement."""
    return any(
        name == engine and re.fullmatch(pattern, cell, re.DOTALL)
        for name, pattern, _ in DISAGREEING
    )


def compare(
    browser: Browser, server: Crooked, pages: tuple[str, ...] = PAGES, mode: str = ""
) -> None:
    """Compare the cookies that an engine keeps with the verdicts, in at least 600 cells."""
    wrong, expected, happened = [], Counter[str](), Counter[str]()
    for page, address, text, is_kept in cells(browser, server, pages):
        verdict = judge_cookie(page, address, text, ENGINES[browser.engine])
        expectation = verdict.is_kept != is_listed(browser.engine, f"{page} {address} {text}")
        pair = f"{page} to {address}{mode}"
        expected[pair] += expectation
        happened[pair] += is_kept
        if is_kept != expectation:
            wrong.append((page, address, text[:100], verdict.reason))
    for pair, count in expected.items():
        kept = (f"keeps {n} of {len(COOKIES)} cookies" for n in (count, happened[pair]))
        record(Case(browser.engine, "Dropped cookies", pair, *kept))
    assert len(expected) * len(COOKIES) >= 600
    assert not wrong


def test_engine_keeps_the_cookies_that_verdict_keeps(browser: Browser, server: Crooked) -> None:
    compare(browser, server)


def test_default_firefox_keeps_the_cookies_that_verdict_keeps(server: Crooked) -> None:
    """Check that partitioning by site (`cookieBehavior` 5) changes no verdict."""
    need("firefox", is_required="firefox" in REQUIRED_ENGINES)
    with started("firefox", third_party_cookies=None) as browser:
        assert cookie_behaviour(browser) == 5
        compare(browser, server, (PAGES[0], PAGES[-1]), ", in the default mode")
