"""Answers from a form: the schema, the workflow that renders, and Backstage's template."""

import json
import shlex
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator
from referencing import Registry

from hooks import filters
from scripts import forms
from tests.support import words
from tests.support.baking import CONFIGURATION, CREDENTIALS, QUESTIONS, SERVICE, Bakery, tree
from tests.support.repositories import COOKIECUTTER, GIT, copy_template, make_repository
from tests.support.requirements import need
from tests.support.workflows import Runner

RIGHT = {
    "project_name": "Ada's API",
    "project_slug": "ada-s-api",
    "description": 'Says "hi", 100 %.',
    "credentials": "cookies",
    "frontend_origins": "https://shop.example.com, https://*.example.org",
}
WRONG = [
    (
        {"frontend_origins": "shop.example.com"},
        "frontend_origins: "
        + words.origin_error("shop.example.com", words.NO_SCHEME, "https://shop.example.com"),
    ),
    ({"description": "{{ cycler.__init__ }}"}, "description: '{{ cycler.__init__ }}' contains {{"),
]


@pytest.mark.defaults
def test_checks_know_the_questions() -> None:
    assert list(filters.QUESTIONS) == QUESTIONS
    assert sorted(filters.CREDENTIALS) == sorted(CREDENTIALS)


@pytest.mark.defaults
def test_forms_agree_with_the_questions() -> None:
    for path, text in forms.files().items():
        assert path.read_text("utf-8") == text, "run `uv run python -m scripts.forms`"
    Draft202012Validator.check_schema(forms.schema())


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        ({}, True),
        ({"project_slug": "a"}, True),
        ({"project_slug": "Ada"}, False),
        ({"project_slug": "a" * 64}, False),
        ({"project_name": ""}, False),
        ({"credentials": "cookie"}, False),
        ({"frontend_origins": ""}, False),
        ({"frontend_origin": "https://shop.example.com"}, False),
        ({"__frontend_origins": "*"}, False),
    ],
)
def test_template_agrees_with_the_schema(
    bakery: Bakery, change: dict[str, str], is_right: bool
) -> None:
    answers = RIGHT | change
    assert Draft202012Validator(forms.schema()).is_valid(answers) == is_right
    result = bakery.cookies.bake(extra_context=answers)
    assert (result.exception is None) == is_right, result.exception


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "frontend_origin",
            "frontend_origin: is not a question of this template. Did you mean frontend_origins?",
        ),
        (
            "__frontend_origins",
            "__frontend_origins: is not a question of this template. Did you mean frontend_or",
        ),
        ("database", f"database: is not a question of this template. Use {', '.join(QUESTIONS)}"),
    ],
)
def test_template_refuses_names_other_than_questions(bakery: Bakery, name: str, line: str) -> None:
    result = bakery.cookies.bake(extra_context={name: "x"})
    assert str(result.exception).startswith(line)


