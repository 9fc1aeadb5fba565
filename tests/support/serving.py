"""Real servers on loopback ports that the system chooses."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

CACHE = Path(__file__).parent.parent.parent / ".pytest_cache"
COMPILED = CACHE / "compiled"
# Mypy's cache of the packages is valid for each rendered project. Each process of the run has its
# own folder, because they write at the same time.
CHECKED = CACHE / f"mypy-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
PROBES = Path(__file__).parent / "probes"
# Variables that services require outside development, depending on the answer.
REQUIRED = {
    "SESSION_SECRET": "a secret of the tests, of more than 32 bytes",
    "AUTH_JWKS_URL": "https://id.example.com/keys",
    "AUTH_ISSUER": "https://id.example.com/",
    "AUTH_AUDIENCE": "tests",
}
PATIENCE = 30  # seconds, for waits of less than one second on an idle machine


@dataclass
class Server:
    """A process whose output a thread reads continuously.

    `port` is its port, once known.
    """

    popen: subprocess.Popen[str]
    port: int = 0
    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    ended: bool = False

    def read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    @property
    def output(self) -> str:
        """Return the output of the process so far, from both streams."""
        with self.changed:
            return "\n".join(self.lines)

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait until the output matches, and fail with it if the process ends or takes too long."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.ended or re.search(pattern, "\n".join(self.lines)), PATIENCE
            )
        if match := re.search(pattern, self.output):
            return match
        state = "ended" if self.ended else f"said nothing of the kind for {PATIENCE} s"
        raise AssertionError(
            f"waiting for {pattern!r}, the process {state}. Its output:\n{self.output}"
        )

    def wait_until_it_accepts(self) -> None:
        """Wait for a socket that uvicorn binds before its workers listen, without any output."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
                return
            except ConnectionRefusedError:
                assert not self.ended and time.monotonic() < deadline, self.output
                with self.changed:
                    self.changed.wait(0.05)


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the shell's environment with the variables.

    The environment omits variables of the shell that the service or its tools would read. Compiled
    modules and mypy's cache go to separate folders, so that rendered projects stay unchanged and
    no file is compiled or checked twice.
    """
    reach = re.compile(
        "FASTAPI_.*|FRONTEND_ORIGINS|ALLOWED_HOSTS|MAX_BODY_SIZE|SERVE_DOCS|AUTH_.*"
        f"|{'|'.join(REQUIRED)}|PORT|FORWARDED_ALLOW_IPS|WEB_CONCURRENCY|UVICORN_.*"
        "|VIRTUAL_ENV|PYTHONPATH|PYTHONDONTWRITEBYTECODE|UV_PROJECT.*|UV_INTERNAL_.*"
    )
    shell = {name: value for name, value in os.environ.items() if not reach.fullmatch(name)}
    caches = {"PYTHONPYCACHEPREFIX": str(COMPILED), "MYPY_CACHE_DIR": str(CHECKED)}
    return shell | caches | variables


def fresh_machine(home: Path) -> dict[str, str]:
    """Return an environment with a fresh Python first on the PATH, and without uv."""
    venv.create(home / "python", with_pip=True)
    path = [str(home / "python" / "bin"), "/usr/bin", "/bin"]
    return clean_environment(PATH=os.pathsep.join(path), HOME=str(home))


@contextmanager
def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], user: int | None = None
) -> Iterator[Server]:
    """Run a command in a folder and a new session, and end the session with the block."""
    popen = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    process = Server(popen)
    reader = threading.Thread(target=process.read, daemon=True)
    reader.start()
    try:
        yield process
    except Exception:
        print(process.output)  # pytest shows it with the failed test
        raise
    finally:
        for ending in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):  # the session has no process left
                os.killpg(popen.pid, ending)
            with suppress(subprocess.TimeoutExpired):
                popen.wait(PATIENCE)
        reader.join(PATIENCE)


@contextmanager
def serve(
    project: Path, app: str, environment: Mapping[str, str], *options: str
) -> Iterator[Server]:
    """Serve a rendered project or its probes with uvicorn, and wait until it listens."""
    paths = os.pathsep.join([str(project), str(PROBES)])
    variables = clean_environment(PYTHONPATH=paths, **REQUIRED | dict(environment))
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        app,
        "--port",
        "0",
        "--timeout-graceful-shutdown",
        "1",
        *options,
    ]
    with run(command, project, variables) as server:
        server.port = int(server.expect(r"Uvicorn running on https?://127\.0\.0\.1:(\d+)")[1])
        yield server


Response = tuple[int, http.client.HTTPMessage, bytes]


def send(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> Response:
    """Send one unchanged request, and return status, headers and body."""
    return exchange(
        http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), method, path, headers, body
    )


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Response:
    """Send one unchanged request over an own connection, and close the connection."""
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def refusal(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> int | None:
    """Return the status of a request that the server may refuse before reading all of it.

    The server then closes the connection over the rest, and the kernel may reset the connection
    before the client has read the response: the status is None.
    """
    try:
        return send(port, method, path, headers, body)[0]
    except ConnectionError:
        return None


def send_from_many_origins(port: int, domain: str, count: int) -> None:
    """Send requests over one connection, a hundred at once, each from a new origin of a domain."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        answers = connection.makefile("rb")
        for first in range(0, count, 100):
            numbers = range(first, min(first + 100, count))
            heads = [f"Host: api\r\nOrigin: https://{number}.{domain}" for number in numbers]
            text = "".join(f"GET /health HTTP/1.1\r\n{head}\r\n\r\n" for head in heads)
            connection.sendall(text.encode())
            for _ in numbers:
                length = 0
                while line := answers.readline().strip().lower():
                    if line.startswith(b"content-length:"):
                        length = int(line.split()[-1])
                answers.read(length)


class Serving(Protocol):
    """A function that serves a project with uvicorn."""

    def __call__(self, project: Path, app: str = "app.main:app", **environment: str) -> Server: ...
