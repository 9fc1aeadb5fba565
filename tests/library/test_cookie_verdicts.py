"""The verdicts of `judge_cookie`, which tests/browser/test_dropped_cookies.py tries in engines."""

import pytest
from cors_right.diagnostics.cookies import ENGINES, STANDARD, Verdict, judge_cookie

from tests.support import words

LOCAL, OWN, LITERAL = "http://localhost:3000", "http://localhost:8000", "http://127.0.0.1:8000"
APP, API = "https://app.example.com", "https://api.example.com"
OTHER, SUBPAGE = "https://api.example.net", "http://app.shop.localhost:3000"
PAST, FUTURE = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
CROSS = "SameSite=None; Secure"

# The page, the address, the cookie, and the reason to drop it, or nothing.
VERDICTS = [
    (APP, API, "a=1", ""),
    (APP, API, "a=1; SameSite=Lax; Secure; HttpOnly; Path=/", ""),
    (APP, API, "a=1; SameSite=Strict", ""),
    (APP, APP, "a=1; SameSite=Strict", ""),
    (APP, OTHER, f"a=1; {CROSS}", ""),
    (APP, OTHER, "a=1; SameSite=Lax", words.TWO_SITES.format("Lax", APP, OTHER)),
    (APP, OTHER, "a=1; samesite = STRICT", words.TWO_SITES.format("Strict", APP, OTHER)),
    (APP, OTHER, "a=1", words.TWO_SITES.format("Lax by default", APP, OTHER)),
    (APP, OTHER, "a=1; SameSite=No", words.TWO_SITES.format("Lax by default", APP, OTHER)),
    (APP, OTHER, f"a=1; SameSite=Lax; {CROSS}", ""),
    (APP, OTHER, f"a=1; {CROSS}; SameSite=Lax", words.TWO_SITES.format("Lax", APP, OTHER)),
    ("null", API, "a=1; SameSite=Lax", words.TWO_SITES.format("Lax", "null", API)),
    ("https://github.io", "https://a.github.io", "a=1; SameSite=Lax", "different sites"),
    ("https://a.github.io", "https://b.github.io", "a=1; SameSite=Lax", "different sites"),
    ("https://a.co.uk", "https://b.co.uk", "a=1; SameSite=Lax", "different sites"),
    ("https://a.b.co.uk", "https://c.b.co.uk", "a=1; SameSite=Lax", ""),
    ("https://1.0.0.7", "https://2.0.0.7", "a=1; SameSite=Lax", "different sites"),
    ("https://[::1]", "https://[::2]", "a=1; SameSite=Lax", "different sites"),
    ("http://app.example.com", API, "a=1; SameSite=Lax", "different sites"),
    (LOCAL, OWN, "a=1; SameSite=Lax", ""),
    (LOCAL, "http://LOCALHOST:8000", "a=1; SameSite=Lax", ""),
    (LOCAL, LITERAL, "a=1; SameSite=Lax", words.TWO_SITES.format("Lax", LOCAL, LITERAL)),
    (SUBPAGE, "http://api.shop.localhost:8000", "a=1; SameSite=Lax", ""),
    (SUBPAGE, "http://api.other.localhost:8000", "a=1; SameSite=Lax", "different sites"),
    (SUBPAGE, OWN, "a=1; SameSite=Lax", "different sites"),
    (APP, OTHER, "a=1; SameSite=None", words.NONE_NOT_SECURE),
    (APP, API, "a=1; SameSite=None", words.NONE_NOT_SECURE),
    (APP, API, "a=1; Partitioned", words.PARTITIONED_NOT_SECURE),
    (APP, OTHER, f"a=1; {CROSS}; Partitioned", ""),
    (LOCAL, LITERAL, f"a=1; {CROSS}; Partitioned", ""),
    (LOCAL, "http://[::1]:8000", f"a=1; {CROSS}", ""),
    (LOCAL, "http://192.0.2.7:8000", f"a=1; {CROSS}", words.SECURE_OVER_HTTP),
    ("http://app.example.com", "http://api.example.com", "a=1; Secure", words.SECURE_OVER_HTTP),
    (APP, API, "a=1; Domain=example.com", ""),
    (APP, API, "a=1; Domain=.EXAMPLE.com", ""),
    (APP, API, "a=1; Domain=api.example.com", ""),
    (APP, API, "a=1; Domain=", ""),
    (APP, API, "a=1; Domain=x; Domain=example.com", ""),
    (APP, API, "a=1; Domain=app.example.com", words.WRONG_DOMAIN.format("app.example.com")),
    (APP, API, "a=1; Domain=ample.com", words.WRONG_DOMAIN.format("ample.com")),
    (APP, API, "a=1; Domain=example.com.", words.WRONG_DOMAIN.format("example.com.")),
    (APP, API, "a=1; Domain=\x9b2Jé", words.WRONG_DOMAIN.format("\x9b2jé")),
    (APP, API, "a=1; Domain=" + "x" * 101, words.WRONG_DOMAIN.format("x" * 100)),
    (APP, API, "a=1; Domain=com", words.SHARED_DOMAIN.format("com")),
    ("https://github.io", "https://github.io", "a=1; Domain=github.io", ""),
    (LOCAL, OWN, "a=1; Domain=localhost", ""),
    (LITERAL, LITERAL, "a=1; Domain=127.0.0.1", ""),
    (LITERAL, LITERAL, "a=1; Domain=0.0.1", words.WRONG_DOMAIN.format("0.0.1")),
    (APP, API, "__Host-a=1; Secure; Path=/; Domain=", ""),
    (APP, API, "__Host-a=1", words.PREFIX_NEEDS.format("__Host-", "Secure, Path=/")),
    (APP, API, "__hOST-a=1; Secure; Path=/x", words.PREFIX_NEEDS.format("__hOST-", "Path=/")),
    (
        APP,
        API,
        "__Host-a=1; Secure; Path=/; Domain=example.com",
        words.PREFIX_WITH_DOMAIN.format("__Host-"),
    ),
    (APP, API, "__Secure-a=1; Secure; Domain=example.com", ""),
    (APP, API, "__Secure-a=1", words.PREFIX_NEEDS.format("__Secure-", "Secure")),
    (APP, API, "__Http-a=1; Secure; HttpOnly", ""),
    (APP, API, "__Http-a=1; Secure", words.PREFIX_NEEDS.format("__Http-", "HttpOnly")),
    (APP, API, "__Host-Http-a=1; Secure; HttpOnly; Path=/", ""),
    (
        APP,
        API,
        "__Host-Http-a=1; Secure",
        words.PREFIX_NEEDS.format("__Host-Http-", "HttpOnly, Path=/"),
    ),
    (
        APP,
        API,
        "__Host-Http-a=1; Secure; HttpOnly; Path=/; Domain=example.com",
        words.PREFIX_WITH_DOMAIN.format("__Host-Http-"),
    ),
    (APP, API, "x__Host-a=1", ""),
    (APP, API, "=__Secure-1; Secure", words.NAMELESS_PREFIX.format("__Secure-")),
    (APP, API, "__Host-1; Secure; Path=/", words.NAMELESS_PREFIX.format("__Host-")),
    (APP, API, "a", ""),
    (APP, API, "=a", ""),
    (APP, API, "a=", ""),
    (APP, API, "\t= \t", words.HAS_NO_NAME),
    (APP, API, "; Secure", words.HAS_NO_NAME),
    *((APP, API, f"a=1{control}", words.HAS_CONTROL) for control in "\x00\x08\n\x1f"),
    (APP, API, "a=1; Path=/\x7f", words.HAS_CONTROL),
    (APP, API, "a=1\t2", ""),
    (APP, API, "a=" + "x" * 4095, ""),
    (APP, API, "a=" + "x" * 4096, words.IS_TOO_BIG),
    (APP, API, "a=" + "é" * 2048, words.IS_TOO_BIG),
    (APP, API, "a=" + "\udce9" * 4095, ""),  # bytes of a header
    (APP, OTHER, f"a=1; {CROSS}; SameSite=Lax" + "é" * 511, ""),
    (APP, OTHER, f"a=1; {CROSS}; SameSite=Lax" + "x" * 1021, "different sites"),
]
# Engines that differ from the standard, and the engines that keep a cookie.
DIFFERENCES = [
    (LOCAL, LITERAL, "a=1", {"firefox", "webkit"}),
    (LOCAL, LITERAL, "a=1; SameSite=Strict", set()),
    ("http://app.example.com", API, "a=1; SameSite=Lax", {"firefox", "webkit"}),
    (LOCAL, OWN, f"a=1; {CROSS}", {"standard", "chromium", "firefox"}),
    (APP, API, "a=1; SameSite=None", {"webkit"}),
    (APP, API, "a=1; Partitioned", {"webkit"}),
    (APP, API, "__Host-a=1", {"webkit"}),
    (APP, OTHER, "a=1; SameSite=Lax; SameSite=NONE; Secure", {"standard", "chromium", "firefox"}),
    (LOCAL, LITERAL, "a=1; SameSite=Lax; SameSite=Unknown", {"firefox"}),
    (LITERAL, LITERAL, "a=1; Domain=127.0.0.1", {"standard", *ENGINES}),
    (APP, API, "a=1; Domain=api.example.com", {"standard", *ENGINES}),
    (APP, API, "a=1; Domain=none", set()),
    (LOCAL, OWN, "a=1; Domain=localhost", {"standard", "chromium", "firefox"}),
    (APP, API, "a", {"standard", *ENGINES}),
    (APP, API, "=a", {"standard", "chromium", "webkit"}),
    (APP, API, "a=1\t2", {"standard", "firefox", "webkit"}),
    (APP, API, "a=1; \tPath=/", {"standard", "chromium", "firefox", "webkit"}),
    (APP, API, "a=" + "x" * 4096, {"webkit"}),
    (APP, API, "a=1; Max-Age=0", set()),
    (APP, API, f"a=1; Max-Age=9; Expires={PAST}", {"standard", "chromium", "firefox"}),
    (APP, API, f"a=1; Max-Age=0; Expires={FUTURE}", {"webkit"}),
]