@pytest.mark.defaults
def test_template_refuses_a_choice_that_portal_replaced(tmp_path: Path) -> None:
    """Replace the choices like a tool that writes its values into cookiecutter.json."""
    copy_template(tmp_path / "template")
    path = tmp_path / "template" / "cookiecutter.json"
    path.write_text(json.dumps(CONFIGURATION | {"credentials": "cookie"}), encoding="utf-8")
    ended = subprocess.run(
        [*COOKIECUTTER, "template"], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 1
    choices = ", ".join(filters.CREDENTIALS)
    assert ended.stdout == f"credentials: 'cookie' must be one of {choices}\n"


def render(machine: dict[str, str], folder: Path, answers: dict[str, str]) -> tuple[int, str, Path]:
    """Run the workflow, and return its status, its output, and the repository of its push."""
    template, repository = folder / "template", folder / "org" / "new"
    make_repository(template, "v1")
    subprocess.run(
        ["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(repository)],
        check=True,
    )
    variables = machine | {"GITHUB_SERVER_URL": f"file://{folder}"}
    values = {f"inputs.{name}": answer for name, answer in answers.items()}
    runner = Runner(folder, variables, values | {"inputs.repository": "org/new"})
    return runner.run(forms.RENDER, template), runner.said, repository


def test_workflow_renders_and_pushes(
    bakery: Bakery, machine: dict[str, str], tmp_path: Path
) -> None:
    status, said, repository = render(machine, tmp_path, RIGHT)
    assert status == 0, said
    subprocess.run(["git", "clone", "--quiet", str(repository), "clone"], cwd=tmp_path, check=True)
    rendered = tree(bakery.bake(**RIGHT))
    rendered.pop(".cruft.json", None)  # the workflow's template has no remote here
    pushed = {
        name: content
        for name, content in tree(tmp_path / "clone").items()
        if not name.startswith(".git/")
    }
    assert pushed.keys() == rendered.keys() | {"uv.lock"}
    assert all(pushed[name] == content for name, content in rendered.items())


@pytest.mark.parametrize(("change", "line"), WRONG)
def test_workflow_stops_at_a_wrong_answer(
    machine: dict[str, str], change: dict[str, str], line: str, tmp_path: Path
) -> None:
    status, said, repository = render(machine, tmp_path, RIGHT | change)
    assert status == 1
    assert line in said
    assert "Traceback" not in said
    assert not any((repository / "refs" / "heads").iterdir())


@pytest.mark.parametrize("change", ["echo 'on: push' >.github/workflows/spy.yml", "rm -r .github"])
def test_workflow_pushes_only_workflows_of_the_template(
    machine: dict[str, str], change: str, tmp_path: Path
) -> None:
    """Pass a repository from the reading job that other code changed."""
    template, service = tmp_path / "template", tmp_path / "service"
    make_repository(template, "v1")
    shutil.copytree(template / SERVICE.name / ".github", service / ".github")
    bundle = tmp_path / "artifacts" / "service" / "service.bundle"
    bundle.parent.mkdir(parents=True)
    for line in (
        "git init --quiet --initial-branch main",
        change,
        "git add --all",
        f"{shlex.join(GIT)} commit --quiet --allow-empty --message Ours",
        f"git bundle create --quiet {bundle} HEAD main",
        f"git init --quiet --bare --initial-branch main {tmp_path}/org/new",
    ):
        subprocess.run(["bash", "-c", line], cwd=service, check=True)
    variables = machine | {"GITHUB_SERVER_URL": f"file://{tmp_path}"}
    runner = Runner(tmp_path, variables, {"inputs.repository": "org/new"})
    assert runner.run(forms.RENDER, template, only="push") != 0
    assert not any((tmp_path / "org" / "new" / "refs" / "heads").iterdir())


@pytest.mark.defaults
def test_forms_ask_the_questions_of_the_template() -> None:
    """Compare questions, choices and defaults of the workflow and of Backstage's form."""
    inputs = yaml.safe_load(forms.RENDER.read_text("utf-8"))[True]["workflow_dispatch"]["inputs"]
    form, repository = backstage()["spec"]["parameters"]
    assert [*inputs] == ["repository", *QUESTIONS]
    assert [*form["properties"]] == form["required"] == QUESTIONS
    for name, meant in forms.schema()["properties"].items():
        field = form["properties"][name]
        assert field | meant == field
        assert inputs[name]["description"] == meant["title"]
        for start in (field, inputs[name]):
            assert "default" not in start or Draft202012Validator(meant).is_valid(start["default"])
    assert inputs["credentials"]["options"] == list(filters.CREDENTIALS)
    (step,) = [one for one in backstage()["spec"]["steps"] if one["id"] == "render"]
    sent = step["input"]["workflowInputs"]
    assert [*sent] == [*inputs]
    assert all(sent[name] == f"${{{{ parameters.{name} }}}}" for name in QUESTIONS)
    assert step["input"]["workflowId"] == forms.RENDER.name


def backstage() -> dict[str, Any]:
    """Return Backstage's template."""
    template: dict[str, Any] = yaml.safe_load(forms.BACKSTAGE.read_text("utf-8"))
    return template


def published(folder: Path) -> Registry[Any]:
    """Return Backstage's published schemas by name."""
    packages = ["@backstage/plugin-scaffolder-common@2.4.0", "@backstage/catalog-model@1.10.3"]
    need("npm")
    said = subprocess.check_output(["npm", "pack", "--silent", *packages], cwd=folder, text=True)
    for number, name in enumerate(said.split()):
        with tarfile.open(folder / name) as archive:
            archive.extractall(folder / str(number), filter="data")
    schemas = []
    for file in (
        "0/package/dist/Template.v1beta3.schema.json.cjs.js",
        "1/package/dist/schema/Entity.schema.json.cjs.js",
        "1/package/dist/schema/EntityMeta.schema.json.cjs.js",
        "1/package/dist/schema/shared/common.schema.json.cjs.js",
    ):
        script = (
            f"const m = require({json.dumps(str(folder / file))}); JSON.stringify(m.default ?? m)"
        )
        schemas.append(json.loads(subprocess.check_output(["node", "-p", script])))
    return Registry().with_contents([(schema["$id"], schema) for schema in schemas])


@pytest.mark.parametrize("mistake", [{}, {"spec": {"type": "service"}}, {"kind": "Service"}])
def test_backstage_reads_the_template(mistake: dict[str, Any], tmp_path: Path) -> None:
    registry = published(tmp_path)
    (name,) = [name for name in registry if "Template" in name]
    validator = Draft7Validator(registry[name].contents, registry=registry)
    assert validator.is_valid(backstage() | mistake) == (not mistake)
