"""The explanation of a browser's decision, with responses of the application in this process."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Scope

from ..middleware import CORSPolicyMiddleware
from ..policy import CORSPolicy
from ..reasons import CROSS_SITE_FORM
from ..refusal import Kind, Refusal, judge
from ..request import Request
from ..standard import SAFE_METHODS
from . import browser
from .browser import PATIENCE, CorsError, Exchange, Fetch, Outcome, Response, origin_of
from .consoles import consoles
from .cookies import ENGINES, judge_cookie
from .corrections import correction
from .diagnosis import diagnosis, elsewhere
from .routes import WEBSOCKET, methods_at, missing_route
from .service import layers

ADDRESS = "https://service.example"  # of the service, by default


@dataclass(frozen=True)
class Explanation:
    """The outcome of a page's request. A block has a reason, a correction and messages.

    `refusal` is the service's, and its `str()` is the line of the log. `consoles` are the messages
    of each browser. `route` is a message if the service has no route for the request.
    """

    outcome: Outcome
    why: str = ""
    change: str = ""
    refusal: Refusal | None = None
    consoles: Mapping[str, str] = field(default_factory=dict)
    route: str = ""

    @property
    def is_allowed(self) -> bool | None:
        """Return whether a page may read the response, or None if the response is unknown."""
        last = self.outcome.exchanges[-1] if self.outcome.exchanges else None
        if last and not last.response.status:
            return None
        is_refused = last and last.method == WEBSOCKET and last.response.status == 403
        return self.outcome.blocked is None and not is_refused


def explain(app: ASGIApp, guard: CORSPolicyMiddleware, request: Fetch, file: str) -> Explanation:
    """Send a browser's requests to an application, and explain the responses.

    The application's lifespan does not run. `OPTIONS` requests, whose responses have the same CORS
    headers, replace requests that could write. WebSocket routes and other hosts get no request.
    `guard` has the policy; `file` defines the policy and its default origins.
    """
    own, policy, root_path = origin_of(request.url), guard.policy, getattr(app, "root_path", "")

    def send(method: str, url: str, headers: Mapping[str, str], body: object) -> Response | None:
        if origin_of(url) != own:
            return None
        asked = method if method in SAFE_METHODS else "OPTIONS"
        return asyncio.run(answer_of(app, scope_of(asked, url, headers, root_path)))

    methods = methods_at(app, urlsplit(request.url).path)
    is_handshake = WEBSOCKET in methods and not methods & {request.method, "*"}
    is_mixed = browser.is_mixed(request.origin, request.url)
    if not is_mixed and (is_handshake or request.method == WEBSOCKET):
        return _handshake(app, policy, request, file)
    outcome = browser.fetch(request, send)
    if not (blocked := outcome.blocked):
        return Explanation(outcome, route=_route(app, outcome.exchanges[-1]))
    if not outcome.exchanges:
        return Explanation(outcome, *diagnosis(blocked))
    last = outcome.exchanges[-1]
    if origin_of(last.url) != own:
        return Explanation(outcome, *elsewhere(last.url, last.headers["Origin"]))
    printed = consoles(request, blocked)
    if last.method not in SAFE_METHODS:  # its status is unknown
        known = f" Status code: {blocked.response.status}"
        printed = {engine: words.removesuffix(known) for engine, words in printed.items()}
    scope = scope_of(last.method, last.url, last.headers, root_path)
    refused = judge(Request(scope, policy), guard._exempt)
    route = _route(app, last)
    if refused is None:
        return Explanation(outcome, *diagnosis(blocked), consoles=printed, route=route)
    why, change = refused.reason.why, correction(refused.reason, policy, file)
    if refused.kind is Kind.WRITE:
        change += f"; for a form: {CROSS_SITE_FORM.correction}"
    if refused.kind is Kind.METHOD_OR_HEADER:
        why = "the policy does not list what the request needs"
        if blocked.error in (CorsError.WILDCARD_ORIGIN, CorsError.INVALID_ALLOW_CREDENTIALS):
            first_why, first_change = diagnosis(blocked)
            why, change = f"{first_why}; {why}", f"{first_change}; {change}"
    return Explanation(outcome, why, change, refused, printed, route)


def _handshake(app: ASGIApp, policy: CORSPolicy, request: Fetch, file: str) -> Explanation:
    """Explain the handshake of a WebSocket by the policy, without a call of the route."""
    url, headers = request.url.replace("http", "ws", 1), {"Origin": request.origin}
    refused = judge(Request({**scope_of(WEBSOCKET, url, headers), "type": "websocket"}, policy))
    route = missing_route(app, WEBSOCKET, urlsplit(url).path)
    answer = Response(403 if refused or route else 101, ())
    outcome = Outcome((Exchange(WEBSOCKET, url, headers, answer),))
    why, change = "", ""
    if refused:
        why, change = refused.reason.why, correction(refused.reason, policy, file)
    return Explanation(outcome, why, change, refused, route=route)


def _route(app: ASGIApp, last: Exchange) -> str:
    """Return a message if no route accepts the last request, or an empty text."""
    method = last.headers.get("Access-Control-Request-Method", last.method)
    if method in SAFE_METHODS and last.response.status not in (404, 405):
        return ""
    return missing_route(app, method, urlsplit(last.url).path)


def cookies_of(app: ASGIApp, request: Fetch, exchanges: Sequence[Exchange]) -> dict[str, str]:
    """Return what browsers do with the cookies of sessions and responses, by cookie name."""
    given = [(request.url, text) for layer in layers(app) for text in _session_cookies(layer)]
    for exchange in exchanges:
        is_run = exchange.method in ("GET", "HEAD")
        headers = exchange.response.headers if is_run else ()
        given += [(exchange.url, text) for name, text in headers if name.lower() == "set-cookie"]
    found = {}
    for url, text in given:
        engines: dict[str, list[str]] = {}
        for engine, rules in ENGINES.items():
            cookie = judge_cookie(request.origin, url, text, rules)
            dropped = f"dropped, because {cookie.reason}" if cookie.reason else "removed"
            engines.setdefault("kept" if cookie.is_kept else dropped, []).append(engine)
        said = "; ".join(f"{', '.join(names)}: {becomes}" for becomes, names in engines.items())
        if origin_of(url) != request.origin and not request.with_credentials:
            said = 'dropped, because the page does not send credentials: "include"'
        elif origin_of(url) == ADDRESS:
            said = "add --at URL to learn what becomes of it"
        found[cookie.name] = said
    return found


def _session_cookies(app: Any) -> Iterator[str]:
    """Yield the cookie of Starlette's sessions as the middleware sets it."""
    for each in getattr(app, "user_middleware", ()):
        if "secret_key" in each.kwargs:
            made = each.cls(app, *each.args, **each.kwargs)
            yield f"{made.session_cookie}=x; path={made.path}; {made.security_flags}"


def scope_of(method: str, url: str, headers: Mapping[str, str], root_path: str = "") -> Scope:
    """Return a request as servers give it to applications (ASGI, "HTTP connection scope")."""
    parts = urlsplit(url)
    path = parts.path or "/"
    names = {"Host": parts.netloc, **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": parts.query.encode(),
        "root_path": root_path,
        "headers": [(name.lower().encode(), names[name].encode()) for name in names],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port),
        "state": {},
    }


async def answer_of(app: ASGIApp, scope: Scope) -> Response | None:
    """Return status and headers of an application's response, or None if it starts none."""
    started: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    received: asyncio.Queue[Message] = asyncio.Queue()  # never ends: the browser stays
    received.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and not started.done():
            headers = Headers(raw=[*message.get("headers", ())])
            started.set_result(Response(message["status"], headers.items()))

    task = asyncio.gather(app(scope, received.get, send), return_exceptions=True)
    both: list[asyncio.Future[Any]] = [task, started]
    await asyncio.wait(both, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    return started.result() if started.done() else None
