"""Settings with a CORS policy, their sources, and the messages for wrong ones."""

import json
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BeforeValidator,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .origins import BLANKS, AllowList, AllowListError, OriginError, parse_origin, shown
from .policy import CORSPolicy, CORSPolicyError, NamedOrigins

# Uvicorn and gunicorn treat this status as "no worker can start", and start no other.
CANNOT_START = 3
NOT_UTF_8 = "is not UTF-8 (PowerShell's > writes UTF-16). Save it as UTF-8"
DEVELOPMENT = "development"  # `fastapi dev` sets this; the service chooses all other names


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError('is not a valid JSON list. Write ["a", "b"] or a,b') from None
    entries = [entry.strip(BLANKS) for entry in value.split(",")]
    if entries == [""]:
        return []
    if "" in entries:
        raise ValueError("has an empty entry between commas. Check for an unset variable in it")
    return entries


def _canonical(texts: list[str]) -> list[str]:
    if texts == ["none"]:
        raise ValueError("'none' is not an origin. To allow no origin, leave the variable empty")
    return NamedOrigins(AllowList(texts).entries)


def _host(text: str) -> str:
    try:
        origin = parse_origin(text if "://" in text else f"https://{text}")
    except OriginError:
        reason = "is not a hostname. Write api.example.com, or *.example.com for all names below it"
        raise ValueError(f"{shown(text)} {reason}") from None
    host = f"{'*.' if origin.any_subdomain else ''}{origin.host}"
    if "://" in text or origin.port is not None:
        raise ValueError(f"{shown(text)} has a scheme, port or path. Write {host}")
    return host


T = TypeVar("T")
CommaSeparated = Annotated[list[T], NoDecode, BeforeValidator(_split)]
"""A list in one variable, as `a,b` or `["a", "b"]`. An empty variable is an empty list."""

Origins = Annotated[CommaSeparated[str], AfterValidator(_canonical)]
"""A list of origins and patterns, in canonical form, or `*` alone (see `AllowList`)."""

Hosts = CommaSeparated[Annotated[str, AfterValidator(_host)]]
"""A list of hosts, without scheme and port. `*.` before a host matches the names below it."""


# The acceptable values of the fields that `load()` is validating.
_usable: ContextVar[dict[str, Any]] = ContextVar("usable")


class _NotJSON(str):
    """The text of a variable that must be JSON but is not. The field's validation refuses it."""


def _decoded(decode: Callable[..., Any], name: str, field: FieldInfo, value: Any) -> Any:
    try:
        return decode(name, field, value)
    except ValueError:
        return _NotJSON(value)


class _PolicyProblems(ValueError):
    """The problems of the policy, one a line, with the variables that cause them."""


