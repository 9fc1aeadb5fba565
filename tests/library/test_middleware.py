"""The middleware's responses and headers, byte by byte."""

from typing import Any

import pytest
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right.reasons import TOO_LONG
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from tests.support import words
from tests.support.asgi import PRODUCTION, Answer, ask, passed

APP = "https://app.example.com"
PREVIEW = "https://pr-7.preview.example.com"
FOREIGN = "https://evil.example"
DEVELOPMENT: dict[str, Any] = {
    "development": True,
    "allow_origins": ["*"],
    "allow_methods": ["*"],
    "allow_headers": ["*"],
    "max_age": 0,
}
VARY = (b"vary", b"Origin")
PREFLIGHT_VARY = (
    b"vary",
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
    b"Access-Control-Request-Private-Network",
)
CREDENTIALS = (b"access-control-allow-credentials", b"true")
EXPOSED = (b"access-control-expose-headers", b"Location")


def allow_origin(origin: str) -> tuple[bytes, bytes]:
    return b"access-control-allow-origin", origin.encode()


def behind(policy: dict[str, Any], app: Any = passed) -> CORSPolicyMiddleware:
    return CORSPolicyMiddleware(app, CORSPolicy(**policy))


def preflight(app: Any, origin: str | list[str], method: str, **headers: Any) -> Answer:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    names = {f"Access-Control-Request-{name}": value for name, value in headers.items()}
    return ask(app, asked | names, method="OPTIONS")


@pytest.mark.parametrize(
    ("policy", "origin", "expected"),
    [
        (PRODUCTION, APP, [EXPOSED, allow_origin(APP), VARY]),
        (PRODUCTION, PREVIEW, [EXPOSED, allow_origin(PREVIEW), VARY]),
        (PRODUCTION, FOREIGN, [VARY]),
        (PRODUCTION, "null", [VARY]),
        (PRODUCTION, "", [VARY]),
        (PRODUCTION, f"{APP}\xff", [VARY]),
        (PRODUCTION, [APP, FOREIGN], [VARY]),
        (PRODUCTION, [FOREIGN, APP], [VARY]),
        (PRODUCTION, [APP, APP], [VARY]),
        (PRODUCTION, [], [VARY]),
        (
            PRODUCTION | {"allow_credentials": True},
            APP,
            [CREDENTIALS, EXPOSED, allow_origin(APP), VARY],
        ),
        (DEVELOPMENT, FOREIGN, [allow_origin("*"), VARY]),
        (DEVELOPMENT, "", [allow_origin("*"), VARY]),
        (DEVELOPMENT, [APP, FOREIGN], [VARY]),
        (DEVELOPMENT, [], [VARY]),
        (
            DEVELOPMENT | {"allow_credentials": True, "expose_headers": ["Location"]},
            FOREIGN,
            [CREDENTIALS, EXPOSED, allow_origin(FOREIGN), VARY],
        ),
    ],
)
def test_response_has_the_expected_headers(
    policy: dict[str, Any], origin: Any, expected: Any
) -> None:
    answer = ask(behind(policy), {"Origin": origin})
    assert (answer.status, answer.headers, answer.body) == (200, expected, b"/")


