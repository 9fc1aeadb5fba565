"""Commands and code blocks of the pages."""

import re
from pathlib import Path

from tests.support.baking import ROOT

FLEET, ADOPT, QUESTIONS, LOGINS, FRONTEND, DATABASE, APPS, FILES, OPERATIONS = (
    ROOT / "docs" / f"{name}.md"
    for name in (
        *("fleet", "adopt", "questions", "logins", "frontend"),
        *("database", "apps", "files", "operations"),
    )
)
GET_STARTED = ROOT / "docs" / "get-started.md"
CHANGE = '--variables-to-update \'{"credentials": "cookies"}\''
PORTAL = "frontend_origins=https://shop.example.com"
FLEET_COMMANDS = (
    "gh:org/template --checkout v1.2.3",
    'git push --atomic origin main "$version"',
    "git config remote.upstream.tagOpt --no-tags",
    "git merge FETCH_HEAD",
    "cruft check --checkout v1.2.3",
    "cruft update --checkout v1.2.3 --skip-apply-ask",
)
ADD = "uv add "
ADOPTED = (
    "python -m cors_right show",
    "GET /orders --app main:app",
    "python -m cors_right check",
    "--env staging",
)
CERTIFICATES = "--ssl-cert-reqs 1"


def commands(readme: Path) -> list[str]:
    """Return the lines of all shell blocks."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", readme.read_text("utf-8"), re.M | re.S)
    return [line.strip() for block in blocks for line in block.splitlines()]


def command(readme: Path, ending: str) -> str:
    """Return the command with the given beginning or end."""
    (line,) = [
        line for line in commands(readme) if line.startswith(ending) or line.endswith(ending)
    ]
    return line


def section(page: Path, heading: str) -> str:
    """Return the text below a page's heading, given by its beginning."""
    text = page.read_text("utf-8")
    (found,) = re.findall(rf"^## {heading}[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    return str(found)


def blocks(page: Path, heading: str, language: str = "python") -> list[str]:
    """Return the code blocks below a heading of a page."""
    return re.findall(rf"```{language}\n(.*?)```", section(page, heading), re.S)
