"""The CORS policy. It refuses values that could never work, or that give strangers credentials."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from . import standard
from .origins import AllowList, AllowListError, Origin, require_secure
from .public_suffixes import require_own_domain

ANY = ("*",)
LISTS = ("allow_origins", "allow_methods", "allow_headers", "expose_headers")
SHOWN = 10  # origins in a line of the log
MAX_AGE = 86400  # seconds; no browser keeps a preflight for longer


class NamedOrigins(list[str]):
    """Origins with the name of their variable, so that refusals can name it."""

    def __init__(self, origins: Iterable[str], variable: str | None = None) -> None:
        super().__init__(origins)
        self.variable = variable


@dataclass(eq=False)
class CORSPolicyError(ValueError):
    """All `problems` of a policy; `str()` gives their messages, one a line.

    A problem with an origin is an OriginError.
    """

    problems: list[ValueError]

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


@dataclass(frozen=True, kw_only=True)
class CORSPolicy:
    """The frontends that may read the service's responses, and the requests that they may send.

    The fields are the arguments of Starlette's CORSMiddleware, with its defaults. `allow_origins`
    also accepts patterns (see `AllowList`); `max_age` is in seconds. Methods match in their exact
    case, and headers in any case.

    Raises CORSPolicyError for invalid origins, and for names and ages that could never work. With
    credentials, it also refuses origins that strangers can impersonate: `*`, `http://`, and
    patterns below a public suffix. `allow_http_loopback` accepts `http://localhost` and the like.
    `development` accepts all of these, and makes responses give the reason of a refusal.

    `source` is the variable of `allow_origins`, or None. `listed_headers` are the header names that
    a preflight may request, in lower case.
    """

    allow_origins: Sequence[str] = ()
    allow_methods: Collection[str] = ("GET",)
    allow_headers: Collection[str] = ()
    allow_credentials: bool = False
    expose_headers: Collection[str] = ()
    max_age: int = 600
    development: bool = False
    allow_http_loopback: bool = False
    allow_list: AllowList = field(init=False, repr=False, compare=False)
    source: str | None = field(init=False, repr=False, compare=False)
    listed_headers: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in LISTS:
            if isinstance(values := getattr(self, name), Iterator):  # readable once
                object.__setattr__(self, name, tuple(values))
        problems: list[ValueError] = [*map(ValueError, self._wrong_values())]
        if problems:  # later checks need the right types
            raise CORSPolicyError(problems)
        is_open = not self.shares_credentials
        try:
            allow_list = AllowList(self.allow_origins, check=self._check_origin, allow_any=is_open)
        except AllowListError as error:
            problems += error.problems
        for name in ("allow_methods", "allow_headers", "expose_headers"):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))
        problems += map(ValueError, self._wrong_names())
        if problems:
            raise CORSPolicyError(problems)
        listed = map(str.lower, (*standard.SAFELISTED_REQUEST_HEADERS, *self.allow_headers))
        object.__setattr__(self, "source", getattr(self.allow_origins, "variable", None))
        object.__setattr__(self, "listed_headers", frozenset(listed))
        object.__setattr__(self, "allow_list", allow_list)
        object.__setattr__(self, "allow_origins", allow_list.entries)

    @property
    def shares_credentials(self) -> bool:
        """Return whether allowed origins get the user's credentials, outside development."""
        return self.allow_credentials and not self.development

    def allows(self, origin: str) -> bool:
        """Return whether the policy allows an origin, compared byte for byte."""
        return origin in self.allow_list

    def __str__(self) -> str:
        """Return a line that describes the policy, with the first ten origins."""
        origins = ", ".join(self.allow_origins[:SHOWN]) or "no origin"
        if (more := len(self.allow_origins) - SHOWN) > 0:
            origins += f" and {more} more"
        if self.allow_list.allows_any:
            origins = "any origin"
        credentials = "with" if self.allow_credentials else "without"
        return f"CORS allows {origins}, {credentials} credentials"

    def _check_origin(self, origin: Origin) -> None:
        """Refuse an origin that strangers can impersonate, if it would get credentials."""
        if self.shares_credentials:
            require_secure(origin, allow_loopback=self.allow_http_loopback)
            require_own_domain(origin)

    def _wrong_values(self) -> Iterator[str]:
        for name in LISTS:
            values = getattr(self, name)
            if isinstance(values, str) or not isinstance(values, Iterable):
                yield f"{name}: {values!r} must be a list of strings"
            elif wrong := [value for value in values if not isinstance(value, str)]:
                yield f"{name}: {wrong[0]!r} must be a string"
        for name in ("allow_credentials", "development", "allow_http_loopback"):
            if not isinstance(value := getattr(self, name), bool):
                yield f"{name}: {value!r} must be True or False"
        if type(self.max_age) is not int or not 0 <= self.max_age <= MAX_AGE:
            yield f"max_age: {self.max_age!r} must be 0 to {MAX_AGE} seconds"

    def _wrong_names(self) -> Iterator[str]:
        for argument, what in (
            ("allow_methods", "method"),
            ("allow_headers", "request header"),
            ("expose_headers", "response header"),
        ):
            names = getattr(self, argument)
            for name in names if names != ANY else ():
                if name == "*":
                    yield f"{argument}: '*' allows any {what}, so it must be the only entry"
                elif not standard.TOKEN.fullmatch(name):
                    yield f"{argument}: {name!r} is not a valid {what} name. Correct or remove it"
                elif "*" in name:
                    yield f"{argument}: {name!r} matches no other {what}. List each of them"
        for method in self.allow_methods:
            is_name = standard.TOKEN.fullmatch(method) and "*" not in method
            if standard.FORBIDDEN_METHOD.fullmatch(method):
                yield f"allow_methods: {method!r} has no effect (browsers never send it). Remove it"
            elif is_name and method != method.upper():
                yield f"allow_methods: {method!r} must be upper case. Write {method.upper()}"
        for header in filter(standard.FORBIDDEN_REQUEST_HEADER.fullmatch, self.allow_headers):
            yield f"allow_headers: {header!r} has no effect (pages cannot set it). Remove it"
        for header in filter(standard.FORBIDDEN_RESPONSE_HEADER.fullmatch, self.expose_headers):
            yield f"expose_headers: {header!r} has no effect (pages cannot read it). Remove it"
        if self.allow_credentials and self.expose_headers == ANY:
            yield "expose_headers: '*' has no effect with credentials. List the headers"
