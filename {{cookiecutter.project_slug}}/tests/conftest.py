"""Settings for production, and a client of a service with these settings."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings

FRONTEND = "https://app.example.com"
# The settings of the tests. Add a line for each required variable.
PRODUCTION: dict[str, Any] = {
    "fastapi_env": "production",
    "frontend_origins": [FRONTEND, "https://*.preview.example.com"],
    # {% if cookiecutter.__credentialed %}
    "session_secret": "a secret of the tests, 32 bytes or more",
    # {% endif %}
    # {% if cookiecutter.__bearer %}
    "auth_jwks_url": "https://id.example.com/keys",
    "auth_issuer": "https://id.example.com/",
    "auth_audience": "tests",
    # {% endif %}
}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the shell's variables. Without FASTAPI_ENV, the settings ignore `.env`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings() -> Settings:
    """Return validated settings for production."""
    return Settings.model_validate(PRODUCTION)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """Yield a client of the running service. An unhandled error fails the test."""
    with TestClient(create_app(settings)) as client:
        yield client
