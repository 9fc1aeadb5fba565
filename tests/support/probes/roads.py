"""A program that gives answers to the template on every road, with this Python's packages.

`roads.py TEMPLATE FOLDER` reads a JSON object from standard input: for each case, the answers. It
writes `outcomes.json`: for each road and case, how the run ended, and the files that it wrote.
"""

import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import cruft
from click.testing import CliRunner
from cookiecutter import cli
from cookiecutter.main import cookiecutter
from cruft._cli import app
from typer.testing import CliRunner as TyperRunner

TEMPLATE, FOLDER = map(Path, sys.argv[1:])
CHOICES = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))["credentials"]
QUESTIONS = ("project_name", "project_slug", "description", "credentials", "frontend_origins")
REPLAY = Path.home() / ".cookiecutter_replay" / f"{TEMPLATE.name}.json"
UPDATE = ["update", "--skip-apply-ask", "--checkout", "v2"]


class CannotBeGiven(Exception):
    """The failure of a road that cannot accept the answers."""


def run(*arguments, typed=""):
    return CliRunner().invoke(cli.main, [str(TEMPLATE), *arguments], input=typed)


def run_cruft(*arguments):
    return TyperRunner().invoke(app, list(arguments))


def only_text(answers):
    if not all(isinstance(answer, str) for answer in answers.values()):
        raise CannotBeGiven


def prompt(answers):
    only_text(answers)
    if not {*answers} <= {*QUESTIONS}:
        raise CannotBeGiven
    typed = [answers.get(name, "") for name in QUESTIONS]
    if answers.get("credentials") in CHOICES:
        typed[3] = str(CHOICES.index(answers["credentials"]) + 1)
    return run(typed="\n".join([*typed, ""]))


def name_value(answers):
    only_text(answers)
    return run("--no-input", *(f"{name}={answer}" for name, answer in answers.items()))


def user_config(answers):
    # JSON is YAML.
    Path("config").write_text(json.dumps({"default_context": answers}), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cookiecutter's own, for a wrong choice
        return run("--no-input", "--config-file", "config")


class Ended:
    """The end of a call, with the attributes of click's runner."""

    exit_code, exception, output = 0, None, ""


def api(answers):
    ended = Ended()
    try:
        cookiecutter(str(TEMPLATE), no_input=True, extra_context=answers)
    except Exception as error:
        ended.exit_code, ended.exception, ended.output = 1, error, f"{error}\n"
    return ended


def replay(answers):
    """Replay an edited file of an earlier run, whose private names belong to its own answers."""
    shutil.copy(FOLDER / "recorded.json", REPLAY)
    edited = json.loads(REPLAY.read_text("utf-8"))
    for name in QUESTIONS:
        edited["cookiecutter"].pop(name)
    edited["cookiecutter"].update(answers)
    REPLAY.write_text(json.dumps(edited), encoding="utf-8")
    return run("--replay", typed="\n" * len(QUESTIONS))


def replay_file(answers):
    """Replay a handwritten file with answers only."""
    Path("answers.json").write_text(json.dumps({"cookiecutter": answers}), encoding="utf-8")
    return run("--replay-file", "answers.json", typed="\n" * len(QUESTIONS))


def cruft_create(answers):
    given = ["--extra-context", json.dumps(answers)]
    return run_cruft("create", str(TEMPLATE), "--no-input", "--checkout", "v1", *given)


def project_of_version_1():
    (project,) = (FOLDER / "version-1").iterdir()
    shutil.copytree(project, project.name)
    return Path(project.name)


def edited_record(answers):
    project = project_of_version_1()
    record = json.loads((project / ".cruft.json").read_text("utf-8"))
    context = record["context"]["cookiecutter"]
    for name in QUESTIONS:
        context.pop(name)
    context.update(answers)
    (project / ".cruft.json").write_text(json.dumps(record), encoding="utf-8")
    return run_cruft(*UPDATE, "--project-dir", str(project))


def variables_to_update(answers):
    project = project_of_version_1()
    given = ["--variables-to-update", json.dumps(answers)]
    return run_cruft(*UPDATE, "--project-dir", str(project), *given)


ROADS = {
    "prompt": prompt,
    "name=value": name_value,
    "user config": user_config,
    "Python API": api,
    "--replay": replay,
    "--replay-file": replay_file,
    "cruft create": cruft_create,
    "edited .cruft.json": edited_record,
    "--variables-to-update": variables_to_update,
}


def files():
    """Return the text of existing files, except the files that give the answers."""
    given = ("config", "answers.json", ".cruft.json", REPLAY.name)
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text("utf-8")
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and path.name not in given
    }


def outcome(road, number, answers):
    """Return the end of a run on a road, and the files that it writes, by path."""
    here = FOLDER / "runs" / f"{number}"
    here.mkdir(parents=True)
    os.chdir(here)
    before = files()
    if "update" in road.__name__ or "record" in road.__name__:
        place = f"runs/{number}/"
        before |= {
            place + name.partition("/")[2]: text
            for name, text in before.items()
            if name.startswith("version-1/")
        }
    try:
        ended = road(answers)
    except CannotBeGiven:
        return None
    is_exit = ended.exception is None or isinstance(ended.exception, SystemExit)
    written = {name: text for name, text in files().items() if before.get(name) != text}
    shutil.rmtree(here)
    return {
        "status": ended.exit_code,
        "raised": None if is_exit else type(ended.exception).__name__,
        "message": str(ended.exception),
        "said": ended.output,
        "written": written,
    }


os.chdir(FOLDER)
run("--no-input", "--output-dir", "recorded")
shutil.copy(REPLAY, "recorded.json")
cruft.create(str(TEMPLATE), output_dir=FOLDER / "version-1", checkout="v1")
cases = json.load(sys.stdin)
outcomes = {
    name: {
        case: outcome(road, f"{number}-{place}", answers)
        for place, (case, answers) in enumerate(cases.items())
    }
    for number, (name, road) in enumerate(ROADS.items())
}
Path(FOLDER, "outcomes.json").write_text(json.dumps(outcomes), encoding="utf-8")
