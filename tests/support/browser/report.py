"""A report of the cases in the browsers, as one page.

Each process of the test run appends its cases to a separate file in the run's folder. At the end,
they become `report/browsers.html`, a page without scripts and other files.
"""

import base64
import json
import os
import shutil
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

from tests.support.baking import ROOT

PAGE = ROOT / "report" / "browsers.html"
PARTS = "BROWSER_REPORT_PARTS"
STYLE = """
body { font: 16px/1.4 system-ui, sans-serif; margin: 1rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .5rem; text-align: left; }
th, td { vertical-align: top; }
summary { cursor: pointer; padding: .4rem 0; }
.good { color: #14692b; } .bad { color: #b00020; font-weight: bold; }
.scroll { overflow-x: auto; } small { color: #555; overflow-wrap: anywhere; }
img { max-width: 100%; border: 1px solid #ccc; }
"""


@dataclass(frozen=True)
class Case:
    """A test case in one engine, in words."""

    engine: str
    group: str
    case: str
    expected: str
    happened: str
    said: str = ""

    @property
    def is_good(self) -> bool:
        return self.expected == self.happened


def begin() -> None:
    """Give the run a folder, which its worker processes find through the environment."""
    os.environ[PARTS] = tempfile.mkdtemp(prefix="browsers-")


def own_file(suffix: str) -> Path:
    """Return a file of this process."""
    return Path(os.environ[PARTS]) / f"{os.getpid()}.{suffix}"


def record(case: Case) -> None:
    """Save a case for the page."""
    with own_file("jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(case)) + "\n")


def record_picture(title: str, png: bytes) -> None:
    """Save a screenshot for the page."""
    with own_file("pictures").open("a", encoding="utf-8") as file:
        file.write(json.dumps([title, base64.b64encode(png).decode()]) + "\n")


def lines(suffix: str) -> list[str]:
    """Return the saved lines of all processes."""
    parts = sorted(Path(os.environ[PARTS]).glob(f"*.{suffix}"))
    return [line for part in parts for line in part.read_text("utf-8").splitlines()]


def finish() -> Path | None:
    """Write the page and return its path, or None without cases."""
    cases = [Case(**json.loads(line)) for line in lines("jsonl")]
    pictures = [json.loads(line) for line in lines("pictures")]
    shutil.rmtree(os.environ[PARTS])
    if not cases:
        return None
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(cases, pictures), encoding="utf-8")
    return PAGE


def page(cases: list[Case], pictures: list[list[str]]) -> str:
    """Return the page as HTML."""
    engines = sorted({case.engine for case in cases})
    groups: dict[str, dict[str, dict[str, Case]]] = defaultdict(lambda: defaultdict(dict))
    for case in sorted(cases, key=lambda case: case.group):
        groups[case.group][case.case][case.engine] = case
    counts = "".join(
        f"<tr><td>{engine}<td>{len(of_engine)}<td>{sum(case.is_good for case in of_engine)}"
        for engine in engines
        if (of_engine := [case for case in cases if case.engine == engine])
    )
    return "\n".join(
        [
            "<!doctype html><html lang=en><meta charset=utf-8>",
            "<title>CORS in three browser engines</title>",
            f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>",
            "<h1>CORS in three browser engines</h1>",
            "<p>What pages saw of the rendered services, "
            "and which requests the services got for it.</p>",
            f"<table><tr><th>engine<th>cases<th>as expected{counts}</table>",
            *(section(name, rows, engines) for name, rows in groups.items()),
            *(
                f"<h2>{escape(title)}</h2>"
                f"<img alt='{escape(title, quote=True)}' src='data:image/png;base64,{data}'>"
                for title, data in pictures
            ),
            "",
        ]
    )


def section(name: str, rows: dict[str, dict[str, Case]], engines: list[str]) -> str:
    """Return a group of cases as a table that opens on a click, or if a case is wrong."""
    good = all(case.is_good for row in rows.values() for case in row.values())
    head = "".join(f"<th>{engine}" for engine in engines)
    body = "".join(
        f"<tr><td>{escape(title)}<td>{escape(next(iter(row.values())).expected)}"
        + "".join(cell(row.get(engine)) for engine in engines)
        for title, row in rows.items()
    )
    return (
        f"<details{'' if good else ' open'}><summary class={'good' if good else 'bad'}>"
        f"{'✓' if good else '✗'} {escape(name)} ({len(rows)})</summary>"
        f"<div class=scroll><table><tr><th>case<th>expected{head}{body}</table></div></details>"
    )


def cell(case: Case | None) -> str:
    """Return the result in one engine, with the browser's own words."""
    if case is None:
        return "<td>"
    verdict = (
        "<span class=good>✓</span>"
        if case.is_good
        else f"<span class=bad>✗ {escape(case.happened)}</span>"
    )
    return f"<td>{verdict} <small>{escape(case.said)}</small>"
