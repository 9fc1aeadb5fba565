"""Every road of an answer with every attack: refused in a line, or rendered."""

import ast
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cookiecutter
import pytest

from hooks import filters
from tests.support import words
from tests.support.baking import CONFIGURATION, ROOT, SERVICE, Bakery
from tests.support.repositories import COOKIECUTTER, GIT
from tests.support.serving import PATIENCE, PROBES, clean_environment
from tests.support.uv import UV

RIGHT = {
    "project_name": "Ada's API",
    "project_slug": "ada-s-api",
    "description": 'Says "hi", 100 %.',
    "credentials": "cookies",
    "frontend_origins": "https://shop.example.com,https://*.example.org",
}
MISSING = "description"
FILES = (
    "cookiecutter.json",
    "hooks/filters.py",
    *(
        f"{SERVICE.name}/{name}"
        for name in ("app/settings.py", "pyproject.toml", "cors_right/origins.py")
    ),
)
# The problem with the answers, the answers, and the line that refuses them.
ATTACKS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown name": (
        {"frontend_origin": "https://shop.example.com"},
        "frontend_origin: is not a question of this template. Did you mean frontend_origins?",
    ),
    "private name": (
        {"__frontend_origins": "https://evil.example"},
        "__frontend_origins: is not a question of this template. Did you mean frontend_origins?",
    ),
    "Jinja": (
        {"description": "{{ 7 * 7 }}"},
        "description: '{{ 7 * 7 }}' contains {{, which template updates would run as code. "
        "Remove it",
    ),
    "wrong choice": (
        {"credentials": "cookie"},
        f"credentials: 'cookie' must be one of {', '.join(filters.CREDENTIALS)}",
    ),
    "wrong value": (
        {"frontend_origins": "app.example.com"},
        "frontend_origins: "
        + words.origin_error("app.example.com", words.NO_SCHEME, "https://app.example.com"),
    ),
    "not text": ({"description": ["x"]}, "description: ['x'] must be text. Write it in quotes"),
    "slug outside the folder": (
        {"project_slug": "../../outside"},
        "project_slug: '../../outside' must be lower-case words joined by -, at "
        "most 63 characters. Write outside",
    ),
}
LINES = {case: line for case, (_, line) in ATTACKS.items()}
CASES = {
    "right answers": RIGHT,
    "missing answer": {name: text for name, text in RIGHT.items() if name != MISSING},
    **{attack: RIGHT | change for attack, (change, _) in ATTACKS.items()},
}
ROADS = (
    "prompt",
    "name=value",
    "user config",
    "Python API",
    "--replay",
    "--replay-file",
    "cruft create",
    "edited .cruft.json",
    "--variables-to-update",
)
# Attacks without effect, because the road ignores the name.
IGNORED = [
    ("user config", "unknown name"),  # it applies to all templates
    ("--replay", "private name"),
    ("--replay-file", "private name"),
    ("edited .cruft.json", "unknown name"),  # another version of the template has the question
    ("edited .cruft.json", "private name"),
    ("--variables-to-update", "private name"),
]
# Choices that cookiecutter itself refuses.
MENU = ("prompt", "wrong choice")
OUT_OF_REACH = {
    (road, "wrong choice"): "cookie provided for choice variable credentials"
    for road in (
        "name=value",
        "Python API",
        "cruft create",
        "edited .cruft.json",
        "--variables-to-update",
    )
}
IMPOSSIBLE = [
    *(("prompt", attack) for attack in ("unknown name", "private name", "not text")),
    ("name=value", "not text"),
]


