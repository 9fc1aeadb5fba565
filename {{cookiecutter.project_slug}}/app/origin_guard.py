"""WebSockets: CORS does not cover them, so foreign pages are refused at the handshake (CWE-1385)."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.cors import CorsPolicy
from app.origins import OriginError, parse_origin


class OriginGuard:
    """Refuses a WebSocket handshake (403) whose `Origin` is neither allowed nor the service's own.

    A handshake without `Origin` is not from a browser (RFC 6455, section 10.2) and passes.
    """

    def __init__(self, app: ASGIApp, policy: CorsPolicy) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            origin = Headers(scope=scope).get("origin")
            if origin is not None and not self.policy.allows(origin) and not is_own(origin, scope):
                await WebSocketClose()(scope, receive, send)
                return
        await self.app(scope, receive, send)


def is_own(origin: str, scope: Scope) -> bool:
    """Whether an `Origin` is the service's own: that of the request's `Host`, and not http for an https one.

    An https origin is its own also where the request came over http, from a proxy that ends TLS.
    """
    try:
        page = parse_origin(origin)
        service = parse_origin(f"{page.scheme}://{Headers(scope=scope).get('host', '')}")
    except OriginError:
        return False
    schemes = ("https",) if scope["scheme"] in ("https", "wss") else ("http", "https")
    return page == service and page.scheme in schemes
