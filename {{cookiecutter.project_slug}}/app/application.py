"""The factory of the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cors_right import CORSFastAPI
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.trustedhost import TrustedHostMiddleware  # {%- if cookiecutter.__bearer +%}

from app.bearer import add_bearer  # {%- else %}

# {% endif +%}
from app.errors import invalid_request
from app.routes import (
    health,
    # {% if cookiecutter.__bearer %}
    me,
    # {% endif %}
    notes,
    # {% if cookiecutter.__credentialed %}
    session,
    # {% endif %}
)  # {%- if cookiecutter.__credentialed +%}
from app.session import add_session  # {%- endif +%}
from app.settings import Settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open resources, such as a database, before `yield`, and close them after it."""
    yield


def create_app(settings: Settings) -> CORSFastAPI:
    """Return the service with these settings."""
    app = CORSFastAPI(
        title={{cookiecutter.__name | literal}},
        description={{cookiecutter.__description | literal}},
        cors_policy=settings.cors_policy(),
        lifespan=lifespan,
        max_body_size=settings.max_body_size,
        openapi_url="/openapi.json" if settings.serve_docs else None,
        # A redirect behind a TLS proxy leads to http://, and browsers then send `Origin: null`.
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.exception_handler(RequestValidationError)(invalid_request)
    # {% if cookiecutter.__credentialed %}
    add_session(
        app,
        settings.session_secret,
        in_development=settings.fastapi_env == "development",
        is_cross_site={{cookiecutter.credentials == "cross-site-cookies"}},
    )
    # {% elif cookiecutter.__bearer %}
    add_bearer(app, settings.auth_jwks_url, settings.auth_issuer, settings.auth_audience)
    # {% endif %}
    if settings.allowed_hosts:
        # The container's health check calls 127.0.0.1.
        names = [*settings.allowed_hosts, "127.0.0.1"]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)
    app.include_router(health.router)
    # {% if cookiecutter.__bearer %}
    app.include_router(me.router)
    # {% endif %}
    app.include_router(notes.router)
    # {% if cookiecutter.__credentialed %}
    app.include_router(session.router)
    # {% endif %}
    return app
