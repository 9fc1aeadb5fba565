"""Links of Markdown files, which must lead to a file and to a heading of that file."""

import re
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.baking import CREDENTIALS, ROOT, SERVICE, Bakery

INDEX = ROOT / "docs" / "index.md"
FENCED = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.M | re.S)
LINK = re.compile(r'\]\(<?([^)>\s]+)>?[^)]*\)|^\[[^]]+\]: +(\S+)|(?:href|src)="([^"]+)"', re.M)


def tracked(*patterns: str) -> list[Path]:
    """Return the existing tracked files of the repository, without template files."""
    command = ["git", "ls-files", "-z", "--", *patterns, f":(exclude){SERVICE.name}"]
    names = subprocess.check_output(command, cwd=ROOT, text=True).split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    found: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#{1,6} (.*)$", FENCED.sub("", page), re.M):
        text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names | set(re.findall(r'<a (?:id|name)="([^"]+)"', page))


def links(page: str) -> list[str]:
    """Return the targets of a page's links and images, except links in code."""
    text = re.sub(r"`[^`]*`", "", FENCED.sub("", page))
    return ["".join(groups) for groups in LINK.findall(text)]


def broken(page: Path, top: Path) -> list[str]:
    """Return the links of a page with a missing target or a target outside a folder."""
    found = []
    for link in links(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        is_there = target.exists() and target.is_relative_to(top.resolve())
        if is_there and anchor:
            is_there = target.is_file() and anchor in anchors(target.read_text("utf-8"))
        if not is_there:
            found.append(f"{page.relative_to(top)}: {link}")
    return found


def test_repository_link_leads_to_file_and_heading() -> None:
    pages = tracked("*.md")
    assert INDEX in pages
    assert [link for page in pages for link in broken(page, ROOT)] == []


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_service_link_leads_to_file_and_heading(bakery: Bakery, credentials: str) -> None:
    project = bakery.bake(credentials=credentials)
    pages = sorted(project.rglob("*.md"))
    assert project / "cors_right" / "README.md" in pages
    assert [link for page in pages for link in broken(page, project)] == []


def test_file_names_only_pages_that_exist() -> None:
    """Check code, forms and the template, where a page's name is not a link."""
    files = [*tracked(), *(path for path in SERVICE.rglob("*") if path.is_file())]
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        if path.suffix not in (".png", ".svg", ".json")
        for name in re.findall(r"(?<![\w/])docs/[\w-]+\.md", path.read_text("utf-8"))
        if not (ROOT / name).exists()
    ]
    assert missing == []


def test_index_leads_to_every_page() -> None:
    linked = {link.partition("#")[0] for link in links(INDEX.read_text("utf-8"))}
    assert {path.name for path in INDEX.parent.glob("*.md")} - linked == {INDEX.name}


def test_picture_is_on_a_page() -> None:
    shown = {
        link.rpartition("/")[2]
        for page in tracked("*.md")
        for link in links(page.read_text("utf-8"))
    }
    assert {path.name for path in tracked("*.png", "*.svg")} - shown == set()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("# The five questions\n", {"the-five-questions"}),
        ('## Fix "blocked by CORS policy"\n', {"fix-blocked-by-cors-policy"}),
        ("## Behind nginx, HAProxy & co.\n", {"behind-nginx-haproxy--co"}),
        ("## `app/settings.py` and `cors_right`\n", {"appsettingspy-and-cors_right"}),
        ("## [A link](x.md): more\n", {"a-link-more"}),
        ("# Twice\n\n## Twice\n", {"twice", "twice-1"}),
        ("```sh\n# a comment\n```\n\ntext\n", set()),
        ('<a id="own"></a>\n', {"own"}),
    ],
)
def test_anchor_equals_the_one_on_github(page: str, expected: set[str]) -> None:
    assert anchors(page) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("[a](b.md#c)", ["b.md#c"]),
        ("[![a](b.png)](c.md)", ["b.png", "c.md"]),
        ("[`a`](b.md) and `[c](d.md)`", ["b.md"]),
        ('[a](b.md "title")', ["b.md"]),
        ("[a]: b.md\n", ["b.md"]),
        ('<img src="a.svg">', ["a.svg"]),
        ("```text\n[a](b.md)\n```\n[c](d.md)", ["d.md"]),
    ],
)
def test_search_finds_the_links_of_a_page(page: str, expected: list[str]) -> None:
    assert links(page) == expected
