"""A model of the browser when a page sends a request to another origin.

It follows the CORS protocol of the Fetch standard. Sections have their names there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from .. import standard
from ..origins import DEFAULT_PORTS, is_loopback, parts

NORMALIZED_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
# All but each "CORS-unsafe request-header byte", and the allowed bytes of a language.
SAFE = r'[^\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]*'
LANGUAGE = r"[0-9A-Za-z *,\-.;=]*"
FORM = "application/x-www-form-urlencoded|multipart/form-data|text/plain"
# "CORS-safelisted request-header": the allowed values of each.
SAFELISTED_VALUES = {
    "accept": SAFE,
    "accept-language": LANGUAGE,
    "content-language": LANGUAGE,
    "content-type": rf"(?i:[ \t]*({FORM})[ \t]*(;{SAFE})?)",
    "range": "bytes=([0-9]+)-([0-9]*)",
}
MAX_SAFE_VALUE = 128  # bytes
# "Request-body-header name".
BODY_HEADER = re.compile("content-(encoding|language|location|type)", re.IGNORECASE)
NEVER_READABLE = ("set-cookie", "set-cookie2")  # "forbidden response-header name"
PATIENCE = 10  # seconds for a response to begin
REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 20


class CorsError(StrEnum):
    """The reasons why browsers block: `Network.CorsError` in Chromium's protocol.

    `{}` becomes Preflight if the preflight fails a check that a response can also fail.
    """

    INVALID_RESPONSE = "InvalidResponse"
    MISSING_ALLOW_ORIGIN_HEADER = "{}MissingAllowOriginHeader"
    MULTIPLE_ALLOW_ORIGIN_VALUES = "{}MultipleAllowOriginValues"
    INVALID_ALLOW_ORIGIN_VALUE = "{}InvalidAllowOriginValue"
    ALLOW_ORIGIN_MISMATCH = "{}AllowOriginMismatch"
    WILDCARD_ORIGIN = "{}WildcardOriginNotAllowed"
    INVALID_ALLOW_CREDENTIALS = "{}InvalidAllowCredentials"
    PREFLIGHT_INVALID_STATUS = "PreflightInvalidStatus"
    PREFLIGHT_DISALLOWED_REDIRECT = "PreflightDisallowedRedirect"
    INVALID_ALLOW_METHODS = "InvalidAllowMethodsPreflightResponse"
    INVALID_ALLOW_HEADERS = "InvalidAllowHeadersPreflightResponse"
    METHOD_DISALLOWED = "MethodDisallowedByPreflightResponse"
    HEADER_DISALLOWED = "HeaderDisallowedByPreflightResponse"
    REDIRECT_CONTAINS_CREDENTIALS = "RedirectContainsCredentials"


@dataclass(frozen=True)
class Fetch:
    """A page's `fetch()`: the page's origin, and the arguments.

    If `url` is a path, it is on another origin than the page.
    """

    origin: str
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    with_credentials: bool = False


@dataclass(frozen=True)
class Response:
    """An HTTP response. Repeated headers stay separate."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """Return the joined values of a header, or None if it is absent (Fetch standard, "get")."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def listed(self, name: str) -> list[str]:
        """Return the members of a list header."""
        return [member.strip() for member in (self.get(name) or "").split(",") if member.strip()]


Send = Callable[[str, str, Mapping[str, str], bytes | None], Response | None]
"""A function that sends method, URL, headers and body. It returns None without a response."""


@dataclass(frozen=True)
class Blocked:
    """The reason why a browser blocks a response.

    `value` is the wrong header value, method, header name, or redirect address. `origin` is the
    origin that the browser sent. `by_preflight` means that `response` is the preflight's, and that
    the browser did not send the request.
    """

    error: CorsError
    origin: str
    value: str
    response: Response
    by_preflight: bool = False

    @property
    def name(self) -> str:
        """Return the name of the error in Chromium's protocol."""
        return self.error.format("Preflight" if self.by_preflight else "")


@dataclass(frozen=True)
class Exchange:
    """A request that a browser sent, and the response."""

    method: str
    url: str
    headers: Mapping[str, str]
    response: Response


