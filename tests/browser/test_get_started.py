"""The page of docs/get-started.md, and the request of a service's README, in three engines."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import words
from tests.support.baking import CREDENTIALS, Bakery
from tests.support.browser.engines import Browser
from tests.support.browser.pages import frontends
from tests.support.browser.scenario import World
from tests.support.get_started import HTML, PAGE, RESTRICT, START, allowing, line
from tests.support.serving import Server, clean_environment, run

API = "http://localhost:8000"
# The final text of the page.
SHOWN = """
const deadline = Date.now() + 30_000;
while (!document.body.textContent.trim() && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
}
return document.body.textContent;
"""


@contextmanager
def started(command: str, project: Path) -> Iterator[Server]:
    with run(["bash", "-c", command], project, clean_environment(PORT="0")) as server:
        server.port = int(server.expect(r"Uvicorn running on http://localhost:(\d+)")[1])
        server.wait_until_it_accepts()
        yield server


def shown(browser: Browser, folder: Path, port: int, server: Server) -> str:
    """Return the text of the page, which calls the server."""
    own = HTML.replace(API, f"http://localhost:{server.port}")
    (folder / "index.html").write_text(own, encoding="utf-8")
    browser.open(f"http://localhost:{port}/?{server.port}")
    return str(browser.run(SHOWN))


def test_page_shows_the_note_or_the_error(bakery: Bakery, browser: Browser, tmp_path: Path) -> None:
    project = bakery.bake()
    with frontends(tmp_path) as port:
        with started(line(START), project) as server:
            assert "Buy milk" in shown(browser, tmp_path, port, server)
        with started(line(RESTRICT), project) as server:
            assert shown(browser, tmp_path, port, server).startswith("TypeError: ")
            server.expect(words.REFUSED)
        own = allowing().replace(PAGE, f"http://localhost:{port}")
        with started(own, project) as server:
            assert "Buy milk" in shown(browser, tmp_path, port, server)


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_page_reads_the_response_as_the_readme_says(
    world: World, browser: Browser, credentials: str
) -> None:
    project = world.bakery.bake(credentials=credentials)
    (code,) = re.findall(r"```js\n(.*?)```", (project / "README.md").read_text("utf-8"), re.S)
    with started(line(START), project) as server:
        browser.open(f"http://localhost:{world.ports['http']}/")
        own = code.replace(API, f"http://localhost:{server.port}")
        status = browser.run(f"const token = 'x';\n{own}\nreturn response.status;")
    assert status == (401 if "${token}" in code else 200)
