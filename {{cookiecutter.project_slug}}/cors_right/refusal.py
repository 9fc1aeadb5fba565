"""The decision: which requests a policy refuses. The reason and its words are made on demand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from urllib.parse import quote

from .origins import SENT, shown
from .policy import CORSPolicy
from .reasons import (
    CROSS_SITE_FORM,
    NotAllowable,
    Reason,
    Unlisted,
    is_short_token,
    near_entries,
    unlisted_in,
    why_not_allowed,
)
from .request import Request
from .standard import SAFE_METHODS

MAX_SHOWN = 100  # characters of an origin or a path


class Kind(Enum):
    """The effect of a refusal."""

    READ = auto()  # the application answers, and the browser blocks the response
    PREFLIGHT = auto()  # from an unlisted origin: 403
    UNLISTED = auto()  # the policy lacks what the preflight asks for: the browser blocks
    WRITE = auto()  # from an unlisted page, with the user's credentials: 403
    WEBSOCKET = auto()  # from an unlisted page: 403


def shown_method(method: str) -> str:
    """Return a method for the log: as it is if it is a short token, else quoted and bounded."""
    return method if is_short_token(method) else shown(method)


def shown_path(path: str) -> str:
    """Return a path for the log, percent-encoded and bounded."""
    return quote(path[:MAX_SHOWN], errors="replace")


@dataclass(frozen=True)
class Refusal:
    """A request that a policy refuses; `str()` gives the line of the log.

    `origins` are the `Origin` headers as they came; `method` and `path` are those of the request,
    or the method that a preflight asks for. `unlisted` is what an allowed origin's preflight asks
    for and the policy lacks; it is None if the policy refuses the origin. `is_form` says that the
    write is a navigation or a form's, which a page sends without JavaScript.
    """

    kind: Kind
    policy: CORSPolicy
    origins: tuple[str, ...]
    method: str
    path: str
    unlisted: Unlisted | NotAllowable | None = None
    is_form: bool = False

    def __str__(self) -> str:
        """Return the line of the log."""
        return "CORS refused {method} {path} from {origin}: {reason}".format(**self.fields)

    @property
    def fields(self) -> dict[str, str]:
        """The parts of the line, each bounded and printable, for logs that have fields."""
        return {
            "origin": self.origin,
            "method": shown_method(self.method),
            "path": shown_path(self.path),
            "reason": self.reason.why,
            "kind": self.kind.name.lower(),
        }

    @property
    def origin(self) -> str:
        """The origin on one line, bounded, and quoted if it is not an origin."""
        if not self.origins:
            return "(no Origin)"
        text = ", ".join(self.origins)
        is_plain = text == "null" or (len(text) <= MAX_SHOWN and SENT.fullmatch(text))
        return text if is_plain else shown(text)

    @property
    def is_near(self) -> bool:
        """Whether the policy names the host, or allows the origin: a frontend's, probably."""
        near = (near_entries(origin, self.policy.allow_list) for origin in self.origins)
        return self.unlisted is not None or any(near)

    @cached_property
    def reason(self) -> Reason:
        """The reason. It takes a look at the entries of the allow-list."""
        if self.is_form:
            return CROSS_SITE_FORM
        return self.unlisted or why_not_allowed(self.policy, self.origins)


def judge(request: Request, exempt: Sequence[re.Pattern[str]] = ()) -> Refusal | None:
    """Return the refusal of a request, or None. `exempt` match paths that take any write.

    A read that no page of another origin asks for is not refused: a request without `Origin`, from
    the service's own pages, or with a `Sec-Fetch-Mode` other than `cors`.
    """
    policy, method, unlisted = request.policy, request.method, None
    if request.scope["type"] == "websocket":
        kind = Kind.WEBSOCKET if request.is_foreign else None
    elif request.asked_method is not None:
        kind, method = Kind.PREFLIGHT, request.asked_method
        if request.is_allowed:
            unlisted = unlisted_in(policy, method, request.asked_headers)
            kind = Kind.UNLISTED if unlisted else None
    elif (
        policy.allow_credentials
        and method not in SAFE_METHODS
        and request.is_cross_site
        and not any(path.match(request.path) for path in exempt)
    ):
        kind = Kind.WRITE
    else:
        kind = Kind.READ if request.is_foreign and request.is_read else None
    if kind is None:
        return None
    origins = tuple(request.origins)
    is_form = kind is Kind.WRITE and not request.is_from_script
    return Refusal(kind, policy, origins, method, request.scope["path"], unlisted, is_form)
