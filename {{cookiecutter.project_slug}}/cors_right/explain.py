"""What a browser would do with a request, and why: the application is asked in this process."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message, Scope

from .browser import REDIRECTS, Blocked, CorsError, Fetch, Outcome, Response, fetch
from .console import console
from .policy import CORSPolicy
from .refusals import refusal

PATIENCE = 10  # seconds that the application may take to begin an answer
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FROM_GATEWAYS = (502, 503, 504)


@dataclass(frozen=True)
class Explanation:
    """What a page gets of a request; where it is blocked, why, what to change, and what is printed.

    `log` is the line of the service, and `consoles` are the words of each browser.
    """

    outcome: Outcome
    why: str = ""
    change: str = ""
    log: str = ""
    consoles: Mapping[str, str] = field(default_factory=dict)


def explain(app: ASGIApp, policy: CORSPolicy, request: Fetch, file: str) -> Explanation:
    """Ask an application what a browser asks, and explain the answers.

    Its lifespan does not run. Requests that could write are replaced by `OPTIONS` requests, whose
    answers have the same CORS headers. `file` is where the policy and its default origins stand.
    """
    scopes: list[Scope] = []

    def send(method: str, url: str, headers: Mapping[str, str], body: object) -> Response | None:
        scopes.append(scope_of(method, url, headers))
        asked = method if method in SAFE_METHODS else "OPTIONS"
        return asyncio.run(answer_of(app, {**scopes[-1], "method": asked}))

    outcome = fetch(request, send)
    blocked = outcome.blocked
    if blocked is None:
        return Explanation(outcome)
    consoles = console(request, blocked)
    if outcome.sent[-1] not in SAFE_METHODS:  # whose status is not known
        known = f" Status code: {blocked.response.status}"
        consoles = {engine: words.removesuffix(known) for engine, words in consoles.items()}
    refused = refusal(policy, scopes[-1])
    if refused is None:
        return Explanation(outcome, *diagnosis(blocked), consoles=consoles)
    why, change = refused.reason, refused.correction
    if policy.source and f"to {policy.source}" in change:
        change += f" (where that is not set, to the list in {file})"
    elif " to allow_" in change:
        change += f", in cors_policy() in {file}"
    if refused.missing:
        why = "the policy does not list what the request needs"
        if "Credentials" in blocked.error or "Wildcard" in blocked.error:
            about_credentials = diagnosis(blocked)
            why, change = f"{about_credentials[0]}; {why}", f"{about_credentials[1]}; {change}"
    return Explanation(outcome, why, change, str(refused), consoles)


def scope_of(method: str, url: str, headers: Mapping[str, str]) -> Scope:
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
        "root_path": "",
        "headers": [(name.lower().encode(), names[name].encode()) for name in names],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port),
        "state": {},
    }


async def answer_of(app: ASGIApp, scope: Scope) -> Response | None:
    """Return status and headers of an application's answer; None if it does not begin one."""
    started: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

    async def receive() -> Message:
        if received:
            await asyncio.Event().wait()  # the browser stays
        received.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and not started.done():
            headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
            started.set_result(Response(message["status"], headers))

    received: list[bool] = []

    def end(task: asyncio.Future[None]) -> None:
        if not task.cancelled():
            task.exception()  # an error of the application, which has answered 500
        if not started.done():
            started.cancel()

    asyncio.ensure_future(app(scope, receive, send)).add_done_callback(end)
    with suppress(TimeoutError, asyncio.CancelledError):
        return await asyncio.wait_for(started, PATIENCE)
    return None


def diagnosis(blocked: Blocked) -> tuple[str, str]:
    """Say why a browser blocks a response, by the response alone, and what to change."""
    value, response = blocked.value, blocked.response
    what = "preflight" if blocked.by_preflight else "request"
    match blocked.error.removeprefix("Preflight"):
        case CorsError.INVALID_RESPONSE if not response.status:
            return "nothing answered", "look at the service's log"
        case CorsError.INVALID_RESPONSE:
            return (
                f"the {what} is redirected to {value}, where the browser does not follow",
                "call the address that needs no redirect; where the service wrote http for https, "
                "name the proxy in FORWARDED_ALLOW_IPS",
            )
        case "DisallowedRedirect":
            why = f"the preflight is redirected to {value}, and browsers do not follow it"
            return why, f"call {value}"
        case CorsError.REDIRECT_CONTAINS_CREDENTIALS:
            return f"the {what} is redirected to an address with a password", "remove the password"
        case CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES:
            return (
                f"Access-Control-Allow-Origin has more than one value: {value}",
                "remove the header from the proxy, because the service sends it",
            )
        case CorsError.WILDCARD_ORIGIN_NOT_ALLOWED | CorsError.INVALID_ALLOW_CREDENTIALS:
            return (
                "the page sends credentials, and the response does not allow them",
                'leave out credentials: "include" in the page; where it needs them, set '
                "allow_credentials=True, with which no * and no http:// origin may be listed",
            )
        case CorsError.INVALID_ALLOW_ORIGIN_VALUE | CorsError.ALLOW_ORIGIN_MISMATCH:
            return (
                f"Access-Control-Allow-Origin is {value}, and the page's origin {blocked.origin}",
                "let no proxy set or cache that header",
            )
        case CorsError.INVALID_ALLOW_METHODS_PREFLIGHT_RESPONSE:
            return f"{value!r} in Access-Control-Allow-Methods is no method", "remove it there"
        case CorsError.INVALID_ALLOW_HEADERS_PREFLIGHT_RESPONSE:
            return f"{value!r} in Access-Control-Allow-Headers is no header", "remove it there"
        case CorsError.METHOD_DISALLOWED_BY_PREFLIGHT_RESPONSE:
            return f"{value} is not in Access-Control-Allow-Methods", f"add {value} there"
        case CorsError.HEADER_DISALLOWED_BY_PREFLIGHT_RESPONSE:
            return f"{value} is not in Access-Control-Allow-Headers", f"add {value} there"
    return _without_the_header(what, response)


def _without_the_header(what: str, response: Response) -> tuple[str, str]:
    """Say who probably answered without CORS headers, or refused a preflight with them."""
    status, content_type = response.status, response.get("Content-Type") or ""
    if status in REDIRECTS:
        return (
            f"the {what} is redirected to {response.get('Location')} without CORS headers",
            "call the address that needs no redirect",
        )
    if status in FROM_GATEWAYS:
        return (
            f"a proxy answered the {what} with {status}, because it does not reach the service",
            "look at the proxy's log, and whether the service runs",
        )
    if what == "preflight" and status in (401, 407):
        return (
            f"the preflight needs authentication ({status}), and browsers send none with it",
            "let OPTIONS requests pass to the service without authentication",
        )
    if what == "preflight" and status in (404, 405, 501):
        return (
            f"what answers OPTIONS requests knows no CORS ({status})",
            "let OPTIONS requests pass to the service",
        )
    if content_type.startswith("text/html"):
        return (
            f"an HTML page answered the {what} ({status}), and not the service",
            "look at what is in front of the service",
        )
    if response.get("Access-Control-Allow-Origin"):
        return (
            f"the preflight is answered {status}, and browsers take 200 to 299",
            "look for a proxy that answers itself",
        )
    return (
        f"the answer to the {what} ({status}) has no Access-Control-Allow-Origin",
        "look for a proxy that answers itself or removes the header",
    )
