"""The rendered service with what pages embed and measure."""

from pathlib import Path

from fastapi import Response
from fastapi.responses import FileResponse

from app.main import app

PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"


@app.get("/picture")
async def picture(corp: str | None = None) -> Response:
    """Return an image, for pages of any origin if the query says `corp`."""
    headers = {} if corp is None else {"Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(PICTURE, media_type="image/svg+xml", headers=headers)


@app.get("/timed")
async def timed(response: Response) -> None:
    """Let every page measure the request."""
    response.headers["Timing-Allow-Origin"] = "*"


@app.get("/font")
async def font() -> FileResponse:
    """Return a font of this machine; the engines need one anyway."""
    return FileResponse(next(Path("/usr/share/fonts").rglob("*.ttf")))
