"""Fixtures: a bakery, and servers that the tests share."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_cookies.plugin import Cookies

from tests.support.baking import ROOT, SERVICE, Bakery
from tests.support.browser import report
from tests.support.proxies import Authority, authority_in
from tests.support.repositories import Workshop
from tests.support.requirements import missing, need
from tests.support.serving import Server, Serving, fresh_machine, serve

FRONTEND, NEXTJS = ROOT / "tests" / "frontend", ROOT / "tests" / "nextjs"

settings.register_profile("default", max_examples=200, deadline=None)
settings.register_profile("long", max_examples=2_000, deadline=None)  # --hypothesis-profile=long


@pytest.fixture(scope="session")
def bakery(cookies_session: Cookies) -> Bakery:
    """Return a bakery that bakes each set of answers once."""
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", SERVICE.name]
    strays = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not strays, f"Cookiecutter would render these files, so delete them:\n{strays}"
    return Bakery(cookies_session)


@pytest.fixture(scope="session")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the React frontend with its dependencies, and the other tools from npm."""
    return installed(FRONTEND, tmp_path_factory.mktemp("react"))


@pytest.fixture(scope="session")
def nextjs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a frontend with Next.js, which only slow tests install, because it is 340 MB."""
    return installed(NEXTJS, tmp_path_factory.mktemp("nextjs"))


def installed(frontend: Path, folder: Path) -> Path:
    """Return a copy of a frontend with its dependencies."""
    need("npm")
    copy = folder / "frontend"
    ignored = shutil.ignore_patterns("node_modules", "dist", ".next")
    shutil.copytree(frontend, copy, ignore=ignored)
    subprocess.run(["npm", "ci", "--no-progress"], cwd=copy, capture_output=True, check=True)
    return copy


@pytest.fixture(scope="session")
def served() -> Iterator[Serving]:
    """Yield a function that serves a project with uvicorn.

    It starts each combination once, and the server runs as long as the tests.
    """
    servers: dict[object, Server] = {}
    with ExitStack() as stack:

        def start(project: Path, app: str = "app.main:app", **environment: str) -> Server:
            key = (project, app, *sorted(environment.items()))
            if key not in servers:
                servers[key] = stack.enter_context(serve(project, app, environment))
            return servers[key]

        yield start
        for server in servers.values():  # end all before waiting for any
            server.popen.terminate()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        report.begin()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest files, so that no worker waits for another one at the end."""
    folders = ["tests", "browser", "library"]
    items.sort(key=lambda item: folders.index(item.path.parent.name))


def pytest_report_header() -> list[str]:
    """Return the line that names missing programs before the tests start."""
    return missing()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the path of the report, and the skipped cases."""
    if hasattr(config, "workerinput"):
        return
    if path := report.finish():
        terminalreporter.write_line(f"The report on the browsers: {path}")
    skipped = {skip.longrepr[2] for skip in terminalreporter.stats.get("skipped", [])}
    if missing := sorted(
        text.removeprefix("Skipped: ")
        for text in skipped
        if any(reason in text for reason in ("is not installed", "is taken", "needs root"))
    ):
        terminalreporter.write_line(f"Not tried: {'; '.join(missing)}")


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a machine with Python and git."""
    return fresh_machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("authority"))
