"""Additions that owners make from one section of a page, cut out of the page and run."""

import itertools
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cors_right.diagnostics.browser import Fetch

from tests.support import words
from tests.support.baking import Bakery, copied
from tests.support.browse import fetch
from tests.support.checks import is_clean
from tests.support.markdown import APPS, FRONTEND, OPERATIONS, blocks, section
from tests.support.pages import add_names, follow_section
from tests.support.serving import (
    PATIENCE,
    REQUIRED,
    clean_environment,
    free_port,
    run,
    send,
    serve,
)

PARTS = "Serve a public API beside the private one"
APP, FOREIGN = "https://app.example.com", "https://evil.example"
PRODUCTION = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": APP}


# The ways to write each end of a path.
BEGINNINGS = [
    "/public",
    "/Public",
    "/%70ublic",
    "/publi%63",
    "//public",
    "/./public",
    "/x/../public",
    "/public;x",
    "/public%2f",
    "/public%00",
    "/public\\",
    "/public.",
    "/public%20",
    "/publicity",
]
ENDS = [
    "",
    "/",
    "/prices",
    "/../notes",
    "/%2e%2e/notes",
    "/..%2fnotes",
    "//notes",
    "/..;/notes",
    "\\..\\notes",
    "/./notes",
]
PATHS = [*map("".join, itertools.product(BEGINNINGS, ENDS)), "/notes", "/notes/public/prices", "*"]


