"""The service's routes: some cannot work, and some must not run."""

import asyncio
from collections.abc import AsyncIterator

from cors_right import CORSFastAPI
from fastapi import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from tests.support.service.settings import Settings

written: list[str] = []


def create_app(settings: Settings) -> CORSFastAPI:
    """Return the service."""
    app = CORSFastAPI(cors_policy=settings.cors_policy())

    @app.get("/notes")
    async def read() -> str:
        return settings.fastapi_env

    @app.post("/notes")
    @app.delete("/notes")
    async def write(request: Request) -> None:
        written.append(request.method)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("boom")

    @app.get("/forever")
    async def forever() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield b"x"
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.get("/never")
    async def never() -> None:
        await asyncio.Event().wait()

    @app.get("/elsewhere")
    async def elsewhere() -> RedirectResponse:
        return RedirectResponse("http://elsewhere.example/")

    @app.get("/echo")
    async def echo(request: Request) -> Response:
        body = await request.body()
        leaves = asyncio.create_task(request.is_disconnected())
        headers = {"X-Host": request.headers["host"], "X-Body": repr(body)}
        return Response(headers=headers | {"X-Leaves": str(await leaves)})

    @app.get("/secret")
    async def secret() -> RedirectResponse:
        return RedirectResponse("https://user:secret@elsewhere.example/")

    @app.get("/moved")
    async def moved() -> RedirectResponse:
        return RedirectResponse("/notes?x=%20")

    return app
