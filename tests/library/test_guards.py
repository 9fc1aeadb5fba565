"""Refusals of WebSockets and writes, decided by the policy and the request alone."""

import itertools
import json
from typing import Any

import pytest
from cors_right import CORSPolicy, CORSPolicyMiddleware

from tests.support.asgi import PRODUCTION, ask, passed

APP = "https://app.example.com"
API = "api.example.com"
FOREIGN = "https://evil.example"
WITH_CREDENTIALS = CORSPolicy(**PRODUCTION, allow_credentials=True)
WITHOUT = CORSPolicy(**PRODUCTION)
DEVELOPMENT = CORSPolicy(development=True, allow_credentials=True)

# Scheme of the request, `Host`, `Origin`, and whether it passes: without credentials, with them,
# and with them in development. None of these policies lists the service's own origin.
FROM: list[tuple[str, str | list[str], str | list[str], tuple[bool, bool, bool]]] = [
    # Not from a browser.
    ("https", API, [], (True, True, True)),
    # Allowed origins, which development does not list here.
    ("https", API, APP, (True, True, False)),
    ("https", API, "https://a.preview.example.com", (True, True, False)),
    # The service's own page.
    ("https", API, f"https://{API}", (True, True, True)),
    ("https", f"{API}:443", f"https://{API}", (True, True, True)),
    ("https", "API.example.com", f"https://{API}", (True, True, True)),
    ("https", f"{API}:8443", f"https://{API}:8443", (True, True, True)),
    ("https", "[2001:db8::7]", "https://[2001:db8::7]", (True, True, True)),
    # Behind a proxy that ends TLS.
    ("http", API, f"https://{API}", (True, True, True)),
    # Its own page over http, which anyone on the network path can replace, except on loopback.
    ("http", API, f"http://{API}", (True, False, True)),
    ("http", f"{API}:80", f"http://{API}", (True, False, True)),
    ("http", f"{API}:8000", f"http://{API}:8000", (True, False, True)),
    ("http", "localhost:8000", "http://localhost:8000", (True, True, True)),
    ("http", "api.localhost", "http://api.localhost", (True, True, True)),
    ("http", "127.0.0.1:8000", "http://127.0.0.1:8000", (True, True, True)),
    ("http", "[::1]:8000", "http://[::1]:8000", (True, True, True)),
    ("https", API, f"http://{API}", (False, False, False)),
    ("https", "localhost:8000", "http://localhost:8000", (False, False, False)),
    # Unlisted origins.
    ("https", API, FOREIGN, (False, False, False)),
    ("https", API, f"https://{API}.evil.example", (False, False, False)),
    ("https", API, f"https://{API}:8443", (False, False, False)),
    ("https", f"{API}:8443", f"https://{API}", (False, False, False)),
    ("https", f"{API}:80", f"https://{API}", (False, False, False)),
    ("http", "localhost:8000", "http://localhost:3000", (False, False, False)),
    ("http", "localhost:8000", "http://127.0.0.1:8000", (False, False, False)),
    ("http", "localhost", "capacitor://localhost", (False, False, False)),
    ("https", API, "null", (False, False, False)),
    ("https", API, "", (False, False, False)),
    ("https", "", "https://", (False, False, False)),
    ("https", [], f"https://{API}", (False, False, False)),
    ("https", [API, API], f"https://{API}", (False, False, False)),
    ("https", API, API, (False, False, False)),
    # More than one `Origin`.
    ("https", API, [APP, FOREIGN], (False, False, False)),
    ("https", API, [FOREIGN, APP], (False, False, False)),
    ("https", API, [f"https://{API}", FOREIGN], (False, False, False)),
    ("https", API, [APP, APP], (False, False, False)),
]


@pytest.mark.parametrize("index", range(3), ids=["without", "with credentials", "development"])
@pytest.mark.parametrize(("scheme", "host", "origin", "expected"), FROM)
def test_websocket_opens_from_allowed_origins_only(
    scheme: str, host: Any, origin: Any, expected: tuple[bool, ...], index: int
) -> None:
    guard = CORSPolicyMiddleware(passed, (WITHOUT, WITH_CREDENTIALS, DEVELOPMENT)[index])
    answer = ask(guard, {"Host": host, "Origin": origin}, scheme=scheme.replace("http", "ws"))
    assert answer.status == (101 if expected[index] else 403)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_passes_without_credentials(method: str) -> None:
    answer = ask(CORSPolicyMiddleware(passed, WITHOUT), {"Host": API, "Origin": FOREIGN}, method)
    assert answer.status == 200