@dataclass
class Outcomes:
    """The result of each case on each road, with a version of cookiecutter."""

    version: str
    by_road: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with a few files of the template in two versions."""
    folder = tmp_path_factory.mktemp("roads") / "template"
    service = folder / SERVICE.name
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    for version in ("v1", "v2"):
        (service / "VERSION").write_text(f"{version}\n", encoding="utf-8")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", version)
        git(folder, "tag", version)
    git(folder, "gc", "--quiet")  # a clone of few files is fast
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run([*GIT, *arguments], cwd=folder, check=True)


def oldest_python(folder: Path) -> str:
    """Return the Python of an environment with the oldest supported cookiecutter."""
    python = str(folder / "bin" / "python")
    wanted = [f"cookiecutter=={filters.OLDEST}", "cruft"]
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *wanted], check=True)
    return python


@pytest.fixture(scope="module", params=["newest", "oldest"])
def outcomes(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Outcomes:
    folder = tmp_path_factory.mktemp("runs")
    python = sys.executable
    if request.param == "oldest":
        python = oldest_python(tmp_path_factory.mktemp("oldest"))
    ended = subprocess.run(
        [python, "-B", str(PROBES / "roads.py"), str(template), str(folder)],
        env=clean_environment(HOME=str(folder), COLUMNS="300", GIT_CONFIG_NOSYSTEM="1"),
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
    )
    assert ended.returncode == 0, ended.stderr
    return Outcomes(request.param, json.loads((folder / "outcomes.json").read_text("utf-8")))


def expected(case: str) -> dict[str, Any]:
    """Return the expected answers in the files, with defaults for missing answers."""
    missing = CONFIGURATION[MISSING] if case == "missing answer" else RIGHT[MISSING]
    return {
        "description": missing,
        "credentialed": True,
        "frontend_origins": RIGHT["frontend_origins"],
    }


def rendered(written: dict[str, str]) -> dict[str, Any]:
    """Return the answers in the rendered files."""
    files = {name.rpartition("/")[2]: text for name, text in written.items()}
    settings = files["settings.py"]
    (listed,) = re.findall(r"frontend_origins: Origins = (\[.*?\])$", settings, re.M | re.S)
    return {
        "description": tomllib.loads(files["pyproject.toml"])["project"]["description"],
        "credentialed": "allow_credentials=True" in settings,
        "frontend_origins": ",".join(ast.literal_eval(listed)),
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("road", ROADS)
def test_answer_is_rendered_or_refused(outcomes: Outcomes, road: str, case: str) -> None:
    cell = (road, case)
    outcome = outcomes.by_road[road][case]
    if cell in IMPOSSIBLE:
        assert outcome is None
        return
    said, line = outcome["said"], LINES.get(case)
    if cell == ("--replay-file", "missing answer"):
        line = f"{MISSING}: has no answer. Write one"
    if not line or cell in IGNORED:
        assert outcome["status"] == 0, said + outcome["message"]
        if road == "edited .cruft.json":
            assert [*outcome["written"].values()] == ["v2\n"]  # the answers existed before
        else:
            assert rendered(outcome["written"]) == expected(case)
        return
    assert outcome["written"] == {}
    assert outcome["status"] == 1
    if cell == MENU:
        assert (
            said.count("How do browsers authenticate to the service?") > 1
            or said.count("Choose from") > 1
        )
    elif cell in OUT_OF_REACH:
        assert outcome["raised"] == "ValueError"
        assert outcome["message"].startswith(OUT_OF_REACH[cell])
    else:
        assert outcome["raised"] == ("FailedHookException" if road == "Python API" else None)
        assert said.endswith(f"{line}\n")
        assert said.count("\n") == 1 or road == "prompt" or "replay" in road, said


def test_newest_version_equals_the_installed_one() -> None:
    assert importlib.metadata.version("cookiecutter") == filters.NEWEST


@pytest.mark.parametrize(
    ("name", "used", "line"),
    [
        ("cookiecutter", "2.1.1", "cookiecutter: 2.1.1 is too old. Use 2.3.1 or later"),
        ("cookiecutter", "2.2.3", "cookiecutter: 2.2.3 is too old. Use 2.3.1 or later"),
        ("Python", "3.10.13", "Python: 3.10.13 is too old. Use 3.11 or later"),
    ],
)
def test_old_program_is_refused_in_one_line(
    bakery: Bakery, monkeypatch: pytest.MonkeyPatch, name: str, used: str, line: str
) -> None:
    """Check the versions before the template uses features that older ones lack."""
    if name == "Python":
        monkeypatch.setattr(sys, "version_info", tuple(map(int, used.split("."))))
    else:
        monkeypatch.setattr(importlib.metadata, "version", lambda package: used)
    assert bakery.refusal() == f"FailedHookException: {line}"


@pytest.mark.parametrize(
    "renamed", ["prompt_for_config", "generate_files", "config_dict", "extra_context"]
)
def test_unknown_cookiecutter_is_refused_in_one_line(
    template: Path, tmp_path: Path, renamed: str
) -> None:
    package = tmp_path / "packages" / "cookiecutter"
    shutil.copytree(Path(cookiecutter.__file__).parent, package)
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        path.write_text(re.sub(rf"\b{renamed}\b", "other", text), encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = subprocess.run(
        [*COOKIECUTTER, str(template)],
        cwd=folder,
        env=clean_environment(HOME=str(tmp_path), PYTHONPATH=str(package.parent)),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    line = f"cookiecutter: {filters.NEWEST} is unknown. Use {filters.NEWEST}\n"
    assert (ended.returncode, ended.stdout) == (1, line), ended.stderr
    assert not [*folder.iterdir()]
