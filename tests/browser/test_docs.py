"""The service's own OpenAPI page in development.

The tests click through the operations of each answer.
"""

from pathlib import Path

import pytest

from tests.support.baking import CREDENTIALS, Bakery
from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record, record_picture
from tests.support.browser.visitor import Visitor, token
from tests.support.serving import serve
from tests.support.slow import slow_except

# For each answer: the operation, its status, and a part of its body.
STEPS = {
    "none": [
        ("notes-create_note_notes_post", 201, '"text": "string"'),
        ("notes-list_notes_notes_get", 200, '"text": "string"'),
    ],
    "bearer": [
        ("me-read_me_me_get", 401, "There is no bearer token"),
        ("me-read_me_me_get", 200, '"subject": "ada"'),
    ],
    "cookies": [
        ("session-change_session_session_put", 200, '"display_name": "string"'),
        ("session-read_session_session_get", 200, '"display_name": "string"'),
        ("session-delete_session_session_delete", 204, ""),
    ],
}
STEPS["cross-site-cookies"] = STEPS["cookies"]


class Reader(Visitor):
    """A visitor of the OpenAPI page."""

    def authorize(self, token: str) -> None:
        self.click("button.authorize")
        self.type(".modal-ux input", token)
        self.click(".modal-ux button.authorize")
        self.click(".modal-ux .btn-done")

    def execute(self, operation: str, status: int, body: str) -> None:
        """Run an operation with the values that the page suggests, and wait for the response."""
        block = f"#operations-{operation}"
        if not self.texts(f"{block} .execute"):
            for button in (".opblock-summary-control", ".try-out__btn"):
                self.finds(f"{block} {button}")
                self.click(f"{block} {button}")
            self.finds(f"{block} .execute")
        self.click(f"{block} .execute")
        codes, bodies = (
            f"{block} .live-responses-table tbody .response-col_{name}"
            for name in ("status", "description")
        )
        self.waits_until(
            lambda: self.texts(codes)[:1] == [str(status)] and body in self.texts(bodies)[0],
            codes,
            bodies,
        )

    def finds(self, selector: str) -> None:
        self.waits_until(lambda: self.texts(selector), selector)


@pytest.mark.parametrize("answer", slow_except({"bearer", "cookies", "none"}, CREDENTIALS))
def test_openapi_page_runs_operations_of_each_answer(
    bakery: Bakery, browser: Browser, frontend: Path, issuer: dict[str, str], answer: str
) -> None:
    environment = {
        "FASTAPI_ENV": "development",
        "SWAGGER_UI": str(frontend / "node_modules" / "swagger-ui-dist"),
        **issuer,
    }
    # WebKit accepts no Secure cookie over plain http, even on loopback.
    forgets = browser.engine == "webkit" and answer == "cross-site-cookies"
    with serve(bakery.bake(credentials=answer), "documented:app", environment) as server:
        browser.open(f"http://localhost:{server.port}/docs")
        reader = Reader(browser)
        reader.finds(".opblock")
        for number, (operation, status, body) in enumerate(
            STEPS.get(answer, STEPS["none"]), start=1
        ):
            if (answer, status) == ("bearer", 200):
                reader.authorize(token(issuer))
            happened = "fails"
            try:
                reader.execute(
                    operation, status, '"display_name": null' if forgets and number == 2 else body
                )
                happened = "works"
            finally:
                record(
                    Case(
                        browser.engine,
                        "OpenAPI page",
                        f"{answer}: {number}. {operation}",
                        "works",
                        happened,
                    )
                )
        record_picture(f"{browser.engine}: /docs, {answer}", browser.driver.get_screenshot_as_png())
