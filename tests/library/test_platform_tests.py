"""The library's browser under the expectations of the Web Platform Tests, `fetch/api/cors`.

Each row names the file of that folder with the expectation.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from cors_right.diagnostics.browser import Fetch, Response

from tests.support.browse import browse

PAGE, OTHER = "https://page.example", "https://other.example"
ANY = {"Access-Control-Allow-Origin": "*"}
OWN = {"Access-Control-Allow-Origin": PAGE}
CREDENTIALS = OWN | {"Access-Control-Allow-Credentials": "true"}
METHODS = "Access-Control-Allow-Methods"
HEADERS = "Access-Control-Allow-Headers"
EXPOSED = "Access-Control-Expose-Headers"


def outcome(
    answers: Sequence[tuple[int, Mapping[str, str]]], **arguments: Any
) -> tuple[bool, tuple[str, ...], dict[str, str]]:
    """Return whether the page reads the response, the sent methods, and the headers it reads."""
    left = [*answers]

    def send(method: str, url: str, headers: object, body: object) -> Response:
        status, named = left.pop(0)
        return Response(status, [*named.items()])

    found = browse(Fetch(PAGE, f"{OTHER}/", **arguments), send)
    return found.readable, found.sent, dict(found.headers)


@pytest.mark.parametrize(
    ("file", "headers", "credentials", "is_readable"),
    [
        ("cors-basic", ANY, False, True),
        ("cors-basic", {}, False, False),
        ("cors-origin", OWN, False, True),
        ("cors-origin", {"Access-Control-Allow-Origin": OTHER}, False, False),
        ("cors-origin", {"Access-Control-Allow-Origin": "http://page.example"}, False, False),
        ("cors-origin", {"Access-Control-Allow-Origin": "https://page.example:8443"}, False, False),
        ("cors-origin", {"Access-Control-Allow-Origin": "https://sub.page.example"}, False, False),
        ("cors-multiple-origins", {"Access-Control-Allow-Origin": "*, *"}, False, False),
        ("cors-multiple-origins", {"Access-Control-Allow-Origin": f", {PAGE}"}, False, False),
        ("cors-multiple-origins", {"Access-Control-Allow-Origin": f"{PAGE}, *"}, False, False),
        ("cors-cookies", ANY, True, False),
        ("cors-cookies", OWN, True, False),
        ("cors-cookies", CREDENTIALS, True, True),
        ("cors-cookies", OWN | {"Access-Control-Allow-Credentials": "TRUE"}, True, False),
    ],
)
def test_simple_request_is_readable_as_expected(
    file: str, headers: dict[str, str], credentials: bool, is_readable: bool
) -> None:
    readable, sent, _ = outcome([(200, headers)], with_credentials=credentials)
    assert (readable, sent) == (is_readable, ("GET",))


@pytest.mark.parametrize(
    ("file", "arguments", "preflight", "is_sent"),
    [
        ("cors-preflight", {"method": "DELETE"}, {METHODS: "DELETE"}, True),
        ("cors-preflight", {"method": "DELETE"}, {METHODS: "PUT, DELETE"}, True),
        ("cors-preflight", {"method": "DELETE"}, {METHODS: "PUT"}, False),
        ("cors-preflight", {"method": "PUT"}, {}, False),
        ("cors-preflight", {"method": "PATCH"}, {METHODS: "patch"}, False),
        ("cors-preflight", {"method": "patch"}, {METHODS: "PATCH"}, False),
        ("cors-preflight", {"method": "patch"}, {METHODS: "patch"}, True),
        ("cors-preflight", {"method": "NEW"}, {METHODS: "NEW"}, True),
        ("cors-preflight", {"headers": {"x-test1": "1"}}, {HEADERS: "X-TEST1"}, True),
        (
            "cors-preflight",
            {"headers": {"x-test1": "1", "x-test2": "2"}},
            {HEADERS: "x-test1"},
            False,
        ),
        ("cors-preflight-star", {"method": "PUT"}, {METHODS: "*"}, True),
        ("cors-preflight-star", {"method": "PUT", "with_credentials": True}, {METHODS: "*"}, False),
        ("cors-preflight-star", {"headers": {"x-test": "1"}}, {HEADERS: "*"}, True),
        (
            "cors-preflight-star",
            {"headers": {"x-test": "1"}, "with_credentials": True},
            {HEADERS: "*"},
            False,
        ),
        ("cors-preflight-star", {"headers": {"Authorization": "1"}}, {HEADERS: "*"}, False),
        (
            "cors-preflight-star",
            {"headers": {"Authorization": "1"}},
            {HEADERS: "*, Authorization"},
            True,
        ),
        ("cors-preflight-response-validation", {"method": "PUT"}, {METHODS: "B@D, PUT"}, False),
        (
            "cors-preflight-response-validation",
            {"headers": {"x-test": "1"}},
            {HEADERS: "B@D, x-test"},
            False,
        ),
    ],
)
def test_preflight_permits_the_request_as_expected(
    file: str, arguments: dict[str, Any], preflight: dict[str, str], is_sent: bool
) -> None:
    shared = CREDENTIALS if arguments.get("with_credentials") else ANY
    readable, sent, _ = outcome([(200, shared | preflight), (200, shared)], **arguments)
    assert (readable, len(sent)) == (is_sent, 2 if is_sent else 1)


@pytest.mark.parametrize(
    "status", [*range(200, 300, 9), 299, 300, 301, 302, 304, 400, 401, 404, 500]
)
def test_preflight_needs_an_ok_status(status: int) -> None:
    """Follow cors-preflight-status: an ok status permits the request."""
    readable, _, _ = outcome([(status, ANY | {METHODS: "PUT"}), (200, ANY)], method="PUT")
    assert readable == (200 <= status <= 299)


@pytest.mark.parametrize(
    ("header", "value", "needs_preflight"),
    [
        ("Accept", "text/html", False),
        ("Accept", '"', True),
        ("Accept", "x" * 129, True),
        ("Accept-Language", "de-DE;q=0.1, *", False),
        ("Accept-Language", "@", True),
        ("Content-Language", "de", False),
        ("Content-Language", "(", True),
        ("Content-Type", "text/plain", False),
        ("Content-Type", "TEXT/PLAIN; charset=utf-8", False),
        ("Content-Type", "application/json", True),
        ("Content-Type", "multipart/form-data; boundary=x", False),
        ("Range", "bytes=0-", False),
        ("Range", "bytes=0-255", False),
        ("Range", "bytes=100-100", False),
        ("Range", "bytes=200-100", True),
        ("Range", "bytes=-10", True),
        ("Range", "bytes=0-9,20-29", True),
        ("Range", "bytes = 0-9", True),
        ("Range", "items=0-9", True),
        ("X-Test", "", True),
    ],
)
def test_request_header_is_safelisted_as_expected(
    header: str, value: str, needs_preflight: bool
) -> None:
    """Follow cors-preflight-not-cors-safelisted and fetch/range."""
    answers = [(200, ANY | {HEADERS: "*"}), (200, ANY)][0 if needs_preflight else 1 :]
    readable, sent, _ = outcome(answers, headers={header: value})
    assert (readable, len(sent)) == (True, 2 if needs_preflight else 1)


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    ("header", "exposed", "is_readable"),
    [
        *((name, "", True) for name in ("Cache-Control", "Content-Language", "Content-Length")),
        *((name, "", True) for name in ("Content-Type", "Expires", "Last-Modified", "Pragma")),
        *((name, "", False) for name in ("Age", "Server", "Warning", "Date", "X-Test")),
        ("Age", "age", True),
        ("X-Test", "X-TEST", True),
        ("X-Test", "*", None),  # a wildcard without credentials only
        ("Set-Cookie", "Set-Cookie", False),
        ("Set-Cookie2", "*, Set-Cookie2", False),
    ],
)
def test_page_reads_filtered_response_headers(
    header: str, exposed: str, is_readable: bool | None, credentials: bool
) -> None:
    """Follow cors-filtering and cors-expose-star."""
    named = (CREDENTIALS if credentials else ANY) | {header: "x", EXPOSED: exposed}
    _, _, headers = outcome([(200, named)], with_credentials=credentials)
    expected = not credentials if is_readable is None else is_readable
    assert (header.lower() in headers) == expected


def test_own_page_never_reads_cookies() -> None:
    def send(method: str, url: str, headers: object, body: object) -> Response:
        return Response(200, [("Set-Cookie", "a=1"), ("X-Test", "x")])

    assert dict(browse(Fetch(PAGE, f"{PAGE}/"), send).headers) == {"x-test": "x"}


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        (f"{OTHER}/x", True),
        ("https://third.example/", True),
        ("https://@third.example/", True),
        ("https://:@third.example/", True),
        ("https://user@third.example/", False),
        ("https://:pass@third.example/", False),
        ("https://user:pass@third.example/", False),
        ("data:text/plain,x", False),
        ("file:///etc/hosts", False),
        ("myapp://callback", False),
        ("javascript:1", False),
    ],
)
def test_redirect_is_followed_as_expected(location: str, is_followed: bool) -> None:
    """Follow cors-redirect, cors-redirect-credentials and fetch/api/redirect/redirect-schemes."""
    readable, sent, _ = outcome([(302, ANY | {"Location": location}), (200, ANY)])
    assert (readable, len(sent)) == (is_followed, 2 if is_followed else 1)
