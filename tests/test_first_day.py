"""What the rendered README tells the owner to change, changed; the project's own checks judge."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.baking import CREDENTIALS, Bakery
from tests.serving import clean_environment

NEW_ROUTE = """

@router.api_route(
    "/orders",
    methods=["QUERY"],
    responses={200: {"headers": {"X-Total": {"schema": {"type": "integer"}}}}},
)
async def find_orders(x_tenant: Annotated[str, Header()]) -> str:
    return x_tenant
"""


def output(project: Path, tool: str, *arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", tool, *arguments]
    ended = subprocess.run(
        command, cwd=project, env=clean_environment(), capture_output=True, text=True
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    return ended.stdout


def edit(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text("utf-8"))
    assert count, f"{pattern} is not in {file}"
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_the_example_goes_and_a_route_comes(bakery: Bakery, credentials: str) -> None:
    project = bakery.bake_new(credentials=credentials)
    settings, main = project / "app" / "settings.py", project / "app" / "application.py"
    example = project / "app" / "routes" / "notes.py"
    assert (
        "in `app/settings.py`\nthe headers that it alone has: Idempotency-Key and Location."
        in example.read_text("utf-8")
    )
    example.unlink()
    (project / "tests" / "test_notes.py").unlink()
    edit(main, "    notes,\n", "")
    edit(main, r"    app.include_router\(notes.router\)\n", "")
    edit(settings, r' +"(Idempotency-Key|Location)",\n', "")
    output(project, "ruff", "format", "--no-cache")
    output(project, "pytest", "-q", "tests/test_policy.py", "tests/test_cors.py")

    health = project / "app" / "routes" / "health.py"
    edit(
        health,
        "from fastapi import APIRouter",
        "from typing import Annotated\n\nfrom fastapi import APIRouter, Header",
    )
    health.write_text(health.read_text("utf-8") + NEW_ROUTE, encoding="utf-8")
    output(project, "ruff", "format", "--no-cache")
    said = output(project, "pytest", "-q", "tests/test_policy.py", status=1)
    advice = set(re.findall(r'add "(\S+)" to (\w+)$', said, re.M))
    assert advice == {
        ("QUERY", "allow_methods"),
        ("x-tenant", "allow_headers"),
        ("X-Total", "expose_headers"),
    }
    for name, entry in advice:
        edit(settings, rf"({entry}=\[)(?!\"\*)", rf'\1"{name}", ')
    output(project, "ruff", "format", "--no-cache")
    output(project, "ruff", "check", "--no-cache")
    output(project, "mypy")
    output(project, "pytest", "-q")
