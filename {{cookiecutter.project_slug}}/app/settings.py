"""Settings: the one place where the environment turns into policy.

Each field is read from the environment variable of its name in upper case, and from no other
spelling. In development a `.env` file may set them, too, except for FASTAPI_ENV, which comes from
the process environment alone.
"""

import json
import os
from difflib import get_close_matches
from typing import Annotated, Any, get_args

# {% if cookiecutter.credentials == "bearer" %}
from pydantic import AnyHttpUrl, PositiveInt, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# {% elif cookiecutter.__browser_credentials %}
from pydantic import PositiveInt, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# {% else %}
from pydantic import PositiveInt, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# {% endif %}
# {% if cookiecutter.credentials == "bearer" %}
from app.cors import CORSPolicy
from app.cors.origins import is_loopback
from app.cors.policy import ANY, Environment, make_allow_list

# {% else %}
from app.cors import CORSPolicy
from app.cors.policy import ANY, Environment, make_allow_list

# {% endif %}
# The frontends in staging and production, unless the variable of this name is set.
# {% if cookiecutter.__frontend_origins %}
FRONTEND_ORIGINS: list[str] = [
    # {% for origin in cookiecutter.__frontend_origins.split(",") %}
    "{{ origin }}",
    # {% endfor %}
]
# {% else %}
FRONTEND_ORIGINS: list[str] = []
# {% endif %}

# {% if cookiecutter.__browser_credentials %}
# Browsers send cookies, HTTP authentication and TLS client certificates.
ALLOW_CREDENTIALS = True
# {% if cookiecutter.credentials == "cross-site-cookies" %}
# The frontend is on another site, so the session cookie has to go there.
CROSS_SITE_COOKIE = True
# {% else %}
# Frontend and API are on one site, so the session cookie need not go to any other.
CROSS_SITE_COOKIE = False
# {% endif %}
# {% else %}
# Browsers send no cookies, HTTP authentication or TLS client certificates.
ALLOW_CREDENTIALS = False
# {% endif %}

# `tests/test_policy.py` fails when a route needs an entry that is missing here.
ALLOW_METHODS: list[str] = ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"]
ALLOW_HEADERS: list[str] = [
    # {% if cookiecutter.credentials == "bearer" %}
    "Authorization",
    # {% endif %}
    "Content-Type",
    "Idempotency-Key",
]
# {% if cookiecutter.credentials == "bearer" %}
EXPOSE_HEADERS: list[str] = ["Location", "WWW-Authenticate"]
# {% else %}
EXPOSE_HEADERS: list[str] = ["Location"]
# {% endif %}


class Settings(BaseSettings):
    """The settings of one process.

    `max_body_size` is in bytes. Raises pydantic.ValidationError; `explain()` makes it readable.
    """

    model_config = SettingsConfigDict(
        alias_generator=str.upper,
        case_sensitive=True,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    fastapi_env: Environment = "production"
    frontend_origins: Annotated[tuple[str, ...], NoDecode] = tuple(FRONTEND_ORIGINS)
    max_body_size: PositiveInt = 10 * 1024 * 1024
    # {% if cookiecutter.__browser_credentials %}
    session_secret: SecretStr = SecretStr("")
    # {% endif %}
    # {% if cookiecutter.credentials == "bearer" %}
    auth_jwks_url: AnyHttpUrl | None = None
    auth_issuer: str | None = None
    auth_audience: str | None = None
    # {% endif %}

    def __init__(self, **values: Any) -> None:
        # A `.env` that was forgotten outside development must change nothing.
        in_development = os.environ.get("FASTAPI_ENV") == "development"
        given = {name.upper(): value for name, value in values.items()}
        super().__init__(_env_file=".env" if in_development else None, **given)

    @property
    def cors_policy(self) -> CORSPolicy:
        """The CORS policy of the environment."""
        in_development = self.fastapi_env == "development"
        return CORSPolicy(
            environment=self.fastapi_env,
            allow_origins=ANY if in_development else self.frontend_origins,
            allow_credentials=ALLOW_CREDENTIALS,
            allow_methods=ANY if in_development else tuple(ALLOW_METHODS),
            allow_headers=ANY if in_development else tuple(ALLOW_HEADERS),
            expose_headers=tuple(EXPOSE_HEADERS),
            # In development an edit of the policy shows at once. Chromium keeps none for longer.
            max_age=0 if in_development else 7200,
        )

    # {% if cookiecutter.__browser_credentials %}
    @field_validator("session_secret")
    @classmethod
    def _strong_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        length = len(value.get_secret_value().encode())
        if length == 0 and info.data.get("fastapi_env") == "development":
            return SecretStr(os.urandom(32).hex())  # sessions end with the process
        if length < 32:
            state = f"it has {length} bytes" if length else "it is not set"
            raise ValueError(
                f"{state}; write 32 random bytes or more, as `openssl rand -hex 32` prints them"
            )
        return value

    # {% endif %}
    # {% if cookiecutter.credentials == "bearer" %}
    @field_validator("auth_jwks_url", "auth_issuer", "auth_audience")
    @classmethod
    def _set_outside_development(cls, value: object, info: ValidationInfo) -> object:
        if not value and info.data.get("fastapi_env", "development") != "development":
            raise ValueError("it is not set; write what the issuer of the tokens documents for it")
        return value

    @field_validator("auth_jwks_url")
    @classmethod
    def _keys_come_safely(cls, value: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if value and (value.username or value.password):
            raise ValueError(
                "it has user information, which would not be sent but logged; leave it out"
            )
        if value and value.scheme != "https" and not is_loopback(value.host or ""):
            secure = str(value).replace("http", "https", 1)
            raise ValueError(
                f"'{value}' is not https, so anyone on the way can replace the keys; write {secure}"
            )
        return value

    # {% endif %}
    @field_validator("fastapi_env", mode="before")
    @classmethod
    def _known_environment(cls, value: str) -> str:
        names = get_args(Environment)
        if value in names:
            return value
        likely = get_close_matches(value.strip().lower(), names, n=1, cutoff=0.4)
        raise ValueError(
            f"{value!r} is none of {', '.join(names)}" + (f"; write {likely[0]}" if likely else "")
        )

    @field_validator("frontend_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.strip() == "none":
            raise ValueError(
                "'none' is no origin; to allow none, set the variable to nothing: FRONTEND_ORIGINS="
            )
        if value.strip().startswith("["):
            try:
                return [str(text) for text in json.loads(value)]
            except ValueError:
                raise ValueError(
                    f'{value!r} is not a JSON list; write ["https://app.example.com"]'
                ) from None
        return [text for text in value.split(",") if text.strip()]

    @field_validator("frontend_origins")
    @classmethod
    def _check(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        # Only the grammar counts in development, which does not use the list, and where the
        # environment itself is wrong, which has a message of its own.
        environment = info.data.get("fastapi_env", "development")
        return make_allow_list(value, environment, allow_credentials=ALLOW_CREDENTIALS).entries


def explain(error: ValidationError) -> str:
    """Return a line for each wrong setting: the variable, its value and what to write instead."""
    lines = []
    for problem in error.errors():
        where = str(problem["loc"][0]).upper()
        default = Settings.model_fields[where.lower()].default
        if default and problem["input"] is default:
            where += " in app/settings.py"
        if problem["type"] == "value_error":
            reasons = str(problem["ctx"]["error"]).splitlines()
        else:
            reasons = [f"{problem['input']!r} is refused: {problem['msg']}"]
        lines += [f"{where}: {reason}" for reason in reasons]
    return "\n".join(lines)
