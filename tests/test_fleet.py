"""The workflow that updates a project, with real repositories and a recording `gh`."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.repositories import NAME, Workshop
from tests.support.workflows import Runner

UPDATE = Path(".github/workflows/update.yml")
WORKFLOWS = UPDATE.parent
# A test of a project, or of a package that it depends on, can write any file.
SPY = '''"""A check that writes a workflow."""

from pathlib import Path


def test_spy() -> None:
    Path(".github/workflows/spy.yml").write_text("on: push")
'''


def ours(
    workshop: Workshop,
    *,
    title: str = "# Orders",
    is_committed_first: bool = True,
    checkout: str = "v1",
) -> Path:
    """Return a project whose team changed the title of its README."""
    project, _ = workshop.render(f"git+file://{workshop.remote}", "--checkout", checkout)
    if is_committed_first:
        workshop.commit(project)
    readme = project / "README.md"
    readme.write_text(readme.read_text("utf-8").replace(f"# {NAME}", title, 1), encoding="utf-8")
    workshop.commit(project)
    return project


def published(workshop: Workshop, project: Path) -> Path:
    """Give a project its own repository, and return the repository."""
    repository = workshop.folder / "service.git"
    bare = ["init", "--quiet", "--bare", "--initial-branch", "main"]
    workshop.git(workshop.folder, *bare, str(repository))
    workshop.git(project, "remote", "add", "origin", str(repository))
    workshop.git(project, "push", "--quiet", "origin", "HEAD:main")
    return repository


def branches(repository: Path) -> list[str]:
    command = ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads"]
    return subprocess.check_output(command, cwd=repository, text=True).split()


def updated(workshop: Workshop, machine: dict[str, str], project: Path) -> tuple[int, str, str]:
    """Run the workflow in a project, and return its status, its output, and the calls of `gh`."""
    runner = Runner(workshop.folder, machine)
    status = runner.run(project / UPDATE, project)
    return status, runner.said, runner.log


def test_new_version_becomes_one_pull_request(workshop: Workshop, machine: dict[str, str]) -> None:
    """Ignore release candidates, files that checks write, and pull requests of forks."""
    project = ours(workshop)
    spy = project / "tests" / "test_spy.py"
    spy.write_text(SPY, encoding="utf-8")
    workshop.commit(project)
    repository = published(workshop, project)
    workshop.publish("v2-rc.1")
    workshop.replace("{{cookiecutter.project_slug}}/AGENTS.md", "# Notes", "# More notes")
    for tag in ("v2", "v2rc2", "v3-rc.1", "v3rc1", "v3.x", "version-3"):
        workshop.publish(tag)
    runner = Runner(workshop.folder, machine, pulls=["stranger:template-v2", "org:template-v1"])
    assert runner.run(project / UPDATE, project) == 0, runner.said
    assert " passed" in runner.said
    assert branches(repository) == ["main", "template-v2"]
    assert (
        runner.log.count("pr create --head template-v2 --title Update to v2 of the template") == 1
    )
    for name, line in (("AGENTS.md", "# More notes"), ("README.md", "# Orders")):
        shown = ["git", "show", f"template-v2:{name}"]
        assert subprocess.check_output(shown, cwd=repository, text=True).startswith(line)
    changed = ["git", "diff", "--name-only", "main", "template-v2"]
    files = subprocess.check_output(changed, cwd=repository, text=True).split()
    assert files == [".cruft.json", "AGENTS.md", "uv.lock"]

    runner.pulls.append("org:template-v2")
    assert runner.run(project / UPDATE, project, only="propose") == 0, runner.said
    assert "There is a pull request for v2 already." in runner.said
    assert runner.log.count("pr create") == 1


@pytest.mark.parametrize("is_committed_first", [True, False])
def test_conflicts_stop_the_update(
    workshop: Workshop, machine: dict[str, str], is_committed_first: bool
) -> None:
    """Change the title on both sides: a conflict in the file, or rejected lines beside it."""
    project = ours(workshop, is_committed_first=is_committed_first)
    repository = published(workshop, project)
    workshop.release("v2")
    status, said, asked = updated(workshop, machine, project)
    assert status == 1
    assert "::error::The update to v2 conflicts with edits: README.md" in said
    assert (branches(repository), asked) == (["main"], "")


def test_failing_check_stops_the_update(workshop: Workshop, machine: dict[str, str]) -> None:
    project = ours(workshop, title=f"# {NAME}")
    repository = published(workshop, project)
    workshop.release("v2")  # it allows other origins than its tests expect
    status, said, asked = updated(workshop, machine, project)
    assert status == 1
    assert " failed" in said
    assert (branches(repository), asked) == (["main"], "")


def test_failure_of_cruft_is_one_line(workshop: Workshop, machine: dict[str, str]) -> None:
    project = ours(workshop)
    repository = published(workshop, project)
    workshop.replace("cookiecutter.json", "| checked_name", "| checked_title")
    workshop.publish("v2")
    status, said, asked = updated(workshop, machine, project)
    assert status == 1
    (line,) = [line for line in said.splitlines() if line.startswith("::error::")]
    assert line.startswith("::error::cruft failed to update to v2: jinja2.exceptions.Template")
    assert "No filter named 'checked_title'" in line
    assert line.endswith(". In a clone, run: uvx cruft update --checkout v2")
    assert (branches(repository), asked) == (["main"], "")


def test_commit_that_the_template_lacks_stops_the_update(
    workshop: Workshop, machine: dict[str, str]
) -> None:
    workshop.git(workshop.template, "commit", "--quiet", "--allow-empty", "--message", "Unpushed")
    commit = workshop.run(workshop.template, "git", "rev-parse", "HEAD").strip()
    project, _ = workshop.render(str(workshop.template))
    workshop.commit(project)
    repository = published(workshop, project)
    status, said, asked = updated(workshop, machine, project)
    assert (status, branches(repository), asked) == (1, ["main"], "")
    line = f"::error::The template lacks the commit of .cruft.json. Push it: {commit}"
    assert line in said.splitlines()


@dataclass
class Proposal:
    """The input of the writing job from the other job, which runs untrusted code."""

    workshop: Workshop
    project: Path
    repository: Path
    runner: Runner

    def run(self, change: str, tag: str = "v2") -> tuple[int, str]:
        """Run the writing job with a branch that a script changed, and return its output."""
        folder, branch = self.workshop.folder / "changed", "template-v2"
        self.workshop.git(self.repository, "update-ref", "-d", f"refs/heads/{branch}")
        shutil.rmtree(folder, ignore_errors=True)
        bundle = self.workshop.folder / "artifacts" / "update" / "update.bundle"
        bundle.parent.mkdir(parents=True, exist_ok=True)
        self.workshop.git(self.workshop.folder, "clone", "--quiet", str(self.repository), "changed")
        self.workshop.git(folder, "switch", "--quiet", "--create", branch)
        self.workshop.run(folder, "bash", "-e", "-c", change)
        self.workshop.git(folder, "add", "--all")
        self.workshop.git(folder, "commit", "--quiet", "--allow-empty", "--message", "Update")
        self.workshop.git(folder, "bundle", "create", "--quiet", str(bundle), branch, "^HEAD~1")
        self.runner.values["needs.update.outputs.tag"] = tag
        self.runner.said = ""
        status = self.runner.run(self.project / UPDATE, self.project, only="propose")
        return status, self.runner.said


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory, machine: dict[str, str]) -> Proposal:
    """Return a project of version 1, and version 2 with another workflow."""
    workshop = Workshop(tmp_path_factory.mktemp("proposal"))
    project = ours(workshop)
    repository = published(workshop, project)
    for name in ("test.yml", "update.yml"):
        file = f"{{{{cookiecutter.project_slug}}}}/{WORKFLOWS}/{name}"
        workshop.replace(file, "ubuntu-24.04", "ubuntu-26.04")
    workshop.publish("v2")
    return Proposal(workshop, project, repository, Runner(workshop.folder, machine))


TEMPLATES = "sed -i s/24.04/26.04/ .github/workflows/*.yml"
SPIED = "echo 'on: push' >.github/workflows/spy.yml"
NOT_A_VERSION = "::error::The tag is not a version: "
NOT_KNOWN = "::error::These files are neither the project's nor the template's at v2."


@pytest.mark.parametrize(
    ("change", "tag", "line"),
    [
        ("true", "x:main", NOT_A_VERSION),
        ("true", "v2:main", NOT_A_VERSION),
        ("true", "v2\nmain", NOT_A_VERSION),
        ("true", "v2-rc.1", NOT_A_VERSION),
        ("true", "v..", NOT_A_VERSION),
        ("true", "--upload-pack=touch", NOT_A_VERSION),
        ("true", "v3", "couldn't find remote ref template-v3"),
        (SPIED, "v2", NOT_KNOWN),
        ("echo 'on: push' >.github/workflows/test.yml", "v2", NOT_KNOWN),
        ("sed -i s/24.04/22.04/ .github/workflows/test.yml", "v2", NOT_KNOWN),
        (f"{TEMPLATES}; {SPIED}", "v2", NOT_KNOWN),
        ("mv .github/workflows/test.yml .github/workflows/other.yml", "v2", NOT_KNOWN),
        ("chmod +x .github/workflows/test.yml", "v2", NOT_KNOWN),
        (f"sed -i s/remote.git/spy.git/ .cruft.json; {SPIED}", "v2", NOT_KNOWN),
        ("mv .github spy; ln -s spy .github", "v2", NOT_KNOWN),
        ("mkdir .github/actions; echo 'runs:' >.github/actions/action.yml", "v2", NOT_KNOWN),
        ("echo 'on: push' >$'.github/workflows/a\nb.yml'", "v2", NOT_KNOWN),
    ],
)
def test_writing_job_refuses_files_of_no_version(
    proposal: Proposal, change: str, tag: str, line: str
) -> None:
    status, said = proposal.run(change, tag)
    assert (status != 0, branches(proposal.repository)) == (True, ["main"])
    assert line in said


@pytest.mark.parametrize("change", ["echo new >new.txt", TEMPLATES])
def test_writing_job_accepts_files_of_project_or_version(proposal: Proposal, change: str) -> None:
    status, said = proposal.run(change)
    assert (status, branches(proposal.repository)) == (0, ["main", "template-v2"]), said


@pytest.mark.parametrize(
    ("checkout", "line"),
    [
        ("v1", "The project is at v1, or newer."),
        ("main", "The project is at v1, or newer."),  # no downgrade
        ("", "::notice::There is no .cruft.json"),
    ],
)
def test_workflow_does_nothing_without_a_newer_version(
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
