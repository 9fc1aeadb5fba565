"""Rows of long tables that run with `-m slow` only, because they differ little from others."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_except(always: Collection[Any], rows: Iterable[Any]) -> list[Any]:
    """Return the rows of a parametrized test, and mark rows outside `always` as slow."""
    return [
        pytest.param(
            *(row if isinstance(row, tuple) else (row,)),
            marks=[] if row in always else pytest.mark.slow,
        )
        for row in rows
    ]
