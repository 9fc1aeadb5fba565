"""Attacks on each proxy of docs/proxies.md, byte by byte, in front of a server with h2c."""

import json
import re
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.support.proxies import HOST, HURRIED, KINDS, VISITOR, Authority, Front, proxy
from tests.support.serving import PATIENCE, PROBES, Server, clean_environment, free_port, run


class Fronts(Protocol):
    def __call__(self, kind: str) -> Front: ...


@pytest.fixture(scope="module")
def recorder() -> Iterator[Server]:
    """Yield the service behind all proxies, where hypercorn accepts HTTP/2 without TLS."""
    port = free_port()
    program = str(Path(sys.executable).with_name("hypercorn"))
    command = [program, "recorder:app", "--bind", f"127.0.0.1:{port}"]
    with run(command, PROBES, clean_environment(PYTHONPATH=str(PROBES))) as server:
        server.expect("Running on")
        server.port = port
        yield server


@pytest.fixture(scope="module")
def fronts(
    recorder: Server, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fronts]:
    """Yield a function that starts each proxy once."""
    started: dict[str, Front] = {}
    with ExitStack() as stack:

        def start(kind: str) -> Front:
            if kind not in started:
                folder = tmp_path_factory.mktemp("proxy")
                running = stack.enter_context(
                    proxy(kind, folder, recorder.port, authority.certificates)
                )
                started[kind] = Front(recorder, running, authority.visitor)
            return started[kind]

        yield start


OWN_HOST, CLOSE = f"Host: {HOST}", "Connection: close"
H2C = ("Connection: Upgrade, HTTP2-Settings, close", "HTTP2-Settings: AAMAAABkAAQAAP__")
FORGED = ("X-Client-Subject: CN=Mallory", "X-Forwarded-For: 192.0.2.6", "X-Forwarded-Proto: http")


def get(*lines: str, target: str = "/seen") -> str:
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""])


def post(body: str, *lines: str) -> str:
    return "\r\n".join(["POST /seen HTTP/1.1", OWN_HOST, *lines, "", body])


