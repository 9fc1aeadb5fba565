"""Corrections of international names: only what every browser makes of the text."""

import ada_url
import pytest
from cors_right.origins import OriginError, parse_origin
from hypothesis import example, given
from hypothesis import strategies as st

# Names in scripts that people register, each as its registry has it.
NAMES = [
    "münchen.example",
    "zürich.example",
    "köln.example",
    "crèmebrûlée.example",
    "żółw.example",
    "čeština.example",
    "años.example",
    "smörgås.example",
    "ålesund.example",
    "þing.example",
    "ġgantija.example",
    "český.example",
    "пример.рф",
    "москва.рф",
    "київ.укр",
    "софия.бг",
    "београд.срб",
    "минск.бел",
    "қазақ.қаз",
    "монгол.мон",
    "παράδειγμα.ελ",
    "αθήνα.ελ",
    "հայ.հայ",
    "საქართველო.გე",
    "例え.jp",
    "みんな.example",
    "アマゾン.example",
    "中国.中国",
    "香港.香港",
    "台灣.台灣",
    "新加坡.example",
    "한국.한국",
    "삼성.example",
    "ไทย.ไทย",
    "भारत.भारत",
    "हिन्दी.भारत",
    "বাংলা.বাংলা",
    "ਭਾਰਤ.ਭਾਰਤ",
    "ભારત.ભારત",
    "தமிழ்.இந்தியா",
    "తెలుగు.భారత్",
    "ಕನ್ನಡ.ಭಾರತ",
    "മലയാളം.ഭാരതം",
    "ලංකා.ලංකා",
    "ລາວ.ລາວ",
    "ខ្មែរ.example",
    "မြန်မာ.example",
    "አማርኛ.example",
    "ᏣᎳᎩ.example",
    "đăng.example",
    "việt.example",
]
LETTERS = st.characters(categories=["L", "M", "N", "Cf", "P"])
TEXTS = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=3).map(".".join)


def corrected(text: str) -> str | None:
    with pytest.raises(OriginError) as caught:
        parse_origin(text)
    return caught.value.correction


def standard(text: str) -> str | None:
    """Return the origin that an implementation of the URL standard makes of a text."""
    try:
        return str(ada_url.URL(text).origin)
    except ValueError:
        return None


@pytest.mark.parametrize("name", NAMES)
def test_registered_name_is_corrected_as_browsers_do(name: str) -> None:
    text = f"https://{name}"
    assert corrected(text) in (standard(text), None)


def test_most_names_that_are_written_from_left_to_right_have_a_correction() -> None:
    without = [name for name in NAMES if corrected(f"https://{name}") is None]
    assert len(without) <= len(NAMES) // 10, without


@given(TEXTS)
@example("नमस्ते\u0903")
@example("\u0301a")
@example("ꭰ")
def test_correction_is_what_the_url_standard_makes_of_the_text(name: str) -> None:
    text = f"https://{name}é.example"
    try:
        parse_origin(text)
    except OriginError as error:
        assert error.correction in (None, standard(text))
