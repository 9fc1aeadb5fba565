"""A FastAPI class that applies a policy."""

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from .middleware import CORSPolicyMiddleware
from .policy import CORSPolicy


class CORSFastAPI(FastAPI):
    """A FastAPI application inside `CORSPolicyMiddleware`, including its error handling.

    `cors_policy` and `cross_site_exempt` are the arguments of `CORSPolicyMiddleware`. FastAPI gets
    all others.
    """

    def __init__(
        self, *, cors_policy: CORSPolicy, cross_site_exempt: Collection[str] = (), **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self._behind_policy = CORSPolicyMiddleware(super().__call__, cors_policy, cross_site_exempt)

    @property
    def cors_policy(self) -> CORSPolicy:
        """Return the policy in force. `CORSPolicyMiddleware.policy` says what can replace it."""
        return self._behind_policy.policy

    @cors_policy.setter
    def cors_policy(self, policy: CORSPolicy) -> None:
        self._behind_policy.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request behind the policy."""
        if self.root_path:  # FastAPI does the same, but after the policy
            scope["root_path"] = self.root_path
        await self._behind_policy(scope, receive, send)
