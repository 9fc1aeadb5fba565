"""The grammar of origins, the meaning of patterns, and the corrections in messages."""

import signal
from functools import partial

import ada_url
import pytest
from cors_right import origins
from cors_right.origins import (
    AllowList,
    AllowListError,
    Origin,
    OriginError,
    is_loopback,
    parse_origin,
    require_secure,
    shown,
)
from cors_right.public_suffixes import is_shared
from hypothesis import event, example, given
from hypothesis import strategies as st

from tests.support import words
from tests.support.origins_table import REFUSED, REPAIRED, VALID
from tests.support.texts import INSIDES, LIKELY, NOISE, ODD_PORTS, PATTERNS, TEXTS

secure = partial(require_secure, allow_loopback=False)


@pytest.mark.parametrize("text", VALID)
def test_origin_stays_as_browsers_send_it(text: str) -> None:
    assert str(parse_origin(text)) == text
    assert parse_origin(text).is_pattern == ("*" in text)


@pytest.mark.parametrize(("text", "canonical"), REPAIRED.items())
def test_origin_becomes_canonical_if_unambiguous(text: str, canonical: str) -> None:
    assert str(parse_origin(text)) == canonical


@pytest.mark.parametrize(("text", "correction"), REFUSED.items())
def test_grammar_refuses_text_with_a_correction(text: str, correction: str | None) -> None:
    with pytest.raises(OriginError) as caught:
        parse_origin(text)
    assert caught.value.correction == correction
    assert str(caught.value) == (f"{shown(text)} {caught.value.reason}{words.instead(correction)}")


@pytest.mark.parametrize(("text", "reason"), words.REASONS.items())
def test_reason_names_the_first_problem(text: str, reason: str) -> None:
    with pytest.raises(OriginError) as caught:
        parse_origin(text)
    assert (caught.value.text, caught.value.reason) == (text, reason)


def test_origin_has_scheme_host_and_port() -> None:
    assert parse_origin("https://app.example.com") == Origin("https", "app.example.com")
    assert parse_origin("http://[::1]:3000") == Origin("http", "[::1]", 3000)
    assert parse_origin("https://*.example.com:*") == Origin("https", "example.com", "*", True)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("a.b.localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("[::1]", True),
        ("localhostess.example", False),
        ("notlocalhost", False),
        ("localhost.example", False),
        ("127.example", False),
        ("127.0.0.1.example", False),
        ("128.0.0.1", False),
        ("[::2]", False),
    ],
)
def test_loopback_includes_local_hosts_only(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.parametrize(
    ("text", "allow_loopback", "problem"),
    [
        ("https://app.example.com", False, None),
        ("capacitor://localhost", False, None),
        ("http://localhost:3000", True, None),
        ("http://*.localhost:*", True, None),
        ("http://localhost:3000", False, (words.IS_LOOPBACK, None)),
        ("http://app.example.com", True, (words.NOT_HTTPS, "https://app.example.com")),
        ("http://*.example.com", False, (words.NOT_HTTPS, "https://*.example.com")),
        ("http://app.example.com:8080", False, (words.NOT_HTTPS, None)),
        # The correction obeys the same rule.
        (
            "http://app.example.com/cart",
            False,
            (words.NO_BARE_ORIGIN, "https://app.example.com"),
        ),
        ("app.example.com", False, (words.NO_SCHEME, "https://app.example.com")),
        (
            "ws://app.example.com",
            False,
            (words.NO_PAGE.format("ws"), "https://app.example.com"),
        ),
        ("localhost:3000", False, (words.NO_SCHEME, None)),
        ("http://localhost:3000/cart", False, (words.NO_BARE_ORIGIN, None)),
        ("http://localhost:3000/cart", True, (words.NO_BARE_ORIGIN, "http://localhost:3000")),
    ],
)
def test_secure_check_refuses_http_beyond_loopback(
    text: str, allow_loopback: bool, problem: tuple[str, str | None] | None
) -> None:
    check = partial(require_secure, allow_loopback=allow_loopback)
    if problem is None:
        assert str(parse_origin(text, check)) == text
    else:
        with pytest.raises(OriginError) as caught:
            parse_origin(text, check)
        assert (caught.value.reason, caught.value.correction) == problem


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("com", True),
        ("co.uk", True),
        ("github.io", True),
        ("vercel.app", True),
        ("amazonaws.com", True),
        ("unknown-top-level-domain", True),
        ("example.com", False),
        ("example.co.uk", False),
        ("preview.example.github.io", False),
    ],
)
def test_domain_is_shared_if_anyone_registers_below(domain: str, expected: bool) -> None:
    assert is_shared(domain) == expected


