"""The table of docs/logins.md: logins in each engine, with each setting of its cookies."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from cors_right.diagnostics.browser import Response
from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser.engines import Browser, started
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import World
from tests.support.crooked import crooked
from tests.support.logins import edit, with_login
from tests.support.markdown import LOGINS, blocks
from tests.support.provider import Provider
from tests.support.serving import PATIENCE, free_port, serve

ANSWERS = ("cookies", "cross-site-cookies")
# The page, and the service that it calls, for each answer.
HOSTS = {
    "cookies": ("app.example.localhost", "login.example.localhost"),
    "cross-site-cookies": ("spa.example.localhost", "login.other.localhost"),
}
# The columns of the page's table.
COLUMNS: dict[str, tuple[str, bool | None]] = {
    "Chromium": ("chromium", True),
    "Chromium, blocking": ("chromium", False),
    "Firefox": ("firefox", None),
    "Firefox, allowing": ("firefox", True),
    "Firefox, blocking": ("firefox", False),
    "WebKit, allowing": ("webkit", True),
    "WebKit, blocking": ("webkit", False),
}
# The page of a frontend: the code of docs/logins.md, and the output of a login's end.
PAGE = """<!doctype html><link rel="icon" href="data:,"><title>A frontend</title>
<button id="redirect">Log in</button> <button id="popup">Log in, in a popup</button>
<output></output>
<script>
CODE
const returned = location.hash.length > 1;
async function show(ended, work) {
  let text;
  try {
    await work;
    const response = await fetch(`${api}/session`, { credentials: "include" });
    text = (await response.json()).display_name;
  } catch (error) { text = String(error); }
  document.querySelector("output").textContent = `${ended ? "ended" : "loaded"}: ${text}`;
}
document.querySelector("#redirect").onclick = () => login();
document.querySelector("#popup").onclick = () => show(true, loginInPopup());
show(returned, endLogin());
</script>"""


@dataclass
class Logins:
    """A provider and the frontends on a port, and a service for each answer on another."""

    provider: Provider
    port: int
    services: dict[str, int]

    def page(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Return the page of the frontend that a request names."""
        (code,) = blocks(LOGINS, "Add the login to the page", "js")
        name = headers["Host"].partition(":")[0]
        api = next(self.api(answer) for answer in HOSTS if HOSTS[answer][0] == name)
        own = code.replace("https://api.example.com", api)
        assert own != code
        return Response(200, [("Content-Type", "text/html")], PAGE.replace("CODE", own).encode())

    def api(self, answer: str) -> str:
        return f"https://{HOSTS[answer][1]}:{self.services[answer]}"

    def url(self, answer: str) -> str:
        return f"https://{HOSTS[answer][0]}:{self.port}/"


@pytest.fixture(scope="module")
def logins(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    with ExitStack() as stack:
        server = stack.enter_context(crooked(world.certificate))
        logins = Logins(Provider(), server.server_port, {})
        server.behaviours = {"provider": logins.provider, "": logins.page}
        origins = [logins.url(answer)[:-1] for answer in HOSTS]
        for answer in ANSWERS:
            project = with_login(world.bakery, answer, tmp_path_factory.mktemp("login"))
            exempt = '{"/login/callback"'
            edit(project / "app" / "application.py", (exempt, f'{exempt}, "/classic/callback"'))
            port = logins.services[answer] = free_port()
            variables = {
                "FASTAPI_ENV": "production",
                "FRONTEND_ORIGINS": ",".join(origins),
                **logins.provider.settings(logins.port, port),
            }
            options = ("--port", str(port), "--ssl-certfile", str(world.certificate))
            stack.enter_context(serve(project, "classic:app", variables, *options))
        yield logins


def logs_in(browser: Browser, logins: Logins, answer: str, action: str) -> bool:
    """Return whether the page has the session of the login that it began."""
    browser.open(logins.url(answer))
    shown(browser, "loaded: ")
    number = logins.provider.logins + 1
    if action == "classic":
        address = f"{logins.api(answer)}/classic?page={quote(logins.url(answer))}%23returned"
        browser.driver.execute_script("location.assign(arguments[0])", address)
        return shown(browser, "ended: ") == f"code {number} & more"
    browser.driver.find_element(By.ID, action).click()
    return shown(browser, "ended: ") == f"Ada {number}"


def shown(browser: Browser, beginning: str) -> str:
    """Wait across navigations until a page shows a text with a beginning, and return the rest."""

    def look(_: object) -> str | None:
        script = "return document.querySelector('output')?.textContent ?? ''"
        text = str(browser.driver.execute_script(script))
        return text if text.startswith(beginning) else None

    wait = WebDriverWait(browser.driver, PATIENCE, 0.05, ignored_exceptions=[WebDriverException])
    try:
        return str(wait.until(look)).removeprefix(beginning)
    except TimeoutException:
        script = "return `${location}: ${document.body.innerText}`"
        page = browser.driver.execute_script(script)
        raise AssertionError(f"{browser.engine} shows {page}") from None


def table() -> dict[str, dict[str, str]]:
    """Return the cells of the page's table by row and column."""
    lines = re.findall(r"^\| (.*) \|$", LOGINS.read_text("utf-8"), re.M)
    (head,) = [line for line in lines if line.startswith("answer and login | ")]
    names = head.split(" | ")[1:]
    rows = [line.split(" | ") for line in lines if line.startswith(("`cookies`", "`cross-site-"))]
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


# The logins of each row of the table: how the page begins, and whether the provider posts.
WAYS: dict[str, list[tuple[str, bool]]] = {
    "fetch login": [
        (action, form_post) for action in ("redirect", "popup") for form_post in (False, True)
    ],
    "the callback sets the session": [("classic", False)],
    "the callback sets the session, form_post": [("classic", True)],
}


def wrong_cells(browser: Browser, logins: Logins, column: str) -> Iterator[tuple[str, str]]:
    """Yield the logins that do not end as a column of the table says, with their actual end."""
    for row, says in table().items():
        answer, _, login = row.replace("`", "").partition(", ")
        for action, logins.provider.form_post in WAYS[login]:
            happened = "yes" if logs_in(browser, logins, answer, action) else "no"
            mode = "form_post" if logins.provider.form_post else "query"
            title = f"{column}: {answer}, {action}, {mode}"
            record(Case(browser.engine, "Logins", title, says[column], happened))
            if happened != says[column]:
                yield title, happened


DEFAULTS = {"Chromium", "Firefox", "WebKit, allowing"}


@pytest.mark.parametrize(
    "columns",
    [DEFAULTS, pytest.param(COLUMNS.keys() - DEFAULTS, marks=pytest.mark.slow)],
    ids=["defaults", "other settings"],
)
def test_logins_work_as_the_table_says(logins: Logins, browser: Browser, columns: set[str]) -> None:
    wrong: list[tuple[str, str]] = []
    for column, (engine, cookies) in COLUMNS.items():
        if engine == browser.engine and column in columns:
            with ExitStack() as stack:
                own = browser
                if cookies is not True:
                    own = stack.enter_context(started(engine, third_party_cookies=cookies))
                wrong += wrong_cells(own, logins, column)
    assert not wrong
