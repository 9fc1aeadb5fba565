"""What a browser would do: the CORS protocol of the Fetch standard, from the page's side.

Sections by name, as in the standard: "HTTP fetch", "CORS-preflight fetch" and "CORS check".
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field

SAFELISTED_METHODS = {"GET", "HEAD", "POST"}
SAFELISTED_REQUEST_HEADERS = {"accept", "accept-language", "content-language", "content-type"}
SAFELISTED_CONTENT_TYPES = {
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
}
SAFELISTED_RESPONSE_HEADERS = {
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
}


@dataclass(frozen=True)
class Fetch:
    """A `fetch()` of a page: its origin, and the arguments."""

    origin: str
    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    with_credentials: bool = False


@dataclass(frozen=True)
class Outcome:
    """What the page gets, and which requests the server got for it."""

    readable: bool
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    sent: tuple[str, ...]
    why: str


Response = tuple[int, http.client.HTTPMessage, bytes]


def send(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> Response:
    """Send one request as it is and return status, headers and body."""
    return exchange(
        http.client.HTTPConnection("127.0.0.1", port, timeout=30), method, path, headers, body
    )


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Response:
    """Send one request as it is over a connection of one's own, and close that."""
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def fetch(port: int, request: Fetch) -> Outcome:
    """Make a cross-origin request as a browser does ("HTTP fetch")."""
    sent: list[str] = []

    def blocked(why: str) -> Outcome:
        return Outcome(False, None, {}, b"", tuple(sent), why)

    unsafe = unsafe_names(request.headers)
    if request.method not in SAFELISTED_METHODS or unsafe:
        sent.append("OPTIONS")
        questions = {"Origin": request.origin, "Access-Control-Request-Method": request.method}
        if unsafe:
            questions["Access-Control-Request-Headers"] = ",".join(unsafe)
        status, headers, _ = send(port, "OPTIONS", request.path, questions)
        if why := preflight_failure(request, unsafe, status, headers):
            return blocked(why)

    sent.append(request.method)
    headers_sent = {**request.headers, "Origin": request.origin}
    if request.with_credentials:
        headers_sent["Cookie"] = "from=browser"
    status, headers, body = send(port, request.method, request.path, headers_sent, request.body)
    if 300 <= status < 400:
        return blocked(f"redirected with {status}")
    if why := check_failure(request, headers):
        return blocked(why)
    exposed = listed(headers, "Access-Control-Expose-Headers")
    readable = {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in SAFELISTED_RESPONSE_HEADERS | exposed
        or ("*" in exposed and not request.with_credentials)
    }
    return Outcome(True, status, readable, body, tuple(sent), "")


def unsafe_names(headers: Mapping[str, str]) -> list[str]:
    """Return the names that need a preflight, sorted ("CORS-unsafe request-header names")."""
    return sorted(
        name.lower()
        for name, value in headers.items()
        if name.lower() not in SAFELISTED_REQUEST_HEADERS
        or (name.lower() == "content-type" and value.split(";")[0] not in SAFELISTED_CONTENT_TYPES)
    )


def combined(headers: http.client.HTTPMessage, name: str) -> str | None:
    """Return the values of a header as one, or None without it ("get, decode")."""
    values = headers.get_all(name)
    return None if values is None else ", ".join(values)


def listed(headers: http.client.HTTPMessage, name: str) -> set[str]:
    """Return the names in a header in lower case."""
    return {item.strip().lower() for item in (combined(headers, name) or "").split(",")}


def check_failure(request: Fetch, headers: http.client.HTTPMessage) -> str:
    """Return why a response is not shared with the page, or nothing ("CORS check")."""
    allowed = combined(headers, "Access-Control-Allow-Origin")
    if allowed == "*" and not request.with_credentials:
        return ""
    if allowed != request.origin:
        return f"Access-Control-Allow-Origin is {allowed}"
    if not request.with_credentials:
        return ""
    credentials = combined(headers, "Access-Control-Allow-Credentials")
    return "" if credentials == "true" else f"Access-Control-Allow-Credentials is {credentials}"


def preflight_failure(
    request: Fetch, unsafe: list[str], status: int, headers: http.client.HTTPMessage
) -> str:
    """Return why a preflight forbids the request, or nothing ("CORS-preflight fetch")."""
    if why := check_failure(request, headers):
        return why
    if not 200 <= status <= 299:
        return f"the preflight was answered {status}"
    wildcard = not request.with_credentials
    methods = {
        name.strip()
        for name in (combined(headers, "Access-Control-Allow-Methods") or "").split(",")
    }
    if request.method not in SAFELISTED_METHODS | methods and not ("*" in methods and wildcard):
        return f"{request.method} is not allowed"
    names = listed(headers, "Access-Control-Allow-Headers")
    for name in unsafe:
        if name not in names and not ("*" in names and wildcard and name != "authorization"):
            return f"{name} is not allowed"
    return ""
