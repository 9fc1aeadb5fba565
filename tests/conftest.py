"""Fixtures: a bakery, and servers that are shared by the tests and ended with them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, Protocol

import pytest
from hypothesis import settings
from pytest_cookies.plugin import Cookies

from tests.baking import ROOT, SERVICE, Bakery
from tests.browser import report
from tests.serving import Server, serve

FRONTEND = ROOT / "tests" / "frontend"
REQUIRED_ENGINES = os.environ.get("REQUIRE_BROWSERS", "").split(",")

settings.register_profile("default", max_examples=300, deadline=None)
settings.register_profile("long", max_examples=10_000, deadline=None)  # --hypothesis-profile=long

sys.dont_write_bytecode = True  # a __pycache__ in the template's folder would be rendered


@pytest.fixture(scope="session")
def bakery(cookies_session: Cookies) -> Bakery:
    """Bake projects; each set of answers is baked once."""
    command = ["git", "ls-files", "--others", "--ignored", "--exclude-standard", SERVICE.name]
    strays = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not strays, f"These files would be rendered, so delete them:\n{strays}"
    return Bakery(cookies_session)


def not_installed(name: str, remedy: str, *, is_required: bool = any(REQUIRED_ENGINES)) -> NoReturn:
    """Skip a test that lacks a program; fail it where browsers, and so all, are required."""
    message = f"{name} is not installed: {remedy}"
    if is_required:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The React frontend with what it depends on, and the other tools that npm has."""
    if not shutil.which("npm"):
        not_installed("npm", "it comes with Node.js, 20 or later")
    folder = tmp_path_factory.mktemp("react") / "frontend"
    shutil.copytree(FRONTEND, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    subprocess.run(["npm", "ci", "--no-progress"], cwd=folder, capture_output=True, check=True)
    return folder


class Serving(Protocol):
    def __call__(self, project: Path, app: str = "app.main:app", **environment: str) -> Server: ...


@pytest.fixture(scope="session")
def served() -> Iterator[Serving]:
    """Serve a project with uvicorn.

    Each combination is started once and lives as long as the tests.
    """
    servers: dict[object, Server] = {}
    with ExitStack() as stack:

        def start(project: Path, app: str = "app.main:app", **environment: str) -> Server:
            key = (project, app, *sorted(environment.items()))
            if key not in servers:
                servers[key] = stack.enter_context(serve(project, app, environment))
            return servers[key]

        yield start


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        report.begin()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say in a line each where the report is, and which browsers were not tried."""
    if hasattr(config, "workerinput"):
        return
    if path := report.finish():
        terminalreporter.write_line(f"What the browsers did: {path}")
    skipped = {skip.longrepr[2] for skip in terminalreporter.stats.get("skipped", [])}
    if missing := sorted(
        text.removeprefix("Skipped: ") for text in skipped if "is not installed" in text
    ):
        terminalreporter.write_line(f"Not tried: {'; '.join(missing)}")
