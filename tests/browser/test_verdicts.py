"""The verdicts and console messages of the library's browser, compared with the engines'."""

import itertools
import json
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right.diagnostics.browser import Blocked, CorsError, Fetch, Response
from cors_right.diagnostics.consoles import consoles

from tests.support.asgi import passed
from tests.support.browse import Seen, browse
from tests.support.browser.console import said
from tests.support.browser.engines import Browser, chromium
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import fetch_all
from tests.support.crooked import Crooked, asked, crooked, fixed
from tests.support.requirements import need
from tests.support.serving import PATIENCE

PAGE, SERVICE = "http://app.example.localhost", "http://api.example.localhost"
GENERATED = 2000  # pairs of a policy and a request
MISBEHAVING = 500  # pairs of a response that no policy gives, and a request


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[Crooked]:
    with crooked(certificate) as server:
        yield server


def predicted(server: Crooked, request: Fetch) -> Seen:
    """Return the library's verdict on the server's responses."""

    def send(method: str, url: str, headers: Mapping[str, str], body: Any) -> Response:
        return server.respond(method, f"/{url.split('/', 3)[3]}", headers, body)

    return browse(request, send)


def options(request: Fetch) -> dict[str, object]:
    """Return the request in the page's form."""
    return {
        "url": request.url,
        "method": request.method,
        "headers": dict(request.headers),
        "credentials": "include" if request.with_credentials else "omit",
    }


# `$` is the page's origin.
ALLOW = "Access-Control-Allow-"
OK: Any = (f"{ALLOW}Origin", "$")
CREDENTIALS: Any = (f"{ALLOW}Credentials", "true")
INCLUDE: Any = {"with_credentials": True}
PUT: Any = {"method": "PUT"}
ANSWERS: dict[str, tuple[int, list[Any]]] = {
    "no header": (200, []),
    "wildcard": (200, [(f"{ALLOW}Origin", "*")]),
    "two headers": (200, [OK, OK]),
    "two values": (200, [(f"{ALLOW}Origin", "$, https://b.example")]),
    "no scheme": (200, [(f"{ALLOW}Origin", "app.example")]),
    "null": (200, [(f"{ALLOW}Origin", "null")]),
    "empty": (200, [(f"{ALLOW}Origin", "")]),
    "other": (200, [(f"{ALLOW}Origin", "https://other.example")]),
    "slash": (200, [(f"{ALLOW}Origin", "$/")]),
    "no credentials": (200, [OK]),
    "True": (200, [OK, (f"{ALLOW}Credentials", "True")]),
    "good": (200, [OK, CREDENTIALS, (f"{ALLOW}Methods", "PUT"), (f"{ALLOW}Headers", "X-One")]),
    "500": (500, []),
    "403": (403, []),
    "401": (401, []),
    "400 with headers": (400, [OK, CREDENTIALS, (f"{ALLOW}Methods", "PUT")]),
    "redirect": (307, [OK, CREDENTIALS, ("Location", "/elsewhere")]),
    "redirect without headers": (307, [("Location", "/elsewhere")]),
    "with a password": (307, [OK, CREDENTIALS, ("Location", "http://u:p@b.localhost/")]),
    "no methods": (200, [OK, CREDENTIALS]),
    "other methods": (200, [OK, CREDENTIALS, (f"{ALLOW}Methods", "PATCH, DELETE")]),
    "any method": (200, [OK, CREDENTIALS, (f"{ALLOW}Methods", "*")]),
    "malformed methods": (200, [OK, CREDENTIALS, (f"{ALLOW}Methods", "PUT GET")]),
    "other headers": (200, [OK, CREDENTIALS, (f"{ALLOW}Headers", "X-Other")]),
    "any header": (200, [OK, CREDENTIALS, (f"{ALLOW}Headers", "*")]),
    "malformed headers": (200, [OK, CREDENTIALS, (f"{ALLOW}Headers", "X Foo, X-One")]),
}
REQUESTS: dict[str, dict[str, Any]] = {
    "GET": {},
    "GET, credentials": INCLUDE,
    "PUT": PUT,
    "PUT, credentials": PUT | INCLUDE,
    "patch": {"method": "patch"},
    "headers": {"headers": {"X-One": "1", "X-Two": "2"}},
    "header, credentials": {"headers": {"X-One": "1"}} | INCLUDE,
}


