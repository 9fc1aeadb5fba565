"""Three browser engines behind one small interface.

Chromium's own driver drives Chromium, and WebKitWebDriver drives WebKitGTK on a virtual screen.
Selenium drives Firefox without a driver, by Firefox's own protocol (Marionette).
"""

import json
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedRWPair
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options as WebKitOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitService

START = 60  # seconds for the start of a browser, on a busy machine
SCRIPT = 60  # seconds for a script


@dataclass
class Browser:
    """A browser of one engine, with one page."""

    engine: str
    driver: WebDriver
    messages: Callable[[], list[str]]

    def open(self, url: str) -> None:
        """Load a page and check the result, because some drivers report no failed navigation."""
        self.driver.get(url)
        if not self.driver.current_url.startswith(url):
            raise RuntimeError(
                f"{self.engine} did not open {url}, but shows {self.driver.current_url}"
            )

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of an async function in the page and return what it returns."""
        answer = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async (...args) => {{{script}}})(...[...arguments].slice(0, -1))"
            ".then(value => done({value}), error => done({error: String(error)}));",
            *arguments,
        )
        if "error" in answer:
            raise RuntimeError(f"{self.engine}: {answer['error']}")
        return answer.get("value")

    def console(self) -> list[str]:
        """Return the console messages about blocked requests since the last call."""
        return self.messages()


def chromium(
    stack: ExitStack,
    *,
    third_party_cookies: bool | None,
    log_network: bool = False,
    extension: Path | None = None,
) -> Browser:
    """Start Chromium, with the network messages of its protocol as the log `performance`."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.accept_insecure_certs = True
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1024,768",
    ):
        options.add_argument(argument)
    if extension is not None:
        options.add_argument(f"--load-extension={extension}")
        options.add_argument("--disable-features=DisableLoadExtensionCommandLineSwitch")
    if third_party_cookies is not None:
        mode = 0 if third_party_cookies else 1
        options.add_experimental_option("prefs", {"profile.cookie_controls_mode": mode})
    logs = {"browser": "ALL", **({"performance": "ALL"} if log_network else {})}
    options.set_capability("goog:loggingPrefs", logs)
    driver = webdriver.Chrome(options=options, service=ChromeService("/usr/bin/chromedriver"))
    stack.callback(driver.quit)

    def messages() -> list[str]:
        entries: list[dict[str, str]] = driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries]

    return Browser("chromium", driver, messages)


class Marionette(RemoteConnection):
    """Selenium's commands over Firefox's own protocol.

    Each message is its length, a colon and JSON.
    """

    browser_name = "firefox"
    COMMANDS = {
        "newSession": "NewSession",
        "get": "Navigate",
        "getCurrentUrl": "GetCurrentURL",
        "w3cExecuteScript": "ExecuteScript",
        "w3cExecuteScriptAsync": "ExecuteAsyncScript",
        "setTimeouts": "SetTimeouts",
        "findElement": "FindElement",
        "findElements": "FindElements",
        "clickElement": "ElementClick",
        "sendKeysToElement": "ElementSendKeys",
        "clearElement": "ElementClear",
        "getElementText": "GetElementText",
        "screenshot": "TakeScreenshot",
        "refresh": "Refresh",
    }

    def __init__(self, connection: BufferedRWPair) -> None:
        super().__init__(client_config=ClientConfig("http://127.0.0.1:0"))
        self.connection = connection
        self.sent = 0
        self.receive()

    def receive(self) -> Any:
        length = b""
        while (byte := self.connection.read(1)) != b":":
            if not byte:
                raise ConnectionError("Firefox has ended")
            length += byte
        return json.loads(self.connection.read(int(length)))

    def send(self, name: str, parameters: dict[str, Any]) -> tuple[Any, Any]:
        """Send a command, and return its error and its result, one of which is None."""
        self.sent += 1
        message = json.dumps([0, self.sent, name, parameters]).encode()
        self.connection.write(b"%d:%s" % (len(message), message))
        self.connection.flush()
        _, _, error, result = self.receive()
        return error, result

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        if command == "quit":
            self.send("Marionette:Quit", {"flags": ["eForceQuit"]})
            return {"value": None}
        if command == "setContext":
            error, result = self.send("Marionette:SetContext", {"value": params["context"]})
        else:
            parameters = {name: value for name, value in params.items() if name != "sessionId"}
            if command == "newSession":
                always = parameters["capabilities"]["alwaysMatch"]
                parameters = {
                    name: value for name, value in always.items() if name != "moz:firefoxOptions"
                }
            error, result = self.send(f"WebDriver:{self.COMMANDS[command]}", parameters)
        if error:
            return {"status": 500, "value": json.dumps({"value": error})}
        return {
            "value": result["value"]
            if isinstance(result, dict) and set(result) == {"value"}
            else result
        }


