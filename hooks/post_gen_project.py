"""Make the project updatable, and say what to do next.

Runs in the folder of the rendered project.
"""

import json
import re
import subprocess
from pathlib import Path

# The answers are data: no answer is pasted into this file as source.
CONTEXT = json.loads(r"""
{{ cookiecutter | tojson }}
""")
TEMPLATE = json.loads(r"""
{{ template_folder | tojson }}
""")


def git(*arguments: str) -> str:
    """Run git in the template's folder; return what it prints, and nothing if it fails."""
    command = ["git", "-C", TEMPLATE, *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def write_cruft_json() -> str:
    """Record where the project comes from, as `cruft create` does, or return why not.

    `cruft update` then brings changes of the template to projects that plain cookiecutter rendered,
    too.
    """
    status = git("status", "--porcelain=v2", "--branch", "--untracked-files=no")
    head = re.search(r"^# branch\.oid ([0-9a-f]+)$", status, re.MULTILINE)
    if not head or not Path(TEMPLATE, ".git").exists():  # a folder of another checkout has none
        return "the template is not a git checkout"
    if re.search(r"^[^#]", status, re.MULTILINE):
        return "the template has changes that are not committed"
    remote = git("remote", "get-url", "origin")
    if not remote:
        return "the template's git checkout has no remote"
    # The file will be committed, so a password or token in the address must not be in it.
    remote = re.sub(r"^(https?://)[^/]*@", r"\1", remote)
    answers = {
        name: value
        for name, value in CONTEXT.items()
        if name not in ("_output_dir", "_repo_dir", "_checkout")
    }
    state = {
        "template": remote,
        "commit": head[1],
        "checkout": CONTEXT["_checkout"],
        "context": {"cookiecutter": {**answers, "_template": remote, "_commit": head[1]}},
        "directory": None,
    }
    text = json.dumps(state, ensure_ascii=False, indent=2, separators=(",", ": "))
    Path(".cruft.json").write_text(text + "\n", encoding="utf-8")
    return ""


# Under cruft there is no `_repo_dir`. It writes the file itself, and what `cruft diff` prints goes
# into `git apply`.
if "_repo_dir" in CONTEXT:
    if reason := write_cruft_json():
        print(f"No .cruft.json, so `cruft update` will not work: {reason}.")
    print(
        f"""
Next:
    cd {Path.cwd().name}
    uv run fastapi dev
    uv run pytest

Commit the project before your first edit: then updates of the template merge with your edits.
"""
    )
