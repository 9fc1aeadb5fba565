"""Errors as clients see them."""

import json

from fastapi import Request, Response, status
from fastapi.exceptions import RequestValidationError


async def invalid_request(request: Request, error: RequestValidationError) -> Response:
    """Answer 422 as FastAPI does, except for the copy of what was sent.

    Such a copy takes seconds where many parts are wrong, and NaN and lone surrogates have no JSON.
    """
    problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return Response(
        json.dumps({"detail": problems}),
        status.HTTP_422_UNPROCESSABLE_CONTENT,
        media_type="application/json",
    )
