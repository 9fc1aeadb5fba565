"""Real proxies on loopback, configured with the blocks of docs/proxies.md."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.baking import ROOT
from tests.conftest import not_installed
from tests.serving import Server, clean_environment, free_port, run

PAGE = ROOT / "docs" / "proxies.md"
PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
HOST = "api.example.com"
LISTED = ("https://app.example.com", "https://admin.example.com")


@dataclass(frozen=True)
class Kind:
    """A proxy: where its block is, and what a test needs around that.

    Everything that it writes is in its own folder, and it stays in the foreground. `listen` is what
    the block says of its port, `listens` what a test says instead, and `ready` what the proxy
    prints when it listens.
    """

    package: str
    command: tuple[str, ...]
    language: str
    listen: str
    listens: str
    ready: str
    around: str


MODULES = (
    "rewrite",
    "mpm_event",
    "authz_core",
    "headers",
    "proxy",
    "proxy_http",
    "setenvif",
    "ssl",
)
KINDS = {
    "nginx": Kind(
        "nginx-light",
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
    ),
    "HAProxy": Kind(
        "haproxy",
        ("haproxy", "-W", "-db", "-f", "configuration"),
        "haproxy",
        "bind :443 ssl",
        "bind 127.0.0.1:{port} ssl",
        "Loading success",
        "BLOCK",
    ),
    "httpd": Kind(
        "apache2",
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
    ),
    "Caddy": Kind(
        "caddy",
        ("caddy", "run", "--config", "configuration", "--adapter", "caddyfile"),
        "caddyfile",
        "api.example.com {",
        "https://api.example.com:{port}, https://127.0.0.1:{port} {{",
        "serving initial configuration",
        """
{
    admin off
    auto_https disable_redirects
    default_bind 127.0.0.1
    skip_install_trust
    servers {
        strict_sni_host insecure_off
    }
}
BLOCK
""",
    ),
}


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
) -> Iterator[Server]:
    """Run a proxy with its block of the page in front of a service on a port.

    `changes` are texts of the block, and what takes their place.
    """
    kind, port = KINDS[name], free_port()
    block = block_of(kind.language)
    for written, meant in {
        **(changes or {}),
        kind.listen: kind.listens.format(port=port),
        "127.0.0.1:8000": f"127.0.0.1:{service}",
        "/etc/ssl/api.example.com.pem": str(certificates.server),
        "/etc/ssl/api.example.com.key": str(certificates.server),
        "/etc/ssl/clients.pem": str(certificates.clients),
    }.items():
        assert written in block or written.endswith(".key"), written
        block = block.replace(written, meant)
    around = kind.around.replace("FOLDER", str(folder))
    (folder / "configuration").write_text(around.replace("BLOCK", block), encoding="utf-8")
    program, *options = (word.replace("FOLDER", str(folder)) for word in kind.command)
    found = shutil.which(program, path=PATH)
    if found is None:
        not_installed(program, f"apt-get install {kind.package}")
    home = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    with run([found, *options], folder, clean_environment(**home)) as server:
        server.expect(kind.ready)
        server.port = port
        yield server
