"""Answers become checked values: Jinja filters that cookiecutter.json applies after each question.

On a terminal, a wrong answer is asked for again. Anywhere else it raises FailedHookException, which
cookiecutter shows as one line, and nothing is written.
"""

import inspect
import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from cookiecutter.exceptions import FailedHookException
from cookiecutter.prompt import read_user_variable
from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from slugify import slugify

TEMPLATE = Path(__file__).resolve().parent.parent
SERVICE = TEMPLATE / "{{cookiecutter.project_slug}}"
QUESTIONS = ("project_name", "project_slug", "description", "credentials", "frontend_origins")
CREDENTIALS = ("none", "bearer", "cookies", "cross-site-cookies")
SLUG = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
MAX_SLUG_LENGTH = 63
LINE_LENGTH = 100  # of the rendered project
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
    path = SERVICE / "cors_right" / "origins.py"
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


class WrongAnswer(Exception):
    """What is wrong with the answer to a question, and, where that is known, the right one."""

    def __init__(self, question: str, problem: str, instead: str | None = None) -> None:
        super().__init__(f"{question}: {problem}")
        self.question = question
        self.instead = instead


def running(function: str) -> dict[str, Any]:
    """Return the variables of a function of cookiecutter's, or none if it does not run now.

    Cookiecutter does not tell a template how it was called.
    """
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if frame.f_code.co_name == function and module.startswith("cookiecutter."):
            return frame.f_locals
        frame = frame.f_back
    return {}


def is_asking() -> bool:
    """Whether cookiecutter asks questions on a terminal; --no-input and updates ask none."""
    return sys.stdin.isatty() and not running("prompt_for_config").get("no_input", True)


def ask_again(wrong: WrongAnswer) -> str:
    """Say what is wrong, and ask once more; Enter takes the right answer, where it is known."""
    prompts = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))["__prompts__"]
    prefix = f"  [dim][{QUESTIONS.index(wrong.question) + 1}/{len(QUESTIONS)}][/] "
    print(f"\n  {wrong}\n")
    return str(read_user_variable(wrong.question, wrong.instead, prompts, prefix))


def until_right(check: Callable[..., str]) -> Callable[..., str]:
    """Return a check as a filter that, on a terminal, asks until the answer is right."""

    @pass_context
    def checked(context: Context, answer: str, *arguments: str) -> str:
        while True:
            try:
                return check(answer, *arguments)
            except WrongAnswer as wrong:
                if not is_asking():
                    raise FailedHookException(str(wrong)) from None
                answer = ask_again(wrong)
                # Where the hook, the replay file and later questions take it from.
                context["cookiecutter"][wrong.question] = answer

    return checked


def check_given(given: Mapping[str, object]) -> None:
    """Raise FailedHookException for answers on the command line that cookiecutter mishandles.

    It ignores names that are not questions, lets private ones replace what was checked, and
    executes Jinja in answers before a filter sees them.
    """
    lines = []
    for name, answer in given.items():
        if name not in QUESTIONS:
            likely = get_close_matches(name.strip("_"), QUESTIONS, n=1)
            proposal = f"write {likely[0]}" if likely else f"there are {', '.join(QUESTIONS)}"
            lines.append(f"{name}: there is no such question; {proposal}")
        elif problem := jinja_problem(str(answer)):
            lines.append(f"{name}: {problem}")
    if lines:
        raise FailedHookException("\n".join(lines))


def jinja_problem(text: str) -> str | None:
    for tag in ("{{", "{%", "{#"):
        if tag in text:
            return f"{text!r} has {tag} in it, which an update of the project would execute"
    return None


def checked_text(question: str, text: str) -> str:
    if not text.isprintable():
        raise WrongAnswer(
            question, f"{text!r} has a character that cannot be printed; leave it out"
        )
    if problem := jinja_problem(text):
        raise WrongAnswer(question, problem)
    return text