@dataclass(frozen=True)
class Outcome:
    """The result of a page's `fetch()`: a block, or a response with the headers it may read."""

    exchanges: tuple[Exchange, ...]
    blocked: Blocked | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def fetch(request: Fetch, send: Send) -> Outcome:
    """Run a `fetch()` as a browser does, including redirects (Fetch standard, "HTTP fetch")."""
    exchanges: list[Exchange] = []
    method = request.method.upper()
    step = replace(
        request,
        method=method if method in NORMALIZED_METHODS else request.method,
        headers=without(standard.FORBIDDEN_REQUEST_HEADER, request.headers),
    )

    def ask(method: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        response = send(method, step.url, headers, body) or Response(0, ())
        exchanges.append(Exchange(method, step.url, headers, response))
        return response

    target: str | None = request.url
    response, location, is_foreign = Response(0, ()), None, False
    for _ in range(MAX_REDIRECTS + 1):
        if target is None or is_mixed(request.origin, target):
            break
        if urlsplit(target).username or urlsplit(target).password:
            error = CorsError.REDIRECT_CONTAINS_CREDENTIALS
            return Outcome(tuple(exchanges), Blocked(error, step.origin, target, response))
        if is_foreign and origin_of(target) != origin_of(step.url):
            step = replace(step, origin="null")
        step = replace(step, url=target)
        is_foreign = origin_of(step.url) != step.origin
        if is_foreign and (question := preflight_headers(step)):
            response = ask("OPTIONS", question, None)
            if blocked := preflight_check(step, response):
                return Outcome(tuple(exchanges), blocked)
        is_told = is_foreign or step.method not in ("GET", "HEAD")
        headers = {**step.headers, "Origin": step.origin} if is_told else step.headers
        response = ask(step.method, headers, step.body)
        blocked = cors_check(step, response)
        if blocked and (is_foreign or not response.status):
            return Outcome(tuple(exchanges), blocked)
        location = response.get("Location")
        if response.status not in REDIRECTS or location is None:
            return Outcome(tuple(exchanges), None, readable_headers(step, response))
        target = resolve(step.url, location)
        if response.status == 303 or (response.status in (301, 302) and step.method == "POST"):
            method = step.method if step.method == "HEAD" else "GET"
            headers = without(BODY_HEADER, step.headers)
            step = replace(step, method=method, body=None, headers=headers)
    invalid = Blocked(CorsError.INVALID_RESPONSE, step.origin, str(target or location), response)
    return Outcome(tuple(exchanges), invalid)


def without(names: re.Pattern[str], headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers whose names do not match `names`."""
    return {name: headers[name] for name in headers if not names.fullmatch(name)}


def resolve(url: str, location: str) -> str | None:
    """Return the target of a redirect, or None if it is not an http or https address."""
    try:
        target = urljoin(url, location)
        is_page = origin_of(target).startswith(("http:", "https:"))
    except ValueError:
        return None
    return target if is_page else None


def origin_of(url: str) -> str:
    """Return the origin of a URL, or an empty text for a path."""
    split = urlsplit(url)
    if not split.scheme:
        return ""
    host = (split.hostname or "").lower()
    port = "" if split.port in (None, DEFAULT_PORTS.get(split.scheme)) else f":{split.port}"
    return f"{split.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def is_mixed(origin: str, url: str) -> bool:
    """Return whether browsers block a URL, because only the page is secure (mixed content)."""
    scheme, host, _ = parts(origin_of(url))
    return origin.startswith("https:") and scheme == "http" and not is_loopback(host)


def preflight_headers(request: Fetch) -> dict[str, str]:
    """Return the headers of a request's preflight, or none if it needs no preflight."""
    unsafe = unsafe_names(request.headers)
    if request.method in standard.SAFELISTED_METHODS and not unsafe:
        return {}
    headers = {"Origin": request.origin, "Access-Control-Request-Method": request.method}
    return headers | ({"Access-Control-Request-Headers": ",".join(unsafe)} if unsafe else {})


def unsafe_names(headers: Mapping[str, str]) -> list[str]:
    """Return the headers that need a preflight ("CORS-unsafe request-header names"), sorted."""
    return sorted(name.lower() for name in headers if not is_safelisted(name, headers[name]))


def is_safelisted(name: str, value: str) -> bool:
    """Return whether a header needs no preflight ("CORS-safelisted request-header")."""
    name = name.lower()
    if name not in SAFELISTED_VALUES or len(value) > MAX_SAFE_VALUE:
        return False
    found = re.fullmatch(SAFELISTED_VALUES[name], value)
    if name == "range" and found and found[2]:
        return int(found[1]) <= int(found[2])
    return found is not None


def cors_check(request: Fetch, response: Response) -> Blocked | None:
    """Return why a page cannot read a response, or None if it can ("CORS check")."""
    value = response.get("Access-Control-Allow-Origin")
    credentials = response.get("Access-Control-Allow-Credentials")
    if not response.status:
        error = CorsError.INVALID_RESPONSE
    elif value is None:
        error = CorsError.MISSING_ALLOW_ORIGIN_HEADER
    elif value == "*" and request.with_credentials:
        error = CorsError.WILDCARD_ORIGIN
    elif value not in ("*", request.origin):
        # The standard has one error here; Chromium distinguishes these.
        if re.search("[ ,]", value):
            error = CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES
        elif value != "null" and "://" not in value:
            error = CorsError.INVALID_ALLOW_ORIGIN_VALUE
        else:
            error = CorsError.ALLOW_ORIGIN_MISMATCH
    elif request.with_credentials and credentials != "true":
        error, value = CorsError.INVALID_ALLOW_CREDENTIALS, credentials
    else:
        return None
    return Blocked(error, request.origin, value or "", response)


def preflight_check(request: Fetch, response: Response) -> Blocked | None:
    """Return why a preflight forbids a request, or None if allowed ("CORS-preflight fetch")."""
    methods = response.listed("Access-Control-Allow-Methods")
    names = response.listed("Access-Control-Allow-Headers")
    allowed = [name.lower() for name in names]
    if "*" in names and not request.with_credentials:
        allowed += {*unsafe_names(request.headers)} - {"authorization"}
    if response.status in REDIRECTS:
        error, value = CorsError.PREFLIGHT_DISALLOWED_REDIRECT, response.get("Location") or ""
    elif blocked := cors_check(request, response):
        error, value = blocked.error, blocked.value
    elif not 200 <= response.status <= 299:
        error, value = CorsError.PREFLIGHT_INVALID_STATUS, str(response.status)
    elif wrong := [method for method in methods if not standard.TOKEN.fullmatch(method)]:
        error, value = CorsError.INVALID_ALLOW_METHODS, wrong[0]
    elif wrong := [name for name in names if not standard.TOKEN.fullmatch(name)]:
        error, value = CorsError.INVALID_ALLOW_HEADERS, wrong[0]
    elif not is_allowed_method(request, response):
        error, value = CorsError.METHOD_DISALLOWED, request.method
    elif wrong := [name for name in unsafe_names(request.headers) if name not in allowed]:
        error, value = CorsError.HEADER_DISALLOWED, wrong[0]
    else:
        return None
    return Blocked(error, request.origin, value, response, by_preflight=True)


def is_allowed_method(request: Fetch, response: Response) -> bool:
    """Return whether the response to a preflight allows the method."""
    methods = {*standard.SAFELISTED_METHODS, *response.listed("Access-Control-Allow-Methods")}
    return request.method in methods or ("*" in methods and not request.with_credentials)


def readable_headers(request: Fetch, response: Response) -> dict[str, str]:
    """Return the headers that a page reads ("CORS-safelisted response-header name"), lower case."""
    names = {name.lower() for name in response.listed("Access-Control-Expose-Headers")}
    is_own = origin_of(request.url) == request.origin
    exposes_all = is_own or ("*" in names and not request.with_credentials)
    is_safe = standard.SAFELISTED_RESPONSE_HEADER.fullmatch
    found = {name.lower(): response.get(name) or "" for name, _ in response.headers}
    seen = [name for name in found if exposes_all or name in names or is_safe(name)]
    return {name: found[name] for name in seen if name not in NEVER_READABLE}