HIDDEN = get(OWN_HOST, *FORGED, CLOSE, target="/hidden")
ENDED = f"0\r\n\r\n{HIDDEN}"  # a chunked body, and a hidden request
CHUNKED, LENGTH = "Transfer-Encoding: chunked", f"Content-Length: {len(ENDED)}"
# The request, and the status from each proxy in the order of KINDS. With 200, the request arrived
# without harm. With 400 or more, the proxy refused it.
ATTACKS = {
    "h2c": (get(OWN_HOST, "Upgrade: h2c", *H2C), (200, 200, 200, 200, 200)),
    "h2c in a list": (
        get(OWN_HOST, "Upgrade: websocket, h2c", *H2C),
        (200, 400, 200, 200, 200),
    ),
    "h2c before websocket": (
        get(OWN_HOST, "Upgrade: h2c", "Upgrade: websocket", *H2C),
        (200, 400, 200, 400, 200),
    ),
    "h2c after websocket": (
        get(OWN_HOST, "Upgrade: websocket", "Upgrade: h2c", *H2C),
        (400, 400, 200, 400, 400),
    ),
    "spoofed headers": (get(OWN_HOST, *FORGED, CLOSE), (200,) * 5),
    "doubled headers": (get(OWN_HOST, *FORGED, *FORGED, CLOSE), (200,) * 5),
    "underscores": (
        get(
            OWN_HOST,
            "X_Client_Subject: CN=Mallory",
            "x-client_subject: CN=Mallory",
            "X_Client-Subject: CN=Mallory",
            "X_Forwarded_For: 192.0.2.6",
            CLOSE,
        ),
        (200,) * 5,
    ),
    "headers named in Connection": (
        get(
            OWN_HOST,
            "Connection: close, x-client-subject, X-Forwarded-For, X-Forwarded-Proto",
            "Connection: X-Forwarded-For",
            *FORGED,
        ),
        (200,) * 5,
    ),
    "folded header": (
        get(OWN_HOST, "X-Other: a", " X-Client-Subject: CN=Mallory", CLOSE),
        (400, 200, 200, 200, 400),
    ),
    # The proxy may treat the hidden request as the client's next one, which makes it harmless.
    "CL.TE": (post(ENDED, LENGTH, CHUNKED), (400, 200, 200, 200, 400)),
    "TE.CL": (
        post(f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n", "Content-Length: 4", CHUNKED, CLOSE),
        (400, 200, 200, 200, 400),
    ),
    "TE.TE": (post(ENDED, LENGTH, "Transfer-Encoding: xchunked"), (501, 400, 400, 501, 501)),
    "TE with a space": (post(ENDED, LENGTH, "Transfer-Encoding : chunked"), (400,) * 5),
    "two lengths": (post(ENDED, "Content-Length: 0", LENGTH), (400,) * 5),
    "absolute target": (
        get(OWN_HOST, CLOSE, target=f"https://{HOST}/seen"),
        (200,) * 5,
    ),
    "absolute target elsewhere": (
        get(OWN_HOST, CLOSE, target="https://evil.example/seen"),
        (200, 400, 200, 200, 200),
    ),
    "two hosts": (get(OWN_HOST, "Host: evil.example", CLOSE), (400,) * 5),
    "no host": (get(CLOSE), (400,) * 5),
    "long header": (
        get(OWN_HOST, f"X-Long: {'x' * 100_000}", CLOSE),
        (400, 400, 400, 431, 400),
    ),
}


# The allowed header values at the service, for any sender.
HARMLESS: dict[str, Callable[[list[str]], bool]] = {
    "host": lambda values: len(values) == 1,
    "upgrade": lambda values: "h2c" not in values,
    "x-client-subject": lambda values: len(values) <= 1 and "Mallory" not in str(values),
    "x-forwarded-for": lambda values: len(values) == 1 and values[0].split(",")[0] == VISITOR,
    "x-forwarded-proto": lambda values: values == ["https"],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ATTACKS)
def test_attack_ends_at_the_proxy_or_arrives_harmless(
    fronts: Fronts, recorder: Server, authority: Authority, kind: str, name: str
) -> None:
    front = fronts(kind)
    text, statuses = ATTACKS[name]
    expected = dict(zip(KINDS, statuses, strict=True))[kind]
    for context in (authority.visitor, authority.client):
        before = len(recorder.lines)
        status = status_of(front, context, text)
        # A proxy that closes with unread input may lose its own response.
        assert status == expected or (name == "long header" and status is None)
        done = f"/done-{kind}-{name}-{before}".replace(" ", "-")
        assert status_of(front, context, get(OWN_HOST, CLOSE, target=done)) == 200
        recorder.expect(f'"{done}"')
        for arrived in requests(recorder.lines[before:]):
            harm = {each: arrived[each] for each in HARMLESS if not HARMLESS[each](arrived[each])}
            assert not harm, arrived["path"]
            is_certified = any("CN=Ada" in subject for subject in arrived["x-client-subject"])
            assert is_certified == (context is authority.client)


# The final status for a slow client. Caddy 2.6 sends an empty response to a slow body.
ENDING = {"HAProxy": 408, "httpd": 408, "Caddy": 200}


@pytest.mark.parametrize("kind", KINDS)
def test_proxy_ends_slow_heads_and_bodies(
    recorder: Server, authority: Authority, kind: str, tmp_path: Path
) -> None:
    with proxy(kind, tmp_path, recorder.port, authority.certificates, HURRIED[kind]) as running:
        front = Front(recorder, running, authority.visitor)
        half_requests = (
            f"GET /seen HTTP/1.1\r\n{OWN_HOST}\r\nX-A:",
            post("ab", "Content-Length: 9"),
        )
        with ThreadPoolExecutor() as slow:
            ended = [slow.submit(status_of, front, front.context, text) for text in half_requests]
        assert {each.result() for each in ended} <= {None, ENDING.get(kind)}


def status_of(front: Front, context: ssl.SSLContext, text: str) -> int | None:
    """Send bytes over TLS, and return the first status; a tunnel's response has no end."""
    sock = socket.create_connection(("127.0.0.1", front.proxy.port), PATIENCE, (VISITOR, 0))
    answer = b""
    with context.wrap_socket(sock, server_hostname=HOST) as connection:
        try:
            connection.sendall(text.encode())
            while not answer.startswith(b"HTTP/1.1 101") and (part := connection.recv(65536)):
                answer += part
        except (ConnectionError, ssl.SSLEOFError):
            pass  # the proxy has closed the connection
    found = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(found[1]) if found else None


def requests(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the application's lines, and skip the server's."""
    return (json.loads(line) for line in lines if line.startswith("{"))
