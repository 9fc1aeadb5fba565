import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, explain

ROOT = Path(__file__).parent.parent
ORIGIN = "https://app.example.com"


def problems(variable: str) -> list[str]:
    """Return what is wrong with one setting, whatever else is."""
    try:
        Settings()
    except ValidationError as error:
        prefix = f"{variable}: "
        return [
            line.removeprefix(prefix)
            for line in explain(error).splitlines()
            if line.startswith(prefix)
        ]
    return []


def test_unset_means_production() -> None:
    assert Settings.model_fields["fastapi_env"].default == "production"


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", ()),
        (" , ", ()),
        (f"{ORIGIN}, https://*.example.com,", (ORIGIN, "https://*.example.com")),
        (f'["{ORIGIN}", "https://b.example.com:8443"]', (ORIGIN, "https://b.example.com:8443")),
        ("[]", ()),
        (f"HTTPS://App.Example.com:443/,{ORIGIN}", (ORIGIN,)),
    ],
)
def test_frontend_origins(
    value: str, origins: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTEND_ORIGINS", value)
    assert Settings().frontend_origins == origins


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "FASTAPI_ENV",
            "prod",
            "'prod' is none of development, staging, production; write production",
        ),
        ("FASTAPI_ENV", "", "'' is none of development, staging, production"),
        ("FRONTEND_ORIGINS", "none", "to allow none, set the variable to nothing"),
        ("FRONTEND_ORIGINS", "app.example.com", f"'app.example.com' has no scheme; write {ORIGIN}"),
        (
            "FRONTEND_ORIGINS",
            f"*,{ORIGIN}",
            "'*' allows any origin, so it must be the only entry",
        ),
        ("FRONTEND_ORIGINS", '["https://app', "is not a JSON list"),
        ("MAX_BODY_SIZE", "ten", "'ten' is refused: Input should be a valid integer"),
        ("MAX_BODY_SIZE", "0", "'0' is refused: Input should be greater than 0"),
    ],
)
def test_a_wrong_setting_is_explained(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    (problem,) = problems(variable)
    assert message in problem


def test_all_wrong_settings_stop_the_process_with_one_message() -> None:
    environment = os.environ | {
        "FASTAPI_ENV": "prod",
        "FRONTEND_ORIGINS": "null,x",
        "MAX_BODY_SIZE": "ten",
    }
    command = [sys.executable, "-c", "import app.main"]
    stopped = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert stopped.returncode == 1
    variables = [line.split(":")[0] for line in stopped.stderr.splitlines()]
    assert variables[:4] == ["FASTAPI_ENV", "FRONTEND_ORIGINS", "FRONTEND_ORIGINS", "MAX_BODY_SIZE"]


def test_dotenv_is_read_in_development_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dotenv = "FASTAPI_ENV=development\nMAX_BODY_SIZE=0\nOTHER_TOOL=x\n"
    (tmp_path / ".env").write_text(dotenv, encoding="utf-8")  # the folder that each test runs in
    assert problems("MAX_BODY_SIZE")
    for environment in ("staging", "production"):
        monkeypatch.setenv("FASTAPI_ENV", environment)
        assert not problems("MAX_BODY_SIZE")
    monkeypatch.delenv("FASTAPI_ENV")
    assert not problems("MAX_BODY_SIZE")
