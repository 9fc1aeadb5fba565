"""The console messages of each engine for an incomplete preflight and for a missing response."""

import time

import pytest

from tests.support.baking import ROOT
from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import World, fetch_all
from tests.support.serving import PATIENCE, free_port

# Parts of the message. With 400, the engines would only report a wrong status.
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
def test_console_names_the_missing_entry(world: World, browser: Browser, missing: str) -> None:
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


FIX = ROOT / "docs" / "fix-blocked.md"
# Requests without a response, and the page's words that each engine prints.
UNANSWERED = {
    "https://api.example.localhost:{port}/": {
        "chromium": "net::ERR_CONNECTION_REFUSED",
        "firefox": "(Reason: CORS request did not succeed). Status code: (null)",
        "webkit": "Could not connect to",
    },
    "https://api.example.invalid:{port}/": {"chromium": "net::ERR_NAME_NOT_RESOLVED"},
    "http://api.example.invalid:{port}/": {
        "chromium": "Mixed Content: The page at",
        "webkit": "Not allowed to request resource",
    },
}


@pytest.mark.parametrize("url", UNANSWERED)
def test_page_has_the_words_for_no_response(world: World, browser: Browser, url: str) -> None:
    words = UNANSWERED[url].get(browser.engine, "")
    assert words in FIX.read_text("utf-8")
    page = world.page("exact", world.service("none", "production"))
    browser.console()
    asked = {"url": url.format(port=free_port()), "method": "PUT"}
    (outcome,) = fetch_all(browser, page, "exact", [asked])
    assert "error" in outcome
    said, deadline = "", time.monotonic() + PATIENCE
    while words not in said and time.monotonic() < deadline:
        said += " ".join(browser.console())
    happened = words if words in said else said
    record(Case(browser.engine, "Console", f"no response: {url}", words, happened, said))
    assert happened == words
