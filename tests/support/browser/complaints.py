"""Common complaints: "blocked by CORS policy", and their causes.

In texts, `P` and `Q` in braces are two ports of pages, over http and https.
"""

from dataclasses import dataclass, field
from typing import Any

from cors_right import CORSPolicy
from cors_right.diagnostics.browser import Response
from cors_right.policy import NamedOrigins
from cors_right.reasons import (
    CROSS_SITE_FORM,
    NULL,
    Difference,
    NotAllowable,
    NotListed,
    Unlisted,
    why_not_allowed,
)

from tests.support import words
from tests.support.crooked import HTML, Change, preflight, request, with_headers, without


@dataclass(frozen=True)
class Complaint:
    """A page, an entry of the allow-list, the page's request, and the reason in the service's log.

    If the page is unlisted, `differences` are its differences from the entry, or None if the entry
    is not near. If the page is allowed, `lacks` is the reason, or None if the log has no line.
    `does` is a fetch (with its options), a WebSocket or a form (a write that no page reads). It
    can also be a sandboxed frame's request, or one that another server redirects to the service.
    """

    page: str
    listed: str
    differences: tuple[Difference, ...] | None = None
    lacks: NotAllowable | Unlisted | None = None
    does: str = "fetch"
    options: dict[str, Any] = field(default_factory=dict)
    answer: str = "none"
    environment: str = "production"

    @property
    def policy(self) -> CORSPolicy:
        """Return the active policy."""
        return CORSPolicy(
            allow_origins=NamedOrigins([self.listed] if self.listed else [], "FRONTEND_ORIGINS"),
            allow_credentials="cookies" in self.answer,
            allow_http_loopback=self.environment == "staging",
        )

    @property
    def reason(self) -> NotAllowable | NotListed | Unlisted | None:
        """Return the reason, or None if only the browser blocks."""
        if self.page == self.listed:
            return self.lacks
        reason = why_not_allowed(self.policy, [self.page])
        assert isinstance(reason, NotListed)
        found = reason.near and (reason.near.entry, reason.near.differences)
        assert found == (self.differences and (self.listed, self.differences))
        return reason

    @property
    def logged(self) -> NotAllowable | NotListed | Unlisted | None:
        """Return the reason in the log, which recognises the request of a form."""
        return CROSS_SITE_FORM if self.does == "form" else self.reason


APP = "https://app.example.localhost:{P}"
JSON = {"headers": {"Content-Type": "application/json"}}
PUT = {"method": "PUT"}
INCLUDE = {"credentials": "include"}


