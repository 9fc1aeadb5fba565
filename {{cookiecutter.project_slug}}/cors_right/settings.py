"""Settings with a policy in them: where they come from, and what is said of wrong ones."""

import json
import os
import sys
from difflib import get_close_matches
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BeforeValidator,
    Field,
    ValidationError,
    create_model,
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
    SettingsError,
)

from .origins import BLANKS, AllowList, AllowListError, OriginError, parse_origin, shown
from .policy import CORSPolicy, CORSPolicyError, Environment, NamedOrigins

# Uvicorn and gunicorn take this status for "no worker can start", and start no other.
CANNOT_START = 3


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError('it is not a JSON list; write ["a", "b"] or a,b') from None
    entries = [entry.strip(BLANKS) for entry in value.split(",")]
    if entries == [""]:
        return []
    if "" in entries:
        raise ValueError("it has an empty entry; is a variable unset that it is made of?")
    return entries


def _canonical(texts: list[str]) -> list[str]:
    if texts == ["none"]:
        raise ValueError("'none' is not an origin; to allow none, set the variable to nothing")
    return NamedOrigins(AllowList(texts).entries)


def _host(text: str) -> str:
    try:
        origin = parse_origin(text if "://" in text else f"https://{text}")
    except OriginError:
        reason = "is not a host; write api.example.com, or *.example.com for the names below it"
        raise ValueError(f"{shown(text)} {reason}") from None
    host = f"{'*.' if origin.any_subdomain else ''}{origin.host}"
    if "://" in text or origin.port is not None:
        raise ValueError(f"{shown(text)} has more than a host; write {host}")
    return host


def _known(environment: object) -> object:
    names = get_args(Environment)
    if environment in names:
        return environment
    likely = get_close_matches(str(environment).strip().lower(), names, n=1, cutoff=0.4)
    proposal = f"; write {likely[0]}" if likely else ""
    raise ValueError(f"it is not one of {', '.join(names)}{proposal}")


T = TypeVar("T")
CommaSeparated = Annotated[list[T], NoDecode, BeforeValidator(_split)]
"""A list in one variable, as `a,b` or `["a", "b"]`. Set to nothing, it is empty."""

Origins = Annotated[CommaSeparated[str], AfterValidator(_canonical)]
"""A list of origins and patterns, in canonical form, or `*` alone (see `AllowList`)."""

Hosts = CommaSeparated[Annotated[str, AfterValidator(_host)]]
"""A list of hosts, without scheme and port; `*.` before one stands for the names below it."""


