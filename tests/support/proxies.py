"""Real proxies on loopback, with the configuration blocks of docs/proxies.md."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cors_right.diagnostics import browser

from tests.support.baking import ROOT
from tests.support.requirements import SERVERS_PATH, need
from tests.support.serving import (
    PATIENCE,
    Response,
    Server,
    clean_environment,
    exchange,
    free_port,
    run,
)

PAGE = ROOT / "docs" / "proxies.md"
HOST = "api.example.com"
LISTED = ("https://app.example.com", "https://admin.example.com")
PATTERN, PREVIEW = "https://*.preview.example.com", "https://pr-7.preview.example.com"
FOREIGN = ("https://evil.example", "https://app.example.com.evil.example", "null")
VISITOR = "127.0.0.2"  # not the proxy's address


@dataclass(frozen=True)
class Kind:
    """A proxy: its block, and the additions for a test.

    The proxy writes only into its own folder, and stays in the foreground. `listen` is the port in
    the block, `listens` its replacement in a test, and `ready` the output of a listening proxy.
    `reload` is a command that makes the proxy read its configuration again.
    """

    command: tuple[str, ...]
    language: str
    listen: str
    listens: str
    ready: str
    around: str
    reload: tuple[str, ...] = ()


MODULES = (
    "rewrite",
    "mpm_event",
    "authz_core",
    "headers",
    "proxy",
    "proxy_http",
    "reqtimeout",
    "setenvif",
    "ssl",
)
KINDS = {
    "nginx": Kind(
        ("nginx", "-p", "FOLDER", "-c", "configuration", "-e", "stderr"),
        "nginx",
        "listen 443 ssl;",
        "listen 127.0.0.1:{port} ssl;",
        "start worker process ",
        """
daemon off;
user root;
pid nginx.pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    BLOCK
}
""",
        ("nginx", "-p", "FOLDER", "-c", "configuration", "-e", "stderr", "-s", "reload"),
    ),
    "HAProxy": Kind(
        ("haproxy", "-W", "-db", "-f", "configuration"),
        "haproxy",
        "bind :443 ssl",
        "bind 127.0.0.1:{port} ssl",
        "Loading success",
        "BLOCK",
        ("sh", "-c", "kill -USR2 PID"),
    ),
    "httpd": Kind(
        ("apache2", "-D", "FOREGROUND", "-f", "FOLDER/configuration"),
        "apache",
        "Listen 443\n<VirtualHost *:443>",
        "Listen 127.0.0.1:{port}\n<VirtualHost 127.0.0.1:{port}>",
        "resuming normal operations",
        """
