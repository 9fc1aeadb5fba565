"""The sources of settings, and the messages for wrong settings."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from cors_right import CommaSeparated, CORSPolicy, CORSSettings, Hosts, Origins
from pydantic import (
    AliasChoices,
    AliasPath,
    AnyHttpUrl,
    BaseModel,
    Field,
    PositiveInt,
    PostgresDsn,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from tests.support import words
from tests.support.words import wrong_frontends

A, B = "https://a.example", "https://b.example"


@pytest.fixture(autouse=True)
def no_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without variables, in a folder without files."""
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.chdir(tmp_path)


class Settings(CORSSettings):
    fastapi_env: Literal["development", "staging", "production"] = "production"
    frontend_origins: Origins = [A]
    partner_origins: Origins = []
    max_body_size: PositiveInt = 1000

    def cors_policy(self) -> CORSPolicy:
        if self.fastapi_env == "development":
            return CORSPolicy(development=True, allow_origins=["*"])
        return CORSPolicy(
            allow_origins=[*self.frontend_origins, *self.partner_origins],
            allow_credentials=True,
            allow_http_loopback=self.fastapi_env == "staging",
        )


def said(capsys: pytest.CaptureFixture[str], settings: type[CORSSettings] = Settings) -> list[str]:
    """Return the lines that end the process."""
    with pytest.raises(SystemExit) as caught:
        settings.load()
    assert caught.value.code == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_unset_means_production() -> None:
    assert Settings.load().fastapi_env == "production"
    assert Settings.load().cors_policy().allow_origins == (A,)


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", []),
        (" ", []),
        ("[]", []),
        (A, [A]),
        (f"{A}, https://*.b.example", [A, "https://*.b.example"]),
        (f'["{A}", "{B}:8443"]', [A, f"{B}:8443"]),
        (f' ["{A}"]', [A]),
        (f"HTTPS://A.example:443/,{A}", [A]),
    ],
)
def test_list_accepts_commas_or_json(value: str, origins: list[str]) -> None:
    os.environ["FRONTEND_ORIGINS"] = value
    assert Settings.load().frontend_origins == origins


