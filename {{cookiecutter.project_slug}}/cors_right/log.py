"""The log of refusals. It limits its lines, so that a flood of requests cannot fill it."""

import logging
import math
import time
from collections.abc import Callable

from .refusal import MAX_SHOWN, Refusal, shown_method, shown_path
from .request import Request

INTERVAL = 60  # seconds between two lines of the same origin and reason
MAX_LINES = 5  # of near misses in an interval, and as many of others

log = logging.getLogger(__package__)


class RefusalLog:
    """A log with a line for each origin, reason and kind of refusal, at most once a minute.

    The record has the refusal's fields, and `count`, the number of refusals that it reports.

    At most five lines a minute are about origins whose host the policy names, and five about
    others. A flood of unlisted origins thus leaves room for a frontend. The next line counts the
    refusals without a line. `clock` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        # By key: the time of the last line, the number of later refusals, and near miss or not.
        self.written: dict[object, tuple[float, int, bool]] = {}
        self.others = 0

    def write(self, refusal: Refusal) -> None:
        """Write a refusal as a WARNING, or count it."""
        came = ", ".join(refusal.origins)
        key, now = (came[:MAX_SHOWN], len(came), refusal.unlisted, refusal.kind), self.clock()
        since, left_out, is_near = self.written.get(key, (-math.inf, 0, None))
        if is_near is None:
            is_near = refusal.is_near
        elif now - since < INTERVAL:
            self.written[key] = (since, left_out + 1, is_near)
            return
        self.written.pop(key, None)
        for old in [old for old, (since, *_) in self.written.items() if now - since >= INTERVAL]:
            self.others += self.written.pop(old)[1]
        if sum(near == is_near for *_, near in self.written.values()) >= MAX_LINES:
            self.others += 1
            return
        self.written[key] = (now, 0, is_near)
        more = f" (repeated {left_out} times since the last line)" if left_out else ""
        others = f" ({self.others} other refused requests not logged)" if self.others else ""
        fields = {**refusal.fields, "count": 1 + left_out + self.others}
        self.others = 0
        log.warning("%s%s%s", refusal, more, others, extra=fields)


class LimitLog:
    """A log with a line for each limit that refuses requests, at most once a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.written: dict[str, float] = {}

    def write(self, request: Request, reason: str) -> None:
        """Write the reason as a WARNING, with the request that exceeded the limit."""
        now = self.clock()
        if now - self.written.get(reason, -math.inf) >= INTERVAL:
            self.written[reason] = now
            method, path = shown_method(request.method), shown_path(request.scope["path"])
            log.warning("Refused %s %s: %s", method, path, reason)


refusals = RefusalLog()  # of this process
limits = LimitLog()
