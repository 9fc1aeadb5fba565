"""Services in production behind each proxy of docs/proxies.md, with the page's configuration."""

import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from cors_right.diagnostics.browser import Fetch
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.baking import CREDENTIALS, WITH_COOKIES, Bakery
from tests.support.browse import browse
from tests.support.cases import JSON, REQUESTS, may_read
from tests.support.proxies import (
    FOREIGN,
    HOST,
    KINDS,
    LISTED,
    PATTERN,
    PREVIEW,
    VISITOR,
    Authority,
    Front,
    proxy,
)
from tests.support.serving import PATIENCE, Server, serve
from tests.support.slow import slow_except

FRONTEND, ADMIN = LISTED


class Fronts(Protocol):
    def __call__(self, kind: str, answer: str) -> Front: ...


@pytest.fixture(scope="module")
def fronts(
    bakery: Bakery, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fronts]:
    """Yield a function that starts each combination once."""
    services: dict[str, Server] = {}
    started: dict[tuple[str, str], Front] = {}
    with ExitStack() as stack:

        def start(kind: str, answer: str) -> Front:
            if answer not in services:
                variables = {
                    "FASTAPI_ENV": "production",
                    "FRONTEND_ORIGINS": ",".join([*LISTED, PATTERN]),
                    "MAX_BODY_SIZE": "1000",
                }
                project = bakery.bake(credentials=answer)
                services[answer] = stack.enter_context(serve(project, "probes:app", variables))
            if (kind, answer) not in started:
                folder = tmp_path_factory.mktemp("proxy")
                running = stack.enter_context(
                    proxy(kind, folder, services[answer].port, authority.certificates)
                )
                started[kind, answer] = Front(services[answer], running, authority.visitor)
            return started[kind, answer]

        yield start


@pytest.mark.parametrize(
    ("kind", "answer"),
    slow_except({(kind, "cookies") for kind in KINDS}, itertools.product(KINDS, CREDENTIALS)),
)
def test_page_reads_the_same_through_a_proxy(fronts: Fronts, kind: str, answer: str) -> None:
    front, credentials = fronts(kind, answer), answer in WITH_COOKIES
    wrong = []
    for name, origin in itertools.product(REQUESTS, (FRONTEND, PREVIEW, *FOREIGN)):
        arguments, status = REQUESTS[name]
        own = {**arguments, "url": f"{front.origin}{arguments['url']}"}
        outcome = browse(Fetch(origin, **own, with_credentials=credentials), front.ask)
        expected = may_read("production", answer, name, origin not in FOREIGN, credentials)
        if (outcome.readable, outcome.status) != (expected, status if expected else None):
            wrong.append((name, origin, outcome))
    assert not wrong


@pytest.mark.parametrize("kind", KINDS)
def test_response_has_each_header_once(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "cookies")
    for (method, path), origin in itertools.product(
        [("GET", "/health"), ("GET", "/nowhere"), ("GET", "/boom"), ("GET", "/stream")],
        (None, FRONTEND, ADMIN, PREVIEW, *FOREIGN),
    ):
        _, received, _ = front.send(method, path, {"Origin": origin} if origin else {})
        assert received.get_all("Vary") == ["Origin"]
        allowed = [origin] if origin and origin not in FOREIGN else None
        assert received.get_all("Access-Control-Allow-Origin") == allowed
        names = [name.lower() for name in received if name.lower().startswith("access-control-")]
        assert len(names) == len({*names})
        assert bool(names) == bool(allowed)


@pytest.mark.parametrize("kind", KINDS)
def test_service_sees_the_client_address_and_https(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "none")
    forged = {
        "X-Forwarded-For": "192.0.2.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
    }
    for headers in ({}, forged):
        status, _, body = front.send("GET", "/seen?by=proxy", headers)
        seen = {"url": f"{front.origin}/seen?by=proxy", "client": VISITOR}
        assert (status, json.loads(body)) == (200, seen)


@pytest.mark.parametrize("kind", KINDS)
def test_certificate_subject_arrives_and_cannot_be_forged(
    fronts: Fronts, authority: Authority, kind: str
) -> None:
    front = fronts(kind, "none")
    for headers in ({}, {"X-Client-Subject": "CN=Mallory"}):
        assert json.loads(front.send("GET", "/subject", headers)[2]) in (None, "")
        seen = json.loads(front.send("GET", "/subject", headers, context=authority.client)[2])
        assert "CN=Ada" in seen and "Mallory" not in seen