ServerRoot FOLDER
DefaultRuntimeDir FOLDER
PidFile httpd.pid
ServerName localhost
User www-data
Group www-data
ErrorLog /dev/stderr
"""
        + "".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in MODULES
        )
        + "BLOCK\n",
        ("apache2", "-f", "FOLDER/configuration", "-k", "graceful"),
    ),
    "Caddy": Kind(
        ("caddy", "run", "--config", "configuration", "--adapter", "caddyfile"),
        "caddyfile",
        "api.example.com {",
        "https://{host}:{port}, https://127.0.0.1:{port} {{",
        "serving initial configuration",
        # The global options of the block come first, and include the test's options.
        """
{
    admin unix//FOLDER/admin.sock
    auto_https disable_redirects
    default_bind 127.0.0.1
    skip_install_trust
    servers {
        strict_sni_host insecure_offBLOCK
""",
        ("caddy", "reload", "--config", "configuration", "--adapter", "caddyfile"),
    ),
    "Varnish": Kind(
        (
            "varnishd",
            "-F",
            "-j",
            "none",
            "-n",
            "FOLDER/working",
            "-f",
            "FOLDER/configuration",
            "-a",
            "127.0.0.1:PORT",
            "-s",
            "malloc,16m",
        ),
        "vcl",
        "vcl 4.1;",
        "vcl 4.1;",
        "Child launched OK",
        "BLOCK",
    ),
}
CADDYS_OPTIONS = "{\n    servers {"  # Caddy's block begins here; a test adds options
# Shorter timeouts, so that a test soon sees a hung or stopped service.
SHORT = {
    "nginx": {"proxy_read_timeout 60s;": "proxy_read_timeout 1s;"},
    "HAProxy": {"timeout server 60s": "timeout server 1s"},
    "httpd": {"ProxyTimeout 60": "ProxyTimeout 1"},
    "Caddy": {"response_header_timeout 60s": "response_header_timeout 1s"},
    "Varnish": {".first_byte_timeout = 60s;": ".first_byte_timeout = 1s;"},
}
# Shorter timeouts, so that a proxy soon ends a slow client.
HURRIED = {
    "nginx": {
        "client_header_timeout 10s;": "client_header_timeout 1s;",
        "client_body_timeout 10s;": "client_body_timeout 1s;",
    },
    "HAProxy": {
        "timeout http-request 10s": "timeout http-request 1s",
        "wait-for-body time 10s": "wait-for-body time 1s",
    },
    "httpd": {"header=10 body=10,": "header=1 body=1,"},
    "Caddy": {"read_header 10s": "read_header 1s", "read_body 60s": "read_body 1s"},
}
HURRIED["Varnish"] = HURRIED["nginx"]  # nginx is in front of it
NO_RETRIES = {"HAProxy": {"timeout connect 5s": "timeout connect 5s\n    retries 0"}}
# The proxy's own status for these services.
DOWN = {"nginx": 502, "HAProxy": 503, "httpd": 503, "Caddy": 502, "Varnish": 503}
HUNG = {"nginx": 504, "HAProxy": 504, "httpd": 502, "Caddy": 504, "Varnish": 503}


def block_of(language: str) -> str:
    """Return the block of the page in a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    return str(block)


@dataclass(frozen=True)
class Certificates:
    """Files: the service's certificate with its key, and the authority of clients."""

    server: Path
    clients: Path


@contextmanager
def proxy(
    name: str,
    folder: Path,
    service: int,
    certificates: Certificates,
    changes: Mapping[str, str] | None = None,
    host: str = HOST,
) -> Iterator[Server]:
    """Run a proxy with its block of the page, in front of a service on a port.

    `changes` maps texts of the block to their replacements. Varnish runs behind nginx, and each
    change applies to the block that contains the text.
    """
    if name != "Varnish":
        with started(name, folder, service, certificates, changes or {}, host) as server:
            yield server
        return
    own = {text: new for text, new in (changes or {}).items() if text in block_of("vcl")}
    others = {text: new for text, new in (changes or {}).items() if text not in own}
    cache = folder / "cache"
    cache.mkdir()
    with (
        started("Varnish", cache, service, certificates, own, host) as varnish,
        started("nginx", folder, varnish.port, certificates, others, host) as server,
    ):
        yield server


@contextmanager
def started(
    name: str,
    folder: Path,
    service: int,
    certificates: Certificates,
    changes: Mapping[str, str],
    host: str,
) -> Iterator[Server]:
    """Run one program with its block."""
    kind, port = KINDS[name], free_port()
    block = block_of(kind.language)
    for written, meant in {
        **changes,
        kind.listen: kind.listens.format(host=host, port=port),
        "127.0.0.1:8000": f"127.0.0.1:{service}",
    }.items():
        assert written in block, written
        block = block.replace(written, meant)
    for written, file in {
        "/etc/ssl/api.example.com.pem": certificates.server,
        "/etc/ssl/api.example.com.key": certificates.server,
        "/etc/ssl/clients.pem": certificates.clients,
    }.items():
        block = block.replace(written, str(file))
    around = kind.around.replace("FOLDER", str(folder))
    block = block.removeprefix(CADDYS_OPTIONS)
    (folder / "configuration").write_text(around.replace("BLOCK", block), encoding="utf-8")
    command = command_of(name, kind.command, FOLDER=folder, PORT=port)
    with run(command, folder, environment_in(folder)) as server:
        server.expect(kind.ready)
        server.port = port
        server.wait_until_it_accepts()  # Varnish says that it is ready before it listens
        yield server


def command_of(name: str, words: tuple[str, ...], **values: object) -> list[str]:
    """Return a command with its program's path, and with values for words in capitals."""
    need(name)
    program, *options = words
    for word, value in values.items():
        options = [option.replace(word, str(value)) for option in options]
    return [shutil.which(program, path=SERVERS_PATH) or program, *options]


def reload(name: str, folder: Path, server: Server) -> None:
    """Reload a proxy's configuration, and wait for the end; Caddy's command waits itself."""
    kind = KINDS[name]
    command = command_of(name, kind.reload, FOLDER=folder, PID=server.popen.pid)
    subprocess.run(command, cwd=folder, env=environment_in(folder), check=True, capture_output=True)
    if name != "Caddy":
        server.expect(f"(?s){kind.ready}.*{kind.ready}")


def environment_in(folder: Path) -> dict[str, str]:
    """Return an environment whose home is a folder."""
    home = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    return clean_environment(**home)


class Connection(http.client.HTTPSConnection):
    """A connection to a loopback port, by the service's name."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(HOST, port, timeout=PATIENCE)
        self.trust = context

    def connect(self) -> None:
        """Connect from the client's address."""
        sock = socket.create_connection(("127.0.0.1", self.port), PATIENCE, (VISITOR, 0))
        self.sock = self.trust.wrap_socket(sock, server_hostname=HOST)


@dataclass
class Front:
    """A proxy in front of a service."""

    service: Server
    proxy: Server
    context: ssl.SSLContext
    waits_for_body: bool = False  # the other proxies respond to the length alone

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
        """Send a request over TLS, from a separate client address."""
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
    """The authority that signs the certificates of servers and clients."""

    certificates: Certificates
    visitor: ssl.SSLContext
    client: ssl.SSLContext


def authority_in(folder: Path) -> Authority:
    """Create an authority with its files in a folder."""
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
