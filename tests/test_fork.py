"""A fork of the template: other defaults, a new file, another name."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.baking import CONFIGURATION, CREDENTIALS, SERVICE
from tests.support.repositories import copy_template
from tests.support.serving import PATIENCE, clean_environment

UPSTREAM = "org" + "/template"  # in two parts, so that a fork does not replace it
DEFAULTS = {
    "project_name": "Acme Service",
    "description": "Acme's API.",
    "credentials": CREDENTIALS[::-1],
    "frontend_origins": "https://*.acme.example,https://admin.acme.example:8443",
}


def test_fork_with_other_defaults_passes_marked_tests(tmp_path: Path) -> None:
    fork = tmp_path / "fork"
    copy_template(fork)
    for path in fork.rglob("*"):
        if path.is_file() and UPSTREAM.encode() in (content := path.read_bytes()):
            path.write_bytes(content.replace(UPSTREAM.encode(), b"acme/starter"))
    text = json.dumps(CONFIGURATION | DEFAULTS, ensure_ascii=False, indent=2)
    (fork / "cookiecutter.json").write_text(f"{text}\n", encoding="utf-8")
    (fork / SERVICE.name / "app" / "metrics.py").write_text('"""Ours."""\n', encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=fork, check=True)
    subprocess.run(["git", "add", "--all"], cwd=fork, check=True)
    options = ["--quiet", "--numprocesses=0", "--ignore=tests/browser", "--ignore=tests/library"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-m", "defaults"],
        cwd=fork,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=6 * PATIENCE,
    )
    assert ended.returncode == 0, ended.stdout