# The options that verify clients, which the page says to delete.
VERIFYING = {
    "nginx": (
        "    ssl_client_certificate /etc/ssl/clients.pem;\n",
        "    ssl_verify_client optional;\n",
    ),
    "HAProxy": (" ca-file /etc/ssl/clients.pem verify optional",),
    "httpd": (
        "    SSLCACertificateFile /etc/ssl/clients.pem\n",
        "    SSLVerifyClient optional\n",
    ),
    "Caddy": (
        """ {
        client_auth {
            mode verify_if_given
            trusted_ca_cert_file /etc/ssl/clients.pem
        }
    }
""",
    ),
}


@pytest.mark.parametrize("kind", VERIFYING)
def test_forged_subject_is_removed_without_certificate_check(
    bakery: Bakery, authority: Authority, kind: str, tmp_path: Path
) -> None:
    changes = {text: "\n" if "client_auth" in text else "" for text in VERIFYING[kind]}
    variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": FRONTEND}
    with (
        serve(bakery.bake(), "probes:app", variables) as service,
        proxy(kind, tmp_path, service.port, authority.certificates, changes) as running,
    ):
        front = Front(service, running, authority.visitor)
        for headers in ({}, {"X-Client-Subject": "CN=Mallory"}):
            for context in (authority.visitor, authority.client):
                body = front.send("GET", "/subject", headers, context=context)[2]
                assert json.loads(body) in (None, "")


@pytest.mark.parametrize("kind", KINDS)
def test_stream_passes_without_buffering(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "none")
    connection = front.connect()
    connection.request("GET", "/drip", headers={"Host": f"{HOST}:{front.proxy.port}"})
    response = connection.getresponse()
    assert response.read(5) == b"first"
    front.send("GET", "/drop")
    assert response.read() == b"second"
    connection.close()


def test_cache_keeps_a_response_for_each_origin(fronts: Fronts) -> None:
    front = fronts("Varnish", "cookies")
    bodies = []
    for origin in (None, FRONTEND, ADMIN, PREVIEW, *FOREIGN) * 2:
        _, received, body = front.send("GET", "/kept", {"Origin": origin} if origin else {})
        allowed = [origin] if origin and origin not in FOREIGN else None
        assert received.get_all("Access-Control-Allow-Origin") == allowed
        assert received.get_all("Vary") == ["Origin"]
        bodies.append(int(body))
    assert bodies == [*range(7)] * 2


def test_cache_keeps_no_response_to_a_certificate(fronts: Fronts, authority: Authority) -> None:
    front = fronts("Varnish", "none")
    holders, visitors = (
        [front.send("GET", "/kept?by=both", context=context)[2] for _ in range(3)]
        for context in (authority.client, authority.visitor)
    )
    assert (len({*holders}), len({*visitors})) == (3, 1)
    assert visitors[0] not in holders
    assert front.send("GET", "/kept?by=both", context=authority.client)[2] not in visitors


@pytest.mark.parametrize("kind", KINDS)
def test_websocket_passes_from_allowed_origins_only(fronts: Fronts, kind: str) -> None:
    front = fronts(kind, "cookies")
    for origin, is_allowed in (
        (None, True),
        (front.origin, True),
        (FRONTEND, True),
        (front.origin.replace("https", "http"), False),
        (FOREIGN[0], False),
    ):
        with socket.create_connection(("127.0.0.1", front.proxy.port), PATIENCE) as sock:
            opened = partial(
                connect,
                front.origin.replace("https", "wss") + "/ws",
                origin=Origin(origin) if origin else None,
                sock=sock,
                ssl=front.context,
                open_timeout=PATIENCE,
                close_timeout=PATIENCE,
            )
            if is_allowed:
                with opened() as websocket:
                    assert websocket.recv(PATIENCE) == "hello"
            else:
                with pytest.raises(InvalidStatus) as caught:
                    opened()
                assert caught.value.response.status_code == 403


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", WITH_COOKIES)
def test_session_works_and_own_page_writes(fronts: Fronts, kind: str, answer: str) -> None:
    front = fronts(kind, answer)
    name = b'{"display_name": "Ada"}'
    for origin, status in (
        (front.origin, 200),
        (FRONTEND, 200),
        (front.origin.replace("https", "http"), 403),
        (FOREIGN[0], 403),
    ):
        answered, received, _ = front.send("PUT", "/session", {"Origin": origin, **JSON}, name)
        assert answered == status, origin
        cookies = received.get_all("Set-Cookie", [])
        assert ["; secure" in cookie.lower() for cookie in cookies] == [True] * (status == 200)
