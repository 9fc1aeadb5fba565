"""The policy of each environment: it is valid, and it covers every route."""

import pytest
from cors_right.diagnostics.routes import missing_entries

from app.application import create_app
from app.settings import Settings

ENVIRONMENTS = Settings.environments()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_policy_covers_every_route(settings: Settings, environment: str) -> None:
    policy = settings.model_copy(update={"fastapi_env": environment}).cors_policy()
    missing = list(missing_entries(create_app(settings), policy))
    assert not missing, "\n".join(
        ["Browsers will block these requests; the policy is in app/settings.py.", *missing]
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_policy_is_valid(settings: Settings, environment: str) -> None:
    """Check the list in app/settings.py instead of the origins of the tests."""
    values = settings.model_dump(exclude={"frontend_origins"}) | {"fastapi_env": environment}
    Settings(**values)
