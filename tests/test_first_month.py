"""Additions of owners in the first month.

The service's own tests pass after every second step, and advise before some, as one answer shows.
Finally the gate passes for every answer. No step edits `cors_right/`.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cors_right.diagnostics.browser import Fetch

from tests.support import words
from tests.support.baking import CREDENTIALS, Bakery
from tests.support.browse import fetch
from tests.support.checks import passes, tool
from tests.support.servers import SERVERS, command
from tests.support.serving import REQUIRED, clean_environment, free_port, run
from tests.support.slow import slow_except

FRONTEND, PARTNER = "https://app.example.com", "https://partner.example.org"
ADMIN = "https://admin.example.com"
FOREIGN = "https://evil.example"
IN_FORCE = re.escape(words.in_force(ADMIN, FRONTEND, PARTNER).rpartition(",")[0])
SETTINGS, APPLICATION = "app/settings.py", "app/application.py"
CLASS = '    """Your variables, and the CORS policy of each environment."""\n'
ROUTES = "    return app\n"


@dataclass
class Step:
    """Files to write, and texts to insert or replace in existing files."""

    name: str
    new: dict[str, str] = field(default_factory=dict)
    before: list[tuple[str, str, str]] = field(default_factory=list)
    instead: list[tuple[str, str, str]] = field(default_factory=list)
    advice: str = ""  # of the service's own tests, before the edits in `instead`

    def begin(self, project: Path) -> None:
        for name, text in self.new.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_text(text, encoding="utf-8")
        for name, mark, text in self.before:
            edit(project / name, mark, text + mark)

    def complete(self, project: Path) -> None:
        for name, old, text in self.instead:
            edit(project / name, old, text)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text, f"{old!r} is not in {file.name}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def imported(line: str, name: str = APPLICATION) -> tuple[str, str, str]:
    """Return the edit that adds an import, which ruff sorts later."""
    mark = "from fastapi import " if name == APPLICATION else "from typing import "
    return (name, mark, f"{line}\n")


STEPS = [
    Step(
        "a required secret",
        before=[
            (SETTINGS, "    max_body_size", "    payment_key: SecretStr\n"),
            imported("from pydantic import SecretStr", SETTINGS),
            ("tests/conftest.py", '    "fastapi_env"', '    "payment_key": "k",\n'),
        ],
    ),
    Step(
        "a DSN, a nested model and a model validator",
        before=[
            (
                SETTINGS,
                "    max_body_size",
                "    database_dsn: PostgresDsn | None = None\n    mail: Mail = Mail()\n",
            ),
            (
                SETTINGS,
                "class Settings(",
                "class Mail(BaseModel):\n    host: str = 'localhost'\n    port: int = 25\n\n\n",
            ),
            (
                SETTINGS,
                "    def cors_policy(",
                '    @model_validator(mode="after")\n'
                "    def _mail_is_local(self) -> Self:\n"
                "        if self.mail.port == 0:\n"
                '            raise ValueError("mail needs a port")\n'
                "        return self\n\n",
            ),
            imported("from pydantic import BaseModel, PostgresDsn, model_validator", SETTINGS),
            imported("from pydantic_settings import SettingsConfigDict", SETTINGS),
            imported("from typing import Self", SETTINGS),
        ],
        instead=[
            (
                SETTINGS,
                CLASS,
                f'{CLASS}\n    model_config = SettingsConfigDict(env_nested_delimiter="__")\n',
            )
        ],
    ),
    Step(
        "another frontend",
        before=[(SETTINGS, '"https://app.example.com"]', f'"{ADMIN}", ')],
    ),
    Step(
        "a second list of frontends",
        before=[(SETTINGS, "    max_body_size", f'    partner_origins: Origins = ["{PARTNER}"]\n')],
        instead=[
            (
                SETTINGS,
                "allow_origins=self.frontend_origins",
                "allow_origins=[*self.frontend_origins, *self.partner_origins]",
            )
        ],
    ),
    Step(
        "a router with header dependencies",
        new={
            "app/routes/orders.py": (
                "from typing import Annotated\n\n"
                "from fastapi import APIRouter, Depends, Header\n\n"
                "from app.dependencies import SettingsDep\n\n\n"
                "async def tenant(x_tenant: Annotated[str, Header()]) -> str:\n"
                "    return x_tenant\n\n\n"
                'router = APIRouter(prefix="/orders", tags=["orders"])\n\n\n'
                '@router.get("")\n'
                "async def list_orders(\n"
                "    tenant: Annotated[str, Depends(tenant)], settings: SettingsDep\n"
                ") -> list[str]:\n"
                "    return [tenant, str(settings.max_body_size)]\n"
            )
        },
        before=[
            (APPLICATION, ROUTES, "    app.include_router(orders.router)\n"),
            (APPLICATION, "    health,\n", "    orders,\n"),
        ],
        instead=[(SETTINGS, '"Content-Type",', '"Content-Type", "X-Tenant",')],
        advice=f"GET /orders: {words.missing('x-tenant', 'allow_headers')}",
    ),
    Step(
        "a mounted FastAPI and a mounted Django",
        new={
            "app/inventory.py": (
                "from fastapi import FastAPI\n\n"
                'inventory = FastAPI(title="Inventory")\n\n\n'
                '@inventory.api_route("/items", methods=["QUERY"])\n'
                "async def find_items() -> list[str]:\n"
                "    return []\n"
            ),
            "app/legacy.py": (
                "from typing import Any\n\n"
                "import django\n"
                "from django.conf import settings\n"
                "from django.core.asgi import get_asgi_application\n"
                "from django.http import HttpResponse\n"
                "from django.urls import path\n\n\n"
                "def read(request: Any) -> Any:\n"
                '    response = HttpResponse("legacy")\n'
                '    response["Access-Control-Allow-Origin"] = "*"\n'
                "    return response\n\n\n"
                'urlpatterns = [path("read", read)]\n'
                "settings.configure(\n"
                '    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="k", MIDDLEWARE=[]\n'
                ")\n"
                "django.setup()\n"
                "legacy = get_asgi_application()\n"
            ),
        },
        before=[
            (
                APPLICATION,
                ROUTES,
                '    app.mount("/inventory", inventory)\n    app.mount("/legacy", legacy)\n',
            ),
            imported("from app.inventory import inventory"),
            imported("from app.legacy import legacy"),
            (
                "pyproject.toml",
                "[tool.pytest]",
                '[[tool.mypy.overrides]]\nmodule = ["django.*"]\nignore_missing_imports = true\n\n',
            ),
        ],
        instead=[(SETTINGS, '"PUT"]', '"PUT", "QUERY"]')],
        advice=f"QUERY /inventory/items: {words.missing('QUERY', 'allow_methods')}",
    ),
    Step(
        "static files",
        new={"app/static/logo.txt": "logo"},
        before=[
            (
                APPLICATION,
                ROUTES,
                '    app.mount("/static", StaticFiles(packages=[("app", "static")]))\n',
            ),
            imported("from fastapi.staticfiles import StaticFiles"),
        ],
    ),
    Step(
        "GZip, TrustedHost and a custom middleware",
        before=[
            (
                APPLICATION,
                ROUTES,
                "    app.add_middleware(GZipMiddleware)\n"
                "    app.add_middleware(\n"
                "        TrustedHostMiddleware,\n"
                '        allowed_hosts=["*.example.com", "testserver", "localhost", "127.0.0.1"],\n'
                "    )\n\n"
                '    @app.middleware("http")\n'
                "    async def limit(\n"
                "        request: Request,\n"
                "        call_next: Callable[[Request], Awaitable[Response]],\n"
                "    ) -> Response:\n"
                '        if request.url.path.endswith("/limited"):\n'
                '            return Response("Too many requests", 429)\n'
                "        return await call_next(request)\n\n",
            ),
            imported("from collections.abc import Awaitable, Callable"),
            imported("from fastapi import Request, Response"),
            imported("from fastapi.middleware.gzip import GZipMiddleware"),
            imported("from fastapi.middleware.trustedhost import TrustedHostMiddleware"),
        ],
    ),
    Step(
        "exception handlers, server-sent events and downloads",
        new={
            "app/routes/reports.py": (
                "from collections.abc import AsyncIterator\n\n"
                "from fastapi import APIRouter\n"
                "from fastapi.responses import FileResponse, StreamingResponse\n\n"
                'router = APIRouter(tags=["reports"])\n\n\n'
                "class OutOfStock(Exception):\n"
                '    """There is nothing left."""\n\n\n'
                '@router.get("/out-of-stock")\n'
                "async def out_of_stock() -> None:\n"
                "    raise OutOfStock\n\n\n"
                '@router.get("/boom")\n'
                "async def boom() -> None:\n"
                "    raise RuntimeError\n\n\n"
                '@router.get("/events")\n'
                "async def events() -> StreamingResponse:\n"
                "    async def parts() -> AsyncIterator[str]:\n"
                '        yield "data: one\\n\\n"\n\n'
                '    return StreamingResponse(parts(), media_type="text/event-stream")\n\n\n'
                "@router.get(\n"
                '    "/report",\n'
                "    responses={\n"
                "        200: {\n"
                '            "headers": {"Content-Disposition": {"schema": {"type": "string"}}}\n'
                "        }\n"
                "    },\n"
                ")\n"
                "async def report() -> FileResponse:\n"
                '    return FileResponse(__file__, filename="report.txt")\n'
            )
        },
        before=[
            (APPLICATION, ROUTES, "    app.include_router(reports.router)\n"),
            (
                APPLICATION,
                ROUTES,
                "    @app.exception_handler(reports.OutOfStock)\n"
                "    async def say_so(request: Request, error: Exception) -> Response:\n"
                '        return Response("Out of stock", 409)\n\n',
            ),
            (APPLICATION, "    health,\n", "    reports,\n"),
        ],
        instead=[
            (
                SETTINGS,
                '"Location"',
                '"Location", "Accept-Ranges", "Content-Disposition", "Content-Range"',
            )
        ],
        advice=f"GET /report: {words.missing('Content-Disposition', 'expose_headers')}",
    ),
    Step(
        "a database in the lifespan",
        new={
            "app/routes/stock.py": (
                "from fastapi import APIRouter, Request\n"
                "from sqlalchemy import Engine, text\n\n"
                'router = APIRouter(prefix="/stock", tags=["stock"])\n\n\n'
                '@router.get("")\n'
                "def count(request: Request) -> int:\n"
                "    engine: Engine = request.app.state.engine\n"
                "    with engine.connect() as connection:\n"
                '        return int(connection.execute(text("select 42")).scalar_one())\n'
            ),
            "tests/test_stock.py": (
                "from fastapi.testclient import TestClient\n\n\n"
                "def test_stock_is_counted(client: TestClient) -> None:\n"
                '    assert client.get("/stock").json() == 42\n'
            ),
        },
        before=[
            (APPLICATION, ROUTES, "    app.include_router(stock.router)\n"),
            (APPLICATION, "    health,\n", "    stock,\n"),
            imported("from sqlalchemy import create_engine"),
        ],
        instead=[
            (
                APPLICATION,
                "    yield\n",
                '    app.state.engine = create_engine("sqlite://")\n'
                "    yield\n"
                "    app.state.engine.dispose()\n",
            )
        ],
    ),
    Step(
        "the example removed",
        instead=[
            (APPLICATION, "    app.include_router(notes.router)\n", ""),
            (APPLICATION, "    notes,\n", ""),
            (SETTINGS, ', "Idempotency-Key"', ""),
            (SETTINGS, '"Location", ', ""),
        ],
    ),
    Step(
        "ruff with another line length",
        instead=[("pyproject.toml", "line-length = 100", "line-length = 120")],
    ),
]
GIVEN = {
    **REQUIRED,
    "PAYMENT_KEY": "k",
    "MAIL__PORT": "2525",
}
# The final paths that pages read, with their statuses.
READS = {
    "/health": 200,
    "/orders": 200,
    "/inventory/items": 200,
    "/legacy/read": 200,
    "/static/logo.txt": 200,
    "/limited": 429,
    "/out-of-stock": 409,
    "/events": 200,
    "/report": 200,
    "/boom": 500,
    "/stock": 200,
    "/notes": 404,
}
REQUESTS = {
    "/orders": {"headers": {"X-Tenant": "t"}},
    "/inventory/items": {"method": "QUERY"},
}


@pytest.fixture(scope="module", params=slow_except({"cookies"}, CREDENTIALS))
def grown(
    bakery: Bakery, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a service after its first month."""
    project = tmp_path_factory.mktemp("month") / "project"
    shutil.copytree(bakery.bake(credentials=str(request.param)), project)
    for number, step in enumerate(STEPS):
        step.begin(project)
        is_followed = request.param == "cookies"  # the steps are the same for each answer
        if step.advice and is_followed:
            assert step.advice in tool(project, "pytest", "-q", "tests/test_policy.py").stdout
        step.complete(project)
        if step.name == "the example removed":
            (project / "app" / "routes" / "notes.py").unlink()
            (project / "tests" / "test_notes.py").unlink()
        if is_followed and number % 2:
            passes(project, "pytest", "-q")
    return project


