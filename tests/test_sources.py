"""Sources of the template, which all render the same project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.baking import tree
from tests.support.repositories import ANSWERS, COOKIECUTTER, GIVEN, make_repository
from tests.support.serving import clean_environment


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository with the current template, tagged `v0`, and its zip file."""
    folder = tmp_path_factory.mktemp("template")
    make_repository(folder, "v0")
    command = ["git", "archive", "--prefix", "template/", "--output", "template.zip", "v0"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def test_source_renders_the_same_tree(repository: Path, tmp_path: Path) -> None:
    url = f"git+file://{repository}"
    commands = {
        "folder": [*COOKIECUTTER, str(repository), *GIVEN],
        "git": [*COOKIECUTTER, url, "--checkout", "v0", *GIVEN],
        "zip": [*COOKIECUTTER, str(repository / "template.zip"), *GIVEN],
        "cruft": [
            *(
                sys.executable,
                "-m",
                "cruft",
                "create",
                url.removeprefix("git+"),
                "--checkout",
                "v0",
            ),
            *("--no-input", "--extra-context", json.dumps(ANSWERS)),
        ],
    }
    trees = {}
    for source, command in commands.items():
        folder = tmp_path / source
        folder.mkdir()
        environment = clean_environment(HOME=str(tmp_path))
        ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        trees[source] = tree(folder / "the-quoted-service")
        trees[source].pop(".cruft.json", None)
    assert trees["git"] == trees["folder"]
    assert trees["zip"] == trees["folder"]
    assert trees["cruft"] == trees["folder"]
