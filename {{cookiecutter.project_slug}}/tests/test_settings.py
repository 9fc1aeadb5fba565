"""Settings that environment variables set."""

import pytest
from fastapi.testclient import TestClient

from app.application import create_app
from app.dependencies import SettingsDep
from app.settings import Settings
from tests.conftest import FRONTEND, PRODUCTION


def startup_problems(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines that wrong settings print before they end the process."""
    with pytest.raises(SystemExit) as caught:
        Settings.load()
    assert caught.value.code == 3
    return capsys.readouterr().err.splitlines()


def test_unset_environment_means_production() -> None:
    assert Settings.model_fields["fastapi_env"].default == "production"


def test_variable_replaces_the_frontends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", "https://a.example, https://*.b.example")
    others = {name: PRODUCTION[name] for name in PRODUCTION if name != "frontend_origins"}
    settings = Settings.model_validate(others)
    assert settings.frontend_origins == ["https://a.example", "https://*.b.example"]


def test_route_reads_settings_of_its_application() -> None:
    app = create_app(Settings.model_validate(PRODUCTION | {"max_body_size": 7}))

    @app.get("/limit")
    async def limit(settings: SettingsDep) -> int:
        return settings.max_body_size

    assert TestClient(app).get("/limit").json() == 7


def test_wrong_settings_print_corrections(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", "app.example.com")
    monkeypatch.setenv("MAX_BODY_SIZE", "ten")
    lines = startup_problems(capsys)
    (origins,) = [line for line in lines if line.startswith("FRONTEND_ORIGINS: 'app.example.com' ")]
    assert origins.endswith("Write https://app.example.com")
    assert "MAX_BODY_SIZE: Input should be a valid integer, " in str(lines)


def test_unknown_host_gets_400() -> None:
    settings = Settings.model_validate(PRODUCTION | {"allowed_hosts": ["api.example.com"]})
    client = TestClient(create_app(settings), headers={"Origin": FRONTEND})
    for host, status in (("api.example.com", 200), ("127.0.0.1:8000", 200), ("evil.example", 400)):
        response = client.get("/health", headers={"Host": host})
        assert response.status_code == status
        assert response.headers["Access-Control-Allow-Origin"] == FRONTEND


@pytest.mark.parametrize(("serve_docs", "status"), [(True, 200), (False, 404)])
def test_serve_docs_switches_docs_off(serve_docs: bool, status: int) -> None:
    settings = Settings.model_validate(PRODUCTION | {"serve_docs": serve_docs})
    client = TestClient(create_app(settings))
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == status
