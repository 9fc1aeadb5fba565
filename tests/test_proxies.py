"""Services in production behind each proxy of docs/proxies.md, configured as the page says."""

import http.client
import itertools
import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import trustme
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from app.cors import browser
from app.cors.browser import Fetch
from tests.baking import CREDENTIALS, Bakery
from tests.cases import JSON, REQUESTS, may_read
from tests.proxies import HOST, KINDS, LISTED, PAGE, Certificates, proxy
from tests.serving import PATIENCE, Response, Server, clean_environment, exchange, serve

FRONTEND, ADMIN = LISTED
PATTERN, PREVIEW = "https://*.preview.example.com", "https://pr-7.preview.example.com"
FOREIGN = ("https://evil.example", "https://app.example.com.evil.example", "null")
VISITOR = "127.0.0.2"  # not the address that the proxy has
CREDENTIALED = ("cookies", "cross-site-cookies")


class Connection(http.client.HTTPSConnection):
    """A connection to a port of loopback, to the service by its name."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(HOST, port, timeout=PATIENCE)
        self.trust = context

    def connect(self) -> None:
        """Connect from the visitor's address."""
        sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE, (VISITOR, 0))
        self.sock = self.trust.wrap_socket(sock, server_hostname=HOST)


@dataclass
class Front:
    """A proxy in front of a service."""

    service: Server
    proxy: Server
    context: ssl.SSLContext
    waits_for_body: bool = False  # the others answer by the length alone

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.proxy.port}"

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        context: ssl.SSLContext | None = None,
    ) -> Response:
        """Send a request over TLS, as a visitor with an address of their own."""
        own = {"Host": f"{HOST}:{self.proxy.port}", **(headers or {})}
        return exchange(self.connect(context), method, path, own, body)

    def connect(self, context: ssl.SSLContext | None = None) -> http.client.HTTPSConnection:
        return Connection(self.proxy.port, context or self.context)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> browser.Response:
        """Send a request as a browser does."""
        status, answer, content = self.send(method, url.removeprefix(self.origin), headers, body)
        return browser.Response(status, answer.items(), content)