EMPTY = f"FRONTEND_ORIGINS: {words.EMPTY_ENTRY}"
NOT_JSON = f"FRONTEND_ORIGINS: {words.NOT_JSON}"
NO_INTEGER = "Input should be a valid integer, unable to parse string as an integer"
SHARED = words.origin_error("https://*.github.io", words.IS_SHARED.format("github.io"))


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({"FRONTEND_ORIGINS": ","}, [EMPTY]),
        ({"FRONTEND_ORIGINS": " , "}, [EMPTY]),
        ({"FRONTEND_ORIGINS": f"{A},"}, [EMPTY]),
        ({"FRONTEND_ORIGINS": "[https://user:hunter2@host]"}, [NOT_JSON]),
        ({"FRONTEND_ORIGINS": "[" * 100_000}, [NOT_JSON]),
        (
            {"FRONTEND_ORIGINS": '{"a": 1}'},
            [wrong_frontends('{"a": 1}', words.NO_SCHEME)],
        ),
        (
            {"FRONTEND_ORIGINS": '["https://a.example", 1]'},
            ["FRONTEND_ORIGINS, entry 2: Input should be a valid string"],
        ),
        (
            {"FRONTEND_ORIGINS": "none"},
            [f"FRONTEND_ORIGINS: {words.IS_NONE}"],
        ),
        (
            {"FRONTEND_ORIGINS": "a.example,null"},
            [
                wrong_frontends("a.example", words.NO_SCHEME, A),
                wrong_frontends("null", words.IS_NULL),
            ],
        ),
        (
            {"FRONTEND_ORIGINS": f"*,{A}"},
            [wrong_frontends("*", words.IS_ANY)],
        ),
        (
            {"FASTAPI_ENV": "prod"},
            [
                words.wrong_environment("production"),
            ],
        ),
        (
            {"FASTAPI_ENV": ""},
            [words.wrong_environment()],
        ),
        # The rules of the active policy, under the variable of each origin.
        (
            {"FRONTEND_ORIGINS": f"{A},http://c.example", "PARTNER_ORIGINS": "https://*.github.io"},
            [
                wrong_frontends("http://c.example", words.NOT_HTTPS, "https://c.example"),
                f"PARTNER_ORIGINS: {SHARED}",
            ],
        ),
        (
            {"FRONTEND_ORIGINS": "*"},
            [wrong_frontends("*", words.IS_ANY_WITH_CREDENTIALS)],
        ),
        (
            {"FRONTEND_ORIGINS": "*", "PARTNER_ORIGINS": A},
            [wrong_frontends("*", words.IS_ANY)],
        ),
        # All at once.
        (
            {"FRONTEND_ORIGINS": "https://*.github.io,http://c.example,c.example/x,null"},
            [
                wrong_frontends("c.example/x", words.NO_SCHEME, "https://c.example"),
                wrong_frontends("null", words.IS_NULL),
                f"FRONTEND_ORIGINS: {SHARED}",
                wrong_frontends("http://c.example", words.NOT_HTTPS, "https://c.example"),
            ],
        ),
        (
            {"FASTAPI_ENV": "Staging", "FRONTEND_ORIGINS": "null", "MAX_BODY_SIZE": "0"},
            [
                words.wrong_environment("staging"),
                wrong_frontends("null", words.IS_NULL),
                "MAX_BODY_SIZE: Input should be greater than 0",
            ],
        ),
        (
            {"MAX_BODY_SIZE": "ten", "FRONTEND_ORIGINS": "http://localhost:3000"},
            [
                f"MAX_BODY_SIZE: {NO_INTEGER}",
                wrong_frontends("http://localhost:3000", words.IS_LOOPBACK),
            ],
        ),
    ],
)
def test_wrong_settings_exit_with_status_3(
    variables: dict[str, str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ.update(variables)
    assert said(capsys) == lines


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_settings_check_origins_in_every_environment(
    environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ |= {"FASTAPI_ENV": environment, "FRONTEND_ORIGINS": f"{A}/"}
    assert Settings.load().frontend_origins == [A]
    os.environ["FRONTEND_ORIGINS"] = "a.example"
    assert said(capsys) == [wrong_frontends("a.example", words.NO_SCHEME, A)]


class Database(BaseModel):
    host: str
    port: int = 5432


class OwnersSettings(Settings):
    """Fields of owners, each with a problem that tempts a message to show the value."""

    model_config = SettingsConfigDict(env_prefix="SHOP_", env_nested_delimiter="__")

    api_key: SecretStr
    strong: Annotated[SecretStr, Field(min_length=32)] = SecretStr("x" * 32)
    dsn: PostgresDsn | None = None
    url: AnyHttpUrl | None = None
    database: Database
    json_database: Annotated[Database | None, Field(validation_alias="JSON_DATABASE")] = None
    first: Annotated[int, Field(validation_alias=AliasChoices("first_choice", "second"))] = 1
    ports: CommaSeparated[int] = []

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if len(set(self.ports)) < len(self.ports):
            raise ValueError("two ports are the same")
        return self


GOOD = {"SHOP_API_KEY": "hunter2", "SHOP_DATABASE__HOST": "db"}


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        (
            {"SHOP_DATABASE__PORT": "hunter2"},
            [
                f"SHOP_API_KEY: {words.UNSET}",
                f"SHOP_DATABASE__HOST: {words.UNSET}",
                f"SHOP_DATABASE__PORT: {NO_INTEGER}",
            ],
        ),
        (
            GOOD | {"SHOP_STRONG": "hunter2"},
            ["SHOP_STRONG: Value should have at least 32 items after validation, not 7"],
        ),
        (
            GOOD | {"SHOP_DSN": "postgres://u:hunter2@h:x/db"},
            ["SHOP_DSN: Input should be a valid URL, invalid port number"],
        ),
        (
            GOOD | {"SHOP_URL": "https://u:hunter2@h:x"},
            ["SHOP_URL: Input should be a valid URL, invalid port number"],
        ),
        (
            GOOD | {"JSON_DATABASE": '{"port": "hunter2"}'},
            [
                f"JSON_DATABASE__HOST: {words.UNSET}",
                f"JSON_DATABASE__PORT: {NO_INTEGER}",
            ],
        ),
        (
            GOOD | {"FIRST_CHOICE": "hunter2"},
            [f"FIRST_CHOICE: {NO_INTEGER}"],
        ),
        (
            GOOD | {"SHOP_PORTS": "1,hunter2"},
            [f"SHOP_PORTS, entry 2: {NO_INTEGER}"],
        ),
        (GOOD | {"SHOP_PORTS": "1,1"}, ["OwnersSettings: two ports are the same"]),
        (
            GOOD | {"SHOP_FRONTEND_ORIGINS": "http://c.example"},
            [f"SHOP_{wrong_frontends('http://c.example', words.NOT_HTTPS, 'https://c.example')}"],
        ),
        (
            GOOD | {"FASTAPI_ENV": "Production"},
            [words.wrong_environment("production")],
        ),
        (
            GOOD | {"SHOP_DATABASE": "hunter2"},
            [f"SHOP_DATABASE: {words.TAKES_JSON}"],
        ),
    ],
)
def test_explanation_names_the_variable_without_its_value(
    variables: dict[str, str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ.update(variables)
    found = said(capsys, OwnersSettings)
    assert found == lines
    assert "hunter2" not in str(found)


Choices = AliasChoices(AliasPath("PARTNER_LIST", 0), "partners")


@pytest.mark.parametrize("alias", ["PARTNER_LIST", AliasChoices("partner_list", "p"), Choices])
def test_explanation_names_the_alias(alias: Any, capsys: pytest.CaptureFixture[str]) -> None:
    class Aliased(CORSSettings):
        frontend_origins: Origins = [A]
        partners: Annotated[Origins, Field(validation_alias=alias)] = ["http://c.example"]

        def cors_policy(self) -> CORSPolicy:
            return CORSPolicy(
                allow_origins=[*self.frontend_origins, *self.partners],
                allow_credentials=True,
            )

    problem = words.origin_error("http://c.example", words.NOT_HTTPS, "https://c.example")
    assert said(capsys, Aliased) == [f"PARTNER_LIST: {problem}"]


def test_policy_checks_valid_entries_of_wrong_list(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Aliased(Settings):
        limit: int = 1
        frontend_origins: Annotated[Origins, Field(validation_alias="FRONTENDS")] = [A]

    os.environ |= {"FRONTENDS": "http://c.example,null", "LIMIT": "many"}
    insecure = words.origin_error("http://c.example", words.NOT_HTTPS, "https://c.example")
    assert said(capsys, Aliased) == [
        f"FRONTENDS: {words.origin_error('null', words.IS_NULL)}",
        f"LIMIT: {NO_INTEGER}",
        f"FRONTENDS: {insecure}",
    ]


def test_explanation_names_the_part_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    class WithDatabase(Settings):
        database: Database

    os.environ["DATABASE"] = '{"host": "db", "port": "hunter2"}'
    (line,) = said(capsys, WithDatabase)
    assert line.startswith("DATABASE, port: Input should be a valid integer")


def test_json_list_explains_how_to_use_commas(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class WithHosts(Settings):
        hosts: list[str] = []

    os.environ["HOSTS"] = "a,b"
    assert said(capsys, WithHosts) == [f"HOSTS: {words.TAKES_JSON}"]


def test_explanation_names_cors_policy_if_code_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    class Wrong(Settings):
        def cors_policy(self) -> CORSPolicy:
            return CORSPolicy(allow_origins=["b.example"], allow_methods=["put"])

    assert said(capsys, Wrong) == [
        f"Wrong.cors_policy: {words.origin_error('b.example', words.NO_SCHEME, B)}",
        f"Wrong.cors_policy: {words.lower_case_method('put')}",
    ]


@pytest.mark.parametrize("development", [True, False])
@pytest.mark.parametrize("environment", ["development", "staging", "production", "preview", None])
def test_policy_for_development_goes_with_that_environment_only(
    development: bool, environment: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    class Fixed(CORSSettings):
        def cors_policy(self) -> CORSPolicy:
            return CORSPolicy(development=development)

    if environment:
        os.environ["FASTAPI_ENV"] = environment
    if development == (environment == "development"):
        assert Fixed.load().fastapi_env == (environment or "production")
    else:
        problem = words.ANOTHER_ENVIRONMENT.format(development, environment or "production")
        assert said(capsys, Fixed) == [f"Fixed.cors_policy: {problem}"]


def test_policy_reads_no_variable() -> None:
    os.environ["FASTAPI_ENV"] = "development"
    assert not CORSPolicy().development


def test_environment_ignores_the_prefix_of_variables() -> None:
    class Prefixed(Settings):
        model_config = SettingsConfigDict(env_prefix="SHOP_")

    os.environ |= {"FASTAPI_ENV": "staging", "SHOP_FASTAPI_ENV": "development"}
    assert Prefixed.load().fastapi_env == "staging"


def test_failing_validator_hides_no_other_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Stumbling(Settings):
        limit: int

        def cors_policy(self) -> CORSPolicy:
            assert self.limit + 1
            return super().cors_policy()

    assert said(capsys, Stumbling) == [f"LIMIT: {words.UNSET}"]


def test_settings_check_arguments_like_variables() -> None:
    values: dict[str, Any] = {"fastapi_env": "development", "frontend_origins": f"{A},{B}"}
    assert Settings(**values).frontend_origins == [A, B]
    with pytest.raises(ValidationError, match="frontend_origine\n  Extra inputs are not permitted"):
        Settings(frontend_origine=[A])  # type: ignore[call-arg]
    insecure = wrong_frontends("http://c.example", words.NOT_HTTPS, "https://c.example")
    with pytest.raises(ValidationError, match=re.escape(insecure)):
        Settings(frontend_origins=["http://c.example"])
    with pytest.raises(ValidationError) as caught:
        Settings(max_body_size="hunter2")  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_arguments_override_variables() -> None:
    os.environ |= {"FASTAPI_ENV": "prod", "MAX_BODY_SIZE": "ten"}
    assert Settings(fastapi_env="staging", max_body_size=1).max_body_size == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"fastapi_env": "development"}, "production"),
        ({"Fastapi_Env": "development"}, "production"),
        ({"FASTAPI_ENV": "staging", "fastapi_env": "development"}, "staging"),
        ({"fastapi_env": "development", "FASTAPI_ENV": "staging"}, "staging"),
    ],
)
def test_settings_read_upper_case_variables_only(variables: dict[str, str], expected: str) -> None:
    os.environ.update(variables)
    assert Settings.load().fastapi_env == expected


@pytest.mark.parametrize("environment", [None, "staging", "production"])
def test_settings_read_env_file_in_development_only(environment: str | None) -> None:
    Path(".env").write_text("FASTAPI_ENV=development\nMAX_BODY_SIZE=7\nOTHER_TOOL=x\n")
    if environment:
        os.environ["FASTAPI_ENV"] = environment
    assert Settings.load().max_body_size == 1000
    os.environ["FASTAPI_ENV"] = "development"
    Path(".env").write_text("MAX_BODY_SIZE=7\nOTHER_TOOL=x\n")
    assert Settings.load().max_body_size == 7
    os.environ["MAX_BODY_SIZE"] = "8"
    assert Settings.load().max_body_size == 8


def no_setting(name: str, likely: str, place: str = ".env") -> str:
    return words.NO_SETTING.format(name, place, likely)


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("FASTAPI_ENV=production\n", [words.ENV_NOT_THERE]),
        ("fastapi_env=a\n", [words.ENV_NOT_THERE.replace("FASTAPI_ENV", "fastapi_env")]),
        ("FRONTEND_ORIGIN=x\n", [no_setting("FRONTEND_ORIGIN", "FRONTEND_ORIGINS")]),
        ("max_body_sizes=1\n", [no_setting("max_body_sizes", "MAX_BODY_SIZE")]),
        (
            "MAX_BODY_SIZE=0\nexport FRONTEND_ORIGN='a b'\n# FASTAPI_ENV=a\n FASTAPI_ENV = b\n",
            [
                "MAX_BODY_SIZE: Input should be greater than 0",
                no_setting("FRONTEND_ORIGN", "FRONTEND_ORIGINS"),
                words.ENV_NOT_THERE,
            ],
        ),
        ("MAX_BODY_SIZE=1\n".encode("utf-16"), [words.NOT_UTF_8]),
        (b"FRONTEND_ORIGINS=\xff\n", [words.NOT_UTF_8]),
    ],
)
def test_explanation_names_mistakes_in_the_env_file(
    file: str | bytes, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ["FASTAPI_ENV"] = "development"
    Path(".env").write_bytes(file.encode() if isinstance(file, str) else file)
    code = os.path.relpath(__file__)
    assert said(capsys) == [*lines, words.SAVE_CODE.format(code)]


def test_settings_ignore_other_variables_of_env_file() -> None:
    os.environ["FASTAPI_ENV"] = "development"
    Path(".env").write_text("OTHER_TOOL=x\nORIGINS=y\nFRONTEND=z\nMAX_BODY_SIZE=5\nBROKEN\n")
    assert Settings.load().max_body_size == 5


class Owner(Settings):
    allowed_hosts: Hosts = []
    serve_docs: bool = True
    session_secret: str = ""
    auth_issuer: str = ""
    auth_audience: str = ""
    # Fields with names similar to variables of shells, and with two similar names.
    hostnames: str = ""
    languages: str = ""
    database_url: Annotated[
        str, Field(validation_alias=AliasChoices("database_uri", "database_urls"))
    ] = ""


class Prefixed(Owner):
    model_config = SettingsConfigDict(env_prefix="S_")


@pytest.mark.parametrize(
    ("settings", "name", "likely"),
    [
        (Owner, "FRONTEND_ORIGIN", "FRONTEND_ORIGINS"),
        (Owner, "FRONTENT_ORIGINS", "FRONTEND_ORIGINS"),
        (Owner, "frontend_origins", "FRONTEND_ORIGINS"),
        (Owner, "ALLOWED_HOST", "ALLOWED_HOSTS"),
        (Owner, "SERVE_DOC", "SERVE_DOCS"),
        (Owner, "SERVE_DCOS", "SERVE_DOCS"),
        (Owner, "SESSION_SECRETS", "SESSION_SECRET"),
        (Prefixed, "FRONTEND_ORIGINS", "S_FRONTEND_ORIGINS"),
    ],
)
def test_development_names_misspelt_environment_variables(
    settings: type[Owner], name: str, likely: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ[name] = "x"
    settings.load()
    os.environ["FASTAPI_ENV"] = "development"
    Path(".env").mkdir()  # as Docker does if the file to mount is not there
    assert said(capsys, settings) == [no_setting(name, likely, "the environment")]
    Path(".env").rmdir()
    Path(".env").write_text(f"{name}={A}\n")
    file = os.path.relpath(__file__)
    assert said(capsys, settings) == [no_setting(name, likely), words.SAVE_CODE.format(file)]


OTHERS = (
    "ALLOWED_ORIGINS AUTH_TOKEN BODY_SIZE FRONTEND FRONTEND_HOST FRONTEND_URL MAX_BODY "
    "MAX_BODY_SIZE_MB ORIGINS SERVE SESSION SESSION_KEY VITE_FRONTEND_ORIGINS "
    # Fields of Owner.
    "DATABASE_URI DATABASE_URL DATABASE_URLS "
    # Shells and desktops.
    "DESKTOP_SESSION DISPLAY EDITOR HOME HOST HOSTNAME HOSTTYPE LANG LANGUAGE LC_ALL LOGNAME PATH "
    "PS1 PWD SESSION_MANAGER SHELL SSH_AUTH_SOCK TERM USER USERNAME VIRTUAL_ENV XDG_SESSION_ID "
    # CI.
    "CI CI_SERVER_HOST GITHUB_ACTIONS GITHUB_SERVER_URL GITHUB_TOKEN RUNNER_OS SYSTEM_ACCESSTOKEN "
    # Containers and Kubernetes.
    "KUBERNETES_PORT KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT "
    "FRONTEND_SERVICE_HOST FRONTEND_PORT AUTH_SERVICE_HOST POD_NAME "
    # Servers and Python.
    "FORWARDED_ALLOW_IPS PORT PYTHONPATH UVICORN_HOST UV_CACHE_DIR WEB_CONCURRENCY http_proxy"
)


@pytest.mark.parametrize("name", OTHERS.split())
def test_settings_ignore_other_environment_variables(name: str) -> None:
    os.environ |= {"FASTAPI_ENV": "development", name: "x"}
    assert Owner.load().fastapi_env == "development"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load().max_body_size = 1


class Named(CORSSettings):
    allowed_hosts: Hosts = []

    def cors_policy(self) -> CORSPolicy:
        return CORSPolicy()


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        ("", []),
        ("api.example.com", ["api.example.com"]),
        ("API.example.com/, *.example.com:443", ["api.example.com", "*.example.com"]),
        ('["10.0.0.7", "localhost"]', ["10.0.0.7", "localhost"]),
    ],
)
def test_allowed_hosts_accept_comma_separated_names(
    value: str, hosts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", value)
    assert Named.load().allowed_hosts == hosts


@pytest.mark.parametrize(
    ("value", "reason", "correction"),
    [
        ("https://api.example.com", words.NO_BARE_HOST, "api.example.com"),
        ("*.example.com:8000", words.NO_BARE_HOST, "*.example.com"),
        ("*", words.NO_HOST, None),
        ("api.*", words.NO_HOST, None),
    ],
)
def test_explanation_names_invalid_hosts(
    value: str,
    reason: str,
    correction: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", f"localhost,{value}")
    problem = words.origin_error(value, reason, correction)
    assert said(capsys, Named) == [f"ALLOWED_HOSTS, entry 2: {problem}"]
