"""The log of refusals: enough to see what is wrong, and never a flood."""

import logging
import math
import time
from collections.abc import Callable

from .refusal import MAX_SHOWN, Refusal

INTERVAL = 60  # seconds between two lines of the same origin and reason
MAX_LINES = 10  # in an interval

log = logging.getLogger(__package__)


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
        key, now = (came[:MAX_SHOWN], len(came), refusal.unlisted), self.clock()
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


refusals = RefusalLog()  # of this process
