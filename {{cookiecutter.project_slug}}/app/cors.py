"""The CORS policy of the service, and the application class that applies it to every response."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import cors
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.origins import MAX_LENGTH, Origin, OriginError, parse_origin, require_secure
from app.public_suffixes import require_own_domain

Environment = Literal["development", "staging", "production"]

ANY = ("*",)


@dataclass(frozen=True, kw_only=True)
class CorsPolicy:
    """Which frontends may read the service's responses, and which requests they may send.

    The fields are the arguments of Starlette's CORSMiddleware, save that `allow_origins` takes patterns
    too (see `app.origins`); `max_age` is in seconds. `str()` is the line that the service logs at start.

    Raises ValueError, with a line for each problem, for origins that are none, and, with credentials
    outside development, for origins that would let strangers in (`check_origins`).
    """

    environment: Environment
    allow_origins: tuple[str, ...]
    allow_credentials: bool
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    max_age: int

    def __post_init__(self) -> None:
        canonical = check_origins(
            self.allow_origins, self.environment, allow_credentials=self.allow_credentials
        )
        object.__setattr__(self, "allow_origins", canonical)

    @cached_property
    def _origins(self) -> list[Origin]:
        return (
            [] if self.allow_origins == ANY else [parse_origin(text) for text in self.allow_origins]
        )

    @cached_property
    def exact(self) -> frozenset[str]:
        """The allowed origins that are spelled out."""
        return frozenset(str(origin) for origin in self._origins if not origin.is_pattern)

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """One expression for all patterns of allowed origins, if there are any."""
        expressions = [origin.regex for origin in self._origins if origin.is_pattern]
        return re.compile(rf"\A(?:{'|'.join(expressions)})\Z") if expressions else None

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin, as browsers send it, may call the service."""
        if len(origin) > MAX_LENGTH:
            return False
        if self.allow_origins == ANY or origin in self.exact:
            return True
        return self.pattern is not None and self.pattern.match(origin) is not None

    def __str__(self) -> str:
        patterns = sum(origin.is_pattern for origin in self._origins)
        counts = {"origin": len(self._origins) - patterns, "pattern": patterns}
        listed = ", ".join(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items() if n)
        who = "any origin" if self.allow_origins == ANY else listed or "no origins"
        return f"CORS {self.environment}: {who}, credentials {'on' if self.allow_credentials else 'off'}"


def check_origins(
    texts: Iterable[str], environment: Environment, *, allow_credentials: bool
) -> tuple[str, ...]:
    """Return an allow-list in canonical form, each entry once; `*` alone is one too.

    With credentials, outside development, nothing is allowed for which a stranger could speak: `*`, http://
    (on loopback: in production only) and patterns below a public suffix. Raises ValueError with a line for
    each problem.
    """
    texts = [*texts]
    strict = allow_credentials and environment != "development"
    if [text.strip() for text in texts] == ["*"]:
        if strict:
            raise ValueError(
                "'*' would let every website use the visitor's credentials; list the frontends"
            )
        return ANY
    origins: list[str] = []
    problems: list[str] = []
    for text in texts:
        try:
            origin = parse_origin(text)
            if strict:
                require_secure(origin, allow_loopback=environment == "staging")
                require_own_domain(origin)
            origins.append(str(origin))
        except OriginError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(dict.fromkeys(origins))


class CORSMiddleware(cors.CORSMiddleware):
    """Starlette's CORSMiddleware for a policy, with one verdict for each response.

    An origin that is not allowed gets no `Access-Control-*` header at all, and its preflight a bare 403.
    Such headers of the application's own are dropped, so that a mounted application cannot widen the
    policy. `Vary` names Origin once.
    """

    def __init__(self, app: ASGIApp, policy: CorsPolicy) -> None:
        super().__init__(
            app,
            allow_origins=policy.allow_origins,
            allow_credentials=policy.allow_credentials,
            allow_methods=policy.allow_methods,
            allow_headers=policy.allow_headers,
            expose_headers=policy.expose_headers,
            max_age=policy.max_age,
        )
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None or self.is_allowed_origin(origin):
            await super().__call__(scope, receive, send)
        elif scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            refusal = PlainTextResponse("Origin not allowed", 403, headers={"Vary": "Origin"})
            await refusal(scope, receive, send)
        else:
            # As for a request without Origin, to which Starlette adds nothing but Vary.
            await self.simple_response(scope, receive, send, request_headers=Headers())

    def is_allowed_origin(self, origin: str) -> bool:
        """Ask the policy, as the other middleware does."""
        return self.policy.allows(origin)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Send a message of the application, with the policy's headers and no others of their kind."""
        if message["type"] == "http.response.start":
            # Names of mounted applications may be in upper case, against the ASGI specification: Django's are.
            lower = [(name.lower(), value) for name, value in message.get("headers", ())]
            message["headers"] = [
                item for item in lower if not item[0].startswith(b"access-control-")
            ]
            headers = MutableHeaders(scope=message)
            vary = [name.strip() for line in headers.getlist("vary") for name in line.split(",")]
            del headers["vary"]
            if others := [name for name in vary if name.lower() not in ("", "origin")]:
                headers["Vary"] = ", ".join(others)
        await super().send(message, send, request_headers)


class CorsFastAPI(FastAPI):
    """A FastAPI application with its CORS policy around everything else.

    `add_middleware` would put it inside FastAPI's own error handling, where an unhandled error (500) and a
    body over the limit (413) leave without CORS headers, and the browser reports a CORS error instead of
    them.
    """

    def __init__(self, *, cors_policy: CorsPolicy, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.cors_policy = cors_policy

    def build_middleware_stack(self) -> ASGIApp:
        """Wrap FastAPI's stack, error handling included."""
        return CORSMiddleware(super().build_middleware_stack(), self.cors_policy)
