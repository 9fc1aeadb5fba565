"""The policy, seen through responses, and held against the application's own routes."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi.testclient import TestClient

from app.cors import CorsPolicy
from app.main import create_app
from app.settings import Settings
from tests.conftest import FRONTEND

ALLOWED = [FRONTEND, "https://pr-7.preview.example.com", "https://a.b.preview.example.com"]
REFUSED = [
    "null",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://appXexample.com",
    "https://preview.example.com",
    "https://evilpreview.example.com",
    "https://evil.example/.preview.example.com",
]


def cors_headers(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", ALLOWED)
def test_an_allowed_origin_reads_the_response(client: TestClient, origin: str) -> None:
    response = client.get("/health", headers={"Origin": origin})
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", REFUSED)
def test_a_refused_origin_gets_no_cors_header(client: TestClient, origin: str) -> None:
    response = client.get("/health", headers={"Origin": origin})
    assert (cors_headers(response.headers), response.headers["Vary"]) == ({}, "Origin")
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    response = client.options("/health", headers=preflight)
    assert (response.status_code, cors_headers(response.headers)) == (403, {})


def test_a_preflight_tells_the_policy(client: TestClient, settings: Settings) -> None:
    policy = settings.cors_policy
    for method in policy.allow_methods:
        preflight = {
            "Origin": FRONTEND,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(sorted(name.lower() for name in policy.allow_headers)),
        }
        response = client.options("/notes", headers=preflight)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == FRONTEND
        assert response.headers["Access-Control-Max-Age"] == "7200"


def test_errors_are_readable_too(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError

    client = TestClient(app, raise_server_exceptions=False)
    too_large = b"x" * (settings.max_body_size + 1)
    responses = [
        client.get("/nowhere", headers={"Origin": FRONTEND}),
        client.delete("/health", headers={"Origin": FRONTEND}),
        client.post("/notes", headers={"Origin": FRONTEND}, content=too_large),
        client.post("/notes", headers={"Origin": FRONTEND}, json={}),
        client.get("/boom", headers={"Origin": FRONTEND}),
    ]
    assert [response.status_code for response in responses] == [404, 405, 413, 422, 500]
    assert {response.headers["Access-Control-Allow-Origin"] for response in responses} == {FRONTEND}


def test_development_allows_any_origin() -> None:
    client = TestClient(create_app(Settings(fastapi_env="development")))
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}
    response = client.options("/notes", headers=headers | {"Access-Control-Request-Headers": "x-anything"})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] in ("*", "http://localhost:3000")
    assert response.headers["Access-Control-Max-Age"] == "0"


# What a browser sends and reads without being allowed to (Fetch standard, sections 2.2.2 and 3.2), and what
# it sends by itself, whatever a page sets.
NO_ENTRY_NEEDED = re.compile(
    r"accept|accept-(charset|encoding|language)|access-control-.*|connection|content-(language|length|type)"
    r"|cookie2?|date|dnt|expect|host|keep-alive|origin|proxy-.*|range|referer|sec-.*|set-cookie|te|trailer"
    r"|transfer-encoding|upgrade|user-agent|via"
)
ALWAYS_READABLE = re.compile(
    r"cache-control|content-(language|length|type)|expires|last-modified|pragma|set-cookie"
)


def missing_entries(app: FastAPI, policy: CorsPolicy) -> Iterator[str]:
    """Say, for each route, what has to be added to the policy before a frontend can use it."""
    contexts = list(iter_route_contexts(app.routes))
    for context in contexts:
        for method in sorted(context.methods or ()):
            if method not in policy.allow_methods:
                yield f'{method} {context.path}: add "{method}" to ALLOW_METHODS in app/settings.py'
        context.__dict__["include_in_schema"] = True  # frontends call undocumented routes too

    allowed = {name.lower() for name in policy.allow_headers}
    exposed = {name.lower() for name in policy.expose_headers}
    document = get_openapi(title="", version="", routes=contexts)
    schemes = document.get("components", {}).get("securitySchemes", {})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            request = {item["name"] for item in operation.get("parameters", ()) if item["in"] == "header"}
            for name in (name for security in operation.get("security", ()) for name in security):
                if schemes[name]["type"] != "apiKey":
                    request.add("Authorization")
                elif schemes[name]["in"] == "header":
                    request.add(schemes[name]["name"])
            response = {
                name for answer in operation["responses"].values() for name in answer.get("headers", ())
            }
            for name in sorted(request):
                if not NO_ENTRY_NEEDED.fullmatch(name.lower()) and name.lower() not in allowed:
                    yield f'{method.upper()} {path}: add "{name}" to ALLOW_HEADERS in app/settings.py'
            for name in sorted(response):
                if not ALWAYS_READABLE.fullmatch(name.lower()) and name.lower() not in exposed:
                    yield f'{method.upper()} {path}: add "{name}" to EXPOSE_HEADERS in app/settings.py'


def test_the_policy_covers_every_route(settings: Settings) -> None:
    missing = list(missing_entries(create_app(settings), settings.cors_policy))
    assert not missing, "\n".join(["Browsers will block these requests:", *missing])


broken = APIRouter()


@broken.api_route("/method", methods=["QUERY"])
async def method() -> None: ...


@broken.get("/request-header")
async def request_header(x_tenant: Annotated[str, Header()]) -> None: ...


@broken.get("/undocumented", include_in_schema=False)
async def undocumented(x_tenant: Annotated[str, Header()]) -> None: ...


@broken.get("/api-key", dependencies=[Depends(APIKeyHeader(name="X-Key"))])
async def api_key() -> None: ...


@broken.get("/token", dependencies=[Depends(HTTPBearer())])
async def token() -> None: ...


@broken.get("/response-header", responses={200: {"headers": {"X-Total": {"schema": {"type": "integer"}}}}})
async def response_header() -> None: ...


def test_a_route_that_the_policy_does_not_cover_is_found(settings: Settings) -> None:
    app = create_app(settings)
    outer = APIRouter()
    outer.include_router(broken, prefix="/broken")
    app.include_router(outer)
    policy = replace(settings.cors_policy, allow_headers=("Content-Type", "Idempotency-Key"))
    assert sorted(missing_entries(app, policy)) == [
        'GET /broken/api-key: add "X-Key" to ALLOW_HEADERS in app/settings.py',
        'GET /broken/request-header: add "x-tenant" to ALLOW_HEADERS in app/settings.py',
        'GET /broken/response-header: add "X-Total" to EXPOSE_HEADERS in app/settings.py',
        'GET /broken/token: add "Authorization" to ALLOW_HEADERS in app/settings.py',
        'GET /broken/undocumented: add "x-tenant" to ALLOW_HEADERS in app/settings.py',
        'QUERY /broken/method: add "QUERY" to ALLOW_METHODS in app/settings.py',
    ]