@pytest.mark.parametrize("origin", [APP, FOREIGN])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "options", "PUT"])
def test_only_options_requests_are_preflights(origin: str, method: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    assert ask(behind(PRODUCTION), asked, method).body == b"/"


@pytest.mark.parametrize("origin", [APP, PREVIEW])
@pytest.mark.parametrize(
    ("method", "names"),
    [("PUT", "x-tenant"), ("DELETE", "x-tenant"), ("PUT", "x-unlisted"), ("X", "," * 1_000_000)],
)
def test_allowed_preflight_gets_the_whole_policy(origin: str, method: str, names: str) -> None:
    answer = preflight(behind(PRODUCTION), origin, method, Headers=names)
    assert (answer.status, answer.body) == (200, b"OK")
    assert answer.headers == [
        PREFLIGHT_VARY,
        (b"access-control-allow-methods", b"GET, PUT"),
        (b"access-control-max-age", b"7200"),
        (
            b"access-control-allow-headers",
            b"Accept, Accept-Language, Content-Language, Content-Type, X-Tenant",
        ),
        allow_origin(origin),
        (b"content-length", b"2"),
        (b"content-type", b"text/plain; charset=utf-8"),
    ]


def test_allowed_preflight_gets_its_origin_with_credentials() -> None:
    told = preflight(behind(PRODUCTION | {"allow_credentials": True}), APP, "PUT").cors
    assert told[b"access-control-allow-credentials"] == b"true"
    assert told[b"access-control-allow-origin"] == APP.encode()


@pytest.mark.parametrize("origin", [FOREIGN, "null", "", [APP, FOREIGN], [APP, APP]])
def test_refused_preflight_gets_no_policy(origin: Any) -> None:
    answer = preflight(behind(PRODUCTION), origin, "PUT", Headers="x-tenant")
    assert (answer.status, answer.body) == (403, words.UNLISTED_ORIGIN.encode())
    assert answer.headers == [
        VARY,
        (b"content-length", str(len(words.UNLISTED_ORIGIN)).encode()),
        (b"content-type", b"text/plain; charset=utf-8"),
    ]


@pytest.mark.parametrize(
    ("headers", "mirrored"),
    [
        ({}, None),
        ({"Headers": "x-a"}, b"x-a"),
        ({"Headers": ",x-a,, x-b,"}, b",x-a,, x-b,"),
        ({"Headers": ["x-a", "x-b"]}, b"x-a, x-b"),
        ({"Headers": "x" * (8192 - len("PURGE"))}, b"x" * (8192 - len("PURGE"))),
    ],
)
@pytest.mark.parametrize("with_credentials", [False, True])
def test_development_mirrors_requested_method_and_headers(
    headers: dict[str, Any], mirrored: bytes | None, with_credentials: bool
) -> None:
    app = behind(DEVELOPMENT | {"allow_credentials": with_credentials})
    answer = preflight(app, FOREIGN, "PURGE", **headers)
    told = answer.cors
    assert answer.status == 200
    assert told[b"access-control-allow-origin"] == (FOREIGN.encode() if with_credentials else b"*")
    assert told[b"access-control-allow-methods"] == b"PURGE"
    assert told.get(b"access-control-allow-headers") == mirrored
    assert told[b"access-control-max-age"] == b"0"


def test_development_treats_an_empty_origin_alike() -> None:
    assert preflight(behind(DEVELOPMENT), "", "PUT").status == 200


@pytest.mark.parametrize("names", [["x" * 8192], ["x" * 4096] * 2, "," * 1_000_000])
def test_development_mirrors_8_kilobytes_at_most(names: Any) -> None:
    answer = preflight(behind(DEVELOPMENT), FOREIGN, "PUT", Headers=names)
    assert answer.status == 400
    assert answer.body == f"Too many headers asked for: {TOO_LONG.why}".encode()
    assert (answer.cors, answer.headers[0]) == ({}, VARY)


def test_wildcard_applies_to_methods_or_headers_alone() -> None:
    told = preflight(behind(PRODUCTION | {"allow_methods": ["*"]}), APP, "X", Headers="x-a").cors
    assert told[b"access-control-allow-methods"] == b"X"
    assert b"X-Tenant" in told[b"access-control-allow-headers"]
    told = preflight(behind(PRODUCTION | {"allow_headers": ["*"]}), APP, "X", Headers="x-a").cors
    assert told[b"access-control-allow-methods"] == b"GET, PUT"
    assert told[b"access-control-allow-headers"] == b"x-a"


def test_options_request_needs_both_headers_for_preflight() -> None:
    answer = ask(behind(PRODUCTION), {"Origin": APP}, method="OPTIONS")
    assert (answer.status, answer.body) == (200, b"/")
    answer = ask(behind(PRODUCTION), {"Access-Control-Request-Method": "PUT"}, method="OPTIONS")
    assert (answer.status, answer.body) == (200, b"/")


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], [VARY]),
        ([("Vary", "Accept")], [("vary", "Accept, Origin")]),
        ([("vary", "origin")], [VARY]),
        ([("Vary", "Accept, origin,"), ("vary", "Cookie")], [("vary", "Accept, Cookie, Origin")]),
        ([("Vary", "*")], [("vary", "*, Origin")]),
        ([("Access-Control-Allow-Origin", "*"), ("access-control-max-age", "1")], [VARY]),
        ([("X-Upper", "Kept")], [("x-upper", "Kept"), VARY]),
        ([("Access-Control", "x")], [("access-control", "x"), VARY]),
        (
            [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")],
            [("set-cookie", "a=1"), ("set-cookie", "b=2"), VARY],
        ),
    ],
)
@pytest.mark.parametrize("origin", [APP, FOREIGN])
def test_application_headers_merge_with_the_policy(own: Any, expected: Any, origin: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name.encode(), value.encode()) for name, value in own]
        await send({"type": "http.response.start", "status": 200, "headers": iter(headers)})
        await send({"type": "http.response.body", "body": b""})

    def as_bytes(header: Any) -> Any:
        return header if header == VARY else tuple(part.encode() for part in header)

    headers = ask(behind(PRODUCTION, app), {"Origin": origin}).headers
    granted = [EXPOSED, allow_origin(APP)] if origin == APP else []
    assert [header for header in headers if header not in granted] == [*map(as_bytes, expected)]
    assert [header for header in headers if header in granted] == granted


