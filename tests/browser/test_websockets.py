"""WebSockets, which CORS does not cover: only pages on allowed origins connect."""

import pytest

from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import CONNECT, LISTED, World

KINDS = ("exact", "pattern", "own", "foreign", "look-alike")


@pytest.mark.parametrize("environment", ["development", "production"])
def test_unlisted_page_opens_no_websocket(world: World, browser: Browser, environment: str) -> None:
    service = world.service("cookies", environment)
    wrong = []
    for kind in KINDS:
        browser.open(world.page(kind, service))
        happened = browser.run(
            CONNECT, f"{service.url.replace('http', 'ws', 1)}/ws?case={browser.engine}-{kind}"
        )
        expected = (
            "hello" if kind in (*LISTED, "own") or environment == "development" else "refused"
        )
        record(
            Case(
                browser.engine,
                f"WebSockets, {environment}",
                f"page of origin {kind}",
                expected,
                happened,
            )
        )
        if happened != expected:
            wrong.append((kind, happened))
    assert not wrong
    answer = r"\[accepted\]" if environment == "development" else "403"
    service.server.expect(f'case={browser.engine}-foreign" {answer}')
