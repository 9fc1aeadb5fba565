"""Ranges and server-sent events of docs/files.md in three engines."""

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.baking import copied
from tests.support.browser.engines import Browser
from tests.support.browser.scenario import HOSTS, Service, World
from tests.support.markdown import FILES, blocks
from tests.support.pages import follow
from tests.support.serving import serve

FILE = str(uuid4())
ALWAYS = ("Content-Length", "Content-Type")
CONTENT = bytes(range(256)) * 4
# A range of the page's table, and the part of the file that it names, if any.
PARTS = {
    "bytes=0-499": CONTENT[:500],
    "bytes=500-": CONTENT[500:],
    "bytes=-500": CONTENT[-500:],
    "bytes=0-1,4-5": None,
}
READ_RANGE = """
const [url, range, names] = args;
const response = await fetch(url, {headers: {Range: range}});
const bytes = [...new Uint8Array(await response.arrayBuffer())];
return [response.status, bytes, names.filter((name) => response.headers.has(name))];
"""
READ_EVENT = """
return await new Promise((resolve) => {
    CODE
    events.onerror = () => resolve("error");
});
"""


@contextmanager
def served(world: World, answer: str, folder: Path, exposes: bool) -> Iterator[Service]:
    """Serve a project that follows the page, with its files in the folder."""
    project = copied(world.bakery.bake(credentials=answer), folder)
    follow(FILES, project)
    if not exposes:
        settings = project / "app" / "settings.py"
        text = re.sub(r"(?s)(expose_headers=)\[.*?\]", r"\1[]", settings.read_text("utf-8"))
        settings.write_text(text, encoding="utf-8")
    (folder / FILE).write_bytes(CONTENT)
    variables = {
        "FASTAPI_ENV": "production",
        "FRONTEND_ORIGINS": f"https://{HOSTS['exact']}:{world.ports['https']}",
        "FILE_FOLDER": str(folder),
    }
    options = ("--ssl-certfile", str(world.certificate))
    with serve(project, "app.main:app", variables, *options) as server:
        yield Service(server, "https", "api.example.localhost")


@pytest.fixture(scope="module")
def services(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Service]]:
    """Yield services of two answers, and a service that exposes nothing."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                served(world, answer, tmp_path_factory.mktemp(name), exposes=name != "hidden")
            )
            for name, answer in {"none": "none", "cookies": "cookies", "hidden": "none"}.items()
        }


def test_page_reads_ranges_as_the_tables_say(
    world: World, browser: Browser, services: dict[str, Service]
) -> None:
    text = FILES.read_text("utf-8")
    exposed = re.findall(r"^\| `([\w-]+)` \|", text, re.M)
    (head,) = re.findall(r"^\| header of the request \| (.*) \|$", text, re.M)
    column = head.lower().split(" | ").index(browser.engine)
    rows = {
        row[0]: row[column + 1] == "preflight"
        for row in re.findall(r"^\| `Range: (.*)` \| (.*) \| (.*) \| (.*) \|$", text, re.M)
    }
    assert [*rows] == [*PARTS]
    browser.open(world.page("exact", services["none"]))
    for name, (number, (value, has_preflight)) in itertools.product(
        ("none", "hidden"), enumerate(rows.items())
    ):
        service, path = services[name], f"/files/{FILE}?{browser.engine}={number}"
        url, names = f"{service.url}{path}", [*exposed, *ALWAYS]
        status, read, readable = browser.run(READ_RANGE, url, value, names)
        assert status == 206
        if (part := PARTS[value]) is None:  # several parts name their ranges in the body
            names.remove("Content-Range")
        else:
            assert bytes(read) == part
        assert readable == (names if name == "none" else [*ALWAYS])
        service.server.expect(re.escape(f'"GET {path} HTTP/1.1" 206'))
        assert (f'"OPTIONS {path} ' in service.server.output) == has_preflight, value


@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_page_on_allowed_origin_gets_events(
    world: World, browser: Browser, services: dict[str, Service], answer: str
) -> None:
    (code,) = blocks(FILES, "Send server-sent events", "js")
    code = code.replace("https://api.example.com", services[answer].url)
    code = READ_EVENT.replace("CODE", code.replace("console.log", "resolve"))
    without = code.replace(", { withCredentials: true }", "")
    assert without != code
    for kind, script, said in (
        ("exact", code, "0" if answer == "cookies" else "error"),
        ("exact", without, "0"),
        ("foreign", code, "error"),
        ("foreign", without, "error"),
    ):
        browser.open(world.page(kind, services[answer]))
        assert browser.run(script) == said, (kind, script)
