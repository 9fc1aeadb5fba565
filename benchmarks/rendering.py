"""What rendering takes, and what a rendered service depends on."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.arms import ROOT

COOKIECUTTER = [sys.executable, "-m", "cookiecutter", "--no-input"]
FLOOR_PACKAGES = ["fastapi", "uvicorn[standard]", "pydantic-settings"]
ONE_FILE = "a template of one file"
UV = os.environ.get("UV", "uv")


@dataclass(frozen=True)
class Packages:
    """Production dependencies: how many, and megabytes when they are installed."""

    count: int
    size: float


def render(rounds: int, progress: Callable[[str], None]) -> dict[str, float]:
    """Return the median of the seconds that a run of cookiecutter takes, by template."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        floor = folder / "floor"
        (floor / "{{cookiecutter.slug}}").mkdir(parents=True)
        (floor / "{{cookiecutter.slug}}" / "README.md").write_text("# {{cookiecutter.slug}}\n")
        (floor / "cookiecutter.json").write_text('{"slug": "service"}\n')
        ours = folder / "ours"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(ours)], check=True)
        taken: dict[str, list[float]] = {ONE_FILE: [], "ours": []}
        for turn in range(rounds):
            for arm, template in ((ONE_FILE, floor), ("ours", ours)):
                progress(f"rendering {turn + 1} of {rounds}: {arm}")
                out = folder / f"{arm}{turn}"
                command = [*COOKIECUTTER, "--output-dir", str(out), str(template)]
                began = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                taken[arm].append(time.perf_counter() - began)
    return {arm: median(times) for arm, times in taken.items()}


def packages(project: Path | None) -> Packages:
    """Install production dependencies somewhere; those of a project, or of the least service."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        environment = Path(name) / "environment"
        python = ["--python", sys.executable]
        if project is None:
            subprocess.run([UV, "venv", "--quiet", *python, str(environment)], check=True)
            target = ["--python", str(environment / "bin" / "python")]
            command = [UV, "pip", "install", "--quiet", *target, *FLOOR_PACKAGES]
            subprocess.run(command, check=True)
        else:
            copy = Path(name) / "project"
            shutil.copytree(project, copy)
            variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(environment)}
            command = [UV, "sync", "--quiet", "--no-dev", *python]
            subprocess.run(command, cwd=copy, env=variables, check=True)
        (site,) = (environment / "lib").glob("python*/site-packages")
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        return Packages(len([*site.glob("*.dist-info")]), size / 1e6)
