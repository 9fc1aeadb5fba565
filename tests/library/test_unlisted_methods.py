"""Preflights for methods that the policy does not list.

Browsers compare a method with the response's list, but never GET, HEAD and POST. For these
methods, the status must stop them (Fetch standard, "CORS-preflight fetch").
"""

import itertools

import pytest
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right.diagnostics.browser import Fetch, Response
from cors_right.log import RefusalLog
from cors_right.reasons import Unlisted
from cors_right.refusal import judge
from cors_right.request import Request, complete

from tests.support.asgi import ask, passed, raw
from tests.support.browse import browse

APP = "https://app.example.com"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY")
LISTS: tuple[list[str], ...] = (["GET"], ["POST"], ["GET", "HEAD"], ["PUT"], [], [*METHODS], ["*"])


@pytest.mark.parametrize("listed", LISTS)
@pytest.mark.parametrize("method", METHODS)
def test_unlisted_method_is_never_sent(
    method: str, listed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())
    policy = CORSPolicy(allow_origins=[APP], allow_methods=listed, allow_headers=["X-Tenant"])
    app = CORSPolicyMiddleware(passed, policy)

    def send(method: str, url: str, headers: object, body: object) -> Response:
        answer = ask(app, headers, method, "/")  # type: ignore[arg-type]
        named = [(name.decode(), value.decode()) for name, value in answer.headers]
        return Response(answer.status, named)

    outcome = browse(Fetch(APP, "https://api.example.com/", method, {"X-Tenant": "x"}), send)
    is_listed = method in listed or listed == ["*"]
    assert outcome.readable == is_listed
    assert outcome.sent == (("OPTIONS", method) if is_listed else ("OPTIONS",))
    status = outcome.exchanges[0].response.status
    assert status == (403 if not is_listed and method in ("GET", "HEAD", "POST") else 200)


def test_refusal_names_the_entry_to_add() -> None:
    for method, listed in itertools.product(("GET", "HEAD", "POST"), (["PUT"], [])):
        policy = CORSPolicy(allow_origins=[APP], allow_methods=listed)
        headers = {"Origin": APP, "Access-Control-Request-Method": method}
        scope = {"type": "http", "method": "OPTIONS", "path": "/", "headers": raw(headers)}
        complete(scope)
        found = judge(Request(scope, policy))
        assert found and found.reason == Unlisted(method)
        assert f'add "{method}" to allow_methods' in str(found)


def test_unlisted_method_is_refused_with_many_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send too many header names to compare, with a method that the service still compares."""
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())
    app = CORSPolicyMiddleware(passed, CORSPolicy(allow_origins=[APP], allow_methods=["GET"]))
    headers = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    more = {"Access-Control-Request-Headers": "," * 9000}
    assert ask(app, headers | more, "OPTIONS").status == 403


def test_unlisted_header_alone_leaves_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow any method, so that the browser compares the header."""
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())
    app = CORSPolicyMiddleware(passed, CORSPolicy(allow_origins=[APP], allow_methods=["*"]))
    headers = {"Origin": APP, "Access-Control-Request-Method": "POST"}
    more = {"Access-Control-Request-Headers": "x-tenant"}
    assert ask(app, headers | more, "OPTIONS").status == 200
