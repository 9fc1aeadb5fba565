"""Failures of the test run: one sentence each, and no process left behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import words
from tests.support.baking import ROOT, Bakery
from tests.support.browser.engines import started
from tests.support.requirements import free
from tests.support.serving import clean_environment, serve


def descendants() -> dict[int, str]:
    """Return the processes that this one or its children started, with their names."""
    parents: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, name, state, parent = re.match(
                r"(\d+) \((.*)\) (\S) (\d+)", stat.read_text()
            ).groups()  # type: ignore[union-attr]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            parents[int(pid)] = (int(parent), name)
    found: dict[int, str] = {}
    todo = [os.getpid()]
    while todo:
        current = todo.pop()
        for pid, (parent_pid, name) in parents.items():
            if parent_pid == current:
                found[pid] = name
                todo.append(pid)
    return found


def left_behind(before: dict[int, str]) -> dict[int, str]:
    return {pid: name for pid, name in descendants().items() if pid not in before}


def test_server_says_why_it_does_not_start(bakery: Bakery) -> None:
    before = descendants()
    with (
        pytest.raises(AssertionError, match=re.escape(words.wrong_environment("production"))),
        serve(bakery.bake(), "app.main:app", {"FASTAPI_ENV": "prod"}),
    ):
        pass
    assert not left_behind(before)


@pytest.mark.parametrize(
    ("is_required", "outcome"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)]
)
def test_run_names_a_taken_port(is_required: bool, outcome: type[BaseException]) -> None:
    """Skip the test with the port, or fail it if engines are required."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(outcome, match=f"port {port} is taken"):
            free(port, is_required=is_required)


def test_run_notices_a_dead_browser(engine: str) -> None:
    before = descendants()
    names = {"chromium": "chromium", "firefox": "firefox-esr", "webkit": "webkit.py"}
    with pytest.raises(Exception) as caught, started(engine) as browser:  # noqa: B017, PT011
        assert browser.run("return 1") == 1
        for pid, name in left_behind(before).items():
            if name.startswith(names[engine]):
                os.kill(pid, signal.SIGKILL)
        browser.run("return 2")
    assert str(caught.value) or type(caught.value).__name__
    assert not left_behind(before)


def test_run_names_a_missing_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Xvfb").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "Xvfb").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    before = descendants()
    with (
        pytest.raises(RuntimeError, match=r"The virtual screen \(Xvfb\) did not start"),
        started("webkit"),
    ):
        pass
    assert not left_behind(before)


@pytest.mark.parametrize("required", ["", "chromium,firefox,webkit"])
def test_run_names_a_missing_engine(required: str, tmp_path: Path) -> None:
    """Skip the test with the package to install, or fail it if engines are required."""
    # The only other program that the run needs.
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n0",
        "-p",
        "no:cacheprovider",
        "tests/browser/test_websockets.py",
    ]
    environment = clean_environment(PATH=str(tmp_path), REQUIRE_BROWSERS=required)
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    outcome = "Failing" if required else "Skipped"
    head = ended.stdout.partition("collected ")[0]
    assert f"{outcome}, because not installed: chromium, firefox, webkit" in head
    for engine, packages in (
        ("chromium", "chromium chromium-driver"),
        ("webkit", "webkit2gtk-driver xvfb"),
    ):
        assert f"{engine} is not installed: apt-get install {packages}" in ended.stdout
    if required:
        assert ended.returncode == 1
    else:
        assert ended.returncode == 0
        assert re.search(
            r"^Not tried: chromium is not installed.*; firefox.*; webkit.*$", ended.stdout, re.M
        )
