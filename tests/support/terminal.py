"""A user at a terminal."""

import os
import pty
import re
import select
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.serving import PATIENCE

STYLE = re.compile(rb"\x1b\[[0-9;]*m")


def typed(
    command: Sequence[str], folder: Path, answers: Sequence[str], environment: Mapping[str, str]
) -> tuple[int, str]:
    """Run a command on a terminal, and type an answer at each question.

    Return its exit status, and the terminal's text with its colours. After the last answer, the
    function closes the terminal.
    """
    ours, its = pty.openpty()
    left = [*answers]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    ) as popen:
        os.close(its)
        shown = b""
        with suppress(OSError):  # the command has ended and closed the other side
            while True:
                if not select.select([ours], [], [], PATIENCE)[0]:
                    popen.kill()
                    raise AssertionError(f"nothing more for {PATIENCE} s after:\n{shown.decode()}")
                if not (part := os.read(ours, 10_000)):
                    break
                shown += part
                if STYLE.sub(b"", shown).endswith(b": "):
                    if not left:
                        break
                    os.write(ours, left.pop(0).encode() + b"\n")
        os.close(ours)
    return popen.returncode, shown.decode().replace("\r\n", "\n")
