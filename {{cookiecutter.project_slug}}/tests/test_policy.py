"""The policy as it is written: it is valid in each environment, and it covers every route."""

import pytest
from cors_right.routes import missing_entries
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings


def test_the_policy_covers_every_route(client: TestClient, settings: Settings) -> None:
    missing = list(missing_entries(create_app(settings), settings.cors_policy()))
    assert not missing, "\n".join(
        ["Browsers will block these requests; the policy is in app/settings.py.", *missing]
    )


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_the_policy_is_valid_in_each_environment(settings: Settings, environment: str) -> None:
    """With the listed frontends, as the environment starts where no variable replaces them."""
    values = settings.model_dump(exclude={"frontend_origins"}) | {"fastapi_env": environment}
    assert Settings(**values).cors_policy().environment == environment
