"""The command of uv."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.serving import clean_environment

UV = os.environ.get("UV", "uv")  # `uv run` sets it, wherever uv is installed


def lock(project: Path) -> None:
    """Write the lock file of a project."""
    command = [UV, "lock", "--quiet", "--python", sys.executable]
    subprocess.run(command, cwd=project, env=clean_environment(), check=True)
