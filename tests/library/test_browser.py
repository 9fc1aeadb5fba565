"""The library's browser, which judges responses; tests/browser compares it with engines."""

from collections.abc import Mapping
from typing import Any

import pytest
from cors_right.diagnostics.browser import (
    CorsError,
    Fetch,
    Response,
    is_mixed,
    is_safelisted,
    origin_of,
    unsafe_names,
)
from cors_right.diagnostics.consoles import WORDS, consoles

from tests.support.browse import Seen, browse

APP, API = "https://app.example.com", "https://api.example.com"
ALLOW = "Access-Control-Allow-"
OK = (f"{ALLOW}Origin", APP)
CREDENTIALS = (f"{ALLOW}Credentials", "true")
Headers = list[tuple[str, str]]


def outcome(*answers: tuple[int, Headers] | None, **arguments: Any) -> Seen:
    """Return the page's result for a sequence of responses."""
    left = [answer and Response(*answer, b"body") for answer in answers]

    def send(*_: object) -> Response | None:
        return left.pop(0)

    result = browse(Fetch(**{"origin": APP, "url": f"{API}/notes", **arguments}), send)
    assert not left
    return result


def error(*answers: tuple[int, Headers] | None, **arguments: Any) -> tuple[str, str]:
    """Return the name of the error and the wrong value, or two empty texts without an error."""
    blocked = outcome(*answers, **arguments).blocked
    return (blocked.name, blocked.value) if blocked else ("", "")


def allow_origin(value: str) -> Headers:
    return [(f"{ALLOW}Origin", value)]


SHARED: list[tuple[Headers, bool, tuple[str, str]]] = [
    ([], False, ("MissingAllowOriginHeader", "")),
    ([OK], False, ("", "")),
    ([("access-control-allow-origin", APP)], False, ("", "")),
    (allow_origin("*"), False, ("", "")),
    (allow_origin("*"), True, ("WildcardOriginNotAllowed", "*")),
    ([OK, OK], False, ("MultipleAllowOriginValues", f"{APP}, {APP}")),
    (allow_origin(f"{APP} {API}"), False, ("MultipleAllowOriginValues", f"{APP} {API}")),
    (allow_origin("app.example.com"), False, ("InvalidAllowOriginValue", "app.example.com")),
    (allow_origin(""), False, ("InvalidAllowOriginValue", "")),
    (allow_origin("null"), False, ("AllowOriginMismatch", "null")),
    (allow_origin(f"{APP}/"), False, ("AllowOriginMismatch", f"{APP}/")),
    (
        allow_origin("https://App.example.com"),
        False,
        ("AllowOriginMismatch", "https://App.example.com"),
    ),
    ([OK], True, ("InvalidAllowCredentials", "")),
    ([OK, (f"{ALLOW}Credentials", "True")], True, ("InvalidAllowCredentials", "True")),
    ([OK, CREDENTIALS, CREDENTIALS], True, ("InvalidAllowCredentials", "true, true")),
    ([OK, CREDENTIALS], True, ("", "")),
]


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize(("headers", "with_credentials", "expected"), SHARED)
def test_response_gives_the_expected_error(
    headers: Headers, with_credentials: bool, expected: tuple[str, str], status: int
) -> None:
    assert error((status, headers), with_credentials=with_credentials) == expected


@pytest.mark.parametrize(("headers", "with_credentials", "expected"), SHARED)
def test_preflight_response_gives_the_same_errors(
    headers: Headers, with_credentials: bool, expected: tuple[str, str]
) -> None:
    answers = [(200, [*headers, (f"{ALLOW}Methods", "PUT")])]
    if not expected[0]:
        answers.append((200, [OK, CREDENTIALS]))
    name = f"Preflight{expected[0]}" if expected[0] else ""
    arguments: Any = {"method": "PUT", "with_credentials": with_credentials}
    assert error(*answers, **arguments) == (name, expected[1])


