"""Corrections of international names, limited to names that every browser agrees on."""

import unicodedata

import ada_url
import pytest
from cors_right.origins import OriginError, parse_origin
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.international_names import INTERNATIONAL_NAMES

NAMES = [name for names in INTERNATIONAL_NAMES.values() for name in names]
MARKS = [c for c in map(chr, range(0x110000)) if unicodedata.category(c)[0] == "M"]
LETTERS = st.characters(categories=["L", "M", "N", "Cf", "P"])
TEXTS = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=3).map(".".join)


def corrected(name: str) -> str | None:
    with pytest.raises(OriginError) as caught:
        parse_origin(f"https://{name}")
    return caught.value.correction


def standard(name: str) -> str | None:
    """Return the origin of a name according to an implementation of the URL standard."""
    try:
        return str(ada_url.URL(f"https://{name}").origin)
    except ValueError:
        return None


@pytest.mark.parametrize("group", INTERNATIONAL_NAMES)
def test_correction_equals_the_name_in_browsers(group: str) -> None:
    names = INTERNATIONAL_NAMES[group]
    wrong = [name for name in names if corrected(name) not in (standard(name), None)]
    assert not wrong


def test_registered_names_mostly_have_a_correction() -> None:
    names = INTERNATIONAL_NAMES["registered"]
    without = [name for name in names if corrected(name) is None]
    assert len(without) <= len(names) // 10, without


def test_table_has_enough_names() -> None:
    assert len(set(NAMES)) >= 200


def test_correction_has_no_mark_that_browsers_drop() -> None:
    names = [f"e{mark}.example" for mark in MARKS]
    assert not [name for name in names if corrected(name) not in (standard(name), None)]


@given(TEXTS)
@example("नमस्ते\u0903")
@example("\u0301a")
@example("ꭰ")
@example("\u115f")
@example("a\ufe0f")
def test_correction_follows_the_url_standard(name: str) -> None:
    name = f"{name}é.example"
    try:
        parse_origin(f"https://{name}")
    except OriginError as error:
        assert error.correction in (None, standard(name))
