"""The service, put together: `uvicorn app.main:app` serves it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import ValidationError

from app.cors import CorsFastAPI
from app.routes import health, notes
from app.settings import Settings, explain


def create_app(settings: Settings) -> FastAPI:
    """Return the application for the given settings."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The one logger whose lines a plain `uvicorn app.main:app` shows.
        logging.getLogger("uvicorn.error").info(settings.cors_policy)
        yield

    app = CorsFastAPI(
        title={{cookiecutter.__name | literal}},
        description={{cookiecutter.__description | literal}},
        cors_policy=settings.cors_policy,
        max_body_size=settings.max_body_size,
        # A redirect to the other spelling of a path loses the scheme behind a TLS proxy, and the browser its origin.
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(health.router)
    app.include_router(notes.router)
    return app


try:
    app = create_app(Settings())
except ValidationError as error:
    raise SystemExit(explain(error)) from None
