"""The policy as it is written: it can start in each environment, and it covers every route."""

from typing import get_args

import pytest

from app.cors.policy import Environment, make_allow_list
from app.cors.routes import missing_entries
from app.main import create_app
from app.settings import ALLOW_CREDENTIALS, FRONTEND_ORIGINS, Settings


def test_the_policy_covers_every_route(settings: Settings) -> None:
    missing = list(missing_entries(create_app(settings), settings.cors_policy))
    assert not missing, "\n".join(
        ["Browsers will block these requests; the policy is in app/settings.py.", *missing]
    )


@pytest.mark.parametrize("environment", get_args(Environment))
def test_the_policy_is_valid_in_each_environment(
    settings: Settings, environment: Environment
) -> None:
    policy = settings.model_copy(update={"fastapi_env": environment}).cors_policy
    assert policy.environment == environment


def test_the_listed_frontends_let_production_start() -> None:
    make_allow_list(FRONTEND_ORIGINS, "production", allow_credentials=ALLOW_CREDENTIALS)
