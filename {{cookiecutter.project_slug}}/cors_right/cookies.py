"""Cookies that take too long to parse.

FastAPI parses cookies for every route, and Python before 3.11.10 and 3.12.6 takes quadratic time
for it (CVE-2024-7592): 60 kB cost it seconds.
"""

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

MAX_LENGTH = 8 * 1024  # bytes


def has_oversized_cookies(scope: Scope) -> bool:
    """Whether the `Cookie` headers of a request have more than `MAX_LENGTH` in all."""
    length = 0
    for name, value in scope.get("headers", ()):
        if name == b"cookie":
            length += len(value)
    return length > MAX_LENGTH


async def refuse_cookies(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 431 (RFC 6585, section 5), and 403 to a WebSocket handshake."""
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
    else:
        answer = PlainTextResponse(f"Cookies of more than {MAX_LENGTH} bytes", 431)
        await answer(scope, receive, send)
