"""A browser's view of a service, without a browser."""

from collections.abc import Mapping

from cors_right.diagnostics import browser
from cors_right.diagnostics.browser import Fetch, Outcome, Response, Send

from tests.support.serving import send


class Seen(Outcome):
    """A page's result of a `fetch()`: the sent methods, and the readable response."""

    @property
    def sent(self) -> tuple[str, ...]:
        return tuple(exchange.method for exchange in self.exchanges)

    @property
    def readable(self) -> bool:
        return self.blocked is None

    @property
    def status(self) -> int | None:
        return self.exchanges[-1].response.status if self.readable else None

    @property
    def body(self) -> bytes:
        return self.exchanges[-1].response.body if self.readable else b""


def browse(request: Fetch, send: Send) -> Seen:
    """Send a `fetch()` as a browser does."""
    return Seen(**vars(browser.fetch(request, send)))


def fetch(port: int, request: Fetch) -> Seen:
    """Send a cross-origin request as a browser does, with a cookie if it has credentials."""

    def ask(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        cookie = {"Cookie": "from=browser"} if request.with_credentials else {}
        own = cookie if method != "OPTIONS" else {}
        status, answer, content = send(port, method, url, {**headers, **own}, body)
        return Response(status, answer.items(), content)

    return browse(request, ask)
