"""The check that a deployed service follows a policy, over the network."""

import http.client
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from threading import Timer
from time import monotonic
from urllib.parse import urlsplit

from starlette.datastructures import URL

from ..origins import parts
from ..policy import ANY, CORSPolicy
from ..reasons import why_not_allowed
from ..standard import SAFELISTED_METHODS
from . import browser
from .browser import PATIENCE, CorsError, Fetch, Response
from .corrections import correction
from .diagnosis import FROM_GATEWAYS, at_gateway, diagnosis, mixed

MAX_BODY = 1024  # bytes to read of a body
UPDATE = "deploy these settings, or run check with the deployed settings"


# The problem, and what to change. Generators send no requests for a second one in advance.
Trouble = tuple[str, str]


class NoAnswer(Exception):
    """The reason why a server sends no HTTP response."""


@dataclass(frozen=True)
class Finding:
    """The result for an origin: the problem (`wrong`) and what to `change`, or empty texts.

    `is_allowed` is the policy's decision. If `is_answered` is False, the service's is unknown.
    """

    origin: str
    is_allowed: bool
    wrong: str = ""
    change: str = ""
    is_answered: bool = True


def check(url: str, policy: CORSPolicy, origins: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield a finding for each of the policy's origins, or of `origins`, and for unlisted ones.

    The requests write nothing: they are preflights and GET, and follow no redirect. A finding about
    a server without an HTTP response is the last.
    """
    expected = origins or [*map(example, policy.allow_origins)]
    for origin in dict.fromkeys([*expected, *look_alikes(policy)]):
        is_allowed = policy.allows(origin)
        if origin in origins and not is_allowed:
            reason = why_not_allowed(policy, [origin])
            wrong = f"the settings do not allow it: {reason.why}"
            yield Finding(origin, False, wrong, correction(reason, policy))
            continue
        troubles = _troubles(url, policy, origin) if is_allowed else _leaks(url, origin)
        if is_allowed and origin == expected[0]:
            troubles = chain(troubles, _mixed_up(url, expected))
        try:
            yield Finding(origin, is_allowed, *next(troubles, ()))
        except NoAnswer as error:
            yield Finding(origin, is_allowed, str(error), "check the address", False)
            return


def example(entry: str) -> str:
    """Return an origin that an entry of the allow-list matches."""
    if entry == "*":
        return "https://any.example"
    return entry.removesuffix(":*").replace("://*.", "://cors-check.")


def look_alikes(policy: CORSPolicy) -> list[str]:
    """Return unlisted origins, most of which resemble the policy's."""
    found = ["https://foreign.example", "null"]
    for origin in map(example, policy.allow_origins[:3]):
        scheme, host, port = parts(origin)
        end = "" if port is None else f":{port}"
        found += [
            f"{'http' if scheme == 'https' else 'https'}://{host}{end}",
            f"{scheme}://{host}.foreign.example{end}",
            f"{scheme}://foreign{host}{end}",
            f"{scheme}://{host}:{8444 if port == '8443' else 8443}",
        ]
    return [origin for origin in dict.fromkeys(found) if not policy.allows(origin)]


def _troubles(url: str, policy: CORSPolicy, origin: str) -> Iterator[Trouble]:
    """Yield the problems that keep an allowed origin's page from using the service."""
    if browser.is_mixed(origin, url):
        yield mixed(url)
    methods = ["PUT"] if policy.allow_methods == ANY else policy.allow_methods
    method = min(methods, key=SAFELISTED_METHODS.__contains__, default="GET")
    names = ["X-Asked"] if policy.allow_headers == ANY else policy.allow_headers
    headers = dict.fromkeys(names, "")
    asked = Fetch(origin, url, method, headers, with_credentials=policy.allow_credentials)
    question = {"Origin": origin, "Access-Control-Request-Method": method}
    preflight = ask("OPTIONS", url, browser.preflight_headers(asked) or question)
    if blocked := browser.preflight_check(asked, preflight):
        if preflight.status == 403 and "Origin" in preflight.listed("Vary"):  # as cors_right does
            yield f"the service refuses {origin}, but the settings list it", UPDATE
        elif blocked.error in (CorsError.METHOD_DISALLOWED, CorsError.HEADER_DISALLOWED):
            why = f"the service uses another policy, without {blocked.value}"
            yield why, at_gateway(preflight, UPDATE)
        else:
            yield diagnosis(blocked)
    response = ask("GET", url, {"Origin": origin})
    if blocked := browser.cors_check(asked, response):
        yield diagnosis(blocked)
    for other in _differences(policy, preflight, response):
        yield f"the service uses another policy: {other}", at_gateway(preflight, UPDATE)
    if response.get("Access-Control-Allow-Origin") != "*":
        for answer in (response, ask("GET", url, {})):
            if not {"origin", "*"} & {name.lower() for name in answer.listed("Vary")}:
                why = "the response lacks Vary: Origin, so a cache can mix up the origins"
                yield why, at_gateway(answer, "stop proxies from removing or replacing Vary")


def _mixed_up(url: str, origins: Sequence[str]) -> Iterator[Trouble]:
    """Yield the origins to which a cache sends the response to another request.

    Each address is new to the cache: it gets a request without an Origin, then from two origins.
    """
    key = secrets.token_hex(8)

    def answer(key: str, **headers: str) -> Response:
        return ask("GET", str(URL(url).include_query_params(**{"cors-check": key})), headers)

    allow_origin = "Access-Control-Allow-Origin"
    first, second = [*origins, "https://foreign.example"][:2]
    if answer(key).get(allow_origin) or not answer(f"{key}-", Origin=first).get(allow_origin):
        return  # the header is always present, or the query prevents it
    for origin, kept in ((first, None), (second, first)):
        response = answer(key, Origin=origin)
        if response.get(allow_origin) == kept:
            made_for = kept or "a request without an Origin"
            why = f"a cache ignores Vary and sends {origin} the response for {made_for}"
            change = "put Origin in the cache key, or turn the cache off"
            yield why, at_gateway(response, change)


def _differences(policy: CORSPolicy, preflight: Response, response: Response) -> Iterator[str]:
    """Yield the headers that differ from the policy."""
    for name, answer, expected in (
        ("Access-Control-Allow-Credentials", response, ["true"] * policy.allow_credentials),
        ("Access-Control-Allow-Methods", preflight, policy.allow_methods),
        ("Access-Control-Allow-Headers", preflight, policy.listed_headers),
        ("Access-Control-Expose-Headers", response, policy.expose_headers),
        ("Access-Control-Max-Age", preflight, [str(policy.max_age)]),
    ):
        change_case = str.lower if name.endswith("-Headers") else str
        found, meant = ({*map(change_case, names)} for names in (answer.listed(name), expected))
        if found != meant and "*" not in meant:  # for `*`, the service mirrors the request
            said, right = (", ".join(sorted(names)) or "absent" for names in (found, meant))
            yield f"{name} is {said}, expected {right}"


def _leaks(url: str, origin: str) -> Iterator[Trouble]:
    """Yield the problems that let a page on an unlisted origin read a response."""
    question = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for method, headers in (("OPTIONS", question), ("GET", {"Origin": origin})):
        answer = ask(method, url, headers)
        if answer.status in FROM_GATEWAYS:
            raise NoAnswer(f"a proxy returned {answer.status}, because it cannot reach the service")
        allowed = answer.get("Access-Control-Allow-Origin")
        if allowed is not None and {origin, "*"} & {value.strip() for value in allowed.split(",")}:
            why = f"Access-Control-Allow-Origin is {allowed}, so the response allows {origin}"
            change = f"let only the service set this header. If it already does, {UPDATE}"
            yield why, at_gateway(answer, change)


def ask(method: str, url: str, headers: Mapping[str, str]) -> Response:
    """Return a server's response, with the beginning of its body. Raises NoAnswer."""
    address = urlsplit(url)
    is_secure = address.scheme == "https"
    connect = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
    connection = connect(address.hostname or "", address.port, timeout=PATIENCE)
    deadline = monotonic() + PATIENCE

    def give_up() -> None:
        with suppress(OSError):  # the other side closed first
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = Timer(PATIENCE, give_up)  # the time-out above is for each byte
    try:
        connection.connect()
        connected = connection.sock
        timer.start()
        target = f"{address.path or '/'}{f'?{address.query}' if address.query else ''}"
        connection.request(method, target, headers=dict(headers))
        answer = connection.getresponse()
        if monotonic() > deadline:
            raise TimeoutError
        body = b""
        with suppress(OSError, http.client.HTTPException):  # the body may be slow, or break
            body = answer.read1(MAX_BODY)
        return Response(answer.status, answer.headers.items(), body)
    except (OSError, http.client.HTTPException) as error:
        trouble = _trouble(TimeoutError() if monotonic() > deadline else error)
        raise NoAnswer(f"{address.netloc} {trouble}") from None
    finally:
        timer.cancel()
        connection.close()


def _trouble(error: Exception) -> str:
    """Return what a failed connection means."""
    match error:
        case TimeoutError():
            return f"did not respond within {PATIENCE} s"
        case socket.gaierror():
            return "does not resolve to an IP address"
        case ConnectionRefusedError():
            return "refuses the connection"
        case ssl.SSLCertVerificationError():
            return f"has a certificate that browsers do not trust: {error.verify_message}"
        case ssl.SSLError():
            return "does not speak TLS. Did you mean http://?"
        case http.client.RemoteDisconnected() | ConnectionError():
            return "closed the connection without a response"
        case http.client.HTTPException():
            return "does not speak HTTP. Did you mean https://?"
    return f"cannot be reached: {getattr(error, 'strerror', None) or error}"
