"""The applications to compare: the same route behind different ways to configure CORS."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp

from tests.support.serving import REQUIRED

ROOT = Path(__file__).parent.parent
APP = "https://app.example.com"
PATTERN = "https://*.preview.example.com"
PREVIEW = "https://pr-7.preview.example.com"
ENVIRONMENT = REQUIRED | {"FASTAPI_ENV": "production"}
BARE, SNIPPET, SESSION = "bare FastAPI", "pasted snippet", "snippet, SessionMiddleware"


def bare() -> FastAPI:
    """Return the route alone, as a rendered service has it: from a router, with a body limit."""
    app = FastAPI(max_body_size=1024 * 1024)
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    app.include_router(router)
    return app


def snippet(origins: list[str], regex: str | None = None, *, session: bool = False) -> FastAPI:
    """Return the route behind the snippet that people paste."""
    app = bare()
    if session:
        app.add_middleware(SessionMiddleware, secret_key=REQUIRED["SESSION_SECRET"])
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_origin_regex=regex,
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )
    return app


@contextmanager
def rendered() -> Iterator[dict[str, Path]]:
    """Render a service for each answer."""
    # Servers of the applications do not need these, and their start and memory count.
    from cookiecutter.main import cookiecutter

    from tests.support.baking import CREDENTIALS

    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        yield {
            answer: Path(
                cookiecutter(
                    str(ROOT),
                    no_input=True,
                    output_dir=folder,
                    extra_context={
                        "project_slug": answer,
                        "credentials": answer,
                        "frontend_origins": f"{APP},{PATTERN}",
                    },
                )
            )
            for answer in CREDENTIALS
        }


def load(project: Path, **arguments: Any) -> ASGIApp:
    """Return the application of a rendered service; its modules make room for the next one's."""
    logging.getLogger("cors_right").addHandler(logging.NullHandler())  # print no refusals
    before = take_modules()
    sys.path.insert(0, str(project))
    try:
        with patch.dict(os.environ, ENVIRONMENT):
            settings = import_module("app.settings").Settings(**arguments)
        app: ASGIApp = import_module("app.application").create_app(settings)
        return app
    finally:
        sys.path.remove(str(project))
        take_modules()
        sys.modules.update(before)


def take_modules() -> dict[str, ModuleType]:
    """Remove the imported modules of a service, and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] == "app"]
    return {name: sys.modules.pop(name) for name in names}
