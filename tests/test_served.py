"""Each rendered service under uvicorn, from the view of a browser."""

import http.client
import itertools
from email.message import Message
from typing import Protocol

import pytest
from cors_right.diagnostics.browser import Fetch

from tests.support.baking import CREDENTIALS, Bakery
from tests.support.browse import fetch
from tests.support.cases import ENVIRONMENTS, REQUESTS, may_read
from tests.support.serving import Server, Serving, send

FRONTENDS = "https://app.example.com,https://*.preview.example.com,https://localhost:*"
ALLOWED = ("https://app.example.com", "https://pr-1.preview.example.com", "https://localhost:8443")
REFUSED = (
    "null",
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://preview.example.com",
    "http://app.example.com",
)


class Probes(Protocol):
    def __call__(self, answer: str, environment: str, app: str = "probes:app") -> Server: ...


@pytest.fixture(scope="session")
def probes(bakery: Bakery, served: Serving) -> Probes:
    """Return a function that serves an answer's project, with routes that fail in every way."""

    def start(answer: str, environment: str, app: str = "probes:app") -> Server:
        project = bakery.bake(credentials=answer, frontend_origins=FRONTENDS)
        return served(project, app, FASTAPI_ENV=environment, MAX_BODY_SIZE="1000")

    return start


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("answer", CREDENTIALS)
def test_page_reads_exactly_the_allowed_responses(
    probes: Probes, answer: str, environment: str
) -> None:
    port = probes(answer, environment).port
    wrong = []
    for name, origin, credentials in itertools.product(REQUESTS, ALLOWED + REFUSED, (False, True)):
        arguments, status = REQUESTS[name]
        outcome = fetch(port, Fetch(origin, with_credentials=credentials, **arguments))
        expected = may_read(environment, answer, name, origin in ALLOWED, credentials)
        if (outcome.readable, outcome.status) != (expected, status if expected else None):
            wrong.append((name, origin, credentials, outcome))
    assert not wrong


@pytest.mark.parametrize("name", REQUESTS)
def test_unlisted_origin_gets_no_cors_headers(probes: Probes, name: str) -> None:
    arguments, _ = REQUESTS[name]
    request = Fetch(origin="", **arguments)
    port = probes("cookies", "production").port
    for origin in REFUSED:
        own = {**request.headers, "Origin": origin}
        _, headers, _ = send(port, request.method, request.url, own, request.body)
        assert not access_control(headers)
        asked = {"Origin": origin, "Access-Control-Request-Method": request.method}
        status, headers, _ = send(port, "OPTIONS", request.url, asked)
        assert (status, access_control(headers)) == (403, [])


@pytest.mark.parametrize(
    "path",
    ["/health", "/nowhere", "/gated", "/boom", "/unauthorized", "/mounted/health", "/shouting"],
)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_vary_names_origin_once(probes: Probes, environment: str, path: str) -> None:
    port = probes("cookies", environment).port
    for headers in ({}, *({"Origin": origin} for origin in (*ALLOWED, *REFUSED))):
        _, received, _ = send(port, "GET", path, headers)
        assert received.get_all("Vary") == ["Origin"]
    assert send(port, "GET", "/varied", {})[1].get_all("Vary") == ["Accept, Origin"]


@pytest.mark.parametrize(
    ("environment", "seconds"), [("development", "0"), ("staging", "7200"), ("production", "7200")]
)
def test_preflight_has_the_documented_max_age(
    probes: Probes, environment: str, seconds: str
) -> None:
    preflight = {"Origin": ALLOWED[0], "Access-Control-Request-Method": "PUT"}
    _, received, _ = send(probes("cookies", environment).port, "OPTIONS", "/notes", preflight)
    assert received["Access-Control-Max-Age"] == seconds


@pytest.mark.parametrize("path", ["/mounted/health", "/shouting"])
def test_mounted_application_cannot_widen_the_policy(probes: Probes, path: str) -> None:
    port = probes("none", "production").port
    _, received, _ = send(port, "GET", path, {"Origin": ALLOWED[0]})
    assert access_control(received) == [
        "access-control-allow-origin",
        "access-control-expose-headers",
    ]
    assert received["Access-Control-Allow-Origin"] == ALLOWED[0]
    assert not access_control(send(port, "GET", path, {"Origin": REFUSED[0]})[1])


def test_page_reads_the_exposed_location(probes: Probes) -> None:
    arguments, _ = REQUESTS["JSON POST"]
    outcome = fetch(probes("none", "production").port, Fetch(origin=ALLOWED[0], **arguments))
    assert outcome.headers["location"].startswith("/notes/")


def test_unhandled_error_is_logged_once_with_traceback(probes: Probes) -> None:
    server = probes("none", "production")
    outcome = fetch(server.port, Fetch(ALLOWED[0], "/boom?reason=only-here"))
    assert (outcome.status, outcome.body) == (500, b"Internal Server Error")
    server.expect("RuntimeError: only-here")
    assert server.output.count("RuntimeError: only-here") == 1
    assert "Traceback (most recent call last)" in server.output


def test_page_reads_the_traceback_if_debug_is_on(probes: Probes) -> None:
    outcome = fetch(
        probes("none", "production", "probes:debugging").port, Fetch(ALLOWED[0], "/boom")
    )
    assert (outcome.readable, outcome.status) == (True, 500)
    assert b"RuntimeError: no reason" in outcome.body
    assert b"Traceback" in outcome.body


def test_error_handler_runs(probes: Probes) -> None:
    outcome = fetch(
        probes("none", "production", "probes:handling").port, Fetch(ALLOWED[0], "/boom")
    )
    assert (outcome.status, outcome.body) == (500, b'{"handled":"no reason"}')


def test_broken_stream_ends_incomplete(probes: Probes) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        fetch(probes("none", "production").port, Fetch(ALLOWED[0], "/broken-stream"))
    assert caught.value.partial == b"the first half"


def access_control(headers: Message) -> list[str]:
    """Return the names of the CORS headers."""
    return sorted(name.lower() for name in headers if name.lower().startswith("access-control-"))
