"""What several rounds come to."""

from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Figure:
    """What was measured in each round."""

    rounds: list[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the distance within which nine of ten rounds lie."""
        if len(self.rounds) == 1:
            return 0
        low, *_, high = quantiles(self.rounds, n=20, method="inclusive")
        return (high - low) / 2

    def __truediv__(self, other: "Figure") -> "Figure":
        """Return the multiples of another figure, round by round: what slows a round cancels."""
        return Figure([one / two for one, two in zip(self.rounds, other.rounds, strict=True)])

    def __format__(self, form: str) -> str:
        """Return the median and the spread, each in a form."""
        return f"{self.median:{form}} ± {self.spread:{form}}"
