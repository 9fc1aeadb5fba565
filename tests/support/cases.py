"""Requests of every kind that a page makes, and what the policy says about them."""

from typing import Any

from tests.support.baking import WITH_COOKIES

ENVIRONMENTS = ("development", "staging", "production")
JSON = {"Content-Type": "application/json"}
NO_NOTE = "/notes/00000000-0000-0000-0000-000000000000"
TEXT = b'{"text": "Buy milk"}'
# A request of each kind, and the status that an allowed page reads.
REQUESTS: dict[str, tuple[dict[str, Any], int]] = {
    "GET": ({"url": "/health"}, 200),
    "HEAD": ({"url": "/openapi.json", "method": "HEAD"}, 200),
    "form POST": ({"url": "/notes", "method": "POST", "body": b"text=x"}, 422),
    "JSON POST": ({"url": "/notes", "method": "POST", "headers": JSON, "body": TEXT}, 201),
    "PUT": ({"url": NO_NOTE, "method": "PUT", "headers": JSON, "body": TEXT}, 404),
    "PATCH": ({"url": NO_NOTE, "method": "PATCH", "headers": JSON, "body": TEXT}, 404),
    "DELETE": ({"url": NO_NOTE, "method": "DELETE"}, 404),
    "custom header": (
        {
            "url": "/notes",
            "method": "POST",
            "headers": JSON | {"Idempotency-Key": "k"},
            "body": TEXT,
        },
        201,
    ),
    "Authorization": ({"url": "/health", "headers": {"Authorization": "Bearer x"}}, 200),
    "unlisted header": ({"url": "/health", "headers": {"X-Unlisted": "x"}}, 200),
    "unlisted method": ({"url": "/health", "method": "QUERY"}, 405),
    "401": ({"url": "/unauthorized"}, 401),
    "404": ({"url": "/nowhere"}, 404),
    "other slash": ({"url": "/health/"}, 404),
    "405": ({"url": "/health", "method": "DELETE"}, 405),
    "413": ({"url": "/notes", "method": "POST", "headers": JSON, "body": b"x" * 2000}, 413),
    "429 of a middleware": ({"url": "/gated"}, 429),
    "500": ({"url": "/boom"}, 500),
    "stream": ({"url": "/stream"}, 200),
    "mounted": ({"url": "/mounted/health"}, 200),
}


def may_read(
    environment: str, answer: str, request: str, is_listed: bool, with_credentials: bool
) -> bool:
    """Return whether the documentation lets a page read, independent of the code."""
    if with_credentials and answer not in WITH_COOKIES:
        return False
    if environment == "development":
        return True
    if not is_listed or request in ("unlisted header", "unlisted method"):
        return False
    return request != "Authorization" or answer == "bearer"
