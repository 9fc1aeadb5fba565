"""`python -m cors_right`: show the policy, explain a request, check a deployed service.

Exit status: 0 if a browser allows what was asked for, 1 if not, 2 for wrong usage. A wrong setting
ends it as it ends the service: with status 3, and a line for each problem.
"""

import argparse
import inspect
import json
import logging
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from io import TextIOWrapper
from itertools import zip_longest
from textwrap import fill, wrap
from typing import Any, get_args
from urllib.parse import urljoin, urlsplit

from .browser import Fetch
from .check import check
from .explain import SAFE_METHODS, Explanation, explain
from .origins import OriginError, parse_origin
from .policy import (
    FORBIDDEN_METHOD,
    FORBIDDEN_REQUEST_HEADER,
    TOKEN,
    CORSPolicy,
    CORSPolicyError,
    Environment,
)
from .refusals import MAX_SHOWN
from .settings import CANNOT_START, CORSSettings

SERVICE = "app"
ADDRESS = "https://service.example"  # where `explain` takes the service to be
WIDTH = 100
CELL = 26  # characters of a column of `show`
LABEL = 10  # characters before what `explain` and `check` say
ARGUMENTS = (
    "allow_origins",
    "allow_credentials",
    "allow_methods",
    "allow_headers",
    "expose_headers",
    "max_age",
)


def main() -> int:
    """Run the command that the process was given, and return its exit status."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {__package__}",
        description="What the CORS policy is, why a browser blocks, what a deployed service does.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    one = commands.add_parser("show", help="show the policy of each environment")
    one.set_defaults(run=run_show)
    two = commands.add_parser("explain", help="say what a browser does with a request, and why")
    two.set_defaults(run=run_explain)
    two.add_argument("origin", type=origin, metavar="ORIGIN", help="the page's, or null")
    two.add_argument("method", type=method, metavar="METHOD", nargs="?", default="GET")
    two.add_argument("path", type=path, metavar="PATH", nargs="?", default="/")
    two.add_argument(
        "--header", type=header, metavar="NAME", action="append", default=[], help="that it sets"
    )
    two.add_argument("--credentials", action="store_true", help='as with credentials: "include"')
    two.add_argument("--env", choices=get_args(Environment), help="instead of the one in force")
    three = commands.add_parser("check", help="ask a deployed service whether it keeps the policy")
    three.set_defaults(run=run_check)
    three.add_argument("url", type=url, metavar="URL", help="of a route that takes GET")
    three.add_argument(
        "origins", type=origin, metavar="ORIGIN", nargs="*", help="instead of those of the policy"
    )
    for command in (one, two, three):
        command.add_argument("--json", action="store_true", help="print JSON")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # browsers' words are not ASCII, some terminals are
            stream.reconfigure(errors="backslashreplace")
    options = parser.parse_args()

    try:
        module = import_module(f"{SERVICE}.settings")
    except ModuleNotFoundError as error:
        if error.name not in (SERVICE, f"{SERVICE}.settings"):
            raise
        parser.error(f"there is no {SERVICE}.settings here; run it where the service's code is")
    settings: CORSSettings = module.Settings.load()
    return int(options.run(options, settings))


def origin(text: str) -> str:
    """Return the origin of a page as browsers send it."""
    if text == "null":
        return text
    try:
        origin = parse_origin(text)
    except OriginError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if origin.is_pattern:
        raise argparse.ArgumentTypeError(f"{text!r} stands for many; write the origin of one page")
    return str(origin)


def method(text: str) -> str:
    """Return a method that `fetch()` takes."""
    if len(text) > MAX_SHOWN or not TOKEN.fullmatch(text) or FORBIDDEN_METHOD.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a method that pages can send")
    return text


def path(text: str) -> str:
    """Return a path of the service."""
    if not text.startswith("/") or text.startswith("//") or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not a path; write /notes")
    return text


def header(text: str) -> tuple[str, str]:
    """Return a header's name, and a value that needs a preflight wherever one may."""
    if not TOKEN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a header")
    if FORBIDDEN_REQUEST_HEADER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"pages cannot set {text}; browsers drop it")
    return text, "application/json" if text.lower() == "content-type" else "x"


def url(text: str) -> str:
    """Return the URL of a service."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username is not None or not text.isascii() or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the address of a service; write https://api.example.com/health"
        )
    return text


def in_environment(settings: CORSSettings, name: str) -> CORSSettings:
    """Return the same settings for another environment."""
    return settings.model_copy(update={"fastapi_env": name})


def run_show(options: argparse.Namespace, settings: CORSSettings) -> int:
    """Print the policies side by side."""
    policies: dict[str, CORSPolicy | None] = {}
    problems: dict[str, list[str]] = {}
    for name in get_args(Environment):
        try:
            policies[name] = in_environment(settings, name).cors_policy()
        except CORSPolicyError as error:
            policies[name] = None
            problems[name] = settings.explain_policy(error)
    if options.json:
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


def run_explain(options: argparse.Namespace, settings: CORSSettings) -> int:
    """Print what a browser does with a request, and why."""
    settings = in_environment(settings, options.env or settings.fastapi_env)
    try:
        policy = settings.cors_policy()
    except CORSPolicyError as error:
        print(*settings.explain_policy(error), sep="\n", file=sys.stderr)
        return CANNOT_START
    logging.disable()  # of what the application says to this
    app = import_module(f"{SERVICE}.application").create_app(settings)
    request = Fetch(
        options.origin,
        urljoin(ADDRESS, options.path),
        options.method,
        dict(options.header),
        with_credentials=options.credentials,
    )
    file = os.path.relpath(inspect.getfile(type(settings)))
    explanation = explain(app, policy, request, file)
    if options.json:
        print(json.dumps(as_json(explanation), indent=2))
    else:
        print(policy, *steps(explanation), *verdict(explanation, policy), sep="\n")
    return 0 if explanation.outcome.readable else 1


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON has it."""
    outcome = explanation.outcome
    return {
        "allowed": outcome.readable,
        "error": outcome.blocked and outcome.blocked.error,
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
    """Yield what is sent, and what comes back of CORS, in the manner of `curl -v`."""
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
    yield f"A browser {is_sent}: {blocked.error}"
    if is_write and policy.allow_credentials:
        yield "The service refuses the write, because it has credentials (403)."
    elif is_write:
        yield "The service carries the write out all the same: CORS hides answers only."
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
        initial_indent=label.ljust(LABEL),
        subsequent_indent=" " * LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def run_check(options: argparse.Namespace, settings: CORSSettings) -> int:
    """Print whether a deployed service keeps the policy."""
    policy = settings.cors_policy()
    findings = []
    if not options.json:
        print(policy, end="\n\n")
    for finding in check(options.url, policy, options.origins):
        findings.append(finding)
        if not options.json:
            if finding.wrong:
                print(labelled("WRONG", f"{finding.origin}: {finding.wrong}"))
                print(labelled("change", finding.change))
            else:
                print(labelled("allowed" if finding.is_allowed else "refused", finding.origin))
    if options.json:
        print(json.dumps([vars(finding) for finding in findings], indent=2))
    return 1 if any(finding.wrong for finding in findings) else 0


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
