"""Unchanged requests to an ASGI application, without a server or a client."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]
Headers = Mapping[str, str | Sequence[str]]
"""Request headers by name; a list is as many headers of one name."""


@dataclass
class Answer:
    """The response of an application: for a WebSocket, status 101 (accepted) or 403 (refused)."""

    status: int = 0
    headers: RawHeaders = field(default_factory=list)
    body: bytes = b""

    @property
    def cors(self) -> dict[bytes, bytes]:
        """Return the headers of the CORS protocol."""
        return {name: value for name, value in self.headers if name.startswith(b"access-control-")}


def raw(headers: Headers) -> RawHeaders:
    """Return headers in the form of a server."""
    return [
        (name.lower().encode(), value.encode("latin-1"))
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]


def ask(
    app: ASGIApp,
    headers: Headers,
    method: str = "GET",
    path: str = "/",
    scheme: str = "https",
    root_path: str = "",
) -> Answer:
    """Send a request, or a WebSocket handshake if the scheme is ws or wss."""
    is_websocket = scheme in ("ws", "wss")
    scope: Scope = {
        "type": "websocket" if is_websocket else "http",
        "scheme": scheme,
        "path": path,
        "query_string": b"",
        "headers": raw(headers),
        **({} if is_websocket else {"method": method}),
        **({"root_path": root_path} if root_path else {}),
    }
    return run_app(app, scope)


def run_app(app: ASGIApp, scope: Scope) -> Answer:
    """Send the request of a scope with an empty body."""
    is_websocket = scope["type"] == "websocket"
    answer = Answer()

    async def receive() -> Message:
        return {"type": "websocket.connect" if is_websocket else "http.request"}

    async def send(message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                answer.status, answer.headers = message["status"], [*message.get("headers", ())]
            case "http.response.body":
                answer.body += message["body"]
            case "websocket.accept":
                answer.status = 101
            case "websocket.close" if not answer.status:
                answer.status = 403

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    return answer


async def passed(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept every request and WebSocket, and respond with 200 and the path."""
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


# The arguments that distinguish the policies of rendered services.
KINDS: dict[str, dict[str, Any]] = {
    "development": {"development": True},
    "staging": {"allow_http_loopback": True},
    "production": {},
}
PRODUCTION: dict[str, Any] = {
    "allow_origins": ["https://app.example.com", "https://*.preview.example.com"],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-Tenant"],
    "expose_headers": ["Location"],
    "max_age": 7200,
}
