"""A service in a folder of a larger repository, as in docs/fleet.md."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.markdown import FLEET, blocks
from tests.support.repositories import COOKIECUTTER, GIT, Workshop
from tests.support.uv import UV
from tests.support.workflows import Runner

FOLDER = "services/orders"
# A workspace with every service except this one.
WORKSPACE = f"""[project]
name = "company"
version = "1.0"
requires-python = ">=3.11"

[tool.uv.workspace]
members = ["services/*"]
exclude = ["{FOLDER}"]
"""
# The files that the image needs exist.
DOCKER = """#!/bin/sh
[ "$*" = "build ." ] && ls -d $(sed -n 's/^COPY \\([^-].*\\) [^ ]*$/\\1/p' Dockerfile)
"""


def test_monorepo_checks_builds_and_updates_a_service(
    workshop: Workshop, machine: dict[str, str]
) -> None:
    company = workshop.folder / "company"
    service = company / FOLDER
    service.parent.mkdir(parents=True)
    (company / "pyproject.toml").write_text(WORKSPACE, encoding="utf-8")
    (company / "unformatted.py").write_text("import os\nunused:int=''\n", encoding="utf-8")
    source = (f"git+file://{workshop.remote}", "--checkout", "v1", "project_name=Orders")
    workshop.run(service.parent, *COOKIECUTTER, *source)
    (script,) = blocks(FLEET, "A service in a monorepo", "bash")
    workshop.run(company, "bash", "-e", "-c", script)
    workshop.run(service, UV, "lock", "--quiet")
    workshop.commit(company)

    pre_commit = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    path = os.pathsep.join([str(Path(UV).parent), os.environ["PATH"]])
    cache = subprocess.check_output([UV, "cache", "dir"], text=True).strip()
    workshop.variables |= {"PATH": path, "UV_CACHE_DIR": cache}
    assert workshop.run(company, *pre_commit).count("Passed") == 3
    main = service / "app" / "main.py"
    right = main.read_text("utf-8")
    main.write_text(right + "import os\nunused:int=''\n", encoding="utf-8")
    assert workshop.run(company, *pre_commit, status=1).count("Failed") == 3
    main.write_text(right, encoding="utf-8")
    workshop.run(company, *GIT, "diff", "--exit-code")

    repository = workshop.folder / "company.git"
    workshop.git(workshop.folder, "clone", "--quiet", "--bare", str(company), str(repository))
    clone = workshop.folder / "clone"
    workshop.git(workshop.folder, "clone", "--quiet", str(repository), str(clone))
    runner = Runner(workshop.folder, machine | {"UV_CACHE_DIR": cache})
    docker = workshop.folder / "programs" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    workflows = clone / ".github" / "workflows"
    tests, updates = (workflows / f"{name}-services-orders.yml" for name in ("test", "update"))
    assert runner.run(tests, clone, only="image") == 0, runner.said

    agents = "{{cookiecutter.project_slug}}/AGENTS.md"
    workshop.replace(agents, "# Notes", "# More notes")
    workshop.publish("v2")
    assert runner.run(updates, clone) == 0, runner.said
    assert " passed" in runner.said
    # The other job of the pipeline runs the same checks in the same folder.
    checks = [line for line in tests.read_text("utf-8").splitlines() if "- run: uv run" in line]
    assert len(checks) == 4
    for line in checks:
        assert line.partition("- run: ")[2] in updates.read_text("utf-8")
    branch = f"{FOLDER}/template-v2"
    assert f"pr create --head {branch} " in runner.log
    shown = workshop.run(repository, "git", "diff", "--name-only", "HEAD", branch)
    assert shown.split() == [f"{FOLDER}/.cruft.json", f"{FOLDER}/AGENTS.md"]
