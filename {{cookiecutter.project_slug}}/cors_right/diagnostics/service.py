"""The service of a command: its settings, policy and application."""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from operator import attrgetter
from typing import Any

from pydantic import ValidationError

from ..middleware import CORSPolicyMiddleware
from ..policy import CORSPolicy, CORSPolicyError
from ..settings import DEVELOPMENT, CORSSettings
from .terminal import harmless

APPLICATION = "app.application:create_app"
SETTINGS = "app.settings:Settings"


class WrongUsage(Exception):
    """The reason why a command cannot find the service."""


class CannotStart(Exception):
    """The reason why the service does not start; the arguments are the problems, a line each."""


class Service:
    """A service, by the names of its application and of its settings (`module:attribute`).

    The application is an ASGI application, or a function that makes one, with the settings if any.
    If only the application has a name, the policy is its own, and its name is also the
    environment's.

    Raises WrongUsage and CannotStart, as the methods do.
    """

    def __init__(self, app: str | None, settings: str | None, environment: str | None) -> None:
        self.app = app or APPLICATION
        self.settings = None if app and not settings else _settings(settings or SETTINGS)
        # `file` defines the policy.
        self.file = os.path.relpath(inspect.getfile(type(self.settings))) if self.settings else ""
        self.in_force = self.settings.fastapi_env if self.settings else self.app
        self.environment = environment or self.in_force
        names = self.settings.environments() if self.settings else (self.app,)
        self.environments = names or (self.environment,)
        if self.environment not in self.environments:
            known = ", ".join(self.environments)
            raise WrongUsage(f"argument --env: {environment!r} must be one of {known}")
        self.guard = None if self.settings else guard_of(self.application())
        if not self.settings and not self.guard:
            raise WrongUsage(f"argument --app: {self.app} is not wrapped in CORSPolicyMiddleware")

    def policy(self, environment: str) -> CORSPolicy:
        """Return the policy of an environment."""
        if self.guard:
            return self.guard.policy
        assert self.settings
        settings = in_environment(self.settings, environment)
        try:
            return settings.checked_policy()
        except CORSPolicyError as error:
            raise CannotStart(*settings.explain_policy(error)) from None

    def application(self) -> Any:
        """Return the application in the environment."""
        found = _named("--app", self.app)
        if inspect.isfunction(found) and not inspect.iscoroutinefunction(found):
            of = [in_environment(self.settings, self.environment)] if self.settings else []
            return _started(self.app, found, *of)
        if self.environment != self.in_force:
            raise WrongUsage(f"argument --env: {self.app} is made for {self.in_force}")
        return found


def in_environment(settings: CORSSettings, name: str) -> CORSSettings:
    """Return the same settings for another environment."""
    return settings.model_copy(update={"fastapi_env": name})


def layers(app: Any) -> Iterator[Any]:
    """Yield an application and the layers inside it, outermost first."""
    while app is not None:
        yield app
        app = getattr(app, "_behind_policy", None) or getattr(app, "app", None)  # of CORSFastAPI


def guard_of(app: Any) -> CORSPolicyMiddleware | None:
    """Return the middleware that applies an application's policy, or None."""
    for layer in layers(app):
        if isinstance(layer, CORSPolicyMiddleware):
            return layer
        for each in getattr(layer, "user_middleware", ()):
            if each.cls is CORSPolicyMiddleware:
                return CORSPolicyMiddleware(layer, *each.args, **each.kwargs)
    return None


def _settings(name: str) -> CORSSettings:
    """Return the settings of this process, even without secrets: development needs none."""
    found = _named("--settings", name)
    if not (inspect.isclass(found) and issubclass(found, CORSSettings)):
        raise WrongUsage(f"argument --settings: {name} is not a subclass of CORSSettings")
    with suppress(ValidationError):
        return found()
    environment = os.environ.get("FASTAPI_ENV", found.model_fields["fastapi_env"].default)
    with suppress(ValidationError):
        if environment in found.environments():
            return in_environment(found(fastapi_env=DEVELOPMENT), environment)
    return found.load()  # prints the problems, and ends the process


def _named(option: str, name: str) -> Any:
    """Return the object that `module:attribute` names."""
    module, _, attribute = name.partition(":")
    try:
        return attrgetter(attribute)(_started(name, import_module, module))
    except AttributeError:
        problem = f"{module} has no {attribute!r}. Write module:attribute, such as main:app"
        raise WrongUsage(f"argument {option}: {problem}") from None
    except CannotStart as error:
        missing = getattr(error.__cause__, "name", None)  # of a ModuleNotFoundError
        if not missing or not f"{module}.".startswith(f"{missing}."):
            raise
    raise WrongUsage(
        f"cannot import {module}. Run this command in the service's folder, or name your "
        "application, such as --app main:app"
    )


def _started(name: str, start: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that starts a part of the service. CannotStart hides settings' values."""
    try:
        return start(*arguments)
    except Exception as error:
        problems = str(error).splitlines()
        if isinstance(error, ValidationError):
            problems = [f"{each['loc']}: {each['msg']}" for each in error.errors()]
        kind = type(error).__name__
        raise CannotStart(*(harmless(f"{name}: {kind}: {each}") for each in problems)) from error
