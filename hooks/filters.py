"""Answers become checked values: Jinja filters that cookiecutter.json applies after each question.

A wrong answer raises FailedHookException, which cookiecutter shows as one line. Nothing is
written then.
"""

import json
import re
import sys
import tomllib
from functools import partial
from pathlib import Path
from types import ModuleType

from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify

TEMPLATE = Path(__file__).resolve().parent.parent
SERVICE = TEMPLATE / "{{cookiecutter.project_slug}}"
SLUG = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
MAX_SLUG_LENGTH = 63
WINDOWS_DEVICES = {
    "aux",
    "con",
    "nul",
    "prn",
    *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)),
}


def load_origins() -> ModuleType:
    """Return the service's own grammar of origins, so that there is one.

    Executed from its text: an import would leave a __pycache__ in the folder that is rendered.
    """
    path = SERVICE / "app" / "cors" / "origins.py"
    module = ModuleType("origins")
    exec(compile(path.read_text("utf-8"), path, "exec"), module.__dict__)
    return module


def load_dependencies() -> set[str]:
    """Return the names that the service's own must not be: no project can depend on itself."""
    project = tomllib.loads((SERVICE / "pyproject.toml").read_text("utf-8"))
    requirements = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in requirements}


origins = load_origins()
dependencies = load_dependencies()


def refuse(question: str, problem: str) -> FailedHookException:
    return FailedHookException(f"{question}: {problem}")


def checked_text(question: str, text: str) -> str:
    if not text.isprintable():
        raise refuse(question, f"{text!r} has a character that cannot be printed; leave it out")
    for tag in ("{{", "{%", "{#"):
        if tag in text:
            raise refuse(
                question, f"{text!r} has {tag} in it, which an update of the project would execute"
            )
    return text


def checked_name(text: str) -> str:
    """Return the project's name: printable, not blank, not Jinja."""
    if not text.strip():
        raise refuse("project_name", "it is empty; write the name that people use for the service")
    return checked_text("project_name", text)


def checked_description(text: str) -> str:
    """Return the description: printable, not Jinja."""
    return checked_text("description", text)


def slug_problem(slug: str) -> str | None:
    if len(slug) > MAX_SLUG_LENGTH or not re.fullmatch(SLUG, slug):
        return f"it takes lower-case words joined by -, at most {MAX_SLUG_LENGTH} characters in all"
    if slug in WINDOWS_DEVICES:
        return "it is the name of a device on Windows"
    if slug in dependencies:
        return "it is the name of a package that the service depends on"
    return None


def suggested_slug(name: str) -> str:
    """Return a valid slug for any name."""
    slug = re.sub(r"^[^a-z]+", "", slugify(name))[:MAX_SLUG_LENGTH].strip("-") or "my-service"
    return f"{slug}-service" if slug_problem(slug) else slug


def checked_slug(slug: str) -> str:
    """Return the slug as it is, when it can be a folder, a distribution and an image everywhere."""
    if problem := slug_problem(slug):
        raise refuse(
            "project_slug", f"{slug!r} cannot be used: {problem}; write {suggested_slug(slug)}"
        )
    return slug


def checked_origins(answer: str, browser_credentials: str) -> str:
    """Return the frontends as canonical origins with commas between; nothing for `none`.

    With browser credentials (not empty), the rules of production apply, except for those that need
    the Public Suffix List: the service's own tests and its start apply them.
    """
    texts = [text for text in answer.split(",") if text.strip()]
    if not texts:
        problem = "it is empty; write none if no other origin may call the service"
        raise refuse("frontend_origins", problem)
    if [text.strip() for text in texts] == ["none"]:
        return ""
    check = partial(origins.require_secure, allow_loopback=False) if browser_credentials else None
    try:
        allowed = origins.AllowList(texts, check=check, allow_any=not browser_credentials)
    except origins.AllowListError as error:
        problems = ". ".join(map(str, error.problems))
        if len(texts) > 1 and error.correction:
            problems += f". The whole answer: {','.join(error.correction)}"
        raise refuse("frontend_origins", problems) from None
    return ",".join(allowed.entries)


def literal(text: str) -> str:
    """Return a Python string literal in the quotes that `ruff format` prefers."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def escaped(text: str) -> str:
    """Return the inside of a string in double quotes for TOML, YAML and JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class Answers(Extension):
    """The filters of the template."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        filters = (
            checked_name,
            suggested_slug,
            checked_slug,
            checked_description,
            checked_origins,
            literal,
            escaped,
        )
        environment.filters.update({function.__name__: function for function in filters})
        # The hook records the answers in the order of the questions, as cruft does.
        environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
        # Where the hook finds the template. Cookiecutter's own `_repo_dir` may be relative to a
        # folder that has been left by then.
        environment.globals["template_folder"] = str(TEMPLATE)
        # `cruft update` renders two versions of the template in one process, and each must load its
        # own filters.
        for module in ("hooks.filters", "hooks"):
            sys.modules.pop(module, None)
