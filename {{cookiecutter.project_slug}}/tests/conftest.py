"""The tests bring their own environment, whatever the shell and a `.env` file say."""

import os
from contextlib import chdir
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings

for name in list(os.environ):
    if name.lower() in Settings.model_fields:
        del os.environ[name]
os.environ["FASTAPI_ENV"] = "development"  # which needs no secrets

# `app.main` builds the application when it is imported: now, and where no .env is.
with chdir(Path(__file__).parent):
    from app.main import create_app

FRONTEND = "https://app.example.com"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in a folder without a `.env`."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings() -> Settings:
    """Production with one frontend, its previews and small bodies, and without its secrets."""
    development = Settings(
        frontend_origins=(FRONTEND, "https://*.preview.example.com"), max_body_size=10_000
    )
    return development.model_copy(update={"fastapi_env": "production"})


@pytest.fixture
def client(settings: Settings) -> TestClient:
    """A client that sees an unhandled error as the 500 that a browser would see."""
    return TestClient(create_app(settings), raise_server_exceptions=False)
