"""Jinja filters that check answers: cookiecutter.json applies them after each question.

On a terminal, the template asks again after a wrong answer. Elsewhere, the run ends with one line
and writes nothing. Cookiecutter and cruft make a Jinja environment before they render the first
default, before they render the first file, and for each hook. `Answers` is in each environment, so
it sees every answer from every source.
"""

from __future__ import annotations  # lets older versions of Python print a message

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from cookiecutter.exceptions import FailedHookException
from cookiecutter.prompt import read_user_variable
from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context
from slugify import slugify

TEMPLATE = Path(__file__).resolve().parent.parent
SERVICE = TEMPLATE / "{{cookiecutter.project_slug}}"
OWN: dict[str, Any] = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))
QUESTIONS = ("project_name", "project_slug", "description", "credentials", "frontend_origins")
# From the labels, because a portal might have replaced the list by its answer.
CREDENTIALS = tuple(OWN["__prompts__"]["credentials"])[1:]
SUGGESTION = "{{ cookiecutter.__name | suggested_slug }}"  # the only Jinja in a default
DERIVED = {name: text for name, text in OWN.items() if name[:2] == "__" and isinstance(text, str)}
OLDEST_PYTHON, OLDEST, NEWEST = "3.11", "2.3.1", "2.7.1"  # the last two are cookiecutter's
EXAMPLE = "https://app.example.com"
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


