"""The tests run as in production, whatever the shell and a `.env` file say."""

import os

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings

for name in list(os.environ):
    if name.lower() in Settings.model_fields:
        del os.environ[name]

# `app.main` builds the application when it is imported, so it comes after the environment is set.
from app.main import create_app  # noqa: E402

FRONTEND = "https://app.example.com"


@pytest.fixture
def settings() -> Settings:
    """Production with one frontend, its previews and small bodies."""
    return Settings(frontend_origins=(FRONTEND, "https://*.preview.example.com"), max_body_size=10_000)


@pytest.fixture
def client(settings: Settings) -> TestClient:
    """A client that sees an unhandled error as the 500 that a browser would see."""
    return TestClient(create_app(settings), raise_server_exceptions=False)