def test_allow_list_has_canonical_entries_once() -> None:
    allowed = AllowList(["HTTPS://B.example/", "https://*.a.example", "https://b.example:443"])
    assert allowed.entries == ("https://b.example", "https://*.a.example")
    assert allowed.exact == {"https://b.example"}
    assert allowed.patterns == {"https://*.a.example"}
    assert not allowed.allows_any


@pytest.mark.parametrize(
    ("texts", "allowed", "refused"),
    [
        (["https://a.example"], ["https://a.example"], ["HTTPS://A.example", "https://a.example/"]),
        (["http://localhost:*"], ["http://localhost", "http://localhost:1"], ["http://localhost:"]),
        (
            ["https://*.a.example"],
            ["https://b.a.example", "https://c.b.a.example"],
            ["https://a.example", "https://b.a.example:8443", "http://b.a.example", "https://a"],
        ),
        (
            ["https://*.a.example:*", "https://*.example:1"],
            ["https://b.a.example", "https://b.a.example:65535", "https://b.example:1"],
            ["https://a.example", "https://b.a.example:443", "https://b.a.example:65536"],
        ),
        (["app://*.a"], ["app://b.a"], ["app://b.a:1"]),
        # A host of 253 characters, and one of 254.
        (
            ["https://*.example"],
            [f"https://{'a.' * 122}a.example"],
            [f"https://{'a.' * 122}aa.example", f"https://{'a' * 64}.example"],
        ),
        # Neither list allows the other's origin.
        (["https://foo.example", "https://bar.example"], [], ["https://barfoo.example"]),
        ([], [], ["https://a.example", "null", ""]),
        (["*"], ["https://a.example", "null", "", "x" * 512], ["x" * 513]),
        ([" * "], ["https://a.example"], []),
    ],
)
def test_allow_list_matches_allowed_origins_only(
    texts: list[str], allowed: list[str], refused: list[str]
) -> None:
    allow_list = AllowList(texts)
    assert [origin for origin in allowed if origin not in allow_list] == []
    assert [origin for origin in refused if origin in allow_list] == []


def test_exact_entry_can_have_the_maximum_length() -> None:
    text = f"{'s' * 64}://{'a.' * 126}a:65535"
    assert text in AllowList([text])


@pytest.mark.parametrize(
    ("texts", "problems", "correction"),
    [
        (
            ["https://a.example", "null", "b.example"],
            [
                ("null", words.IS_NULL, None),
                ("b.example", words.NO_SCHEME, "https://b.example"),
            ],
            None,
        ),
        (
            ["HTTPS://A.example", "http://b.example/x", "c.example", "a.example"],
            [
                ("http://b.example/x", words.NO_BARE_ORIGIN, "https://b.example"),
                ("c.example", words.NO_SCHEME, "https://c.example"),
                ("a.example", words.NO_SCHEME, "https://a.example"),
            ],
            ("https://a.example", "https://b.example", "https://c.example"),
        ),
        (["*"], [("*", words.IS_ANY_WITH_CREDENTIALS, None)], None),
        (["*", "*"], [("*", words.IS_ANY, None)] * 2, None),
    ],
)
def test_allow_list_reports_all_problems_at_once(
    texts: list[str],
    problems: list[tuple[str, str, str | None]],
    correction: tuple[str, ...] | None,
) -> None:
    with pytest.raises(AllowListError) as caught:
        AllowList(texts, check=secure, allow_any=False)
    assert [(one.text, one.reason, one.correction) for one in caught.value.problems] == problems
    assert str(caught.value).splitlines() == [words.origin_error(*problem) for problem in problems]
    assert caught.value.correction == correction
    assert caught.value.accepted == ("https://a.example",) * ("A.EXAMPLE" in str(texts).upper())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" a ", "'a'"),
        ("a\nb", r"'a\nb'"),
        ("https://me:secret@a.example", "'https://...@a.example'"),
        ("me:secret@a.example", "'...@a.example'"),
        ("https://a.example/@me", "'https://a.example/@me'"),
        ("https://a:b@c https://d:e@f", "'https://...@c https://...@f'"),
        ("x" * 98, f"'{'x' * 98}'"),
        ("x" * 99, f"'{'x' * 79}... (99 characters)"),
        ("x" * 10_000, f"'{'x' * 79}... (10000 characters)"),
    ],
)
def test_message_shows_text_escaped_and_shortened(text: str, expected: str) -> None:
    assert shown(text) == expected


