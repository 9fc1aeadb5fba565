"""The output of the commands, as text or as JSON."""

import inspect
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from itertools import zip_longest
from textwrap import fill, wrap
from typing import Any

from ..policy import CORSPolicy, CORSPolicyError
from ..settings import CANNOT_START, CORSSettings
from ..standard import SAFE_METHODS
from .browser import Fetch
from .check import check
from .explain import Explanation, explain

APPLICATION = "app.application"
ADDRESS = "https://service.example"  # of the service, for `explain`
WIDTH = 100  # characters
CELL = 26  # characters of a column of `show`
INDENT = 10  # characters before the text of `explain` and `check`
ARGUMENTS = [field.name for field in fields(CORSPolicy) if field.init]


def in_environment(settings: CORSSettings, name: str) -> CORSSettings:
    """Return the same settings for another environment."""
    return settings.model_copy(update={"fastapi_env": name})


def show_policies(settings: CORSSettings, *, as_json: bool) -> int:
    """Print the policies of all environments side by side, and return the exit status."""
    policies: dict[str, CORSPolicy | None] = {}
    problems: dict[str, list[str]] = {}
    for name in settings.environments() or (settings.fastapi_env,):
        try:
            policies[name] = in_environment(settings, name).checked_policy()
        except CORSPolicyError as error:
            policies[name] = None
            problems[name] = settings.explain_policy(error)
    if as_json:
        arguments = {
            name: policy and {argument: getattr(policy, argument) for argument in ARGUMENTS}
            for name, policy in policies.items()
        }
        in_force = {"in_force": settings.fastapi_env, "policies": arguments, "problems": problems}
        print(json.dumps(in_force, indent=2))
        return 0
    heads = [f"{name}{' *' if name == settings.fastapi_env else ''}" for name in policies]
    rows = [("", *heads)]
    for argument in ARGUMENTS:
        columns = [cell(policy, argument) for policy in policies.values()]
        rows += zip_longest([argument], *columns, fillvalue="")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    print("\n* in force")
    for name, lines in problems.items():
        print(f"\nWith these settings the service does not start in {name}:", *lines, sep="\n")
    return 0


def cell(policy: CORSPolicy | None, argument: str) -> list[str]:
    """Return the lines of a policy in the row of an argument."""
    if policy is None:
        return ["-"]
    value = getattr(policy, argument)
    if argument == "allow_origins":
        return [*value] or ["none"]
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return wrap(text, CELL, break_on_hyphens=False) or ["none"]


def explain_request(
    settings: CORSSettings, environment: str, request: Fetch, *, as_json: bool
) -> int:
    """Print what a browser does with a request, and why, and return the exit status."""
    settings = in_environment(settings, environment)
    try:
        policy = settings.checked_policy()
    except CORSPolicyError as error:
        print(*settings.explain_policy(error), sep="\n", file=sys.stderr)
        return CANNOT_START
    logging.disable()  # of what the application says to this
    app = import_module(APPLICATION).create_app(settings)
    file = os.path.relpath(inspect.getfile(type(settings)))
    explanation = explain(app, policy, request, file)
    if as_json:
        print(json.dumps(explanation_as_json(explanation), indent=2))
    else:
        print(f"{environment}: {policy}")
        print(*steps(explanation), *verdict(explanation, policy), sep="\n")
    return 0 if explanation.outcome.readable else 1


def explanation_as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON has it."""
    outcome = explanation.outcome
    return {
        "allowed": outcome.readable,
        "error": outcome.blocked and outcome.blocked.name,
        "why": explanation.why,
        "change": explanation.change,
        "log": explanation.log,
        "consoles": dict(explanation.consoles),
        "requests": [
            {
                "method": exchange.method,
                "url": exchange.url,
                "headers": dict(exchange.headers),
                "status": exchange.response.status,
                "answer": exchange.response.headers,
            }
            for exchange in outcome.exchanges
        ],
    }


def steps(explanation: Explanation) -> Iterator[str]:
    """Yield the requests, and the responses with their CORS headers, in the manner of `curl -v`."""
    for exchange in explanation.outcome.exchanges:
        yield f"\n{exchange.method} {exchange.url.removeprefix(ADDRESS)}"
        for name, value in exchange.headers.items():
            yield f"> {name}: {value}"
        is_run = exchange.method in SAFE_METHODS
        yield f"< {exchange.response.status or 'nothing'}" if is_run else "< (it is not run here)"
        for name, value in exchange.response.headers:
            if name.lower().startswith("access-control-") or name.lower() in ("location", "vary"):
                yield f"< {name}: {value}"
    yield ""


def verdict(explanation: Explanation, policy: CORSPolicy) -> Iterator[str]:
    """Yield whether a browser allows it, why not, what to change, and what is printed where."""
    blocked = explanation.outcome.blocked
    is_write = explanation.outcome.sent[-1] not in SAFE_METHODS
    if blocked is None:
        yield "A browser lets the page read the response."
        if not is_write:
            yield labelled("headers", ", ".join(explanation.outcome.headers) or "none")
        return
    is_sent = "sends no more than the preflight" if blocked.by_preflight else "hides the response"
    yield f"A browser {is_sent}: {blocked.name}"
    if is_write and policy.allow_credentials:
        yield "The service refuses the write, because it has credentials (403)."
    elif is_write:
        yield "The service still performs the write. CORS hides only the response."
    yield labelled("why", explanation.why)
    yield labelled("change", explanation.change)
    for engine, words in explanation.consoles.items():
        yield labelled(engine, words)
    if explanation.log:
        yield labelled("log", explanation.log)


def labelled(label: str, text: str) -> str:
    """Return a text as a paragraph behind a label."""
    return fill(
        text,
        WIDTH,
        initial_indent=label.ljust(INDENT),
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def check_service(
    settings: CORSSettings, url: str, origins: Sequence[str], *, as_json: bool
) -> int:
    """Print whether a deployed service keeps the policy, and return the exit status."""
    policy = settings.checked_policy()
    findings = []
    if not as_json:
        print(f"{settings.fastapi_env}: {policy}", end="\n\n")
    for finding in check(url, policy, origins):
        findings.append(finding)
        if as_json:
            continue
        if finding.wrong:
            print(labelled("WRONG", f"{finding.origin}: {finding.wrong}"))
            print(labelled("change", finding.change))
        else:
            print(labelled("allowed" if finding.is_allowed else "refused", finding.origin))
    if as_json:
        print(json.dumps([vars(finding) for finding in findings], indent=2))
    return 1 if any(finding.wrong for finding in findings) else 0
