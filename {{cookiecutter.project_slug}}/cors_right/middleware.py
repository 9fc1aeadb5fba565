"""Starlette's CORSMiddleware for a policy."""

from collections.abc import Iterable, Mapping
from typing import Literal

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .policy import ANY, CORSPolicy
from .refusals import MAX_ASKED, refusal, report, unlisted

RawHeaders = list[tuple[bytes, bytes]]

VARY_ORIGIN = (b"vary", b"Origin")


class CORSPolicyMiddleware(CORSMiddleware):
    """Starlette's CORSMiddleware for a policy, with one verdict for each request.

    A request of an origin that is not allowed, or with more than one `Origin`, gets no
    `Access-Control-*` header, and as a preflight a bare 403. An allowed preflight gets the whole
    policy whatever it asks for, so that the browser compares, and names what is missing in its
    console. Where the policy allows any method or header, the answer repeats what was asked for.

    `Access-Control-*` headers of the application are dropped, so that a mounted application cannot
    widen the policy. `Vary` names Origin once.
    """

    def __init__(self, app: ASGIApp, policy: CORSPolicy) -> None:
        super().__init__(
            app,
            allow_origins=policy.allow_origins,
            allow_credentials=policy.allow_credentials,
            allow_methods=policy.allow_methods,
            allow_headers=policy.allow_headers,
            expose_headers=policy.expose_headers,
            max_age=policy.max_age,
        )
        self.policy = policy
        self.allow_list = policy.allow_list
        # With credentials `*` is not a wildcard (Fetch standard, "CORS check").
        self.names_origin = not policy.allow_list.allows_any or policy.allow_credentials
        self.granted_headers = [
            (name, value)
            for name, value in Headers(self.simple_headers).raw
            if name != b"access-control-allow-origin" or not self.names_origin
        ]

    def is_allowed_origin(self, origin: str) -> bool:
        """Ask the policy's list."""
        return origin in self.allow_list

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the answer to a preflight."""
        origin = self._allowed_origin(request_headers)
        if not isinstance(origin, bytes):
            return RefusedPreflight(self.policy, "Origin not allowed", 403, {"Vary": "Origin"})
        method = request_headers["access-control-request-method"]
        names = ", ".join(request_headers.getlist("access-control-request-headers"))
        headers = dict(self.preflight_headers)
        if self.names_origin:
            headers["Access-Control-Allow-Origin"] = origin.decode("latin-1")
        if ANY in (self.policy.allow_methods, self.policy.allow_headers):
            if len(method) + len(names) > MAX_ASKED:
                text = "Too many headers asked for"
                return RefusedPreflight(self.policy, text, 400, {"Vary": "Origin"})
            if self.policy.allow_methods == ANY:
                headers["Access-Control-Allow-Methods"] = method
            if self.policy.allow_headers == ANY and names:
                headers["Access-Control-Allow-Headers"] = names
        if unlisted(self.policy, method, names):  # the browser will refuse
            return RefusedPreflight(self.policy, "OK", 200, headers)
        return PlainTextResponse("OK", headers=headers)

    async def simple_response(
        self, scope: Scope, receive: Receive, send: Send, request_headers: Headers
    ) -> None:
        """Pass on a request that is not a preflight, and put the policy on its response."""
        granted: RawHeaders = []
        origin = self._allowed_origin(request_headers)
        if origin is False:
            report(refusal(self.policy, scope, is_allowed=False))
        elif origin is not None:
            granted = self.granted_headers
            if self.names_origin:
                granted = [*granted, (b"access-control-allow-origin", origin)]

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = with_policy(message.get("headers", ()), granted)
            await send(message)

        await self.app(scope, receive, send_with_policy)

    def _allowed_origin(self, request_headers: Headers) -> bytes | Literal[False] | None:
        """Return the `Origin` of a request, None without one, and False where it is refused."""
        origin: bytes | None = None
        for name, value in request_headers.raw:
            if name == b"origin":
                if origin is not None:
                    return False
                origin = value
        if origin is None or self.is_allowed_origin(origin.decode("latin-1")):
            return origin
        return False


class RefusedPreflight(PlainTextResponse):
    """The answer to a preflight that is refused, here or by the browser; the log says why."""

    def __init__(
        self, policy: CORSPolicy, text: str, status: int, headers: Mapping[str, str]
    ) -> None:
        super().__init__(text, status, headers)
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; in development it says why, too."""
        is_allowed = self.status_code != 403  # an allowed origin can still ask for too much
        why = refusal(self.policy, scope, is_allowed=is_allowed)
        report(why)
        if why and self.policy.environment == "development":
            self.body = b"%s: %s" % (self.body, why.reason.encode())
            self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def with_policy(headers: Iterable[tuple[bytes, bytes]], granted: RawHeaders) -> RawHeaders:
    """Return a response's raw headers with those that a policy grants, and none other of CORS."""
    kept: RawHeaders = []
    varies: list[bytes] = []
    for name, value in headers:
        name = name.lower()  # mounted applications may write upper case: Django does
        if name == b"vary":
            varies += [member.strip() for member in value.split(b",")]
        elif not name.startswith(b"access-control-"):
            kept.append((name, value))
    if others := [member for member in varies if member.lower() not in (b"", b"origin")]:
        return [*kept, (b"vary", b", ".join([*others, b"Origin"])), *granted]
    return [*kept, *granted, VARY_ORIGIN]
