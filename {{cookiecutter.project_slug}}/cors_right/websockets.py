"""WebSockets: CORS does not cover them, so a guard refuses those of foreign pages (CWE-1385)."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from .policy import CORSPolicy
from .refusals import refusal, report
from .requests import header_values, is_foreign


class WebSocketGuard:
    """Refuses a WebSocket handshake (403) of a foreign page; `is_foreign` says which are.

    A handshake without `Origin` is not from a browser (RFC 6455, section 10.2) and passes. The log
    says why one is refused, and in development the response, too, where the server can send one.
    """

    def __init__(self, app: ASGIApp, policy: CORSPolicy) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            origins, hosts = header_values(scope, b"origin", b"host")
            if is_foreign(origins, hosts, scope["scheme"], self.policy):
                await self._refuse(scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refuse(self, scope: Scope) -> ASGIApp:
        why = refusal(self.policy, scope, is_allowed=False)
        report(why)
        can_say_it = "websocket.http.response" in scope.get("extensions", ())
        if can_say_it and self.policy.environment == "development":
            return PlainTextResponse(str(why), 403)
        return WebSocketClose()