def test_headers_equal_those_of_starlettes_middleware() -> None:
    """Compare the requests that both allow."""
    arguments = PRODUCTION | {"allow_origins": [APP], "allow_credentials": True}
    ours, theirs = behind(arguments), CORSMiddleware(passed, **arguments)
    for method, more in (
        ("GET", {}),
        ("OPTIONS", {"Access-Control-Request-Method": "PUT"}),
        (
            "OPTIONS",
            {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-tenant"},
        ),
    ):
        headers = {"Origin": APP} | more
        assert ask(ours, headers, method).cors == ask(theirs, headers, method).cors


def test_middleware_inherits_nothing() -> None:
    """Inherit no field or method of Starlette's class, because it would have no effect here."""
    assert CORSPolicyMiddleware.__mro__[1:] == (object,)
    public = {name for name in vars(behind(PRODUCTION)) if not name.startswith("_")}
    assert public == {"app", "cross_site_exempt"}


def test_middleware_protects_like_the_class() -> None:
    """Wrap any application, and try WebSockets, cross-site writes, long cookies and the log."""
    app = behind(PRODUCTION | {"allow_credentials": True})
    host = {"Host": "api.example.com"}
    for origin, statuses in ((APP, [101, 200, 431]), (FOREIGN, [403, 403, 431])):
        headers = host | {"Origin": origin}
        asked = [
            ask(app, headers, scheme="wss"),
            ask(app, headers, "POST"),
            ask(app, headers | {"Cookie": "x" * 9000}),
        ]
        assert [answer.status for answer in asked] == statuses


@pytest.mark.parametrize("development", [True, False])
def test_add_middleware_works_and_development_warns_once(
    development: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette()
    policy = CORSPolicy(allow_origins=[APP], development=development)
    app.add_middleware(CORSPolicyMiddleware, policy=policy)
    for _ in range(2):
        assert ask(app, {"Origin": APP}).cors == dict([allow_origin(APP)])
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == (1 if development else 0)
    assert not lines or "app = CORSPolicyMiddleware(app, policy)" in lines[0]


def test_development_does_not_warn_for_mounted_middleware(
    caplog: pytest.LogCaptureFixture,
) -> None:
    policy = CORSPolicy(allow_origins=[APP], development=True)
    part = CORSPolicyMiddleware(Starlette(), policy)
    ask(Starlette(routes=[Mount("/part", part)]), {"Origin": APP}, path="/part/x")
    assert not caplog.records
