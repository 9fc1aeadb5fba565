"""FastAPI behind a policy."""

from collections.abc import Set
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from .cookies import has_oversized_cookies, refuse_cookies
from .cross_site_writes import CrossSiteWriteGuard
from .middleware import CORSPolicyMiddleware
from .policy import CORSPolicy
from .websockets import WebSocketGuard


class CORSFastAPI(FastAPI):
    """FastAPI with a CORS policy around everything that it does.

    `add_middleware` would put the policy inside FastAPI's own error handling, where an unhandled
    error (500) and a body over the limit (413) leave without CORS headers, and the browser reports
    a CORS error instead of them.

    Foreign pages open no WebSocket, and where the policy has credentials they write nothing, except
    to the paths in `cross_site_exempt` (`CrossSiteWriteGuard` explains these). Cookies of more than
    8 KB are refused before anything parses them. All other arguments are FastAPI's.
    """

    def __init__(
        self,
        *,
        cors_policy: CORSPolicy,
        cross_site_exempt: Set[str] = frozenset(),
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.cross_site_exempt = cross_site_exempt
        self._enforce(cors_policy)

    @property
    def cors_policy(self) -> CORSPolicy:
        """The policy in force; a new one can be assigned, and holds from the next request on.

        Raises ValueError for a policy that shares credentials outside development, because such a
        list is code or configuration that somebody reviewed, and for one that switches credentials
        on or off, because more than the policy depends on them.
        """
        return self._policy

    @cors_policy.setter
    def cors_policy(self, policy: CORSPolicy) -> None:
        if policy.shares_credentials:
            raise ValueError("a policy with credentials cannot be replaced while the service runs")
        if policy.allow_credentials != self._policy.allow_credentials:
            raise ValueError("credentials cannot be switched on or off while the service runs")
        self._enforce(policy)

    def _enforce(self, policy: CORSPolicy) -> None:
        app: ASGIApp = super().__call__
        guarded = app
        if policy.allow_credentials:
            guarded = CrossSiteWriteGuard(app, policy, self.cross_site_exempt)
        self._policy = policy
        self._answers: dict[str, ASGIApp] = {
            "http": CORSPolicyMiddleware(guarded, policy),
            "websocket": WebSocketGuard(app, policy),
            "lifespan": app,
            "oversized": CORSPolicyMiddleware(refuse_cookies, policy),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request behind the policy."""
        kind = "oversized" if has_oversized_cookies(scope) else scope["type"]
        await self._answers[kind](scope, receive, send)
