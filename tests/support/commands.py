"""The command line of the library, in this process."""

import logging
import sys

import pytest
from cors_right import __main__ as command


def run_command(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Run `python -m cors_right`, and return its exit status, output and errors."""
    monkeypatch.setattr(logging, "disable", lambda: None)  # hides logs of other tests
    monkeypatch.setattr(sys, "argv", [command.__name__, *arguments])
    try:
        status = command.main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err