def checked_name(text: str) -> str:
    """Return the project's name: printable, not blank, not Jinja."""
    if not text.strip():
        problem = "it is empty; write the name that people use for the service"
        raise WrongAnswer("project_name", problem)
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
        instead = suggested_slug(slug)
        problem = f"{slug!r} cannot be used: {problem}; write {instead}"
        raise WrongAnswer("project_slug", problem, instead)
    if is_asking() and is_taken(slug):
        raise WrongAnswer("project_slug", f"there is a folder {slug} already; write another name")
    return slug


def is_taken(slug: str) -> bool:
    """Whether cookiecutter would refuse the folder, which it would say after the last question."""
    command = running("cookiecutter")
    may_exist = command.get("overwrite_if_exists") or command.get("skip_if_file_exists")
    return not may_exist and Path(command.get("output_dir", "."), slug).exists()


def checked_credentials(answer: str) -> str:
    """Return the answer if it is a choice: a portal may give any text."""
    if answer not in CREDENTIALS:
        problem = f"{answer!r} is not one of {', '.join(CREDENTIALS)}"
        raise WrongAnswer("credentials", problem)
    return answer


def checked_origins(answer: str, browser_credentials: str) -> str:
    """Return the frontends as canonical origins with commas between; nothing for `none`.

    With browser credentials (not empty), the rules of production apply, except for those that need
    the Public Suffix List: the service's own tests and its start apply them.
    """
    texts = [text for text in answer.split(",") if text.strip()]
    if not texts:
        problem = "it is empty; write none if no other origin may call the service"
        raise WrongAnswer("frontend_origins", problem)
    if [text.strip() for text in texts] == ["none"]:
        return ""
    check = partial(origins.require_secure, allow_loopback=False) if browser_credentials else None
    try:
        allowed = origins.AllowList(texts, check=check, allow_any=not browser_credentials)
    except origins.AllowListError as error:
        problems = ". ".join(map(str, error.problems))
        instead = ",".join(error.correction or []) or None
        if len(texts) > 1 and instead:
            problems += f". The whole answer: {instead}"
        raise WrongAnswer("frontend_origins", problems, instead) from None
    return ",".join(allowed.entries)


def literal(text: str) -> str:
    """Return a Python string literal in the quotes that `ruff format` prefers."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def literals(texts: str, column: int = 0) -> str:
    """Return comma-separated texts as a Python list, in the form that `ruff format` prefers.

    The list is on one line if it fits behind `column` characters; if not, it has one entry a line,
    as in the body of a class.
    """
    entries = [literal(text) for text in texts.split(",") if text]
    line = f"[{', '.join(entries)}]"
    if column + len(line) <= LINE_LENGTH:
        return line
    return "".join(["[\n", *(f"{' ' * 8}{entry},\n" for entry in entries), f"{' ' * 4}]"])


def escaped(text: str) -> str:
    """Return the inside of a string in double quotes for TOML, YAML and JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


class Answers(Extension):
    """The filters of the template."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        check_given(running("cookiecutter").get("extra_context") or {})
        checks = (
            checked_name,
            checked_slug,
            checked_description,
            checked_credentials,
            checked_origins,
        )
        named = (suggested_slug, literal, literals, escaped)
        filters = {function.__name__: function for function in named}
        filters |= {check.__name__: until_right(check) for check in checks}
        environment.filters.update(filters)
        # The hook records the answers in the order of the questions, as cruft does.
        environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
        # Where the hook finds the template. Cookiecutter's own `_repo_dir` may be relative to a
        # folder that has been left by then.
        environment.globals["template_folder"] = str(TEMPLATE)
        # Where the project is, as the command says it.
        environment.globals["output_folder"] = str(running("cookiecutter").get("output_dir", "."))
        # `cruft update` renders two versions of the template in one process, and each must load its
        # own filters.
        for module in ("hooks.filters", "hooks"):
            sys.modules.pop(module, None)
