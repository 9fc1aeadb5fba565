"""Paths that accept writes from any site: the callbacks of payment and sign-on services."""

from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware
from cors_right.diagnostics.corrections import correction
from cors_right.diagnostics.routes import missing_entries
from cors_right.log import RefusalLog
from cors_right.reasons import CROSS_SITE_FORM
from cors_right.refusal import judge
from cors_right.request import Request, complete
from fastapi import APIRouter, FastAPI

from tests.support.asgi import PRODUCTION, ask, passed, raw

FOREIGN: dict[str, Any] = {
    "Host": "api.example.com",
    "Origin": "https://evil.example",
    "Sec-Fetch-Site": "cross-site",
}
POLICY = CORSPolicy(**PRODUCTION, allow_credentials=True)


@pytest.fixture(autouse=True)
def own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())


@pytest.mark.parametrize(
    ("template", "path", "status"),
    [
        ("/callback", "/callback", 200),
        ("/callback", "/callback/x", 403),
        ("/auth/{provider}/callback", "/auth/github/callback", 200),
        ("/auth/{provider}/callback", "/auth/git/hub/callback", 403),
        ("/auth/{provider}/callback", "/auth//callback", 403),
        ("/auth/{provider}/callback", "/x/auth/github/callback", 403),
        ("/auth/{provider}/callback", "/auth/github/callback/x", 403),
        ("/orders/{number:int}/paid", "/orders/7/paid", 200),
        ("/orders/{number:int}/paid", "/orders/x/paid", 403),
        ("/hooks/{rest:path}", "/hooks/a/b", 200),
        ("/a.b", "/a.b", 200),
        ("/a.b", "/aXb", 403),
    ],
)
def test_template_exempts_the_paths_of_its_route(template: str, path: str, status: int) -> None:
    app = CORSPolicyMiddleware(passed, POLICY, {template})
    assert ask(app, FOREIGN, "POST", path).status == status


def callbacks(**arguments: Any) -> CORSFastAPI:
    app = CORSFastAPI(cors_policy=POLICY, cross_site_exempt={"/callback"}, **arguments)

    @app.post("/callback")
    async def callback() -> None: ...

    return app


@pytest.mark.parametrize(
    ("root_path", "served_with", "path"),
    [("", "", "/callback"), ("/api", "", "/api/callback"), ("", "/api", "/api/callback")],
)
def test_root_path_comes_before_an_exempt_path(root_path: str, served_with: str, path: str) -> None:
    """Try the root path of FastAPI and of the server."""
    app = callbacks(root_path=root_path)
    assert ask(app, FOREIGN, "POST", path, root_path=served_with).status == 200
    assert ask(app, FOREIGN, "POST", "/other", root_path=served_with).status == 403


def test_routes_test_names_exempt_paths_without_a_route() -> None:
    router = APIRouter()

    @router.post("/{provider}/callback")
    async def callback(provider: str) -> None: ...

    exempt = {"/auth/{provider}/callback", "/auth/{name}/callback", "/calback", "/sub/paid"}
    policy = CORSPolicy(allow_methods=["GET", "POST"])
    app = CORSFastAPI(cors_policy=policy, cross_site_exempt=exempt)
    app.include_router(router, prefix="/auth")
    sub = FastAPI()

    @sub.post("/paid")
    async def paid() -> None: ...

    app.mount("/sub", sub)
    lines = list(missing_entries(app, app.cors_policy))
    assert [line.partition(": ")[0] for line in lines] == ["/auth/{name}/callback", "/calback"]
    assert all("cross_site_exempt" in line for line in lines)


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "cors", None])
def test_refused_form_suggests_an_exemption(mode: str | None) -> None:
    """Avoid a new entry in the list, which would let another site read with credentials."""
    headers = FOREIGN | ({"Sec-Fetch-Mode": mode} if mode else {})
    scope = {"type": "http", "method": "POST", "path": "/callback", "headers": raw(headers)}
    complete(scope)
    found = judge(Request(scope, POLICY))
    assert found
    is_form = mode in ("navigate", "no-cors")
    assert (found.reason == CROSS_SITE_FORM) == is_form
    change = correction(found.reason, POLICY)
    assert ("cross_site_exempt" in change) == is_form
    assert ("allow_origins" in change) != is_form


def test_response_and_log_name_csrf() -> None:
    answer = ask(CORSPolicyMiddleware(passed, POLICY), FOREIGN, "POST")
    assert b"(CSRF)" in answer.body
    assert "(CSRF)" in CROSS_SITE_FORM.why
