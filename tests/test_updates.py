"""Projects that follow their template: rendered at one version, edited, updated to the next.

The git repositories are real.
"""

import json
import shlex
import shutil
from pathlib import Path

import cors_right
import pytest

from hooks.filters import suggested_slug
from tests.support.baking import CONFIGURATION, SERVICE, tree
from tests.support.markdown import (
    CHANGE,
    FLEET,
    FLEET_COMMANDS,
    PORTAL,
    QUESTIONS,
    command,
)
from tests.support.repositories import ANSWERS, COOKIECUTTER, CRUFT, GIT, GIVEN, NAME, Workshop
from tests.support.uv import UV
from tests.support.words import NO_SCHEME

LIBRARY = f"{SERVICE.name}/cors_right"


def edited(workshop: Workshop, readme_line: str, *, is_committed_first: bool = False) -> Path:
    """Return a project of version 1 with changes by its team."""
    project, _ = workshop.render(f"git+file://{workshop.remote}", "--checkout", "v1")
    if is_committed_first:
        workshop.commit(project)
    for name, old, new in (
        ("README.md", f"# {NAME}", readme_line),
        ("app/routes/health.py", '{"status": "ok"}', '{"status": "ok", "team": "ours"}'),
    ):
        text = (project / name).read_text("utf-8")
        (project / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    workshop.commit(project)
    return project


def test_record_equals_the_one_from_cruft(workshop: Workshop) -> None:
    project, said = workshop.render(f"git+file://{workshop.remote}", "--checkout", "v1")
    assert "cruft" not in said
    url, answers = f"file://{workshop.remote}", json.dumps(ANSWERS)
    workshop.run(
        workshop.folder,
        *CRUFT,
        "create",
        url,
        "--checkout",
        "v1",
        "--no-input",
        "--extra-context",
        answers,
    )
    ours, theirs = (
        (folder / ".cruft.json").read_text("utf-8") for folder in (project, workshop.folder / NAME)
    )
    assert ours.replace(url, str(workshop.remote)) == theirs.replace(url, str(workshop.remote))


def test_second_rendering_changes_nothing(workshop: Workshop) -> None:
    first, _ = workshop.render(str(workshop.template), into="first")
    second = workshop.folder / "second" / NAME
    workshop.run(workshop.template, *COOKIECUTTER, "--output-dir", "../second", ".", *GIVEN)
    assert ".cruft.json" in tree(first)
    assert tree(first) == tree(second)


def test_record_omits_a_token_in_the_template_address(workshop: Workshop) -> None:
    address = "https://ci:token-of-ci@git.example.com/template.git"
    workshop.git(workshop.template, "remote", "set-url", "origin", address)
    project, _ = workshop.render(str(workshop.template))
    record = json.loads((project / ".cruft.json").read_text("utf-8"))
    address = "https://git.example.com/template.git"
    assert (record["template"], record["context"]["cookiecutter"]["_template"]) == (
        address,
        address,
    )
    assert not [name for name, content in tree(project).items() if b"token-of-ci" in content]


def test_edit_survives_an_update(workshop: Workshop) -> None:
    project = edited(workshop, f"# {NAME}")
    assert "up to date" in workshop.run(project, *CRUFT, "check", "--checkout", "v1")
    workshop.release("v2")
    workshop.run(project, *CRUFT, "check", "--checkout", "v2", status=1)
    workshop.run(project, *CRUFT, "update", "--skip-apply-ask", "--checkout", "v2")
    assert (project / "README.md").read_text("utf-8").startswith(f"# {NAME.upper()}\n")
    assert '"https://v2.app.example.com"' in (project / "app" / "settings.py").read_text("utf-8")
    assert '"team": "ours"' in (project / "app" / "routes" / "health.py").read_text("utf-8")
    assert not list(project.rglob("*.rej"))
    assert "up to date" in workshop.run(project, *CRUFT, "check", "--checkout", "v2")


def test_diff_can_be_applied(workshop: Workshop) -> None:
    """Check that `cruft diff` prints exactly the changes that undo the project's edits."""
    project = edited(workshop, "# Our service")
    assert workshop.run(project, *CRUFT, "diff").startswith("diff --git ")
    workshop.run(project, "bash", "-c", f"{shlex.join(CRUFT)} diff | git apply")
    fresh, _ = workshop.render(f"git+file://{workshop.remote}", "--checkout", "v1", into="fresh")
    shutil.rmtree(project / ".git")
    assert tree(project) == tree(fresh)


@pytest.mark.parametrize("is_committed_first", [True, False])
def test_conflict_shows_in_or_beside_the_file(workshop: Workshop, is_committed_first: bool) -> None:
    """Expect the conflict in the file if git tracks the rendered files, and beside it otherwise."""
    project = edited(workshop, "# Our service", is_committed_first=is_committed_first)
    workshop.release("v2")
    workshop.run(project, *CRUFT, "update", "--skip-apply-ask", "--checkout", "v2")
    readme = (project / "README.md").read_text("utf-8")
    unmerged = workshop.run(project, *GIT, "diff", "--name-only", "--diff-filter=U").split()
    if is_committed_first:
        assert unmerged == ["README.md"]
        assert readme.startswith(
            f"<<<<<<< ours\n# Our service\n=======\n# {NAME.upper()}\n>>>>>>> theirs\n"
        )
        assert not list(project.rglob("*.rej"))
    else:
        assert not unmerged
        assert readme.startswith("# Our service\n")
        assert f"+# {NAME.upper()}\n" in (project / "README.md.rej").read_text("utf-8")


def test_hook_says_why_it_records_nothing(workshop: Workshop) -> None:
    def reason(source: Path, into: str) -> str:
        project, said = workshop.render(str(source), into=into)
        assert ".cruft.json" not in tree(project)
        (line,) = [line for line in said.splitlines() if "cruft" in line]
        return line.removeprefix(
            "The project has no .cruft.json, so `cruft update` will not work. Reason: "
        )

    workshop.git(
        workshop.template,
        "archive",
        "--prefix",
        "template/",
        "--output",
        str(workshop.folder / "t.zip"),
        "v1",
    )
    assert reason(workshop.folder / "t.zip", "zip") == "the template is not a git checkout."
    inside = workshop.template / "inside"
    shutil.copytree(workshop.template, inside, ignore=shutil.ignore_patterns(".git", "inside"))
    assert reason(inside, "inside-another") == "the template is not a git checkout."
    # Untracked files do not count: the folder above is one.
    assert ".cruft.json" in tree(workshop.render(str(workshop.template), into="untracked")[0])
    workshop.replace("README.md", "# ", "# Changed: ")
    assert reason(workshop.template, "dirty") == "the template has uncommitted changes."
    workshop.git(workshop.template, "checkout", "--quiet", "README.md")
    workshop.git(workshop.template, "remote", "remove", "origin")
    assert reason(workshop.template, "no-remote") == "the template's git checkout has no remote."


def test_team_commands_update_a_project(workshop: Workshop) -> None:
    """Run the commands of the pages.

    An abbreviated address of cruft and cookiecutter leads to the workshop.
    """
    tagged, release, _, _, check, update = (command(FLEET, end) for end in FLEET_COMMANDS)
    portal = command(FLEET, PORTAL)
    configuration = workshop.folder / "cookiecutterrc"
    configuration.write_text(
        f'abbreviations: {{gh: "file://{workshop.remote}"}}\n', encoding="utf-8"
    )

    def bash(line: str, folder: Path, status: int = 0) -> str:
        path = f'PATH="{Path(UV).parent}:$PATH" COOKIECUTTER_CONFIG="{configuration}"'
        return workshop.run(folder, "bash", "-c", f"export {path}; {line}", status=status)

    workshop.publish("v1.2.3")
    folder = workshop.folder / "team"
    folder.mkdir()
    bash(f"yes '' | {tagged}", folder)
    bash(portal, folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [suggested_slug(CONFIGURATION["project_name"]), "orders-api"]
    )
    project = folder / "orders-api"
    workshop.commit(project)
    workshop.release("v3")
    release, check, update = (line.replace("v1.2.3", "v1.3.0") for line in (release, check, update))
    bash(release, workshop.template)
    bash(check, project, status=1)
    bash(update, project)
    assert (project / "README.md").read_text("utf-8").startswith("# ORDERS-API\n")
    bash(check, project)


def test_answer_changes_later_with_the_documented_command(workshop: Workshop) -> None:
    """Compare the project with a render of the new answer."""
    address = f"git+file://{workshop.remote}"
    before = workshop.folder / "before"
    before.mkdir()
    given = [*GIVEN, "credentials=none"]
    workshop.run(before, *COOKIECUTTER, address, "--checkout", "v1", *given)
    workshop.commit(before / NAME)
    line = command(QUESTIONS, CHANGE).replace("v1.2.3", "v1")
    line = line.replace("uvx cruft", shlex.join(CRUFT))
    workshop.run(before / NAME, "bash", "-c", line)
    after, _ = workshop.render(address, "--checkout", "v1", into="after")
    shutil.rmtree(before / NAME / ".git")
    changed, fresh = tree(before / NAME), tree(after)
    assert "app/session.py" in changed
    records = [json.loads(files.pop(".cruft.json")) for files in (changed, fresh)]
    assert records[0]["context"]["cookiecutter"]["credentials"] == "cookies"
    assert changed == fresh


def test_fork_merges_an_upstream_release_without_conflicts(workshop: Workshop) -> None:
    """Follow docs/fleet.md in the fork, and change upstream like a release."""
    fork = workshop.folder / "fork"
    workshop.git(workshop.folder, "clone", "--quiet", str(workshop.remote), str(fork))
    named = workshop.run(fork, *GIT, "grep", "-l", "-I", "org/template").splitlines()
    for name in named:
        text = (fork / name).read_text("utf-8")
        (fork / name).write_text(text.replace("org/template", "acme/starter"), encoding="utf-8")
    configuration = json.loads((fork / "cookiecutter.json").read_text("utf-8"))
    configuration["credentials"] = configuration["credentials"][::-1]
    text = json.dumps(configuration, ensure_ascii=False, indent=2) + "\n"
    (fork / "cookiecutter.json").write_text(text, encoding="utf-8")
    (fork / "CHANGELOG.acme.md").write_text("## v1.4.0\n\n- Ours.\n", encoding="utf-8")
    (fork / "{{cookiecutter.project_slug}}" / "app" / "metrics.py").write_text('"""Ours."""\n')
    workshop.git(fork, "add", "--all")
    workshop.git(fork, "commit", "--quiet", "--message", "Ours")
    workshop.git(fork, "tag", "v1.4.0")

    version = cors_right.__version__
    for name in ("pyproject.toml", f"{LIBRARY}/__init__.py"):
        workshop.replace(name, f'"{version}"', '"9.9.9"')
    workshop.replace("CHANGELOG.md", f"## {version}", f"## 9.9.9\n\n- New.\n\n## {version}")
    workshop.replace(f"{LIBRARY}/origins.py", f'"{NO_SCHEME}"', '"needs another text"')
    workshop.replace("docs/fleet.md", "An update keeps your edits.", "Updates keep your edits.")
    for workflow in (".github", "{{cookiecutter.project_slug}}/.github"):
        workshop.replace(
            f"{workflow}/workflows/test.yml", "permissions: {}", "permissions: {} # none"
        )
    workshop.publish("v1.2.3")

    workshop.git(fork, "remote", "add", "upstream", str(workshop.remote))
    for line in (command(FLEET, end) for end in FLEET_COMMANDS[2:4]):
        workshop.run(fork, "bash", "-c", line)
    assert workshop.run(fork, *GIT, "diff", "--name-only", "--diff-filter=U") == ""
    assert '"9.9.9"' in (fork / LIBRARY / "__init__.py").read_text("utf-8")
    assert workshop.run(fork, *GIT, "tag").split() == ["v1", "v1.4.0"]
