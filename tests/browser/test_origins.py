"""The grammar of origins compared with the engines', which send canonical origins."""

from cors_right.origins import OriginError, parse_origin

from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import World
from tests.support.international_names import INTERNATIONAL_NAMES
from tests.support.origins_table import REFUSED, REPAIRED, VALID

PARSE = """
return args[0].map(text => { try { return new URL(text).origin; } catch { return null; } });
"""
# Engines have origins for these schemes alone, and know no patterns.
EXPECTED: dict[str, str | None] = {
    text: canonical
    for text, canonical in [*zip(VALID, VALID, strict=True), *REPAIRED.items()]
    if text.strip().lower().startswith("http") and "*" not in text
}
# Chromium does not look into these.
MALFORMED = [text for text in REFUSED if text.startswith("https://xn--")]


def test_engines_agree_with_the_grammar(world: World, browser: Browser) -> None:
    browser.open(f"http://app.example.localhost:{world.ports['http']}/")
    expected = EXPECTED
    if browser.engine != "chromium":
        expected = EXPECTED | dict.fromkeys(MALFORMED)
    found = dict(zip(expected, browser.run(PARSE, list(expected)), strict=True))
    for text, origin in expected.items():
        words = [str(one or "no origin") for one in (origin, found[text])]
        record(Case(browser.engine, "Origins", text[:80], *words))
    assert found == expected


def correction(text: str) -> str | None:
    """Return the library's correction of a text."""
    try:
        parse_origin(text)
    except OriginError as error:
        return error.correction
    raise AssertionError(f"{text} was accepted")


def test_engines_make_each_correction_of_the_text(world: World, browser: Browser) -> None:
    browser.open(f"http://app.example.localhost:{world.ports['http']}/")
    texts = [f"https://{name}" for names in INTERNATIONAL_NAMES.values() for name in names]
    corrections = {text: correction(text) for text in texts}
    found = dict(zip(texts, browser.run(PARSE, texts), strict=True))
    proposed = {text: origin for text, origin in corrections.items() if origin}
    for text, origin in proposed.items():
        record(Case(browser.engine, "International names", text, origin, found[text] or "none"))
    assert len(proposed) >= 100
    assert {text: found[text] for text in proposed} == proposed
