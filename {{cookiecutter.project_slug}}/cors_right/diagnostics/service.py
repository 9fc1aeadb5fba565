"""The service that a command is about: its settings, its policy and its application."""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from operator import attrgetter
from typing import Any, TypeVar

from pydantic import ValidationError

from ..fastapi import CORSFastAPI
from ..middleware import CORSPolicyMiddleware
from ..policy import CORSPolicy, CORSPolicyError
from ..settings import DEVELOPMENT, CORSSettings
from .terminal import harmless

APPLICATION = "app.application:create_app"
SETTINGS = "app.settings:Settings"
T = TypeVar("T")


class WrongUsage(Exception):
    """Why a command does not find the service."""


class CannotStart(Exception):
    """Why the service does not start; its arguments are the problems, a line each."""


class Service:
    """A service, by the names of its application and of its settings (`module:attribute`).

    The application is an ASGI application, or a function that returns one, of the settings if it
    has a parameter. If only the application has a name, the policy is its own, and its name stands
    for the environment.

    Raises WrongUsage and CannotStart, as the methods do.
    """

    def __init__(self, app: str | None, settings: str | None, environment: str | None) -> None:
        self.app = app or APPLICATION
        self.settings = None if app and not settings else _settings(settings or SETTINGS)
        self.in_force = self.settings.fastapi_env if self.settings else self.app
        self.environments = (self.settings and self.settings.environments()) or (self.in_force,)
        self.environment = environment or self.in_force
        if self.environment not in self.environments:
            known = ", ".join(self.environments)
            raise WrongUsage(f"argument --env: {environment!r} is not one of {known}")

    def policy(self, environment: str) -> CORSPolicy:
        """Return the policy of an environment. Also raises CORSPolicyError."""
        if self.settings:
            return in_environment(self.settings, environment).checked_policy()
        if guard := guard_of(self.application()):
            return guard.policy
        raise WrongUsage(f"argument --app: {self.app} has no CORSPolicyMiddleware around it")

    def problems(self, error: CORSPolicyError) -> list[str]:
        """Return a line for each problem of a policy."""
        return self.settings.explain_policy(error) if self.settings else str(error).splitlines()

    @property
    def file(self) -> str:
        """The file that makes the policy, if settings do."""
        return os.path.relpath(inspect.getfile(type(self.settings))) if self.settings else ""

    def application(self) -> Any:
        """Return the application in the environment."""
        found = _named("--app", self.app)
        if inspect.isfunction(found) and not inspect.iscoroutinefunction(found):
            if self.settings and inspect.signature(found).parameters:
                return _started(self.app, found, in_environment(self.settings, self.environment))
            return _started(self.app, found)
        if self.environment != self.in_force:
            raise WrongUsage(f"argument --env: {self.app} is made for {self.in_force}")
        return found


def in_environment(settings: CORSSettings, name: str) -> CORSSettings:
    """Return the same settings for another environment."""
    return settings.model_copy(update={"fastapi_env": name})


def layers(app: Any) -> Iterator[Any]:
    """Yield an application, and what it wraps, from the outside in."""
    while app is not None:
        yield app
        app = getattr(app, "app", None)


def guard_of(app: Any) -> CORSPolicyMiddleware | None:
    """Return the middleware with the policy of an application."""
    for layer in layers(app):
        if isinstance(layer, CORSPolicyMiddleware):
            return layer
        if isinstance(layer, CORSFastAPI):
            return CORSPolicyMiddleware(layer, layer.cors_policy, layer.cross_site_exempt)
        for each in getattr(layer, "user_middleware", ()):
            if each.cls is CORSPolicyMiddleware:
                return CORSPolicyMiddleware(layer, *each.args, **each.kwargs)
    return None


def _settings(name: str) -> CORSSettings:
    """Return the settings of this process, secrets or not: development needs none."""
    found = _named("--settings", name)
    if not (inspect.isclass(found) and issubclass(found, CORSSettings)):
        raise WrongUsage(f"argument --settings: {name} is not a subclass of CORSSettings")

    def settings() -> CORSSettings:
        environment = os.environ.get("FASTAPI_ENV", found.model_fields["fastapi_env"].default)
        with suppress(ValidationError):
            return found()
        with suppress(ValidationError):
            if environment in found.environments():
                return in_environment(found(fastapi_env=DEVELOPMENT), environment)
        return found.load()  # which says what is wrong

    return _started(name, settings)


def _named(option: str, name: str) -> Any:
    """Return what `module:attribute` names."""
    module, _, attribute = name.partition(":")
    try:
        return attrgetter(attribute)(_started(name, import_module, module))
    except AttributeError:
        problem = f"{module} has no {attribute!r}; write module:attribute, such as main:app"
        raise WrongUsage(f"argument {option}: {problem}") from None
    except CannotStart as error:
        missing = getattr(error.__cause__, "name", None)  # of a ModuleNotFoundError
        if not missing or not f"{module}.".startswith(f"{missing}."):
            raise
    raise WrongUsage(
        f"there is no {module} here; run it where the service's code is, and name what is not "
        "app/settings.py: --app main:app"
    )


def _started(name: str, start: Callable[..., T], *arguments: Any) -> T:
    """Call what starts a part of the service. CannotStart has no value of a setting."""
    try:
        return start(*arguments)
    except (Exception, SystemExit) as error:
        match error:
            case CORSPolicyError():
                problems = str(error).splitlines()
            case ValidationError():
                problems = [f"{each['loc']}: {each['msg']}" for each in error.errors()]
            case SystemExit():  # with a number, it has said why
                problems = [error.code] if isinstance(error.code, str) else []
            case _:
                problems = [f"{type(error).__name__}: {error}"]
        raise CannotStart(*(f"{name}: {harmless(problem)}" for problem in problems)) from error
