"""The lines of development's log for cookies that browsers drop and headers that they hide."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right.diagnostics import hints
from cors_right.diagnostics.explain import answer_of, scope_of
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support import words
from tests.support.asgi import RawHeaders, ask

PAGE, OWN, LITERAL = "http://localhost:3000", "http://localhost:8000", "http://127.0.0.1:8000"
FETCH = {
    "Origin": PAGE,
    "Host": "127.0.0.1:8000",
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}
DEVELOPMENT: dict[str, Any] = {
    "development": True,
    "allow_origins": ["*"],
    "allow_credentials": True,
    "expose_headers": ["Location"],
}
CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
WEBKIT = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0"
LAX = ("Set-Cookie", "session=secret; SameSite=Lax")
ARE_TWO_SITES = words.TWO_SITES.format("Lax", PAGE, LITERAL)
LAX_LINE = f"GET / {words.drops('session', 'browsers drop', ARE_TWO_SITES)}; call {OWN}"
TOTAL = ("X-Total", "7")
TOTAL_LINE = f"GET / {words.hides('X-Total')}"


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test in a process without log lines."""
    monkeypatch.setattr(hints, "_written", set())
    monkeypatch.setattr(hints, "_known", set())


def sending(*headers: tuple[str, str], status: int = 200) -> ASGIApp:
    """Return an application that responds with these headers."""
    pairs: RawHeaders = [(name.encode(), value.encode("latin-1")) for name, value in headers]

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b""})

    return answer


