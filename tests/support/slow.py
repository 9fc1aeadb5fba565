"""Rows of long tables that differ little from the others run with `-m slow` only."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_except(always: Collection[Any], rows: Iterable[Any]) -> list[Any]:
    """Return the rows of a parametrized test; those that are not always run are marked slow."""
    return [
        pytest.param(
            *(row if isinstance(row, tuple) else (row,)),
            marks=[] if row in always else pytest.mark.slow,
        )
        for row in rows
    ]
