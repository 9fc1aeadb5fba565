"""The rendered service with a second login, whose callback sets the session."""

from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse

from app.main import app, settings


@app.get("/classic")
async def begin(request: Request, page: str) -> RedirectResponse:
    """Redirect to the provider, with the page's address as the state."""
    request.session["page"] = page
    redirect_uri = str(request.url_for("end"))
    query = urlencode({"state": page, "redirect_uri": redirect_uri})
    return RedirectResponse(f"{settings.oidc_authorize_url}?{query}", 303)


@app.api_route("/classic/callback", methods=["GET", "POST"])
async def end(request: Request) -> RedirectResponse:
    """Log the user in if the login began in the same cookie jar, and redirect to the page."""
    sent = await request.body() or request.scope["query_string"]
    answer = dict(parse_qsl(sent.decode()))
    if request.session.get("page") == answer["state"]:
        request.session["display_name"] = answer["code"]
    return RedirectResponse(answer["state"], 303)
