"""What people complain about: "blocked by CORS policy", and what is behind it.

In texts, `P` and `Q` in braces are two ports that pages are on, over http and https.
"""

from dataclasses import dataclass, field
from typing import Any

from cors_right.diagnostics.browser import Response

from tests.support.crooked import HTML, Change, preflight, request, with_headers, without


@dataclass(frozen=True)
class Complaint:
    """A page, what is listed, what the page does, and what the service's log says of it.

    `does` is a fetch (with its options), a WebSocket, a form (a write that no page reads), a
    request from a sandboxed frame, or one that is redirected to the service from elsewhere.
    """

    page: str
    listed: str
    log: str
    does: str = "fetch"
    options: dict[str, Any] = field(default_factory=dict)
    answer: str = "none"
    environment: str = "production"


APP = "https://app.example.localhost:{P}"
IN_LIST = "the list has {} (FRONTEND_ORIGINS); {}"
ABSENT = "it is not in the list (FRONTEND_ORIGINS)"
NULL = "null is what sandboxed frames, files and redirects send, so it cannot be listed"
BASE = "it stands for names below example.localhost, and not for example.localhost itself"
JSON = {"headers": {"Content-Type": "application/json"}}
PUT = {"method": "PUT"}
INCLUDE = {"credentials": "include"}


def near(page: str, listed: str, difference: str, **others: Any) -> Complaint:
    """Return a complaint about an origin that nearly is the one that is listed."""
    return Complaint(page, listed, IN_LIST.format(listed, difference), **others)


COMPLAINTS: dict[str, Complaint] = {
    # The origin is nearly right.
    "wrong port": near("http://localhost:{P}", "http://localhost:{Q}", "the port differs"),
    "wrong port, preflight": near(
        "https://app.example.localhost:{Q}", APP, "the port differs", options=PUT
    ),
    "http for https": near("http://app.example.localhost:{P}", APP, "the scheme differs"),
    "http for https, JSON": near(
        "http://app.example.localhost:{P}",
        APP,
        "the scheme differs",
        options={"method": "POST", **JSON},
    ),
    "https for http": near(APP, "http://app.example.localhost:{P}", "the scheme differs"),
    "scheme and port": near(
        "http://app.example.localhost:{Q}", APP, "the scheme differs, the port differs"
    ),
    "www too many": near(
        "https://www.example.localhost:{P}", "https://example.localhost:{P}", "one of them has www."
    ),
    "www missing": near(
        "https://example.localhost:{P}", "https://www.example.localhost:{P}", "one of them has www."
    ),
    "www and http": near(
        "http://www.example.localhost:{P}",
        "https://example.localhost:{P}",
        "one of them has www., the scheme differs",
    ),
    "a label too many": near(
        "https://x.app.example.localhost:{P}",
        APP,
        "it does not stand for names below app.example.localhost",
    ),
    "a label missing": near("https://example.localhost:{P}", APP, "the host differs"),
    "127.0.0.1 for localhost": near(
        "http://127.0.0.1:{P}", "http://localhost:{P}", "127.0.0.1 and localhost are two hosts"
    ),
    "localhost for 127.0.0.1": near(
        "http://localhost:{P}", "http://127.0.0.1:{P}", "localhost and 127.0.0.1 are two hosts"
    ),
    "localhost, other port": near(
        "http://127.0.0.1:{P}",
        "http://localhost:{Q}",
        "127.0.0.1 and localhost are two hosts, the port differs",
    ),
    "base of a pattern": near(
        "https://example.localhost:{P}", "https://*.example.localhost:{P}", BASE
    ),
    "pattern, other port": near(
        "https://pr-1.preview.localhost:{P}", "https://*.preview.localhost:{Q}", "the port differs"
    ),
    "pattern, http": near(
        "http://pr-1.preview.localhost:{P}", "https://*.preview.localhost:{P}", "the scheme differs"
    ),
    "any port, http": near(
        "http://pr-1.preview.localhost:{P}",
        "https://pr-1.preview.localhost:*",
        "the scheme differs",
    ),
    "misspelt": near(APP, "https://app.exmaple.localhost:{P}", "the host differs"),
    "staging": near(
        "http://127.0.0.1:{P}",
        "http://localhost:{P}",
        "127.0.0.1 and localhost are two hosts",
        environment="staging",
    ),
    "bearer, wrong port": near(
        "https://app.example.localhost:{Q}",
        APP,
        "the port differs",
        answer="bearer",
        options={"headers": {"Authorization": "Bearer x"}},
    ),
    # With cookies http may not be listed.
    "cookies, http": near(
        "http://app.example.localhost:{P}",
        APP,
        "the scheme differs",
        answer="cookies",
        options=INCLUDE,
    ),
    "cookies, preflight": near(
        "https://app.example.localhost:{Q}",
        APP,
        "the port differs",
        answer="cookies",
        options=PUT | INCLUDE,
    ),
    # The origin is not there.
    "not listed": Complaint("https://other.localhost:{P}", APP, ABSENT),
    "not listed, preflight": Complaint(
        "https://other.localhost:{P}", APP, ABSENT, options={"method": "DELETE"}
    ),
    "an empty list": Complaint(APP, "", "the list is empty (FRONTEND_ORIGINS)"),
    "a form": Complaint("https://other.localhost:{P}", APP, ABSENT, does="form", answer="cookies"),
    "a WebSocket": Complaint("https://other.localhost:{P}", APP, ABSENT, does="WebSocket"),
    "a WebSocket, wrong port": near(
        "https://app.example.localhost:{Q}",
        APP,
        "the port differs",
        does="WebSocket",
        answer="cross-site-cookies",
    ),
    # null
    "a sandboxed frame": Complaint(APP, APP, NULL, does="sandboxed"),
    "a sandboxed frame, preflight": Complaint(APP, APP, NULL, does="sandboxed", options=PUT),
    "redirected from elsewhere": Complaint(APP, APP, NULL, does="redirected"),
    # The origin is right.
    "unlisted header": Complaint(
        APP,
        APP,
        'add "X-Custom-Header" to allow_headers',
        options={"headers": {"X-Custom-Header": "1"}},
    ),
    "two unlisted headers": Complaint(
        APP,
        APP,
        'add "X-A" to allow_headers; add "X-B" to allow_headers',
        options={"headers": {"X-B": "1", "x-a": "1"}},
    ),
    "Authorization": Complaint(
        APP,
        APP,
        'add "Authorization" to allow_headers',
        options={"headers": {"Authorization": "Bearer x"}},
    ),
    "unlisted method": Complaint(
        APP, APP, 'add "QUERY" to allow_methods', options={"method": "QUERY"}
    ),
    "lower case": Complaint(
        APP,
        APP,
        "write PATCH in the page, because browsers send patch as it is",
        options={"method": "patch"},
    ),
    "lower case, unlisted": Complaint(
        APP,
        APP,
        "write QUERY in the page, because browsers send query as it is; "
        'add "QUERY" to allow_methods',
        options={"method": "query"},
    ),
    "method and header": Complaint(
        APP,
        APP,
        'add "QUERY" to allow_methods; add "X-A" to allow_headers',
        options={"method": "QUERY", "headers": {"X-A": "1"}},
    ),
    "credentials": Complaint(APP, APP, "", options=INCLUDE),
    "credentials, preflight": Complaint(APP, APP, "", options=INCLUDE | PUT),
    "credentials and header": Complaint(
        APP, APP, 'add "X-A" to allow_headers', options=INCLUDE | {"headers": {"X-A": "1"}}
    ),
    "credentials, development": Complaint(APP, APP, "", options=INCLUDE, environment="development"),
}


