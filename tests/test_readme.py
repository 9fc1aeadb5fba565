"""The commands of both READMEs, unchanged, on a machine with only Python, pip and git."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cors_right.diagnostics.browser import Fetch

from hooks.filters import EXAMPLE, suggested_slug
from tests.support import words
from tests.support.baking import CONFIGURATION, CREDENTIALS, ROOT, WITH_COOKIES, Bakery
from tests.support.browse import fetch
from tests.support.markdown import (
    ADD,
    ADOPT,
    ADOPTED,
    CERTIFICATES,
    CHANGE,
    FLEET,
    FLEET_COMMANDS,
    PORTAL,
    QUESTIONS,
    command,
    commands,
)
from tests.support.repositories import copy_template
from tests.support.serving import REQUIRED, clean_environment, fresh_machine, run, send, serve


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    return fresh_machine(tmp_path)


RENDER, TEST = "cookiecutter --output-dir .. .", "uv run pytest"
SERVE = "&& python3 -m uv run fastapi dev --host localhost"
EXPLAIN = "GET /notes --env production"
CHECK = "uv run python -m cors_right check https://api.example.com/health"
LOCALLY = "FASTAPI_ENV=staging FRONTEND_ORIGINS=http://localhost:3000 "
CHECKS = ("uv run ruff format", "uv run ruff check", "uv run mypy")


def test_readme_commands_have_a_test(bakery: Bakery) -> None:
    """List the commands that tests run, so that a new command needs a test."""
    always = (SERVE, TEST, LOCALLY, EXPLAIN, CHECK, *CHECKS)
    pages: dict[Path, tuple[str, ...]] = {
        ROOT / "README.md": (RENDER, TEST),
        FLEET: (PORTAL, *FLEET_COMMANDS),
        QUESTIONS: (CHANGE,),
        ADOPT: (ADD, *ADOPTED),
    }
    for answer in CREDENTIALS:
        certificates = (CERTIFICATES,) if answer in WITH_COOKIES else ()
        pages[bakery.bake(credentials=answer) / "README.md"] = (*always, *certificates)
    for page, endings in pages.items():
        assert sorted(commands(page)) == sorted(command(page, ending) for ending in endings)


def test_first_screen_shows_the_rendered_settings(bakery: Bakery) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.S)
    settings = bakery.bake(credentials="cookies") / "app" / "settings.py"
    assert block in settings.read_text("utf-8")
    assert len(text.splitlines()) <= 120


def test_first_command_renders(bare_machine: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    copy_template(clone)
    line = command(ROOT / "README.md", RENDER)
    ended = subprocess.run(
        ["bash", "-c", line],
        cwd=clone,
        env=bare_machine,
        input="\n" * 5,
        text=True,
        capture_output=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / suggested_slug(CONFIGURATION["project_name"]) / "app" / "main.py").exists()


def test_second_command_equals_the_one_in_ci() -> None:
    line = command(ROOT / "README.md", TEST)
    assert line == command(ROOT / "{{cookiecutter.project_slug}}" / "README.md", TEST)
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (extract,) = re.findall(r"^command=\$\((.*)\)$", script, re.M)
    assert subprocess.check_output(["bash", "-c", extract], cwd=ROOT, text=True).strip() == line


def test_rendered_readme_commands_succeed(bakery: Bakery, bare_machine: dict[str, str]) -> None:
    project = bakery.bake_new()
    line = command(project / "README.md", TEST)
    ended = subprocess.run(
        ["bash", "-c", line], cwd=project, env=bare_machine, text=True, capture_output=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout
    for ending in CHECKS:
        # Until uv is on the PATH.
        line = f"python3 -m {command(project / 'README.md', ending)}"
        ended = subprocess.run(
            ["bash", "-c", line], cwd=project, env=bare_machine, text=True, capture_output=True
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    line = command(project / "README.md", SERVE)
    with run(["bash", "-c", line], project, bare_machine | {"PORT": "0"}) as server:
        server.port = int(server.expect(r"Uvicorn running on http://localhost:(\d+)")[1])
        server.expect(words.in_force("*", environment="development"))
        server.wait_until_it_accepts()
        assert send(server.port, "GET", "/health", {})[::2] == (200, b'{"status":"ok"}')


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_readme_command_tries_production_rules_locally(bakery: Bakery, credentials: str) -> None:
    """Run the pasted command for a page on http://localhost:3000."""
    project = bakery.bake(credentials=credentials)
    line = command(project / "README.md", LOCALLY).replace("uv run", f"{sys.executable} -m")
    environment = clean_environment(PORT="0")
    with run(["bash", "-c", line], project, environment) as server:
        server.port = int(server.expect(r"Uvicorn running on http://localhost:(\d+)")[1])
        line = words.in_force(
            "http://localhost:3000",
            environment="staging",
            allow_credentials="cookies" in credentials,
            allow_http_loopback=True,
        )
        server.expect(re.escape(line))
        server.wait_until_it_accepts()
        assert fetch(server.port, Fetch("http://localhost:3000", "/health")).readable
        assert not fetch(server.port, Fetch("http://localhost:3001", "/health")).readable


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_explain_prints_the_refusal_in_the_readme(bakery: Bakery, credentials: str) -> None:
    project = bakery.bake(credentials=credentials)
    readme = (project / "README.md").read_text("utf-8")
    (shown,) = re.findall(rf"^   ({words.REFUSED} .*)\n +(.*)$", readme, re.M)

    def ran(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        line = line.replace("uv run python", f"{sys.executable} -B")
        variables = clean_environment(**environment)
        return subprocess.run(
            ["bash", "-c", line], cwd=project, env=variables, text=True, capture_output=True
        )

    ended = ran(command(project / "README.md", EXPLAIN))
    assert (ended.returncode, ended.stderr) == (1, "")
    assert f" log {' '.join(shown)} " in f"{' '.join(ended.stdout.split())} "
    assert ran("FASTAPI_ENV=development uv run python -m cors_right show").returncode == 0
    required = REQUIRED | {"FASTAPI_ENV": "production"}
    with serve(project, "app.main:app", required) as server:
        line = command(project / "README.md", CHECK)
        address = f"http://localhost:{server.port}"
        ended = ran(line.replace("https://api.example.com", address), **required)
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    ("allowed", "entry"),
    [
        ("https://shop.example.org:8443,https://app.example.com", "https://shop.example.org:8443"),
        ("https://*.example.org:*", "https://*.example.org:*"),
        ("http://shop.example.org", "http://shop.example.org"),
        ("none", EXAMPLE),
        ("*", EXAMPLE),
    ],
)
def test_readme_shows_the_first_frontend(bakery: Bakery, allowed: str, entry: str) -> None:
    """Compare the quoted explanation with the command's output."""
    project = bakery.bake(frontend_origins=allowed)
    readme = (project / "README.md").read_text("utf-8")
    assert f" {entry}, ...`" in readme
    assert f" FRONTEND_ORIGINS lists {entry}, " in readme
    (shown,) = re.findall(rf"^   ({words.REFUSED} .*)\n +(.*)$", readme, re.M)
    line = command(project / "README.md", EXPLAIN)
    refused = entry.replace("https://", "http://", 1).replace("*.", "app.").removesuffix(":*")
    if not entry.startswith("https"):
        refused = f"https://{entry.partition('://')[2]}"
    assert f" {refused} " in line and shown[0].endswith(f" {refused}:")
    if entry in allowed:
        ended = subprocess.run(
            ["bash", "-c", line.replace("uv run python", f"{sys.executable} -B")],
            cwd=project,
            env=clean_environment(),
            text=True,
            capture_output=True,
        )
        assert f" log {' '.join(shown)} " in f"{' '.join(ended.stdout.split())} "
