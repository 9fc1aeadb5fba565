"""Additions of owners in the second month, from the pages of docs/.

One project follows the pages, with a real PostgreSQL, and then passes its own checks.
"""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import socketio
import yaml
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right.diagnostics.browser import Fetch
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from tests.support import words
from tests.support.asgi import passed
from tests.support.baking import Bakery, copied
from tests.support.browse import fetch
from tests.support.checks import passes, tool
from tests.support.markdown import APPS, DATABASE, FILES, OPERATIONS, blocks
from tests.support.pages import follow, follow_section, paths_of, sections
from tests.support.postgres import FIRST_PASSWORD, Cluster, cluster
from tests.support.proxies import KINDS, Authority, Front, block_of, proxy
from tests.support.serving import (
    PATIENCE,
    REQUIRED,
    Server,
    clean_environment,
    free_port,
    send,
    serve,
)
from tests.support.slow import slow_except

FRONTEND, FOREIGN = "https://app.example.com", "https://evil.example"
TENANT = "https://shop.example.org"
PRODUCTION = {
    "FASTAPI_ENV": "production",
    "FRONTEND_ORIGINS": FRONTEND,
    "ADMIN_PASSWORD": "a password of the tests",
    "ADMIN_SECRET": "a second secret of the tests, 32 bytes or more",
}
PAGES = (DATABASE, APPS, FILES, OPERATIONS)
# The variables of GitHub's runner for the page's step in the pipeline.
SUDO = '#!/bin/sh\n[ "$1" = systemctl ] && exit\n[ "$1" = -u ] && shift 2\nexec "$@"\n'


@dataclass(frozen=True)
class Grown:
    """A project that follows the page, and the database from its first migration."""

    project: Path
    address: str

    def alembic(self, *words: str) -> subprocess.CompletedProcess[str]:
        return tool(self.project, "alembic", *words, DATABASE_URL=self.address)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as started:
        yield started


# Sections that not every project follows: one for answers without credentials, and one whose
# `app/main.py` differs from the admin UI's.
TENANTS = "Load allowed origins from the database"
PARTS = "Serve a public API beside the private one"