@pytest.mark.parametrize(("page", "url", "text", "reason"), VERDICTS)
def test_verdict_names_reason_to_drop(page: str, url: str, text: str, reason: str) -> None:
    verdict = judge_cookie(page, f"{url}/path", text)
    assert verdict.is_kept == (not reason)
    assert verdict.reason.partition("; call ")[0].endswith(reason)
    assert reason or not verdict.reason


@pytest.mark.parametrize(("page", "url", "text", "keeping"), DIFFERENCES)
def test_verdict_differs_by_engine(page: str, url: str, text: str, keeping: set[str]) -> None:
    engines = {"standard": STANDARD, **ENGINES}
    verdicts = {name: judge_cookie(page, url, text, rules) for name, rules in engines.items()}
    assert {name for name, verdict in verdicts.items() if verdict.is_kept} == keeping


@pytest.mark.parametrize(
    ("attributes", "is_kept"),
    [
        ("Max-Age=1", True),
        ("Max-Age=0", False),
        ("Max-Age=-1", False),
        ("Max-Age=+0", True),
        ("Max-Age=0.5", True),
        ("Max-Age=0; Max-Age=9", True),
        (f"Expires={PAST}", False),
        (f"Expires={FUTURE}", True),
        ("Expires=Thu, 01 Jan 1970 00:00:00 -0000", True),  # not the date format of browsers
        ("Expires=soon", True),
        (f"Max-Age=9; Expires={PAST}", True),
    ],
)
def test_verdict_of_expired_cookie_has_no_reason(attributes: str, is_kept: bool) -> None:
    verdict = judge_cookie(APP, API, f"a=1; Secure; {attributes}")
    assert verdict == Verdict("a", is_kept)


