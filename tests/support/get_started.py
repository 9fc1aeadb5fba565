"""The parts of docs/get-started.md, cut out of the page."""

import re
import sys

from tests.support.markdown import GET_STARTED, blocks, command

RENDER, CHECK = "uvx cookiecutter", "https://api.example.com/health"
START, RESTRICT = "uv run fastapi dev", "FASTAPI_ENV=staging "
SHOW = "python3 -m http.server 3000"
COMMANDS = (RENDER, START, SHOW, RESTRICT, CHECK)
LISTED = "https://app.example.com"  # in the page's allow-list
PAGE = "http://localhost:3000"

(HTML,) = blocks(GET_STARTED, "Call it from a page", "html")


def line(beginning: str) -> str:
    """Return a command of the page, for this Python, without uv."""
    own = command(GET_STARTED, beginning).replace("uv run python ", f"{sys.executable} -B ")
    own = own.replace("uv run", f"{sys.executable} -m").replace("python3", sys.executable)
    return own.replace("uvx", f"{sys.executable} -m")


def allowing() -> str:
    """Return the command that refuses the page, after the page's correction."""
    (both,) = re.findall(r"`FRONTEND_ORIGINS=(.*,.*)`", GET_STARTED.read_text("utf-8"))
    assert both.split(",") == [LISTED, PAGE]
    return line(RESTRICT).replace(f"={LISTED} ", f"={both} ")


def log_line() -> str:
    """Return the log line for the refused request, as the page shows it."""
    (refused,) = blocks(GET_STARTED, "See a refused request", "text")
    return refused.strip()
