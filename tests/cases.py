"""Requests of every kind that a page makes, and what the policy says about them."""

from typing import Any

ENVIRONMENTS = ("development", "staging", "production")
JSON = {"Content-Type": "application/json"}
NO_NOTE = "/notes/00000000-0000-0000-0000-000000000000"
TEXT = b'{"text": "Buy milk"}'
# A request of each kind, and the status that the page reads when it may.
REQUESTS: dict[str, tuple[dict[str, Any], int]] = {
    "GET": ({"path": "/health"}, 200),
    "HEAD": ({"path": "/openapi.json", "method": "HEAD"}, 200),
    "form POST": ({"path": "/notes", "method": "POST", "body": b"text=x"}, 422),
    "JSON POST": ({"path": "/notes", "method": "POST", "headers": JSON, "body": TEXT}, 201),
    "PUT": ({"path": NO_NOTE, "method": "PUT", "headers": JSON, "body": TEXT}, 404),
    "PATCH": ({"path": NO_NOTE, "method": "PATCH", "headers": JSON, "body": TEXT}, 404),
    "DELETE": ({"path": NO_NOTE, "method": "DELETE"}, 404),
    "custom header": (
        {
            "path": "/notes",
            "method": "POST",
            "headers": JSON | {"Idempotency-Key": "k"},
            "body": TEXT,
        },
        201,
    ),
    "Authorization": ({"path": "/health", "headers": {"Authorization": "Bearer x"}}, 200),
    "unlisted header": ({"path": "/health", "headers": {"X-Unlisted": "x"}}, 200),
    "unlisted method": ({"path": "/health", "method": "QUERY"}, 405),
    "401": ({"path": "/unauthorized"}, 401),
    "404": ({"path": "/nowhere"}, 404),
    "other slash": ({"path": "/health/"}, 404),
    "405": ({"path": "/health", "method": "DELETE"}, 405),
    "413": ({"path": "/notes", "method": "POST", "headers": JSON, "body": b"x" * 2000}, 413),
    "429 of a middleware": ({"path": "/gated"}, 429),
    "500": ({"path": "/boom"}, 500),
    "stream": ({"path": "/stream"}, 200),
    "mounted": ({"path": "/mounted/health"}, 200),
}


def may_read(
    environment: str, answer: str, request: str, is_listed: bool, with_credentials: bool
) -> bool:
    """The policy of the documentation, written down a second time."""
    if with_credentials and answer not in ("cookies", "cross-site-cookies"):
        return False
    if environment == "development":
        return True
    if not is_listed or request in ("unlisted header", "unlisted method"):
        return False
    return request != "Authorization" or answer == "bearer"