@pytest.fixture(scope="module")
def grown(bakery: Bakery, server: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Grown:
    folder = tmp_path_factory.mktemp("database")
    made = followed(copied(bakery.bake(credentials="cookies"), folder), server.address)
    workflow = yaml.safe_load((made.project / ".github/workflows/test.yml").read_text("utf-8"))
    (step,) = [
        each["run"] for each in workflow["jobs"]["test"]["steps"] if "psql" in each.get("run", "")
    ]
    assert step in unindented(made.project / ".github/workflows/update.yml")
    sudo = folder / "bin" / "sudo"
    sudo.parent.mkdir()
    sudo.write_text(SUDO, encoding="utf-8")
    sudo.chmod(sudo.stat().st_mode | stat.S_IXUSR)
    places = [str(sudo.parent), str(server.programs), os.environ["PATH"]]
    libpq = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres"}
    environment = clean_environment(
        PATH=os.pathsep.join(places), PGPASSWORD=FIRST_PASSWORD, **libpq
    )
    subprocess.run(["bash", "-euc", step], env=environment, check=True)
    migrate(made, "Migrate with Alembic")
    return made


def followed(project: Path, address: str) -> Grown:
    """Follow all pages, except the sections that not every project follows."""
    for page in PAGES:
        follow(page, project, without={TENANTS, PARTS} & sections(page).keys())
    return Grown(project, address)


def migrate(grown: Grown, heading: str) -> None:
    """Run the commands of a section of the page on databases."""
    for line in re.findall(r"^(?:mkdir|uv run .*alembic) .*", sections(DATABASE)[heading], re.M):
        words = shlex.split(line.rpartition("alembic ")[2])
        if "alembic" in line:
            ended = grown.alembic(*words)
            assert ended.returncode == 0, ended.stdout + ended.stderr
        else:
            subprocess.run(words, cwd=grown.project, check=True)


def with_driver(address: str) -> str:
    return address.replace("postgresql:", "postgresql+psycopg:")


def unindented(file: Path) -> str:
    return re.sub(r"^ +", "", file.read_text("utf-8"), flags=re.M)


def test_project_passes_its_own_checks(grown: Grown, server: Cluster) -> None:
    """Check also that its tests create their own databases, and delete them."""
    (migration,) = (grown.project / "app" / "migrations" / "versions").glob("*.py")
    assert 'create_table(\n        "orders"' in migration.read_text("utf-8")
    for checked in (("ruff", "check"), ("ruff", "format", "--check")):
        passes(grown.project, *checked, "--no-cache", str(migration))
    passes_its_checks(grown.project, server)
    engine = create_engine(with_driver(grown.address))
    with engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT datname FROM pg_database").scalars().all()
        assert connection.exec_driver_sql("SELECT count(*) FROM orders").scalar() == 0
    engine.dispose()
    assert sorted(names) == ["postgres", "template0", "template1"]


def passes_its_checks(project: Path, server: Cluster) -> None:
    for command in (
        ("ruff", "check", "--fix", "--no-cache", "--quiet"),  # fixes the order of imports
        ("ruff", "format", "--check", "--no-cache"),
        ("mypy",),
        ("pytest", "-q", "-p", "no:cacheprovider"),
    ):
        passes(project, *command, TEST_DATABASE_SERVER=with_driver(server.address))


@pytest.fixture(scope="module", params=slow_except({"bearer"}, ["none", "bearer"]))
def lent(
    request: pytest.FixtureRequest,
    bakery: Bakery,
    server: Cluster,
    grown: Grown,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Grown]:
    """Yield a project without credentials that follows the pages, the section on tenants last.

    It comes after `grown`, whose pipeline gives the server its password.
    """
    project = copied(bakery.bake(credentials=request.param), tmp_path_factory.mktemp("lent"))
    engine = create_engine(with_driver(server.address), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE lent_{request.param}")
    address = server.address.rpartition("/")[0] + f"/lent_{request.param}"
    made = followed(project, address)
    migrate(made, "Migrate with Alembic")
    follow_section(DATABASE, TENANTS, project)
    migrate(made, TENANTS)
    yield made
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE lent_{request.param} WITH (FORCE)")
    engine.dispose()


@pytest.mark.slow
def test_project_without_credentials_passes_its_own_checks(lent: Grown, server: Cluster) -> None:
    passes_its_checks(lent.project, server)


@pytest.mark.slow
def test_project_across_sites_passes_its_own_checks(
    bakery: Bakery, server: Cluster, grown: Grown, tmp_path: Path
) -> None:
    project = copied(bakery.bake(credentials="cross-site-cookies"), tmp_path)
    made = followed(project, grown.address)
    versions = Path("app", "migrations", "versions")
    shutil.copytree(grown.project / versions, made.project / versions)
    passes_its_checks(made.project, server)


def wait_until(service: Server, origin: str, allowed: bool) -> None:
    """Wait until the service applies a change of its database."""
    deadline = time.monotonic() + PATIENCE
    while fetch(service.port, Fetch(origin, "/health")).readable != allowed:
        assert time.monotonic() < deadline, service.output


def test_tenants_frontends_come_from_the_database(lent: Grown, tmp_path: Path) -> None:
    project = copied(lent.project, tmp_path)
    tenants = project / "app" / "tenants.py"
    text = tenants.read_text("utf-8")
    assert "INTERVAL = 60" in text
    tenants.write_text(text.replace("INTERVAL = 60", "INTERVAL = 0.01"), encoding="utf-8")
    engine = create_engine(with_driver(lent.address), isolation_level="AUTOCOMMIT")
    with (
        engine.connect() as database,
        serve(project, "app.main:app", PRODUCTION | {"DATABASE_URL": lent.address}) as service,
    ):
        wait_until(service, FRONTEND, allowed=True)
        assert not fetch(service.port, Fetch(TENANT, "/health")).readable
        database.exec_driver_sql(f"INSERT INTO frontends VALUES ('{TENANT}')")
        wait_until(service, TENANT, allowed=True)
        assert not fetch(service.port, Fetch(FOREIGN, "/health")).readable
        database.exec_driver_sql("INSERT INTO frontends VALUES ('shop.example.net')")
        problem = words.origin_error(
            "shop.example.net", words.NO_SCHEME, "https://shop.example.net"
        )
        said = re.escape(json.dumps(f"the frontends stay as they were: {problem}")[1:-1])
        service.expect(said)
        wait_until(service, TENANT, allowed=True)
        database.exec_driver_sql("ALTER TABLE frontends RENAME TO gone")
        service.expect("the frontends stay as they were: .*UndefinedTable")
        wait_until(service, TENANT, allowed=True)
        database.exec_driver_sql("DELETE FROM gone")
        database.exec_driver_sql("ALTER TABLE gone RENAME TO frontends")
        wait_until(service, TENANT, allowed=False)
        wait_until(service, FRONTEND, allowed=True)
    engine.dispose()
    down = PRODUCTION | {"DATABASE_URL": re.sub(r":\d+/", ":1/", lent.address)}
    with serve(project, "app.main:app", down) as service:
        service.expect("the frontends stay as they were: .*connection")
        assert fetch(service.port, Fetch(FRONTEND, "/health")).readable


# The pages' tests, and the omitted or changed lines that make each test fail.
MUTANTS = {
    "test_migrations_and_models_agree": (
        "app/models.py",
        "product: Mapped[str]",
        "product: Mapped[str | None]",
    ),
    "test_version_explains_invalid_requests_without_a_copy[/v1]": (
        "app/versions.py",
        "        exception_handlers=dict(app.exception_handlers),\n",
        "",
    ),
    "test_version_redirects_no_path[/v2]": ("app/versions.py", "redirect_slashes=False,", ""),
    "test_version_has_docs_if_the_service_has[False-/v2]": (
        "app/versions.py",
        "        openapi_url=app.openapi_url,",
        "",
    ),
    "test_version_reads_the_settings": ("app/versions.py", "    version.state = app.state", ""),
    "test_page_reads_that_a_commit_fails": ("app/database.py", ', scope="function"', ""),
    "test_policy_covers_every_route[production]": ("app/settings.py", '"Content-Range",', ""),
    "test_file_may_be_larger_than_other_bodies": (
        "app/routes/files.py",
        ", max_body_size=MAX_UPLOAD",
        "",
    ),
    "test_page_reads_a_range[HEAD]": ("app/routes/files.py", "@router.head(", "@router.put("),
    "test_refusal_is_logged_as_json_and_counted": (
        "app/metrics.py",
        'logging.getLogger("cors_right").addHandler(RefusalCounter())\n',
        "",
    ),
    "test_page_reads_that_it_sends_too_many_requests": (
        "app/application.py",
        "    app.exception_handler(RateLimitExceeded)(too_many_requests)\n",
        "",
    ),
    "test_allowed_page_chats": ("app/chat.py", ", cors_allowed_origins=[]", ""),
    "test_allowed_page_subscribes": (
        "app/routes/graphql.py",
        '    allowed_origins=["*"],\n',
        "",
    ),
}


@pytest.mark.slow
def test_page_tests_fail_without_their_lines(grown: Grown, server: Cluster, tmp_path: Path) -> None:
    project = copied(grown.project, tmp_path)
    for name, old, new in MUTANTS.values():
        text = (project / name).read_text("utf-8")
        assert old in text
        (project / name).write_text(text.replace(old, new), encoding="utf-8")
    paths = [path for page in PAGES for path in paths_of(page) if "/test_" in path]
    written = [path for path in paths if (project / path).exists()]
    words = ("pytest", "-q", "--tb=no", "tests/test_policy.py", *written)
    ended = tool(project, *words, TEST_DATABASE_SERVER=with_driver(server.address))
    failed = re.findall(r"^FAILED \S+::(\S+)", ended.stdout, re.M)
    assert {*MUTANTS} <= {*failed}, ended.stdout + ended.stderr


def test_wrapping_socketio_opens_it_to_every_page() -> None:
    """Wrap Socket.IO, instead of mounting it as in docs/apps.md."""
    inside = CORSPolicyMiddleware(passed, CORSPolicy(allow_origins=[FRONTEND]))
    engine = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])
    headers = {"Origin": FOREIGN, "Upgrade": "websocket"}
    client = TestClient(socketio.ASGIApp(engine, inside))
    address = "/socket.io/?EIO=4&transport=websocket"
    with client.websocket_connect(address, headers=headers) as connection:
        assert connection.receive_text().startswith("0{")


