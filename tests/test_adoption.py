"""Existing services that install the library from the repository, as in docs/adopt.md."""

import difflib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware, Origins
from cors_right.diagnostics.browser import Fetch
from cors_right.origins import AllowList
from fastapi import FastAPI
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette

from tests.support import words
from tests.support.baking import ROOT, SERVICE
from tests.support.browse import fetch
from tests.support.markdown import ADD, ADOPT, ADOPTED, command
from tests.support.repositories import make_repository
from tests.support.rivals import RIVALS, install_tool, render
from tests.support.serving import Server, clean_environment, free_port, run
from tests.support.slow import slow_except
from tests.support.uv import UV

PAGE = ADOPT.read_text("utf-8")
APP = "https://app.example.com"
FOREIGN = ("https://evil.example", "null", f"{APP}.evil.example")
IMPORT, MIDDLEWARE = "from fastapi import FastAPI\n", "from fastapi.middleware.cors import CORS"
POLICY = """cors_policy=CORSPolicy(
            development={development},
            allow_origins={origins},
            allow_credentials={credentials},
            allow_methods=["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
            allow_headers=["Authorization", "Content-Type"],
        ),
"""
PASTED = """    app.add_middleware(
        CORSMiddleware,
        allow_origins={},
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )
"""
LOCAL = 'settings.{} == "local"'
# The CORS configuration of full-stack-fastapi-template.
FULL_STACK = {
    "app/core/config.py": '''"""Settings, as that template has them."""

from typing import Annotated, Any, Literal

from pydantic import AnyUrl, BeforeValidator, computed_field
from pydantic_settings import BaseSettings


def parse_cors(value: Any) -> list[str] | str:
    if isinstance(value, str) and not value.startswith("["):
        return [text.strip() for text in value.split(",") if text.strip()]
    if isinstance(value, list | str):
        return value
    raise ValueError(value)


class Settings(BaseSettings):
    ENVIRONMENT: Literal["local", "staging", "production"] = "local"
    FRONTEND_HOST: str = "http://localhost:5173"
    BACKEND_CORS_ORIGINS: Annotated[list[AnyUrl] | str, BeforeValidator(parse_cors)] = []

    @computed_field
    @property
    def all_cors_origins(self) -> list[str]:
        listed = [str(origin).rstrip("/") for origin in self.BACKEND_CORS_ORIGINS]
        return [*listed, self.FRONTEND_HOST]


settings = Settings()
''',
    "app/main.py": '''"""The application."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.core.config import settings

app = FastAPI(title="Full stack")

if settings.all_cors_origins:
'''
    + PASTED.format("settings.all_cors_origins")
    + """

@app.get("/health-check/")
async def health_check() -> bool:
    return True
""",
    "tests/test_main.py": """from fastapi.testclient import TestClient

from app.main import app


def test_health_check() -> None:
    assert TestClient(app).get("/health-check/").json() is True
""",
}
STARLETTE = {
    "main.py": '''"""An application without FastAPI."""

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def boom(request: Request) -> PlainTextResponse:
    raise RuntimeError


app = Starlette(routes=[Route("/", hello), Route("/boom", boom)])
app.add_middleware(CORSMiddleware, allow_origins=["https://app.example.com"])
''',
    "test_main.py": """from starlette.testclient import TestClient

from main import app


def test_hello() -> None:
    assert TestClient(app).get("/").text == "hello"
""",
}


@dataclass(frozen=True)
class Existing:
    """An existing service, and its edits.

    `source` are its files, or the name of the template that renders it. `needs` installs the
    dependencies of the service's tests, and `edits` are texts of a file with their replacements.
    """

    source: dict[str, str] | str
    file: str
    edits: list[tuple[str, str]]
    app: str
    path: str
    needs: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    has_credentials: bool = False
    methods: tuple[str, ...] = ("GET", "DELETE")


