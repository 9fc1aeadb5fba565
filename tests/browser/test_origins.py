"""The grammar of origins against the engines' own: what they send is canonical."""

from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import World
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


def test_the_engines_agree_with_the_grammar(world: World, browser: Browser) -> None:
    browser.open(f"http://app.example.localhost:{world.ports['http']}/")
    expected = EXPECTED
    if browser.engine != "chromium":
        expected = EXPECTED | dict.fromkeys(MALFORMED)
    found = dict(zip(expected, browser.run(PARSE, list(expected)), strict=True))
    for text, origin in expected.items():
        words = [str(one or "no origin") for one in (origin, found[text])]
        record(Case(browser.engine, "Origins", text[:80], *words))
    assert found == expected
