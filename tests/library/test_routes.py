"""Findings of the route check in an application, its routers and its mounted applications."""

from typing import Annotated

import pytest
from cors_right import CORSPolicy
from cors_right.diagnostics.routes import missing_entries
from fastapi import APIRouter, Depends, FastAPI, Header
from fastapi.security import APIKeyHeader, APIKeyQuery, HTTPBearer
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Host, Mount, Route, WebSocketRoute

from tests.support.words import missing

router = APIRouter()


@router.api_route("/method", methods=["QUERY", "GET"])
async def method() -> None: ...


@router.get("/request-header")
async def request_header(
    x_tenant: Annotated[str, Header()], accept: Annotated[str, Header()]
) -> None: ...


class Tracing(BaseModel):
    traceparent: str


@router.get("/header-model")
async def header_model(tracing: Annotated[Tracing, Header()]) -> None: ...


@router.get("/undocumented", include_in_schema=False)
async def undocumented(x_tenant: Annotated[str, Header()]) -> None: ...


@router.get("/key", dependencies=[Depends(APIKeyHeader(name="X-Key"))])
async def api_key() -> None: ...


@router.get("/key-in-query", dependencies=[Depends(APIKeyQuery(name="key"))])
async def query_key() -> None: ...


@router.get("/token", dependencies=[Depends(HTTPBearer())])
async def token() -> None: ...


@router.get("/file")
async def file() -> FileResponse:
    return FileResponse("")


@router.get("/file-class", response_class=FileResponse)
async def file_by_class() -> None: ...


@router.get("/cookie")
async def cookie(
    cookie: Annotated[str, Header()], user_agent: Annotated[str, Header()]
) -> None: ...


@router.get(
    "/response-header",
    responses={
        200: {
            "headers": {
                name: {"schema": {"type": "string"}}
                for name in ("X-Total", "Expires", "Set-Cookie", "Location")
            }
        }
    },
)
async def response_header() -> None: ...


MISSING = [
    f"{route}: {missing(name, argument)}"
    for route, name, argument in (
        ("GET {}/file", "Accept-Ranges", "expose_headers"),
        ("GET {}/file", "Content-Disposition", "expose_headers"),
        ("GET {}/file", "Content-Range", "expose_headers"),
        ("GET {}/file-class", "Accept-Ranges", "expose_headers"),
        ("GET {}/file-class", "Content-Disposition", "expose_headers"),
        ("GET {}/file-class", "Content-Range", "expose_headers"),
        ("GET {}/header-model", "traceparent", "allow_headers"),
        ("GET {}/key", "X-Key", "allow_headers"),
        ("QUERY {}/method", "QUERY", "allow_methods"),
        ("GET {}/request-header", "x-tenant", "allow_headers"),
        ("GET {}/response-header", "X-Total", "expose_headers"),
        ("GET {}/token", "Authorization", "allow_headers"),
        ("GET {}/undocumented", "x-tenant", "allow_headers"),
    )
]
POLICY = CORSPolicy(allow_methods=["GET"], expose_headers=["location"])


def included() -> Starlette:
    app, outer = FastAPI(), APIRouter()
    outer.include_router(router, prefix="/part")
    app.include_router(outer)
    return app


def fastapi_application() -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    return app


def mounted() -> Starlette:
    app = FastAPI()
    app.mount("/part", fastapi_application())
    return app


def mounted_twice() -> Starlette:
    inner = FastAPI()
    inner.mount("/part", fastapi_application())
    app = FastAPI()
    app.mount("", inner)
    return app


def mounted_behind_middleware() -> Starlette:
    zipped = Middleware(GZipMiddleware)
    return Starlette(routes=[Mount("/part", fastapi_application(), middleware=[zipped])])


def mounted_in_a_router() -> Starlette:
    outer = APIRouter()
    outer.routes.append(Mount("/part", fastapi_application()))
    app = FastAPI()
    app.include_router(outer)
    return app


def for_a_host() -> Starlette:
    return Starlette(routes=[Host("api.example.com", mounted())])


@pytest.mark.parametrize(
    "application",
    [included, mounted, mounted_twice, mounted_behind_middleware, mounted_in_a_router, for_a_host],
)
def test_check_finds_entries_that_policy_lacks(application: type[Starlette]) -> None:
    found = [line for line in missing_entries(application(), POLICY) if "/part" in line]
    assert found == [line.format("/part") for line in MISSING]


def test_check_accepts_a_complete_policy() -> None:
    policy = CORSPolicy(
        allow_methods=["GET", "QUERY"],
        allow_headers=["X-TENANT", "x-key", "authorization", "Traceparent"],
        expose_headers=[
            *("Location", "x-total"),
            *("accept-ranges", "content-disposition", "content-range"),
        ],
    )
    assert list(missing_entries(included(), policy)) == []
    anything = CORSPolicy(
        development=True, allow_methods=["*"], allow_headers=["*"], expose_headers=["*"]
    )
    assert list(missing_entries(included(), anything)) == []


def test_check_reads_routes_of_starlette() -> None:
    async def answer(request: Request) -> Response:
        return Response()

    routes = [Route("/a", answer, methods=["PATCH"]), WebSocketRoute("/ws", answer)]
    app = Starlette(routes=[Mount("/b", routes=routes), Mount("/c", Response())])
    assert list(missing_entries(app, POLICY)) == [
        f"PATCH /b/a: {missing('PATCH', 'allow_methods')}"
    ]


def test_check_changes_nothing() -> None:
    app = fastapi_application()
    before = app.openapi()
    list(missing_entries(app, POLICY))
    app.openapi_schema = None
    assert app.openapi() == before
    assert "/undocumented" not in before["paths"]
