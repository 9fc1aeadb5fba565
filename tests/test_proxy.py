"""A service in production behind nginx, configured with the block of docs/proxies.md."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.baking import ROOT, Bakery
from tests.conftest import Serving, not_installed
from tests.serving import (
    PATIENCE,
    Response,
    Server,
    clean_environment,
    exchange,
    free_port,
    run,
    serve,
)

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
HOST = "api.example.com"
FRONTEND = "https://app.example.com"
FOREIGN = "https://evil.example"
PAGE = ROOT / "docs" / "proxies.md"
VISITOR = "127.0.0.2"  # not the address that the proxy has
JSON = {"Content-Type": "application/json"}
# What a test needs around the block: nginx in the foreground, everything it writes in its own
# folder.
AROUND = """
daemon off;
user root;
pid nginx.pid;
error_log stderr notice;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {block}
}}
"""


@dataclass
class Proxy:
    """nginx in front of a service."""

    service: Server
    port: int
    context: ssl.SSLContext

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.port}"

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send a request over TLS, as a visitor with an address of their own."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self.port,
            timeout=PATIENCE,
            source_address=(VISITOR, 0),
            context=self.context,
        )
        return exchange(
            connection, method, path, {"Host": f"{HOST}:{self.port}"} | (headers or {}), body
        )


def nginx(folder: Path, block: str) -> AbstractContextManager[Server]:
    """Run nginx with a block of its configuration; the folder takes everything that it writes."""
    if NGINX is None:
        not_installed("nginx", "apt-get install nginx-light")
    (folder / "nginx.conf").write_text(AROUND.format(block=block), encoding="utf-8")
    command = [NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    return run(command, folder, clean_environment())


@pytest.fixture(scope="module")
def proxy(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    authority = trustme.CA()
    authority.issue_cert(HOST, "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        folder / "server.pem"
    )
    context = ssl.create_default_context()
    authority.configure_trust(context)
    project = bakery.bake(credentials="cookies")
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    port = free_port()
    with ExitStack() as stack:
        environment = {
            "FASTAPI_ENV": "production",
            "FRONTEND_ORIGINS": FRONTEND,
            "MAX_BODY_SIZE": "1000000",
        }
        service = stack.enter_context(serve(project, "probes:app", environment))
        for written, meant in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
            ("/etc/ssl/api.example.com.pem", str(folder / "server.pem")),
            ("/etc/ssl/api.example.com.key", str(folder / "server.pem")),
            ("127.0.0.1:8000", f"127.0.0.1:{service.port}"),
        ):
            assert block.count(written) == 1
            block = block.replace(written, meant)
        stack.enter_context(nginx(folder, block)).expect("start worker process ")
        yield Proxy(service, port, context)


def test_the_service_sees_the_visitor_and_https(proxy: Proxy) -> None:
    forged = {
        "X-Forwarded-For": "192.0.2.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
    }
    for headers in ({}, forged):
        status, _, body = proxy.send("GET", "/seen?by=proxy", headers)
        assert (status, json.loads(body)) == (
            200,
            {"url": f"{proxy.origin}/seen?by=proxy", "client": VISITOR},
        )
    proxy.service.expect(rf'{re.escape(VISITOR)}:\d+ - "GET /seen\?by=proxy HTTP/1.1" 200 OK')


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/health", {}, None, 200),
        ("OPTIONS", "/notes", {"Access-Control-Request-Method": "PUT"}, None, 200),
        ("POST", "/notes", JSON, b'{"text": "Buy milk"}', 201),
        ("POST", "/notes", JSON, b"x" * 2_000_000, 413),
        ("GET", "/boom", {}, None, 500),
        ("GET", "/nowhere", {}, None, 404),
        # Without a redirect, which would go to http and lose the origin.
        ("GET", "/notes/", {}, None, 404),
        ("GET", "/mounted", {}, None, 404),
    ],
)
def test_cors_headers_come_once_and_nothing_redirects(
    proxy: Proxy, method: str, path: str, headers: dict[str, str], body: bytes | None, status: int
) -> None:
    answered, received, _ = proxy.send(method, path, {"Origin": FRONTEND, **headers}, body)
    assert answered == status
    assert received.get_all("Access-Control-Allow-Origin") == [FRONTEND]
    assert received.get_all("Access-Control-Allow-Credentials") == ["true"]
    (vary,) = received.get_all("Vary", [])
    assert vary.split(", ")[0] == "Origin"
    assert "Location" not in received or status == 201
    _, received, _ = proxy.send(method, path, {"Origin": FOREIGN, **headers}, body)
    assert not [name for name in received if name.lower().startswith("access-control-")]


def test_the_service_knows_its_own_pages(proxy: Proxy) -> None:
    insecure = proxy.origin.replace("https", "http")
    for origin, status in ((proxy.origin, 201), (FRONTEND, 201), (insecure, 403), (FOREIGN, 403)):
        assert (
            proxy.send("POST", "/notes", {"Origin": origin, **JSON}, b'{"text": "Mine"}')[0]
            == status
        ), origin


def test_websockets_pass_and_foreign_ones_do_not(proxy: Proxy) -> None:
    insecure = proxy.origin.replace("https", "http")
    for origin, is_allowed in (
        (None, True),
        (proxy.origin, True),
        (FRONTEND, True),
        (insecure, False),
        (FOREIGN, False),
    ):
        url, sent = f"wss://{HOST}:{proxy.port}/ws", Origin(origin) if origin else None
        with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
            if is_allowed:
                with connect(url, origin=sent, sock=sock, ssl=proxy.context) as websocket:
                    assert websocket.recv() == "hello"
            else:
                with pytest.raises(InvalidStatus) as caught:
                    connect(url, origin=sent, sock=sock, ssl=proxy.context)
                assert caught.value.response.status_code == 403


# What an nginx in front of a service does wrong, and what `check` says of it.
WRONG = {
    "add_header Access-Control-Allow-Origin $http_origin always;": (
        f"Access-Control-Allow-Origin has more than one value: {FRONTEND}, {FRONTEND} "
        "change remove the header from the proxy"
    ),
    "add_header Access-Control-Allow-Origin * always;": (
        f"Access-Control-Allow-Origin has more than one value: {FRONTEND}, *"
    ),
    "proxy_hide_header Access-Control-Allow-Origin;": (
        "the answer to the preflight (200) has no Access-Control-Allow-Origin"
    ),
    "proxy_hide_header Vary;": "Vary does not name Origin",
    "return 301 https://$http_host$request_uri;": (
        "the preflight is redirected to https://localhost:{port}/health, and browsers do not "
        "follow it change call https://localhost:{port}/health"
    ),
    "return 502;": "a proxy answered the preflight with 502, because it does not reach the service",
    "limit_except GET { deny all; }": "an HTML page answered the preflight (403)",
    "if ($request_method = OPTIONS) { return 204; }": (
        "the answer to the preflight (204) has no Access-Control-Allow-Origin"
    ),
    "if ($request_method = OPTIONS) { return 405; }": (
        "what answers OPTIONS requests knows no CORS (405)"
    ),
    "return 444;": "localhost:{port} ends the connection without an answer",
    "": "",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_check_recognises_what_nginx_does_wrong(
    bakery: Bakery, served: Serving, wrong: str, tmp_path: Path
) -> None:
    environment = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": FRONTEND}
    project = bakery.bake()
    service, port = served(project, **environment), free_port()
    block = f"""server {{
        listen 127.0.0.1:{port};
        location / {{ {wrong} proxy_pass http://127.0.0.1:{service.port}; }}
    }}"""
    with nginx(tmp_path, block) as server:
        server.expect("start worker process ")
        command = [sys.executable, "-B", "-m", "app.cors", "check"]
        ended = subprocess.run(
            [*command, f"http://localhost:{port}/health"],
            cwd=project,
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
        )
    said = " ".join(ended.stdout.split())
    assert (ended.returncode, ended.stderr) == (1 if wrong else 0, "")
    assert ("WRONG" in said) == bool(wrong)
    assert WRONG[wrong].format(port=port) in said
