"""Projects that the template renders."""

import ast
import json
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pytest_cookies.plugin import Cookies

ROOT = Path(__file__).parent.parent.parent
SERVICE = ROOT / "{{cookiecutter.project_slug}}"
CONFIGURATION: dict[str, Any] = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
QUESTIONS = [name for name in CONFIGURATION if not name.startswith("_")]
CREDENTIALS: list[str] = CONFIGURATION["credentials"]
WITH_COOKIES = [answer for answer in CREDENTIALS if answer.endswith("cookies")]
# Answers that a test omits, independent of a fork's defaults.
PLAIN = {
    "project_name": "My Service",
    "description": "An HTTP API for browsers.",
    "credentials": "none",
    "frontend_origins": "https://app.example.com",
}


@dataclass
class Bakery:
    """A bakery that bakes each set of answers once."""

    cookies: Cookies
    baked: dict[tuple[tuple[str, str], ...], Path] = field(default_factory=dict)

    def bake(self, **answers: str) -> Path:
        """Return the project rendered for the answers; tests share it, so do not edit it."""
        key = tuple(sorted((PLAIN | answers).items()))
        if key not in self.baked:
            self.baked[key] = self.bake_new(**answers)
        return self.baked[key]

    def bake_new(self, **answers: str) -> Path:
        """Return a new project, which the test can edit."""
        result = self.cookies.bake(extra_context=PLAIN | answers)
        if result.exception is not None:
            raise result.exception
        return Path(result.project_path)

    def refusal(self, **answers: str) -> str:
        """Return the template's message that refuses the answers."""
        result = self.cookies.bake(extra_context=PLAIN | answers)
        assert result.exception is not None, f"{answers} were accepted"
        return f"{type(result.exception).__name__}: {result.exception}"


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def copied(project: Path, folder: Path) -> Path:
    """Return a copy of a project for edits."""
    return Path(shutil.copytree(project, folder / "project"))


def parse(name: str, content: bytes) -> None:
    """Parse a file by its kind, and raise an exception if it is broken."""
    text = content.decode("utf-8")
    match PurePosixPath(name).suffix:
        case ".py":
            ast.parse(text)
        case ".toml":
            tomllib.loads(text)
        case ".json":
            json.loads(text)
        case ".yml" | ".yaml":
            yaml.safe_load(text)
