"""Settings for production, and a client of a service that runs with them."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings

FRONTEND = "https://app.example.com"
# What production starts with here. Another required variable is one more line.
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
    """Keep the shell's variables out of the tests, and with FASTAPI_ENV any `.env`, too."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings() -> Settings:
    """Settings for production, validated as at its start."""
    return Settings.model_validate(PRODUCTION)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the running service; an unhandled error fails the test with its traceback."""
    with TestClient(create_app(settings)) as client:
        yield client
