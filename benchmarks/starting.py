"""The time of a service before its first response, and its memory."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import loopback
from benchmarks.arms import BARE, ROOT
from benchmarks.figure import Figure
from tests.support.baking import CREDENTIALS
from tests.support.serving import send_from_many_origins

UVICORN = ["uvicorn", "{app}", "--port", "{port}", "--no-access-log", "--log-level", "critical"]
FLOOR = f"{BARE}, pydantic-settings"
# The services that get requests from unlisted origins, which take half a minute each.
ASKED = (FLOOR, "ours, cookies")


@dataclass(frozen=True)
class Start:
    """Seconds to the first response, and megabytes then and after unlisted origins."""

    seconds: Figure
    memory: float
    memory_after: float | None = None


def measure(
    projects: Mapping[str, Path], rounds: int, origins: int, progress: Callable[[str], None]
) -> dict[str, Start]:
    """Start each service several times in turn, and call some from unlisted origins."""
    apps = {FLOOR: (ROOT, "benchmarks.floor:app")}
    apps |= {f"ours, {answer}": (projects[answer], "app.main:app") for answer in CREDENTIALS}
    seconds: dict[str, list[float]] = {name: [] for name in apps}
    held: dict[str, tuple[float, ...]] = {}
    for turn in range(rounds):
        for name, (folder, app) in apps.items():
            progress(f"start {turn + 1} of {rounds}: {name}")
            began = time.perf_counter()
            with loopback.served(app, UVICORN, folder) as (session, port):
                seconds[name].append(time.perf_counter() - began)
                if turn == rounds - 1:
                    held[name] = (loopback.memory(session),)
                    if name in ASKED:
                        send_from_many_origins(port, "evil.example", origins)
                        held[name] += (loopback.memory(session),)
    return {name: Start(Figure(seconds[name]), *held[name]) for name in apps}