JSON = {"Content-Type": "application/json"}
PREFLIGHTS: list[tuple[int, Headers, dict[str, Any], tuple[str, str]]] = [
    (199, [OK], {}, ("PreflightInvalidStatus", "199")),
    (204, [OK, (f"{ALLOW}Methods", "PUT")], {}, ("", "")),
    (299, [OK, (f"{ALLOW}Methods", "PUT")], {}, ("", "")),
    (300, [OK], {}, ("PreflightInvalidStatus", "300")),
    (304, [OK], {}, ("PreflightInvalidStatus", "304")),
    (403, [OK], {}, ("PreflightInvalidStatus", "403")),
    (403, [], {}, ("PreflightMissingAllowOriginHeader", "")),
    *(
        (status, [OK, ("Location", "/x")], {}, ("PreflightDisallowedRedirect", "/x"))
        for status in (301, 302, 303, 307, 308)
    ),
    (301, [], {}, ("PreflightDisallowedRedirect", "")),
    (200, [OK], {}, ("MethodDisallowedByPreflightResponse", "PUT")),
    (200, [OK, (f"{ALLOW}Methods", "put")], {}, ("MethodDisallowedByPreflightResponse", "PUT")),
    (200, [OK, (f"{ALLOW}Methods", "GET, ,PUT,")], {}, ("", "")),
    (200, [OK, (f"{ALLOW}Methods", "GET"), (f"{ALLOW}Methods", "PUT")], {}, ("", "")),
    (200, [OK, (f"{ALLOW}Methods", "*")], {}, ("", "")),
    (
        200,
        [OK, CREDENTIALS, (f"{ALLOW}Methods", "*")],
        {"with_credentials": True},
        ("MethodDisallowedByPreflightResponse", "PUT"),
    ),
    (
        200,
        [OK, (f"{ALLOW}Methods", "PUT, P T")],
        {},
        ("InvalidAllowMethodsPreflightResponse", "P T"),
    ),
    (
        200,
        [OK],
        {"method": "post", "headers": JSON},
        ("HeaderDisallowedByPreflightResponse", "content-type"),
    ),
    (
        200,
        [OK],
        {"method": "HEAD", "headers": {"X-A": "1"}},
        ("HeaderDisallowedByPreflightResponse", "x-a"),
    ),
    (
        200,
        [OK, (f"{ALLOW}Headers", "X-A")],
        {"method": "GET", "headers": {"X-B": "1", "x-a": "1"}},
        ("HeaderDisallowedByPreflightResponse", "x-b"),
    ),
    (
        200,
        [OK, (f"{ALLOW}Headers", "X-A,x-B")],
        {"method": "GET", "headers": {"X-B": "1", "x-a": "1"}},
        ("", ""),
    ),
    (200, [OK, (f"{ALLOW}Headers", "*")], {"method": "GET", "headers": {"X-B": "1"}}, ("", "")),
    (
        200,
        [OK, (f"{ALLOW}Headers", "*")],
        {"method": "GET", "headers": {"Authorization": "1"}},
        ("HeaderDisallowedByPreflightResponse", "authorization"),
    ),
    (
        200,
        [OK, CREDENTIALS, (f"{ALLOW}Headers", "*")],
        {"method": "GET", "headers": {"X-B": "1"}, "with_credentials": True},
        ("HeaderDisallowedByPreflightResponse", "x-b"),
    ),
    (
        200,
        [OK, (f"{ALLOW}Headers", "X-B, X Foo")],
        {"method": "GET", "headers": {"X-B": "1"}},
        ("InvalidAllowHeadersPreflightResponse", "X Foo"),
    ),
]


@pytest.mark.parametrize(("status", "headers", "arguments", "expected"), PREFLIGHTS)
def test_preflight_gives_the_expected_error(
    status: int, headers: Headers, arguments: dict[str, Any], expected: tuple[str, str]
) -> None:
    rest = [] if expected[0] else [(200, [OK, CREDENTIALS])]
    result = outcome((status, headers), *rest, **{"method": "PUT", **arguments})
    blocked = result.blocked
    assert ((blocked.name, blocked.value) if blocked else ("", "")) == expected
    assert blocked is None or (blocked.by_preflight, blocked.origin) == (True, APP)
    assert result.sent[0] == "OPTIONS"


def test_preflight_names_method_and_headers() -> None:
    headers = {"X-B": "1", "Content-Type": "application/json", "Cookie": "x", "x-a": "1"}
    first, second = outcome(
        (200, [OK, (f"{ALLOW}Methods", "PUT"), (f"{ALLOW}Headers", "x-a, x-b, content-type")]),
        (200, [OK]),
        method="put",
        headers=headers,
        body=b"{}",
    ).exchanges
    assert (first.method, first.url, dict(first.headers)) == (
        "OPTIONS",
        f"{API}/notes",
        {
            "Origin": APP,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,x-a,x-b",
        },
    )
    del headers["Cookie"]  # a page cannot set it
    assert (second.method, dict(second.headers)) == ("PUT", {**headers, "Origin": APP})