# Path (empty: an existing path), method and headers.
REQUESTS: list[tuple[str, str, dict[str, str]]] = [
    ("", "GET", {}),
    ("", "GET", {"X-Unlisted": "x"}),
    ("/nowhere", "GET", {}),
    ("/nowhere", "DELETE", {}),
    ("/boom", "GET", {}),
]
SERVICES = {
    "cookiecutter-fastapi-starter": Existing(
        "cookiecutter-fastapi-starter",
        "app/main.py",
        [
            (IMPORT, "from cors_right import CORSFastAPI, CORSPolicy\n" + IMPORT),
            (f"{MIDDLEWARE}Middleware\n", ""),
            (
                "app = FastAPI(\n",
                "app = CORSFastAPI(\n        "
                + POLICY.format(
                    development=LOCAL.format("environment"),
                    origins="settings.cors_origins",
                    credentials=True,
                ),
            ),
            (
                PASTED.format("settings.cors_origins"),
                "",
            ),
        ],
        "app.main:app",
        "/api/v1/health",
        ["--extra", "dev"],
        {"CORS_ORIGINS": f'["{APP}"]', "ENVIRONMENT": "production"},
        has_credentials=True,
    ),
    "fastapi_template": Existing(
        "fastapi_template",
        "service/web/application.py",
        [
            (IMPORT, "from cors_right import CORSFastAPI, CORSPolicy\n" + IMPORT),
            (
                "app = FastAPI(\n",
                "app = CORSFastAPI(\n        "
                + POLICY.format(development=False, origins=f'["{APP}"]', credentials=False),
            ),
        ],
        "service.web.application:get_app",
        "/api/health",
        ["--group", "dev"],
    ),
    "fastapi-new": Existing(
        "fastapi-new",
        "main.py",
        [
            (IMPORT, "from cors_right import CORSFastAPI, CORSPolicy\n"),
            (
                "app = FastAPI()\n",
                f'policy = CORSPolicy(allow_origins=["{APP}"])\n'
                "app = CORSFastAPI(cors_policy=policy)\n",
            ),
        ],
        "main:app",
        "/",
        methods=("GET",),
    ),
    "full-stack-fastapi-template": Existing(
        FULL_STACK,
        "app/main.py",
        [
            (IMPORT, "from cors_right import CORSFastAPI, CORSPolicy\n"),
            ("from starlette.middleware.cors import CORSMiddleware\n", ""),
            (
                'app = FastAPI(title="Full stack")\n',
                'app = CORSFastAPI(\n    title="Full stack",\n    '
                + POLICY.format(
                    development=LOCAL.format("ENVIRONMENT"),
                    origins="settings.all_cors_origins",
                    credentials=True,
                ).replace("        ", "    ")
                + ")\n",
            ),
            (
                "\nif settings.all_cors_origins:\n" + PASTED.format("settings.all_cors_origins"),
                "",
            ),
        ],
        "app.main:app",
        "/health-check/",
        ["fastapi", "pydantic-settings", "uvicorn", "pytest", "httpx2"],
        {
            "ENVIRONMENT": "production",
            "BACKEND_CORS_ORIGINS": APP,
            "FRONTEND_HOST": "https://admin.example.com",
        },
        has_credentials=True,
    ),
    "Starlette": Existing(
        STARLETTE,
        "main.py",
        [
            (
                "from starlette.middleware.cors import CORSMiddleware\n",
                "from cors_right import CORSPolicy, CORSPolicyMiddleware\n",
            ),
            (
                f'app.add_middleware(CORSMiddleware, allow_origins=["{APP}"])\n',
                f'policy = CORSPolicy(allow_origins=["{APP}"])\n'
                "app = CORSPolicyMiddleware(app, policy)\n",
            ),
        ],
        "main:app",
        "/",
        ["starlette", "uvicorn", "pytest", "httpx2"],
        methods=("GET",),
    ),
}


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the requirement for the current repository, with a tag."""
    folder = tmp_path_factory.mktemp("repository")
    make_repository(folder, "v1.2.3")
    return f"git+file://{folder}@v1.2.3"


def uv(*arguments: str, where: Path, status: int = 0) -> str:
    """Run uv, and return its output."""
    ended = subprocess.run(
        [UV, *arguments],
        cwd=where,
        env=clean_environment(UV_PYTHON_DOWNLOADS="never"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def rendered(service: Existing, folder: Path) -> Path:
    """Return the project, rendered or written from its files."""
    if isinstance(service.source, dict):
        for name, text in service.source.items():
            path = folder / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder / "project"
    template = RIVALS[service.source]
    (folder / "work").mkdir()
    return render(template, install_tool(template, folder / "tool"), folder / "work")


def adopted(service: Existing, project: Path) -> tuple[int, int]:
    """Apply the page's change to a project, and return the numbers of added and removed lines."""
    path = project / service.file
    before = path.read_text("utf-8")
    after = before
    for old, new in service.edits:
        assert old in after, old
        after = after.replace(old, new, 1)
    path.write_text(after, encoding="utf-8")
    lines = [*difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)][2:]
    return sum(line[0] == "+" for line in lines), sum(line[0] == "-" for line in lines)


PROBE = """
import importlib

app = getattr(importlib.import_module({module!r}), {name!r})
app = app() if {name!r} == "get_app" else app
if hasattr(app, "add_api_route"):
    async def boom() -> None:
        raise RuntimeError
    app.add_api_route("/boom", boom)
"""