def answer(name: str, page: str) -> Response:
    status, headers = ANSWERS[name]
    return Response(status, [(header, value.replace("$", page)) for header, value in headers])


def wrong_answers(server: Crooked, prefix: str) -> dict[str, Fetch]:
    """Return a request for each wrong response, to a preflight and to the request."""
    page = f"{PAGE}:{server.server_port}"
    requests: dict[str, Fetch] = {}
    for number, (request, name, to_preflight) in enumerate(
        itertools.product(REQUESTS, ANSWERS, (True, False))
    ):
        if name == ("with a password" if to_preflight else "redirect"):
            continue
        key = f"{prefix}{number}."
        pair = (answer(name, page), answer("good", page))
        server.behaviours[key] = fixed(*(pair if to_preflight else reversed(pair)))
        title = f"{request}, {'preflight' if to_preflight else 'response'}: {name}"
        url = f"{SERVICE}:{server.server_port}/{key}/"
        requests[title] = Fetch(page, url, **REQUESTS[request])
    return requests


def words_of(engine: str, request: Fetch, blocked: Blocked | None) -> str:
    """Return the expected console message of an engine, or nothing if it prints none."""
    if blocked is None or blocked.error == CorsError.INVALID_RESPONSE:
        return ""
    words = {name.lower(): text for name, text in consoles(request, blocked).items()}
    return words[engine]


def test_consoles_print_the_predicted_messages(server: Crooked, browser: Browser) -> None:
    page = f"{PAGE}:{server.server_port}"
    requests = wrong_answers(server, browser.engine)
    browser.open(f"{page}/")
    browser.console()
    outcomes: list[dict[str, Any]] = []
    messages: list[str] = []
    made = [options(request) for request in requests.values()]
    for start in range(0, len(made), 20):  # Firefox keeps 250 messages
        outcomes += fetch_all(browser, f"{page}/", "page", made[start : start + 20])
        messages += browser.console()
    expected = {title: predicted(server, request) for title, request in requests.items()}
    happened = {
        title: outcome.get("status") for title, outcome in zip(requests, outcomes, strict=True)
    }
    assert happened == {title: outcome.status for title, outcome in expected.items()}

    missing, deadline = dict(requests), time.monotonic() + PATIENCE
    while missing and time.monotonic() < deadline:
        messages += browser.console()
        for title, request in list(missing.items()):
            blocked = expected[title].blocked
            words = words_of(browser.engine, request, blocked)
            found = said(browser.engine, messages, request.url)
            if not words:
                del missing[title]
            elif shown := [message for message in found if words in message]:
                del missing[title]
                record(Case(browser.engine, "Console", title, words, words, shown[0]))
    assert not {
        title: said(browser.engine, messages, request.url) for title, request in missing.items()
    }


def generated_policy(draw: random.Random, origins: list[str]) -> CORSPolicy:
    """Return any policy for pages over http, which only development allows with credentials."""
    credentials = draw.random() < 0.5
    lists = [[], ["*"], origins[:1], origins[1:], ["http://*.example.localhost:*"]]
    names = ["X-One", "X-Two", "Authorization", "Range"]
    return CORSPolicy(
        development=credentials,
        allow_origins=draw.choice(lists),
        allow_credentials=credentials,
        allow_methods=draw.choice([["*"], [], ["GET", "PUT"], ["PATCH", "DELETE"], ["QUERY"]]),
        allow_headers=draw.choice([["*"], draw.sample(names, draw.randint(0, 4))]),
        expose_headers=draw.choice([[], ["Location"]]),
    )


