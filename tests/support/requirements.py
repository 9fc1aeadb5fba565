"""Programs and ports that tests need. If one is missing, a test skips or fails."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from glob import glob
from typing import NoReturn

import pytest

REQUIRED_ENGINES = os.environ.get("REQUIRE_BROWSERS", "").split(",")
# The folders of Debian's servers, some of which most users' PATH lacks.
SERVERS_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
POSTGRES = "/usr/lib/postgresql/*/bin"


@dataclass(frozen=True)
class Program:
    """A program, its package, and its files as commands or patterns."""

    remedy: str
    files: tuple[str, ...]
    path: str | None = None  # None: the PATH of the run

    @property
    def is_installed(self) -> bool:
        """Return whether all files exist."""
        return all(shutil.which(file, path=self.path) or glob(file) for file in self.files)


def server(package: str, command: str) -> Program:
    return Program(f"apt-get install {package}", (command,), SERVERS_PATH)


PROGRAMS = {
    "chromium": Program("apt-get install chromium chromium-driver", ("chromium", "chromedriver")),
    "firefox": Program("apt-get install firefox-esr", ("firefox-esr",)),
    "webkit": Program(
        "apt-get install webkit2gtk-driver xvfb python3-gi gir1.2-webkit2-4.1",
        ("WebKitWebDriver", "Xvfb", "/usr/lib/*/girepository-1.0/WebKit2-4.1.typelib"),
    ),
    "nginx": server("nginx-light", "nginx"),
    "HAProxy": server("haproxy", "haproxy"),
    "httpd": server("apache2", "apache2"),
    "Caddy": server("caddy", "caddy"),
    "Varnish": server("varnish", "varnishd"),
    "wrk": Program("apt-get install wrk", ("wrk",)),
    "podman": Program(
        "apt-get install buildah podman runc", ("buildah", "podman", "runc"), SERVERS_PATH
    ),
    "PostgreSQL": Program(
        "apt-get install postgresql",
        tuple(f"{POSTGRES}/{name}" for name in ("initdb", "postgres", "psql")),
    ),
    "npm": Program("it comes with Node.js, 20 or later", ("npm",)),
}


def need(name: str, *, is_required: bool = any(REQUIRED_ENGINES)) -> None:
    """Skip a test that lacks a program, or fail it if the run requires browsers."""
    if not PROGRAMS[name].is_installed:
        lack(f"{name} is not installed: {PROGRAMS[name].remedy}", is_required)


def need_root(*, is_required: bool = any(REQUIRED_ENGINES)) -> None:
    """Skip or fail a test that only root can run, like `need`; root may also lack the right."""
    if os.geteuid() != 0:
        lack("the image needs root: run the tests as root", is_required)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("the image needs mounts, which this machine forbids even root")


def lack(message: str, is_required: bool) -> NoReturn:
    if is_required:
        pytest.fail(message)
    pytest.skip(message)


def missing() -> list[str]:
    """Return the line that names the missing programs, if any."""
    names = [name for name, program in PROGRAMS.items() if not program.is_installed]
    outcome = "Failing" if any(REQUIRED_ENGINES) else "Skipped"
    return [f"{outcome}, because not installed: {', '.join(names)}"] if names else []


def free(port: int, *, is_required: bool = any(REQUIRED_ENGINES)) -> str:
    """Return a port as an argument. If the port is in use, skip or fail the test like `need`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            message = f"port {port} is taken. The scenario needs it, so end what listens there"
            lack(message, is_required)
    return str(port)
