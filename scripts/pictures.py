"""The command that takes the pictures of the pages: `uv run python -m scripts.pictures`.

The pictures show the template's real output. The command needs Chromium with its driver, and
`report/browsers.html` of a test run.
"""

import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.support.baking import ROOT
from tests.support.browser.engines import Browser, started
from tests.support.browser.report import PAGE
from tests.support.serving import REQUIRED, clean_environment, send, serve
from tests.support.terminal import typed

PICTURES = ROOT / "docs"
WIDTH = 112  # columns
ORIGINS = "https://shop.example.com,https://*.preview.example.com"
TERMINAL = """<!doctype html><meta charset=utf-8><style>
body {{ margin: 0; background: #16181d; color: #e6e6e6; }}
pre {{ display: inline-block; margin: 0; padding: 20px 24px; }}
pre {{ font: 15px/1.45 "DejaVu Sans Mono", monospace; }}
</style><pre>{code}</pre>"""

# Keeps the report's groups of one service, and opens the group with an unlisted page.
ONE_SERVICE = """
for (const group of document.querySelectorAll("details")) {
    const name = group.firstChild.textContent;
    if (!name.includes(" cookies, production")) group.remove();
    group.open = name.includes("foreign");
}
"""


def answered(folder: Path) -> str:
    """Answer the questions, the last one wrongly, and return the terminal's text."""
    environment = clean_environment(HOME=str(folder), TERM="xterm-256color", COLUMNS=str(WIDTH))
    answers = ["Shop API", "", "", "3", f"{ORIGINS}/login", ""]
    command = [sys.executable, "-m", "cookiecutter", "template"]
    _, shown = typed(command, folder, answers, environment)
    return f"$ cookiecutter gh:org/template\n{shown.rstrip()}"


def policy(project: Path) -> str:
    """Return the startup line, the log for three origins, and the message that stops startup."""
    lines = []
    environment = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": ORIGINS}
    with serve(project, "app.main:app", environment) as server:
        lines += [f"$ uv run python -m app\n{server.expect('INFO: +production: CORS .*')[0]}\n"]
        for origin in (
            "https://shop.example.com",
            "https://pr-7.preview.example.com",
            "https://evil.example",
        ):
            lines += [f"$ curl -i http://127.0.0.1:8000/notes -H 'Origin: {origin}'"]
            status, headers, _ = send(server.port, "GET", "/notes", {"Origin": origin})
            names = [
                name for name in headers if name.startswith("access-control-a") or name == "vary"
            ]
            lines += [f"HTTP/1.1 {status} OK", *(f"{name}: {headers[name]}" for name in names), ""]
    wrong = "https://*.github.io,http://shop.example.com,shop.example.com/login,null"
    command = [sys.executable, "-m", "app"]
    environment = clean_environment(
        FRONTEND_ORIGINS=wrong, SESSION_SECRET=REQUIRED["SESSION_SECRET"]
    )
    ended = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    return "\n".join(
        [*lines, f"$ FRONTEND_ORIGINS='{wrong}' uv run python -m app", ended.stderr.rstrip()]
    )


def explanation(project: Path) -> str:
    """Return the output of `explain` for a page on the wrong scheme."""
    arguments = "http://shop.example.com POST /notes --header Content-Type"
    environment = {"FRONTEND_ORIGINS": ORIGINS, "SESSION_SECRET": REQUIRED["SESSION_SECRET"]}
    ended = subprocess.run(
        [sys.executable, "-m", "cors_right", "explain", *arguments.split()],
        cwd=project,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
    )
    return f"$ uv run python -m cors_right explain {arguments}\n{ended.stdout.rstrip()}"


def photograph(browser: Browser, text: str, name: str) -> None:
    """Save a terminal's text with its colours as a picture."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    shown = Text.from_ansi(text)
    shown.highlight_regex(r"(?m)^\$ .*$", "bold green")
    console.print(shown, highlight=False)
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as page:
        page.write(
            TERMINAL.format(code=console.export_html(inline_styles=True, code_format="{code}"))
        )
        page.flush()
        browser.driver.get(f"file://{page.name}")
        size = browser.run(
            "const {width, height} = document.querySelector('pre').getBoundingClientRect();"
            "return [width, height]"
        )
        browser.driver.set_window_size(int(size[0]) + 1, int(size[1]) + 150)
        browser.driver.find_element("css selector", "pre").screenshot(str(PICTURES / name))


def main() -> None:
    with tempfile.TemporaryDirectory() as name, started("chromium") as browser:
        folder = Path(name)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder / "template")], check=True)
        photograph(browser, answered(folder), "prompts.png")
        photograph(browser, policy(folder / "shop-api"), "policy.png")
        photograph(browser, explanation(folder / "shop-api"), "explain.png")
        browser.driver.set_window_size(1100, 900)
        browser.driver.get(PAGE.as_uri())
        browser.run(ONE_SERVICE)
        browser.driver.save_screenshot(str(PICTURES / "browsers.png"))


if __name__ == "__main__":
    main()
