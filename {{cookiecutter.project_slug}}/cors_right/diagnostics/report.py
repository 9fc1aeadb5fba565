"""The output of the commands, as text or as JSON."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import zip_longest
from textwrap import fill, wrap
from typing import Any
from urllib.parse import urlsplit

from ..middleware import CORSPolicyMiddleware
from ..policy import CORSPolicy
from ..refusal import Kind
from ..standard import SAFE_METHODS
from .browser import Fetch
from .check import check
from .explain import Explanation, cookies_of, explain
from .routes import WEBSOCKET
from .service import CannotStart, Service, guard_of
from .terminal import harmless, harmless_in

ALLOWED, BLOCKED, NOT_ASKED = 0, 1, 4  # exit statuses
WIDTH = 100  # characters
CELL = 26  # characters of a column of `show`
INDENT = 10  # characters before the text of `explain` and `check`
ARGUMENTS = [field.name for field in fields(CORSPolicy) if field.init]


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(harmless_in(value), indent=2))


def show_policies(service: Service, *, as_json: bool) -> int:
    """Print the policies of all environments side by side, and return the exit status."""
    policies: dict[str, dict[str, Any] | None] = {}
    problems: dict[str, Sequence[str]] = {}
    for name in service.environments:
        try:
            policy = service.policy(name)
            policies[name] = {argument: getattr(policy, argument) for argument in ARGUMENTS}
        except CannotStart as error:
            policies[name], problems[name] = None, error.args
    if as_json:
        print_json({"in_force": service.in_force, "policies": policies, "problems": problems})
        return ALLOWED
    rows = [("", *(f"{name} *" if name == service.in_force else name for name in policies))]
    for argument in ARGUMENTS:
        columns = [cell(policy, argument) for policy in policies.values()]
        rows += zip_longest([argument], *columns, fillvalue="")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    print("\n* in force")
    for name, lines in problems.items():
        print(f"\nIn {name}, the service does not start with these settings:", *lines, sep="\n")
    return ALLOWED


def cell(policy: dict[str, Any] | None, argument: str) -> list[str]:
    """Return the lines for one argument of a policy."""
    if policy is None:
        return ["-"]
    value = policy[argument]
    if argument == "allow_origins":
        return [*value] or ["none"]
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return wrap(text, CELL, break_on_hyphens=False) or ["none"]


def explain_request(service: Service, request: Fetch, *, as_json: bool) -> int:
    """Print what a browser does with a request, and why, and return the exit status."""
    logging.disable()  # the application's log does not belong in the output
    policy, app = service.policy(service.environment), service.application()
    guard = guard_of(app) or CORSPolicyMiddleware(app, policy)
    explanation = explain(app, guard, request, service.file)
    cookies = cookies_of(app, request, explanation.outcome.exchanges)
    if as_json:
        print_json({**explanation_as_json(explanation), "cookies": cookies})
    else:
        print(f"{service.environment}: {guard.policy}")
        lines = steps(explanation, urlsplit(request.url).netloc)
        print(*map(harmless, lines), *verdict(explanation), sep="\n")
        for name, said in cookies.items():
            print(labelled("cookie", f"{name}: {said}"))
    return {True: ALLOWED, False: BLOCKED, None: NOT_ASKED}[explanation.is_allowed]


def explanation_as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as a JSON value."""
    blocked = explanation.outcome.blocked
    return {
        "allowed": explanation.is_allowed,
        "error": blocked and blocked.name,
        **{name: getattr(explanation, name) for name in ("why", "change", "route", "consoles")},
        "log": str(explanation.refusal or ""),
        "requests": [
            {name: getattr(exchange, name) for name in ("method", "url", "headers")}
            | {
                "status": exchange.method in SAFE_METHODS and exchange.response.status or None,
                "answer": exchange.response.headers,
            }
            for exchange in explanation.outcome.exchanges
        ],
    }


def steps(explanation: Explanation, host: str) -> Iterator[str]:
    """Yield the requests, and the responses with their CORS headers, like `curl -v`."""
    for exchange in explanation.outcome.exchanges:
        status = exchange.response.status or "(nothing)"
        yield ""
        yield f"{exchange.method} {exchange.url.partition(f'://{host}')[2] or exchange.url}"
        yield from (f"> {name}: {value}" for name, value in exchange.headers.items())
        yield f"< {status if exchange.method in SAFE_METHODS else '(not run: it could write)'}"
        for name, value in exchange.response.headers:
            if name.lower().startswith("access-control-") or name.lower() in ("location", "vary"):
                yield f"< {name}: {value}"
    yield ""


def verdict(explanation: Explanation) -> Iterator[str]:
    """Yield the browser's decision, the reason, the correction, and the consoles' messages."""
    outcome, refusal = explanation.outcome, explanation.refusal
    method = outcome.exchanges[-1].method if outcome.exchanges else ""
    if explanation.is_allowed is None:
        yield "This command cannot find out whether the page can read the response."
    elif method == WEBSOCKET:
        is_open = explanation.is_allowed
        yield "The WebSocket opens." if is_open else "The service refuses the WebSocket (403)."
    elif not (blocked := outcome.blocked):
        yield "The browser lets the page read the response."
        if method in SAFE_METHODS:
            yield labelled("headers", ", ".join(outcome.headers) or "none")
    else:
        sent = "stops after the preflight" if blocked.by_preflight else "hides the response"
        yield f"The browser {sent if method else 'sends nothing'}: {blocked.name}"
        if refusal and refusal.kind is Kind.WRITE:
            yield "The service refuses the write with a 403 (CSRF protection)."
        elif method not in ("", *SAFE_METHODS):
            yield "The service still performs the write. CORS hides only the response."
    texts = {name: getattr(explanation, name) for name in ("why", "change", "route")}
    for label, text in {**texts, **explanation.consoles, "log": str(refusal or "")}.items():
        if text:
            yield labelled(label, text)


def labelled(label: str, text: str) -> str:
    """Return a text as a paragraph behind a label."""
    return fill(
        harmless(text),
        WIDTH,
        initial_indent=label.ljust(INDENT),
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def check_service(service: Service, url: str, origins: Sequence[str], *, as_json: bool) -> int:
    """Print whether a deployed service keeps the policy, and return the exit status."""
    policy = service.policy(service.environment)
    findings = []
    if not as_json:
        print(f"{service.environment}: {policy}", end="\n\n")
    for finding in check(url, policy, origins):
        findings.append(finding)
        if as_json:
            continue
        if finding.wrong:
            label = "WRONG" if finding.is_answered else "no answer"
            print(labelled(label, f"{finding.origin}: {finding.wrong}"))
            print(labelled("change", finding.change))
        else:
            print(labelled("allowed" if finding.is_allowed else "refused", finding.origin))
    if as_json:
        print_json([vars(finding) for finding in findings])
    if any(finding.wrong and finding.is_answered for finding in findings):
        return BLOCKED
    return ALLOWED if all(finding.is_answered for finding in findings) else NOT_ASKED
