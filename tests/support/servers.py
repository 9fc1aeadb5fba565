"""Command lines that serve a rendered project."""

import sys
from pathlib import Path

BIN = Path(sys.executable).parent
FASTAPI = [sys.executable, "-m", "fastapi"]
UVICORN = [sys.executable, "-m", "uvicorn", "app.main:app"]
OURS = [sys.executable, "-m", "app"]
GUNICORN = [str(BIN / "gunicorn"), "--worker-class", "uvicorn_worker.UvicornWorker", "app.main:app"]
HYPERCORN = [str(BIN / "hypercorn"), "app.main:app"]
DAPHNE = [str(BIN / "daphne"), "app.main:app"]
GRANIAN = [str(BIN / "granian"), "--interface", "asgi", "app.main:app"]
# How each server takes a port and a number of workers, and ends when no worker can start.
SERVERS: dict[str, tuple[list[str], list[str], set[int]]] = {
    "uvicorn": ([*UVICORN, "--port", "{}"], [], {3}),
    "uvicorn, workers": ([*UVICORN, "--port", "{}"], ["--workers", "2"], {0}),
    "fastapi run": ([*FASTAPI, "run", "--host", "127.0.0.1", "--port", "{}"], [], {3}),
    "fastapi run, workers": (
        [*FASTAPI, "run", "--host", "127.0.0.1", "--port", "{}"],
        ["--workers", "2"],
        {0},
    ),
    "python -m app": ([*OURS, "--port", "{}"], [], {3}),
    "python -m app, workers": ([*OURS, "--port", "{}"], ["--workers", "2"], {3}),
    # One worker: where two fail at once, gunicorn may trip over the second, and ends with 1.
    "gunicorn": ([*GUNICORN, "--bind", "127.0.0.1:{}"], [], {3}),
    "daphne": ([*DAPHNE, "--bind", "127.0.0.1", "--port", "{}"], [], {3}),
    # Its status is its own, or that of the worker that it looks at last.
    "hypercorn": ([*HYPERCORN, "--bind", "127.0.0.1:{}"], [], {0, 3}),
    "hypercorn, workers": ([*HYPERCORN, "--bind", "127.0.0.1:{}"], ["--workers", "2"], {0, 3}),
    "granian": ([*GRANIAN, "--workers-kill-timeout", "1", "--port", "{}"], ["--workers", "2"], {1}),
}


def command(server: str, port: int) -> list[str]:
    """Return the command line of a server on a port."""
    words, workers, _ = SERVERS[server]
    return [word.format(port) for word in words] + workers
