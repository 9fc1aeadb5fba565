"""The workflow that keeps a project up to date, with real repositories and a `gh` that notes."""

import subprocess
from pathlib import Path

import pytest

from tests.support.repositories import NAME, Workshop
from tests.support.workflows import Runner

UPDATE = Path(".github/workflows/update.yml")


def ours(
    workshop: Workshop,
    *,
    title: str = "# Orders",
    is_committed_first: bool = True,
    checkout: str = "v1",
) -> Path:
    """Return a project whose team has changed the title of its README."""
    project, _ = workshop.render(f"git+file://{workshop.remote}", "--checkout", checkout)
    if is_committed_first:
        workshop.commit(project)
    readme = project / "README.md"
    readme.write_text(readme.read_text("utf-8").replace(f"# {NAME}", title, 1), encoding="utf-8")
    workshop.commit(project)
    return project


def published(workshop: Workshop, project: Path) -> Path:
    """Give a project a repository of its own; return it."""
    repository = workshop.folder / "service.git"
    workshop.git(workshop.folder, "init", "--quiet", "--bare", str(repository))
    workshop.git(project, "remote", "add", "origin", str(repository))
    workshop.git(project, "push", "--quiet", "origin", "HEAD:main")
    return repository


def branches(repository: Path) -> list[str]:
    command = ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads"]
    return subprocess.check_output(command, cwd=repository, text=True).split()


def updated(workshop: Workshop, machine: dict[str, str], project: Path) -> tuple[int, str, str]:
    """Run the workflow in a project; return its status, what it said, and what `gh` was asked."""
    runner = Runner(workshop.folder, machine)
    status = runner.run(project / UPDATE, project)
    return status, runner.said, runner.log


def test_a_new_version_becomes_one_pull_request(
    workshop: Workshop, machine: dict[str, str]
) -> None:
    project = ours(workshop)
    repository = published(workshop, project)
    workshop.replace("{{cookiecutter.project_slug}}/AGENTS.md", "# Notes", "# More notes")
    workshop.publish("v2")
    workshop.publish("v3-rc.1")
    runner = Runner(workshop.folder, machine)
    assert runner.run(project / UPDATE, project) == 0, runner.said
    assert " passed" in runner.said
    assert branches(repository) == ["main", "template-v2"]
    assert (
        runner.log.count("pr create --head template-v2 --title Update to v2 of the template") == 1
    )
    for name, line in (("AGENTS.md", "# More notes"), ("README.md", "# Orders")):
        shown = ["git", "show", f"template-v2:{name}"]
        assert subprocess.check_output(shown, cwd=repository, text=True).startswith(line)

    runner.pulls = 1
    assert runner.run(project / UPDATE, project, only="propose") == 0, runner.said
    assert "There is a pull request for v2 already." in runner.said
    assert runner.log.count("pr create") == 1


@pytest.mark.parametrize("is_committed_first", [True, False])
def test_conflicts_stop_the_update(
    workshop: Workshop, machine: dict[str, str], is_committed_first: bool
) -> None:
    """Both sides changed the title: a conflict in the file, or the rejected lines beside it."""
    project = ours(workshop, is_committed_first=is_committed_first)
    repository = published(workshop, project)
    workshop.release("v2")
    status, said, asked = updated(workshop, machine, project)
    assert status == 1
    assert "::error::The update to v2 conflicts with edits: README.md" in said
    assert (branches(repository), asked) == (["main"], "")


def test_a_check_that_fails_stops_the_update(workshop: Workshop, machine: dict[str, str]) -> None:
    project = ours(workshop, title=f"# {NAME}")
    repository = published(workshop, project)
    workshop.release("v2")  # it allows other origins than its tests expect
    status, said, asked = updated(workshop, machine, project)
    assert status == 1
    assert " failed" in said
    assert (branches(repository), asked) == (["main"], "")


@pytest.mark.parametrize(
    ("checkout", "line"),
    [
        ("v1", "The project is at v1, or newer."),
        ("main", "The project is at v1, or newer."),  # and does not go back
        ("", "::notice::There is no .cruft.json"),
    ],
)
def test_nothing_to_do(
    workshop: Workshop, machine: dict[str, str], checkout: str, line: str
) -> None:
    workshop.replace("{{cookiecutter.project_slug}}/AGENTS.md", "# Notes", "# More notes")
    workshop.git(workshop.template, "commit", "--quiet", "--all", "--message", "Newer")
    workshop.git(workshop.template, "push", "--quiet", "origin", "main")
    project = ours(workshop, checkout=checkout or "v1")
    if not checkout:
        workshop.git(project, "rm", "--quiet", ".cruft.json")
        workshop.commit(project)
    repository = published(workshop, project)
    status, said, asked = updated(workshop, machine, project)
    assert (status, branches(repository), asked) == (0, ["main"], "")
    assert line in said
