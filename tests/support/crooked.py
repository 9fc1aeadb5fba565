"""A server that sends pages and any wrong response, over http and https on one port."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cors_right.diagnostics.browser import Response
from cors_right.diagnostics.explain import scope_of
from starlette.types import ASGIApp, Message

from tests.support.browser.pages import EMPTY_PAGE

Behaviour = Callable[[str, str, Mapping[str, str], bytes], Response]
"""The function that responds to a method, a path with its query, headers and a body."""

TLS_HANDSHAKE = b"\x16"  # RFC 8446, section 5.1


def page(*_: object) -> Response:
    return Response(200, [("Content-Type", "text/html")], EMPTY_PAGE.encode())


def fixed(preflight: Response, response: Response) -> Behaviour:
    """Return a behaviour with one response for preflights, and another for other requests."""
    return lambda method, *_: preflight if method == "OPTIONS" else response


def asked(app: ASGIApp) -> Behaviour:
    """Return the behaviour of an application."""

    def behaviour(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        sent: list[Message] = []

        async def run() -> None:
            async def receive() -> Message:
                return {"type": "http.request", "body": body}

            async def send(message: Message) -> None:
                sent.append(message)

            await app(scope_of(method, f"http://service.test{path}", headers), receive, send)

        asyncio.run(run())
        start, *rest = sent
        named = [
            (name.decode(), value.decode("latin-1")) for name, value in start.get("headers", [])
        ]
        return Response(start["status"], named, b"".join(part["body"] for part in rest))

    return behaviour


HTML = ("Content-Type", "text/html; charset=utf-8")
Change = Callable[[str, Response], Response]
"""The change that a proxy makes to the response to a method."""


def behind(change: Change, behaviour: Behaviour) -> Behaviour:
    """Return the behaviour of a service behind a proxy."""
    return lambda method, *rest: change(method, behaviour(method, *rest))


def with_headers(*headers: tuple[str, str]) -> Change:
    """Return a change that adds headers to each response."""
    return lambda method, response: replace(response, headers=[*response.headers, *headers])


def without(*names: str) -> Change:
    """Return a change that removes headers, given in lower case, from each response."""
    return lambda method, response: replace(
        response,
        headers=[header for header in response.headers if header[0].lower() not in names],
    )


def preflight(status: int, *headers: tuple[str, str], body: bytes = b"") -> Change:
    """Return a change that replaces the response to preflights."""
    return lambda method, response: (
        Response(status, headers, body) if method == "OPTIONS" else response
    )


def request(status: int, *headers: tuple[str, str]) -> Change:
    """Return a change that replaces the response to other requests."""
    return lambda method, response: response if method == "OPTIONS" else Response(status, headers)


class Crooked(ThreadingHTTPServer):
    """A server with a behaviour for each `/NAME/...`, and a page for any other path."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if certificate:
            self.context.load_cert_chain(certificate)
        self.behaviours: dict[str, Behaviour] = {}

    def respond(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Return the response to a request."""
        return self.behaviours.get(path.partition("?")[0].split("/")[1], page)(
            method, path, headers, body or b""
        )

    def finish_request(self, request: Any, client_address: Any) -> None:
        if request.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        else:
            super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing, because browsers end connections at any time."""


class Handler(BaseHTTPRequestHandler):
    """A handler that passes a request to its behaviour."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # Nagle's algorithm waits between headers and body
    server: Crooked

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):  # any method
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        response = self.server.respond(self.command, self.path, dict(self.headers.items()), body)
        self.send_response_only(response.status)
        for name, value in response.headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def crooked(certificate: Path | None = None) -> Iterator[Crooked]:
    """Run a server on a new port."""
    server = Crooked(certificate)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