COMPLAINTS: dict[str, Complaint] = {
    # The origin is nearly right.
    "wrong port": Complaint("http://localhost:{P}", "http://localhost:{Q}", (Difference.PORT,)),
    "wrong port, preflight": Complaint(
        "https://app.example.localhost:{Q}", APP, (Difference.PORT,), options=PUT
    ),
    "http for https": Complaint("http://app.example.localhost:{P}", APP, (Difference.SCHEME,)),
    "http for https, JSON": Complaint(
        "http://app.example.localhost:{P}",
        APP,
        (Difference.SCHEME,),
        options={"method": "POST", **JSON},
    ),
    "https for http": Complaint(APP, "http://app.example.localhost:{P}", (Difference.SCHEME,)),
    "scheme and port": Complaint(
        "http://app.example.localhost:{Q}", APP, (Difference.SCHEME, Difference.PORT)
    ),
    "www too many": Complaint(
        "https://www.example.localhost:{P}", "https://example.localhost:{P}", (Difference.WWW,)
    ),
    "www missing": Complaint(
        "https://example.localhost:{P}", "https://www.example.localhost:{P}", (Difference.WWW,)
    ),
    "www and http": Complaint(
        "http://www.example.localhost:{P}",
        "https://example.localhost:{P}",
        (Difference.WWW, Difference.SCHEME),
    ),
    "a label too many": Complaint(
        "https://x.app.example.localhost:{P}",
        APP,
        (Difference.BELOW,),
    ),
    "a label missing": Complaint("https://example.localhost:{P}", APP, (Difference.HOST,)),
    "127.0.0.1 for localhost": Complaint(
        "http://127.0.0.1:{P}", "http://localhost:{P}", (Difference.LOOPBACK,)
    ),
    "localhost for 127.0.0.1": Complaint(
        "http://localhost:{P}", "http://127.0.0.1:{P}", (Difference.LOOPBACK,)
    ),
    "localhost, other port": Complaint(
        "http://127.0.0.1:{P}",
        "http://localhost:{Q}",
        (Difference.LOOPBACK, Difference.PORT),
    ),
    "base of a pattern": Complaint(
        "https://example.localhost:{P}", "https://*.example.localhost:{P}", (Difference.BASE,)
    ),
    "pattern, other port": Complaint(
        "https://pr-1.preview.localhost:{P}", "https://*.preview.localhost:{Q}", (Difference.PORT,)
    ),
    "pattern, http": Complaint(
        "http://pr-1.preview.localhost:{P}", "https://*.preview.localhost:{P}", (Difference.SCHEME,)
    ),
    "any port, http": Complaint(
        "http://pr-1.preview.localhost:{P}",
        "https://pr-1.preview.localhost:*",
        (Difference.SCHEME,),
    ),
    "misspelt": Complaint(APP, "https://app.exmaple.localhost:{P}", (Difference.HOST,)),
    "staging": Complaint(
        "http://127.0.0.1:{P}",
        "http://localhost:{P}",
        (Difference.LOOPBACK,),
        environment="staging",
    ),
    "bearer, wrong port": Complaint(
        "https://app.example.localhost:{Q}",
        APP,
        (Difference.PORT,),
        answer="bearer",
        options={"headers": {"Authorization": "Bearer x"}},
    ),
    # With cookies, the policy must not list http.
    "cookies, http": Complaint(
        "http://app.example.localhost:{P}",
        APP,
        (Difference.SCHEME,),
        answer="cookies",
        options=INCLUDE,
    ),
    "cookies, preflight": Complaint(
        "https://app.example.localhost:{Q}",
        APP,
        (Difference.PORT,),
        answer="cookies",
        options=PUT | INCLUDE,
    ),
    # The allow-list lacks the origin.
    "not listed": Complaint("https://other.localhost:{P}", APP),
    "not listed, preflight": Complaint(
        "https://other.localhost:{P}", APP, options={"method": "DELETE"}
    ),
    "an empty list": Complaint(APP, ""),
    "a form": Complaint("https://other.localhost:{P}", APP, does="form", answer="cookies"),
    "a WebSocket": Complaint("https://other.localhost:{P}", APP, does="WebSocket"),
    "a WebSocket, wrong port": Complaint(
        "https://app.example.localhost:{Q}",
        APP,
        (Difference.PORT,),
        does="WebSocket",
        answer="cross-site-cookies",
    ),
    # null
    "a sandboxed frame": Complaint(APP, APP, lacks=NULL, does="sandboxed"),
    "a sandboxed frame, preflight": Complaint(APP, APP, lacks=NULL, does="sandboxed", options=PUT),
    "redirected from elsewhere": Complaint(APP, APP, lacks=NULL, does="redirected"),
    # The origin is right.
    "unlisted header": Complaint(
        APP,
        APP,
        lacks=Unlisted(None, ("x-custom-header",)),
        options={"headers": {"X-Custom-Header": "1"}},
    ),
    "two unlisted headers": Complaint(
        APP,
        APP,
        lacks=Unlisted(None, ("x-a", "x-b")),
        options={"headers": {"X-B": "1", "x-a": "1"}},
    ),
    "Authorization": Complaint(
        APP,
        APP,
        lacks=Unlisted(None, ("authorization",)),
        options={"headers": {"Authorization": "Bearer x"}},
    ),
    "unlisted method": Complaint(APP, APP, lacks=Unlisted("QUERY"), options={"method": "QUERY"}),
    "lower case": Complaint(
        APP,
        APP,
        lacks=Unlisted("patch", (), True),
        options={"method": "patch"},
    ),
    "lower case, unlisted": Complaint(
        APP,
        APP,
        lacks=Unlisted("query"),
        options={"method": "query"},
    ),
    "method and header": Complaint(
        APP,
        APP,
        lacks=Unlisted("QUERY", ("x-a",)),
        options={"method": "QUERY", "headers": {"X-A": "1"}},
    ),
    "credentials": Complaint(APP, APP, options=INCLUDE),
    "credentials, preflight": Complaint(APP, APP, options=INCLUDE | PUT),
    "credentials and header": Complaint(
        APP, APP, lacks=Unlisted(None, ("x-a",)), options=INCLUDE | {"headers": {"X-A": "1"}}
    ),
    "credentials, development": Complaint(APP, APP, options=INCLUDE, environment="development"),
}


ALLOW_ORIGIN = "Access-Control-Allow-Origin"
PAGE = "http://app.example.localhost:{P}"
# Faults of proxies, and the words of `check`. The service's log says nothing.
PROXIES: dict[str, tuple[Change, str]] = {
    "502": (
        lambda *_: Response(502, [HTML], b"<h1>502 Bad Gateway</h1>"),
        words.GATEWAY.format("preflight", 502),
    ),
    "504": (request(504, HTML), words.GATEWAY.format("request", 504)),
    "doubled header": (
        lambda method, response: with_headers((ALLOW_ORIGIN, response.get(ALLOW_ORIGIN) or ""))(
            method, response
        ),
        words.DOUBLED.format(f"{PAGE}, {PAGE}"),
    ),
    "doubled with *": (
        with_headers((ALLOW_ORIGIN, "*")),
        words.DOUBLED.format(f"{PAGE}, *"),
    ),
    "redirected preflight": (
        preflight(308, ("Location", "/elsewhere")),
        words.PREFLIGHT_MOVED.format("/elsewhere"),
    ),
    "redirected request": (
        request(302, ("Location", "/login")),
        words.REQUEST_MOVED.format("/login"),
    ),
    "authentication": (
        preflight(401, ("WWW-Authenticate", 'Basic realm="x"')),
        words.LOGIN.format(401),
    ),
    "OPTIONS unknown": (preflight(405), words.NO_CORS.format(405)),
    "an HTML page": (
        lambda *_: Response(200, [HTML], b"<h1>Welcome to nginx!</h1>"),
        words.HTML_PAGE.format("preflight", 200),
    ),
    "header removed": (
        without("access-control-allow-origin"),
        words.HEADER_REMOVED.format("preflight", 200),
    ),
    "a cached answer": (
        request(200, (ALLOW_ORIGIN, "https://other.example")),
        words.ANOTHER_ORIGIN.format("https://other.example", PAGE),
    ),
    "an error with headers": (
        preflight(500, (ALLOW_ORIGIN, "*")),
        words.PREFLIGHT_FAILED.format(500),
    ),
    "an old image": (
        preflight(403, ("Vary", "Origin"), body=words.UNLISTED_ORIGIN.encode()),
        words.NOT_ITS_LIST.format(PAGE),
    ),
    "an old policy": (
        preflight(200, (ALLOW_ORIGIN, "*"), ("Access-Control-Allow-Methods", "GET")),
        f"{words.NOT_ITS_POLICY}, without DELETE",
    ),
}
