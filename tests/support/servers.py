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
# Arguments of each server for a port and for workers, and its exit statuses if no worker can start.
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
    # One worker, because gunicorn may exit with 1 if two workers fail at once.
    "gunicorn": ([*GUNICORN, "--bind", "127.0.0.1:{}"], [], {3}),
    "daphne": ([*DAPHNE, "--bind", "127.0.0.1", "--port", "{}"], [], {3}),
    # The exit status is hypercorn's own, or the status of the last worker that it reads.
    "hypercorn": ([*HYPERCORN, "--bind", "127.0.0.1:{}"], [], {0, 3}),
    "hypercorn, workers": ([*HYPERCORN, "--bind", "127.0.0.1:{}"], ["--workers", "2"], {0, 3}),
    "granian": ([*GRANIAN, "--workers-kill-timeout", "1", "--port", "{}"], ["--workers", "2"], {1}),
}


def command(server: str, port: int) -> list[str]:
    """Return the command line of a server on a port."""
    words, workers, _ = SERVERS[server]
    return [word.format(port) for word in words] + workers