def test_simple_request_needs_no_preflight() -> None:
    result = outcome((201, [OK]), method="POST", headers={"Content-Type": "text/plain"})
    assert (result.sent, result.status, result.body) == (("POST",), 201, b"body")
    assert "Access-Control-Request-Headers" not in result.exchanges[0].headers


@pytest.mark.parametrize(
    ("written", "sent"), [("get", "GET"), ("Put", "PUT"), ("patch", "patch"), ("QUERY", "QUERY")]
)
def test_method_becomes_upper_case_if_standard(written: str, sent: str) -> None:
    answer = (200, [OK, (f"{ALLOW}Methods", "*")])
    answers = [answer] if sent == "GET" else [answer, answer]
    assert outcome(*answers, method=written).sent[-1] == sent


def test_request_without_a_response_is_invalid() -> None:
    for method, sent in (("GET", ("GET",)), ("PUT", ("OPTIONS",))):
        result = outcome(None, method=method)
        assert result.blocked and result.blocked.error == CorsError.INVALID_RESPONSE
        assert (result.blocked.origin, result.exchanges[0].response.status) == (APP, 0)
        assert (result.sent, result.status, result.body, result.readable) == (
            sent,
            None,
            b"",
            False,
        )
        assert consoles(Fetch(APP, API), result.blocked) == {}
    assert error(None, url=f"{APP}/notes") == ("InvalidResponse", "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_own_page_needs_no_cors_headers(method: str) -> None:
    result = outcome((200, [("X-Any", "1")]), url=f"{APP}:443/notes", method=method)
    assert (result.sent, dict(result.headers)) == ((method,), {"x-any": "1"})
    assert ("Origin" in result.exchanges[0].headers) == (method in ("POST", "PUT"))


READABLE: list[tuple[Headers, bool, set[str]]] = [
    ([], False, {"content-type", "expires"}),
    (
        [("Access-Control-Expose-Headers", "x-one, LOCATION")],
        False,
        {"content-type", "expires", "x-one", "location"},
    ),
    (
        [("Access-Control-Expose-Headers", "*")],
        False,
        {"content-type", "expires", "x-one", "location"},
    ),
    ([("Access-Control-Expose-Headers", "*")], True, {"content-type", "expires"}),
]


@pytest.mark.parametrize(("headers", "with_credentials", "expected"), READABLE)
def test_page_reads_exposed_headers_only(
    headers: Headers, with_credentials: bool, expected: set[str]
) -> None:
    own = [(name, "1") for name in ("Content-Type", "Expires", "X-One", "Location")]
    result = outcome((201, [OK, CREDENTIALS, *headers, *own]), with_credentials=with_credentials)
    found = {name for name in result.headers if not name.startswith("access-control-")}
    assert found == expected


SAFE: list[tuple[str, str, bool]] = [
    ("Accept", "text/html, */*;q=0.8", True),
    ("accept", "x" * 128, True),
    ("Accept", "x" * 129, False),
    ("Accept", 'a"b', False),
    ("Accept", "a\tb", True),
    ("Accept", "a\x08b", False),
    ("Accept-Language", "de;q=0.5, en", True),
    ("Content-Language", "de", True),
    ("Accept-Language", "d_e", False),
    ("Content-Language", "<de>", False),
    ("Content-Type", "text/plain", True),
    ("Content-Type", " TEXT/PLAIN ;charset=utf-8", True),
    ("Content-Type", "multipart/form-data; boundary=x", True),
    ("Content-Type", "application/x-www-form-urlencoded", True),
    ("Content-Type", "text/plain; x={}", False),
    ("Content-Type", "application/json", False),
    ("Range", "bytes=0-", True),
    ("Range", "bytes=0-99", True),
    ("Range", "bytes=-5", False),
    ("Range", "bytes=0-9,20-", False),
    ("Authorization", "", False),
    ("X-One", "", False),
]


@pytest.mark.parametrize(("name", "value", "expected"), SAFE)
def test_header_is_safelisted_by_name_and_value(name: str, value: str, expected: bool) -> None:
    assert is_safelisted(name, value) == expected


def test_many_safe_values_are_not_safe() -> None:
    values = {name: "x" * 128 for name in ("Accept", "Accept-Language", "Content-Language")}
    assert unsafe_names(values | {"X-B": "", "x-a": ""}) == ["x-a", "x-b"]
    assert unsafe_names(values | {"Range": f"bytes={'1' * 100}-"}) == []


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example.com:443/x", "https://api.example.com"),
        ("http://api.example.com:80", "http://api.example.com"),
        ("https://api.example.com:80/", "https://api.example.com:80"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("/notes", ""),
    ],
)
def test_url_has_an_origin(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("origin", "url", "expected"),
    [
        (APP, "http://api.example.com/", True),
        (APP, API, False),
        (APP, "http://localhost:8000/", False),
        (APP, "http://127.0.0.1/", False),
        (APP, "http://[::1]:8000/", False),
        (APP, "/notes", False),
        ("http://app.example.com", "http://api.example.com/", False),
    ],
)
def test_http_url_is_mixed_content_on_https(origin: str, url: str, expected: bool) -> None:
    assert is_mixed(origin, url) == expected


