"""The template as a set of files, before and after rendering."""

import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import PurePosixPath

import pytest

from tests.support.baking import (
    CONFIGURATION,
    CREDENTIALS,
    QUESTIONS,
    ROOT,
    SERVICE,
    WITH_COOKIES,
    Bakery,
    parse,
    tree,
)
from tests.support.serving import clean_environment

ORIGINS = ["https://app.example.com", "https://a.example,https://*.b.example:*", "none", "*"]
COMBINATIONS = [
    (credentials, origins)
    for credentials, origins in itertools.product(CREDENTIALS, ORIGINS)
    if origins != "*" or credentials not in WITH_COOKIES
]
HOSTILE = """He said "hi" \\ C:\\new 🚀 it's 100% # done; <b>'''</b>"""
UNRENDERED = tree(SERVICE)


def test_template_files_parse_before_rendering() -> None:
    for name, content in UNRENDERED.items():
        parse(name, content)


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_library_is_the_same_for_every_answer(bakery: Bakery, credentials: str) -> None:
    rendered = bakery.bake(credentials=credentials) / "cors_right"
    assert tree(rendered) == tree(SERVICE / "cors_right")


def test_control_flow_stays_in_five_files() -> None:
    tagged = {name for name, content in UNRENDERED.items() if b"{%" in content}
    assert tagged <= {
        "app/application.py",
        "app/settings.py",
        "pyproject.toml",
        "README.md",
        "tests/conftest.py",
    }


def test_template_uses_every_variable() -> None:
    sources = [content.decode("utf-8") for content in UNRENDERED.values()]
    sources += [name for name in UNRENDERED] + [SERVICE.name]
    sources += [value for value in CONFIGURATION.values() if isinstance(value, str)]
    for name in CONFIGURATION:
        if name in QUESTIONS or (name.startswith("__") and name != "__prompts__"):
            uses = [source for source in sources if re.search(rf"cookiecutter\.{name}\b", source)]
            assert uses, f"no template file uses {name}"


@pytest.mark.defaults
def test_questions_and_choices_have_labels() -> None:
    prompts = CONFIGURATION["__prompts__"]
    assert list(prompts) == QUESTIONS
    assert sorted(prompts["credentials"]) == ["__prompt__", *sorted(CREDENTIALS)]


@pytest.mark.parametrize(("credentials", "origins"), COMBINATIONS)
def test_rendered_text_is_exact(bakery: Bakery, credentials: str, origins: str) -> None:
    answers = {"credentials": credentials, "frontend_origins": origins, "description": HOSTILE}
    project = bakery.bake(**answers)
    files = tree(project)
    files.pop(".cruft.json", None)
    for name, content in files.items():
        text = content.decode("utf-8")
        parse(name, content)
        assert text.strip(), f"{name} is empty"
        assert text.endswith("\n"), f"{name} ends without a newline"
        assert not text.endswith("\n\n"), f"{name} ends with a blank line"
        assert not re.search(r"[ \t]$", text, re.M), f"{name} has trailing blanks"
        blank_lines = "\n\n\n\n" if name.endswith(".py") else "\n\n\n"
        assert blank_lines not in text, f"{name} has double blank lines"
        text = re.sub(r"\$\{\{.*?\}\}", "", text)  # GitHub's own syntax
        assert not re.search(r"\{[{%#]|[%#]\}|cookiecutter", text), f"{name} has template syntax"
    assert all(any(path.iterdir()) for path in project.rglob("*") if path.is_dir())
    assert tomllib.loads(files["pyproject.toml"].decode())["project"]["description"] == HOSTILE

    for command in (["format", "--check"], ["check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache"]
        ended = subprocess.run(
            ruff, cwd=project, env=clean_environment(), capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stdout


def test_file_names_are_legal_on_every_system(bakery: Bakery) -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    longest_slug = "s" * 63
    rendered = {
        f"{longest_slug}/{name}"
        for answer in CREDENTIALS
        for name in tree(bakery.bake(credentials=answer))
    }
    for names in (listed.stdout.splitlines(), sorted(rendered)):
        assert len({name.lower() for name in names}) == len(names)
        for name in names:
            assert len(name) <= 120
            for part in PurePosixPath(name).parts:
                assert not re.search(r'[<>:"|?*\\\x00-\x1f]|[. ]$', part), name
                assert part.split(".")[0].lower() not in {"con", "prn", "aux", "nul"}, name


def test_line_endings_are_alike_on_every_system() -> None:
    command = ["git", "ls-files", "--eol"]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for line in listed:
        ending, name = line.split("\t")
        expected = (
            ["i/-text", "attr/-text"]
            if name.endswith(".png")
            else ["i/lf", "attr/text=auto", "eol=lf"]
        )
        assert [part for part in ending.split() if not part.startswith("w/")] == expected, name


def test_template_passes_ruff_before_rendering() -> None:
    for command in (["format", "--check"], ["check"]):
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            *command,
            "--no-cache",
            "--config",
            "pyproject.toml",
            ".",
        ]
        ended = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout
