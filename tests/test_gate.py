"""The rendered projects' own checks, each in a fresh environment, and the commands that people type."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.baking import CREDENTIALS, Bakery
from tests.serving import clean_environment

UV = os.environ.get("UV", "uv")  # `uv run` sets it, wherever uv is installed
CHECKS = (["pytest", "-q"], ["ruff", "format", "--check"], ["ruff", "check"], ["mypy"])


@pytest.fixture(scope="session")
def pythons() -> dict[str, str]:
    """The oldest and the newest installed Python that the template supports."""
    # pyenv keeps its Pythons off the PATH, except for the one that is in use.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin")
    path = os.pathsep.join([*map(str, pyenv), os.environ["PATH"]])
    command = [UV, "python", "list", "--only-installed", "--output-format", "json"]
    listed = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, check=True).stdout
    versions = {
        (entry["version_parts"]["major"], entry["version_parts"]["minor"]): entry["path"]
        for entry in reversed(json.loads(listed))  # the first of each version is the one to take
        if entry["implementation"] == "cpython" and entry["variant"] == "default"
    }
    supported = sorted(version for version in versions if version >= (3, 11))
    return {"oldest": versions[supported[0]], "newest": versions[supported[-1]]}


@pytest.mark.parametrize("python", ["oldest", "newest"])
@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_a_rendered_project_passes_its_own_checks(
    bakery: Bakery, credentials: str, python: str, pythons: dict[str, str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(bakery.bake(credentials=credentials), project)
    # Variables of the shell must not matter to the tests.
    disturbing = {"FASTAPI_ENV": "prod", "FRONTEND_ORIGINS": "nonsense", "MAX_BODY_SIZE": "0"}
    environment = clean_environment(**disturbing, UV_PYTHON=pythons[python])
    for check in CHECKS:
        ended = subprocess.run([UV, "run", *check], cwd=project, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, f"{' '.join(check)}:\n{ended.stdout}{ended.stderr}"
