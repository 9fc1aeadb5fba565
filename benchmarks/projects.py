"""The time from the render command to the first response to a page on another origin.

The table compares this template with templates from a package registry.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import loopback
from benchmarks.arms import ENVIRONMENT, ROOT
from benchmarks.figure import Figure
from tests.support.baking import CREDENTIALS
from tests.support.rivals import RIVALS, Template, install, install_tool, render
from tests.support.serving import send

PAGE = "http://localhost:3000"


@dataclass(frozen=True)
class Project:
    """The seconds from the command to the rendered files and to the first response, and sizes.

    `start` is the time of a later start in seconds, and `memory` its megabytes. `allows` says
    whether the page at localhost:3000 can read the response. `count` and `size` describe the
    production dependencies, in packages and megabytes.
    """

    rendering: Figure
    first_answer: Figure
    start: Figure
    allows: bool
    memory: float
    count: int
    size: float


Round = tuple[float, float, bool, float, float, int, float]
COOKIECUTTER = [sys.executable, "-m", "cookiecutter", "--no-input"]
FLOOR = "the least: two files"
LEAST = {
    "cookiecutter.json": '{"slug": "service"}\n',
    "{{cookiecutter.slug}}/pyproject.toml": """[project]
name = "{{cookiecutter.slug}}"
version = "0.1.0"
dependencies = ["fastapi", "pydantic-settings", "uvicorn[standard]"]
""",
    "{{cookiecutter.slug}}/main.py": """from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["http://localhost:3000"])


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
""",
}


def templates(folder: Path) -> dict[str, Template]:
    """Return the templates of the table, and write templates outside the registry into a folder."""
    floor, ours = folder / "floor", folder / "ours"
    (floor / "{{cookiecutter.slug}}").mkdir(parents=True)
    for name, text in LEAST.items():
        (floor / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(ours)], check=True)
    return {
        FLOOR: Template([*COOKIECUTTER, str(floor)], "main:app", "/health"),
        **{
            f"ours, {answer}": Template(
                [*COOKIECUTTER, str(ours), f"credentials={answer}"], "app.main:app", "/health"
            )
            for answer in CREDENTIALS
        },
        **RIVALS,
    }


def measure(
    rounds: int,
    progress: Callable[[str], None],
    names: Iterable[str] | None = None,
    later: int = 3,
) -> dict[str, Project]:
    """Render, install and start each template's project several times, in turn."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        arms = templates(folder)
        if names is not None:
            arms = {name: arms[name] for name in names}
        tools = {arm: install_tool(template, folder / arm) for arm, template in arms.items()}
        taken: dict[str, list[Round]] = {arm: [] for arm in arms}
        for turn in range(rounds):
            for arm, template in arms.items():
                progress(f"project {turn + 1} of {rounds}: {arm}")
                work = folder / f"{turn}-{arm}"
                work.mkdir()
                taken[arm].append(make(template, tools[arm], work, later))
    return {arm: project_of(found) for arm, found in taken.items()}


def make(template: Template, tools: str, work: Path, later: int) -> Round:
    """Render a project into an empty folder, install it, start it, call it, and start it again."""
    began = time.perf_counter()
    project = render(template, tools, work)
    rendering = time.perf_counter() - began
    environment = work / "environment"
    install(environment, ["--requirements", str(project / "pyproject.toml")])
    python = [str(environment / "bin" / "python"), "-m"]
    command = [*python, "uvicorn", "{app}", "--factory", "--port", "{port}"]
    if not template.app.endswith(":get_app"):
        command.remove("--factory")
    variables = {**ENVIRONMENT, "FASTAPI_ENV": "development"}
    with loopback.served(template.app, command, project, variables, template.path) as (_, port):
        first_answer = time.perf_counter() - began
        _, headers, _ = send(port, "GET", template.path, {"Origin": PAGE})
        allows = headers["Access-Control-Allow-Origin"] in ("*", PAGE)
    starts = []
    for _ in range(later):
        began = time.perf_counter()
        with loopback.served(template.app, command, project, variables, template.path) as running:
            starts.append(time.perf_counter() - began)
            memory = loopback.memory(running[0])
    return rendering, first_answer, allows, median(starts), memory, *installed(environment)


def installed(environment: Path) -> tuple[int, float]:
    """Return the number of packages in an environment, and their megabytes."""
    (site,) = (environment / "lib").glob("python*/site-packages")
    files = [path for path in site.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    size = sum(path.stat().st_size for path in files) / 1e6
    return len([*site.glob("*.dist-info")]), size


def project_of(rounds: list[Round]) -> Project:
    """Return the figures of the rounds; only the times differ between rounds."""
    rendering, first_answer, allows, start, memory, count, size = zip(*rounds, strict=True)
    times = [Figure([*values]) for values in (rendering, first_answer, start)]
    return Project(times[0], times[1], times[2], allows[-1], memory[-1], count[-1], size[-1])
