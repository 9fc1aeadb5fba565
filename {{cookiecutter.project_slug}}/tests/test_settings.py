"""The owner's variables, as the environment sets them."""

import pytest
from fastapi.testclient import TestClient

from app.application import create_app
from app.dependencies import SettingsDep
from app.settings import Settings
from tests.conftest import FRONTEND, PRODUCTION


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what the settings of this environment end the process with."""
    with pytest.raises(SystemExit) as caught:
        Settings.load()
    assert caught.value.code == 3
    return capsys.readouterr().err.splitlines()


def test_unset_means_production() -> None:
    assert Settings.model_fields["fastapi_env"].default == "production"


def test_the_frontends_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", "https://a.example, https://*.b.example")
    others = {name: PRODUCTION[name] for name in PRODUCTION if name != "frontend_origins"}
    settings = Settings.model_validate(others)
    assert settings.frontend_origins == ["https://a.example", "https://*.b.example"]


def test_routes_read_the_settings_of_their_application() -> None:
    app = create_app(Settings.model_validate(PRODUCTION | {"max_body_size": 7}))

    @app.get("/limit")
    async def limit(settings: SettingsDep) -> int:
        return settings.max_body_size

    assert TestClient(app).get("/limit").json() == 7


def test_wrong_settings_are_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", "app.example.com")
    monkeypatch.setenv("MAX_BODY_SIZE", "ten")
    lines = said(capsys)
    (origins,) = [line for line in lines if line.startswith("FRONTEND_ORIGINS: 'app.example.com' ")]
    assert origins.endswith("Write https://app.example.com")
    assert "MAX_BODY_SIZE: Input should be a valid integer, " in str(lines)


def test_a_service_with_names_refuses_others() -> None:
    settings = Settings.model_validate(PRODUCTION | {"allowed_hosts": ["api.example.com"]})
    client = TestClient(create_app(settings), headers={"Origin": FRONTEND})
    for host, status in (("api.example.com", 200), ("127.0.0.1:8000", 200), ("evil.example", 400)):
        response = client.get("/health", headers={"Host": host})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == FRONTEND


@pytest.mark.parametrize(("serve_docs", "status"), [(True, 200), (False, 404)])
def test_the_docs_can_be_switched_off(serve_docs: bool, status: int) -> None:
    settings = Settings.model_validate(PRODUCTION | {"serve_docs": serve_docs})
    client = TestClient(create_app(settings))
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == status