def test_pages_use_the_database(grown: Grown) -> None:
    """Check also that the service runs without its database, and that pages can read the error."""
    with serve(
        grown.project, "app.main:app", PRODUCTION | {"DATABASE_URL": grown.address}
    ) as service:
        for origin, path, readable in (
            (FRONTEND, "/orders", True),
            (FOREIGN, "/orders", False),
            (FRONTEND, "/admin/login", False),
        ):
            outcome = fetch(service.port, Fetch(origin, path))
            assert (outcome.readable, outcome.status) == (readable, 200 if readable else None)
        assert send(service.port, "GET", "/admin/login", {})[0] == 200
    absent = grown.address.replace(re.findall(r":(\d+)/", grown.address)[0], "1")
    with serve(grown.project, "app.main:app", PRODUCTION | {"DATABASE_URL": absent}) as service:
        for path, status in (("/orders", 500), ("/health", 200)):
            outcome = fetch(service.port, Fetch(FRONTEND, path))
            assert (outcome.readable, outcome.status) == (True, status)


def test_large_upload_passes_each_proxy(grown: Grown, authority: Authority, tmp_path: Path) -> None:
    """Read the service's responses from a page, including the 413 of another route."""
    changed = [
        re.findall(r"^[-+] *(.*)\n", diff, re.M)
        for diff in blocks(FILES, "Raise the body limit", "diff")
    ]
    variables = PRODUCTION | {"FILE_FOLDER": str(tmp_path), "DATABASE_URL": grown.address}
    form = {"Origin": FRONTEND, "Content-Type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    body = head + bytes(21_000_000) + b"\r\n--b--\r\n"
    with serve(grown.project, "app.main:app", variables) as service:
        for kind in KINDS:
            block = block_of("nginx" if kind == "Varnish" else KINDS[kind].language)
            changes = {old: new for old, new in changed if old in block}
            assert len(changes) == (kind != "httpd")
            folder = tmp_path / kind
            folder.mkdir()
            with proxy(kind, folder, service.port, authority.certificates, changes) as running:
                front = Front(service, running, authority.visitor)
                for path, expected in (("/files", 201), ("/notes", 413)):
                    length = len(body) if path == "/files" else 1024 * 1024 + 1
                    status, headers, _ = front.send("POST", path, form, body[:length])
                    assert (status, headers["Access-Control-Allow-Origin"]) == (expected, FRONTEND)
    assert len([*tmp_path.glob("*-*-*-*-*")]) == len(KINDS)


def test_operators_read_json_and_metrics(grown: Grown) -> None:
    """Check that all lines of the process are JSON, including uvicorn's."""
    port = free_port()
    variables = PRODUCTION | {"METRICS_PORT": str(port), "DATABASE_URL": grown.address}
    with serve(grown.project, "app.main:app", variables) as service:
        _, headers, _ = send(service.port, "GET", "/health", {"Origin": FOREIGN})
        service.expect('"GET /health')
        _, _, metrics = send(port, "GET", "/metrics", {})
        lines = [json.loads(line) for line in service.output.splitlines()]
    own = [line for line in lines if line["request_id"] == headers["X-Request-Id"]]
    assert [line["logger"] for line in own] == ["cors_right", "uvicorn.access"]
    assert (own[0]["origin"], own[0]["kind"], own[0]["count"]) == (FOREIGN, "read", 1)
    assert 'cors_refusals_total{kind="read"} 1.0' in metrics.decode()


def test_image_has_the_migrations(grown: Grown, tmp_path: Path) -> None:
    """Run `alembic` with the Dockerfile's files, and without the session's secret."""
    dockerfile = (grown.project / "Dockerfile").read_text("utf-8")
    sources = " ".join(re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.M)).split()
    ignore = (grown.project / ".dockerignore").read_text("utf-8").splitlines()
    for source in sources:
        assert f"!{source}" in ignore
        if (grown.project / source).is_dir():
            shutil.copytree(grown.project / source, tmp_path / source)
        elif source != "uv.lock":
            shutil.copy(grown.project / source, tmp_path / source)
    command = [sys.executable, "-m", "alembic", "current", "--check-heads"]
    environment = {"DATABASE_URL": grown.address, "PATH": os.environ["PATH"]}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "(head)" in ended.stdout


WRONG = ("mysql://u:hunter2@h/d", "hunter2", "postgresql://u:hunter2@h:x/d")
LOAD = """
import os, sys
from app.settings import Settings
for os.environ["DATABASE_URL"] in sys.argv[1:]:
    try:
        Settings.load()
    except SystemExit as ended:
        print(ended.code)
"""


def test_wrong_address_is_explained_without_the_password(grown: Grown) -> None:
    ended = subprocess.run(
        [sys.executable, "-B", "-c", LOAD, *WRONG],
        cwd=grown.project,
        env=clean_environment(**REQUIRED | PRODUCTION),
        capture_output=True,
        text=True,
    )
    assert ended.stdout.split() == ["3"] * len(WRONG)
    line = "DATABASE_URL: write postgresql://user:password@host/name\n"
    assert ended.stderr == line * len(WRONG)


def test_workflows_stay_sound(grown: Grown) -> None:
    zizmor = str(Path(sys.executable).with_name("zizmor"))
    ended = subprocess.run(
        [zizmor, "--offline", "--no-progress", ".github"],
        cwd=grown.project,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
