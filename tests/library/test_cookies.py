"""Cookies that take too long to parse are refused before anything parses them."""

from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy
from fastapi import WebSocket

from tests.support.asgi import PRODUCTION, ask

APP = "https://app.example.com"
SLOW = '"' + "\\" * 60_000


@pytest.mark.parametrize(
    ("cookies", "status"),
    [
        ([], 200),
        ("a=1", 200),
        (f"a={'x' * (8192 - 2)}", 200),
        (["x" * 4096, "x" * 4096], 200),
        (f"a={'x' * (8192 - 1)}", 431),
        (["x" * 4096, "x" * 4097], 431),
        (f"a={SLOW}", 431),
    ],
)
def test_how_long_cookies_may_be(cookies: Any, status: int) -> None:
    headers = {"Origin": APP, "Cookie": cookies, "X-Other": "x" * 10_000}
    app = CORSFastAPI(cors_policy=CORSPolicy(**PRODUCTION))

    @app.get("/")
    async def read() -> str:
        return "read"

    @app.websocket("/")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()

    answer = ask(app, headers)
    assert answer.status == status
    assert answer.body == (b'"read"' if status == 200 else b"Cookies of more than 8192 bytes")
    assert answer.cors[b"access-control-allow-origin"] == APP.encode()
    assert ask(app, headers, scheme="wss").status == (101 if status == 200 else 403)
