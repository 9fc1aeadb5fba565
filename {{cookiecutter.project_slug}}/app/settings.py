"""Settings: the one place where the environment turns into policy.

Each field is read from the environment variable of its name in upper case. In development a `.env` file
may set them too, save FASTAPI_ENV, which comes from the process environment alone.
"""

import json
import os
from difflib import get_close_matches
from typing import Annotated, get_args

from pydantic import PositiveInt, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.cors import ANY, CorsPolicy, Environment, check_origins

# The frontends in staging and production, unless the variable of this name is set.
# {% if cookiecutter.__frontend_origins %}
FRONTEND_ORIGINS = [
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
# {% else %}
# Browsers send no cookies, HTTP authentication or TLS client certificates.
ALLOW_CREDENTIALS = False
# {% endif %}

# `tests/test_policy.py` fails when a route needs an entry that is missing here.
ALLOW_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
ALLOW_HEADERS = (
    # {% if cookiecutter.credentials == "bearer" %}
    "Authorization",
    # {% endif %}
    "Content-Type",
    "Idempotency-Key",
)
EXPOSE_HEADERS = ("Location",)


class Settings(BaseSettings):
    """The settings of one process.

    `max_body_size` is in bytes. Raises pydantic.ValidationError; `explain()` makes it readable.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, validate_default=True
    )

    fastapi_env: Environment = "production"
    frontend_origins: Annotated[tuple[str, ...], NoDecode] = tuple(FRONTEND_ORIGINS)
    max_body_size: PositiveInt = 10 * 1024 * 1024

    @property
    def cors_policy(self) -> CorsPolicy:
        """The CORS policy of the environment."""
        if self.fastapi_env == "development":
            return CorsPolicy(
                environment=self.fastapi_env,
                allow_origins=ANY,
                allow_credentials=ALLOW_CREDENTIALS,
                allow_methods=ANY,
                allow_headers=ANY,
                expose_headers=EXPOSE_HEADERS,
                max_age=0,  # an edit of the policy shows at once
            )
        return CorsPolicy(
            environment=self.fastapi_env,
            allow_origins=self.frontend_origins,
            allow_credentials=ALLOW_CREDENTIALS,
            allow_methods=ALLOW_METHODS,
            allow_headers=ALLOW_HEADERS,
            expose_headers=EXPOSE_HEADERS,
            max_age=7200,  # two hours, the longest that Chromium keeps a preflight
        )

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
                raise ValueError(f'{value!r} is not a JSON list; write ["https://app.example.com"]') from None
        return [text for text in value.split(",") if text.strip()]

    @field_validator("frontend_origins")
    @classmethod
    def _check(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        # Development does not use the list, so only its grammar counts there; and where the environment
        # itself is wrong, its own message is enough.
        environment = info.data.get("fastapi_env", "development")
        return check_origins(value, environment, allow_credentials=ALLOW_CREDENTIALS)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read `.env` in development only: a forgotten file must not change production."""
        if os.environ.get("FASTAPI_ENV") == "development":
            return init_settings, env_settings, dotenv_settings
        return init_settings, env_settings


def explain(error: ValidationError) -> str:
    """Return a line for each wrong setting: the variable, its value and what to write instead."""
    lines = []
    for problem in error.errors():
        field = str(problem["loc"][0])
        is_default = problem["input"] is Settings.model_fields[field].default
        where = f"{field.upper()} in app/settings.py" if is_default else field.upper()
        if problem["type"] == "value_error":
            reasons = str(problem["ctx"]["error"]).splitlines()
        else:
            reasons = [f"{problem['input']!r} is refused: {problem['msg']}"]
        lines += [f"{where}: {reason}" for reason in reasons]
    return "\n".join(lines)
