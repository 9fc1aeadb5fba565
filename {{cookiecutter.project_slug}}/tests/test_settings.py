"""The owner's variables, as the environment sets them."""

import pytest

from app.settings import Settings


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what the settings of this environment end the process with."""
    with pytest.raises(SystemExit) as caught:
        Settings.load()
    assert caught.value.code == 3
    return capsys.readouterr().err.splitlines()


def test_unset_means_production() -> None:
    assert Settings.model_fields["fastapi_env"].default == "production"


def test_the_frontends_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTAPI_ENV", "development")
    monkeypatch.setenv("FRONTEND_ORIGINS", "https://a.example, https://*.b.example")
    assert Settings.load().frontend_origins == ["https://a.example", "https://*.b.example"]


def test_a_wrong_setting_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FASTAPI_ENV", "development")
    monkeypatch.setenv("FRONTEND_ORIGINS", "app.example.com")
    monkeypatch.setenv("MAX_BODY_SIZE", "ten")
    assert said(capsys) == [
        "FRONTEND_ORIGINS: 'app.example.com' has no scheme; write https://app.example.com",
        "MAX_BODY_SIZE: Input should be a valid integer, unable to parse string as an integer",
    ]
