"""What a browser would do with a request, and why: the application is asked in this process."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp, Message, Scope

from ..policy import CORSPolicy
from ..reasons import CROSS_SITE_FORM
from ..refusal import Kind, judge
from ..request import Request
from ..standard import SAFE_METHODS
from .browser import PATIENCE, CorsError, Fetch, Outcome, Response, fetch
from .consoles import consoles
from .corrections import correction
from .diagnosis import diagnosis


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
    printed = consoles(request, blocked)
    if outcome.sent[-1] not in SAFE_METHODS:  # whose status is not known
        known = f" Status code: {blocked.response.status}"
        printed = {engine: words.removesuffix(known) for engine, words in printed.items()}
    refused = judge(Request(scopes[-1], policy))
    if refused is None:
        return Explanation(outcome, *diagnosis(blocked), consoles=printed)
    why, change = refused.reason.why, correction(refused.reason, policy, file)
    if refused.kind is Kind.WRITE:
        change += f"; for a form: {CROSS_SITE_FORM.correction}"
    if refused.kind is Kind.UNLISTED:
        why = "the policy does not list what the request needs"
        if blocked.error in (
            CorsError.WILDCARD_ORIGIN_NOT_ALLOWED,
            CorsError.INVALID_ALLOW_CREDENTIALS,
        ):
            about_credentials = diagnosis(blocked)
            why, change = f"{about_credentials[0]}; {why}", f"{about_credentials[1]}; {change}"
    return Explanation(outcome, why, change, str(refused), printed)


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
    task: asyncio.Future[None] = asyncio.ensure_future(app(scope, receive, send))
    both: list[asyncio.Future[Any]] = [task, started]
    await asyncio.wait(both, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.exception()  # of the application, which has answered 500
    return started.result() if started.done() else None
