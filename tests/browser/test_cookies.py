"""Cookies in real engines: when they return, and what unlisted pages can do with them."""

import re
import ssl
import sys
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from tests.support.baking import WITH_COOKIES, Bakery
from tests.support.browser.engines import Browser, started
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import Service, World
from tests.support.markdown import command
from tests.support.serving import clean_environment, run

SERVE = "-m uv run fastapi dev --host localhost"  # the end of the README's command

# Saves a display name in the session and reads it again. If the browser refused or withheld the
# cookie, the name is null.
KEEP = """
const [url, name] = args;
const options = {credentials: 'include'};
const headers = {'Content-Type': 'application/json'};
const change = {method: 'PUT', headers, body: JSON.stringify({display_name: name})};
await fetch(`${url}/session`, {...options, ...change});
return (await (await fetch(`${url}/session`, options)).json()).display_name;
"""
# Posts a form to another origin, as any page can without a preflight, and waits for the
# response.
POST_FORM = """
const [url] = args;
const frame = Object.assign(document.createElement('iframe'), {name: 'answer'});
const form = document.createElement('form');
Object.assign(form, {method: 'POST', action: url, target: 'answer'});
document.body.append(frame, form);
await new Promise(resolve => { frame.onload = resolve; form.submit(); });
"""
# The page's origin, the service's host, and the engines that return the session.
EVERYWHERE = {"chromium", "firefox", "webkit"}
SESSIONS = [
    # The answer `cookies`: the session works on one site, and must not reach another site.
    ("cookies", "production", "https://app.example.localhost", "one.example.localhost", EVERYWHERE),
    ("cookies", "production", "https://app.example.localhost", "one.other.localhost", set()),
    # The trap of the plain scenario: localhost and 127.0.0.1 are two sites.
    ("cookies", "development", "http://localhost", "localhost", EVERYWHERE),
    ("cookies", "development", "http://localhost", "127.0.0.1", set()),
    # The answer `cross-site-cookies`.
    (
        "cross-site-cookies",
        "production",
        "https://app.example.localhost",
        "two.example.localhost",
        EVERYWHERE,
    ),
    (
        "cross-site-cookies",
        "production",
        "https://app.example.localhost",
        "two.other.localhost",
        EVERYWHERE,
    ),
    # A Secure cookie over plain http: loopback counts as secure, but not for WebKit.
    ("cross-site-cookies", "development", "http://localhost", "127.0.0.1", {"chromium", "firefox"}),
]
# With third-party cookies blocked, Chromium still keeps partitioned ones.
BLOCKED = [
    ("cookies", "https://app.example.localhost", "three.example.localhost", EVERYWHERE),
    ("cross-site-cookies", "https://app.example.localhost", "three.other.localhost", {"chromium"}),
]


def comes_back(browser: Browser, world: World, service: Service, page: str) -> bool:
    """Return whether the session that a page's request sets returns with its next request."""
    browser.open(f"{page}:{world.ports[service.scheme]}/")
    kept = browser.run(KEEP, service.url, "Ada")
    assert kept in ("Ada", None)
    return bool(kept == "Ada")


def keep(browser: Browser, title: str, expected: bool, happened: bool) -> None:
    words = {True: "the session comes back", False: "the session does not come back"}
    record(Case(browser.engine, "Sessions", title, words[expected], words[happened]))


@pytest.mark.parametrize(("answer", "environment", "page", "host", "engines"), SESSIONS)
def test_session_returns_as_the_table_says(
    world: World,
    browser: Browser,
    answer: str,
    environment: str,
    page: str,
    host: str,
    engines: set[str],
) -> None:
    happened = comes_back(browser, world, world.service(answer, environment, host), page)
    keep(browser, f"{answer}: {page} to {host}", browser.engine in engines, happened)
    assert happened == (browser.engine in engines)


@pytest.mark.parametrize(
    ("answer", "engines"),
    [("cookies", EVERYWHERE), ("cross-site-cookies", {"chromium", "firefox"})],
)
def test_session_survives_the_quick_start(
    world: World, browser: Browser, bakery: Bakery, answer: str, engines: set[str]
) -> None:
    """Call the address that the README's command prints from a page on http://localhost."""
    project = bakery.bake(credentials=answer)
    words = command(project / "README.md", SERVE).partition(" -m uv run ")[2].split()
    line = [sys.executable, "-m", *words, "--port", "0"]
    with run(line, project, clean_environment()) as server:
        server.expect("Application startup complete")
        (url,) = set(re.findall(r"running on (http://\S+:[1-9]\d*)", server.output))
        browser.open(f"http://localhost:{world.ports['http']}/")
        happened = browser.run(KEEP, url, answer) == answer
    keep(browser, f"{answer}: the quick start", browser.engine in engines, happened)
    assert happened == (browser.engine in engines)


def test_session_returns_as_listed_without_third_party_cookies(world: World, engine: str) -> None:
    wrong = []
    with started(engine, third_party_cookies=False) as browser:
        for answer, page, host, engines in BLOCKED:
            happened = comes_back(browser, world, world.service(answer, "production", host), page)
            title = f"{answer}, third-party cookies blocked: {page} to {host}"
            keep(browser, title, engine in engines, happened)
            if happened != (engine in engines):
                wrong.append((answer, host, happened))
    assert not wrong


@pytest.mark.parametrize(
    ("answer", "executed"), [("none", 1), ("cookies", 0), ("cross-site-cookies", 0)]
)
def test_unlisted_form_writes_nothing_if_service_uses_cookies(
    world: World, browser: Browser, answer: str, executed: int
) -> None:
    service = world.service(answer, "production", f"form-{browser.engine}.example.localhost")
    if answer != "none":
        assert comes_back(browser, world, service, "https://app.example.localhost")
    browser.open(world.page("foreign", service))
    browser.run(POST_FORM, f"{service.url}/transfer/{browser.engine}")
    browser.open(f"{service.url}/page")
    transfers = browser.run(
        f"return await (await fetch('{service.url}/transfer/{browser.engine}')).json()"
    )
    words = ("nothing changes", "the post is executed")
    record(Case(browser.engine, "Foreign form posts", answer, words[executed], words[transfers]))
    assert transfers == executed


def session_of_mallory(service: Service) -> str:
    """Return a session cookie with its name, as any user can get one."""
    body, headers = b'{"display_name": "Mallory"}', {"Content-Type": "application/json"}
    request = Request(
        f"https://127.0.0.1:{service.server.port}/session", body, headers, method="PUT"
    )
    with urlopen(request, context=ssl._create_unverified_context()) as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]


@pytest.mark.parametrize("answer", WITH_COOKIES)
def test_neighbour_cannot_plant_a_session(world: World, browser: Browser, answer: str) -> None:
    """Try also a name that only Python reads as one with the prefix `__Host-`.

    WebKitGTK drops this cookie, and the other engines keep it.
    """
    service = world.service(answer, "production", f"planted-{browser.engine}.example.localhost")
    neighbour = f"https://neighbour.example.localhost:{service.server.port}"
    browser.open(f"{neighbour}/plant?cookie={quote(session_of_mallory(service))}")
    browser.open(f"{service.url}/page")
    sent = browser.run("return await (await fetch('/cookies')).text()")
    assert ("__Host-" in sent) == (browser.engine != "webkit")
    name = browser.run("return (await (await fetch('/session')).json()).display_name")
    words = {None: "no session", "Mallory": "another user's session"}
    record(
        Case(
            browser.engine,
            "Sessions",
            f"{answer}: planted by a neighbour",
            words[None],
            words[name],
        )
    )
    assert name is None
