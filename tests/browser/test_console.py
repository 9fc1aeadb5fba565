"""What the console of each engine says of a preflight that lacks a method or a header."""

import pytest

from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import World, fetch_all

# Of the message: with 400 the engines would only say that the status was wrong.
WORDS = {
    ("unlisted header", "chromium"): "header field x-unlisted is not allowed by",
    ("unlisted header", "firefox"): "header ‘x-unlisted’ is not allowed according to",
    ("unlisted header", "webkit"): "header field X-Unlisted is not allowed by",
    ("unlisted method", "chromium"): "Method QUERY is not allowed by",
    ("unlisted method", "firefox"): "Did not find method in CORS header",
    ("unlisted method", "webkit"): "Method QUERY is not allowed by",
}
REQUESTS: dict[str, dict[str, object]] = {
    "unlisted header": {"headers": {"X-Unlisted": "x"}},
    "unlisted method": {"method": "QUERY"},
}


@pytest.mark.parametrize("missing", REQUESTS)
def test_the_console_names_what_is_missing(world: World, browser: Browser, missing: str) -> None:
    service = world.service("none", "production")
    page = world.page("exact", service)
    fetch_all(browser, page, "exact", [{"url": f"{service.url}/health"}])
    browser.console()
    url = f"{service.url}/health?{browser.engine}"
    fetch_all(browser, page, "exact", [{"url": url, **REQUESTS[missing]}])
    said = " ".join(browser.console())
    words = WORDS[missing, browser.engine]
    is_named = words.lower() in said.lower()
    record(Case(browser.engine, "Console", missing, words, words if is_named else said, said))
    assert is_named, said
