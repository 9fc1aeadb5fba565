"""What a browser gets of a service, without a browser."""

from collections.abc import Mapping

from cors_right.diagnostics.browser import Fetch, Outcome, Response
from cors_right.diagnostics.browser import fetch as browse

from tests.support.serving import send


def fetch(port: int, request: Fetch) -> Outcome:
    """Make a cross-origin request as a browser does. With credentials it has a cookie."""

    def ask(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        cookie = {"Cookie": "from=browser"} if request.with_credentials else {}
        own = cookie if method != "OPTIONS" else {}
        status, answer, content = send(port, method, url, {**headers, **own}, body)
        return Response(status, answer.items(), content)

    return browse(request, ask)
