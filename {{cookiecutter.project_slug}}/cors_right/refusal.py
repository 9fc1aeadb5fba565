"""The decision to refuse a request. A refusal makes its reason and text on demand."""

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

    READ = auto()  # the application responds, and the browser blocks the response
    PREFLIGHT = auto()  # from an unlisted origin: 403
    METHOD_OR_HEADER = auto()  # the policy lacks what the preflight requests: the browser blocks
    WRITE = auto()  # from an unlisted page, with the user's credentials: 403
    WEBSOCKET = auto()  # from an unlisted page: 403


def shown_method(method: str) -> str:
    """Return a method for the log, quoted and bounded unless it is a short token."""
    return method if is_short_token(method) else shown(method)


def shown_path(path: str) -> str:
    """Return a path for the log, percent-encoded and bounded."""
    return quote(path[:MAX_SHOWN], errors="replace")


@dataclass(frozen=True)
class Refusal:
    """A request that a policy refuses; `str()` gives the line of the log.

    `origins` are the unchanged `Origin` headers. `method` is the request's method, or the one that
    a preflight requests. `unlisted` is what an allowed origin's preflight requests and the policy
    lacks, or None if the policy refuses the origin. `is_form` means that the page sent the write
    by a navigation or a form, without JavaScript.
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
        """Return the parts of the line, each bounded and printable, for logs with fields."""
        return {
            "origin": self.origin,
            "method": shown_method(self.method),
            "path": shown_path(self.path),
            "reason": self.reason.why,
            "kind": self.kind.name.lower(),
        }

    @property
    def origin(self) -> str:
        """Return the origin on one line, bounded, and quoted if it is not an origin."""
        if not self.origins:
            return "(no Origin)"
        text = ", ".join(self.origins)
        is_plain = text == "null" or (len(text) <= MAX_SHOWN and SENT.fullmatch(text))
        return text if is_plain else shown(text)

    @property
    def is_near(self) -> bool:
        """Return whether the policy names the host or allows the origin, probably a frontend's."""
        near = (near_entries(origin, self.policy.allow_list) for origin in self.origins)
        return self.unlisted is not None or any(near)

    @cached_property
    def reason(self) -> Reason:
        """Return the reason, made on demand because it reads the allow-list's entries."""
        if self.is_form:
            return CROSS_SITE_FORM
        return self.unlisted or why_not_allowed(self.policy, self.origins)


def judge(request: Request, exempt: Sequence[re.Pattern[str]] = ()) -> Refusal | None:
    """Return the refusal of a request, or None. Paths that match `exempt` accept any write.

    From an allowed origin, it refuses only preflights. It refuses a read only from a page of
    another origin. A request without `Origin`, from the service's own pages, or with a
    `Sec-Fetch-Mode` other than `cors` passes.
    """
    if request.is_allowed and request.asked_method is None:
        return None
    policy, method, unlisted = request.policy, request.method, None
    if request.scope["type"] == "websocket":
        kind = Kind.WEBSOCKET if request.is_foreign else None
    elif request.asked_method is not None:
        kind, method = Kind.PREFLIGHT, request.asked_method
        if request.is_allowed:
            unlisted = unlisted_in(policy, method, request.asked_headers)
            kind = Kind.METHOD_OR_HEADER if unlisted else None
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
