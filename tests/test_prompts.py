"""Answers, good and bad, as they are typed and as they are given on the command line."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.baking import CREDENTIALS, QUESTIONS, ROOT, Bakery, tree
from tests.nasty import NASTY
from tests.serving import PATIENCE, clean_environment


def type_answers(folder: Path, answers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter in a folder and type the answers; a question without one gets Enter."""
    typed = [answers.get(name, "") for name in QUESTIONS]
    if "credentials" in answers:
        typed[QUESTIONS.index("credentials")] = str(CREDENTIALS.index(answers["credentials"]) + 1)
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(ROOT)],
        cwd=folder,
        env=clean_environment(HOME=str(folder.parent)),
        input="\n".join([*typed, ""]),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_typed_answers_render_the_same_as_given_ones(bakery: Bakery, tmp_path: Path) -> None:
    answers = {
        "project_name": "Ada's API",
        "credentials": "bearer",
        "frontend_origins": "https://*.example.com, https://localhost:8443",
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = type_answers(folder, answers)
    assert ended.returncode == 0, ended.stderr
    assert tree(folder / "ada-s-api") == tree(bakery.bake(**answers))
    assert ended.stdout.endswith(
        "\n    cd ada-s-api\n    uv run fastapi dev\n    uv run pytest\n\n"
    )


@pytest.mark.parametrize("text", [text for text in NASTY if text == text.strip()])
def test_typed_text_arrives_unchanged(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = type_answers(
        folder, {"project_name": text, "project_slug": "typed", "description": text}
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    project = tomllib.loads((folder / "typed" / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["description"] == text


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        (
            {"frontend_origins": "app.example.com"},
            "frontend_origins: 'app.example.com' has no scheme; write https://app.example.com",
        ),
        (
            {"frontend_origins": "https://a.example/x,HTTPS://B.example"},
            "frontend_origins: 'https://a.example/x' has more than scheme, host and port; "
            "write https://a.example. "
            "The whole answer: https://a.example,https://b.example",
        ),
        (
            {"frontend_origins": "*", "credentials": "cookies"},
            "frontend_origins: '*' would let every website use the visitor's credentials; "
            "list the frontends",
        ),
        (
            {"project_slug": "My_Service"},
            "project_slug: 'My_Service' cannot be used: it takes lower-case words joined by -, "
            "at most 63 characters in all; write my-service",
        ),
    ],
)
def test_a_wrong_answer_ends_the_run_at_its_question(
    answers: dict[str, str], line: str, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = type_answers(folder, answers)
    question = next(name for name in QUESTIONS if line.startswith(name))
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert ended.stdout.endswith(f": {line}\n")
    assert f"[{QUESTIONS.index(question) + 1}/5]" in ended.stdout
    assert f"[{QUESTIONS.index(question) + 2}/5]" not in ended.stdout
    assert list(folder.iterdir()) == []