def raw(port: int, path: str, method: str = "GET") -> dict[str, str]:
    """Send a request with an unchanged path, and return the response's headers."""
    head = f"{method} {path} HTTP/1.1\r\nHost: api.example.com\r\nOrigin: {FOREIGN}\r\n"
    if method == "OPTIONS":
        head += "Access-Control-Request-Method: GET\r\n"
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        with connection.makefile("rb") as stream:
            lines = stream.read().partition(b"\r\n\r\n")[0].decode().splitlines()[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.mark.parametrize("options", [(), ("--http", "h11"), ("--root-path", "/api")])
@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_path_never_leads_to_the_other_part(
    bakery: Bakery, answer: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    project = copied(bakery.bake(credentials=answer), tmp_path)
    follow_section(APPS, PARTS, project)
    with serve(project, "parts:app", PRODUCTION, *options) as server:
        answered = {path: raw(server.port, path) for path in PATHS}
        for path, headers in answered.items():
            allowed = headers.get("access-control-allow-origin")
            part = headers.get("x-part")  # none if the server itself refuses the request
            assert (part, allowed) in (("public", "*"), ("private", None), (None, None)), path
            if part:
                told = raw(server.port, path, "OPTIONS").get("access-control-allow-origin")
                assert told == allowed, path
        parts = [headers.get("x-part") for headers in answered.values()]
        assert parts.count("public") > 20 and parts.count("private") > 20
        assert answered["/public/prices"]["x-part"] == "public"
        assert answered["/notes"]["x-part"] == "private"
        outcome = fetch(server.port, Fetch(APP, "/notes/x", "DELETE"))
        assert (outcome.readable, outcome.status) == (True, 422)


@pytest.mark.parametrize("method", ["get", "put"])
def test_part_covers_its_own_routes(bakery: Bakery, method: str, tmp_path: Path) -> None:
    """Fail the page's tests for a method that the public policy lacks and the other part has."""
    project = copied(bakery.bake(), tmp_path)
    follow_section(APPS, PARTS, project)
    main = project / "app" / "main.py"
    text = main.read_text("utf-8").replace("@public.get", f"@public.{method}")
    main.write_text(text, encoding="utf-8")
    if method == "get":
        is_clean(project)
    ended = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == (method == "put"), ended.stdout
    assert (f"PUT /prices: {words.missing('PUT', 'allow_methods')}" in ended.stdout) == (
        method == "put"
    )


def test_parts_serve_in_development_after_lifespan(bakery: Bakery, tmp_path: Path) -> None:
    project = copied(bakery.bake(), tmp_path)
    follow_section(APPS, PARTS, project)
    application = project / "app" / "application.py"
    text = application.read_text("utf-8")
    application.write_text(
        text.replace("    yield\n", '    print("started", flush=True)\n    yield\n')
    )
    port = free_port()
    command = [sys.executable, "-m", "fastapi", "dev", "--no-reload", "--port", str(port)]
    with run(command, project, clean_environment()) as server:
        server.expect("started")
        server.expect("Uvicorn running")
        for path in ("/public/prices", "/health"):
            outcome = fetch(port, Fetch("http://localhost:3000", path))
            assert (outcome.readable, outcome.status) == (True, 200)


@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_rebound_name_writes_nothing(bakery: Bakery, answer: str) -> None:
    """Try DNS rebinding: `Host` and `Origin` agree, and the browser sends no site."""
    (name,) = re.findall(r"ALLOWED_HOSTS=(\S+)", OPERATIONS.read_text("utf-8"))
    variables = PRODUCTION | {"ALLOWED_HOSTS": name}
    body, written = b'{"text": "Buy milk"}', {"Content-Type": "application/json"}
    with serve(bakery.bake(credentials=answer), "probes:app", variables) as server:
        for host, origin, status in (
            ("evil.example", "https://evil.example", 400),
            (f"{name}.evil.example", f"https://{name}.evil.example", 400),
            (f"evil.example#{name}", APP, 400),
            (name, f"https://{name}", 201),
            (f"{name}:8443", APP, 201),
            ("127.0.0.1", APP, 201),
        ):
            headers = written | {"Host": host, "Origin": origin}
            answered, received, _ = send(server.port, "POST", "/notes", headers, body)
            readable = APP if origin == APP else None
            assert (answered, received["Access-Control-Allow-Origin"]) == (status, readable), host


@pytest.mark.parametrize("answer", ["none", "bearer"])
@pytest.mark.parametrize(
    ("page", "heading"),
    [
        (OPERATIONS, "Allow tracing headers of Sentry and OpenTelemetry"),
        (APPS, "Allow MCP clients in browsers"),
    ],
)
def test_page_uses_names_added_to_the_policy(
    bakery: Bakery, page: Path, heading: str, answer: str, tmp_path: Path
) -> None:
    project = copied(bakery.bake(credentials=answer), tmp_path)
    added = add_names(page, heading, project)
    with serve(project, "probes:app", PRODUCTION) as server:
        asked = dict.fromkeys(added["allow_headers"], "x")
        for method in added.get("allow_methods", ["GET"]):
            outcome = fetch(server.port, Fetch(APP, "/health", method, asked))
            assert (outcome.readable, outcome.status) == (True, 200 if method == "GET" else 405)
        _, headers, _ = send(server.port, "GET", "/health", {"Origin": APP})
        exposed = headers["Access-Control-Expose-Headers"].split(", ")
        assert {"Location", *added.get("expose_headers", [])} <= {*exposed}


def test_policy_accepts_origins_of_shells(bakery: Bakery) -> None:
    """List the table's origins; origins over http are for services without credentials."""
    table = section(FRONTEND, "Allow Capacitor").partition("Every app")[0]
    origins = [text for text in re.findall(r"`([a-z-]+://[^`]*)`", table) if "file:" not in text]
    origins = [text.replace("<id>", "a" * 32) for text in origins if not text.endswith("//")]
    assert len(origins) == 7
    for answer in ("none", "cookies"):
        listed = [text for text in origins if answer == "none" or not text.startswith("http://")]
        variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": ",".join(listed)}
        with serve(bakery.bake(credentials=answer), "app.main:app", variables) as server:
            for origin in listed:
                assert fetch(server.port, Fetch(origin, "/health")).readable, origin


# A pattern of the section, and the answers that let the service start.
PATTERNS = {
    "https://*.preview.example.net": {"none", "cookies"},
    "https://*.vercel.app": {"none"},
    "https://shop-git-*-acme.vercel.app": set[str](),
}


@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_service_refuses_patterns_that_anyone_can_match(bakery: Bakery, answer: str) -> None:
    text = section(OPERATIONS, "Allow preview deployments")
    assert {*re.findall(r"`(https://[^`]*\*[^`]*)`", text)} == {*PATTERNS}
    project = bakery.bake(credentials=answer)
    load = [sys.executable, "-B", "-c", "from app.settings import Settings; Settings.load()"]
    for pattern, answers in PATTERNS.items():
        variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": pattern}
        environment = clean_environment(**REQUIRED | variables)
        ended = subprocess.run(load, cwd=project, env=environment, capture_output=True, text=True)
        assert ended.returncode == (0 if answer in answers else 3), ended.stderr
        assert (pattern in ended.stderr) == (answer not in answers)


def test_service_reads_settings_from_files_and_port(bakery: Bakery, tmp_path: Path) -> None:
    """Run the page's command for platforms that mount secrets as files and set `PORT`."""
    (line,) = blocks(OPERATIONS, "Read secrets from files", "sh")
    (tmp_path / "SESSION_SECRET").write_text(REQUIRED["SESSION_SECRET"] + "\n", encoding="utf-8")
    (tmp_path / "FRONTEND_ORIGINS").write_text(APP, encoding="utf-8")
    line = line.replace("/run/secrets", str(tmp_path)).replace("python", sys.executable)
    project = bakery.bake(credentials="cookies")
    port = free_port()
    command = ["sh", "-c", line]
    with run(command, project, clean_environment(PORT=str(port))) as server:
        server.expect(f"Uvicorn running on http://127.0.0.1:{port}")
        assert fetch(port, Fetch(APP, "/health")).readable
    (tmp_path / "SESSION_SECRET").write_text("short", encoding="utf-8")
    with run(command, project, clean_environment(PORT=str(port))) as server:
        server.expect("SESSION_SECRET: ")
        assert server.popen.wait(PATIENCE) == 3
