"""Other templates from a package registry, installed and rendered."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.uv import UV


@dataclass(frozen=True)
class Template:
    """A template: the command that renders a project, and the application to serve.

    `command` is the command to type, and `package` installs it (None: cookiecutter of this run).
    `app` is the application in the project, and `path` its route.
    """

    command: list[str]
    app: str
    path: str
    package: str | None = None


RIVALS = {
    "cookiecutter-fastapi-starter": Template(
        ["cookiecutter-fastapi-starter", "--no-input", "database=sqlite", "include_auth=no"],
        "app.main:app",
        "/api/v1/health",
        "cookiecutter-fastapi-starter",
    ),
    "fastapi_template": Template(
        [
            *["fastapi_template", "--quiet", "--name", "service"],
            *["--api-type", "rest", "--db", "none", "--orm", "none", "--ci", "none"],
        ],
        "service.web.application:get_app",
        "/api/health",
        "fastapi_template",
    ),
    "fastapi-new": Template(["fastapi-new", "service"], "main:app", "/", "fastapi-new"),
}


def install_tool(template: Template, environment: Path) -> str:
    """Install the renderer, and return the folder of its command."""
    if template.package is None:
        return str(Path(sys.executable).parent)
    install(environment, [template.package])
    return str(environment / "bin")


def install(environment: Path, what: list[str]) -> None:
    """Install packages, or the requirements of a file, for this Python."""
    subprocess.run(
        [UV, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True
    )
    target = ["--python", str(environment / "bin" / "python")]
    subprocess.run([UV, "pip", "install", "--quiet", *target, *what], check=True)


def render(template: Template, tools: str, work: Path) -> Path:
    """Render a project into an empty folder, and return its path."""
    subprocess.run(
        template.command,
        cwd=work,
        env={
            **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
            "PATH": os.pathsep.join([tools, str(Path(UV).parent), os.environ["PATH"]]),
            "UV_PYTHON_DOWNLOADS": "never",
        },
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    (project,) = work.iterdir()
    return project
