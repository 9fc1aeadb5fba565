"""The parts of docs/get-started.md, cut out of the page."""

import re
import sys

from tests.support.baking import CREDENTIALS
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


def restricted(credentials: str) -> str:
    """Return the command that refuses the page, with the variables that the answer needs."""
    text = " ".join(GET_STARTED.read_text("utf-8").split())
    found = re.findall(r"- With ([^,]*), write `([^`]*)` before", text)
    more = {answer: line for answers, line in found for answer in re.findall("`(.*?)`", answers)}
    return f"{more.get(credentials, '')} {line(RESTRICT)}"


def allowing(text: str) -> str:
    """Return the command that refuses the page, as the page says to change it."""
    (both,) = re.findall(r"`FRONTEND_ORIGINS=(.*,.*)`", GET_STARTED.read_text("utf-8"))
    assert both.split(",") == [LISTED, PAGE]
    return text.replace(f"={LISTED} ", f"={both} ")


def log_line() -> str:
    """Return the line of the log for the refused request, as the page shows it."""
    (refused,) = blocks(GET_STARTED, "See a refused request", "text")
    return refused.strip()


def variables() -> dict[str, set[str]]:
    """Return the variables that production needs, by the answer."""
    table = re.findall(r"^\| (`.*`) \| with `?([a-z]+)", GET_STARTED.read_text("utf-8"), re.M)
    names = {answer: {*re.findall("`(.*?)`", cell)} for cell, answer in table}
    return {answer: names.get(answer.removeprefix("cross-site-"), set()) for answer in CREDENTIALS}
