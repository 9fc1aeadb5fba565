"""The microseconds of a request: ASGI calls in this process, without sockets."""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Scope

from benchmarks.arms import (
    APP,
    BARE,
    PATTERN,
    PREVIEW,
    SESSION,
    SNIPPET,
    bare,
    load,
    snippet,
)
from benchmarks.figure import Figure
from tests.support.baking import CREDENTIALS

AGAIN = f"{BARE}, again"  # the noise
BROWSER = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-GB,en;q=0.9,de;q=0.8",
    "connection": "keep-alive",
    "origin": APP,
    "priority": "u=1, i",
    "referer": f"{APP}/",
    "sec-ch-ua": '"Chromium";v="156", "Not.A/Brand";v="24"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-site",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0",
}
FOREIGN = "https://evil.example"
ASKED = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "content-type",
}
# The columns: a method and headers.
REQUESTS: dict[str, tuple[str, Mapping[str, str]]] = {
    "no Origin": ("GET", {}),
    "exact": ("GET", {"origin": APP}),
    "pattern": ("GET", {"origin": PREVIEW}),
    "refused": ("GET", {"origin": FOREIGN}),
    "14 headers": ("GET", BROWSER),
    "preflight": ("OPTIONS", {"origin": APP, **ASKED}),
    "refused preflight": ("OPTIONS", {"origin": FOREIGN, **ASKED}),
    "hostile preflight": (
        "OPTIONS",
        {"origin": APP, **ASKED, "access-control-request-headers": "," * 1_000_000},
    ),
    "hostile origin": ("GET", {"origin": f"https://{'a.' * 250}test"}),
}
TURNS = 10  # of a round; the fastest counts, because other work on the machine slows down some
SLOW = ("hostile preflight",)  # a fifth of the calls


Figures = dict[str, dict[str, Figure]]
"""Microseconds for a call, by arm and request."""


def arms(projects: Mapping[str, Path]) -> dict[str, ASGIApp]:
    """Return the applications of the table."""
    regex = r"https://[a-z0-9-]+\.preview\.example\.com"
    return {
        BARE: bare(),
        AGAIN: bare(),
        SNIPPET: snippet([APP], regex),
        SESSION: snippet([APP], regex, session=True),
        **{f"ours, {answer}": load(projects[answer]) for answer in CREDENTIALS},
    }


def lists(projects: Mapping[str, Path]) -> dict[str, ASGIApp]:
    """Return the service with lists of several lengths, and as one of twenty parts."""
    project, found = projects["none"], {}
    for kind, form in (("origins", "https://{}.example.com"), ("patterns", "https://*.{}.example")):
        for count in (1, 100, 10_000):
            others = [form.format(f"x{number}") for number in range(count - 1)]
            listed = [*others, APP, PATTERN]
            found[f"{count:,} {kind}"] = load(project, frontend_origins=listed)
    part = load(project)
    mounts = [Mount(f"/part{number}", load(project)) for number in range(19)]
    found["one of 20 parts"] = Starlette(routes=[*mounts, Mount("/", part)])
    return found


def scope(method: str, headers: Mapping[str, str]) -> Scope:
    """Return a request for the route."""
    names = {"host": "api.example.com", "accept": "*/*", "user-agent": "benchmark", **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": "/health",
        "raw_path": b"/health",
        "root_path": "",
        "query_string": b"",
        "server": ("api.example.com", 443),
        "client": ("192.0.2.1", 50000),
        "headers": [(name.encode(), value.encode()) for name, value in names.items()],
    }


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    pass


async def once(app: ASGIApp, request: tuple[str, Mapping[str, str]], calls: int) -> float:
    """Return the microseconds of a call, as the mean of several calls."""
    scopes = [scope(*request) for _ in range(calls)]
    start = time.perf_counter()
    for one in scopes:
        await app(one, receive, send)
    return (time.perf_counter() - start) / calls * 1e6


def measure(
    arms: Mapping[str, ASGIApp],
    requests: Mapping[str, tuple[str, Mapping[str, str]]],
    rounds: int,
    calls: int,
    progress: Callable[[str], None],
) -> Figures:
    """Measure every arm with every request, and reverse the order in each round.

    `calls` is the number of calls in a turn.
    """
    taken: dict[tuple[str, str], list[float]] = {(a, r): [] for a in arms for r in requests}
    loop = asyncio.new_event_loop()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for number in range(rounds):
            progress(f"in process, round {number + 1} of {rounds}")
            for name, request in requests.items():
                count = max(1, calls // 5) if name in SLOW else calls
                turns: dict[str, list[float]] = {arm: [] for arm in arms}
                for arm in TURNS * ([*arms] if number % 2 else [*arms][::-1]):
                    took = loop.run_until_complete(once(arms[arm], request, count))
                    turns[arm].append(took)
                for arm, times in turns.items():
                    taken[arm, name].append(min(times))
    finally:
        gc.enable()
        gc.unfreeze()
        loop.close()
    figures: Figures = {arm: {} for arm in arms}
    for (arm, name), times in taken.items():
        figures[arm][name] = Figure(times)
    return figures
