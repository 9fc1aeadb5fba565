"""Cookies that take too long to parse are refused before anything parses them."""

from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient

from app.cors import CORSFastAPI, CORSPolicy
from app.cors.cookies import CookieGuard
from tests.engine.asgi import PRODUCTION, ask, passed

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
    headers = {"Cookie": cookies, "X-Other": "x" * 10_000}
    answer = ask(CookieGuard(passed), headers)
    assert answer.status == status
    assert answer.body == (b"/" if status == 200 else b"Cookies of more than 8192 bytes")
    accepted = ask(CookieGuard(passed), headers, scheme="wss").status == 101
    assert accepted == (status == 200)


def test_the_page_reads_why() -> None:
    app = CORSFastAPI(cors_policy=CORSPolicy(**PRODUCTION))
    answer = ask(app, {"Origin": APP, "Cookie": f"a={SLOW}"})
    assert answer.status == 431
    assert answer.cors[b"access-control-allow-origin"] == APP.encode()


def test_a_lifespan_has_no_headers() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()

    with TestClient(CookieGuard(app)) as client, client.websocket_connect("/ws"):
        pass
