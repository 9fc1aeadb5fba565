"""The benchmarks with tiny counts: they run and write their pages. The tests ignore times."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message

from benchmarks import in_process, loopback, projects, starting
from benchmarks.arms import BARE, SESSION, SNIPPET, rendered
from benchmarks.in_process import AGAIN, REQUESTS
from benchmarks.loopback import PASTED, SERVERS
from benchmarks.results import FOLDER, Results, write
from tests.support.baking import CREDENTIALS, ROOT
from tests.support.requirements import need

ONE = {"exact": REQUESTS["exact"]}
OURS = [f"ours, {answer}" for answer in CREDENTIALS]


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Path]]:
    with rendered() as services:
        yield services


def quietly(what: str) -> None:
    assert what


@pytest.mark.slow
def test_benchmarks_measure_and_write_every_table(
    services: dict[str, Path], tmp_path: Path
) -> None:
    need("wrk")
    results = Results(
        projects=projects.measure(
            1, quietly, [projects.FLOOR, "ours, none", "fastapi-new"], later=1
        ),
        requests=in_process.measure(in_process.arms(services), REQUESTS, 2, 2, quietly),
        lists=in_process.measure(
            in_process.lists(services), {"x": REQUESTS["exact"]}, 1, 1, quietly
        ),
        loads=loopback.measure(services, 1, quietly, servers=["granian"]),
        starts=starting.measure(services, 1, 20, quietly),
    )
    assert [*results.requests] == [BARE, AGAIN, SNIPPET, SESSION, *OURS]
    assert all([*found] == [*REQUESTS] for found in results.requests.values())
    assert [*results.loads["granian"]] == [*PASTED, *OURS]
    assert all(load.per_second.median > 0 for load in results.loads["granian"].values())
    assert [*results.starts] == [starting.FLOOR, *OURS]
    allows = {name: found.allows for name, found in results.projects.items()}
    assert allows == {projects.FLOOR: True, "ours, none": True, "fastapi-new": False}
    assert all(found.count > 15 and found.size > 15 for found in results.projects.values())

    write(results, tmp_path)
    page = (tmp_path / "results.md").read_text("utf-8")
    for arm in (*results.requests, *results.lists, *results.starts, *results.projects):
        assert f"\n| {arm} |" in page
    assert b"<svg" in (tmp_path / "results.svg").read_bytes()


def test_application_allows_listed_origins_only(services: dict[str, Path]) -> None:
    """Check that the compared applications allow the same origins and no unlisted origin."""
    for name, app in in_process.arms(services).items():
        for request, allowed in (("exact", True), ("pattern", True), ("refused", False)):
            sent: list[Message] = []

            async def send(message: Message, sent: list[Message] = sent) -> None:
                sent.append(message)

            scope = in_process.scope(*REQUESTS[request])
            asyncio.run(app(scope, in_process.receive, send))  # type: ignore[arg-type]
            start = sent[0]
            assert start["status"] == 200
            names = [header for header, _ in start["headers"]]
            is_allowed = b"access-control-allow-origin" in names
            assert is_allowed == (allowed and "bare" not in name), (name, request)


@pytest.mark.parametrize("module", ["floor", "pasted"])
def test_compared_server_imports_no_test_tools(module: str) -> None:
    """Check it because the benchmarks measure start and memory of the server."""
    code = (
        f"import sys, benchmarks.{module}; print({{'pytest', 'cookiecutter'}} & {{*sys.modules}})"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=ROOT, text=True) == "set()\n"


def test_page_has_the_results() -> None:
    page = (FOLDER / "results.md").read_text("utf-8")
    assert re.findall(r"^### (.*)$", page, re.MULTILINE) == [*SERVERS]
    assert "uv run python -m benchmarks" in page


def test_readme_quotes_the_results() -> None:
    page = (FOLDER / "results.md").read_text("utf-8")

    def times(arm: str) -> float:
        """Return the multiple of bare FastAPI in the column "exact", the second."""
        return float(re.findall(rf"^\| {arm} \| \S+ ± \S+ \| (\S+) ±", page, re.M)[0])

    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert re.findall(r"takes ([\d.]+) times", readme) == [
        f"{times('ours, none'):.2f}",
        f"{times(SNIPPET):.2f}",
        f"{times('ours, cookies') / times(SESSION):.2f}",
    ]
