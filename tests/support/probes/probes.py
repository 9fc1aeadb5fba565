"""The rendered service with routes, middleware and handlers that fail in every way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

from fastapi import FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.application import create_app
from app.settings import Settings


class Gate:
    """A middleware that answers some paths, like authentication and rate limits."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/gated":
            await PlainTextResponse("Too many requests", 429)(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == "/cookies":  # as they came
            await PlainTextResponse(repr(Headers(scope=scope).get("cookie")))(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def with_probes() -> FastAPI:
    app = create_app(Settings.load())
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

    @app.get("/subject")
    async def subject(request: Request) -> str | None:
        return request.headers.get("X-Client-Subject")

    gate = asyncio.Event()

    @app.get("/drip")
    async def drip() -> StreamingResponse:
        """Send the second half after a request for it."""

        async def halves() -> AsyncIterator[bytes]:
            yield b"first"
            await gate.wait()
            gate.clear()
            yield b"second"

        return StreamingResponse(halves())

    @app.get("/drop")
    async def drop() -> None:
        gate.set()

    @app.get("/hang")
    async def hang() -> None:
        await asyncio.Event().wait()

    transfers: Counter[str] = Counter()

    @app.post("/transfer/{name}")
    async def transfer(name: str) -> None:
        transfers[name] += 1

    @app.get("/transfer/{name}")
    async def transferred(name: str) -> int:
        return transfers[name]

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return "<!doctype html><title>The service's own page</title>"

    @app.get("/seen")
    async def seen(request: Request) -> dict[str, str]:
        return {"url": str(request.url), "client": request.client.host if request.client else ""}

    @app.get("/plant")
    async def plant(cookie: str) -> PlainTextResponse:
        """Set a cookie for the whole site, after a blank that browsers keep."""
        response = PlainTextResponse("")
        value = b"\xa0" + cookie.encode() + b"; Domain=example.localhost; Path=/"
        response.raw_headers.append((b"set-cookie", value))
        return response

    @app.get("/varied")
    async def varied() -> PlainTextResponse:
        return PlainTextResponse("", headers={"Vary": "Accept, origin"})

    times = count()

    @app.get("/kept")
    async def kept(response: Response) -> int:
        """Return the number of requests so far, in a response that caches can keep."""
        response.headers["Cache-Control"] = "public, max-age=3600"
        return next(times)

    @app.websocket("/ws")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    # A mounted application with its own policy, like vendored ones.
    mounted = FastAPI()
    mounted.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True)
    mounted.add_api_route("/health", lambda: "ok")
    app.mount("/mounted", mounted)

    async def shouting(scope: Scope, receive: Receive, send: Send) -> None:
        """Respond like Django, with header names in mixed case."""
        names = (b"Access-Control-Allow-Origin", b"Access-Control-Allow-Credentials", b"Vary")
        headers = [*zip(names, (b"*", b"true", b"Origin"), strict=True)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    app.mount("/shouting", shouting)
    return app


app = with_probes()

debugging = with_probes()
debugging.debug = True

handling = with_probes()


@handling.exception_handler(Exception)
async def handle(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"handled": str(error)}, 500)
