"""The effects of each answer to `credentials`, through real sockets."""

import itertools
import os
import ssl
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
import trustme
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support import words
from tests.support.baking import CREDENTIALS, WITH_COOKIES, Bakery, tree
from tests.support.markdown import CERTIFICATES, command
from tests.support.serving import REQUIRED, Response, Serving, clean_environment, run, send
from tests.support.uv import UV

FRONTEND = "https://app.example.com"
FOREIGN = "https://evil.example"
ENVIRONMENTS = ("development", "staging", "production")
OPTIONAL_FILES = {
    "none": set(),
    "bearer": {"app/bearer.py", "app/routes/me.py", "tests/test_bearer.py"},
    "cookies": {"app/routes/session.py", "app/session.py", "tests/test_session.py"},
}
OPTIONAL_FILES["cross-site-cookies"] = OPTIONAL_FILES["cookies"]


def test_project_has_only_files_of_its_answer(bakery: Bakery) -> None:
    common = set(tree(bakery.bake(credentials="none")))
    everything = set().union(*OPTIONAL_FILES.values())
    for answer in CREDENTIALS:
        project = bakery.bake(credentials=answer)
        assert set(tree(project)) == common | OPTIONAL_FILES[answer]
        owned = [text for name, text in tree(project).items() if not name.startswith("cors_right/")]
        text = b"\n".join(owned).decode()
        words = {
            "bearer": ("jwt", "AUTH_", "Subject"),
            "cookies": ("itsdangerous", "SESSION_SECRET", "add_session"),
        }
        for owner, names in words.items():
            for name in names:
                assert (name in text) == (OPTIONAL_FILES[answer] >= OPTIONAL_FILES[owner]), (
                    answer,
                    name,
                )
    assert everything.isdisjoint(common)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("answer", CREDENTIALS)
def test_unlisted_page_opens_no_websocket(
    bakery: Bakery, served: Serving, answer: str, environment: str
) -> None:
    port = served(bakery.bake(credentials=answer), "probes:app", FASTAPI_ENV=environment).port
    own = f"http://localhost:{port}"
    for text, allowed in (
        (None, True),
        (own, True),
        (FRONTEND, True),
        (FOREIGN, False),
        ("null", False),
    ):
        origin = None if text is None else Origin(text)
        if allowed or environment == "development":
            with connect(f"ws://localhost:{port}/ws", origin=origin) as websocket:
                assert websocket.recv() == "hello"
        else:
            with pytest.raises(InvalidStatus) as caught:
                connect(f"ws://localhost:{port}/ws", origin=origin)
            assert caught.value.response.status_code == 403


SITES = ("absent", "same-origin", "same-site", "cross-site", "none")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


def is_passed(method: str, site: str, origin: str) -> bool:
    """Return whether the documented rules let a write pass, independent of the code."""
    if (
        method in ("GET", "HEAD", "OPTIONS")
        or origin == "allowed"
        or site in ("same-origin", "none")
    ):
        return True
    return site == "absent" and origin in ("absent", "own")


