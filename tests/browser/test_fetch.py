"""Requests of every kind from every kind of origin: the page's view and the service's."""

import http.client
import itertools
import ssl
from collections.abc import Mapping
from functools import partial

import pytest
from cors_right.diagnostics.browser import Fetch, Response, origin_of

from tests.support.baking import CREDENTIALS
from tests.support.browse import browse
from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import (
    KINDS,
    LISTED,
    Service,
    World,
    expected_requests,
    fetch_all,
    received,
    to_fetch,
)
from tests.support.cases import REQUESTS, may_read
from tests.support.serving import exchange
from tests.support.slow import slow_except

# Staging differs from production in the allowed entries, which no browser sees. One answer
# shows it.
SERVICES = slow_except(
    {
        *itertools.product(("bearer", "cookies"), ("development", "production")),
        ("cookies", "staging"),
    },
    [*itertools.product(CREDENTIALS, ("development", "production")), ("cookies", "staging")],
)


def in_words(status: int | None, sent: list[str]) -> str:
    """Return the page's view and the service's requests in words."""
    return f"{'blocked' if status is None else f'reads {status}'}; sent: {', '.join(sent)}"


PREDICTED: dict[tuple[str, str, str, bool], tuple[int | None, list[str]]] = {}


def predicted(
    service: Service, origin: str, name: str, with_credentials: bool
) -> tuple[int | None, list[str]]:
    """Return what a page sees and sends, as the library's browser predicts, and keep it."""
    key = (service.url, origin, name, with_credentials)
    if key not in PREDICTED:
        arguments, _ = REQUESTS[name]
        url = f"{service.url}{arguments['url']}"
        request = Fetch(origin, **{**arguments, "url": url}, with_credentials=with_credentials)
        outcome = browse(request, partial(ask, service))
        PREDICTED[key] = (outcome.status, list(outcome.sent))
    return PREDICTED[key]


def ask(
    service: Service, method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> Response:
    """Send a request unchanged."""
    context = ssl._create_unverified_context()
    connection = (
        http.client.HTTPConnection("127.0.0.1", service.server.port)
        if service.scheme == "http"
        else http.client.HTTPSConnection("127.0.0.1", service.server.port, context=context)
    )
    path, own = url.removeprefix(service.url), {"Host": url.split("/")[2], **headers}
    status, answer, content = exchange(connection, method, path, own, body)
    return Response(status, answer.items(), content)


@pytest.mark.parametrize(("answer", "environment"), SERVICES)
def test_pages_see_what_the_policy_allows(
    world: World, browser: Browser, answer: str, environment: str
) -> None:
    service = world.service(answer, environment)
    wrong = []
    for kind in KINDS:
        cases: dict[str, tuple[str, bool]] = {}
        requests: list[dict[str, object]] = []
        for name, with_credentials in itertools.product(REQUESTS, (False, True)):
            mark = f"{browser.engine}-{answer}-{environment}-{kind}-{len(cases)}".replace(" ", "-")
            arguments, _ = REQUESTS[name]
            cases[mark] = (name, with_credentials)
            url = f"{service.url}{arguments['url']}?case={mark}"
            requests.append(to_fetch(url, arguments, with_credentials))
        outcomes = fetch_all(browser, world.page(kind, service), kind, requests)
        last = f"{browser.engine}-{answer}-{environment}-{kind}-last".replace(" ", "-")
        fetch_all(
            browser, f"{service.url}/page", "own", [{"url": f"{service.url}/health?case={last}"}]
        )
        service.server.expect(f"case={last} ")
        sent = received(service.server, list(cases))
        messages = browser.console()
        page = world.page(kind, service)
        origin = "null" if kind == "null" else origin_of(page)
        for (mark, (name, with_credentials)), outcome in zip(cases.items(), outcomes, strict=True):
            arguments, status = REQUESTS[name]
            is_readable = kind == "own" or may_read(
                environment, answer, name, kind in LISTED, with_credentials
            )
            expected = (
                status if is_readable else None,
                expected_requests(arguments, kind, is_readable),
            )
            happened = (outcome.get("status"), sent[mark])
            assert predicted(service, origin, name, with_credentials) == expected
            if name == "JSON POST" and is_readable:
                assert outcome["location"].startswith("/notes/")
            if name == "stream" and is_readable:
                assert outcome["text"] == "one, two, three"
            said = next(
                (message for message in messages if f"case={mark}" in message),
                outcome.get("error", ""),
            )
            title = f"{name}{', with credentials' if with_credentials else ''}"
            group = f"{answer}, {environment}: page of origin {kind}"
            record(
                Case(browser.engine, group, title, in_words(*expected), in_words(*happened), said)
            )
            if happened != expected:
                wrong.append((kind, name, with_credentials, expected, happened, outcome))
    assert not wrong