def redirect(location: str, status: int = 307) -> tuple[int, Headers]:
    return status, [OK, ("Location", location), (f"{ALLOW}Methods", "PUT")]


@pytest.mark.parametrize(
    ("location", "url", "origin"),
    [
        ("/other", f"{API}/other", APP),
        ("other?x#y", f"{API}/other?x#y", APP),
        (f"{API}:443/other", f"{API}:443/other", APP),
        ("https://b.example/other", "https://b.example/other", "null"),
    ],
)
def test_redirect_leads_to_the_next_origin(location: str, url: str, origin: str) -> None:
    result = outcome(redirect(location), (200, allow_origin(origin)))
    assert (result.exchanges[1].url, result.exchanges[1].headers["Origin"]) == (url, origin)
    assert result.readable
    result = outcome(redirect(location), (200, []))
    assert result.blocked and result.blocked.origin == origin
    assert result.exchanges[1].url == url


def test_redirect_home_keeps_null() -> None:
    result = outcome(redirect("https://b.example/"), redirect(API))
    assert result.blocked and result.blocked.value == APP
    answers = [redirect("https://b.example/"), (307, [*allow_origin("null"), ("Location", API)])]
    result = outcome(*answers, (200, allow_origin("null")))
    assert result.exchanges[2].headers["Origin"] == "null"
    assert result.readable


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://b.example/", ("InvalidResponse", "http://b.example/")),
        ("https://u:p@b.example/", ("RedirectContainsCredentials", "https://u:p@b.example/")),
        ("http://[", ("InvalidResponse", "http://[")),
        ("https://b.example:x/", ("InvalidResponse", "https://b.example:x/")),
    ],
)
def test_invalid_redirect_gives_an_error(location: str, expected: tuple[str, str]) -> None:
    assert error(redirect(location)) == expected
    result = outcome(redirect(location))
    assert result.blocked and result.blocked.origin == APP
    assert result.blocked.response == result.exchanges[0].response


