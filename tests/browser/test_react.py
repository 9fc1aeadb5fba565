"""A React frontend as developers use it.

It runs on Vite's dev server in development, and as a production build on other origins.
"""

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.baking import Bakery
from tests.support.browser.engines import Browser
from tests.support.browser.pages import frontends
from tests.support.browser.report import Case, record, record_picture
from tests.support.browser.visitor import Visitor, token
from tests.support.requirements import free
from tests.support.serving import Server, clean_environment, run, serve
from tests.support.slow import slow_except

ANSWERS = ("none", "bearer", "cookies")
# The ports of the template's main scenario. The session cookie needs both on one site.
FRONTEND_PORT, SERVICE_PORT = 3000, 8000
SERVICE_HOSTS = {"none": "127.0.0.1", "bearer": "127.0.0.1", "cookies": "localhost"}


def use(browser: Browser, answer: str, issuer: dict[str, str], title: str) -> None:
    """Use the frontend, and record the result for the report."""
    happened = "fails"
    try:
        work_through(browser, answer, issuer, title)
        happened = "works"
    finally:
        record(Case(browser.engine, "React frontend", title, "works", happened))


def work_through(browser: Browser, answer: str, issuer: dict[str, str], title: str) -> None:
    """Create, change and delete a note, and log in if the answer allows it."""
    visitor = Visitor(browser)
    visitor.waits_until(lambda: visitor.texts("#add"), "#add")
    visitor.sees("li .text")
    visitor.type("#text", "Buy milk")
    visitor.click("#add")
    visitor.sees("li.open .text", "Buy milk")
    visitor.click(".toggle")
    visitor.sees("li.done .text", "Buy milk")
    visitor.click(".shout")
    visitor.sees("li.open .text", "Buy milk!")
    if answer == "bearer":
        visitor.type("#token", token(issuer))
        visitor.click("#who")
        visitor.sees("#subject", "ada")
    if answer == "cookies":
        visitor.sees("#kept", "nobody")
        visitor.type("#name", "Ada")
        visitor.click("#keep")
        visitor.sees("#kept", "Ada")
        browser.driver.refresh()
        visitor.sees("#kept", "Ada")
    record_picture(f"{browser.engine}: {title}", browser.driver.get_screenshot_as_png())
    visitor.click(".delete")
    visitor.sees("li .text")
    visitor.sees("[role=alert]")


@pytest.mark.parametrize("answer", ANSWERS)
def test_frontend_works_in_development(
    bakery: Bakery, browser: Browser, frontend: Path, issuer: dict[str, str], answer: str
) -> None:
    """Use Vite's server on http://localhost:3000, and the service in development on port 8000."""
    variables = {
        "VITE_AUTH": answer,
        "VITE_API_URL": f"http://{SERVICE_HOSTS[answer]}:{SERVICE_PORT}",
    }
    with ExitStack() as stack:
        options = ("--port", free(SERVICE_PORT))
        free(FRONTEND_PORT)
        project = bakery.bake(credentials=answer)
        stack.enter_context(
            serve(project, "app.main:app", {"FASTAPI_ENV": "development", **issuer}, *options)
        )
        vite = [str(frontend / "node_modules" / ".bin" / "vite")]
        environment = clean_environment(**variables, NO_COLOR="1")
        stack.enter_context(run(vite, frontend, environment)).expect(
            rf"Local: +http://127\.0\.0\.1:{FRONTEND_PORT}/"
        )
        browser.open(f"http://localhost:{FRONTEND_PORT}/")
        use(browser, answer, issuer, f"{answer}, in development")


@pytest.mark.parametrize("answer", slow_except({"cookies"}, ANSWERS))
def test_production_build_works_on_allowed_origin_only(
    bakery: Bakery,
    browser: Browser,
    frontend: Path,
    issuer: dict[str, str],
    certificate: Path,
    answer: str,
    tmp_path: Path,
) -> None:
    """Use the same frontend over https.

    It works on an allowed origin, and shows an error on an unlisted origin.
    """
    with ExitStack() as stack:
        port = stack.enter_context(frontends(tmp_path, certificate))
        origin = f"https://app.example.localhost:{port}"
        environment = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": origin, **issuer}
        options = ("--ssl-certfile", str(certificate))
        server = stack.enter_context(
            serve(bakery.bake(credentials=answer), "app.main:app", environment, *options)
        )
        host = f"react-{browser.engine}.example.localhost"
        variables = {"VITE_AUTH": answer, "VITE_API_URL": f"https://{host}:{server.port}"}
        build = ["npm", "run", "build", "--", "--outDir", str(tmp_path)]
        subprocess.run(
            build, cwd=frontend, env=os.environ | variables, capture_output=True, check=True
        )

        browser.open(f"{origin}/")
        use(browser, answer, issuer, f"{answer}, in production, from an allowed origin")
        is_blocked(browser, server, f"https://evil.localhost:{port}/", answer)


def is_blocked(browser: Browser, server: Server, page: str, answer: str) -> None:
    """Check that the frontend on an unlisted origin shows an error and creates no note."""
    browser.open(page)
    visitor = Visitor(browser)
    visitor.waits_until(lambda: visitor.texts("[role=alert]"), "[role=alert]")
    visitor.type("#text", "A note from elsewhere")
    visitor.click("#add")
    server.expect(r'"OPTIONS /notes HTTP/1.1" 403')
    (alert,) = visitor.texts("[role=alert]")
    title = f"{answer}, in production, from an unlisted origin"
    record_picture(f"{browser.engine}: {title}", browser.driver.get_screenshot_as_png())
    is_created = '"POST /notes' in server.output.rpartition("DELETE /notes/")[2]
    happened = "creates a note" if is_created else "blocked"
    record(Case(browser.engine, "React frontend", title, "blocked", happened, alert))
    assert alert.startswith("The service cannot be used: ")
    assert not is_created
