"""Extensions of Chromium and Firefox, and apps in WebKit, as in docs/frontend.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser.engines import Browser
from tests.support.browser.extensions import CHROMIUM, extension
from tests.support.browser.scenario import CONNECT, Service, World, fetch_all, to_fetch
from tests.support.cases import REQUESTS
from tests.support.serving import serve

HOST = "api.other.localhost"
Seen = tuple[object, object, str]
READS_ALL: Seen = (200, 201, "hello")
BLOCKED: Seen = (None, None, "refused")


@pytest.fixture(scope="module")
def service(world: World) -> Iterator[Service]:
    """Yield a service that allows an extension of Chromium and the apps of Tauri."""
    origins = f"chrome-extension://{CHROMIUM},tauri://localhost"
    variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": origins}
    project = world.bakery.bake(credentials="cross-site-cookies")
    options = ("--ssl-certfile", str(world.certificate))
    with serve(project, "probes:app", variables, *options) as server:
        yield Service(server, "https", HOST)


def seen(browser: Browser, page: str, service: Service) -> Seen:
    """Return a page's results of a read and a write with credentials, and of a WebSocket."""
    requests = [
        to_fetch(f"{service.url}{REQUESTS[name][0]['url']}", REQUESTS[name][0], True)
        for name in ("GET", "JSON POST")
    ]
    read, written = fetch_all(browser, page, "app", requests)
    greeting = browser.run(CONNECT, f"{service.url.replace('https', 'wss')}/ws")
    return read.get("status"), written.get("status"), str(greeting)


def test_extension_reads_with_entry_or_host_permissions(
    world: World, service: Service, engine: str, tmp_path: Path
) -> None:
    """Expect an effect of the entry in Chromium only, whose extensions have listable origins."""
    if engine == "webkit":
        pytest.skip("WebKitGTK has no extensions of this kind")
    unlisted = world.service("cookies", "production")
    with extension(engine, tmp_path, [unlisted.host]) as (browser, origin):
        page = f"{origin}/page.html"
        assert seen(browser, page, service) == (READS_ALL if engine == "chromium" else BLOCKED)
        assert seen(browser, page, unlisted) == (200, 201, "refused")


@pytest.mark.parametrize(
    ("page", "expected"), [("tauri://localhost/", READS_ALL), ("capacitor://localhost/", BLOCKED)]
)
def test_app_reads_with_an_entry(
    service: Service, browser: Browser, page: str, expected: Seen
) -> None:
    if browser.engine != "webkit":
        pytest.skip("the engine of these apps is WebKit")
    assert seen(browser, page, service) == expected