@pytest.mark.parametrize("answer", WITH_COOKIES)
def test_cross_site_write_passes_as_documented(
    bakery: Bakery, served: Serving, answer: str
) -> None:
    port = served(bakery.bake(credentials=answer)).port
    origins = {
        "absent": None,
        "own": f"http://127.0.0.1:{port}",
        "allowed": FRONTEND,
        "foreign": FOREIGN,
        "null": "null",
    }
    for method, site, (origin, value) in itertools.product(METHODS, SITES, origins.items()):
        headers = {} if site == "absent" else {"Sec-Fetch-Site": site}
        if value is not None:
            headers["Origin"] = value
        status, received, body = send(port, method, "/nowhere", headers)
        assert status == (404 if is_passed(method, site, origin) else 403), (method, site, origin)
        assert received["Vary"] == "Origin"
        assert status == 404 or b"Cross-site write refused" in body


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_development_prints_why_the_browser_drops_the_session(
    bakery: Bakery, served: Serving, environment: str
) -> None:
    """Call the address that the server prints from a page on localhost."""
    page = "http://localhost:3000"
    server = served(
        bakery.bake(credentials="cookies"), FASTAPI_ENV=environment, FRONTEND_ORIGINS=page
    )
    headers = {"Origin": page, "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
    send(server.port, "PUT", "/session", headers, b'{"display_name": "Ada"}')
    server.expect('"PUT /session HTTP/1.1" 200 OK')
    urls = [f"http://{host}:{server.port}" for host in ("127.0.0.1", "localhost")]
    reason = f"{words.TWO_SITES.format('Lax', page, urls[0])}; call {urls[1]}"
    dropped = f"PUT /session {words.drops('my-service-session', 'browsers drop', reason)}"
    assert (dropped in server.output) == (environment == "development")


KEPT = "my-service-session={}; path=/; Max-Age=1209600; httponly; "
COOKIES = {
    ("cookies", "development"): f"{KEPT}samesite=lax",
    ("cookies", "production"): f"__Host-{KEPT}samesite=lax; secure",
    ("cross-site-cookies", "development"): f"{KEPT}samesite=none; secure; partitioned",
    ("cross-site-cookies", "production"): f"__Host-{KEPT}samesite=none; secure; partitioned",
}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("answer", WITH_COOKIES)
def test_session_cookie_equals_the_documented_bytes(
    bakery: Bakery, served: Serving, answer: str, environment: str
) -> None:
    port = served(bakery.bake(credentials=answer), FASTAPI_ENV=environment).port
    expected = COOKIES[answer, "development" if environment == "development" else "production"]

    def put(name: str, **headers: str) -> Response:
        body = f'{{"display_name": "{name}"}}'.encode()
        return send(port, "PUT", "/session", {"Content-Type": "application/json", **headers}, body)

    _, headers, _ = put("Ada")
    (cookie,) = headers.get_all("Set-Cookie", [])
    pair, _, attributes = cookie.partition("; ")
    assert f"{pair.partition('=')[0]}={{}}; {attributes}" == expected
    assert send(port, "GET", "/session", {"Cookie": pair})[2] == b'{"display_name":"Ada"}'
    assert send(port, "GET", "/session", {"Cookie": pair + "x"})[::2] == (
        200,
        b'{"display_name":null}',
    )

    _, headers, _ = send(port, "DELETE", "/session", {"Cookie": pair})
    (cookie,) = headers.get_all("Set-Cookie", [])
    gone = expected.format("null").replace(
        "Max-Age=1209600", "expires=Thu, 01 Jan 1970 00:00:00 GMT"
    )
    assert cookie == gone


def test_preflight_needs_no_client_certificate(bakery: Bakery, tmp_path: Path) -> None:
    """Follow the rendered README: TLS requests a certificate without requiring it."""
    authority = trustme.CA()
    project = bakery.bake_new(credentials="cookies")
    authority.cert_pem.write_to_path(project / "clients-ca.pem")
    server = authority.issue_cert("localhost")
    server.cert_chain_pems[0].write_to_path(project / "server.pem")
    server.private_key_pem.write_to_path(project / "server.key")
    client = tmp_path / "client.pem"
    authority.issue_cert("ada@example.com").private_key_and_cert_chain_pem.write_to_path(client)
    preflight = {
        "Origin": FRONTEND,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    without = ssl.create_default_context(cafile=project / "clients-ca.pem")
    with_certificate = ssl.create_default_context(cafile=project / "clients-ca.pem")
    with_certificate.load_cert_chain(client)

    def listen(stack: ExitStack, requirement: str) -> str:
        line = command(project / "README.md", CERTIFICATES).removesuffix("1") + requirement
        environment = clean_environment(**REQUIRED)
        path = os.pathsep.join([str(Path(UV).parent), environment["PATH"]])
        bash = ["bash", "-c", f"{line} --port 0"]
        server = stack.enter_context(run(bash, project, environment | {"PATH": path}))
        port = server.expect(r"Uvicorn running on https://127\.0\.0\.1:(\d+)")[1]
        return f"https://localhost:{port}/session"

    with ExitStack() as stack:
        url = listen(stack, "1")
        answer = httpx2.options(url, headers=preflight, verify=without)
        assert answer.headers["Access-Control-Allow-Origin"] == FRONTEND
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        answer = httpx2.put(
            url, headers={"Origin": FRONTEND}, json={"display_name": "Ada"}, verify=with_certificate
        )
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (
            200,
            FRONTEND,
        )

        url = listen(stack, "2")
        assert httpx2.get(url, verify=with_certificate).status_code == 200
        with pytest.raises(httpx2.TransportError):
            httpx2.options(url, headers=preflight, verify=without)
