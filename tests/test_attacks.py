"""Attacks: look-alike origins, hostile answers, generated requests."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cors_right.middleware import MAX_BACKSLASHES
from hypothesis import given
from hypothesis import strategies as st

from hooks import filters
from tests.support import words
from tests.support.baking import CREDENTIALS, Bakery, parse, tree
from tests.support.nasty import NASTY, UNPRINTABLE
from tests.support.serving import (
    PATIENCE,
    Serving,
    clean_environment,
    refusal,
    send,
    send_from_many_origins,
    serve,
)
from tests.support.slow import slow_except

EXACT = "https://app.example.com"
PATTERNS = "https://*.example.com,https://127.0.0.1:*"
# Characters after the allowed host that a careless expression reads as its end.
GLUE = [
    "_",
    *"`{}|!$&'()*+,;=~",
    "%60",
    "%0d",
    "%0a",
    "%00",
    "%2e",
    "%2f",
    "#",
    "?",
    "/",
    "\\",
    "@",
    ":",
    "..",
    "-",
    " ",
    "\t",
]
LOOK_ALIKES = [
    "https://app.example.com.evil.com",
    "https://app.example.comevil.com",
    "https://app.example.com.",
    "https://app.example.co",
    "https://app.example.comm",
    "https://appXexample.com",
    "https://app.exampleXcom",
    "https://example.com.evil.com",
    "https://evilexample.com",
    "https://evil.com/app.example.com",
    "https://evil.com?https://app.example.com",
    "https://app.example.com@evil.com",
    "https://evil.com#app.example.com",
    "https://evil.com:app.example.com",
    "http://app.example.com",
    "HTTPS://APP.EXAMPLE.COM",
    "https:app.example.com",
    "https:/app.example.com",
    "https:///app.example.com",
    "//app.example.com",
    "app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com:443",
    "https://app.example.com:0443",
    "https://app.example.com:",
    "https://app.example.com/",
    "https://*.example.com",
    "https://.example.com",
    "https://..example.com",
    "https://a..example.com",
    f"https://{'a' * 64}.example.com",
    f"https://{'a.' * 125}example.com",
    "https://127.0.0.1:0",
    "https://127.0.0.1:65536",
    "https://127.0.0.1:08443",
    "https://127.0.0.1:443",
    "https://127.0.0.1.evil.com",
    "https://127.0.0.1:8443@evil.com",
    "https://127.1:8443",
    "https://127x0x0x1:8443",
    "null",
    "",
    "*",
    "https://",
    "file://",
    "file:///app.example.com",
    "https://app.example.com https://evil.com",
    "https://app.example.com, https://evil.com",
    "https://app.example.com,",
    "https://" + "a" * 54_000 + ".example.com",
    "https://" + "a." * 27_000 + "example.com",
    "https://\u00e4pp.example.com",
    "https://app.example.com\xff",
    "https://app\xb7example.com",
    "https://app.example.c\xf6m",
    *(f"https://app.example.com{glue}.evil.com" for glue in GLUE),
    *(f"https://app.example.com{glue}" for glue in GLUE),
    *(f"https://evil.com{glue}.example.com" for glue in GLUE if glue not in ("_", "-")),
    *(f"https://evil.com{glue}app.example.com" for glue in GLUE if glue not in ("_", "-")),
    *(f"{glue}https://app.example.com" for glue in GLUE if glue.strip()),
]


def answer_to(port: int, origin: str, method: str) -> bytes:
    """Send an `Origin` byte by byte, unlike client libraries, and return the whole response."""
    head = (
        f"{method} /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Access-Control-Request-Method: GET\r\nOrigin: {origin}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        answer = b""
        try:
            connection.sendall(head.encode("latin-1"))
            while received := connection.recv(65536):
                answer += received
        except (ConnectionResetError, BrokenPipeError):
            pass  # over the server's limit: it responds, and closes without reading the rest
        return answer


@pytest.mark.parametrize("answer", ["none", "cookies"])
@pytest.mark.parametrize(
    "frontends", [EXACT, PATTERNS, f"{EXACT},{PATTERNS}"], ids=["exact", "patterns", "both"]
)
def test_look_alike_origins_get_no_access(
    bakery: Bakery, served: Serving, frontends: str, answer: str
) -> None:
    port = served(bakery.bake(credentials=answer), FRONTEND_ORIGINS=frontends).port
    allowed = (
        [EXACT] if frontends != PATTERNS else ["https://a.b.example.com", "https://127.0.0.1:8443"]
    )
    for origin in allowed:
        assert (
            f"access-control-allow-origin: {origin}\r\n".encode()
            in answer_to(port, origin, "GET").lower()
        )
    for origin in LOOK_ALIKES:
        for method, status in (("GET", b"200"), ("OPTIONS", b"403")):
            answer_bytes = answer_to(port, origin, method)
            assert b"access-control-" not in answer_bytes.lower(), origin
            # Blanks around a value do not belong to it. An empty value is an origin like any other.
            if len(origin) < 50_000:
                assert answer_bytes.split()[1] == status, origin


# Prints title and description of the OpenAPI document of each project in its input.
DOCUMENTS = """
import importlib, json, sys
documents = []
for project in json.load(sys.stdin):
    sys.path.insert(0, project)
    document = importlib.import_module("app.main").app.openapi()
    documents.append([document["info"]["title"], document["info"]["description"]])
    sys.path.remove(project)
    for name in [name for name in sys.modules if name.split(".")[0] == "app"]:
        del sys.modules[name]