def tools() -> Iterator[FrameType]:
    """Yield the running functions of cookiecutter and cruft, the innermost first.

    Cookiecutter and cruft pass no information about the call to a template.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("cookiecutter", "cruft"):
            yield frame
        frame = frame.f_back


def values(name: str) -> list[Any]:
    """Return the values of a variable in the running functions of cookiecutter and cruft."""
    return [frame.f_locals[name] for frame in tools() if name in frame.f_locals]


def refusal(lines: str) -> BaseException:
    """Return the exception that cookiecutter, or cruft if it is the command, shows as its text."""
    is_cruft = any(frame.f_globals["__name__"] == "cruft._cli" for frame in tools())
    return SystemExit(lines) if is_cruft else FailedHookException(lines)


def check_version(name: str, used: str, oldest: str) -> None:
    """End the run if a program is older than the template needs."""
    numbers = [[*map(int, re.findall(r"\d+", text)[:3])] for text in (used, oldest)]
    if numbers[0] < numbers[1]:
        raise refusal(f"{name}: {used} is too old. Use {oldest} or later")


check_version("Python", ".".join(map(str, sys.version_info[:3])), OLDEST_PYTHON)
check_version("cookiecutter", version("cookiecutter"), OLDEST)


def load_origins() -> ModuleType:
    """Return the service's own grammar of origins, so that both use the same one.

    This function executes the text, because an import would leave a __pycache__ in the template.
    """
    path = SERVICE / "cors_right" / "origins.py"
    module = ModuleType("origins")
    exec(compile(path.read_text("utf-8"), path, "exec", dont_inherit=True), module.__dict__)
    return module


def load_dependencies() -> set[str]:
    """Return the names of dependencies, because no project can depend on itself."""
    import tomllib  # Python 3.10 does not have it

    project = tomllib.loads((SERVICE / "pyproject.toml").read_text("utf-8"))
    requirements = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in requirements}


origins = load_origins()
dependencies = load_dependencies()


class WrongAnswer(Exception):
    """The problem with an answer to a question, and the right answer if it is known."""

    def __init__(self, question: str, problem: str, instead: str | None = None) -> None:
        super().__init__(f"{question}: {problem}")
        self.question = question
        self.instead = instead


def is_asking() -> bool:
    """Return whether cookiecutter asks questions on a terminal; --no-input and updates ask none."""
    return sys.stdin.isatty() and any(
        frame.f_code.co_name == "prompt_for_config" and frame.f_locals.get("no_input") is False
        for frame in tools()
    )


def ask_again(wrong: WrongAnswer) -> str:
    """Print the problem and ask again; Enter accepts the right answer if it is known."""
    prefix = f"  [dim][{QUESTIONS.index(wrong.question) + 1}/{len(QUESTIONS)}][/] "
    print(f"\n  {wrong}\n")
    return str(read_user_variable(wrong.question, wrong.instead, OWN["__prompts__"], prefix))


def until_right(check: Callable[..., str]) -> Callable[..., str]:
    """Return a check as a filter that, on a terminal, asks until the answer is right."""

    @pass_context
    def checked(context: Context, answer: str, *arguments: str) -> str:
        while True:
            try:
                return check(answer, *arguments)
            except WrongAnswer as wrong:
                if not is_asking():
                    raise refusal(str(wrong)) from None
                answer = ask_again(wrong)
                # The hook, the replay file and later questions read it here.
                context["cookiecutter"][wrong.question] = answer

    return checked


def problem_of(name: str, answer: object) -> str | None:
    """Return the problem with an answer that its own check could not, or must not, see."""
    if name not in QUESTIONS:
        likely = get_close_matches(name.strip("_"), QUESTIONS, n=1)
        proposal = f"Did you mean {likely[0]}?" if likely else f"Use {', '.join(QUESTIONS)}"
        return f"is not a question of this template. {proposal}"
    if answer is None:
        return "has no answer. Write one"
    if not isinstance(answer, str):
        return f"{answer!r} must be text. Write it in quotes"
    if name == "credentials" and answer not in CREDENTIALS:
        return f"{answer!r} must be one of {', '.join(CREDENTIALS)}"
    return jinja_problem(answer)


def refuse(answers: Iterable[tuple[str, object]]) -> None:
    """End the run if answers have problems, with a line for each."""
    problems = {name: problem for name, answer in answers if (problem := problem_of(name, answer))}
    if problems:
        raise refusal("\n".join(f"{name}: {problem}" for name, problem in problems.items()))


def check_given(raw: dict[str, Any]) -> None:
    """Refuse answers that cookiecutter would ignore, replace by a default, or execute as Jinja.

    A configuration also has the defaults of other templates, and the record of a project has the
    questions of other versions. The user wrote any other name for this template.
    """
    given = [
        (name, answer.replace(SUGGESTION, "") if isinstance(answer, str) else answer)
        for name, answer in raw.items()
        if name in QUESTIONS and not isinstance(answer, list)
    ]
    if [*tools()][-1].f_code.co_name != "prompt_for_config":  # as pytest-cookies calls it
        configured = values("config_dict")[0]["default_context"] or {}
        extra = [names or {} for names in values("extra_context") if not isinstance(names, str)]
        known = {*OWN, *extra[-1]}
        written = (*configured.items(), *extra[0].items())
        given += [(name, answer) for name, answer in written if name in known]
    refuse(given)
    if not raw.keys() >= {*QUESTIONS}:  # a replay, which asks for answers that its file lacks
        refuse((name, None) for name in QUESTIONS if name in raw)
        for name in DERIVED:
            raw.pop(name, None)


def settle(answers: dict[str, Any]) -> None:
    """Check the answers before rendering, and compute each private name from them.

    A replay reads both from a file, without a question.
    """
    names = dict.fromkeys([*QUESTIONS, *(name for name in answers if name[0] != "_")])
    refuse((name, answers.get(name)) for name in names)
    answers.update((name, value) for name, value in OWN.items() if re.match("_[^_]", name))
    plain = Environment(undefined=StrictUndefined)  # the template's own is incomplete
    plain.filters.update(CHECKS)
    try:
        for name, text in DERIVED.items():
            answers[name] = plain.from_string(text).render(cookiecutter=answers)
    except WrongAnswer as wrong:
        raise refusal(str(wrong)) from None


# The treatment of answers in each function of cookiecutter that makes an environment.
STEPS = {"prompt_for_config": check_given, "generate_files": settle}


def jinja_problem(text: str) -> str | None:
    for tag in ("{{", "{%", "{#"):
        if tag in text:
            return f"{text!r} contains {tag}, which template updates would run as code. Remove it"
    return None


def checked_text(question: str, text: str) -> str:
    if not text.isprintable():
        raise WrongAnswer(question, f"{text!r} contains an unprintable character. Remove it")
    if problem := jinja_problem(text):
        raise WrongAnswer(question, problem)
    return text


def checked_name(text: str) -> str:
    """Return the project's name: printable, not blank, not Jinja."""
    if not text.strip():
        problem = "is empty. Write the name that people use for the service"
        raise WrongAnswer("project_name", problem)
    return checked_text("project_name", text)


def checked_description(text: str) -> str:
    """Return the description: printable, not Jinja."""
    return checked_text("description", text)


def slug_problem(slug: str) -> str | None:
    if len(slug) > MAX_SLUG_LENGTH or not re.fullmatch(SLUG, slug):
        return f"must be lower-case words joined by -, at most {MAX_SLUG_LENGTH} characters"
    if slug in WINDOWS_DEVICES:
        return "is a reserved device name on Windows"
    if slug in dependencies:
        return "is the name of a dependency of the service"
    return None


