"""An extension of Chromium and Firefox: one page, and rights for some hosts."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.browser.engines import Browser, Marionette, chromium, firefox
from tests.support.browser.visitor import KEY

PUBLIC = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
# Chromium derives an extension's name from its key: hexadecimal digits as letters from a to p.
CHROMIUM = "".join(chr(ord("a") + int(digit, 16)) for digit in sha256(PUBLIC).hexdigest()[:32])
FIREFOX = "extension@example.com"


@contextmanager
def extension(engine: str, folder: Path, hosts: Sequence[str]) -> Iterator[tuple[Browser, str]]:
    """Start a browser with an extension; yield both the browser and the extension's origin."""
    manifest = {
        "manifest_version": 3,
        "name": "An extension",
        "version": "1",
        "key": b64encode(PUBLIC).decode(),
        "host_permissions": [f"*://{host}/*" for host in hosts],
        "browser_specific_settings": {"gecko": {"id": FIREFOX}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "page.html").write_text("<!doctype html><title>A page</title>", encoding="utf-8")
    with ExitStack() as stack:
        if engine == "chromium":
            browser = chromium(stack, third_party_cookies=True, extension=folder)
            yield browser, f"chrome-extension://{CHROMIUM}"
            return
        browser = firefox(stack, third_party_cookies=True)
        connection = browser.driver.command_executor
        assert isinstance(connection, Marionette)
        error, _ = connection.send("Addon:Install", {"path": str(folder), "temporary": True})
        assert error is None
        browser.driver.execute("setContext", {"context": "chrome"})
        script = "return WebExtensionPolicy.getByID(arguments[0]).mozExtensionHostname"
        host = browser.driver.execute_script(script, FIREFOX)
        browser.driver.execute("setContext", {"context": "content"})
        yield browser, f"moz-extension://{host}"
