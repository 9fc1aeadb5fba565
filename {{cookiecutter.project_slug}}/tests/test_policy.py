"""The policy as it is written: it covers the routes, and nothing in it is useless or too wide."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, get_args

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from fastapi.security import APIKeyHeader, HTTPBearer

from app.cors import CorsPolicy, Environment, check_origins
from app.main import create_app
from app.settings import ALLOW_CREDENTIALS, FRONTEND_ORIGINS, Settings

# Names after the Fetch standard: "forbidden request-header", "CORS-safelisted request-header" (and User-Agent, which
# browsers send by themselves), and what a page reads, or never reads, whatever is exposed.
FORBIDDEN_HEADER = re.compile(
    r"accept-(charset|encoding)|access-control-.*|connection|content-length|cookie2?|date|dnt|expect|host"
    r"|keep-alive|origin|proxy-.*|referer|sec-.*|set-cookie|te|trailer|transfer-encoding|upgrade|via"
)
SAFELISTED_HEADER = re.compile(r"accept|accept-language|content-(language|type)|user-agent")
READABLE_HEADER = re.compile(
    r"cache-control|content-(language|length|type)|expires|last-modified|pragma"
)
UNREADABLE_HEADER = re.compile(r"set-cookie2?|access-control-.*")


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
            request = {
                item["name"] for item in operation.get("parameters", ()) if item["in"] == "header"
            }
            for name in (name for security in operation.get("security", ()) for name in security):
                if schemes[name]["type"] != "apiKey":
                    request.add("Authorization")
                elif schemes[name]["in"] == "header":
                    request.add(schemes[name]["name"])
            response = {
                name
                for answer in operation["responses"].values()
                for name in answer.get("headers", ())
            }
            for name in sorted(request):
                given = FORBIDDEN_HEADER.fullmatch(name.lower()) or SAFELISTED_HEADER.fullmatch(
                    name.lower()
                )
                if not given and name.lower() not in allowed:
                    yield f'{method.upper()} {path}: add "{name}" to ALLOW_HEADERS in app/settings.py'
            for name in sorted(response):
                given = READABLE_HEADER.fullmatch(name.lower()) or UNREADABLE_HEADER.fullmatch(
                    name.lower()
                )
                if not given and name.lower() not in exposed:
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


@broken.get(
    "/response-header", responses={200: {"headers": {"X-Total": {"schema": {"type": "integer"}}}}}
)
async def response_header() -> None: ...


def test_a_route_that_the_policy_does_not_cover_is_found(settings: Settings) -> None:
    app = create_app(settings)
    outer = APIRouter()
    outer.include_router(broken, prefix="/broken")
    app.include_router(outer)
    policy = replace(
        settings.cors_policy, allow_methods=("GET",), allow_headers=(), expose_headers=()
    )
    assert sorted(line for line in missing_entries(app, policy) if "/broken" in line) == [
        'GET /broken/api-key: add "X-Key" to ALLOW_HEADERS in app/settings.py',
        'GET /broken/request-header: add "x-tenant" to ALLOW_HEADERS in app/settings.py',
        'GET /broken/response-header: add "X-Total" to EXPOSE_HEADERS in app/settings.py',
        'GET /broken/token: add "Authorization" to ALLOW_HEADERS in app/settings.py',
        'GET /broken/undocumented: add "x-tenant" to ALLOW_HEADERS in app/settings.py',
        'QUERY /broken/method: add "QUERY" to ALLOW_METHODS in app/settings.py',
    ]


def faults(policy: CorsPolicy) -> Iterator[str]:
    """Say which entries of the policy can never work, or open what must stay closed."""
    for name in (*policy.allow_methods, *policy.allow_headers, *policy.expose_headers):
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            yield f"{name!r} is no name: a malformed one spoils the whole list"
    for method in policy.allow_methods:
        if method.upper() in ("CONNECT", "TRACE", "TRACK"):
            yield f"{method}: browsers never send it"
        elif (
            method.upper() in ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
            and not method.isupper()
        ):
            yield f"{method}: browsers send {method.upper()}"
    for name in policy.allow_headers:
        if FORBIDDEN_HEADER.fullmatch(name.lower()):
            yield f"{name}: pages cannot set it"
    for name in policy.expose_headers:
        if UNREADABLE_HEADER.fullmatch(name.lower()):
            yield f"{name}: pages cannot read it"
        if name == "*" and policy.allow_credentials:
            yield "*: with credentials it stands for nothing but itself"
    if not -1 <= policy.max_age <= 86400:
        yield f"max_age={policy.max_age}: it is in seconds, at most 86400, and -1 keeps nothing"


@pytest.mark.parametrize("environment", get_args(Environment))
def test_the_policy_has_no_faults(settings: Settings, environment: Environment) -> None:
    assert not list(faults(settings.model_copy(update={"fastapi_env": environment}).cors_policy))


def test_the_listed_frontends_let_production_start() -> None:
    check_origins(FRONTEND_ORIGINS, "production", allow_credentials=ALLOW_CREDENTIALS)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"allow_methods": ("GET POST",)},
            "'GET POST' is no name: a malformed one spoils the whole list",
        ),
        (
            {"allow_headers": ("X Foo",)},
            "'X Foo' is no name: a malformed one spoils the whole list",
        ),
        ({"expose_headers": ("",)}, "'' is no name: a malformed one spoils the whole list"),
        ({"allow_methods": ("Trace",)}, "Trace: browsers never send it"),
        ({"allow_methods": ("delete",)}, "delete: browsers send DELETE"),
        ({"allow_headers": ("Cookie",)}, "Cookie: pages cannot set it"),
        ({"allow_headers": ("Sec-Fetch-Site",)}, "Sec-Fetch-Site: pages cannot set it"),
        ({"expose_headers": ("Set-Cookie",)}, "Set-Cookie: pages cannot read it"),
        (
            {"expose_headers": ("*",), "allow_credentials": True},
            "*: with credentials it stands for nothing but itself",
        ),
        (
            {"max_age": 86401},
            "max_age=86401: it is in seconds, at most 86400, and -1 keeps nothing",
        ),
    ],
)
def test_a_fault_is_found(settings: Settings, changes: dict[str, Any], fault: str) -> None:
    assert list(faults(replace(settings.cors_policy, **changes))) == [fault]


@pytest.mark.parametrize(
    ("environment", "origin", "reason"),
    [
        ("production", "*", "every website"),
        ("production", " *", "every website"),
        ("production", "http://app.example.com", "is not https"),
        ("staging", "http://app.example.com", "is not https"),
        ("production", "http://localhost:3000", "development allows it unlisted"),
        ("production", "https://*.co.uk", "anyone who registers a name below co.uk"),
        ("production", "https://*.github.io", "anyone who registers a name below github.io"),
        (
            "production",
            "https://*.amazonaws.com",
            "anyone who registers a name below amazonaws.com",
        ),
        ("staging", "http://localhost:3000", None),
        ("development", "http://app.example.com", None),
        ("production", "https://*.example.co.uk", None),
        ("production", "https://localhost", None),
        ("production", "capacitor://localhost", None),
    ],
)
def test_with_credentials_no_stranger_is_let_in(
    settings: Settings, environment: Environment, origin: str, reason: str | None
) -> None:
    changes: dict[str, Any] = {"environment": environment, "allow_origins": (origin,)}
    policy = settings.cors_policy
    assert replace(policy, **changes, allow_credentials=False).allow_origins == (origin.strip(),)
    if reason is None:
        assert replace(policy, **changes, allow_credentials=True).allow_origins == (origin,)
    else:
        with pytest.raises(ValueError, match=reason):
            replace(policy, **changes, allow_credentials=True)
