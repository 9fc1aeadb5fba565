"""Limits of requests, which the log names in a line."""

import asyncio
from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy
from cors_right.log import LimitLog
from cors_right.middleware import MAX_COOKIES
from cors_right.request import Request
from fastapi import HTTPException
from fastapi import Request as FastAPIRequest
from starlette.types import Message, Scope

from tests.support import words
from tests.support.asgi import PRODUCTION, raw
from tests.support.words import APP

LIMIT = 10  # bytes of a body


def service(**arguments: Any) -> CORSFastAPI:
    policy = CORSPolicy(**PRODUCTION | arguments)
    app = CORSFastAPI(cors_policy=policy, max_body_size=LIMIT)

    @app.post("/read")
    async def read(request: FastAPIRequest) -> int:
        return len(await request.body())

    @app.post("/unread")
    async def unread() -> None: ...

    @app.post("/parsed")
    async def parsed(body: list[int]) -> int:
        return len(body)

    @app.post("/own")
    async def own() -> None:
        raise HTTPException(413)

    return app


def post(app: CORSFastAPI, path: str, body: bytes, headers: dict[str, Any]) -> list[Message]:
    """Send a body, and return the messages of the response."""
    sent: list[Message] = []
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": path,
        "query_string": b"",
        "headers": raw({"Origin": APP, **headers}),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


CHUNKED = {"Transfer-Encoding": "chunked"}
LENGTH = {"Content-Length": str(LIMIT + 1)}
TOO_LARGE = words.TOO_LARGE.format(LIMIT)


@pytest.mark.parametrize(
    ("path", "size", "headers", "status", "line"),
    [
        ("/read", LIMIT, {}, 200, None),
        ("/read", LIMIT + 1, CHUNKED, 413, f"/read: {TOO_LARGE}"),
        ("/read", LIMIT + 1, LENGTH, 413, f"/read: {TOO_LARGE}"),
        ("/unread", LIMIT + 1, LENGTH, 413, f"/unread: {TOO_LARGE}"),
        ("/parsed", LIMIT + 1, LENGTH, 413, f"/parsed: {TOO_LARGE}"),
        ("/own", 0, {}, 413, None),
        ("/own", 0, {"Content-Length": ["11", "11"]}, 413, None),
        ("/own", 0, {"Content-Length": "1" * 5000}, 413, None),
        ("/own", LIMIT, {"Content-Length": str(LIMIT)}, 413, None),
        ("/a\nb", LIMIT + 1, LENGTH, 413, f"/a%0Ab: {TOO_LARGE}"),
        ("/read", 0, {"Cookie": "x" * (MAX_COOKIES + 1)}, 431, f"/read: {words.COSTLY} (431)"),
    ],
)
def test_log_names_the_limit(
    path: str,
    size: int,
    headers: dict[str, Any],
    status: int,
    line: str | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cors_right.middleware.limits", LimitLog())
    assert post(service(), path, b"1" * size, headers)[0]["status"] == status
    expected = [f"Refused POST {line}"] if line else []
    assert [record.getMessage() for record in caplog.records] == expected


@pytest.mark.parametrize("path", ["/read", "/unread", "/parsed"])
@pytest.mark.parametrize("development", [True, False])
def test_body_names_the_limit_in_development_only(path: str, development: bool) -> None:
    app = service(development=development)
    start, body = post(app, path, b"1" * (LIMIT + 1), LENGTH)
    headers = dict(start["headers"])
    assert (TOO_LARGE.encode() in body["body"]) == development
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    assert headers[b"access-control-allow-origin"] == APP.encode()
    own = post(app, "/own", b"", {})
    assert TOO_LARGE.encode() not in own[1]["body"]


def test_flood_of_bodies_gives_one_line_per_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = LimitLog(lambda: now)
    for now in (0.0, 1.0, 59.9, 60.0, 61.0, 120.0):
        scope: Scope = {"path": f"/{now}", "headers": []}
        policy = CORSPolicy(**PRODUCTION)
        log.write(Request({**scope, "method": "POST"}, policy), "too large")
        log.write(Request(scope, policy), "too many cookies")
    assert [record.getMessage() for record in caplog.records] == [
        f"Refused {what}"
        for time in ("0.0", "60.0", "120.0")
        for what in (f"POST /{time}: too large", f"WebSocket /{time}: too many cookies")
    ]
