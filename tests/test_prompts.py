"""Good and bad answers, typed and on the command line."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hooks import filters
from tests.support import words
from tests.support.baking import CONFIGURATION, CREDENTIALS, QUESTIONS, ROOT, Bakery, tree
from tests.support.nasty import NASTY
from tests.support.repositories import CRUFT, Workshop
from tests.support.serving import PATIENCE, clean_environment
from tests.support.terminal import typed

SLUG = filters.suggested_slug(CONFIGURATION["project_name"])  # the default
COMMAND = [sys.executable, "-m", "cookiecutter"]
NO_SCHEME, NO_BARE_ORIGIN = (
    f"frontend_origins: {words.origin_error(text, reason, correction)}"
    for text, reason, correction in (
        ("app.example.com", words.NO_SCHEME, "https://app.example.com"),
        ("https://a.example/x", words.NO_BARE_ORIGIN, "https://a.example"),
    )
)


def menu_number(credentials: str) -> str:
    """Return the number of a choice in the menu."""
    return str(CREDENTIALS.index(credentials) + 1)


def type_answers(folder: Path, answers: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter in a folder and type the answers, or Enter for missing answers."""
    typed = [answers.get(name, "") for name in QUESTIONS]
    if "credentials" in answers:
        typed[QUESTIONS.index("credentials")] = menu_number(answers["credentials"])
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(ROOT)],
        cwd=folder,
        env=clean_environment(HOME=str(folder.parent)),
        input="\n".join([*typed, ""]),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_typed_answers_render_like_given_answers(bakery: Bakery, tmp_path: Path) -> None:
    answers = {
        "project_name": "Ada's API",
        "description": "Says hi",
        "credentials": "bearer",
        "frontend_origins": "https://*.example.com, https://localhost:8443",
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = type_answers(folder, answers)
    assert ended.returncode == 0, ended.stderr
    assert tree(folder / "ada-s-api") == tree(bakery.bake(**answers))
    assert ended.stdout.endswith(
        "\n    cd ada-s-api\n    uv run fastapi dev --host localhost\n    uv run pytest\n\n"
        "Commit the project before your first edit, "
        "so that git can merge template updates with your edits.\n\n"
    )


@pytest.mark.parametrize("text", [text for text in NASTY if text == text.strip()])
def test_typed_text_stays_unchanged(text: str, tmp_path: Path) -> None:
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
            NO_SCHEME,
        ),
        (
            {"frontend_origins": "https://a.example/x,HTTPS://B.example"},
            f"{NO_BARE_ORIGIN}. Full corrected answer: https://a.example,https://b.example",
        ),
        (
            {"frontend_origins": "*", "credentials": "cookies"},
            f"frontend_origins: {words.origin_error('*', words.IS_ANY_WITH_CREDENTIALS)}",
        ),
        (
            {"project_slug": "My_Service"},
            "project_slug: 'My_Service' must be lower-case words joined by -, "
            "at most 63 characters. Write my-service",
        ),
    ],
)
def test_wrong_answer_ends_the_run_without_a_terminal(
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


def on_a_terminal(
    workshop: Workshop, answers: list[str], *options: str, folder: str = "typed"
) -> tuple[int, str, Path]:
    """Answer the questions on a terminal, and return the status, the output and the folder."""
    where = workshop.folder / folder
    where.mkdir(exist_ok=True)
    command = [*COMMAND, f"git+file://{workshop.remote}", "--checkout", "v1", *options]
    environment = clean_environment(HOME=str(workshop.folder), TERM="dumb", COLUMNS="300")
    return *typed(command, where, answers, environment), where


def recorded(project: Path) -> dict[str, str]:
    """Return the answers that an update uses."""
    state = json.loads((project / ".cruft.json").read_text("utf-8"))
    return {name: state["context"]["cookiecutter"][name] for name in QUESTIONS}


def test_prompt_asks_again_after_each_wrong_answer(workshop: Workshop, bakery: Bakery) -> None:
    """Press Enter for proposed answers, and check that the record has the good answers."""
    status, shown, folder = on_a_terminal(
        workshop,
        [
            *["{{ name }}", "Ada's API"],
            *["Ada_API", ""],
            *["{% raw %}", "Says hi"],
            *[
                "cookies",
                menu_number("cookies"),
            ],  # the menu is cookiecutter's, which asks again by itself
            *["https://a.example/x,HTTPS://B.example", ""],
        ],
    )
    assert status == 0, shown
    answers = {
        "project_name": "Ada's API",
        "project_slug": "ada-api",
        "description": "Says hi",
        "credentials": "cookies",
        "frontend_origins": "https://a.example,https://b.example",
    }
    project = folder / "ada-api"
    assert recorded(project) == answers
    files, given = tree(project), tree(bakery.bake(**answers))
    for rendered in (files, given):
        rendered.pop(".cruft.json", None)  # the source differs
    assert files == given
    (replay,) = (workshop.folder / ".cookiecutter_replay").glob("*.json")
    replayed = json.loads(replay.read_text("utf-8"))["cookiecutter"]
    assert {name: replayed[name] for name in QUESTIONS} == answers
    for line in (
        "project_name: '{{ name }}' contains {{",
        "project_slug: 'Ada_API' must be lower-case words",
        "description: '{% raw %}' contains {%",
        NO_BARE_ORIGIN,
    ):
        assert line in shown
    for number, question in ((1, "Name"), (2, "folder"), (3, "One sentence"), (5, "production")):
        asked = [line for line in shown.splitlines() if f"[{number}/5]" in line]
        assert len(asked) == 2 and all(question in line for line in asked), shown
    assert "Traceback" not in shown


def test_prompt_asks_until_the_answer_is_right(workshop: Workshop) -> None:
    wrong = ["*", "https://*.github.io/x", "http://app.example.com"]
    status, shown, folder = on_a_terminal(
        workshop, ["", "", "", menu_number("cross-site-cookies"), *wrong, "https://app.example.com"]
    )
    assert status == 0, shown
    assert recorded(folder / SLUG)["frontend_origins"] == "https://app.example.com"
    assert shown.count("[5/5]") == 4


def test_prompt_reports_an_existing_folder_at_its_question(workshop: Workshop) -> None:
    (workshop.folder / "typed" / SLUG).mkdir(parents=True)
    status, shown, folder = on_a_terminal(workshop, ["", "", "other", "", "", ""])
    assert status == 0, shown
    assert f"project_slug: {SLUG!r} is a folder that exists already. Write another name" in shown
    assert (folder / "other" / "app" / "main.py").exists()
    # Cookiecutter also asks whether to download the template again.
    status, shown, _ = on_a_terminal(workshop, [""] * 6, "--overwrite-if-exists")
    assert (status, "already" in shown) == (0, False)


def test_prompt_stays_silent_with_no_input_and_updates(workshop: Workshop) -> None:
    """Use a terminal, with --no-input and during an update."""
    status, shown, folder = on_a_terminal(
        workshop, [], "--no-input", "frontend_origins=app.example.com"
    )
    assert (status, [*folder.iterdir()]) == (1, [])
    assert shown == f"{NO_SCHEME}\n"

    project, _ = workshop.render(f"git+file://{workshop.remote}", "--checkout", "v1")
    path = project / ".cruft.json"
    state = json.loads(path.read_text("utf-8"))
    answers = state["context"]["cookiecutter"]
    answers["frontend_origins"] = "app.example.com"
    del answers["__frontend_origins"]
    path.write_text(json.dumps(state), encoding="utf-8")
    workshop.commit(project)
    workshop.replace("{{cookiecutter.project_slug}}/AGENTS.md", "# Notes", "# More notes")
    workshop.publish("v2")
    environment = clean_environment(HOME=str(workshop.folder), TERM="dumb", COLUMNS="300")
    status, shown = typed([*CRUFT, "update"], project, [], environment)
    assert status == 1
    assert NO_SCHEME in " ".join(shown.split())
    assert "[5/5]" not in shown