def test_browser_follows_twenty_redirects_at_most() -> None:
    assert error(*[redirect("/x")] * 20, (200, [OK])) == ("", "")
    assert error(*[redirect("/x")] * 21) == ("InvalidResponse", f"{API}/x")


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (303, "HEAD", "HEAD"),
        (301, "HEAD", "HEAD"),
        (302, "GET", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
    ],
)
def test_redirect_changes_the_method_by_status(status: int, method: str, then: str) -> None:
    bodies: list[bytes | None] = []
    answers = {
        "/a": Response(*redirect("/b", status)),
        "/b": Response(200, [OK, (f"{ALLOW}Methods", "PUT")]),
    }

    def send(sent: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        if sent == "OPTIONS":
            return answers["/b"]
        bodies.append(body)
        return answers[url.removeprefix(API)]

    headers = {"Content-Type": "text/plain", "content-language": "de", "Accept": "x"}
    result = browse(Fetch(APP, f"{API}/a", method, headers, b"text"), send)
    last = result.exchanges[-1]
    is_dropped = then != method or status == 303
    assert (last.method, bodies[1]) == (then, None if is_dropped else b"text")
    assert set(last.headers) == {"Accept", "Origin", *([] if is_dropped else headers)}


def test_status_is_no_redirect_without_a_location() -> None:
    assert outcome((302, [OK])).status == 302
    assert outcome((304, [OK, ("Location", "/x")])).status == 304


@pytest.mark.parametrize("name", [*CorsError])
def test_error_has_words_for_every_console(name: CorsError) -> None:
    assert name == CorsError.INVALID_RESPONSE or len(WORDS[name]) == 3


CONSOLES: list[tuple[list[tuple[int, Headers]], dict[str, Any], tuple[str, str, str]]] = [
    (
        [(403, [])],
        {"method": "PUT"},
        (
            "Response to preflight request doesn't pass access control check: No "
            "'Access-Control-Allow-Origin' header is present on the requested resource.",
            "CORS header ‘Access-Control-Allow-Origin’ missing",
            "Preflight response is not successful. Status code: 403",
        ),
    ),
    (
        [(500, [])],
        {},
        (
            "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
            "CORS header ‘Access-Control-Allow-Origin’ missing",
            f"Origin {APP} is not allowed by Access-Control-Allow-Origin. Status code: 500",
        ),
    ),
    (
        [(200, allow_origin("a, b"))],
        {},
        (
            "The 'Access-Control-Allow-Origin' header contains multiple values 'a, b', but only "
            "one is allowed. Have the server send the header with a valid value.",
            "CORS header ‘Access-Control-Allow-Origin’ does not match ‘a, b’",
            "Access-Control-Allow-Origin cannot contain more than one origin.",
        ),
    ),
    (
        [(200, [OK, OK])],
        {},
        (
            f"The 'Access-Control-Allow-Origin' header contains multiple values '{APP}, {APP}', "
            "but only one is allowed. Have the server send the header with a valid value.",
            "Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed",
            "Access-Control-Allow-Origin cannot contain more than one origin.",
        ),
    ),
    (
        [(200, [OK, (OK[0].lower(), "*")])],
        {},
        (
            f"The 'Access-Control-Allow-Origin' header contains multiple values '{APP}, *', "
            "but only one is allowed. Have the server send the header with a valid value.",
            f"CORS header ‘Access-Control-Allow-Origin’ does not match ‘{APP}, *’",
            "Access-Control-Allow-Origin cannot contain more than one origin.",
        ),
    ),
    (
        [(307, [("Location", "/x")])],
        {"method": "PUT"},
        (
            "Response to preflight request doesn't pass access control check: Redirect is not "
            "allowed for a preflight request.",
            "CORS header ‘Access-Control-Allow-Origin’ missing",
            "Preflight response is not successful. Status code: 307",
        ),
    ),
    (
        [(307, [OK, ("Location", "/x")])],
        {"method": "PUT"},
        (
            "Response to preflight request doesn't pass access control check: Redirect is not "
            "allowed for a preflight request.",
            "CORS request external redirect not allowed",
            "Preflight response is not successful. Status code: 307",
        ),
    ),
    (
        [(200, [OK])],
        {"headers": {"X-One": "1"}},
        (
            "Request header field x-one is not allowed by Access-Control-Allow-Headers in "
            "preflight response.",
            "header ‘x-one’ is not allowed according to header ‘Access-Control-Allow-Headers’ "
            "from CORS preflight response",
            "Request header field X-One is not allowed by Access-Control-Allow-Headers.",
        ),
    ),
    (
        [(200, [OK, (f"{ALLOW}Headers", "X Foo")])],
        {"method": "PUT"},
        (
            "Cannot parse Access-Control-Allow-Headers response header field in preflight "
            "response.",
            "Did not find method in CORS header ‘Access-Control-Allow-Methods’",
            "Header Access-Control-Allow-Headers has an invalid value: X Foo",
        ),
    ),
    (
        [(200, [OK, (f"{ALLOW}Methods", "P T")])],
        {"method": "PUT"},
        (
            "Cannot parse Access-Control-Allow-Methods response header field in preflight "
            "response.",
            "invalid token ‘P T’ in CORS header ‘Access-Control-Allow-Methods’",
            "Header Access-Control-Allow-Methods has an invalid value: P T",
        ),
    ),
    (
        [redirect("https://b.example/"), (200, [])],
        {},
        (
            "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
            "CORS header ‘Access-Control-Allow-Origin’ missing",
            "Origin null is not allowed by Access-Control-Allow-Origin. Status code: 200",
        ),
    ),
]


@pytest.mark.parametrize(("answers", "arguments", "expected"), CONSOLES)
def test_consoles_explain_the_blocked_response(
    answers: list[tuple[int, Headers]], arguments: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    blocked = outcome(*answers, **arguments).blocked
    assert blocked
    chromium, firefox, webkit = expected
    assert consoles(Fetch(APP, API, **arguments), blocked) == {
        "Chromium": f"blocked by CORS policy: {chromium}",
        "Firefox": f"(Reason: {firefox})",
        "WebKit": webkit,
    }
