"""A figure from several rounds."""

from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Figure:
    """The values of each round."""

    rounds: list[float]

    @property
    def median(self) -> float:
        """Return the median of the rounds."""
        return median(self.rounds)

    @property
    def spread(self) -> float:
        """Return half the range that contains nine of ten rounds."""
        if len(self.rounds) == 1:
            return 0
        low, *_, high = quantiles(self.rounds, n=20, method="inclusive")
        return (high - low) / 2

    def __truediv__(self, other: "Figure") -> "Figure":
        """Return the multiples of another figure by round, which cancels the load of a round."""
        return Figure([one / two for one, two in zip(self.rounds, other.rounds, strict=True)])

    def __format__(self, form: str) -> str:
        """Return the median and the spread, each in a form."""
        return f"{self.median:{form}} ± {self.spread:{form}}"
