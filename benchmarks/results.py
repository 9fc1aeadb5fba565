"""The results as a page and as a picture."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.arms import BARE, SNIPPET
from benchmarks.in_process import Figures
from benchmarks.loopback import Load
from benchmarks.projects import FLOOR as LEAST
from benchmarks.projects import Project
from benchmarks.starting import FLOOR, Start
from tests.support.baking import CREDENTIALS

FOLDER = Path(__file__).parent
PACKAGES = ("fastapi", "starlette", "uvicorn", "granian", "hypercorn", "pydantic-settings")


@dataclass(frozen=True)
class Results:
    """All figures of a run."""

    requests: Figures
    lists: Figures
    loads: dict[str, dict[str, Load]]
    starts: dict[str, Start]
    projects: dict[str, Project]


def machine() -> str:
    """Return the description of the machine."""
    text = Path("/proc/cpuinfo").read_text("utf-8")
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{len(names)} processors ({names[0]}), Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}. Packages: {versions}"
    )


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def requests_table(figures: Figures) -> str:
    """Return the cost of each request as a multiple of bare FastAPI's.

    The table compares a preflight with a request without `Origin`, because bare FastAPI
    answers no preflight.
    """
    names = [*figures[BARE]]
    base = {name: figures[BARE]["no Origin" if "preflight" in name else name] for name in names}
    rows = [
        [arm, *(f"{found[name] / base[name]:.2f}" for name in names)]
        for arm, found in figures.items()
    ]
    micro = ["microseconds of bare FastAPI", *(f"{base[name].median:.0f}" for name in names)]
    return table(["", *names], [*rows, micro])


def markdown(results: Results) -> str:
    """Return the page."""
    one = results.lists["1 origins"]
    lists = table(
        ["", *one],
        [
            [arm, *(f"{found[name] / one[name]:.2f}" for name in one)]
            for arm, found in results.lists.items()
        ],
    )
    loads = "\n".join(
        f"### {server}\n\n"
        + table(
            ["", "requests a second", "of bare", "p50, ms", "p99, ms", "processor, µs", "MB"],
            [
                [
                    arm,
                    f"{load.per_second.median:,.0f}",
                    f"{load.per_second / found[BARE].per_second:.2f}",
                    f"{load.p50.median:.1f}",
                    f"{load.p99.median:.1f}",
                    f"{load.processor.median:.0f}",
                    f"{load.memory.median:.0f}",
                ]
                for arm, load in found.items()
            ],
        )
        for server, found in results.loads.items()
    )
    floor = results.starts[FLOOR]
    starts = table(
        ["", "seconds to the first answer", "of the floor", "MB", "after unlisted origins"],
        [
            [
                arm,
                f"{start.seconds.median:.2f}",
                f"{start.seconds / floor.seconds:.2f}",
                f"{start.memory:.1f}",
                "" if start.memory_after is None else f"+{start.memory_after - start.memory:.1f}",
            ]
            for arm, start in results.starts.items()
        ],
    )
    least = results.projects[LEAST]
    projects = table(
        [
            "",
            "rendered, s",
            "first answer, s",
            "may the page read it?",
            "start, s",
            "MB in memory",
            "packages",
            "MB installed",
        ],
        [
            [
                arm,
                f"{found.rendering.median:.2f} ({found.rendering / least.rendering:.2f})",
                f"{found.first_answer.median:.2f} ({found.first_answer / least.first_answer:.2f})",
                "yes" if found.allows else "no",
                f"{found.start.median:.2f} ({found.start / least.start:.2f})",
                f"{found.memory:.0f}",
                str(found.count),
                f"{found.size:.0f}",
            ]
            for arm, found in results.projects.items()
        ],
    )
    return f"""# What it costs

Made by `uv run python -m benchmarks` on {machine()}.

## A request in the process

The benchmark calls the ASGI applications without sockets. The figures are multiples of the time of
bare FastAPI in the same round. Each gives the median of the rounds, and ± half the distance within
which nine of ten rounds lie. In a round, the applications take ten turns, with the garbage
collector off, and the fastest turn of each counts. Every other round reverses their order. The
second row is the same application as the first, so it shows the noise. A preflight never reaches
the application. Its multiple is of a request that does.

![The cost of a request with bare FastAPI, the pasted snippet, and each answer](results.svg)

{requests_table(results.requests)}
## Long lists

The figures are multiples of the rendered service with a list of one origin.

{lists}
## Under load

`wrk` sends GET requests with an allowed `Origin`, in one thread over 32 connections. The servers of
a table run at the same time. `wrk` calls each in turn, for a second. Each round has new processes.
The figures are medians of the rounds, and the multiples are of the same round. Figures without ±
depend on the machine's other work. The processor time is the time of one request.

{loads}
## Start

The time runs from the start of the process to the first response, and the figure is the median. The
floor is FastAPI with pydantic-settings. The table gives the memory of the process at that moment,
and its growth after requests from unlisted origins, each from another origin.

{starts}
## From the command to the first answer

Each template has its default answers, and no database if it offers this choice. The first two times
start with the command. The first ends when the project exists. The second ends when a page at
`http://localhost:3000` gets a response, from uvicorn, with dependencies from a warm cache. The
third time is the median of three later starts. The figures are medians, and the brackets have
multiples of the first row, a template with a pyproject.toml and the snippet. All projects run under
the same Python. `fastapi_template` and `fastapi-new` install, or try to install, while they render.
The packages are the packages of production.

{projects}"""


def plot(figures: Figures) -> bytes:
    """Return a bar chart of the cost of a request as a multiple of bare FastAPI's."""
    import pygal  # type: ignore[import-untyped]
    from pygal.style import CleanStyle  # type: ignore[import-untyped]

    names = ["no Origin", "exact", "pattern", "refused", "preflight", "refused preflight"]
    chart = pygal.Bar(
        style=CleanStyle, width=900, height=360, js=(), legend_at_bottom=True, show_y_guides=True
    )
    chart.title = "A request, as a multiple of what bare FastAPI takes"
    chart.x_labels = names
    for arm in (BARE, SNIPPET, *(f"ours, {answer}" for answer in CREDENTIALS)):
        values = []
        for name in names:
            base = figures[BARE]["no Origin" if "preflight" in name else name]
            values.append(round((figures[arm][name] / base).median, 3))
        chart.add(arm, values)
    return bytes(chart.render())


def write(results: Results, folder: Path = FOLDER) -> None:
    """Write the page and the picture."""
    (folder / "results.md").write_text(markdown(results), encoding="utf-8")
    (folder / "results.svg").write_bytes(plot(results.requests))
