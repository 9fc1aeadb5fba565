"""Legal but unusual ASGI applications, which behave behind a policy as without it.

Only the CORS headers and `Vary` of their responses differ. Each application runs on asyncio and
trio, for requests from an allowed origin, an unlisted origin and none.
"""

import contextvars
import functools
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import anyio
import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware
from cors_right.log import RefusalLog
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from tests.support.asgi import PRODUCTION

APP, FOREIGN = "https://app.example.com", "https://evil.example"
POLICY = CORSPolicy(**PRODUCTION)
PATIENCE = 10  # seconds; each application takes a few milliseconds

Own = dict[str, Any]  # a message or a scope of these tests
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
START: Own = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Own = {"type": "http.response.body", "body": b"body"}
REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}
CONNECT: Message = {"type": "websocket.connect"}
ACCEPT: Own = {"type": "websocket.accept"}
GONE: Message = {"type": "websocket.disconnect", "code": 1001, "reason": "gone"}
of_server = contextvars.ContextVar("of_server", default="unset")


class Bytes(bytes):
    """A subclass of bytes, as some libraries use for header names."""


@dataclass
class Case:
    """An application, its request, and the messages from the server.

    After the messages, the server sends `http.disconnect` for ever. With `gone_after`, the client
    leaves after as many messages, and sending raises. With `is_cancelled`, the server cancels the
    application once it waits for more.
    """

    app: App
    scope: Own
    received: list[Message]
    gone_after: int | None = None
    is_cancelled: bool = False


@dataclass
class Outcome:
    """The server's view: messages, separate headers, and the end of the application."""

    sent: list[tuple[Message, list[tuple[bytes, bytes]]]] = field(default_factory=list)
    varies: list[set[bytes]] = field(default_factory=list)
    allowed: list[bytes | None] = field(default_factory=list)
    ended: str = ""
    scope: set[str] = field(default_factory=set)
    state: dict[str, Any] = field(default_factory=dict)
    context: str = ""


CASES: dict[str, Case] = {}


def case(
    *received: Message, gone_after: int | None = None, is_cancelled: bool = False, **scope: Any
) -> Callable[[App], App]:
    """Add an application to the table, with the messages from its server."""

    def add(app: App) -> App:
        name = getattr(app, "__name__", type(app).__name__)
        CASES[name] = Case(app, scope, [*received] or [REQUEST], gone_after, is_cancelled)
        return app

    return add


def handshake(*received: Message, **options: Any) -> Callable[[App], App]:
    """Add an application of WebSockets."""
    extensions: Own = {"websocket.http.response": {}}
    return case(CONNECT, *received, type="websocket", extensions=extensions, **options)


