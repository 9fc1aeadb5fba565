"""What several rounds come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Figure:
    """The median of some rounds, and between which quartiles half of them lie."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles."""
        return (self.high - self.low) / 2


def figure(values: Sequence[float]) -> Figure:
    """Return what the values of all rounds come to."""
    low, _, high = quantiles(values, n=4) if len(values) > 1 else [*values] * 3
    return Figure(median(values), low, high)