@pytest.mark.parametrize(
    ("page", "url", "instead"),
    [
        (LOCAL, LITERAL, OWN),
        ("http://127.0.0.1:3000", OWN, LITERAL),
        (LOCAL, "http://127.0.0.1", "http://localhost"),
        (SUBPAGE, LITERAL, "http://app.shop.localhost:8000"),
        ("http://[::1]:3000", OWN, ""),  # no service listens there
        ("http://127.0.0.2:3000", OWN, ""),
        ("https://localhost:3000", LITERAL, ""),  # the scheme also makes two sites
        (LOCAL, "http://192.0.2.7:8000", ""),
        (APP, OTHER, ""),
        ("http://notlocalhost", LITERAL, ""),
    ],
)
def test_verdict_names_address_that_keeps_the_cookie(page: str, url: str, instead: str) -> None:
    verdict = judge_cookie(page, f"{url}/path", "a=1; SameSite=Lax")
    assert (verdict.is_kept, verdict.reason.partition("; call ")[2]) == (False, instead)


@pytest.mark.parametrize(
    ("text", "name"),
    [("a=1", "a"), (" a b = 1=2", "a b"), ("secret", ""), ("=secret", ""), ("a", "")],
)
def test_verdict_has_the_name_and_never_the_value(text: str, name: str) -> None:
    verdict = judge_cookie(APP, OTHER, text)
    assert verdict.name == name
    assert "secret" not in repr(verdict)
