"""Optional keys of an ASGI scope, and the iterables that ASGI allows for headers.

See "HTTP connection scope" and "WebSocket connection scope" in the ASGI specification.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right.log import RefusalLog
from starlette.types import Message, Receive, Scope, Send

from tests.support.asgi import PRODUCTION, Answer, RawHeaders, passed, run_app

APP, FOREIGN, API = "https://app.example.com", "https://evil.example", "api.example.com"
POLICY = CORSPolicy(**PRODUCTION, allow_credentials=True)
OPTIONAL: dict[str, Any] = {
    "scheme": "https",
    "http_version": "1.1",
    "raw_path": b"/",
    "query_string": b"",
    "root_path": "",
    "client": ("127.0.0.1", 1),
    "server": (API, 443),
    "subprotocols": [],
    "state": {},
    "extensions": {},
}
ITERABLES: dict[str, Callable[[RawHeaders], Iterable[Any]]] = {
    "list": list,
    "tuple": tuple,
    "lists": lambda headers: [[name, value] for name, value in headers],
    "iterator": iter,
    "generator": lambda headers: (header for header in headers),
    "map": lambda headers: map(tuple, headers),
    "dict view": lambda headers: dict(headers).items(),
}


@pytest.fixture(autouse=True)
def own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())


def headers_of(origin: str) -> RawHeaders:
    return [(b"host", API.encode()), (b"origin", origin.encode())]


def served(kind: str, headers: Iterable[Any], without: Iterable[str]) -> tuple[Answer, Scope]:
    """Return the response to a POST or a handshake, and the scope that the application received."""
    own = {"method": "POST"} if kind == "http" else {"scheme": "wss"}
    scope: Scope = {"type": kind, "path": "/", "headers": headers, **OPTIONAL, **own}
    for key in without:
        scope.pop(key, None)
    seen: Scope = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await passed(scope, receive, send)

    return run_app(CORSPolicyMiddleware(app, POLICY), scope), seen


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("without", [[], [*OPTIONAL], *([key] for key in OPTIONAL)])
def test_optional_key_can_be_absent(kind: str, without: list[str]) -> None:
    accepted = 200 if kind == "http" else 101
    for origin, status in ((APP, accepted), (FOREIGN, 403)):
        answer, seen = served(kind, headers_of(origin), without)
        assert answer.status == status
        if "scheme" in without and status == accepted:
            assert seen["scheme"] == {"http": "http", "websocket": "ws"}[kind]
        allowed = answer.cors.get(b"access-control-allow-origin")
        assert allowed == (APP.encode() if origin == APP and kind == "http" else None)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("iterable", ITERABLES)
def test_headers_can_be_any_iterable(kind: str, iterable: str) -> None:
    """Include an iterator, which the application must also be able to read."""
    accepted = 200 if kind == "http" else 101
    for origin, status in ((APP, accepted), (FOREIGN, 403)):
        answer, seen = served(kind, ITERABLES[iterable](headers_of(origin)), ["scheme"])
        assert answer.status == status
        if status == accepted:
            assert [tuple(header) for header in seen["headers"]] == headers_of(origin)


def test_headers_can_be_absent() -> None:
    for kind, status in (("http", 200), ("websocket", 101)):
        answer, _ = served(kind, [], ["headers"])
        assert answer.status == status


@pytest.mark.parametrize("kind", ["lifespan", "webtransport", "x"])
def test_unknown_scope_passes_untouched(kind: str) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        return {"type": f"{kind}.startup"}

    async def send(message: Message) -> None: ...

    scope = {"type": kind, "headers": iter([(b"origin", FOREIGN.encode())])}
    asyncio.run(CORSPolicyMiddleware(app, POLICY)(scope, receive, send))
    assert seen == [scope]


def test_application_writes_into_the_servers_scope() -> None:
    """Share the scope, because outer middleware reads added keys such as the route."""
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = "found"
        await passed(scope, receive, send)

    assert run_app(CORSPolicyMiddleware(app, POLICY), scope).status == 200
    assert scope["route"] == "found"


@pytest.mark.parametrize(
    ("scheme", "origin", "status"),
    [
        ("wss", f"wss://{API}", 101),
        ("wss", f"wss://{API}:443", 403),
        ("ws", f"wss://{API}", 101),  # behind a proxy that ends TLS
        ("ws", "ws://localhost:8000", 403),
        ("wss", f"ws://{API}", 403),
        ("wss", f"wss://{API}.evil.example", 403),
        ("wss", "wss://evil.example", 403),
    ],
)
def test_native_client_sends_its_own_address(scheme: str, origin: str, status: int) -> None:
    scope: Scope = {"type": "websocket", "scheme": scheme, "path": "/"}
    scope["headers"] = headers_of(origin)
    assert run_app(CORSPolicyMiddleware(passed, POLICY), scope).status == status
    # No page can send this, so the request is not from the service's own page.
    scope.update(type="http", scheme="https", method="POST")
    assert run_app(CORSPolicyMiddleware(passed, POLICY), scope).status == 403
