"""Real servers on loopback under `wrk`: requests per second, latency, processor and memory."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arms import APP, BARE, ENVIRONMENT, ROOT, SESSION, SNIPPET
from benchmarks.figure import Figure
from tests.support.baking import CREDENTIALS
from tests.support.serving import free_port

BIN = Path(sys.executable).parent
CONNECTIONS = 32
SERVERS: dict[str, list[str]] = {
    "uvicorn, httptools": ["uvicorn", "{app}", "--port", "{port}", "--no-access-log"],
    "uvicorn, h11": ["uvicorn", "{app}", "--port", "{port}", "--no-access-log", "--http", "h11"],
    "granian": ["granian", "--interface", "asgi", "--port", "{port}", "{app}"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}", "{app}"],
}
PASTED = {
    BARE: "bare",
    SNIPPET: "snippet",
    SESSION: "session",
    "full-stack-fastapi-template": "full_stack",
    "cookiecutter-django": "django_like",
}
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Load:
    """The figures of `wrk` and the kernel for a server under load."""

    per_second: Figure
    p50: Figure  # milliseconds
    p99: Figure
    processor: Figure  # microseconds per request, in all processes of the server
    memory: Figure  # megabytes


def is_installed() -> bool:
    """Return whether `wrk`, Debian's package of that name, is installed."""
    return shutil.which("wrk") is not None


@contextmanager
def served(
    app: str,
    command: list[str],
    folder: Path,
    variables: Mapping[str, str] = ENVIRONMENT,
    path: str = "/health",
) -> Iterator[tuple[int, int]]:
    """Run an application's server in a folder, and yield its session and port once it responds."""
    port = free_port()
    program, *options = (word.format(app=app, port=port) for word in command)
    popen = subprocess.Popen(
        [str(BIN / program), *options],
        cwd=folder,
        env={
            **os.environ,
            **variables,
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "",  # compiled once, as in owners' services
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer_of(port, path, popen)
        yield popen.pid, port
    finally:
        with suppress(ProcessLookupError):  # it did not start
            os.killpg(popen.pid, signal.SIGTERM)
        try:
            popen.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()


def answer_of(port: int, path: str, popen: subprocess.Popen[bytes]) -> None:
    """Wait until the server responds."""
    deadline = time.monotonic() + PATIENCE
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
                connection.sendall(request)
                if connection.recv(12).endswith(b"200"):
                    return
        except OSError:
            pass
        if popen.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("a server did not start")
        time.sleep(0.002)


def processes(session: int) -> list[Path]:
    """Return the folders in /proc of a session's processes."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found.append(stat.parent)
    return found


def processor(session: int) -> float:
    """Return the seconds of processor time that a session used."""
    ticks = 0
    for folder in processes(session):
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(session: int) -> float:
    """Return the megabytes of memory that a session uses."""
    pages = sum(int((folder / "statm").read_text().split()[1]) for folder in processes(session))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def load(session: int, port: int) -> tuple[float, ...]:
    """Put a server under load for a second, and return the figures of a `Load`."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "--latency", "-H", f"Origin: {APP}"]
    before = processor(session)
    said = subprocess.check_output([*command, f"http://127.0.0.1:{port}/health"], text=True)
    used = processor(session) - before
    (total,) = re.findall(r"(\d+) requests in", said)
    (per_second,) = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    assert "Non-2xx" not in said, said
    return (
        float(per_second),
        milliseconds(said, "50%"),
        milliseconds(said, "99%"),
        used / int(total) * 1e6,
        memory(session),
    )


def milliseconds(said: str, percentile: str) -> float:
    (value, unit), *_ = re.findall(rf"{percentile}\s+([\d.]+)(us|ms|s)\b", said)
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measure(
    projects: Mapping[str, Path],
    rounds: int,
    progress: Callable[[str], None],
    servers: Iterable[str] = SERVERS,
) -> dict[str, dict[str, Load]]:
    """Measure every arm under every server, in turn, with new processes in each round.

    Processes of the same application differ by up to a fifth during their whole life.
    """
    apps = {name: (ROOT, f"benchmarks.pasted:{app}") for name, app in PASTED.items()}
    apps |= {f"ours, {answer}": (projects[answer], "app.main:app") for answer in CREDENTIALS}
    figures: dict[str, dict[str, Load]] = {}
    for server in servers:
        loads: dict[str, list[tuple[float, ...]]] = {name: [] for name in apps}
        for turn in range(rounds):
            progress(f"{server}, round {turn + 1} of {rounds}")
            with ExitStack() as stack, ThreadPoolExecutor() as pool:
                starts = [
                    pool.submit(stack.enter_context, served(app, SERVERS[server], folder))
                    for folder, app in apps.values()
                ]
                running = dict(zip(apps, (start.result() for start in starts), strict=True))
                for name in [*apps] if turn % 2 else [*apps][::-1]:
                    loads[name].append(load(*running[name]))
        figures[server] = {
            name: Load(*(Figure([*values]) for values in zip(*taken, strict=True)))
            for name, taken in loads.items()
        }
    return figures
