"""The rendered service with resources that pages embed and measure."""

from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse

from app.main import app

PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"


FONT = next(Path("/usr/share/fonts").rglob("*.ttf"))  # the engines always need one


def corp(request: Request) -> dict[str, str]:
    """Return the header that lets pages of any origin embed a resource, if the query asks."""
    name = "Cross-Origin-Resource-Policy"
    return {name: "cross-origin"} if request.url.query == "corp" else {}


@app.get("/picture")
async def picture(request: Request) -> Response:
    return Response(PICTURE, media_type="image/svg+xml", headers=corp(request))


@app.get("/font")
async def font(request: Request) -> FileResponse:
    return FileResponse(FONT, headers=corp(request))


@app.get("/timed")
async def timed(response: Response) -> None:
    """Let every page measure the request."""
    response.headers["Timing-Allow-Origin"] = "*"
