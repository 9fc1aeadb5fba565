"""The checks of a rendered project, as in its own pipeline."""

import subprocess
import sys
from pathlib import Path

from tests.support.serving import clean_environment


def tool(project: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this Python in a project, without the plug-ins of this environment."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project,
        env=clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **variables),
        capture_output=True,
        text=True,
    )


def passes(project: Path, *words: str, **variables: str) -> None:
    """Run a module of this Python in a project, and expect success."""
    ended = tool(project, *words, **variables)
    assert ended.returncode == 0, f"{words}:\n{ended.stdout}{ended.stderr}"


def is_clean(project: Path) -> None:
    """Check the code of a project."""
    for words in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        passes(project, *words)