def firefox(stack: ExitStack, *, third_party_cookies: bool | None) -> Browser:
    """Start Firefox ESR, which by default (5) partitions third-party cookies by site."""
    profile = Path(
        stack.enter_context(
            tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        )
    )
    preferences = {
        "marionette.port": 0,
        "app.update.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
    }
    if third_party_cookies is not None:
        preferences["network.cookie.cookieBehavior"] = 0 if third_party_cookies else 1
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
        for name, value in preferences.items()
    ]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    arguments = [
        "--headless",
        "--marionette",
        "--remote-allow-system-access",
        "--no-remote",
        "--profile",
        str(profile),
    ]
    process = subprocess.Popen(
        ["/usr/bin/firefox-esr", *arguments, "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(end, process)
    port_file, deadline = profile / "MarionetteActivePort", time.monotonic() + START
    while not (port_file.exists() and port_file.read_text().strip()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("Firefox did not start")
        time.sleep(0.02)
    connection = stack.enter_context(
        socket.create_connection(("127.0.0.1", int(port_file.read_text())), START)
    )
    connection.settimeout(None)
    options = webdriver.FirefoxOptions()
    options.accept_insecure_certs = True
    driver = webdriver.Remote(
        command_executor=Marionette(connection.makefile("rwb")), options=options
    )
    stack.callback(driver.quit)

    def messages() -> list[str]:
        driver.execute("setContext", {"context": "chrome"})
        try:
            found = driver.execute_script(
                "const all = Services.console.getMessageArray(); Services.console.reset();"
                "return all.filter(m => m instanceof Ci.nsIScriptError && /^CORS/.test(m.category))"
                ".map(m => m.errorMessage);"
            )
        finally:
            driver.execute("setContext", {"context": "content"})
        return list(found)

    return Browser("firefox", driver, messages)


def cookie_behaviour(browser: Browser) -> int:
    """Return Firefox's mode for third-party cookies: accepts (0), blocks (1), partitions (5)."""
    browser.driver.execute("setContext", {"context": "chrome"})
    try:
        name = "network.cookie.cookieBehavior"
        return int(
            browser.driver.execute_script("return Services.prefs.getIntPref(arguments[0])", name)
        )
    finally:
        browser.driver.execute("setContext", {"context": "content"})


def webkit(stack: ExitStack, *, third_party_cookies: bool | None) -> Browser:
    """Start WebKitGTK, whose default for third-party cookies is close to Safari's."""
    reading, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(end, screen)
    os.close(writing)
    with open(reading) as numbers:
        display = numbers.readline().strip()
    if not display:
        raise RuntimeError("The virtual screen (Xvfb) did not start")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    (folder / "console.log").touch()
    log = stack.enter_context((folder / "console.log").open(encoding="utf-8"))
    options = WebKitOptions()
    options.binary_location = str(Path(__file__).with_name("webkit.py"))
    options.set_capability("acceptInsecureCerts", True)
    options.add_argument(str(folder))
    options.add_argument("yes" if third_party_cookies else "no")
    environment = {**os.environ, "DISPLAY": f":{display}"}
    service = WebKitService("/usr/bin/WebKitWebDriver", env=environment)
    driver = webdriver.WebKitGTK(options=options, service=service)
    stack.callback(driver.quit)

    def messages() -> list[str]:
        return re.findall(r"CONSOLE \S+ ERROR (.*)$", log.read(), re.M)

    return Browser("webkit", driver, messages)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that this module started."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


ENGINES = {"chromium": chromium, "firefox": firefox, "webkit": webkit}


@contextmanager
def started(engine: str, *, third_party_cookies: bool | None = True) -> Iterator[Browser]:
    """Start a browser, and end all its processes, even if the start fails half-way.

    `third_party_cookies` accepts or blocks them; None leaves that to the browser's default.
    """
    with ExitStack() as stack:
        browser = ENGINES[engine](stack, third_party_cookies=third_party_cookies)
        browser.driver.set_script_timeout(SCRIPT)
        yield browser
