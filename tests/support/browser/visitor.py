"""A user in front of a browser, and a user's token."""

import time
from collections.abc import Callable

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.browser.engines import Browser
from tests.support.serving import PATIENCE

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AUDIENCE = "browsers"


def token(issuer: dict[str, str]) -> str:
    """Return a token of the issuer for the user `ada`."""
    claims = {
        "iss": issuer["AUTH_ISSUER"],
        "aud": AUDIENCE,
        "sub": "ada",
        "exp": int(time.time()) + 600,
    }
    return jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "test"})


class Visitor:
    """A user who reads, types and clicks."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.driver = browser.driver
        self.wait = WebDriverWait(browser.driver, PATIENCE, poll_frequency=0.05)

    def texts(self, selector: str) -> list[str]:
        """Return the page's texts in one look, between two changes of the page."""
        script = (
            "return [...document.querySelectorAll(args[0])].map(element => element.textContent)"
        )
        return list(self.browser.run(script, selector))

    def click(self, selector: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def type(self, selector: str, text: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(text)

    def sees(self, selector: str, *texts: str) -> None:
        """Wait until the selected elements show exactly these texts."""
        self.waits_until(lambda: self.texts(selector) == list(texts), selector)

    def waits_until(self, condition: Callable[[], object], *selectors: str) -> None:
        """Wait for a condition, or fail with the texts of the selected elements."""
        try:
            self.wait.until(lambda _: condition())
        except TimeoutException:
            shown = {selector: self.texts(selector) for selector in (*selectors, "[role=alert]")}
            raise AssertionError(f"The page shows {shown}") from None