class CORSSettings(BaseSettings):
    """Settings with a CORS policy. A wrong policy is an error of the settings.

    Each field reads the variable with its name in upper case, and no other spelling. Only in
    development, a file `.env` also sets variables. `FASTAPI_ENV` comes from the environment only.
    A subclass names its environments: `fastapi_env: Literal[...]`. The name `development` requires
    a policy for development, and all other names refuse one. Arguments override variables; unknown
    arguments are errors.

    Raises pydantic.ValidationError, without the values; `load()` explains it.
    """

    model_config = SettingsConfigDict(
        dotenv_filtering="only_existing",
        env_file=".env",
        env_file_encoding="utf-8",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_by_name=True,
        validate_default=True,
    )

    fastapi_env: str = "production"

    def cors_policy(self) -> CORSPolicy:
        """Return the policy of `fastapi_env`. Each service defines its own."""
        raise NotImplementedError

    def checked_policy(self) -> CORSPolicy:
        """Return the policy. Raises CORSPolicyError if it is wrong, or for another environment."""
        policy = self.cors_policy()
        if policy.development != (self.fastapi_env == DEVELOPMENT):
            problem = f"development={policy.development}, and FASTAPI_ENV is {self.fastapi_env}"
            raise CORSPolicyError([ValueError(problem)])
        return policy

    @classmethod
    def load(cls) -> Self:
        """Return this process's settings, or exit with status 3 and a line for each problem."""
        usable: dict[str, Any] = {}
        lines: list[str] = []
        token = _usable.set(usable)
        try:
            settings = cls()
        except ValidationError as error:
            lines = cls._explain(error, usable)
        except UnicodeDecodeError:
            lines = [f"{cls.model_config['env_file']}: {NOT_UTF_8}"]
        finally:
            _usable.reset(token)
        if os.environ.get("FASTAPI_ENV") == DEVELOPMENT:
            from .diagnostics import env_file  # production does not need it

            lines = env_file.with_problems(cls, lines)
        if not lines:
            return settings
        print(*lines, sep="\n", file=sys.stderr)
        raise SystemExit(CANNOT_START)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read variables in upper case, and in development an env file also."""
        assert isinstance(env_settings, EnvSettingsSource)
        names = [name for name in env_settings.env_vars if name.upper() in os.environ]
        given = {name: os.environ[name.upper()] for name in names}
        environment = given.get("fastapi_env")
        if environment is not None:  # `env_prefix` does not apply to it
            given[f"{cls.model_config.get('env_prefix', '')}fastapi_env".lower()] = environment
        env_settings.env_vars = given
        files = (dotenv_settings,) if environment == DEVELOPMENT else ()
        for source in (env_settings, *files):
            source.decode_complex_value = partial(_decoded, source.decode_complex_value)
        return init_settings, env_settings, *files, file_secret_settings

    @field_validator("*", mode="wrap")
    @classmethod
    def _collect(
        cls, value: Any, validate: ValidatorFunctionWrapHandler, field: ValidationInfo
    ) -> Any:
        name = str(field.field_name)
        usable = _usable.get({})
        if isinstance(value, _NotJSON):
            raise ValueError("must be JSON. To accept a,b, declare the field as CommaSeparated")
        try:
            value = validate(value)
        except ValidationError as error:
            cause = error.errors()[0].get("ctx", {}).get("error")
            if isinstance(cause, AllowListError):
                usable[name] = NamedOrigins(cause.accepted, cls._variable((name,)))
            raise
        if isinstance(value, NamedOrigins):
            value = NamedOrigins(value, cls._variable((name,)))
        usable[name] = value
        return value

    @classmethod
    def environments(cls) -> tuple[str, ...]:
        """Return the names in the annotation of `fastapi_env`, which is a `Literal`."""
        annotation = cls.model_fields["fastapi_env"].annotation
        return get_args(annotation) if get_origin(annotation) is Literal else ()

    @model_validator(mode="after")
    def _can_make_its_policy(self) -> Self:
        try:
            self.checked_policy()
        except CORSPolicyError as error:
            raise _PolicyProblems("\n".join(self.explain_policy(error))) from None
        return self

    def explain_policy(self, error: CORSPolicyError) -> list[str]:
        """Return a line for each problem of a policy, with the variable that causes it."""
        lists = [value for _, value in self if isinstance(value, NamedOrigins)]
        variables = {origin: each.variable for each in reversed(lists) for origin in each}
        written = f"{type(self).__name__}.cors_policy"
        return [
            f"{variables.get(getattr(problem, 'text', ''), written)}: {problem}"
            for problem in error.problems
        ]

    @classmethod
    def _explain(cls, error: ValidationError, usable: dict[str, Any]) -> list[str]:
        """Return the lines of all problems, including policy problems that field errors hide."""
        problems = error.errors(include_url=False)
        lines = [line for problem in problems for line in cls._lines(problem)]
        if any(problem["loc"] for problem in problems):
            # Pydantic skips the policy if a field fails, so make it from the usable values.
            partly = cls.model_construct(**usable)
            try:
                partly.checked_policy()
            except CORSPolicyError as hidden:
                lines += partly.explain_policy(hidden)
            except Exception:  # an owner's method may fail if a value is missing
                pass
        return lines

    @classmethod
    def _lines(cls, problem: ErrorDetails) -> list[str]:
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, _PolicyProblems):
            return str(cause).splitlines()
        names = cls.environments()
        if problem["type"] == "missing":
            reasons = ["is not set. Set it in the environment"]
        elif problem["loc"] == ("fastapi_env",) and names:
            likely = get_close_matches(str(problem["input"]).strip().lower(), names, 1, 0.4)
            proposal = f". Write {likely[0]}" if likely else ""
            reasons = [f"must be one of {', '.join(names)}{proposal}"]
        else:
            is_own = isinstance(cause, ValueError)  # raised by a validator, not by pydantic
            reasons = str(cause if is_own else problem["msg"]).splitlines()
        return [f"{cls._variable(problem['loc'])}: {reason}" for reason in reasons]

    @classmethod
    def _variables(cls, name: str) -> list[str]:
        """Return the variables that set a field, and the field's own variable last."""
        alias = cls.model_fields[name].validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias] if alias else []
        aliases = [each.path[0] if isinstance(each, AliasPath) else each for each in choices]
        prefix = "" if name == "fastapi_env" else cls.model_config.get("env_prefix", "")
        return [str(each).upper() for each in (*aliases, f"{prefix}{name}")]

    @classmethod
    def _variable(cls, location: tuple[int | str, ...]) -> str:
        """Return the variable of a field or of a part of it, and the part's position."""
        if not location:
            return cls.__name__
        name, *parts = location
        variable = str(name)
        if variable in cls.model_fields:
            variable = cls._variables(variable)[0]
        delimiter = cls.model_config.get("env_nested_delimiter")
        while delimiter and parts and isinstance(parts[0], str):
            variable += f"{delimiter}{parts.pop(0)}"
        inside = [part if isinstance(part, str) else f"entry {part + 1}" for part in parts]
        return ", ".join([variable.upper(), *inside])
