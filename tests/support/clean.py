"""The checks that a rendered project's pipeline makes."""

import subprocess
import sys
from pathlib import Path

from tests.support.serving import clean_environment


def is_clean(project: Path) -> None:
    """Check a project as its own pipeline does."""
    for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        ended = subprocess.run(
            [sys.executable, "-B", "-m", *command],
            cwd=project,
            env=clean_environment(),
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