ALLOW_ORIGIN = "Access-Control-Allow-Origin"
PAGE = "http://app.example.localhost:{P}"
GATEWAY = "because it does not reach the service"
# What proxies do, and what `check` says of it. The service's log says nothing.
PROXIES: dict[str, tuple[Change, str]] = {
    "502": (
        lambda *_: Response(502, [HTML], b"<h1>502 Bad Gateway</h1>"),
        f"a proxy answered the preflight with 502, {GATEWAY}",
    ),
    "504": (request(504, HTML), f"a proxy answered the request with 504, {GATEWAY}"),
    "doubled header": (
        lambda method, response: with_headers((ALLOW_ORIGIN, response.get(ALLOW_ORIGIN) or ""))(
            method, response
        ),
        f"{ALLOW_ORIGIN} has more than one value: {PAGE}, {PAGE}",
    ),
    "doubled with *": (
        with_headers((ALLOW_ORIGIN, "*")),
        f"{ALLOW_ORIGIN} has more than one value: {PAGE}, *",
    ),
    "redirected preflight": (
        preflight(308, ("Location", "/elsewhere")),
        "the preflight is redirected to /elsewhere, and browsers do not follow it",
    ),
    "redirected request": (
        request(302, ("Location", "/login")),
        "the request is redirected to /login without CORS headers",
    ),
    "authentication": (
        preflight(401, ("WWW-Authenticate", 'Basic realm="x"')),
        "the preflight needs authentication (401), and browsers send none with it",
    ),
    "OPTIONS unknown": (preflight(405), "what answers OPTIONS requests knows no CORS (405)"),
    "an HTML page": (
        lambda *_: Response(200, [HTML], b"<h1>Welcome to nginx!</h1>"),
        "an HTML page answered the preflight (200), and not the service",
    ),
    "header removed": (
        without("access-control-allow-origin"),
        f"the answer to the preflight (200) has no {ALLOW_ORIGIN}",
    ),
    "a cached answer": (
        request(200, (ALLOW_ORIGIN, "https://other.example")),
        f"{ALLOW_ORIGIN} is https://other.example, and the page's origin {PAGE}",
    ),
    "an error with headers": (
        preflight(500, (ALLOW_ORIGIN, "*")),
        "the preflight is answered 500, and browsers take 200 to 299",
    ),
    "an old image": (
        preflight(403, body=b"Origin not allowed"),
        f"the service refuses {PAGE}, which the settings list",
    ),
    "an old policy": (
        preflight(200, (ALLOW_ORIGIN, "*"), ("Access-Control-Allow-Methods", "GET")),
        "another policy is in force, without DELETE",
    ),
}