def test_grown_service_passes_its_own_checks(grown: Path) -> None:
    passes(grown, "ruff", "check", "--fix", "--no-cache")
    passes(grown, "ruff", "format", "--no-cache")
    passes(grown, "ruff", "check", "--no-cache")
    passes(grown, "mypy")
    passes(grown, "pytest", "-q")


def read(port: int, origin: str, path: str) -> int | None:
    """Return the status that a page reads, or None if the browser blocks it."""
    return fetch(port, Fetch(origin, path, **REQUESTS.get(path, {}))).status  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [[], ["--root-path", "/api"]], ids=["plain", "root path"])
def test_grown_service_keeps_its_policy(grown: Path, options: list[str]) -> None:
    """Serve with a root path, which a proxy removes before the service gets a request."""
    port = free_port()
    line = [*command("python -m app", port), *options]
    with run(line, grown, clean_environment(**GIVEN)) as server:
        server.expect(IN_FORCE)
        server.expect("Uvicorn running on")
        for path, status in READS.items():
            assert read(port, FRONTEND, path) == status, path
            assert read(port, ADMIN, path) == status, path
            assert read(port, PARTNER, path) == status, path
            assert read(port, FOREIGN, path) is None, path


@pytest.mark.parametrize(
    "name", [name for name in SERVERS if name in ("uvicorn, workers", "hypercorn", "granian")]
)
def test_grown_service_runs_under_other_servers(grown: Path, name: str) -> None:
    port = free_port()
    with run(command(name, port), grown, clean_environment(**GIVEN)) as server:
        server.port = port
        server.expect(IN_FORCE)
        server.wait_until_it_accepts()
        assert read(port, FRONTEND, "/stock") == 200
        assert read(port, FOREIGN, "/stock") is None


def test_startup_explains_wrong_variables_of_the_owner(grown: Path) -> None:
    wrong = GIVEN | {"PAYMENT_KEY": "hunter2", "MAIL__PORT": "hunter2"}
    wrong |= {
        "DATABASE_DSN": "postgres://u:hunter2@h:x/d",
        "PARTNER_ORIGINS": "partner.example.org",
    }
    ended = subprocess.run(
        command("python -m app", 0),
        cwd=grown,
        env=clean_environment(**wrong),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 3
    assert sorted(line.split(":")[0] for line in ended.stderr.splitlines()) == [
        "DATABASE_DSN",
        "MAIL__PORT",
        "PARTNER_ORIGINS",
    ]
    assert "hunter2" not in ended.stderr