@pytest.mark.parametrize("index", [1, 2], ids=["with credentials", "development"])
@pytest.mark.parametrize(("scheme", "host", "origin", "expected"), FROM)
def test_write_passes_from_allowed_origins_without_metadata(
    scheme: str, host: Any, origin: Any, expected: tuple[bool, ...], index: int
) -> None:
    guard = CORSPolicyMiddleware(passed, (WITHOUT, WITH_CREDENTIALS, DEVELOPMENT)[index])
    answer = ask(guard, {"Host": host, "Origin": origin}, method="POST", scheme=scheme)
    assert answer.status == (200 if expected[index] else 403)


ORIGINS: dict[str, str | list[str]] = {
    "absent": [],
    "own": f"https://{API}",
    "allowed": APP,
    "foreign": FOREIGN,
    "null": "null",
    "two": [APP, FOREIGN],
}
ONE = {*ORIGINS} - {"two"}
# For each `Sec-Fetch-Site`, the origins from which a write passes.
PASSES: dict[str, set[str]] = {
    "same-origin": ONE,
    "none": ONE,
    "same-site": {"allowed"},
    "cross-site": {"allowed"},
    "SAME-ORIGIN": {"allowed"},
    "": {"allowed"},
}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "QUERY", "get")


def test_guard_refuses_writes_from_unlisted_origins() -> None:
    guard = CORSPolicyMiddleware(passed, WITH_CREDENTIALS)
    wrong = []
    for method, site, origin in itertools.product(METHODS, PASSES, ORIGINS):
        headers = {"Host": API, "Origin": ORIGINS[origin], "Sec-Fetch-Site": site}
        passes = method in ("GET", "HEAD", "OPTIONS") or origin in PASSES[site]
        if ask(guard, headers, method).status != (200 if passes else 403):
            wrong.append((method, site, origin))
    assert not wrong


def test_guard_refuses_contradicting_metadata() -> None:
    headers: Any = {"Host": API, "Sec-Fetch-Site": ["same-origin", "cross-site"]}
    assert ask(CORSPolicyMiddleware(passed, WITH_CREDENTIALS), headers, "POST").status == 403


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        (FOREIGN, FOREIGN),
        ([], "a page without Origin"),
        ("", "''"),
        ([APP, FOREIGN], "'https://app.example.com, https://evil.example'"),
        ("x" * 54_000, f"'{'x' * 79}... (54000 characters)"),
    ],
)
def test_refused_write_gets_the_reason(origin: Any, shown: str) -> None:
    headers = {"Host": API, "Origin": origin, "Sec-Fetch-Site": "cross-site"}
    answer = ask(CORSPolicyMiddleware(passed, WITH_CREDENTIALS), headers, "POST")
    assert (answer.status, answer.headers[1]) == (403, (b"content-type", b"application/json"))
    assert json.loads(answer.body) == {
        "detail": f"Cross-site write refused (CSRF): this service does not allow {shown}. "
        "If this is the service's own origin, a proxy has changed the Host header."
    }


@pytest.mark.parametrize(
    ("path", "root_path", "status"),
    [
        ("/callback", "", 200),
        ("/callback/", "", 403),
        ("/callback/x", "", 403),
        ("/Callback", "", 403),
        ("/other", "", 403),
        ("/api/callback", "", 403),
        # A server that knows a prefix puts it before the path. A proxy may have removed the prefix.
        ("/api/callback", "/api", 200),
        ("/callback", "/api", 200),
        ("/callback", "/call", 200),
        ("/apicallback", "/api", 403),
        ("/api/api/callback", "/api", 403),
        ("/api", "/api", 403),
    ],
)
def test_exempt_paths_accept_writes_from_any_site(path: str, root_path: str, status: int) -> None:
    guard = CORSPolicyMiddleware(passed, WITH_CREDENTIALS, cross_site_exempt={"/callback"})
    headers: Any = {"Host": API, "Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"}
    answer = ask(guard, headers, "POST", path, root_path=root_path)
    assert answer.status == status
    headers["Origin"] = [FOREIGN, APP]
    assert ask(guard, headers, "POST", path, root_path=root_path).status == status


@pytest.mark.parametrize("exempt", ["/callback", {"callback"}, {""}])
def test_exempt_paths_are_a_set_of_paths(exempt: Any) -> None:
    with pytest.raises(ValueError, match="must be paths that begin with /$"):
        CORSPolicyMiddleware(passed, WITH_CREDENTIALS, cross_site_exempt=exempt)


def test_exempt_paths_refuse_websockets() -> None:
    guard = CORSPolicyMiddleware(passed, WITH_CREDENTIALS, cross_site_exempt={"/"})
    assert ask(guard, {"Host": API, "Origin": FOREIGN}, scheme="wss").status == 403
