"""The hook at the end of a render, which keeps the project despite failures."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.baking import ROOT, tree
from tests.support.repositories import COOKIECUTTER, Workshop

HOOK = ROOT / "hooks" / "post_gen_project.py"
NO_RECORD = "The project has no .cruft.json, so `cruft update` will not work. Reason: "
ADDRESS = "https://git.example.com/Ω-é.git"
NEXT = """
Next:
    cd {}
    uv run fastapi dev --host localhost
    uv run pytest

Commit the project before your first edit, so that git can merge template updates with your edits.

"""
ANSWERS = ("project_name=Orders", "credentials=cookies")
NAME = "orders"
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def render(
    workshop: Workshop, *arguments: str, template: Path | None = None, into: str = "project"
) -> tuple[Path, str]:
    """Render the template's folder over existing files, and return the project and the output."""
    folder = workshop.folder / into
    folder.mkdir(exist_ok=True)
    command = [*COOKIECUTTER, "--overwrite-if-exists", str(template or workshop.template)]
    said = workshop.run(folder, *command, *(arguments or ANSWERS))
    return folder / NAME, said


@contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Mount a file system at a folder, or skip the test if the system forbids it."""
    folder.mkdir(exist_ok=True)
    ended = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True)
    if ended.returncode:
        pytest.skip(f"a mount is not possible: {ended.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def unpushed(workshop: Workshop) -> str:
    """Commit to a template and tag it without a push, and return the commit.

    The address of the template is not ASCII.
    """
    workshop.git(workshop.template, "remote", "set-url", "origin", ADDRESS)
    workshop.git(workshop.template, "commit", "--quiet", "--allow-empty", "--message", "Ours")
    workshop.git(workshop.template, "tag", "v9")
    return workshop.run(workshop.template, "git", "rev-parse", "--short=7", "HEAD").strip()


def ascii_locale(workshop: Workshop) -> str:
    commit = unpushed(workshop)
    workshop.variables |= ASCII
    return f"Push the template: `cruft update` will need its commit {commit} at {ADDRESS}."


def windows_locale(workshop: Workshop) -> str:
    path = workshop.folder / "en_US.CP1252"
    compiler = ["localedef", "--inputfile", "en_US", "--charmap", "CP1252", str(path)]
    if not shutil.which(compiler[0]) or subprocess.run(compiler, capture_output=True).returncode:
        pytest.skip("no locale with cp1252 is installed: apt-get install locales")
    line = ascii_locale(workshop)
    workshop.variables |= {"LC_ALL": path.name, "LOCPATH": str(workshop.folder)}
    return line


def other_repository(workshop: Workshop) -> str:
    """Set the variables that git sets for its own hooks, such as a commit's."""
    other = workshop.folder / "other"
    workshop.git(workshop.folder, "init", "--quiet", str(other))
    workshop.variables |= {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    return ""


def no_git(workshop: Workshop) -> str:
    workshop.variables["PATH"] = str(workshop.folder)
    return f"{NO_RECORD}git is not installed."


def another_owner(workshop: Workshop) -> str:
    if os.geteuid():
        pytest.skip("only root can give a folder to another user")
    os.chown(workshop.template, 10001, 10001)
    os.chown(workshop.template / ".git", 10001, 10001)
    line = f"detected dubious ownership in repository at '{workshop.template}'"
    return f"{NO_RECORD}git says: fatal: {line}."


def old_record(workshop: Workshop) -> str:
    """Make recording fail over an earlier render's record, which describes other files."""
    render(workshop)
    workshop.replace("README.md", "# ", "# Changed: ")
    return f"{NO_RECORD}the template has uncommitted changes."


@pytest.mark.parametrize(
    "trouble",
    [ascii_locale, windows_locale, other_repository, no_git, another_owner, old_record],
)
def test_hook_reports_trouble_and_keeps_the_project(
    workshop: Workshop, trouble: Callable[[Workshop], str]
) -> None:
    line = trouble(workshop)
    project, said = render(workshop)
    # A terminal replaces each character that it lacks.
    expected = re.escape((line and f"{line}\n") + NEXT.format(NAME))
    assert re.fullmatch(re.sub("[Ωé]", ".", expected), said), said
    assert (project / "app" / "main.py").exists()
    assert (project / ".cruft.json").exists() != line.startswith(NO_RECORD)
    if ADDRESS in line:
        assert json.loads((project / ".cruft.json").read_text("utf-8"))["template"] == ADDRESS


def test_hook_records_from_a_read_only_template(workshop: Workshop) -> None:
    folder = workshop.folder / "shared"
    with mounted(folder, "--bind", "--options", "ro", str(workshop.template)):
        assert not os.access(folder / ".git", os.W_OK)
        project, said = render(workshop, template=folder)
    assert (said, (project / ".cruft.json").exists()) == (NEXT.format(NAME), True)


def test_hook_keeps_the_project_on_a_full_disk(workshop: Workshop) -> None:
    """Leave no room on the disk for the record or its content."""
    disk = workshop.folder / "disk"
    with mounted(disk, "-t", "tmpfs", "tmpfs"):
        project, _ = render(workshop, into="disk")
        (project / ".cruft.json").write_bytes(b"")
        used, expected = os.statvfs(disk), tree(project)
    del expected[".cruft.json"]
    size = (used.f_blocks - used.f_bfree) * used.f_bsize
    files = used.f_files - used.f_ffree
    for inodes in (files - 1, files):
        limits = f"size={size},nr_inodes={inodes}"
        with mounted(disk, "-t", "tmpfs", "--options", limits, "tmpfs"):
            project, said = render(workshop, into="disk")
            assert tree(project) == expected
        assert said.startswith(f"{NO_RECORD}[Errno 28] No space left on device")
        assert said.endswith(NEXT.format(NAME))


@contextmanager
def full() -> Iterator[int]:
    """Yield an output that accepts nothing, like a file on a full disk."""
    with open("/dev/full", "wb") as file:
        yield file.fileno()


@contextmanager
def closed() -> Iterator[int]:
    """Yield an output without a reader, as in `cookiecutter ... | true`."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("output", [full, closed])
def test_hook_keeps_the_project_if_output_fails(
    workshop: Workshop, output: Callable[[], AbstractContextManager[int]]
) -> None:
    command = [*COOKIECUTTER, str(workshop.template), *ANSWERS]
    with output() as stdout:
        ended = subprocess.run(
            command, cwd=workshop.folder, stdout=stdout, stderr=subprocess.PIPE, text=True
        )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (workshop.folder / NAME / ".cruft.json").exists()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("..", f"../{NAME}"), ("./a b/", f"'a b/{NAME}'"), ("{}/new", f"{{}}/new/{NAME}")],
)
def test_hook_shows_the_directory_as_typed(workshop: Workshop, typed: str, shown: str) -> None:
    _, said = render(workshop, "--output-dir", typed.format(workshop.folder), *ANSWERS)
    assert said == NEXT.format(shown.format(workshop.folder))


def test_hook_warns_of_a_repository_around_the_project(workshop: Workshop) -> None:
    outer = workshop.folder / "project"
    workshop.git(workshop.folder, "init", "--quiet", str(outer))
    project, said = render(workshop)
    assert said == (
        f"The project lies inside the repository {outer}. For its checks and updates, "
        f'see "A service in a monorepo" in docs/fleet.md of the template.\n{NEXT.format(NAME)}'
    )
    workshop.commit(project)
    assert render(workshop)[1] == NEXT.format(NAME)


def test_hook_names_files_that_other_answers_left(workshop: Workshop) -> None:
    project, _ = render(workshop)
    (project / "app" / "ours.py").touch()
    _, said = render(workshop, "project_name=Orders", "credentials=bearer")
    left = "app/routes/session.py app/session.py tests/test_session.py"
    assert said == f"Delete the files of other answers: {left}\n{NEXT.format(NAME)}"
    for name in left.split():
        (project / name).unlink()
    # Another answer has a file of the same name.
    (routes,) = workshop.template.glob("{{*}}/app/routes")
    (routes / "{{'me.py' if cookiecutter.__credentialed else ''}}").touch()
    workshop.publish("v2")
    _, said = render(workshop, "project_name=Orders", "credentials=bearer")
    assert said == NEXT.format(NAME)


ADDRESSES = {
    "https://ada:secret@git.example.com/t.git": "https://git.example.com/t.git",
    "https://secret@git.example.com/t.git": "https://git.example.com/t.git",
    "HTTPS://ada:sec@ret@git.example.com:8443/t.git": "HTTPS://git.example.com:8443/t.git",
    "http://ada:secret@[::1]:80/t.git": "http://[::1]:80/t.git",
    "https://git.example.com/t.git?private_token=secret": "https://git.example.com/t.git",
    "https://git.example.com/t.git#secret": "https://git.example.com/t.git",
    "https://ada:secret@git.example.com": "https://git.example.com",
    "https://ada:secret@git.example.com?token=sec/ret": "https://git.example.com",
    "cached::https://secret@git.example.com/t": "cached::https://git.example.com/t",
    "ssh://git:secret@git.example.com:22/t.git": "ssh://git@git.example.com:22/t.git",
    "git+ssh://git:secret@git.example.com/t.git": "git+ssh://git@git.example.com/t.git",
    "ftp://ada:secret@git.example.com/t.git": "ftp://ada@git.example.com/t.git",
    "git://git.example.com/t.git": "git://git.example.com/t.git",
    "git@git.example.com:t.git": "git@git.example.com:t.git",
    "https://git.example.com/@scope/t.git": "https://git.example.com/@scope/t.git",
    "file:///srv/a@b?c/t.git": "file:///srv/a@b?c/t.git",
    "/srv/a@b:c/t.git": "/srv/a@b:c/t.git",
}


@pytest.mark.parametrize(("address", "recorded"), ADDRESSES.items())
def test_hook_records_an_address_without_secrets(address: str, recorded: str) -> None:
    """Load the function from the hook's text, because a render for each address takes long."""
    tree = ast.parse(HOOK.read_text("utf-8"))
    (function,) = (
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "without_secrets"
    )
    names: dict[str, Any] = {"re": re}
    exec(compile(ast.Module([function], []), HOOK, "exec"), names)
    assert names["without_secrets"](address) == recorded