def generated_request(draw: random.Random, page: str, url: str) -> Fetch:
    values = {
        "X-One": ["1"],
        "x-two": ["2"],
        "Authorization": ["Bearer x"],
        "Content-Type": ["application/json", "text/plain", "TEXT/PLAIN; charset=x", "text/x"],
        "Accept": ["text/html", 'a"b', "x" * 129],
        "Accept-Language": ["de", "de;q=0.5", "d_e"],
        "Content-Language": ["en", "x" * 128],
        "Cookie": ["dropped"],
    }
    names = draw.sample([*values], draw.choice([0, 0, 1, 1, 2, 3]))
    methods = ["GET", "GET", "HEAD", "POST", "PUT", "put", "PATCH", "patch", "DELETE", "QUERY"]
    return Fetch(
        page,
        url,
        draw.choice(methods),
        {name: draw.choice(values[name]) for name in names},
        with_credentials=draw.random() < 0.5,
    )


def generated_answer(draw: random.Random, page: str) -> Response:
    values: dict[str, list[str | None]] = {
        "Origin": [None, page, page, page, page, f"{page}/", page.upper(), "*", "null"],
        "Credentials": [None, "true", "true", "True", "true, true"],
        "Methods": [None, "*", "PUT", "put", "PUT, PATCH", "PUT GET", "PUT,,PATCH", ""],
        "Headers": [None, "x-one", "X-One, X-Two", "x-one,x-two,content-type", "X Foo", "x-one,"],
    }
    headers = [
        (f"{ALLOW}{name}", value)
        for name, choices in values.items()
        for value in [draw.choice(choices)]
        if value is not None
    ]
    if draw.random() < 0.1:
        headers.append(draw.choice([(f"{ALLOW}Origin", page), ("Vary", "Origin")]))
    return Response(draw.choice([200, 200, 200, 204, 299, 300, 400, 404, 500]), headers)


@pytest.mark.parametrize("kind", ["http://app.example.localhost", "http://evil.localhost", "null"])
def test_engines_agree_with_predictions_for_generated_policies(
    server: Crooked, browser: Browser, kind: str
) -> None:
    draw = random.Random(f"{kind}")
    port = server.server_port
    page = kind if kind == "null" else f"{kind}:{port}"
    origins = [f"{PAGE}:{port}", f"http://evil.localhost:{port}", "https://other.example"]
    requests = []
    for number in range((GENERATED + MISBEHAVING) // 3):
        key = f"{browser.engine}{kind[-5:]}{number}."
        if number < GENERATED // 3 + 1:
            policy = generated_policy(draw, origins)
            server.behaviours[key] = asked(CORSPolicyMiddleware(passed, policy))
        else:
            answers = [generated_answer(draw, page) for _ in range(2)]
            server.behaviours[key] = fixed(*answers)
        requests.append(generated_request(draw, page, f"{SERVICE}:{port}/{key}/"))
    opened = f"{PAGE}:{port}/" if kind == "null" else f"{page}/"
    outcomes = fetch_all(browser, opened, kind, [options(request) for request in requests])
    wrong = [
        (request, expected.blocked, outcome)
        for request, outcome in zip(requests, outcomes, strict=True)
        if (expected := predicted(server, request)).status != outcome.get("status")
    ]
    record(
        Case(
            browser.engine,
            "Verdicts",
            f"{len(requests)} generated pairs, page {kind}",
            "0 differ",
            f"{len(wrong)} differ",
        )
    )
    assert not wrong


def test_chromium_uses_the_same_error_names(server: Crooked) -> None:
    """Read the names from Chromium's protocol: `corsErrorStatus` in `Network.loadingFailed`."""
    need("chromium")
    requests = wrong_answers(server, "names")
    with ExitStack() as stack:
        browser = chromium(stack, third_party_cookies=True, log_network=True)
        page = f"{PAGE}:{server.server_port}/"
        fetch_all(browser, page, "page", [options(request) for request in requests.values()])
        entries: list[dict[str, str]] = browser.driver.get_log("performance")  # type: ignore[attr-defined]
    urls: dict[str, str] = {}
    errors: dict[str, str] = {}
    for entry in entries:
        event = json.loads(entry["message"])["message"]
        identity = event["params"].get("requestId")
        if event["method"] == "Network.requestWillBeSent":
            urls[identity] = event["params"]["request"]["url"]
        elif status := event["params"].get("corsErrorStatus"):  # of Network.loadingFailed
            errors[urls[identity]] = status["corsError"]
    expected = {
        request.url: blocked.name
        for request in requests.values()
        if (blocked := predicted(server, request).blocked)
    }
    assert errors == expected
