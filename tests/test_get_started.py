"""The page docs/get-started.md, from the first command to the last."""

import re
import subprocess
from pathlib import Path

import pytest
from cors_right.diagnostics.browser import Fetch

from tests.support import words
from tests.support.baking import CREDENTIALS, Bakery
from tests.support.browse import fetch
from tests.support.get_started import (
    CHECK,
    COMMANDS,
    HTML,
    LISTED,
    PAGE,
    RENDER,
    RESTRICT,
    SHOW,
    START,
    allowing,
    line,
    log_line,
)
from tests.support.markdown import GET_STARTED, command, commands
from tests.support.repositories import copy_template
from tests.support.serving import (
    PATIENCE,
    REQUIRED,
    Server,
    clean_environment,
    free_port,
    run,
    send,
    serve,
)

CREATE = Fetch(PAGE, "/notes", "POST", {"Content-Type": "application/json"}, b'{"text": "Milk"}')


def bash(text: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=clean_environment(**environment),
        input="\n" * 5,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def listens(server: Server) -> None:
    server.port = int(server.expect(r"Uvicorn running on http://localhost:(\d+)")[1])
    server.wait_until_it_accepts()


def test_page_has_no_other_command() -> None:
    assert sorted(commands(GET_STARTED)) == sorted(command(GET_STARTED, each) for each in COMMANDS)


def test_command_renders_beside_the_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    copy_template(clone)
    ended = bash(line(RENDER), clone, HOME=str(tmp_path / "home"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (project,) = (path for path in tmp_path.iterdir() if (path / "app").exists())
    assert command(GET_STARTED, START) in ended.stdout
    assert project.parent == tmp_path


def test_development_allows_the_page(bakery: Bakery) -> None:
    with run(["bash", "-c", line(START)], bakery.bake(), clean_environment(PORT="0")) as server:
        listens(server)
        assert fetch(server.port, CREATE).status == 201
        assert send(server.port, "GET", "/docs", {})[0] == 200


def test_staging_refuses_the_page_until_listed(bakery: Bakery) -> None:
    project = bakery.bake()
    refused = words.log_line(PAGE, "/notes", LISTED, method="POST")
    assert log_line() == refused
    with run(["bash", "-c", line(RESTRICT)], project, clean_environment(PORT="0")) as server:
        listens(server)
        assert not fetch(server.port, CREATE).readable
        server.expect(re.escape(refused))
    with run(["bash", "-c", allowing()], project, clean_environment(PORT="0")) as server:
        listens(server)
        assert fetch(server.port, CREATE).status == 201


def test_page_is_served(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(HTML, encoding="utf-8")
    port = free_port()
    text = line(SHOW).replace("3000", str(port))
    with run(["bash", "-c", text], tmp_path, clean_environment(PYTHONUNBUFFERED="1")) as server:
        server.expect("Serving HTTP")
        assert send(port, "GET", "/", {})[2].decode() == HTML


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_check_of_the_deployment_needs_no_secrets(bakery: Bakery, credentials: str) -> None:
    project = bakery.bake(credentials=credentials)
    with serve(project, "app.main:app", REQUIRED) as server:
        text = line(CHECK).replace("https://api.example.com", f"http://localhost:{server.port}")
        ended = bash(text, project)
        assert (ended.returncode, ended.stderr) == (0, "")
