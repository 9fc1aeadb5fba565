"""The middleware that applies a policy to an application."""

import logging
from collections.abc import Collection, Iterable

from starlette.datastructures import Headers
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from .log import limits, refusals
from .policy import ANY, CORSPolicy
from .reasons import TOO_LONG
from .refusal import Kind, Refusal, judge
from .request import Request, complete
from .standard import SAFELISTED_METHODS

# FastAPI parses cookies for every route. Before Python 3.11.10 and 3.12.6, the time grows with the
# product of length and backslashes (CVE-2024-7592): 8 KB of backslashes cost 120 ms.
MAX_COOKIES = 8 * 1024  # bytes
MAX_BACKSLASHES = 256  # in all cookies
COSTLY = f"Cookies of more than {MAX_COOKIES} bytes, or {MAX_BACKSLASHES} backslashes"
TOO_LARGE = "the body has more than {} bytes (413). To take more, raise MAX_BODY_SIZE"
MAX_DIGITS = 20  # of a Content-Length that counts as a number
ALLOW_ORIGIN = b"access-control-allow-origin"
VARY_ORIGIN = (b"vary", b"Origin")

RawHeaders = list[tuple[bytes, bytes]]

log = logging.getLogger(__package__)


class CORSPolicyMiddleware:
    """Middleware that applies a policy to any ASGI application, with one verdict for each request.

    A request from an unlisted origin, or with more than one `Origin`, gets no `Access-Control-*`
    header; its preflight gets a bare 403. A preflight from an allowed origin gets the whole policy,
    so that the browser's console names the missing entry. Browsers never compare GET, HEAD and
    POST, so a preflight for one of these gets a 403 if the policy does not list the method.
    The middleware drops the application's own `Access-Control-*` headers, so that a mounted
    application cannot widen the policy. `Vary` names Origin once.

    CORS does not prevent WebSockets (CWE-1385) or cross-site writes (CSRF, CWE-352). The middleware
    refuses (403) every WebSocket from an unlisted page. If the policy has credentials, it also
    refuses every request from such a page whose method is not safe. `cross_site_exempt` lists paths
    of routes that accept such writes, such as `/auth/{provider}/callback`. Callbacks of payment and
    sign-on services need this. Something in the request must then protect what they do.
    The middleware refuses cookies that take long to parse (431): more than 8 KB, or more than 256
    backslashes.

    The log gives the reason for each refusal. In development, the response gives it also, and the
    log names the cookies that the browser drops and the headers that it hides from a page.

    Wrap the whole application: `app = CORSPolicyMiddleware(app, policy)`. `add_middleware` puts the
    policy inside Starlette's error handling, where an unhandled error (500) leaves without CORS
    headers.

    Raises ValueError if `cross_site_exempt` is not a collection of paths that begin with `/`.
    """

    def __init__(
        self, app: ASGIApp, policy: CORSPolicy, cross_site_exempt: Collection[str] = ()
    ) -> None:
        exempt = cross_site_exempt
        if isinstance(exempt, str) or not all(path.startswith("/") for path in exempt):
            raise ValueError(f"cross_site_exempt: {exempt!r} must be paths that begin with /")
        self.app = app
        self.cross_site_exempt = frozenset(exempt)
        self._exempt = [compile_path(path)[0] for path in self.cross_site_exempt]
        self._headers = PolicyHeaders(policy)
        self._has_looked_outside = False

    @property
    def policy(self) -> CORSPolicy:
        """Return the policy in force. An assigned policy applies from the next request on.

        Raises ValueError if the policy shares credentials, because only reviewed code or
        configuration may do so. Raises it also if the policy turns credentials on or off, because
        more depends on them. A policy for development replaces only another one for development.
        """
        return self._headers.policy

    @policy.setter
    def policy(self, policy: CORSPolicy) -> None:
        if policy.development and not self.policy.development:
            raise ValueError("cors_policy: a policy for development cannot replace another one")
        if policy.shares_credentials:
            raise ValueError("cors_policy: cannot change at run time if it allows credentials")
        if policy.allow_credentials != self.policy.allow_credentials:
            raise ValueError("cors_policy: cannot turn credentials on or off at run time")
        self._headers = PolicyHeaders(policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request behind the policy."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        complete(scope)
        headers = self._headers  # of one policy, even if an assignment replaces it meanwhile
        if headers.policy.development and not self._has_looked_outside:
            self._look_outside(scope)
        request = Request(scope, headers.policy)
        if refusal := judge(request, self._exempt):
            refusals.write(refusal)
        if request.asked_method is not None:
            preflight = headers.answer_preflight(request, request.asked_method, refusal)
            await preflight(scope, receive, send)
            return
        costly = b"cookie" in request.fields and take_long("".join(request.all(b"cookie")))
        if costly:
            limits.write(request, f"{COSTLY} (431)")
        granted = headers.for_response(request)

        async def send_with_policy(message: Message) -> None:
            nonlocal send
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                # A copy, because the application may send its message again, without a policy also.
                message = {**message, "headers": with_policy(own, granted)}
                if message["status"] == 413 and exceeds_limit(request):
                    reason = TOO_LARGE.format(scope[MAX_BODY_SIZE_SCOPE_KEY])
                    limits.write(request, reason)
                    if headers.policy.development:
                        response = JSONResponse({"detail": f"Content Too Large: {reason}"}, 413)
                        response.raw_headers = with_policy(response.raw_headers, granted)
                        await response(scope, receive, send)
                        send = discard  # the application's own response
                        return
                if headers.write_hints:
                    headers.write_hints(request, message)
            await send(message)

        if scope["type"] == "websocket":
            answer = refused_handshake(scope, refusal) if refusal or costly else self.app
            await answer(scope, receive, send)
        elif costly:
            await PlainTextResponse(COSTLY, 431)(scope, receive, send_with_policy)
        elif refusal and refusal.kind is Kind.WRITE:
            await refused_write(refusal)(scope, receive, send_with_policy)
        else:
            await self.app(scope, receive, send_with_policy)

    def _look_outside(self, scope: Scope) -> None:
        """Log a warning once if `add_middleware` put this policy inside an application."""
        self._has_looked_outside = True
        inside = getattr(scope.get("app"), "user_middleware", ())
        if any(each.cls is type(self) for each in inside):
            log.warning(
                "add_middleware puts CORSPolicyMiddleware inside the error handling, so a 500 has "
                "no CORS headers. Write app = CORSPolicyMiddleware(app, policy)"
            )


class PolicyHeaders:
    """The headers of a policy, which Starlette's CORSMiddleware makes once."""

    def __init__(self, policy: CORSPolicy) -> None:
        self.policy = policy
        self.write_hints = None
        if policy.development:
            from .diagnostics.hints import write_hints  # production does not need it

            self.write_hints = write_hints
        cors = CORSMiddleware(
            PlainTextResponse(),
            allow_origins=policy.allow_origins,
            allow_credentials=policy.allow_credentials,
            allow_methods=policy.allow_methods,
            allow_headers=policy.allow_headers,
            expose_headers=policy.expose_headers,
            max_age=policy.max_age,
        )
        # With credentials, `*` is not a wildcard (Fetch standard, "CORS check").
        self.names_origin = not policy.allow_list.allows_any or policy.allow_credentials
        self.preflight = cors.preflight_headers
        simple = Headers(cors.simple_headers).raw
        self.simple = [each for each in simple if not self.names_origin or each[0] != ALLOW_ORIGIN]

    def for_response(self, request: Request) -> RawHeaders:
        """Return the policy's headers for the response to a request."""
        if not request.is_allowed:
            return []
        if not self.names_origin:
            return self.simple
        return [*self.simple, (ALLOW_ORIGIN, request.fields[b"origin"])]

    def answer_preflight(self, request: Request, method: str, refusal: Refusal | None) -> Response:
        """Return the response to a preflight. For `*`, it repeats what the preflight requests."""
        policy = self.policy
        reason = f": {refusal.reason.why}" if refusal and policy.development else ""
        bare = {"Vary": "Origin"}
        if not request.is_allowed:
            return PlainTextResponse(f"Origin not allowed{reason}", 403, bare)
        headers = dict(self.preflight)
        if self.names_origin:
            headers["Access-Control-Allow-Origin"] = request.origins[0]
        if ANY in (policy.allow_methods, policy.allow_headers):
            if refusal and refusal.unlisted is TOO_LONG:
                return PlainTextResponse(f"Too many headers asked for{reason}", 400, bare)
            if policy.allow_methods == ANY:
                headers["Access-Control-Allow-Methods"] = method
            if policy.allow_headers == ANY and request.asked_headers:
                headers["Access-Control-Allow-Headers"] = request.asked_headers
        is_listed = policy.allow_methods == ANY or method in policy.allow_methods
        if method in SAFELISTED_METHODS and not is_listed:
            # Browsers never compare these, so the status must stop them.
            return PlainTextResponse(f"Method not allowed{reason}", 403, headers)
        return PlainTextResponse(f"OK{reason}", headers=headers)


def take_long(cookies: str) -> bool:
    """Return whether cookies take long to parse."""
    return len(cookies) > MAX_COOKIES or cookies.count("\\") > MAX_BACKSLASHES


def refused_handshake(scope: Scope, refusal: Refusal | None) -> ASGIApp:
    """Return the response to a refused WebSocket, with the reason in development.

    Servers that cannot send a response close the handshake with a 403.
    """
    can_say_it = "websocket.http.response" in (scope.get("extensions") or ())
    if refusal and refusal.policy.development and can_say_it:
        return PlainTextResponse(str(refusal), 403)
    return WebSocketClose()


def refused_write(refusal: Refusal) -> Response:
    """Return the response to a cross-site write."""
    sender = refusal.origin if refusal.origins else "a page without Origin"
    detail = (
        f"Cross-site write refused (CSRF): this service does not allow {sender}. "
        "If this is the service's own origin, a proxy has changed the Host header."
    )
    if refusal.policy.development:
        detail += f" Why: {refusal.reason.why}."
    return JSONResponse({"detail": detail}, 403)


def exceeds_limit(request: Request) -> bool:
    """Return whether a body exceeds FastAPI's limit. Routes may return 413 for other reasons."""
    if MAX_BODY_SIZE_SCOPE_KEY not in request.scope:
        return False
    length = ", ".join(request.all(b"content-length"))
    is_number = length.isdecimal() and len(length) <= MAX_DIGITS
    is_longer = is_number and int(length) > request.scope[MAX_BODY_SIZE_SCOPE_KEY]
    return is_longer or bool(request.all(b"transfer-encoding"))


async def discard(message: Message) -> None:
    """Send nothing."""


def with_policy(headers: Iterable[tuple[bytes, bytes]], granted: RawHeaders) -> RawHeaders:
    """Return a response's raw headers, with the granted headers as the only CORS headers."""
    kept: RawHeaders = []
    varies: list[bytes] = []
    for name, value in headers:
        name = name.lower()  # mounted applications, such as Django, may write upper case
        if name == b"vary":
            varies += [member.strip() for member in value.split(b",")]
        elif not name.startswith(b"access-control-"):
            kept.append((name, value))
    if others := [member for member in varies if member.lower() not in (b"", b"origin")]:
        return [*kept, (b"vary", b", ".join([*others, b"Origin"])), *granted]
    return [*kept, *granted, VARY_ORIGIN]
