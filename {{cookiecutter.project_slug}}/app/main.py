"""The service, put together: `uvicorn app.main:app` serves it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import ValidationError

from app import (
    # {% if cookiecutter.credentials == "bearer" %}
    bearer,
    # {% endif %}
    cors,
    # {% if cookiecutter.__browser_credentials %}
    session,
    # {% endif %}
)
from app.routes import health, notes
from app.settings import Settings, explain


def create_app(settings: Settings) -> FastAPI:
    """Return the application for the given settings."""
    policy = settings.cors_policy

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The one logger whose lines a plain `uvicorn app.main:app` shows.
        logging.getLogger("uvicorn.error").info(policy)
        yield

    app = cors.CORSFastAPI(
        title={{cookiecutter.__name | literal}},
        description={{cookiecutter.__description | literal}},
        cors_policy=policy,
        max_body_size=settings.max_body_size,
        # Behind a TLS proxy a redirect leads to http://, and the browser then sends `Origin: null`.
        redirect_slashes=False,
        lifespan=lifespan,
    )

    app.include_router(health.router)
    app.include_router(notes.router)
    # {% if cookiecutter.__browser_credentials %}
    session.add_session(app, settings)
    app.include_router(session.router)
    # {% endif %}
    # {% if cookiecutter.credentials == "bearer" %}
    bearer.add_bearer(app, settings)
    app.include_router(bearer.router)
    # {% endif %}
    return app


try:
    app = create_app(Settings())
except ValidationError as error:
    raise SystemExit(explain(error)) from None
