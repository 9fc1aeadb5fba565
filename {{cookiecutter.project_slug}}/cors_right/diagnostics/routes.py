"""The routes of an application, compared with a policy or a request."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, get_type_hints
from urllib.parse import unquote

from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute

from ..policy import ANY, CORSPolicy
from ..standard import FORBIDDEN_REQUEST_HEADER, SAFELISTED_REQUEST_HEADERS, needs_exposing
from .service import guard_of, layers

WEBSOCKET = "WebSocket"  # the method of a handshake in the log
PARAMETER = re.compile(r"\\\{.+?(:path)?\\\}")  # of a path, escaped
# Browsers send these by themselves.
SENT_ANYWAY = {"user-agent", *map(str.lower, SAFELISTED_REQUEST_HEADERS)}
# Of a `FileResponse`: its name, and the headers for pages that read ranges, such as pdf.js.
FILE_HEADERS = ("Accept-Ranges", "Content-Disposition", "Content-Range")


class DocumentedRoute(RouteContext):
    """A route for the OpenAPI document, because frontends also call undocumented routes."""

    include_in_schema = True


def missing_entries(app: Starlette, policy: CORSPolicy) -> Iterator[str]:
    """Yield what the policy needs before pages of other origins can use each route.

    It checks the methods of every route, and the headers that FastAPI's routes declare: parameters
    of `Header()`, security schemes, and `headers` in `responses`. For a declared `FileResponse`, it
    checks the headers for name and ranges. It includes mounted applications, and reports paths in
    `cross_site_exempt` that no route has. It yields lines such as
    `GET /orders: add "X-Tenant" to allow_headers`.
    """
    needs = sorted(set(_needs(app.routes, "")))
    for path, method, argument, name in needs:
        entries = getattr(policy, argument)
        if entries != ANY and name.lower() not in map(str.lower, entries):
            yield f'{method} {path}: add "{name}" to {argument}'
    guard, paths = guard_of(app), {path for path, *_ in needs}
    for path in sorted(guard.cross_site_exempt - paths if guard else ()):
        yield f"{path}: no route has this path. Correct or remove it in cross_site_exempt"


def methods_at(app: Any, path: str) -> set[str]:
    """Return the methods of the routes at a path, including "WebSocket". "*" means any method."""
    path = unquote(path).removeprefix(getattr(app, "root_path", ""))
    found = set()
    for route, methods in _endpoints(app):
        pattern = PARAMETER.sub(lambda part: ".*" if part[1] else "[^/]+", re.escape(route))
        found |= methods if re.fullmatch(pattern, path) else set()
    return found


def missing_route(app: Any, method: str, path: str) -> str:
    """Return a message with the nearest match if no route accepts a request, or an empty text."""
    methods = methods_at(app, path)
    if methods & {method, "*"}:
        return ""
    if methods:
        return f"{path} accepts {', '.join(sorted(methods))}, but not {method}"
    near = get_close_matches(path, [route for route, _ in _endpoints(app)], 1)
    return f"no route has the path {path}" + (f". Did you mean {near[0]}?" if near else "")


def _endpoints(app: Any) -> Iterator[tuple[str, set[str]]]:
    """Yield the path and methods of each route, or any path and method if routes are unknown."""
    routes = next(filter(None, (getattr(layer, "routes", None) for layer in layers(app))), ())
    for context in iter_route_contexts(routes):
        path, route = context.path or "", context.original_route
        if isinstance(route, WebSocketRoute):
            yield path, {WEBSOCKET}
        elif isinstance(route, Route):
            yield path, context.methods or {"*"}
        else:
            yield from ((path + below, methods) for below, methods in _endpoints(route))
    if not routes:
        yield "/{rest:path}", {"*"}


def _needs(routes: Sequence[BaseRoute], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield path, method, the policy's argument, and the entry that the argument needs."""
    contexts = list(iter_route_contexts(routes))
    for context in contexts:
        path = f"{prefix}{context.path or ''}"
        returns_file = _returns_file(context.original_route)
        # Browsers need no entry for HEAD, and Starlette adds it to every GET.
        for method in set(context.methods or ()) - {"HEAD"}:
            yield path, method, "allow_methods", method
            for name in FILE_HEADERS if returns_file else ():
                yield path, method, "expose_headers", name
        if isinstance(context.original_route, Mount | Host):
            yield from _needs(context.routes, path)

    documented = [DocumentedRoute(**vars(context)) for context in contexts]
    with warnings.catch_warnings(action="ignore"):  # they concern the document alone
        document = get_openapi(title="", version="", routes=documented)
    schemes = document.get("components", {}).get("securitySchemes", {})
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for name in _request_headers(operation, schemes):
                if not FORBIDDEN_REQUEST_HEADER.fullmatch(name) and name.lower() not in SENT_ANYWAY:
                    yield prefix + path, method.upper(), "allow_headers", name
            for answer in operation["responses"].values():
                for name in filter(needs_exposing, answer.get("headers", ())):
                    yield prefix + path, method.upper(), "expose_headers", name


def _returns_file(route: BaseRoute) -> bool:
    """Return whether a route's response class or its function's annotation is a FileResponse."""
    kinds = [getattr(route, "response_class", None)]
    with suppress(NameError, TypeError):  # no readable annotation
        kinds.append(get_type_hints(getattr(route, "endpoint", None)).get("return"))
    return any(isinstance(kind, type) and issubclass(kind, FileResponse) for kind in kinds)


def _request_headers(operation: dict[str, Any], schemes: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header":
            yield parameter["name"]
    for name in (name for security in operation.get("security", ()) for name in security):
        if schemes[name]["type"] != "apiKey":
            yield "Authorization"
        elif schemes[name]["in"] == "header":
            yield schemes[name]["name"]