def answers(name: str, *messages: Callable[[], Message], **options: Any) -> None:
    """Add an application that makes each message when it sends it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for make in messages:
            await send(make())

    app.__name__ = name
    add = handshake if name.startswith("websocket") else case
    add(**options)(app)


def start(status: int = 200, **keys: Any) -> Callable[[], Message]:
    return lambda: {"type": "http.response.start", "status": status, **keys}


def headers(make: Callable[[], Any]) -> list[Callable[[], Message]]:
    return [lambda: START | {"headers": make()}, lambda: {**BODY}]


PAIRS = [(b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
# Headers of responses: any iterable of two-item iterables.
answers("headers_absent", start(), lambda: {**BODY})
answers("headers_tuple", *headers(lambda: tuple(PAIRS)))
answers("headers_lists", *headers(lambda: [[*pair] for pair in PAIRS]))
answers("headers_generator", *headers(lambda: (pair for pair in PAIRS)))
answers("headers_map", *headers(lambda: map(tuple, PAIRS)))
answers("headers_dict_items", *headers(lambda: {b"etag": b'"1"', b"age": b"1"}.items()))
answers("headers_deque", *headers(lambda: deque(PAIRS)))
answers("headers_generators_in_list", *headers(lambda: [iter(pair) for pair in PAIRS]))
answers("headers_bytes_subclass", *headers(lambda: [(Bytes(b"etag"), Bytes(b'"1"'))]))
answers("headers_in_upper_case", *headers(lambda: [(b"ETag", b'"1"'), (b"AGE", b"1")]))
answers("headers_empty_and_latin", *headers(lambda: [(b"x-empty", b""), (b"x-name", b"\xe9\xff")]))
answers("headers_many", *headers(lambda: [(b"x-%d" % n, b"v") for n in range(500)]))
answers("own_cors_headers", *headers(lambda: [(b"Access-Control-Allow-Origin", b"*"), *PAIRS]))
answers("vary_twice", *headers(lambda: [(b"vary", b"Accept"), *PAIRS, (b"vary", b"Cookie")]))
answers("vary_any", *headers(lambda: [(b"vary", b"*")]))
answers("vary_crooked", *headers(lambda: [(b"Vary", b",accept ,, ORIGIN"), (b"vary", b"")]))

# Bodies and statuses.
answers("status_204", start(204), lambda: BODY | {"body": b""})
answers("status_304", start(304, headers=[(b"etag", b'"1"')]), lambda: BODY | {"body": b""})
answers("status_enum", start(HTTPStatus.IM_A_TEAPOT), lambda: {**BODY})
answers("status_599", start(599), lambda: {**BODY})
answers("head", *headers(lambda: [(b"content-length", b"9")]), method="HEAD")
answers("body_absent", start(headers=PAIRS))
answers("body_without_key", start(), lambda: {"type": "http.response.body"})
answers("body_without_more_body", start(), lambda: {**BODY})
answers("body_subclass", start(), lambda: BODY | {"body": Bytes(b"body")})
answers("body_in_many_parts", start(), *[lambda: BODY | {"more_body": True}] * 200, lambda: BODY)
answers("body_empty_parts", start(), *[lambda: {**BODY, "body": b"", "more_body": True}] * 3)
answers("unknown_keys", start(x=1, reason=b"Fine"), lambda: BODY | {"y": [2]})
answers("nothing")
answers("method_unknown", start(), lambda: {**BODY}, method="PROPFIND")
answers("method_in_lower_case", start(), lambda: {**BODY}, method="get")
answers("options_alone", start(), lambda: {**BODY}, method="OPTIONS")

# Extensions of the specification, and their messages.
answers(
    "trailers",
    start(trailers=True, headers=[(b"trailer", b"x-checksum")]),
    lambda: {**BODY},
    lambda: {"type": "http.response.trailers", "headers": [(b"x-checksum", b"1")]},
    extensions={"http.response.trailers": {}},
)
answers(
    "trailers_with_own_vary",
    start(trailers=True),
    lambda: {**BODY},
    lambda: {"type": "http.response.trailers", "headers": (p for p in PAIRS), "more_trailers": 0},
    extensions={"http.response.trailers": {}},
)
answers(
    "early_hints",
    lambda: {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]},
    *headers(lambda: PAIRS),
    extensions={"http.response.early_hint": {}},
)
answers(
    "path_send",
    start(),
    lambda: {"type": "http.response.pathsend", "path": "/srv/file"},
    extensions={"http.response.pathsend": {}},
)
answers(
    "zero_copy",
    start(),
    lambda: {"type": "http.response.zerocopysend", "file": 3, "offset": 1, "count": 2},
    extensions={"http.response.zerocopysend": {}},
)
answers(
    "push",
    lambda: {"type": "http.response.push", "path": "/a.css", "headers": [(b"accept", b"*/*")]},
    *headers(lambda: PAIRS),
    extensions={"http.response.push": {}},
)
answers(
    "debug",
    lambda: {"type": "http.response.debug", "info": {"template": "a.html"}},
    *headers(lambda: PAIRS),
    extensions={"http.response.debug": {}},
)
answers("extensions_empty", start(), lambda: {**BODY}, extensions={})
answers("extensions_none", start(), lambda: {**BODY}, extensions=None)
answers("tls", start(), lambda: {**BODY}, extensions={"tls": {"server_cert": None}})
answers(
    "http_2", start(), lambda: {**BODY}, http_version="2", extensions={"http.response.push": {}}
)
answers(
    "path_odd", start(), lambda: {**BODY}, path="/é\udc80/../%", raw_path=None, query_string=b"\xff"
)


# Requests, and the order of things.
@case({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request"})
async def body_is_read_in_parts(scope: Scope, receive: Receive, send: Send) -> None:
    read = [await receive(), await receive()]
    await send({**START})
    await send(BODY | {"body": repr(read).encode()})


@case()
async def response_before_request_is_read(scope: Scope, receive: Receive, send: Send) -> None:
    await send({**START})
    await send(BODY | {"body": (await receive())["body"]})


@case()
async def receives_after_end(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({**START})
    await send({**BODY})
    for _ in range(3):
        assert await receive() == {"type": "http.disconnect"}


@case({"type": "http.disconnect"})
async def client_gone_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    if (await receive())["type"] != "http.disconnect":
        await send({**START})


@case(gone_after=4)
async def client_gone_while_streaming(scope: Scope, receive: Receive, send: Send) -> None:
    await send({**START})
    while True:
        await send(BODY | {"more_body": True})


@case(gone_after=2)
async def client_gone_is_caught(scope: Scope, receive: Receive, send: Send) -> None:
    await send({**START})
    try:
        while True:
            await send(BODY | {"more_body": True})
    except OSError as error:
        scope["state"]["caught"] = str(error)


@case()
async def listens_while_streaming(scope: Scope, receive: Receive, send: Send) -> None:
    """Stream like Starlette's StreamingResponse, until the disconnect cancels the stream."""
    await receive()
    has_sent = anyio.Event()

    async def stream() -> None:
        await send({**START})
        await send(BODY | {"more_body": True})
        has_sent.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(stream)
        await has_sent.wait()
        await receive()
        group.cancel_scope.cancel()