HOSTILE = [
    "://" + "a;" * 50_000 + "://",
    "://" * 25_000 + ";:" * 25_000,
    "https://" + "\xe0\xe9\xee\xf5\xfc" * 20_000,
    "https://" + "\ufdfa" * 5_000,
    "http://[" + ":" * 100_000 + "]",
    "//@" * 30_000,
    "https://" + "a." * 50_000,
    "https://" + "xn--a." * 20_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_parsing_takes_linear_time(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the bound on the length: quadratic work would take minutes, linear work 10 ms."""

    def stop(*_: object) -> None:
        pytest.fail("it takes more than linear time")

    monkeypatch.setattr(origins, "MAX_LENGTH", len(text))
    monkeypatch.setattr(origins, "MAX_SENT", len(text))
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 30)  # counts this process alone, even on a busy machine
    try:
        assert text not in AllowList(["https://*.example.com"])
        with pytest.raises(OriginError):
            parse_origin(text)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def test_pattern_matches_the_longest_origin() -> None:
    scheme, host = "a" * 64, "b." * 125 + "com"
    assert f"{scheme}://{host}:65535" in AllowList([f"{scheme}://*.com:*"])
    assert f"{scheme}://b{host}:65535" not in AllowList([f"{scheme}://*.com:*"])


def parsed(text: str) -> Origin | None:
    """Parse a text, and fail on any exception except the grammar's."""
    try:
        return parse_origin(text)
    except OriginError:
        return None


def expected_from_standard(canonical: str) -> str:
    """Return the origin by the URL standard, which gives only the parts for app schemes."""
    url = ada_url.URL(canonical)
    return f"{url.protocol}//{url.host}" if url.origin == "null" else str(url.origin)


@given(st.one_of(LIKELY, TEXTS))
def test_accepted_origins_follow_the_url_standard(text: str) -> None:
    origin = parsed(text)
    event(f"accepted: {origin is not None}")
    if origin is None or origin.is_pattern:
        return
    # The text and its canonical form are one origin to a browser.
    written = expected_from_standard(text.strip(" \t\r\n"))
    assert written == str(origin) == expected_from_standard(str(origin))


@given(TEXTS, st.sampled_from([None, secure]))
@example("http://shop.example.com/cart", secure)
@example("localhost:3000", secure)
def test_parsing_is_idempotent_and_accepts_corrections(
    text: str, check: origins.Check | None
) -> None:
    try:
        origin = parse_origin(text, check)
        assert parse_origin(str(origin), check) == origin
    except OriginError as error:
        assert str(error).isprintable()
        if error.correction is not None:
            assert str(parse_origin(error.correction, check)) == error.correction


@given(pattern=PATTERNS, inside=INSIDES, port=ODD_PORTS, suffix=NOISE, other=TEXTS)
def test_pattern_matches_its_own_domain_only(
    pattern: str, inside: str, port: str, suffix: str, other: str
) -> None:
    allowed = parsed(pattern)
    event(f"accepted: {allowed is not None}")
    if allowed is None:
        return
    allow_list = AllowList([pattern])
    inner = f"{allowed.scheme}://{inside}{allowed.host}"
    glued = f"{allowed.scheme}://{inside[:-1]}{allowed.host}"
    for candidate in (inner + port, inner + port + suffix, inner + suffix + port, glued, other):
        origin = parsed(candidate)
        belongs = (
            origin is not None
            and str(origin) == candidate
            and not origin.is_pattern
            and origin.scheme == allowed.scheme
            and (
                origin.host.endswith(f".{allowed.host}")
                if allowed.any_subdomain
                else origin.host == allowed.host
            )
            and allowed.port in ("*", origin.port)
        )
        assert (candidate in allow_list) == belongs, candidate
