"""The hook that makes the project updatable, and prints the next commands.

It runs in the folder of the rendered project. Cookiecutter deletes the folder if this script
fails, so the script reports a problem and exits with status 0.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

# The answers are data: cookiecutter pastes no answer into this file as source.
CONTEXT = json.loads(r"""
{{ cookiecutter | tojson }}
""")
TEMPLATE, OUTPUT = json.loads(r"""
{{ [template_folder, output_folder] | tojson }}
""")
RECORD = Path(".cruft.json")


def git(*arguments: str, folder: str = TEMPLATE) -> str:
    """Return the output of git in a folder, or raise RuntimeError with its reason.

    Git gets no variable that names another repository, such as the GIT_DIR of git's own hooks.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    command = ["git", "-C", folder, *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, env=environment)
    except FileNotFoundError:
        raise RuntimeError("git is not installed") from None
    if ended.returncode:
        raise RuntimeError(f"git says: {ended.stderr.decode(errors='replace').strip()}")
    return ended.stdout.decode().strip()


def without_secrets(address: str) -> str:
    """Return an address without its password, and without tokens as its user or in its query.

    Teams commit the record. Only http needs no user: `git@` is part of an address with ssh.
    """
    scheme, colon, rest = address.partition("://")
    if not colon:
        return address  # a path, or host:path, which has no password
    authority, slash, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    user, rest = user.partition(":")[0], f"{host}{slash}{path}"
    if scheme.lower().endswith(("http", "https")):
        user, rest = "", re.split("[?#]", rest)[0]
    return f"{scheme}://{user and f'{user}@'}{rest}"


def write_record() -> str:
    """Record the project's source as `cruft create` does, and return a warning or nothing.

    With the record, `cruft update` also brings changes of the template to projects that plain
    cookiecutter rendered.
    """
    if not Path(TEMPLATE, ".git").exists():  # a folder of another checkout has none
        raise RuntimeError("the template is not a git checkout")
    status = git("status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if re.search(r"^[^#]", status, re.MULTILINE):
        raise RuntimeError("the template has uncommitted changes")
    if "origin" not in git("remote").splitlines():
        raise RuntimeError("the template's git checkout has no remote")
    commit = git("rev-parse", "HEAD")
    remote = without_secrets(git("remote", "get-url", "origin"))
    answers = {
        name: value
        for name, value in CONTEXT.items()
        if name not in ("_output_dir", "_repo_dir", "_checkout")
    }
    state = {
        "template": remote,
        "commit": commit,
        "checkout": CONTEXT["_checkout"],
        "context": {"cookiecutter": {**answers, "_template": remote, "_commit": commit}},
        "directory": None,
    }
    text = json.dumps(state, ensure_ascii=False, indent=2, separators=(",", ": "))
    RECORD.write_text(text + "\n", encoding="utf-8")
    # A clone of one tag has no branches. On a branch, a tag might wait for its push.
    published = ["refs/remotes"]
    if "# branch.head (detached)" in status:
        published.append("refs/tags")
    if git("for-each-ref", "--count=1", "--contains", commit, *published):
        return ""
    return f"Push the template: `cruft update` will need its commit {commit[:7]} at {remote}."


def record() -> str:
    """Return the message about the record, and delete an old or incomplete record."""
    try:
        return write_record()
    except Exception as error:
        with suppress(OSError):
            RECORD.unlink()
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return f"The project has no .cruft.json, so `cruft update` will not work. Reason: {reason}."


def surroundings() -> str:
    """Return the advice for a project inside another repository."""
    top = git("rev-parse", "--show-toplevel", folder=".")
    if Path(top).samefile("."):
        return ""
    return (
        f"The project lies inside the repository {top}. For its checks and updates, see "
        '"A service in a monorepo" in docs/fleet.md of the template.'
    )


def leftovers() -> str:
    """Return the files to delete, which other answers rendered and -f kept."""
    (service,) = Path(TEMPLATE).glob("*cookiecutter.project_slug*")
    needed: set[Path] = set()
    others: set[Path] = set()
    for path in service.rglob("* if cookiecutter.*"):
        file, condition = re.findall(r"'(.+)' if (.+) else", path.name)[0]
        is_needed = any(CONTEXT[name] for name in re.findall(r"cookiecutter\.(\w+)", condition))
        (needed if is_needed else others).add(path.relative_to(service).with_name(file))
    names = sorted(name.as_posix() for name in others - needed if name.exists())
    return f"Delete the files of other answers: {' '.join(names)}" if names else ""


def say(text: str) -> None:
    """Print a text in the characters of the terminal."""
    try:
        encoding = sys.stdout.encoding
        print(text.encode(encoding, "replace").decode(encoding), flush=True)
    except Exception:
        os._exit(0)  # a closed pipe or a full disk would also fail an ordinary exit


# Under cruft there is no `_repo_dir`. It writes the file itself, and what `cruft diff` prints goes
# into `git apply`.
if "_repo_dir" in CONTEXT:
    for look in (record, surroundings, leftovers):
        with suppress(Exception):
            if line := look():
                say(line)
    quoted = subprocess.list2cmdline if os.name == "nt" else shlex.join
    folder = os.path.join(OUTPUT, Path.cwd().name).removeprefix(f".{os.sep}")
    say(
        f"""
Next:
    cd {quoted([folder])}
    uv run fastapi dev --host localhost
    uv run pytest

Commit the project before your first edit, so that git can merge template updates with your edits.
"""
    )
