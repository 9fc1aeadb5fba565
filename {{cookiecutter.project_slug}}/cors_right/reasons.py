"""The reasons for refusals, as types with fields.

The log, development's responses and `explain` print `why`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from operator import attrgetter

from .origins import (
    DEFAULT_PORTS,
    MAX_HOST_LENGTH,
    AllowList,
    OriginError,
    parse_origin,
    parts,
    shown,
)
from .policy import ANY, CORSPolicy
from .standard import FORBIDDEN_METHOD, FORBIDDEN_REQUEST_HEADER, TOKEN

MAX_NAME = 100  # characters of a name that messages show unquoted
MAX_NAMED = 10  # names to add in one message
MAX_COMPARED = 100  # entries to compare with a host
THIS_MACHINE = {"localhost", "127.0.0.1", "[::1]"}  # browsers treat these as different hosts
LIKE = 0.8  # hosts that are more alike than this count as misspelt; 1 means equal


@dataclass(frozen=True)
class NotAllowable:
    """A request that no policy can allow."""

    why: str
    correction: str


ABSENT = NotAllowable(
    "a page on another site sent it without an Origin header", "send it with fetch()"
)
NULL = NotAllowable(
    "no allow-list can contain null (sandboxed frames, files and redirects on any website send it)",
    "serve the page over https, outside a sandbox, and let nothing redirect the request to another "
    "origin",
)
CROSS_SITE_FORM = NotAllowable(
    "a page on another site sent a form or a link (CSRF)",
    "if this path must accept it, add the path to cross_site_exempt. If your own frontend sends "
    "it, use fetch()",
)
MAX_ASKED = 8 * 1024  # bytes of the method and header names that a preflight asks for
ASKS_TOO_MUCH = (
    f"the preflight asks for more than {MAX_ASKED} bytes of header names. Send fewer headers"
)
TOO_LONG = NotAllowable(ASKS_TOO_MUCH, ASKS_TOO_MUCH)


class Difference(StrEnum):
    """A difference between an origin and an entry. Each value is its message."""

    BASE = "it matches names below {base}, not {base} itself"
    WWW = "only one of the two has www."
    LOOPBACK = "{host} and {base} are different hosts"
    BELOW = "it does not match names below {base}"
    HOST = "the hosts differ"
    SCHEME = "the schemes differ"
    PORT = "the ports differ"


@dataclass(frozen=True)
class Miss:
    """The differences between an origin and an entry. A lower `rank` is nearer.

    `host` is the origin's host, and `base` the entry's host without `*.`. `meant` is the origin
    that the developer probably meant, or None.
    """

    rank: int
    entry: str
    host: str
    base: str
    differences: tuple[Difference, ...]
    meant: str | None

    def __str__(self) -> str:
        return ", ".join(difference.format(**vars(self)) for difference in self.differences)


@dataclass(frozen=True)
class NotListed:
    """An origin that no entry matches.

    `source` is the variable or argument with the allow-list, and `near` the nearest entry.
    """

    origin: str
    source: str
    near: Miss | None
    list_is_empty: bool

    @property
    def why(self) -> str:
        if self.near:
            return f"{self.source} lists {self.near.entry}, but {self.near}"
        if self.list_is_empty:
            return f"{self.source} is empty, so it allows no origin"
        return f"{self.source} does not list this origin"


@dataclass(frozen=True)
class Unlisted:
    """A method (or None) and header names, in lower case, that the policy does not list.

    `upper_is_listed` means that the policy lists the method in upper case.
    """

    method: str | None = None
    headers: tuple[str, ...] = ()
    upper_is_listed: bool = False

    @property
    def why(self) -> str:
        return "; ".join([*self._about_method(), *self._about_headers()])

    def _about_method(self) -> Iterator[str]:
        if self.method is None:
            return
        upper = self.method.upper()
        if not can_send_method(self.method):
            yield f"remove {shown(self.method)} (browsers cannot send this method)"
            return
        if self.method != upper:
            yield f"write {upper} in the page (browsers send {self.method} unchanged)"
        if not self.upper_is_listed:
            yield f'add "{upper}" to allow_methods'

    def _about_headers(self) -> Iterator[str]:
        for name in self.headers[:MAX_NAMED]:
            if can_send_header(name):
                yield f'add "{name.title()}" to allow_headers'
            else:
                yield f"remove {shown(name)} (pages cannot set this header)"
        if len(self.headers) > MAX_NAMED:
            yield f"and {len(self.headers) - MAX_NAMED} more"


Reason = NotAllowable | NotListed | Unlisted


def can_send_method(method: str) -> bool:
    """Return whether pages can send a method, and messages can show it unquoted."""
    return is_short_token(method) and not FORBIDDEN_METHOD.fullmatch(method)


def can_send_header(name: str) -> bool:
    """Return whether pages can set a header, and messages can show it unquoted."""
    return is_short_token(name) and not FORBIDDEN_REQUEST_HEADER.fullmatch(name)


def is_short_token(name: str) -> bool:
    """Return whether messages can show a name unquoted."""
    return len(name) <= MAX_NAME and TOKEN.fullmatch(name) is not None


def unlisted_in(policy: CORSPolicy, method: str, names: str) -> Unlisted | NotAllowable | None:
    """Return a preflight's unlisted method and headers, or None. Commas separate `names`."""
    if len(method) + len(names) > MAX_ASKED:
        return TOO_LONG
    is_listed = policy.allow_methods == ANY or method in policy.allow_methods
    asked = names.lower().split(",") if policy.allow_headers != ANY else ()
    listed = {"", *policy.listed_headers}
    missing = dict.fromkeys(name for name in map(str.strip, asked) if name not in listed)
    if is_listed and not missing:
        return None
    if is_listed:
        return Unlisted(None, tuple(missing))
    return Unlisted(method, tuple(missing), method.upper() in policy.allow_methods)


