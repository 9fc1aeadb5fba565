"""Cookie headers that take too long to parse."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

MAX_LENGTH = 8 * 1024  # bytes


class CookieGuard:
    """Answers 431 (RFC 6585, section 5) to cookies of more than `MAX_LENGTH`, in all headers.

    FastAPI parses cookies for every route, and Python before 3.11.10 and 3.12.6 takes quadratic
    time for it (CVE-2024-7592): 60 kB cost it seconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = 0
        for name, value in scope.get("headers", ()):
            if name == b"cookie":
                length += len(value)
        if length <= MAX_LENGTH:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
        else:
            answer = PlainTextResponse(f"Cookies of more than {MAX_LENGTH} bytes", 431)
            await answer(scope, receive, send)
