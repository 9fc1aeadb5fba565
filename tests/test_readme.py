"""The commands of both READMEs, run as they are written, where there is nothing but Python, pip and git."""

import os
import re
import subprocess
import venv
from pathlib import Path

import pytest

from tests.baking import ROOT, Bakery
from tests.judge import send
from tests.serving import clean_environment, run
from tests.test_sources import copy_template


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    """An environment with a fresh Python first on the PATH, and without uv."""
    venv.create(tmp_path / "python", with_pip=True)
    path = [str(tmp_path / "python" / "bin"), "/usr/bin", "/bin"]
    return clean_environment(PATH=os.pathsep.join(path), HOME=str(tmp_path))


def command(readme: Path, ending: str) -> str:
    """Return the line of a shell block that ends in the given way."""
    (line,) = re.findall(rf"^```sh\n(.* {re.escape(ending)})\n```$", readme.read_text("utf-8"), re.M)
    return str(line)


def test_the_first_command_renders(bare_machine: dict[str, str], tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    copy_template(clone)
    line = command(ROOT / "README.md", "cookiecutter --output-dir .. .")
    ended = subprocess.run(
        ["bash", "-c", line], cwd=clone, env=bare_machine, input="\n" * 5, text=True, capture_output=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "my-service" / "app" / "main.py").exists()


def test_the_second_command_is_what_ci_runs() -> None:
    line = command(ROOT / "README.md", "uv run pytest")
    assert line == command(ROOT / "{{cookiecutter.project_slug}}" / "README.md", "uv run pytest")
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    (extract,) = re.findall(r"^command=\$\((.*)\)$", script, re.M)
    assert subprocess.check_output(["bash", "-c", extract], cwd=ROOT, text=True).strip() == line


def test_the_commands_of_the_rendered_readme(bakery: Bakery, bare_machine: dict[str, str]) -> None:
    project = bakery.bake_new()
    line = command(project / "README.md", "uv run pytest")
    ended = subprocess.run(["bash", "-c", line], cwd=project, env=bare_machine, text=True, capture_output=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout

    line = command(project / "README.md", "uv run fastapi dev")
    with run(["bash", "-c", line], project, bare_machine | {"PORT": "0"}) as server:
        server.port = int(server.expect(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1])
        server.expect("CORS development: any origin, credentials off")
        server.wait_until_it_accepts()
        assert send(server.port, "GET", "/health", {})[::2] == (200, b'{"status":"ok"}')