@contextmanager
def served(service: Existing, project: Path, python: Path) -> Iterator[Server]:
    """Serve a project with its own Python, with a route that fails."""
    module, _, name = service.app.partition(":")
    probe = project / "with_probe.py"
    probe.write_text(PROBE.format(module=module, name=name), encoding="utf-8")
    port = free_port()
    command = [str(python), "-m", "uvicorn", "with_probe:app", "--port", str(port)]
    with run(command, project, clean_environment(**service.variables)) as server:
        server.expect("Uvicorn running")
        server.port = port
        yield server
    probe.unlink()


@pytest.mark.parametrize("name", slow_except({"fastapi-new"}, SERVICES))
def test_service_adopts_the_policy(name: str, distribution: str, tmp_path: Path) -> None:
    service = SERVICES[name]
    project = rendered(service, tmp_path)
    uv("venv", "--quiet", "--python", sys.executable, "environment", where=tmp_path)
    python = tmp_path / "environment" / "bin" / "python"
    install = ["pip", "install", "--quiet", "--python", str(python)]
    package = f"cors-right-fastapi @ {distribution}"
    pyproject = project / "pyproject.toml"
    if pyproject.exists():
        text = pyproject.read_text("utf-8")
        if "fastapi==0.115.0" in text:  # too old, as the resolver says
            said = uv(*install, "-r", str(pyproject), package, where=project, status=1)
            assert "fastapi>=0.144" in said and "fastapi==0.115.0" in said
            text = text.replace("fastapi==0.115.0", "fastapi>=0.144")
            pyproject.write_text(text, encoding="utf-8")
        uv(*install, "-r", str(pyproject), *service.needs, package, where=project)
    else:
        uv(*install, *service.needs, package, where=project)

    added, removed = adopted(service, project)
    print(f"{name}: +{added} -{removed}")
    assert added <= 10
    with served(service, project, python) as server:
        wrong = []
        for (path, method, headers), origin, credentials in itertools.product(
            REQUESTS, (APP, *FOREIGN), (False, True)
        ):
            request = Fetch(
                origin, path or service.path, method, headers, with_credentials=credentials
            )
            outcome = fetch(server.port, request)
            is_covered = method in service.methods and not headers
            allowed = origin == APP and is_covered and service.has_credentials >= credentials
            status = {"/nowhere": 404, "/boom": 500}.get(path, 200) if allowed else None
            if (outcome.readable, outcome.status) != (allowed, status):
                wrong.append((path, method, headers, origin, credentials, outcome))
        assert not wrong
    has_tests = any(project.glob("test*"))
    if has_tests:
        ended = subprocess.run(
            [str(python), "-m", "pytest", "-q"],
            cwd=project,
            env=clean_environment(PYTHONPATH=str(project)),
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert bool(has_tests) == (name != "fastapi-new")


def test_install_command_adds_a_typed_package(distribution: str, tmp_path: Path) -> None:
    """Check that the installed distribution has types."""
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "service"\nversion = "1"\nrequires-python = ">={sys.version_info[0]}'
        f'.{sys.version_info[1]}"\n',
        encoding="utf-8",
    )
    line = command(ADOPT, ADD).replace("git+https://github.com/org/template@v1.2.3", distribution)
    assert distribution in line
    environment = clean_environment(
        PATH=os.pathsep.join([str(Path(UV).parent), os.environ["PATH"]]),
        UV_PYTHON=sys.executable,
    )

    def bash(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    ended = bash(f"{line} && uv add --quiet --dev mypy httpx2 pytest")
    assert ended.returncode == 0, ended.stderr
    (block,) = re.findall(r"^```python\n(.*?)```", PAGE, re.M | re.S)
    (tmp_path / "settings.py").write_text(block, encoding="utf-8")
    ended = bash("uv run mypy --strict settings.py")
    assert ended.returncode == 0, ended.stdout
    show = "from settings import Settings; print(Settings().cors_origins)"
    ended = bash(f"CORS_ORIGINS=HTTPS://A.example/,https://b.example uv run python -c '{show}'")
    assert ended.stdout == "['https://a.example', 'https://b.example']\n"
    ended = bash("uv run python -m cors_right show")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words.NOT_HERE.format("app.settings") in ended.stderr


MAIN = """
from cors_right import CORSFastAPI, CORSPolicy

policy = CORSPolicy(allow_origins=["https://app.example.com"])
app = CORSFastAPI(cors_policy=policy)


@app.get("/orders")
async def orders() -> list[str]:
    return []
"""
SHOP = {
    "main.py": MAIN,
    "shop/config.py": (ROOT / "tests/support/service/settings.py").read_text("utf-8"),
    "shop/web.py": """
from cors_right import CORSFastAPI
from fastapi import FastAPI

from shop.config import Settings


def create_app(settings: Settings) -> FastAPI:
    return CORSFastAPI(cors_policy=settings.cors_policy())
""",
}


def test_page_commands_find_the_application(tmp_path: Path) -> None:
    for name, text in SHOP.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    lines = [command(ADOPT, ending) for ending in ADOPTED]
    expected = {
        "show": (0, "main:app *"),
        "explain": (0, words.READABLE),
        "check": (4, "\nno answer https://app.example.com: localhost:1 "),
    }
    for line in lines:
        ended = subprocess.run(
            [
                sys.executable,
                "-B",
                *line.replace("https://api.example.com", "http://localhost:1").split()[1:],
            ],
            cwd=tmp_path,
            env=clean_environment(PYTHONPATH=str(SERVICE)),
            capture_output=True,
            text=True,
        )
        status, said = expected[line.split()[3]]
        assert (ended.returncode, ended.stderr, said in ended.stdout) == (status, "", True)
    assert ended.stdout.startswith("staging: ")


@pytest.mark.parametrize("block", re.findall(r"```diff\n(.*?)```", PAGE, re.S))
def test_diff_of_the_page_runs_on_both_sides(block: str) -> None:
    """Run both sides, and check with the page's test that the policy covers the routes."""
    lines = block.splitlines()
    assert sum(line[:1] == "+" for line in lines) <= 10
    for sign, expected in (("-", (FastAPI, Starlette)), ("+", (CORSFastAPI, CORSPolicyMiddleware))):
        side = "\n".join(line[1:] for line in lines if line[:1] in ("", " ", sign))
        settings = SimpleNamespace(cors_origins=[APP], environment="production")
        names: dict[str, Any] = {"settings": settings, "app": Starlette()}
        exec(side, names)
        assert isinstance(names["app"], expected)
    if isinstance(names["app"], CORSFastAPI):
        (check,) = re.findall(r"^  ```python\n(.*?)^  ```", PAGE, re.M | re.S)
        exec(dedent(check), names)
        names["test_the_policy_covers_every_route"]()


def rows(head: str) -> list[tuple[str, str]]:
    """Return the rows of the table whose head has a beginning."""
    (table,) = re.findall(rf"^\| {head} .*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.M)
    found = [re.split(r"(?<!\\) \| ", line.strip("| \n")) for line in table.splitlines()]
    return [(before.replace("\\|", "|"), after) for before, after in found]


def quoted(text: str) -> list[str]:
    """Return the texts in backticks."""
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize(("before", "after"), rows("before"))
def test_old_settings_convert_as_the_table_says(before: str, after: str) -> None:
    origins = TypeAdapter(Origins)
    text = quoted(before)[0].partition("BACKEND_CORS_ORIGINS=")[2] or quoted(before)[0]
    with_credentials = "with credentials" in before
    if after.startswith("the same"):
        policy = CORSPolicy(allow_origins=origins.validate_python(text))
        assert policy.allow_origins
    elif with_credentials:
        with pytest.raises(ValueError, match=re.escape(words.IS_ANY_WITH_CREDENTIALS)):
            CORSPolicy(allow_origins=[text], allow_credentials=True)
    else:
        with pytest.raises(ValidationError) as caught:
            origins.validate_python(text)
        proposed = quoted(after) if after.startswith("`") else []
        assert all(words.instead(proposal) in str(caught.value) for proposal in proposed)
        assert bool(proposed) == (words.INSTEAD in str(caught.value))


TRIED = [
    f"{scheme}://{host}{port}"
    for scheme in ("http", "https")
    for host in (
        *("example.com", "app.example.com", "www.example.com", "evilexample.com", "localhost"),
        *("app.example.com.evil.example", "evil.example", "shop.vercel.app", "shop-x.vercel.app"),
    )
    for port in ("", ":3000")
]


@pytest.mark.parametrize(("before", "after"), rows("`allow_origin_regex`"))
def test_patterns_allow_no_more_than_their_expressions(before: str, after: str) -> None:
    expression = re.compile(quoted(before)[0])
    patterns = quoted(after) if after.startswith("`") else []
    let_in = {origin for origin in TRIED if expression.fullmatch(origin)}
    assert let_in
    if "none" in after:
        assert let_in & {
            "https://shop.vercel.app",
            "https://shop-x.vercel.app",
            "https://evilexample.com",
        }
    else:
        allowed = AllowList(patterns)
        found = {origin for origin in TRIED if origin in allowed}
        with_own_port = {"http://localhost"} if "port 80" in after else set()
        assert found == let_in | with_own_port
