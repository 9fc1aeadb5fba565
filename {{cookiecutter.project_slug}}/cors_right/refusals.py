"""Why a request was refused, and the log of it."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property
from operator import attrgetter
from urllib.parse import quote

from starlette.types import Scope

from .browser import SAFELISTED_METHODS
from .origins import SENT, OriginError, parse_origin, shown, split_port
from .policy import (
    ANY,
    FORBIDDEN_METHOD,
    FORBIDDEN_REQUEST_HEADER,
    TOKEN,
    CORSPolicy,
    CORSPolicyError,
)
from .requests import header_values, is_own

MAX_ASKED = 8 * 1024  # bytes of the method and header names that a preflight asks for
MAX_SHOWN = 100  # characters of an origin, a path or a name
MAX_NAMED = 10  # names to add
MAX_COMPARED = 100  # entries whose spelling is compared with a host's
THIS_MACHINE = {"localhost", "127.0.0.1", "[::1]"}  # which browsers tell apart
LIKE = 0.8  # hosts that are more alike than this count as misspelt; 1 is the same
INTERVAL = 60  # seconds between two lines of the same origin and reason
MAX_LINES = 10  # in an interval

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """Why a policy refuses a request, in words; `str()` gives the line of the log.

    `origins` are the `Origin` headers as they came, `method` and `path` what was asked for.
    `missing` says what an allowed origin's preflight asks for and the policy lacks; it is empty
    where the origin itself is refused. The words are made when they are read, because that takes a
    look at each entry of the list.
    """

    policy: CORSPolicy
    origins: tuple[str, ...]
    method: str
    path: str
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        method = self.method if is_short_token(self.method) else shown(self.method)
        path = quote(self.path[:MAX_SHOWN], errors="replace")
        return f"CORS refused {self.origin} {method} {path}: {self.reason}"

    @property
    def origin(self) -> str:
        """The origin on one line, bounded, and quoted where it is not one."""
        if not self.origins:
            return "(no Origin)"
        text = ", ".join(self.origins)
        is_plain = text == "null" or (len(text) <= MAX_SHOWN and SENT.fullmatch(text))
        return text if is_plain else shown(text)

    @property
    def reason(self) -> str:
        """Why: the nearest entry of the list and what differs, or what to add to it."""
        return self._words[0]

    @property
    def correction(self) -> str:
        """What to change, where."""
        return self._words[1]

    @cached_property
    def _words(self) -> tuple[str, str]:
        if self.missing:
            advice = "; ".join(self.missing)
            return advice, advice
        if not self.origins:
            return "it comes from another site, without an Origin", "send it with fetch()"
        if len(self.origins) > 1:
            reason = f"it has {len(self.origins)} Origin headers, and browsers send one"
            return reason, "let nothing between the browser and the service add an Origin"
        (origin,) = self.origins
        if origin == "null":
            return (
                "null is what sandboxed frames, files and redirects send, so it cannot be listed",
                "serve the page over https from an origin of its own, outside a sandbox, and let "
                "nothing redirect the request to another origin",
            )
        try:
            written = str(parse_origin(origin))
        except OriginError as error:
            return "no browser sends such an Origin", str(error)
        if origin != written:
            return "no browser sends such an Origin", f"browsers write it {written}"
        return _misses(origin, self.policy)


def refusal(policy: CORSPolicy, scope: Scope, *, is_allowed: bool | None = None) -> Refusal | None:
    """Return why a policy refuses an ASGI request or WebSocket; None where it does not.

    Requests that no page of another origin wants to read are not refused: those without `Origin`,
    of the service's own pages, and with a `Sec-Fetch-Mode` other than `cors`. `is_allowed` is the
    verdict on the origin, where the caller has it.
    """
    origins, hosts, methods, names, modes, sites = header_values(
        scope,
        b"origin",
        b"host",
        b"access-control-request-method",
        b"access-control-request-headers",
        b"sec-fetch-mode",
        b"sec-fetch-site",
    )
    if not origins:
        return None
    if is_allowed is None:
        is_allowed = len(origins) == 1 and policy.allows(origins[0])
    is_read = scope["type"] == "websocket" or (sites != ["same-origin"] and modes in ([], ["cors"]))
    method: str = scope.get("method", "WebSocket")
    missing: tuple[str, ...] = ()
    if method == "OPTIONS" and methods:
        method = methods[0]
        if is_allowed and not (missing := unlisted(policy, method, ",".join(names))):
            return None
    elif (
        is_allowed
        or not is_read
        or (len(origins) == 1 and is_own(origins[0], hosts, scope["scheme"], policy))
    ):
        return None
    return Refusal(policy, tuple(origins), method, scope["path"], missing)


def refused_write(policy: CORSPolicy, scope: Scope) -> Refusal:
    """Return why a write is refused that `CrossSiteWriteGuard` refuses."""
    (origins,) = header_values(scope, b"origin")
    return Refusal(policy, tuple(origins), scope["method"], scope["path"])


def unlisted(policy: CORSPolicy, method: str, names: str) -> tuple[str, ...]:
    """Say what to add, for a method and header names that a preflight asks for.

    `names` are joined by commas. Empty where the policy lists all of them.
    """
    if len(method) + len(names) > MAX_ASKED:
        return (f"it asks for more than {MAX_ASKED} bytes of header names; send fewer",)
    advice: list[str] = []
    methods = policy.allow_methods
    if methods != ANY and method not in SAFELISTED_METHODS and method not in methods:
        advice += _about_method(policy, method)
    if names and policy.allow_headers != ANY:
        asked = dict.fromkeys(name.strip() for name in names.lower().split(","))
        advice += _about_headers([name for name in asked if name not in policy.listed_headers])
    return tuple(advice)


def _about_method(policy: CORSPolicy, method: str) -> Iterator[str]:
    if not is_short_token(method) or FORBIDDEN_METHOD.fullmatch(method):
        yield f"send no {shown(method)}, which is no method of browsers"
        return
    if method != method.upper():
        yield f"write {method.upper()} in the page, because browsers send {method} as it is"
    if method.upper() not in policy.allow_methods:
        yield f'add "{method.upper()}" to allow_methods'


def _about_headers(names: list[str]) -> Iterator[str]:
    for name in names[:MAX_NAMED]:
        if is_short_token(name) and not FORBIDDEN_REQUEST_HEADER.fullmatch(name):
            yield f'add "{name.title()}" to allow_headers'
        else:
            yield f"send no {shown(name)}, which pages cannot set"
    if len(names) > MAX_NAMED:
        yield f"and {len(names) - MAX_NAMED} more"


def is_short_token(name: str) -> bool:
    """Whether a name is fit to be shown as it is."""
    return len(name) <= MAX_SHOWN and TOKEN.fullmatch(name) is not None


def _misses(origin: str, policy: CORSPolicy) -> tuple[str, str]:
    """Say which entry an origin misses and by what, and what to change."""
    source = policy.source or "allow_origins"
    near = nearest(origin, policy.allow_origins)
    change = f"open the page at {near.meant}" if near and near.meant else ""
    if forbidden := _why_not_listed(origin, policy):
        because = f"{origin} cannot be listed, because it {forbidden}"
        change = f"{change}; {because}" if change else because
    else:
        addition = f"add {origin} to {source}"
        change = f"{change}, or {addition}" if change else addition
    if near:
        return f"the list has {near.entry} ({source}); {near.difference}", change
    state = "it is not in the list" if policy.allow_origins else "the list is empty"
    return f"{state} ({source})", change


def _why_not_listed(origin: str, policy: CORSPolicy) -> str:
    """Return why a policy may not list an origin, or nothing."""
    try:
        replace(policy, allow_origins=[origin])
    except CORSPolicyError as error:
        (problem,) = error.problems
        return problem.reason if isinstance(problem, OriginError) else str(problem)
    return ""


@dataclass(frozen=True)
class Miss:
    """By what an origin misses an entry, and the origin that was meant, if that is clear."""

    rank: int
    entry: str
    difference: str
    meant: str | None


def nearest(origin: str, entries: Sequence[str]) -> Miss | None:
    """Return what an origin misses by least, the first of equals; None if nothing is near.

    Spelling is compared in short lists only.
    """
    misses = [miss for entry in entries if (miss := _miss(origin, entry))]
    if not misses and len(entries) <= MAX_COMPARED:
        misses = [miss for entry in entries if (miss := _miss(origin, entry, by_spelling=True))]
    return min(misses, key=attrgetter("rank"), default=None)


def _miss(origin: str, entry: str, *, by_spelling: bool = False) -> Miss | None:
    """Compare an origin with an entry; None if their hosts have nothing in common."""
    (scheme, host, port), (entry_scheme, entry_host, entry_port) = map(_parts, (origin, entry))
    base = entry_host.removeprefix("*.")
    is_pattern = base != entry_host
    rank, meant, differences = 1, "" if is_pattern else entry_host, []
    if host == entry_host or (is_pattern and host.endswith(f".{base}")):
        rank, meant = 0, host
    elif host == base:
        differences = [f"it stands for names below {base}, and not for {base} itself"]
    elif host.removeprefix("www.") == base.removeprefix("www."):
        differences = ["one of them has www."]
    elif {host, base} <= THIS_MACHINE:
        differences = [f"{host} and {base} are two hosts"]
    elif host.endswith(f".{base}"):
        rank, differences = 2, [f"it does not stand for names below {base}"]
    elif base.endswith(f".{host}") or (
        by_spelling and SequenceMatcher(None, host, base).ratio() >= LIKE
    ):
        rank, differences = 3, ["the host differs"]
    else:
        return None
    if scheme != entry_scheme:
        differences.append("the scheme differs")
    if entry_port not in (port, "*"):
        differences.append("the port differs")
        port = entry_port
    meant_port = "" if port is None else f":{port}"
    return Miss(
        rank + len(differences),
        entry,
        ", ".join(differences),
        f"{entry_scheme}://{meant}{meant_port}" if meant else None,
    )


def _parts(text: str) -> tuple[str, str, str | None]:
    scheme, _, authority = text.partition("://")
    return scheme, *split_port(authority)


class RefusalLog:
    """Writes refusals: a line for each origin and reason, at most once a minute, and ten a minute.

    What is left out is counted in the next line. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.written: dict[object, tuple[float, int]] = {}  # when, and how many were left out since
        self.others = 0

    def write(self, refusal: Refusal) -> None:
        """Write a refusal as a WARNING, or count it."""
        came = ", ".join(refusal.origins)
        key, now = (came[:MAX_SHOWN], len(came), refusal.missing), self.clock()
        since, left_out = self.written.get(key, (-math.inf, 0))
        if now - since < INTERVAL:
            self.written[key] = (since, left_out + 1)
            return
        self.written.pop(key, None)
        for old in [old for old, (since, _) in self.written.items() if now - since >= INTERVAL]:
            self.others += self.written.pop(old)[1]
        if len(self.written) >= MAX_LINES:
            self.others += 1
            return
        self.written[key] = (now, 0)
        more = f" (and {left_out} times since the last line)" if left_out else ""
        others = f" (other refusals left out: {self.others})" if self.others else ""
        self.others = 0
        log.warning("%s%s%s", refusal, more, others)


_log = RefusalLog()


def report(refusal: Refusal | None) -> None:
    """Write a refusal to the log of this process."""
    if refusal:
        _log.write(refusal)
