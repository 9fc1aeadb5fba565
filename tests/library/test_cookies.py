"""Cookies that take long to parse, which the service refuses before parsing."""

import sys
from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy
from cors_right.log import LimitLog
from cors_right.middleware import MAX_BACKSLASHES, MAX_COOKIES
from fastapi import Request, WebSocket
from starlette.requests import cookie_parser

from tests.support import words
from tests.support.asgi import PRODUCTION, ask
from tests.support.work import calls_of

APP = "https://app.example.com"
BACKSLASHES = "\\" * MAX_BACKSLASHES


def service() -> CORSFastAPI:
    app = CORSFastAPI(cors_policy=CORSPolicy(**PRODUCTION))

    @app.get("/")
    async def read(request: Request) -> str:
        return "read" if request.cookies is not None else ""

    @app.websocket("/")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()

    return app


@pytest.mark.parametrize(
    ("cookies", "status"),
    [
        ([], 200),
        ("a=1", 200),
        (f"a={'x' * (MAX_COOKIES - 2)}", 200),
        (["x" * 4096, "x" * 4096], 200),
        (f'a="{BACKSLASHES}"', 200),
        ([f'a="{BACKSLASHES[1:]}"', 'b="\\"'], 200),
        (f"a={'x' * (MAX_COOKIES - 1)}", 431),
        (["x" * 4096, "x" * 4097], 431),
        (f'a="{BACKSLASHES}\\"', 431),
        ([f'a="{BACKSLASHES}"', 'b="\\"'], 431),
        (f'a="{BACKSLASHES * 20}"', 431),
        (f'a="{BACKSLASHES * 200}"', 431),
    ],
)
def test_service_refuses_costly_cookies(cookies: Any, status: int) -> None:
    headers = {"Origin": APP, "Cookie": cookies, "X-Other": "x" * 10_000 + "\\" * 1000}
    app = service()
    answer = ask(app, headers)
    assert answer.status == status
    assert answer.body.startswith(b'"read"' if status == 200 else words.COSTLY.encode())
    assert answer.cors[b"access-control-allow-origin"] == APP.encode()
    assert ask(app, headers, scheme="wss").status == (101 if status == 200 else 403)


def test_preflight_with_costly_cookie_passes_without_a_log_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cors_right.middleware.limits", LimitLog())
    headers = {"Origin": APP, "Access-Control-Request-Method": "GET", "Cookie": "x" * 10_000}
    assert ask(service(), headers, "OPTIONS").status == 200
    assert not caplog.records


def test_work_for_the_costliest_accepted_cookie_is_bounded() -> None:
    """Bound the calls, because each call of an unfixed parser reads the rest of the cookie."""
    rest = "x" * (MAX_COOKIES - MAX_BACKSLASHES - len('a=""'))
    costliest = f'a="{BACKSLASHES}{rest}"'
    assert len(costliest) == MAX_COOKIES
    assert calls_of(cookie_parser, costliest) < 8 * MAX_BACKSLASHES
    refused = 'a="' + BACKSLASHES * 31 + '"'
    assert sys.version_info >= (3, 11, 10) or calls_of(cookie_parser, refused) > 10_000
