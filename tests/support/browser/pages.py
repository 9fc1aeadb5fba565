"""Frontends: a folder of static files, served for any name below .localhost over http or https."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EMPTY_PAGE = '<!doctype html><link rel="icon" href="data:,"><title>A frontend</title>'


class Files(SimpleHTTPRequestHandler):
    """A handler that sends files and logs nothing."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def frontends(folder: Path, certificate: Path | None = None) -> Iterator[int]:
    """Serve a folder, over https with a certificate, and yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=folder))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake happens when a handler first reads, so that a waiting browser does not
        # block another one.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
