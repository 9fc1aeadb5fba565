"""Pages that tests follow: the files and changes to apply to a rendered project."""

import json
import re
from collections.abc import Collection
from pathlib import Path

from tests.support.checks import passes

# A paragraph that ends with a path, and the block below it.
BLOCK = re.compile(r"`([\w./-]+)`:\n\n```(?!text)(\w+)\n(.*?)^```$", re.M | re.S)


def paths_of(page: Path) -> list[str]:
    """Return the paths above the blocks of a page."""
    return [path for path, _, _ in BLOCK.findall(page.read_text("utf-8"))]


def sections(page: Path) -> dict[str, str]:
    """Return the text of a page below each of its headings."""
    _, *parts = re.split(r"^## ", page.read_text("utf-8"), flags=re.M)
    return dict(part.split("\n", 1) for part in parts)


def follow(page: Path, project: Path, without: Collection[str] = ()) -> None:
    """Follow all sections of a page except the named ones."""
    assert {*without} <= {*sections(page)}
    for heading in sections(page):
        if heading not in without:
            follow_section(page, heading, project)


def follow_section(page: Path, heading: str, project: Path) -> None:
    """Write each file that a section shows, apply each diff, and add names to the policies."""
    for path, language, block in BLOCK.findall(sections(page)[heading]):
        if language == "diff":
            change(project / path, block)
        else:
            assert not (project / path).exists(), f"{path} is there already"
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(block, encoding="utf-8")
    add_names(page, heading, project)


def add_names(page: Path, heading: str, project: Path) -> dict[str, list[str]]:
    """Add the names of a section to the lists of the project's policies, and return them."""
    found = re.findall(r"^(\w+)=\[…, (.*)\]", sections(page)[heading], re.M)
    added = {field: re.findall(r'"(.*?)"', names) for field, names in found}
    if not added:
        return {}
    settings = project / "app" / "settings.py"
    text = settings.read_text("utf-8")
    for field, names in added.items():

        def extended(match: re.Match[str], names: list[str] = names) -> str:
            listed = re.findall(r'"(.*?)"', match[2])
            longer = listed if listed == ["*"] else [*dict.fromkeys([*listed, *names])]
            return f"{match[1]}{json.dumps(longer)}"

        text, count = re.subn(rf"({field}=)\[(.*?)\]", extended, text, flags=re.S)
        assert count == 2
    settings.write_text(text, encoding="utf-8")
    passes(project, "ruff", "format", "--quiet", "--no-cache", "app/settings.py")
    return added


def change(file: Path, diff: str) -> None:
    """Apply a diff, each of whose parts between lines `@@` fits one place of the file."""
    text = "\n" + file.read_text("utf-8")
    for part in diff.split("@@\n"):
        lines = part.splitlines()
        old, new = (
            "\n" + "".join(f"{line[1:]}\n" for line in lines if line[:1] in ("", " ", sign))
            for sign in "-+"
        )
        assert text.count(old) == 1, f"{file.name} has {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    file.write_text(text[1:], encoding="utf-8")
