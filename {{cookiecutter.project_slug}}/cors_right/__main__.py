"""`python -m cors_right`: show the policies, explain a request, check a deployed service."""

import argparse
import os
import re
import sys
from io import TextIOWrapper
from urllib.parse import quote, urljoin, urlsplit

from .diagnostics.browser import Fetch
from .diagnostics.explain import ADDRESS
from .diagnostics.report import check_service, explain_request, show_policies
from .diagnostics.service import CannotStart, Service, WrongUsage
from .origins import OriginError, parse_origin
from .reasons import can_send_method
from .settings import CANNOT_START
from .standard import FORBIDDEN_REQUEST_HEADER, TOKEN

STATUSES = """\
exit status:
  0  a browser allows it, or the service keeps the policy
  1  a browser blocks it, or the service does not keep the policy
  2  wrong usage
  3  wrong settings, or an application that does not start; a line says why
  4  unknown: the service does not respond, or redirects to another host
"""


def main() -> int:
    """Run the command of this process, and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # some terminals cannot print browsers' messages
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser()
    options = parser.parse_args()
    try:
        service = Service(options.app, options.settings, getattr(options, "env", None))
        return run(options, service)
    except WrongUsage as error:
        parser.error(str(error))
    except CannotStart as error:
        for problem in error.args:
            print(problem, file=sys.stderr)
    return CANNOT_START


def run(options: argparse.Namespace, service: Service) -> int:
    """Run a command for a service, and return the exit status."""
    match options.command:
        case "show":
            return show_policies(service, as_json=options.json)
        case "explain":
            request = Fetch(
                options.origin,
                urljoin(options.at, options.path),
                options.method,
                dict(options.header),
                with_credentials=options.credentials,
            )
            return explain_request(service, request, as_json=options.json)
    return check_service(service, options.url, options.origins, as_json=options.json)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cors_right",
        description="Show the CORS policy, explain a blocked request, or check a deployed service.",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("show", help="print the policy of each environment")
    explain = commands.add_parser(
        "explain", help="show what a browser does with a request, and why"
    )
    explain.add_argument(
        "origin",
        type=page_origin,
        metavar="ORIGIN",
        help="of the page, such as https://app.example.com, or null",
    )
    explain.add_argument("method", type=page_method, metavar="METHOD", nargs="?", default="GET")
    explain.add_argument("path", type=service_path, metavar="PATH", nargs="?", default="/")
    explain.add_argument(
        "--header",
        type=page_header,
        metavar="NAME",
        action="append",
        default=[],
        help="a request header that the page sets",
    )
    explain.add_argument("--credentials", action="store_true", help='credentials: "include"')
    explain.add_argument(
        "--at",
        type=service_url,
        metavar="URL",
        default=ADDRESS,
        help="address of the service",
    )
    check = commands.add_parser("check", help="check that a deployed service follows the policy")
    check.add_argument("url", type=service_url, metavar="URL", help="of a route that accepts GET")
    check.add_argument(
        "origins", type=page_origin, metavar="ORIGIN", nargs="*", help="instead of the policy's"
    )
    for command in (explain, check):
        command.add_argument("--env", metavar="NAME", help="an environment, instead of FASTAPI_ENV")
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print JSON")
        command.add_argument(
            "--app", metavar="MODULE:NAME", help="an application, or what makes it"
        )
        command.add_argument("--settings", metavar="MODULE:NAME", help="a subclass of CORSSettings")
    return parser


def page_origin(text: str) -> str:
    """Return the origin of a page as browsers send it."""
    if text == "null":
        return text
    try:
        origin = parse_origin(text)
    except OriginError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if origin.is_pattern:
        raise argparse.ArgumentTypeError(
            f"{text!r} matches many origins. Write the origin of one page"
        )
    return str(origin)


def page_method(text: str) -> str:
    """Return a method that `fetch()` accepts."""
    if not can_send_method(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a method that pages can send")
    return text


def service_path(text: str) -> str:
    """Return a path of the service."""
    if not text.startswith("/") or text.startswith("//") or not text.isprintable():
        path = re.sub("^[a-z]+://[^/]*|//[^/]*", "", text).lstrip("/")
        meant = path if path.isprintable() else quote(path, errors="replace")
        raise argparse.ArgumentTypeError(f"{text!r} is not a path. Write /{meant}")
    return text


def page_header(text: str) -> tuple[str, str]:
    """Return a header's name, and a value that needs a preflight if any value does."""
    if not TOKEN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a header")
    if FORBIDDEN_REQUEST_HEADER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"pages cannot set {text}; browsers drop it")
    return text, "application/json" if text.lower() == "content-type" else "x"


def service_url(text: str) -> str:
    """Return the URL of a service."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username is not None or not text.isascii() or not text.isprintable():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the address of a service. Write https://api.example.com/health"
        )
    return text


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
