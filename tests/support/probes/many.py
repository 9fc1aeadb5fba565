"""Many services in one process, each with its own settings, selected by Host's first label."""

import json
import os

from cors_right import log
from fastapi import WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

from app.application import create_app
from app.settings import Settings

log.INTERVAL = 0  # a line for each refusal, because every test looks for its own


def service(variables: dict[str, str]) -> ASGIApp:
    os.environ |= variables
    app = create_app(Settings.load())

    @app.websocket("/{path:path}")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    return app


services = [service(variables) for variables in json.loads(os.environ["SERVICES"])]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await services[0](scope, receive, send)
        return
    host = dict(scope["headers"])[b"host"].decode()
    await services[int(host.partition(".")[0].removeprefix("s"))](scope, receive, send)