def _aliases(field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    aliases = alias.choices if isinstance(alias, AliasChoices) else [alias] if alias else []
    return [str(alias.path[0] if isinstance(alias, AliasPath) else alias) for alias in aliases]


class _PolicyProblems(ValueError):
    """What is wrong with the policy, a line each, with the variables that it comes from."""


class CORSSettings(BaseSettings):
    """Settings that say which policy is in force, and cannot be made with a wrong one.

    A field is read from the variable of its name in upper case, and from no other spelling; in
    development, and nowhere else, from a file `.env`, too. `FASTAPI_ENV` comes from the environment
    alone; unset, it means production. Arguments override variables, and unknown ones are refused.

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

    fastapi_env: Annotated[
        Environment, BeforeValidator(_known), Field(validation_alias="FASTAPI_ENV")
    ] = "production"

    def cors_policy(self) -> CORSPolicy:
        """Return the policy of `fastapi_env`. Each service says its own."""
        raise NotImplementedError

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this process, or end it (status 3) with a line a problem."""
        try:
            return cls()
        except ValidationError as error:
            lines = cls._explain(error)
        except SettingsError as error:
            name = str(error).split('"')[1]
            lines = [f"{cls._variable((name,))}: it takes JSON; declare CommaSeparated for a,b"]
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
        """Read variables in upper case, and an env file where they say development."""
        assert isinstance(env_settings, EnvSettingsSource)
        env_settings.env_vars = {
            name: os.environ[name.upper()]
            for name in env_settings.env_vars
            if name.upper() in os.environ
        }
        files = (dotenv_settings,) if os.environ.get("FASTAPI_ENV") == "development" else ()
        return init_settings, env_settings, *files, file_secret_settings

    @model_validator(mode="after")
    def _can_make_its_policy(self) -> Self:
        for name, value in self:
            if isinstance(value, NamedOrigins):
                value.variable = self._variable((name,))
        try:
            policy = self.cors_policy()
        except CORSPolicyError as error:
            raise _PolicyProblems("\n".join(self.explain_policy(error))) from None
        if policy.environment != self.fastapi_env:
            where = f"{type(self).__name__}.cors_policy"
            raise _PolicyProblems(f"{where}: environment is not {self.fastapi_env}")
        return self

    def explain_policy(self, error: CORSPolicyError) -> list[str]:
        """Return a line for each problem of a policy, with the variable that it comes from."""
        return [f"{self._source(problem)}: {problem}" for problem in error.problems]

    def _source(self, problem: ValueError) -> str:
        """Return the variable that an origin of the policy came from, or else the method."""
        for name, value in self:
            if (
                isinstance(problem, OriginError)
                and isinstance(value, list)
                and problem.text in value
            ):
                return self._variable((name,))
        return f"{type(self).__name__}.cors_policy"

    @classmethod
    def _explain(cls, error: ValidationError) -> list[str]:
        """Return the lines of all problems, those of the policy that fields have hidden, too."""
        problems = error.errors(include_url=False, include_input=False)
        lines = [line for problem in problems for line in cls._lines(problem)]
        values = cls._instead_of_failed(problems)
        if values:
            # The policy is made only where no field has failed, so make it with other values.
            fields: Any = {
                name: (Any, Field(validation_alias=cls.model_fields[name].validation_alias))
                for name in values
            }
            lenient = create_model(cls.__name__, __base__=cls, **fields)
            try:
                lenient(**values)
            except ValidationError as hidden:
                causes = [problem.get("ctx", {}).get("error") for problem in hidden.errors()]
                lines += [
                    line
                    for cause in causes
                    if isinstance(cause, _PolicyProblems)
                    for line in str(cause).splitlines()
                ]
            except Exception:  # noqa: BLE001, S110: whatever an owner's method makes of no value
                pass
        return lines

    @classmethod
    def _instead_of_failed(cls, problems: list[ErrorDetails]) -> dict[str, Any]:
        """Return what is valid of lists that have failed, and the default of any other field."""
        causes = {
            str(problem["loc"][0]): problem.get("ctx", {}).get("error")
            for problem in problems
            if problem["loc"]
        }
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            for key in causes.keys() & {name, *_aliases(field)}:
                values[name] = field.get_default(call_default_factory=True)
                if isinstance(cause := causes[key], AllowListError):
                    values[name] = [*cause.accepted]
        return values

    @classmethod
    def _lines(cls, problem: ErrorDetails) -> list[str]:
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, _PolicyProblems):
            return str(cause).splitlines()
        if problem["type"] == "missing":
            reasons = ["it is not set"]
        else:
            is_own = isinstance(cause, ValueError)  # and not of pydantic's
            reasons = str(cause if is_own else problem["msg"]).splitlines()
        return [f"{cls._variable(problem['loc'])}: {reason}" for reason in reasons]

    @classmethod
    def _variable(cls, location: tuple[int | str, ...]) -> str:
        """Return the variable that holds a field or a part of it, and where in it that is."""
        if not location:
            return cls.__name__
        name, *parts = location
        variable = str(name)
        if field := cls.model_fields.get(variable):
            prefix = cls.model_config.get("env_prefix", "")
            variable = [*_aliases(field), f"{prefix}{variable}"][0]
        delimiter = cls.model_config.get("env_nested_delimiter")
        while delimiter and parts and isinstance(parts[0], str):
            variable += f"{delimiter}{parts.pop(0)}"
        inside = [part if isinstance(part, str) else f"entry {part + 1}" for part in parts]
        return ", ".join([variable.upper(), *inside])