def why_not_allowed(policy: CORSPolicy, origins: Sequence[str]) -> Reason:
    """Return why a policy does not allow a request with these `Origin` headers."""
    if not origins:
        return ABSENT
    if len(origins) > 1:
        return NotAllowable(
            f"the request has {len(origins)} Origin headers (browsers send one)",
            "let nothing between the browser and the service add an Origin header",
        )
    (origin,) = origins
    if origin == "null":
        return NULL
    try:
        canonical = str(parse_origin(origin))
    except OriginError as error:
        return NotAllowable("no allow-list can contain such an origin", str(error))
    if origin != canonical:
        return NotAllowable(
            "no browser sends this spelling of the origin", f"browsers send {canonical}"
        )
    near = nearest(origin, policy.allow_list)
    return NotListed(origin, policy.source or "allow_origins", near, not policy.allow_origins)


def near_entries(origin: str, allow_list: AllowList) -> list[str]:
    """Return the entries for an origin's host, the names above it, and its usual variants.

    The limit of a hundred for each host keeps a long list as cheap as a short one.
    """
    _, host, _ = parts(origin)
    if len(host) > MAX_HOST_LENGTH:
        return []
    labels = host.split(".")
    hosts = [".".join(labels[first:]) for first in range(len(labels))]
    hosts += [f"www.{host}", *(THIS_MACHINE if host in THIS_MACHINE else ())]
    found = (allow_list.by_host.get(each, [])[:MAX_COMPARED] for each in dict.fromkeys(hosts))
    return [entry for entries in found for entry in entries]


def nearest(origin: str, allow_list: AllowList) -> Miss | None:
    """Return the nearest miss of an origin, the first among equals, or None if no entry is near.

    Only in short lists, it also looks for names below the host and for similar names.
    """
    is_short = len(allow_list.entries) <= MAX_COMPARED
    entries = allow_list.entries if is_short else near_entries(origin, allow_list)
    misses = [miss for entry in entries if (miss := miss_of(origin, entry))]
    if not misses and is_short:
        misses = [miss for entry in entries if (miss := miss_of(origin, entry, by_spelling=True))]
    return min(misses, key=attrgetter("rank"), default=None)


def miss_of(origin: str, entry: str, *, by_spelling: bool = False) -> Miss | None:
    """Return how an origin differs from an entry, or None if their hosts share nothing."""
    (scheme, host, port), (entry_scheme, entry_host, entry_port) = map(parts, (origin, entry))
    base = entry_host.removeprefix("*.")
    is_pattern = base != entry_host
    rank, meant, differences = 1, "" if is_pattern else entry_host, []
    if host == entry_host or (is_pattern and host.endswith(f".{base}")):
        rank, meant = 0, host
    elif host == base:
        differences = [Difference.BASE]
    elif host.removeprefix("www.") == base.removeprefix("www."):
        differences = [Difference.WWW]
    elif {host, base} <= THIS_MACHINE:
        differences = [Difference.LOOPBACK]
    elif host.endswith(f".{base}"):
        rank, differences = 2, [Difference.BELOW]
    elif base.endswith(f".{host}") or (
        by_spelling and SequenceMatcher(None, host, base).ratio() >= LIKE
    ):
        rank, differences = 3, [Difference.HOST]
    else:
        return None
    if scheme != entry_scheme:
        differences.append(Difference.SCHEME)
    if entry_port not in (port, "*"):
        differences.append(Difference.PORT)
        port = entry_port
    is_default = port in (None, str(DEFAULT_PORTS.get(entry_scheme)))
    address = f"{entry_scheme}://{meant}" + ("" if is_default else f":{port}")
    rank += len(differences)
    return Miss(rank, entry, host, base, tuple(differences), address if meant else None)
