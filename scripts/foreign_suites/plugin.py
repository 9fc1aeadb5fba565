"""A plug-in for another project's pytest, which puts its applications behind a policy.

`FOREIGN_MODE` names the policy, and `FOREIGN_OUTCOMES` the file that gets the outcome of each
test. The plug-in runs in the environment of that project, with the library on its path.
"""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import fastapi
import fastapi.applications
import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

ANY: dict[str, Any] = {"allow_origins": ["*"], "allow_methods": ["*"], "allow_headers": ["*"]}
POLICIES = {
    "development": CORSPolicy(**ANY, development=True),
    "development, credentials": CORSPolicy(**ANY, development=True, allow_credentials=True),
    "production": CORSPolicy(allow_origins=["https://app.example.com"], allow_credentials=True),
}
outcomes: dict[str, str] = {}


class FastAPI(CORSFastAPI):
    """FastAPI, as the tests import it, behind the policy."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(cors_policy=POLICIES[os.environ["FOREIGN_MODE"]], **arguments)


def put_starlette_behind(policy: CORSPolicy) -> None:
    """Let every application of Starlette answer behind a policy."""
    answer = Starlette.__call__

    async def behind(self: Starlette, scope: Scope, receive: Receive, send: Send) -> None:
        await CORSPolicyMiddleware(partial(answer, self), policy)(scope, receive, send)

    Starlette.__call__ = behind  # type: ignore[method-assign]


def pytest_configure() -> None:
    """Put applications behind the policy before any test imports them."""
    mode, name = os.environ.get("FOREIGN_MODE"), os.environ["FOREIGN_SUITE"]
    if mode and name == "starlette":
        put_starlette_behind(POLICIES[mode])
    elif mode:
        FastAPI.__module__ = fastapi.applications.__name__
        fastapi.FastAPI = fastapi.applications.FastAPI = FastAPI  # type: ignore[misc]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record the outcome of a test, including a failure before or after it."""
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the outcomes, in the first of several processes."""
    if not hasattr(session.config, "workerinput"):
        Path(os.environ["FOREIGN_OUTCOMES"]).write_text(json.dumps(outcomes), encoding="utf-8")