def behind(app: ASGIApp, **policy: Any) -> CORSPolicyMiddleware:
    return CORSPolicyMiddleware(app, CORSPolicy(**DEVELOPMENT | policy))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("headers", "cookie", "line"),
    [
        ({}, LAX[1], LAX_LINE),
        ({"Host": "localhost:8000"}, LAX[1], None),
        ({"Host": "api.example.test"}, LAX[1], "different sites"),
        ({"Host": "api.example.test", "Sec-Fetch-Site": "same-site"}, LAX[1], None),
        # Behind a proxy that ends TLS, and on this machine without one.
        ({"Origin": "https://app.a.test", "Host": "api.a.test"}, LAX[1], None),
        ({"Origin": "https://localhost:3000", "Host": "localhost:8000"}, LAX[1], "different sites"),
        (
            {"Origin": "https://localhost:3000", "Sec-Fetch-Site": "same-site"}
            | {"User-Agent": WEBKIT},
            "a=secret; Secure",
            None,
        ),
        ({}, "a=secret;Secure;SameSite=None", None),
        ({"Host": "api.a.test"}, "a=secret; SameSite=None; Secure", words.SECURE_OVER_HTTP),
        ({}, "a=secret; SameSite=None", words.NONE_NOT_SECURE),
        ({}, "a=secret; Domain=\x9b2J; SameSite=None; Secure", r"Domain='\udc9b2j' "),
        ({}, "\x9b2J\xc3\xa9=secret", r"the cookie '\udc9b2J\xe9', "),
        ({}, "a" * 999 + "=secret", f"the cookie '{'a' * 100}', "),
        # Values that decide.
        ({}, "a=secret\x01; SameSite=None; Secure", words.HAS_CONTROL),
        ({}, f"a={'secret' * 700}; SameSite=None; Secure", words.IS_TOO_BIG),
        ({}, f"{'a' * 2000}={'secret' * 400}; SameSite=None; Secure", words.IS_TOO_BIG),
        ({}, "secret; SameSite=None", "a cookie without a name, "),
        ({}, "=secret; SameSite=None", "a cookie without a name, "),
        ({}, 'a=""; Max-Age=0; SameSite=None; Secure', None),
        ({"User-Agent": CHROMIUM}, "a=secret", ", which Chromium drops: "),
        ({"User-Agent": FIREFOX}, "a=secret", None),
        ({"User-Agent": FIREFOX}, LAX[1], ", which Firefox drops: "),
        ({"User-Agent": WEBKIT}, "a=secret; SameSite=None; Secure", ", which WebKit drops: "),
        ({"User-Agent": "curl/8"}, LAX[1], LAX_LINE),
        # Headers without an address of the page or the service.
        ({"Origin": "null"}, LAX[1], None),
        ({"Host": "[::::]:8000"}, LAX[1], None),
        ({"Host": "\x9b2J"}, LAX[1], None),
    ],
)
def test_log_names_cookie_that_the_browser_drops(
    headers: dict[str, Any], cookie: str, line: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    ask(behind(sending(("Set-Cookie", cookie))), FETCH | headers, scheme="http")
    found = said(caplog)
    assert len(found) == (1 if line else 0)
    assert not line or line in found[0]
    assert "secret" not in "".join(found)


def test_log_names_missing_credentials_as_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    app = sending(LAX, ("Set-Cookie", "theme=dark; SameSite=None; Secure"))
    ask(behind(app, allow_credentials=False), FETCH, scheme="http")
    assert said(caplog) == [
        f"GET / {words.drops(name, 'browsers drop', words.CALLS_WITHOUT_CREDENTIALS)}"
        for name in ("session", "theme")
    ]


@pytest.mark.parametrize(
    ("changed", "policy", "expected"),
    [
        ({}, {}, [LAX_LINE, TOTAL_LINE]),
        ({"Sec-Fetch-Dest": None, "Sec-Fetch-Mode": None}, {}, [LAX_LINE, TOTAL_LINE]),
        ({"Sec-Fetch-Site": None}, {}, [LAX_LINE, TOTAL_LINE]),
        ({"Sec-Fetch-Dest": "image"}, {}, [LAX_LINE]),
        ({"Sec-Fetch-Mode": "navigate"}, {}, []),
        ({"Sec-Fetch-Mode": "no-cors"}, {}, []),
        ({"Sec-Fetch-Site": "same-origin"}, {}, []),
        ({"Sec-Fetch-Site": None, "Origin": LITERAL}, {}, []),  # an own page over plain http
        ({"Origin": None}, {}, []),
        ({"Host": None}, {}, [TOTAL_LINE]),
        ({"Origin": [PAGE, PAGE]}, {}, []),
        ({"Origin": "https://evil.example"}, {"allow_origins": [PAGE]}, []),
        ({}, {"expose_headers": ["X-TOTAL"]}, [LAX_LINE]),
        ({}, {"allow_origins": [PAGE], "development": False, "allow_http_loopback": True}, []),
    ],
)
def test_log_covers_requests_of_allowed_pages_only(
    changed: dict[str, Any],
    policy: dict[str, Any],
    expected: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = {name: value for name, value in (FETCH | changed).items() if value is not None}
    ask(behind(sending(LAX, TOTAL), **policy), headers, scheme="http")
    assert [line for line in said(caplog) if words.REFUSED not in line] == expected


def test_wildcard_exposes_every_header(caplog: pytest.LogCaptureFixture) -> None:
    policy = {"expose_headers": ["*"], "allow_credentials": False}
    ask(behind(sending(TOTAL), **policy), FETCH, scheme="http")
    assert not said(caplog)


def test_log_prints_each_line_once(caplog: pytest.LogCaptureFixture) -> None:
    app = behind(sending(LAX, LAX, TOTAL))
    for path in ("/", "/notes"):
        ask(app, FETCH, path=path, scheme="http")
    ask(behind(sending(LAX, TOTAL)), FETCH, "PUT", scheme="http")
    assert said(caplog) == [LAX_LINE, TOTAL_LINE]


def test_log_names_header_for_script_after_an_image(caplog: pytest.LogCaptureFixture) -> None:
    app = behind(sending(TOTAL))
    for destination in ("image", "empty"):
        ask(app, FETCH | {"Sec-Fetch-Dest": destination}, scheme="http")
    assert said(caplog) == [TOTAL_LINE]


@pytest.mark.parametrize("at_once", [True, False])
def test_log_has_fifty_lines_at_most(at_once: bool, caplog: pytest.LogCaptureFixture) -> None:
    cookies = [("Set-Cookie", f"a{number}=1; SameSite=Lax") for number in range(60)]
    names = [(f"X-{number}", "1") for number in range(60)]
    for batch in [[*cookies, *names]] if at_once else [[each] for each in (*cookies, *names)]:
        app = behind(sending(*batch))
        ask(app, FETCH, scheme="http")
    assert len(said(caplog)) == hints.MAX_LINES == 50


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a=1; SameSite=None; Secure", "a=1; SameSite=None"),
        ("a=1; SameSite=None; Secure", "a=\x01; SameSite=None; Secure"),
        ("a=1; SameSite=None; Secure", f"a={'1' * 4096}; SameSite=None; Secure"),
        ("a=; SameSite=None; Secure", "a\xe9=; SameSite=None"),
        ("a=1; SameSite=None; Secure; b", "a=1; b; SameSite=None"),
        ("a; SameSite=None; Secure", "a; SameSite=Lax; Secure"),
        (
            "__Host-a=1; Path=/; SameSite=None; Secure",
            "__Host-a; Path=/; SameSite=None; Secure",
        ),
        ("=1; SameSite=None; Secure", "=__Host-1; SameSite=None; Secure"),
        (" =1; SameSite=None; Secure", " =__Host-1; SameSite=None; Secure"),
        ("=1; SameSite=None; Secure", "=; SameSite=None; Secure"),
        ("1; SameSite=None; Secure", "; SameSite=None; Secure"),
    ],
)
def test_log_names_cookie_after_a_similar_one(
    first: str, second: str, caplog: pytest.LogCaptureFixture
) -> None:
    for cookie in (first, second):
        assert not said(caplog)
        ask(behind(sending(("Set-Cookie", cookie))), FETCH, scheme="http")
    assert len(said(caplog)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:3000"},
        {"Host": "localhost:8000"},
        {"Sec-Fetch-Site": "same-site"},
        {"User-Agent": FIREFOX},
    ],
)
def test_log_names_cookie_that_another_caller_keeps(
    headers: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    app = behind(sending(("Set-Cookie", "a=1")))
    for changed in (headers, {}):
        assert not said(caplog)
        ask(app, FETCH | changed, scheme="http")
    assert len(said(caplog)) == 1


def test_log_names_cookie_that_an_https_address_sets(caplog: pytest.LogCaptureFixture) -> None:
    app = behind(sending(("Set-Cookie", "a=1; SameSite=None; Secure")))
    for scheme in ("https", "http"):
        assert not said(caplog)
        ask(app, FETCH | {"Host": "api.a.test"}, scheme=scheme)
    assert len(said(caplog)) == 1


@pytest.mark.parametrize(
    ("policy", "lines"),
    [
        ({"expose_headers": ["X-Total"]}, [LAX_LINE, TOTAL_LINE]),
        ({"allow_credentials": False}, [words.CALLS_WITHOUT_CREDENTIALS, TOTAL_LINE, LAX_LINE]),
    ],
)
def test_log_covers_each_policy_of_the_process(
    policy: dict[str, Any], lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for each in (policy, {}):
        ask(behind(sending(LAX, TOTAL), **each), FETCH, scheme="http")
    assert len(said(caplog)) == len(lines)
    assert all(line in found for line, found in zip(lines, said(caplog), strict=True))


@pytest.mark.parametrize(
    ("status", "is_named"),
    [(200, True), (300, True), (304, True), (404, True)]
    + [(status, False) for status in (301, 302, 303, 307, 308)],
)
def test_log_names_headers_of_every_status_but_redirects(
    status: int, is_named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    ask(behind(sending(TOTAL, status=status)), FETCH, scheme="http")
    assert said(caplog) == [TOTAL_LINE] * is_named


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("X-Cache-{}", "1", hints.MAX_KNOWN),
        ("Set-Cookie", "a{}=1; SameSite=None; Secure", hints.MAX_KNOWN),
        ("Set-Cookie", "a={}; SameSite=None; Secure", 1),  # without the value
    ],
)
def test_log_knows_a_bounded_number_of_responses(name: str, value: str, known: int) -> None:
    most = 0
    for number in range(hints.MAX_KNOWN + 50):
        header = (name.format(number), value.format(number))
        ask(behind(sending(header)), FETCH | {"Cookie": f"a={number}"}, scheme="http")
        most = max(most, len(hints._known))
    assert most == known
    assert len(hints._known) == (1 if known == 1 else 50)


def test_log_escapes_and_shortens_path_and_name(caplog: pytest.LogCaptureFixture) -> None:
    headers = [("X-\x1b[2J", "1"), ("X-" + "a" * 200, "1"), TOTAL]
    ask(behind(sending(*headers)), FETCH, "\x1b[2J", "/\x1b[2J" + "a" * 200, scheme="http")
    line = rf"'\x1b[2J' /%1B%5B2J{'a' * 95} {words.hides('X-Total')}"
    assert said(caplog) == [line]


def static_files(folder: Path) -> ASGIApp:
    (folder / "report.csv").write_text("a,b\n" * 500, "utf-8")
    return StaticFiles(directory=folder)


async def download(request: Request) -> Response:
    return FileResponse(__file__, filename="notes.py")


async def move(request: Request) -> Response:
    return RedirectResponse("/", headers=dict([TOTAL]))


ROUTES = [
    Route("/download", download),
    Mount("/events", sending(("Content-Type", "text/event-stream; charset=utf-8"), TOTAL)),
    Route("/move", move),
    Mount("/wrong", sending(TOTAL, status=400)),
]
# Requests to real applications, and the headers that the lines name.
REAL = {
    "gzip and static files": ("/report.csv", {"Accept-Encoding": "gzip"}, []),
    # A page that requests a part needs to know which part it received.
    "a range of a static file": ("/report.csv", {"Range": "bytes=0-9"}, ["Content-Range"]),
    "a static file that is not there": ("/absent", {}, []),
    "a file with a name": ("/download", {}, ["Content-Disposition"]),
    "server-sent events": ("/events/", {}, []),  # EventSource shows no header
    "a redirect": ("/move", {}, []),  # the browser follows it
    "a wrong request": ("/wrong/", {}, ["X-Total"]),
}
RATE_LIMITS = ["Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"]
# The headers that stacks send in addition to HTTP's, the headers that the lines name, and the
# reason for each false line.
STACKS: dict[str, tuple[str, list[str], str]] = {
    "slowapi": (
        "Retry-After X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset",
        RATE_LIMITS,
        "",
    ),
    "fastapi-limiter": ("Retry-After", ["Retry-After"], ""),
    "asgi-correlation-id": ("X-Request-ID", ["X-Request-Id"], ""),
    "sse-starlette": ("Cache-Control Connection X-Accel-Buffering", [], ""),
    "prometheus-fastapi-instrumentator": ("", [], ""),
    "opentelemetry": ("Traceresponse Server-Timing", [], ""),
    "X-Process-Time of FastAPI's documentation": (
        "X-Process-Time",
        ["X-Process-Time"],
        "a number for whoever measures; its name does not tell that no page shows it",
    ),
    "brotli-asgi": ("Content-Encoding Vary", [], ""),
    "fastapi-cache2": ("Cache-Control ETag X-FastAPI-Cache", [], ""),
    "secure, all presets": (
        "Cache-Control Content-Security-Policy Cross-Origin-Embedder-Policy "
        "Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Origin-Agent-Cluster "
        "Permissions-Policy Referrer-Policy Server Strict-Transport-Security "
        "X-Content-Type-Options X-DNS-Prefetch-Control X-Download-Options X-Frame-Options "
        "X-Permitted-Cross-Domain-Policies X-XSS-Protection",
        [],
        "",
    ),
    "uvicorn": ("Date Server Connection Transfer-Encoding", [], ""),
    "a preload": (
        "Link",
        ["Link"],
        "pagination uses the same header; a preload belongs to a document, which pages show",
    ),
    "pagination": ("Link X-Total-Count", ["Link", "X-Total-Count"], ""),
    "a login that fails": ("WWW-Authenticate", [], ""),
    "a method that is not there": ("Allow", [], ""),
    "a version that ends": ("Deprecation Sunset", [], ""),
    "htmx": ("HX-Redirect HX-Trigger", ["Hx-Redirect", "Hx-Trigger"], ""),
    "MCP": ("Mcp-Session-Id", ["Mcp-Session-Id"], ""),
    "gRPC-Web": ("Grpc-Status Grpc-Message", ["Grpc-Message", "Grpc-Status"], ""),
    "names that begin like others": ("Date-Range Server-Id", ["Date-Range", "Server-Id"], ""),
    "an obsolete header": ("Set-Cookie2", [], ""),
    "the safelist": ("Cache-Control Content-Language Expires Last-Modified Pragma", [], ""),
}


@pytest.mark.parametrize("stack", REAL)
def test_log_names_headers_of_real_applications(
    stack: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, headers, expected = REAL[stack]
    app = Starlette(routes=[*ROUTES, Mount("/", GZipMiddleware(static_files(tmp_path)))])
    asyncio.run(answer_of(behind(app), scope_of("GET", f"{LITERAL}{path}", FETCH | headers)))
    assert said(caplog) == [f"GET {path} {words.hides(name)}" for name in expected]


@pytest.mark.parametrize("stack", STACKS)
def test_log_names_headers_of_stack(stack: str, caplog: pytest.LogCaptureFixture) -> None:
    names, expected, _ = STACKS[stack]
    ask(behind(sending(*((name, "1") for name in names.split()))), FETCH, scheme="http")
    assert sorted(said(caplog)) == [f"GET / {words.hides(name)}" for name in expected]
