"""The replacement of a policy with many origins under load, as in docs/database.md."""

import asyncio
import time
from dataclasses import replace

from cors_right import CORSFastAPI, CORSPolicy
from cors_right.diagnostics.explain import scope_of
from starlette.types import Message

from tests.support.serving import PATIENCE

COUNT = 20_000  # origins in a list
REQUESTS = 300
KEPT = "https://kept.example"


def listed(generation: int) -> list[str]:
    """Return a list with one constant origin, and other origins that alternate."""
    return [KEPT, *(f"https://{generation}-{number}.example" for number in range(COUNT - 1))]


async def under_load(requests: int) -> list[set[bool]]:
    """Send requests while a thread replaces the policy repeatedly.

    Return the verdicts on an origin in each list, on an origin in no list, and on an alternating
    origin.
    """
    policy = CORSPolicy(allow_origins=listed(0))
    app = CORSFastAPI(cors_policy=policy)
    done = False

    async def follow() -> None:
        generation = 0
        while not done:
            generation = 1 - generation
            app.cors_policy = await asyncio.to_thread(
                replace, policy, allow_origins=listed(generation)
            )

    async def verdict(origin: str) -> bool:
        allowed: list[bool] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = [name.lower() for name, _ in message["headers"]]
                allowed.append(b"access-control-allow-origin" in names)

        await app(scope_of("GET", "https://api.example/", {"Origin": origin}), receive, send)
        return allowed[0]

    task = asyncio.create_task(follow())
    verdicts: list[set[bool]] = [set(), set(), set()]
    sent, deadline = 0, time.monotonic() + PATIENCE
    while sent < requests or (len(verdicts[2]) < 2 and time.monotonic() < deadline):
        await asyncio.sleep(0.001)  # a loop that never waits starves the replacing thread
        for found, origin in zip(
            verdicts, (KEPT, "https://none.example", "https://1-7.example"), strict=True
        ):
            found.add(await verdict(origin))
            sent += 1
    done = True
    await task  # raises the exception of a replacement
    return verdicts


def test_verdicts_stay_right_during_replacement() -> None:
    assert asyncio.run(under_load(REQUESTS)) == [{True}, {False}, {False, True}]
