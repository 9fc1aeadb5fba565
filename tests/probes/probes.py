"""The rendered service with routes, middleware and handlers that fail in every way."""

from collections import Counter
from collections.abc import AsyncIterator

from app.main import create_app
from app.settings import Settings
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Gate:
    """Refuses some paths from a middleware, as authentication and rate limits do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/gated":
            await PlainTextResponse("Too many requests", 429)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def with_probes() -> FastAPI:
    app = create_app(Settings())
    app.add_middleware(Gate)

    @app.get("/boom")
    async def boom(reason: str = "no reason") -> None:
        raise RuntimeError(reason)

    @app.get("/unauthorized")
    async def unauthorized() -> None:
        raise HTTPException(401)

    @app.get("/broken-stream")
    async def broken_stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"the first half"
            raise RuntimeError("the stream broke")

        return StreamingResponse(parts())

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"one, ", b"two, ", b"three"):
                yield part

        return StreamingResponse(parts())

    transfers: Counter[str] = Counter()

    @app.post("/transfer/{name}")
    async def transfer(name: str) -> None:
        transfers[name] += 1

    @app.get("/transfer/{name}")
    async def count(name: str) -> int:
        return transfers[name]

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<!doctype html><title>The service's own page</title>"

    @app.get("/seen")
    async def seen(request: Request) -> dict[str, str]:
        return {"url": str(request.url), "client": request.client.host if request.client else ""}

    @app.get("/varied")
    async def varied() -> PlainTextResponse:
        return PlainTextResponse("", headers={"Vary": "Accept, origin"})

    @app.websocket("/ws")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    # A mounted application with a policy of its own, as vendored ones bring it.
    mounted = FastAPI()
    mounted.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True)
    mounted.add_api_route("/health", lambda: "ok")
    app.mount("/mounted", mounted)
    return app


app = with_probes()

debugging = with_probes()
debugging.debug = True

handling = with_probes()


@handling.exception_handler(Exception)
async def handle(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"handled": str(error)}, 500)
