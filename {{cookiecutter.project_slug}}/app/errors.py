"""Error responses."""

import json

from fastapi import Request, Response, status
from fastapi.exceptions import RequestValidationError


async def invalid_request(request: Request, error: RequestValidationError) -> Response:
    """Return FastAPI's 422 response without its copy of the input.

    A copy with many errors takes seconds to encode, and JSON has no NaN and no lone surrogates.
    """
    problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return Response(
        json.dumps({"detail": problems}),
        status.HTTP_422_UNPROCESSABLE_CONTENT,
        media_type="application/json",
    )