def suggested_slug(name: str) -> str:
    """Return a valid slug for any name."""
    slug = re.sub(r"^[^a-z]+", "", slugify(name))[:MAX_SLUG_LENGTH].strip("-") or "my-service"
    return f"{slug}-service" if slug_problem(slug) else slug


def checked_slug(slug: str) -> str:
    """Return the slug unchanged if it can name a folder, a distribution and an image everywhere."""
    if problem := slug_problem(slug):
        instead = suggested_slug(slug)
        problem = f"{slug!r} {problem}. Write {instead}"
        raise WrongAnswer("project_slug", problem, instead)
    if is_asking() and is_taken(slug):
        raise WrongAnswer(
            "project_slug", f"{slug!r} is a folder that exists already. Write another name"
        )
    return slug


def is_taken(slug: str) -> bool:
    """Return whether cookiecutter would refuse the folder; it says so after all questions."""
    may_exist = any(values("overwrite_if_exists") + values("skip_if_file_exists"))
    return not may_exist and Path((values("output_dir") or ["."])[0], slug).exists()


def checked_origins(answer: str, browser_credentials: str) -> str:
    """Return the frontends as canonical origins with commas between; nothing for `none`.

    With browser credentials (not empty), the rules of production apply, except the rules that need
    the Public Suffix List. The service applies these in its tests and at startup.
    """
    texts = [text for text in answer.split(",") if text.strip()]
    if not texts:
        problem = "is empty. Write the origins of your frontends, or none"
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
            problems += f". Full corrected answer: {instead}"
        raise WrongAnswer("frontend_origins", problems, instead) from None
    return ",".join(allowed.entries)


def literal(text: str) -> str:
    """Return a Python string literal in the quotes that `ruff format` prefers."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def literals(texts: str, column: int = 0) -> str:
    """Return comma-separated texts as a Python list, in the form that `ruff format` prefers.

    The list is on one line if it fits behind `column` characters. Otherwise it has one entry per
    line, as in the body of a class.
    """
    entries = [literal(text) for text in texts.split(",") if text]
    line = f"[{', '.join(entries)}]"
    if column + len(line) <= LINE_LENGTH:
        return line
    return "".join(["[\n", *(f"{' ' * 8}{entry},\n" for entry in entries), f"{' ' * 4}]"])


def first_entry(texts: str) -> str:
    """Return the first entry of an allow-list for the README, or an example for an empty list."""
    first = texts.partition(",")[0]
    return EXAMPLE if first in ("", "*") else first


def refused_origin(entry: str) -> str:
    """Return an origin that misses an entry by its scheme, for the README."""
    scheme, _, host = entry.replace("*.", "app.").removesuffix(":*").partition("://")
    return f"{'http' if scheme == 'https' else 'https'}://{host}"


def escaped(text: str) -> str:
    """Return the inside of a string in double quotes for TOML, YAML and JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def named(*functions: Callable[..., str]) -> dict[str, Callable[..., str]]:
    """Return functions by their names."""
    return {function.__name__: function for function in functions}


CHECKS = named(suggested_slug, checked_name, checked_slug, checked_description, checked_origins)


class Answers(Extension):
    """The filters of the template, and the only gate for answers."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        try:
            answers = values("context")[0]["cookiecutter"]
            names = [frame.f_code.co_name for frame in tools()]
            next(STEPS[name] for name in names if name in STEPS)(answers)
        except (LookupError, StopIteration, TypeError):
            used = version("cookiecutter")
            raise refusal(f"cookiecutter: {used} is unknown. Use {NEWEST}") from None
        environment.filters.update(named(literal, literals, escaped, first_entry, refused_origin))
        environment.filters.update({name: until_right(check) for name, check in CHECKS.items()})
        # The hook records the answers in the order of the questions, as cruft does.
        environment.policies["json.dumps_kwargs"] = {"sort_keys": False}
        # The template's path for the hook. Cookiecutter's own `_repo_dir` may be relative to a
        # folder that cookiecutter has left by then.
        environment.globals["template_folder"] = str(TEMPLATE)
        # The path of the project, relative to the folder of the command.
        environment.globals["output_folder"] = str((values("output_dir") or ["."])[0])
        # `cruft update` renders two versions of the template in one process, and each must load its
        # own filters.
        for module in ("hooks.filters", "hooks"):
            sys.modules.pop(module, None)
