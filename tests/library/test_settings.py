"""Where settings come from, and what is said of wrong ones."""

import os
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

A, B = "https://a.example", "https://b.example"


@pytest.fixture(autouse=True)
def no_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from no variables, in a folder without files."""
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
    """Return what ends the process."""
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
def test_lists_are_written_with_commas_or_as_json(value: str, origins: list[str]) -> None:
    os.environ["FRONTEND_ORIGINS"] = value
    assert Settings.load().frontend_origins == origins


EMPTY = "FRONTEND_ORIGINS: it has an empty entry; is a variable unset that it is made of?"
NOT_JSON = 'FRONTEND_ORIGINS: it is not a JSON list; write ["a", "b"] or a,b'


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
            ["FRONTEND_ORIGINS: '{\"a\": 1}' has no scheme"],
        ),
        (
            {"FRONTEND_ORIGINS": '["https://a.example", 1]'},
            ["FRONTEND_ORIGINS, entry 2: Input should be a valid string"],
        ),
        (
            {"FRONTEND_ORIGINS": "none"},
            [
                "FRONTEND_ORIGINS: 'none' is not an origin; "
                "to allow none, set the variable to nothing"
            ],
        ),
        (
            {"FRONTEND_ORIGINS": "a.example,null"},
            [
                "FRONTEND_ORIGINS: 'a.example' has no scheme; write https://a.example",
                "FRONTEND_ORIGINS: 'null' is what sandboxed frames and redirects of any site send",
            ],
        ),
        (
            {"FRONTEND_ORIGINS": f"*,{A}"},
            ["FRONTEND_ORIGINS: '*' allows any origin, so it must be the only entry"],
        ),
        (
            {"FASTAPI_ENV": "prod"},
            [
                "FASTAPI_ENV: it is not one of development, staging, production; write production",
            ],
        ),
        (
            {"FASTAPI_ENV": ""},
            ["FASTAPI_ENV: it is not one of development, staging, production"],
        ),
        # The rules of the policy in force, under the variable that each origin came from.
        (
            {"FRONTEND_ORIGINS": f"{A},http://c.example", "PARTNER_ORIGINS": "https://*.github.io"},
            [
                "FRONTEND_ORIGINS: 'http://c.example' is not https, so anyone on the network path "
                "can speak for it; write https://c.example",
                "PARTNER_ORIGINS: 'https://*.github.io' is open to anyone who registers a name "
                "below github.io",
            ],
        ),
        (
            {"FRONTEND_ORIGINS": "*"},
            [
                "FRONTEND_ORIGINS: '*' would let every website use the visitor's credentials; "
                "list the frontends"
            ],
        ),
        (
            {"FRONTEND_ORIGINS": "*", "PARTNER_ORIGINS": A},
            ["FRONTEND_ORIGINS: '*' allows any origin, so it must be the only entry"],
        ),
        # All at once.
        (
            {"FRONTEND_ORIGINS": "https://*.github.io,http://c.example,c.example/x,null"},
            [
                "FRONTEND_ORIGINS: 'c.example/x' has no scheme; write https://c.example",
                "FRONTEND_ORIGINS: 'null' is what sandboxed frames and redirects of any site send",
                "FRONTEND_ORIGINS: 'https://*.github.io' is open to anyone who registers a name "
                "below github.io",
                "FRONTEND_ORIGINS: 'http://c.example' is not https, so anyone on the network path "
                "can speak for it; write https://c.example",
            ],
        ),
        (
            {"FASTAPI_ENV": "Staging", "FRONTEND_ORIGINS": "null", "MAX_BODY_SIZE": "0"},
            [
                "FASTAPI_ENV: it is not one of development, staging, production; write staging",
                "FRONTEND_ORIGINS: 'null' is what sandboxed frames and redirects of any site send",
                "MAX_BODY_SIZE: Input should be greater than 0",
            ],
        ),
        (
            {"MAX_BODY_SIZE": "ten", "FRONTEND_ORIGINS": "http://localhost:3000"},
            [
                "MAX_BODY_SIZE: Input should be a valid integer, "
                "unable to parse string as an integer",
                "FRONTEND_ORIGINS: 'http://localhost:3000' is any program on the visitor's "
                "machine; leave it to development",
            ],
        ),
    ],
)
def test_wrong_settings_end_the_process(
    variables: dict[str, str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ.update(variables)
    assert said(capsys) == lines


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_the_grammar_is_checked_in_every_environment(
    environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ |= {"FASTAPI_ENV": environment, "FRONTEND_ORIGINS": f"{A}/"}
    assert Settings.load().frontend_origins == [A]
    os.environ["FRONTEND_ORIGINS"] = "a.example"
    assert said(capsys) == ["FRONTEND_ORIGINS: 'a.example' has no scheme; write https://a.example"]


class Database(BaseModel):
    host: str
    port: int = 5432


class OwnersSettings(Settings):
    """What owners add; each field goes wrong in a way that tempts to show the value."""

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
                "SHOP_API_KEY: it is not set",
                "SHOP_DATABASE__HOST: it is not set",
                "SHOP_DATABASE__PORT: Input should be a valid integer, "
                "unable to parse string as an integer",
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
                "JSON_DATABASE__HOST: it is not set",
                "JSON_DATABASE__PORT: Input should be a valid integer, "
                "unable to parse string as an integer",
            ],
        ),
        (
            GOOD | {"FIRST_CHOICE": "hunter2"},
            ["FIRST_CHOICE: Input should be a valid integer, unable to parse string as an integer"],
        ),
        (
            GOOD | {"SHOP_PORTS": "1,hunter2"},
            [
                "SHOP_PORTS, entry 2: Input should be a valid integer, "
                "unable to parse string as an integer"
            ],
        ),
        (GOOD | {"SHOP_PORTS": "1,1"}, ["OwnersSettings: two ports are the same"]),
        (
            GOOD | {"SHOP_FRONTEND_ORIGINS": "http://c.example"},
            [
                "SHOP_FRONTEND_ORIGINS: 'http://c.example' is not https, so anyone on the network "
                "path can speak for it; write https://c.example"
            ],
        ),
        (
            GOOD | {"FASTAPI_ENV": "Production"},
            ["FASTAPI_ENV: it is not one of development, staging, production; write production"],
        ),
        (
            GOOD | {"SHOP_DATABASE": "hunter2"},
            ["SHOP_DATABASE: it takes JSON; declare CommaSeparated for a,b"],
        ),
    ],
)
def test_an_explanation_names_the_variable_and_shows_no_value(
    variables: dict[str, str], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    os.environ.update(variables)
    found = said(capsys, OwnersSettings)
    assert found == lines
    assert "hunter2" not in str(found)


Choices = AliasChoices(AliasPath("PARTNER_LIST", 0), "partners")


@pytest.mark.parametrize("alias", ["PARTNER_LIST", AliasChoices("partner_list", "p"), Choices])
def test_an_alias_is_named(alias: Any, capsys: pytest.CaptureFixture[str]) -> None:
    class Aliased(CORSSettings):
        frontend_origins: Origins = [A]
        partners: Annotated[Origins, Field(validation_alias=alias)] = ["http://c.example"]

        def cors_policy(self) -> CORSPolicy:
            return CORSPolicy(
                allow_origins=[*self.frontend_origins, *self.partners],
                allow_credentials=True,
            )

    (line,) = said(capsys, Aliased)
    assert line.startswith("PARTNER_LIST: 'http://c.example' is not https")


def test_valid_entries_of_a_wrong_list_with_an_alias_meet_the_policy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Aliased(Settings):
        limit: int = 1
        frontend_origins: Annotated[Origins, Field(validation_alias="FRONTENDS")] = [A]

    os.environ |= {"FRONTENDS": "http://c.example,null", "LIMIT": "many"}
    assert [line[:35] for line in said(capsys, Aliased)] == [
        "FRONTENDS: 'null' is what sandboxed",
        "LIMIT: Input should be a valid inte",
        "FRONTENDS: 'http://c.example' is no",
    ]


def test_a_part_of_json_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    class WithDatabase(Settings):
        database: Database

    os.environ["DATABASE"] = '{"host": "db", "port": "hunter2"}'
    (line,) = said(capsys, WithDatabase)
    assert line.startswith("DATABASE, port: Input should be a valid integer")


def test_a_list_that_takes_json_says_how_to_write_commas(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class WithHosts(Settings):
        hosts: list[str] = []

    os.environ["HOSTS"] = "a,b"
    assert said(capsys, WithHosts) == ["HOSTS: it takes JSON; declare CommaSeparated for a,b"]


def test_a_wrong_policy_that_is_written_down_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    class Wrong(Settings):
        def cors_policy(self) -> CORSPolicy:
            return CORSPolicy(allow_origins=["b.example"], allow_methods=["put"])

    assert said(capsys, Wrong) == [
        "Wrong.cors_policy: 'b.example' has no scheme; write https://b.example",
        "Wrong.cors_policy: allow_methods: 'put' is not in upper case; write PUT",
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
        problem = f"development={development}, and FASTAPI_ENV is {environment or 'production'}"
        assert said(capsys, Fixed) == [f"Fixed.cors_policy: {problem}"]


def test_policy_reads_no_variable() -> None:
    os.environ["FASTAPI_ENV"] = "development"
    assert not CORSPolicy().development


def test_environment_ignores_the_prefix_of_variables() -> None:
    class Prefixed(Settings):
        model_config = SettingsConfigDict(env_prefix="SHOP_")

    os.environ |= {"FASTAPI_ENV": "staging", "SHOP_FASTAPI_ENV": "development"}
    assert Prefixed.load().fastapi_env == "staging"


def test_validators_that_stumble_over_failed_fields_hide_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Stumbling(Settings):
        limit: int

        def cors_policy(self) -> CORSPolicy:
            assert self.limit + 1
            return super().cors_policy()

    assert said(capsys, Stumbling) == ["LIMIT: it is not set"]


def test_arguments_are_checked_as_variables_are() -> None:
    values: dict[str, Any] = {"fastapi_env": "development", "frontend_origins": f"{A},{B}"}
    assert Settings(**values).frontend_origins == [A, B]
    with pytest.raises(ValidationError, match="frontend_origine\n  Extra inputs are not permitted"):
        Settings(frontend_origine=[A])  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="FRONTEND_ORIGINS: 'http://c.example' is not https"):
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
def test_only_upper_case_counts(variables: dict[str, str], expected: str) -> None:
    os.environ.update(variables)
    assert Settings.load().fastapi_env == expected


@pytest.mark.parametrize("environment", [None, "staging", "production"])
def test_an_env_file_is_read_in_development_alone(environment: str | None) -> None:
    Path(".env").write_text("FASTAPI_ENV=production\nMAX_BODY_SIZE=7\nOTHER_TOOL=x\n")
    if environment:
        os.environ["FASTAPI_ENV"] = environment
    assert Settings.load().max_body_size == 1000
    os.environ["FASTAPI_ENV"] = "development"
    assert (Settings.load().max_body_size, Settings.load().fastapi_env) == (7, "development")
    os.environ["MAX_BODY_SIZE"] = "8"
    assert Settings.load().max_body_size == 8


def test_settings_stay() -> None:
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
def test_hosts(value: str, hosts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", value)
    assert Named.load().allowed_hosts == hosts


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("https://api.example.com", "has more than a host; write api.example.com"),
        ("*.example.com:8000", "has more than a host; write *.example.com"),
        ("*", "is not a host; write api.example.com, or *.example.com for the names below it"),
        ("api.*", "is not a host; write api.example.com, or *.example.com for the names below it"),
    ],
)
def test_invalid_hosts_are_explained(
    value: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", f"localhost,{value}")
    assert said(capsys, Named) == [f"ALLOWED_HOSTS, entry 2: '{value}' {reason}"]