print(json.dumps(documents))
"""


def documents(projects: list[Path]) -> list[list[str]]:
    """Return title and description from the OpenAPI documents of projects."""
    ended = subprocess.run(
        [sys.executable, "-c", DOCUMENTS],
        env=clean_environment(),
        input=json.dumps([str(project) for project in projects]),
        capture_output=True,
        text=True,
        check=True,
    )
    return [list(pair) for pair in json.loads(ended.stdout)]


def test_free_text_stays_unchanged(bakery: Bakery) -> None:
    projects = []
    for text in NASTY:
        project = bakery.bake_new(project_name=text, project_slug="fuzzed", description=text)
        for name, content in tree(project).items():
            parse(name, content)
        projects.append(project)
    assert documents(projects) == [[text, text] for text in NASTY]


@given(
    text=st.text(
        st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \\'\"#{}%"), max_size=200
    )
)
def test_literals_stand_for_their_text(text: str) -> None:
    assert eval(filters.literal(text), {}) == text
    assert json.loads(f'"{filters.escaped(text)}"') == text


@pytest.mark.parametrize("text", UNPRINTABLE)
@pytest.mark.parametrize("question", ["project_name", "description"])
def test_question_refuses_unprintable_text(bakery: Bakery, question: str, text: str) -> None:
    message = bakery.refusal(project_slug="fuzzed", **{question: text})
    assert message.startswith(f"FailedHookException: {question}: ")
    assert message.isprintable()


@pytest.mark.parametrize("question", ["project_slug", "frontend_origins"])
def test_strict_question_refuses_hostile_text(bakery: Bakery, question: str) -> None:
    for text in NASTY + UNPRINTABLE:
        message = bakery.refusal(**{question: text})
        assert message.startswith(f"FailedHookException: {question}: "), text
        assert message.isprintable(), text


@pytest.mark.parametrize("tag", ["{{ 7 * 7 }}", "{% raw %}", "{# note #}"])
def test_prompt_refuses_jinja(tag: str) -> None:
    for question, check in (
        ("project_name", filters.checked_name),
        ("description", filters.checked_description),
    ):
        with pytest.raises(filters.WrongAnswer, match=f"^{question}: .* which template updates"):
            check(f"a {tag} b")


@pytest.mark.parametrize("answer", slow_except({"bearer", "cookies"}, CREDENTIALS))
def test_generated_requests_never_crash_the_service(
    bakery: Bakery, served: Serving, answer: str, tmp_path: Path
) -> None:
    port = served(bakery.bake(credentials=answer), FASTAPI_ENV="development", AUTH_ISSUER="").port
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"http://127.0.0.1:{port}/openapi.json",
    ]
    options = [
        "--checks",
        "not_a_server_error",
        "--max-examples",
        "25",
        "--no-color",
        "--warnings",
        "off",
    ]
    ended = subprocess.run(
        [*command, *options], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No issues found" in ended.stdout


BODIES = {
    "NaN": b'{"text": NaN}',
    "lone surrogate": b'{"text": "\\ud800"}',
    "key with a lone surrogate": b'{"\\ud800": 1}',
    "many wrong parts": b'{"text": [' + b"[]," * 300_000 + b"[]]}",
    "deep": b"[" * 900_000,
    "too large": b'{"text": [' + b"[]," * 3_400_000 + b"[]]}",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_hostile_body_gets_a_short_response(
    bakery: Bakery, served: Serving, answer: str, name: str
) -> None:
    port = served(bakery.bake(credentials=answer)).port
    headers = {"Content-Type": "application/json", "Origin": EXACT}
    status, received, body = send(port, "POST", "/notes", headers, BODIES[name])
    assert status == {"too large": 413, "deep": 400}.get(name, 422)
    assert received["Access-Control-Allow-Origin"] == EXACT
    assert len(body) < 500


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("answer", CREDENTIALS)
def test_service_refuses_oversized_cookies_before_parsing_them(
    bakery: Bakery, served: Serving, answer: str, http: str
) -> None:
    port = served(bakery.bake(credentials=answer), UVICORN_HTTP=http).port

    def with_cookie(length: int) -> dict[str, str]:
        slow = "\\" * min(length, MAX_BACKSLASHES)
        return {"Origin": EXACT, "Cookie": f'a="{slow}'.ljust(length, "x")}

    answered = [(8_000, 200), (12_000, 431), *([(60_000, 431)] if http != "h11" else [])]
    status, *_ = send(port, "GET", "/health", {"Cookie": 'a="' + "\\" * (MAX_BACKSLASHES + 1)})
    assert status == 431
    for length, expected in answered:
        status, received, _ = send(port, "GET", "/health", with_cookie(length))
        assert status == expected
        assert received["Access-Control-Allow-Origin"] == EXACT
    # If h11 has only a part of a head, it refuses 16 KB with 400, and closes the connection.
    if http == "h11":
        assert refusal(port, "GET", "/health", with_cookie(60_000)) in (431, 400, None)


def test_flood_of_refusals_bounds_log_and_memory(bakery: Bakery) -> None:
    """Send 5,000 requests, each from another origin, and as many again."""
    with serve(bakery.bake(), "app.main:app", {}, "--no-access-log") as server:

        def flood(kind: str) -> int:
            send_from_many_origins(server.port, f"{kind}.example", 5_000)
            status = Path(f"/proc/{server.popen.pid}/status").read_text("utf-8")
            (memory,) = re.findall(r"^VmRSS:\s+(\d+) kB$", status, re.M)
            return int(memory)

        before = flood("evil")
        after = flood("other")
        refused = [line for line in server.output.splitlines() if words.REFUSED in line]
    assert 1 <= len(refused) <= 20  # ten per minute, and the flood may take more than one minute
    assert after - before < 1000
