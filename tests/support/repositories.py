"""Git repositories with the current template, and projects that follow them."""

import subprocess
import sys
from pathlib import Path

from tests.support.baking import ROOT
from tests.support.serving import clean_environment

ANSWERS = {
    "project_name": 'The "Quoted" Service',
    "description": "Says “hi” to C:\\new 🚀",
    "credentials": "cookies",
    "frontend_origins": "https://app.example.com,https://*.preview.example.com",
}
GIVEN = [f"{name}={value}" for name, value in ANSWERS.items()]
COOKIECUTTER = [sys.executable, "-m", "cookiecutter", "--no-input"]
CRUFT = [sys.executable, "-m", "cruft"]
GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com"]
NAME = "the-quoted-service"


def copy_template(folder: Path) -> None:
    """Copy the current files that git tracks."""
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in files.stdout.rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())


def make_repository(folder: Path, tag: str) -> None:
    """Create a git repository with the current template and a tag."""
    copy_template(folder)
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "The template"],
        ["tag", tag],
    ):
        subprocess.run([*GIT, *command], cwd=folder, check=True)


class Workshop:
    """A template in development, its remote, and a folder for projects.

    Every command gets `variables` in its environment.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables: dict[str, str] = {}
        self.template, self.remote = folder / "template", folder / "remote.git"
        copy_template(self.template)
        self.git(self.template, "init", "--quiet", "--initial-branch", "main")
        self.git(self.template, "remote", "add", "origin", str(self.remote))
        self.git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.remote))
        self.publish("v1")

    def run(self, folder: Path, *command: str, status: int = 0) -> str:
        environment = clean_environment(HOME=str(self.folder), GIT_CONFIG_NOSYSTEM="1")
        identity = {
            f"GIT_{role}_{part}": "test@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        ended = subprocess.run(
            command,
            cwd=folder,
            env=environment | identity | self.variables,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        assert ended.returncode == status, ended.stdout + ended.stderr
        return ended.stdout

    def git(self, folder: Path, *arguments: str) -> None:
        self.run(folder, *GIT, *arguments)

    def publish(self, tag: str) -> None:
        self.git(self.template, "add", "--all")
        self.git(self.template, "commit", "--quiet", "--allow-empty", "--message", tag)
        self.git(self.template, "tag", tag)
        self.git(self.template, "push", "--quiet", "--tags", "origin", "main")

    def commit(self, project: Path) -> None:
        self.git(project, "init", "--quiet", "--initial-branch", "main")
        self.git(project, "add", "--all")
        self.git(project, "commit", "--quiet", "--allow-empty", "--message", "Ours")

    def render(self, source: str, *options: str, into: str = "project") -> tuple[Path, str]:
        """Render the template with plain cookiecutter, and return the project and the output."""
        (self.folder / into).mkdir(exist_ok=True)
        said = self.run(self.folder / into, *COOKIECUTTER, source, *options, *GIVEN)
        return self.folder / into / NAME, said

    def replace(self, path: str, old: str, new: str) -> None:
        file = self.template / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def release(self, tag: str) -> None:
        """Publish a version with a new filter and a changed grammar.

        An update renders both versions in one process.
        """
        service = "{{cookiecutter.project_slug}}"
        self.replace(
            "hooks/filters.py",
            "def literal(",
            "def shouted(text: str) -> str:\n    return text.upper()\n\n\ndef literal(",
        )
        self.replace(
            "hooks/filters.py",
            "named(literal,",
            "named(shouted, literal,",
        )
        self.replace(
            f"{service}/README.md",
            "# {{ cookiecutter.__slug }}",
            "# {{ cookiecutter.__slug | shouted }}",
        )
        self.replace(
            f"{service}/cors_right/origins.py",
            'return f"{self.scheme}://',
            'return f"{self.scheme}://v2.',
        )
        self.publish(tag)