@dataclass(frozen=True)
class Authority:
    """What signs the certificates of servers and clients."""

    certificates: Certificates
    visitor: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    signs = trustme.CA()
    pem, clients = folder / "server.pem", folder / "clients.pem"
    signs.issue_cert(HOST, "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    signs.cert_pem.write_to_path(clients)
    visitor, client = ssl.create_default_context(), ssl.create_default_context()
    for context in (visitor, client):
        signs.configure_trust(context)
        context.check_hostname = True
    signs.issue_cert("ada.example.com", common_name="Ada").configure_cert(client)
    return Authority(Certificates(pem, clients), visitor, client)


class Fronts(Protocol):
    def __call__(self, kind: str, answer: str) -> Front: ...


@pytest.fixture(scope="module")
def fronts(
    bakery: Bakery, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fronts]:
    """Start each combination once."""
    services: dict[str, Server] = {}
    started: dict[tuple[str, str], Front] = {}
    with ExitStack() as stack:

        def start(kind: str, answer: str) -> Front:
            if answer not in services:
                variables = {
                    "FASTAPI_ENV": "production",
                    "FRONTEND_ORIGINS": ",".join([*LISTED, PATTERN]),
                    "MAX_BODY_SIZE": "1000",
                }
                project = bakery.bake(credentials=answer)
                services[answer] = stack.enter_context(serve(project, "probes:app", variables))
            if (kind, answer) not in started:
                folder = tmp_path_factory.mktemp("proxy")
                running = stack.enter_context(
                    proxy(kind, folder, services[answer].port, authority.certificates)
                )
                started[kind, answer] = Front(services[answer], running, authority.visitor)
            return started[kind, answer]

        yield start


both = pytest.mark.parametrize(("kind", "answer"), [*itertools.product(KINDS, CREDENTIALS)])


@both
def test_pages_read_what_they_read_without_a_proxy(fronts: Fronts, kind: str, answer: str) -> None:
    front = fronts(kind, answer)
    wrong = []
    for name, origin, credentials in itertools.product(
        REQUESTS, (FRONTEND, PREVIEW, *FOREIGN), (False, True)
    ):
        arguments, status = REQUESTS[name]
        own = {**arguments, "url": f"{front.origin}{arguments['url']}"}
        outcome = browser.fetch(Fetch(origin, **own, with_credentials=credentials), front.ask)
        expected = may_read("production", answer, name, origin not in FOREIGN, credentials)
        if (outcome.readable, outcome.status) != (expected, status if expected else None):
            wrong.append((name, origin, credentials, outcome))
    assert not wrong


@pytest.mark.parametrize("kind", KINDS)
def test_headers_come_once(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "cookies")
    for (method, path), origin in itertools.product(
        [("GET", "/health"), ("GET", "/nowhere"), ("GET", "/boom"), ("GET", "/stream")],
        (None, FRONTEND, ADMIN, PREVIEW, *FOREIGN),
    ):
        _, received, _ = front.send(method, path, {"Origin": origin} if origin else {})
        assert received.get_all("Vary") == ["Origin"]
        allowed = [origin] if origin and origin not in FOREIGN else None
        assert received.get_all("Access-Control-Allow-Origin") == allowed
        names = [name.lower() for name in received if name.lower().startswith("access-control-")]
        assert len(names) == len({*names})
        assert bool(names) == bool(allowed)


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_sees_the_visitor_and_https(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "none")
    forged = {
        "X-Forwarded-For": "192.0.2.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
    }
    for headers in ({}, forged):
        status, _, body = front.send("GET", "/seen?by=proxy", headers)
        seen = {"url": f"{front.origin}/seen?by=proxy", "client": VISITOR}
        assert (status, json.loads(body)) == (200, seen)


@pytest.mark.parametrize("kind", KINDS)
def test_the_subject_of_a_certificate_arrives_and_cannot_be_forged(
    fronts: Fronts, authority: Authority, kind: str
) -> None:
    front = fronts(kind, "none")
    for headers in ({}, {"X-Client-Subject": "CN=Mallory"}):
        assert json.loads(front.send("GET", "/subject", headers)[2]) in (None, "")
        seen = json.loads(front.send("GET", "/subject", headers, context=authority.client)[2])
        assert "CN=Ada" in seen and "Mallory" not in seen


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_passes_as_it_comes(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "none")
    connection = front.connect()
    connection.request("GET", "/drip", headers={"Host": f"{HOST}:{front.proxy.port}"})
    response = connection.getresponse()
    assert response.read(5) == b"first"
    front.send("GET", "/drop")
    assert response.read() == b"second"
    connection.close()


@pytest.mark.parametrize("kind", KINDS)
def test_websockets_pass_and_foreign_ones_do_not(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "cookies")
    for origin, is_allowed in (
        (None, True),
        (front.origin, True),
        (FRONTEND, True),
        (front.origin.replace("https", "http"), False),
        (FOREIGN[0], False),
    ):
        url, sent = front.origin.replace("https", "wss") + "/ws", Origin(origin) if origin else None
        with socket.create_connection(("127.0.0.1", front.proxy.port)) as sock:
            if is_allowed:
                with connect(url, origin=sent, sock=sock, ssl=front.context) as websocket:
                    assert websocket.recv() == "hello"
            else:
                with pytest.raises(InvalidStatus) as caught:
                    connect(url, origin=sent, sock=sock, ssl=front.context)
                assert caught.value.response.status_code == 403


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", CREDENTIALED)
def test_sessions_and_own_pages(fronts: Fronts, kind: str, answer: str) -> None:
    front = fronts(kind, answer)
    name = b'{"display_name": "Ada"}'
    for origin, status in (
        (front.origin, 200),
        (FRONTEND, 200),
        (front.origin.replace("https", "http"), 403),
        (FOREIGN[0], 403),
    ):
        answered, received, _ = front.send("PUT", "/session", {"Origin": origin, **JSON}, name)
        assert answered == status, origin
        cookies = received.get_all("Set-Cookie", [])
        assert ["; secure" in cookie.lower() for cookie in cookies] == [True] * (status == 200)


# What the proxy says itself, and with which change of its configuration a test sees it soon.
SHORT = {
    "nginx": {"proxy_read_timeout 60s;": "proxy_read_timeout 1s;"},
    "HAProxy": {"timeout server 60s": "timeout server 1s"},
    "httpd": {"ProxyTimeout 60": "ProxyTimeout 1"},
    "Caddy": {"response_header_timeout 60s": "response_header_timeout 1s"},
}
HUNG = {"nginx": 504, "HAProxy": 504, "httpd": 502, "Caddy": 504}
TOO_LARGE = {"nginx": 413, "HAProxy": 413, "Caddy": 502}
DOWN = {"nginx": 502, "HAProxy": 503, "httpd": 503, "Caddy": 502}


OWN = [
    *itertools.product(KINDS, ["killed", "hung"]),
    *((kind, "too large") for kind in TOO_LARGE),
]


@pytest.mark.parametrize(("kind", "what"), OWN)
def test_listed_pages_read_the_proxys_own_errors(
    bakery: Bakery, authority: Authority, kind: str, what: str, tmp_path: Path
) -> None:
    variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": ",".join(LISTED)}
    variables["MAX_BODY_SIZE"] = "30000000"  # more than the proxy's own limit
    with ExitStack() as stack:
        service = stack.enter_context(serve(bakery.bake(), "probes:app", variables))
        running = stack.enter_context(
            proxy(kind, tmp_path, service.port, authority.certificates, SHORT[kind])
        )
        front = Front(service, running, authority.visitor, kind == "Caddy")
        assert front.send("GET", "/health")[0] == 200
        path, length, expected = "/hang", 0, HUNG[kind]
        if what == "killed":
            service.popen.kill()
            service.popen.wait()
            path, expected = "/health", DOWN[kind]
        elif what == "too large":
            path, length, expected = "/notes", 21_000_000, TOO_LARGE[kind]
        # Each hung request takes a second.
        origins = (None, *LISTED, *FOREIGN, PREVIEW) if what != "hung" else (ADMIN, FOREIGN[0])
        for origin in origins:
            status, received = asked(front, path, {"Origin": origin} if origin else {}, length)
            allowed = [origin] if origin in LISTED else None
            assert status == expected
            assert received.get_all("Access-Control-Allow-Origin") == allowed
            assert received.get_all("Access-Control-Allow-Credentials") == (allowed and ["true"])
            assert received.get_all("Vary") == ["Origin"]


def asked(
    front: Front, path: str, origin: Mapping[str, str], length: int
) -> tuple[int, http.client.HTTPMessage]:
    """Send a request, with a body of a length, and return the head of the answer."""
    connection = front.connect()
    connection.putrequest("POST" if length else "GET", path, skip_host=True)
    lengths = {"Content-Length": str(length)} if length else {}
    for name, value in {"Host": f"{HOST}:{front.proxy.port}", **origin, **lengths}.items():
        connection.putheader(name, value)
    connection.endheaders()
    if front.waits_for_body:
        connection.send(b"x" * length)
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers


PAGE_TEXT = " ".join(PAGE.read_text("utf-8").split())
# What is wrong in a real proxy, and what `check` says of it: the text of the block that changes.
PREFLIGHT_204 = "the answer to the preflight (204) has no Access-Control-Allow-Origin"
TWICE = "Access-Control-Allow-Origin has more than one value"
NO_VARY = "Vary does not name Origin"
MOVED = "the preflight is redirected to https://other.example.com/health"
NO_CORS = "what answers OPTIONS requests knows no CORS (405)"
LOGIN = "the preflight needs authentication (401), and browsers send none with it"
IN_NGINX, IN_HAPROXY = "proxy_http_version 1.1;", "default_backend service"
IN_HTTPD, IN_CADDY = "    ProxyPreserveHost On\n", "    request_body {"
FAULTS = [
    (
        "nginx",
        "another header",
        IN_NGINX,
        "add_header Access-Control-Allow-Origin * always;",
        TWICE,
    ),
    ("nginx", "no Vary", IN_NGINX, "proxy_hide_header Vary; add_header X-A b;", NO_VARY),
    ("nginx", "redirect", IN_NGINX, "return 301 https://other.example.com$request_uri;", MOVED),
    (
        "nginx",
        "own answer to OPTIONS",
        IN_NGINX,
        "if ($request_method = OPTIONS) { return 204; }",
        PREFLIGHT_204,
    ),
    ("nginx", "no OPTIONS", IN_NGINX, "if ($request_method = OPTIONS) { return 405; }", NO_CORS),
    (
        "HAProxy",
        "another header",
        IN_HAPROXY,
        "http-response add-header Access-Control-Allow-Origin *",
        TWICE,
    ),
    ("HAProxy", "no Vary", IN_HAPROXY, "http-after-response del-header Vary", NO_VARY),
    (
        "HAProxy",
        "redirect",
        IN_HAPROXY,
        "http-request redirect prefix https://other.example.com code 301",
        MOVED,
    ),
    (
        "HAProxy",
        "own answer to OPTIONS",
        IN_HAPROXY,
        "http-request return status 204 if METH_OPTIONS",
        PREFLIGHT_204,
    ),
    (
        "HAProxy",
        "no OPTIONS",
        IN_HAPROXY,
        "http-request deny deny_status 405 if METH_OPTIONS",
        NO_CORS,
    ),
    (
        "HAProxy",
        "login",
        IN_HAPROXY,
        "http-request return status 401 content-type text/plain string no if METH_OPTIONS",
        LOGIN,
    ),
    ("httpd", "another header", IN_HTTPD, "Header always add Access-Control-Allow-Origin *", TWICE),
    ("httpd", "no Vary", IN_HTTPD, "Header unset Vary", NO_VARY),
    (
        "httpd",
        "redirect",
        IN_HTTPD,
        "RewriteEngine on\nRewriteRule ^/(.*)$ https://other.example.com/$1 [R=301]",
        MOVED,
    ),
    ("Caddy", "another header", IN_CADDY, "header +Access-Control-Allow-Origin *", TWICE),
    ("Caddy", "no Vary", IN_CADDY, "header {\n-Vary\ndefer\n}", NO_VARY),
    ("Caddy", "redirect", IN_CADDY, "redir https://other.example.com{uri} 301", MOVED),
    (
        "Caddy",
        "own answer to OPTIONS",
        IN_CADDY,
        "@options method OPTIONS\nrespond @options 204",
        PREFLIGHT_204,
    ),
    ("Caddy", "no OPTIONS", IN_CADDY, "@options method OPTIONS\nrespond @options 405", NO_CORS),
]


def checked(project: Path, authority: Authority, port: int) -> str:
    """Run `check` of the service for the listed frontends, and return what it says in a line."""
    variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": ",".join([*LISTED, PATTERN])}
    trust = {"SSL_CERT_FILE": str(authority.certificates.clients)}
    ended = subprocess.run(
        [sys.executable, "-B", "-m", "app.cors", "check", f"https://127.0.0.1:{port}/health"],
        cwd=project,
        env=clean_environment(**variables, **trust),
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    assert ended.returncode == (1 if "WRONG" in ended.stdout else 0)
    return " ".join(ended.stdout.split())


@pytest.mark.parametrize(
    ("kind", "fault", "where", "line", "sentence"),
    [*FAULTS, *((kind, "none", "", "", "") for kind in KINDS)],
    ids=lambda value: None,
)
def test_check_recognises_what_a_proxy_does_wrong(
    bakery: Bakery,
    fronts: Fronts,
    authority: Authority,
    kind: str,
    fault: str,
    where: str,
    line: str,
    sentence: str,
    tmp_path: Path,
) -> None:
    service = fronts(kind, "none").service
    changes = {where: f"{line}\n{where}"} if where else {}
    with proxy(kind, tmp_path, service.port, authority.certificates, changes) as running:
        said = checked(bakery.bake(), authority, running.port)
    assert ("WRONG" in said) == bool(sentence)
    assert sentence in said
    if sentence:
        words = re.sub(r" \(\d+\)| https:.*|, and browsers.*", "", sentence)
        assert f"| {words} |" in PAGE_TEXT