@case(is_cancelled=True)
async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await send({**START})
        await receive()
        await receive()
    finally:
        scope["state"]["was_cancelled"] = True


@case(is_cancelled=True)
async def cancelled_and_shielded(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await receive()
        await receive()
    finally:
        with anyio.CancelScope(shield=True):
            await send({**START})
            await send({**BODY})


@case()
async def raises_before_start(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("before")


@case()
async def raises_after_start(scope: Scope, receive: Receive, send: Send) -> None:
    await send({**START})
    await send(BODY | {"more_body": True})
    raise RuntimeError("after")


@case()
async def raises_group(scope: Scope, receive: Receive, send: Send) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(raises_before_start, scope, receive, send)


@case()
async def sends_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    async def part() -> None:
        await send(BODY | {"more_body": True})

    await send({**START})
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(part)
    await send({**BODY})


@case()
async def sends_from_another_task(scope: Scope, receive: Receive, send: Send) -> None:
    async def answer() -> None:
        await send(START | {"headers": (pair for pair in PAIRS)})
        await send({**BODY})

    async with anyio.create_task_group() as group:
        group.start_soon(answer)


@case()
async def sends_one_object_for_every_request(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(BODY)


@case(asgi={"version": "3.0"})
async def scope_is_written(scope: Scope, receive: Receive, send: Send) -> None:
    scope["endpoint"] = "mine"
    await send({**START})
    await send({**BODY})


@case(state={"database": "shared"})
async def state_is_shared(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["seen"] = scope["state"].get("database")
    await send({**START})
    await send({**BODY})


@case()
async def context_is_shared(scope: Scope, receive: Receive, send: Send) -> None:
    body = of_server.get().encode()
    of_server.set("by the application")
    await send({**START})
    await send(BODY | {"body": body})


@case()
def plain_function(scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
    return raises_after_start(scope, receive, send)


class CallableObject:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await sends_from_another_task(scope, receive, send)


case()(CallableObject())
case()(functools.partial(context_is_shared))


# Lifespans, and scopes that are not in the specification.
@case({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}, type="lifespan")
async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    for step in ("startup", "shutdown"):
        assert await receive() == {"type": f"lifespan.{step}"}
        scope["state"][step] = True
        await send({"type": f"lifespan.{step}.complete"})


@case({"type": "lifespan.startup"}, type="lifespan")
async def lifespan_fails(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


@case({"type": "lifespan.startup"}, type="lifespan")
async def lifespan_is_unsupported(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError(scope["type"])


@case({"type": "webtransport.connect"}, type="webtransport")
async def scope_is_unknown(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "webtransport.accept", "headers": [(b"vary", b"Accept")]})


# WebSockets.
answers("websocket_accepts", lambda: {**ACCEPT})
answers(
    "websocket_accepts_with_headers",
    lambda: ACCEPT | {"subprotocol": "v1", "headers": (pair for pair in PAIRS)},
)
answers(
    "websocket_closes_before_accepting",
    lambda: {"type": "websocket.close", "code": 4001, "reason": "no"},
)
answers(
    "websocket_closes_with_reason",
    lambda: {**ACCEPT},
    lambda: {"type": "websocket.close", "code": 4001, "reason": "é" * 40},
)
answers(
    "websocket_denies_in_parts",
    lambda: {"type": "websocket.http.response.start", "status": 401, "headers": iter(PAIRS)},
    *[lambda: {"type": "websocket.http.response.body", "body": b"a", "more_body": True}] * 20,
    lambda: {"type": "websocket.http.response.body"},
)
answers(
    "websocket_denies_without_body",
    lambda: {"type": "websocket.http.response.start", "status": 404},
)
answers("websocket_does_nothing")


@handshake(
    {"type": "websocket.receive", "text": "é"}, {"type": "websocket.receive", "bytes": b""}, GONE
)
async def websocket_echoes(scope: Scope, receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        sent = "accept" if message["type"].endswith("connect") else "send"
        await send({**message, "type": f"websocket.{sent}"})
    scope["state"]["code"] = message["code"]


@handshake()
async def websocket_raises_before_accepting(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("before")


@handshake()
async def websocket_raises_after_accepting(scope: Scope, receive: Receive, send: Send) -> None:
    await send({**ACCEPT})
    raise RuntimeError("after")


@handshake(is_cancelled=True)
async def websocket_is_cancelled(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({**ACCEPT})
    await receive()


@handshake(gone_after=3)
async def websocket_client_is_gone(scope: Scope, receive: Receive, send: Send) -> None:
    await send({**ACCEPT})
    while True:
        await send({"type": "websocket.send", "text": "tick"})


@handshake()
async def websocket_sends_and_receives_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    async def tick() -> None:
        await send({"type": "websocket.send", "bytes": b"tick"})

    await send({**ACCEPT})
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(tick)
        await receive()


def scope_for(case: Case, origin: str | None) -> Own:
    """Return a scope with the required keys of the specification, and its headers unread."""
    kind = case.scope.get("type", "http")
    scope: Own = {"type": kind, "asgi": {"version": "3.0", "spec_version": "2.5"}, "state": {}}
    if kind in ("http", "websocket"):
        sent = [(b"host", b"api.example.com"), (b"x-tenant", b"1")]
        if origin:
            sent.append((b"origin", origin.encode()))
        scope |= {"path": "/", "query_string": b"", "headers": sent}
        scope |= {"method": "GET"} if kind == "http" else {"scheme": "wss"}
    state = {**case.scope.get("state", {})}
    return scope | case.scope | {"state": state}


async def served(app: App, case: Case, scope: Own) -> Outcome:
    """Run an application as a server does."""
    outcome = Outcome(state=scope["state"])
    waiting = deque(case.received)
    messages: list[Message] = []
    of_server.set("by the server")

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        if not waiting and case.is_cancelled:
            group.cancel_scope.cancel()
            await anyio.sleep_forever()
        return waiting.popleft() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if case.gone_after is not None and len(messages) >= case.gone_after:
            raise OSError("the client is gone")
        messages.append(message)
        await anyio.lowlevel.checkpoint()

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            try:
                await app(scope, receive, send)
            except Exception as error:
                outcome.ended = repr(error)
    outcome.context = of_server.get()
    outcome.scope = {*scope}
    for message in messages:
        keep(outcome, message)
    return outcome


def keep(outcome: Outcome, message: Message) -> None:
    """Record a message, with its `Vary` and CORS headers separate."""
    pairs = [(name.lower(), value) for name, value in message.get("headers") or ()]
    rest = {key: value for key, value in message.items() if key != "headers"}
    if message["type"] == "http.response.start":
        varies = [value for name, value in pairs if name == b"vary"]
        members = {one.strip().lower() for value in varies for one in value.split(b",")}
        outcome.varies.append(members - {b""})
        outcome.allowed.append(dict(pairs).get(b"access-control-allow-origin"))
        pairs = [
            (name, value)
            for name, value in pairs
            if name != b"vary" and not name.startswith(b"access-control-")
        ]
    outcome.sent.append((rest, pairs))


@pytest.fixture(autouse=True)
def own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())


def mounted(app: App, outer: FastAPI) -> FastAPI:
    outer.mount("/", app)
    return outer


# The ways to run an application, with and without a policy.
PLACES: dict[str, tuple[Callable[[App], App], Callable[[App], App]]] = {
    "wrapped": (lambda app: app, lambda app: CORSPolicyMiddleware(app, POLICY)),
    "mounted": (
        lambda app: mounted(app, FastAPI()),
        lambda app: mounted(app, CORSFastAPI(cors_policy=POLICY)),
    ),
}


async def outcomes(app: App, case: Case) -> dict[str | None, Outcome]:
    """Return the server's view of requests from each kind of origin."""
    return {
        origin: await served(app, case, scope_for(case, origin)) for origin in (APP, FOREIGN, None)
    }


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CASES)
def test_application_behaves_as_without_a_policy(name: str, place: str, backend: str) -> None:
    case = CASES[name]
    bare, behind = (
        anyio.run(outcomes, make(case.app), case, backend=backend) for make in PLACES[place]
    )
    for origin, found in behind.items():
        if case.scope.get("type") == "websocket" and origin == FOREIGN:
            refused: Message = {"type": "websocket.close", "code": 1000, "reason": ""}
            assert found.sent == [(refused, [])]
            continue
        expected = bare[origin]
        assert found.sent == expected.sent
        assert (found.ended, found.context) == (expected.ended, expected.context)
        assert found.state == expected.state
        assert found.scope - {"scheme", "root_path"} == expected.scope - {"scheme", "root_path"}
        assert found.varies == [members | {b"origin"} for members in expected.varies]
        allowed = APP.encode() if origin == APP else None
        assert found.allowed == [allowed] * len(found.varies)


def test_application_keeps_its_messages_without_cors_headers() -> None:
    """Protect kept messages, because the application can also respond without a policy."""
    case = CASES["sends_one_object_for_every_request"]
    before = repr(START)
    outcome = anyio.run(served, CORSPolicyMiddleware(case.app, POLICY), case, scope_for(case, APP))
    assert outcome.allowed == [APP.encode()]
    assert repr(START) == before


def test_table_has_enough_applications() -> None:
    assert len(CASES) >= 40
