"""The reasons for refusals, and their lines in the log."""

import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware
from cors_right.diagnostics.corrections import correction, why_prohibited
from cors_right.log import RefusalLog
from cors_right.origins import parse_origin
from cors_right.policy import CORSPolicyError, NamedOrigins
from cors_right.reasons import (
    ABSENT,
    CROSS_SITE_FORM,
    NULL,
    TOO_LONG,
    Difference,
    Miss,
    NotAllowable,
    NotListed,
    Reason,
    Unlisted,
)
from cors_right.refusal import Kind, Refusal, judge
from cors_right.request import Request, complete
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from tests.support import words
from tests.support.asgi import KINDS, PRODUCTION, ask, passed, raw
from tests.support.texts import LIKELY, PATTERNS

APP, API = "https://app.example.com", "api.example.com"


def policy(*origins: str, **arguments: Any) -> CORSPolicy:
    """Return a policy in production whose origins come from FRONTEND_ORIGINS."""
    named = NamedOrigins(origins, "FRONTEND_ORIGINS")
    return CORSPolicy(**PRODUCTION | {"allow_origins": named} | arguments)


def scope(
    headers: dict[str, Any], method: str = "GET", path: str = "/notes", scheme: str = "https"
) -> Scope:
    kind = "websocket" if scheme == "wss" else "http"
    named = {} if kind == "websocket" else {"method": method}
    return {"type": kind, "path": path, "scheme": scheme, "headers": raw(headers), **named}


def judged(in_force: CORSPolicy, scope: Scope) -> Refusal | None:
    """Return the refusal of a request."""
    complete(scope)
    return judge(Request(scope, in_force))


def refusal(in_force: CORSPolicy, origin: Any, **arguments: Any) -> Refusal:
    """Return the refusal of a request from an origin."""
    found = judged(in_force, scope({"Origin": origin, "Host": API}, **arguments))
    assert found
    return found


SOURCE = "FRONTEND_ORIGINS"
NOT_SENT, NOT_LISTABLE = (
    "no browser sends this spelling of the origin",
    "no allow-list can contain such an origin",
)
TWO_ORIGINS = NotAllowable(
    "the request has 2 Origin headers (browsers send one)",
    "let nothing between the browser and the service add an Origin header",
)
NOT_AS_SENT = NotAllowable(NOT_SENT, f"browsers send {APP}")
ASKS_TOO_MUCH = "the preflight asks for more than 8192 bytes of header names. Send fewer headers"


def near(entry: str, *differences: Difference, meant: str | None = None) -> NotListed:
    """Return the reason for https://a.example with a nearest entry."""
    miss = Miss(0, entry, "a.example", parse_origin(entry).host, differences, meant)
    return NotListed("https://a.example", SOURCE, miss, False)


def told(entry: str, difference: str) -> str:
    """Return the words about the nearest entry."""
    return f"FRONTEND_ORIGINS lists {entry}, but {difference}"


ADD = "add https://a.example to FRONTEND_ORIGINS"
OPEN = "open the page at https://b.example"
UNADDABLE = f"http://b.example cannot be listed, because it {words.NOT_HTTPS}"
PROHIBITED = NotListed("http://b.example", SOURCE, None, False)
WITH_CREDENTIALS = policy("https://b.example", allow_credentials=True)
# The words of each reason and of its correction.
WORDS: list[tuple[Reason, str, str]] = [
    (ABSENT, "a page on another site sent it without an Origin header", "send it with fetch()"),
    (
        NULL,
        "no allow-list can contain null (sandboxed frames, files and redirects on any website "
        "send it)",
        "serve the page over https, outside a sandbox, and let nothing redirect the request to "
        "another origin",
    ),
    (TOO_LONG, ASKS_TOO_MUCH, ASKS_TOO_MUCH),
    (
        NotListed("https://a.example", SOURCE, None, True),
        "FRONTEND_ORIGINS is empty, so it allows no origin",
        ADD,
    ),
    (
        NotListed("https://a.example", "allow_origins", None, False),
        "allow_origins does not list this origin",
        "add https://a.example to allow_origins",
    ),
    (PROHIBITED, "FRONTEND_ORIGINS does not list this origin", UNADDABLE),
    (
        replace(near("https://b.example", meant="https://b.example"), origin="http://b.example"),
        told("https://b.example", ""),
        f"{OPEN}; {UNADDABLE}",
    ),
    (
        near("https://*.a.example", Difference.BASE),
        told(
            "https://*.a.example",
            "it matches names below a.example, not a.example itself",
        ),
        ADD,
    ),
    (
        near("https://www.a.example", Difference.WWW, meant="https://b.example"),
        told("https://www.a.example", "only one of the two has www."),
        f"{OPEN}, or {ADD}",
    ),
    (
        near("https://localhost", Difference.LOOPBACK),
        told("https://localhost", "a.example and localhost are different hosts"),
        ADD,
    ),
    (
        near("https://example", Difference.BELOW),
        told("https://example", "it does not match names below example"),
        ADD,
    ),
    (near("https://b", Difference.HOST), told("https://b", "the hosts differ"), ADD),
    (
        near("http://a.example:1", Difference.SCHEME, Difference.PORT),
        told("http://a.example:1", "the schemes differ, the ports differ"),
        ADD,
    ),
    *(
        (lacking, advice, advice)
        for lacking, advice in (
            (Unlisted(None, ("x-a",)), words.missing("X-A", "allow_headers")),
            (
                Unlisted("QUERY", ("x-b", "x-a")),
                f"{words.missing('QUERY', 'allow_methods')}; "
                f"{words.missing('X-B', 'allow_headers')}; {words.missing('X-A', 'allow_headers')}",
            ),
            (
                Unlisted("put", (), True),
                "write PUT in the page (browsers send put unchanged)",
            ),
            (
                Unlisted("patch"),
                "write PATCH in the page (browsers send patch unchanged); "
                + words.missing("PATCH", "allow_methods"),
            ),
            (Unlisted("TRACE"), "remove 'TRACE' (browsers cannot send this method)"),
            (Unlisted("G T"), "remove 'G T' (browsers cannot send this method)"),
            (
                Unlisted("Q" * 101),
                f"remove '{'Q' * 79}... (101 characters) (browsers cannot send this method)",
            ),
            (Unlisted(None, ("cookie",)), "remove 'cookie' (pages cannot set this header)"),
            (Unlisted(None, ("x\ny",)), "remove 'x\\ny' (pages cannot set this header)"),
            (
                Unlisted(None, tuple(f"x-{n:02}" for n in range(12))),
                "; ".join(
                    [
                        *(words.missing(f"X-{n:02}", "allow_headers") for n in range(10)),
                        "and 2 more",
                    ]
                ),
            ),
            (
                Unlisted(None, tuple(f"x-{n:02}" for n in range(10))),
                "; ".join(words.missing(f"X-{n:02}", "allow_headers") for n in range(10)),
            ),
        )
    ),
]


@pytest.mark.parametrize(("reason", "why", "change"), WORDS)
def test_reason_gives_why_and_change(reason: Reason, why: str, change: str) -> None:
    assert (reason.why, correction(reason, WITH_CREDENTIALS)) == (why, change)


# The entries, the origin, the nearest entry, the differences, and the origin to open.
NEAR: list[tuple[list[str], str, str, tuple[Difference, ...], str | None]] = [
    ([APP], "http://app.example.com", APP, (Difference.SCHEME,), APP),
    (
        ["http://a.example"],
        "https://a.example",
        "http://a.example",
        (Difference.SCHEME,),
        "http://a.example",
    ),
    ([APP], f"{APP}:8443", APP, (Difference.PORT,), APP),
    ([f"{APP}:8443"], APP, f"{APP}:8443", (Difference.PORT,), f"{APP}:8443"),
    (
        ["http://localhost:3000"],
        "http://localhost:3001",
        "http://localhost:3000",
        (Difference.PORT,),
        "http://localhost:3000",
    ),
    (
        ["http://localhost:*"],
        "https://localhost:3000",
        "http://localhost:*",
        (Difference.SCHEME,),
        "http://localhost:3000",
    ),
    (
        ["http://a.example:*"],
        "https://a.example:80",
        "http://a.example:*",
        (Difference.SCHEME,),
        "http://a.example",
    ),
    (
        ["https://*.a.example"],
        "https://x.a.example:8443",
        "https://*.a.example",
        (Difference.PORT,),
        "https://x.a.example",
    ),
    (
        ["https://*.a.example:*"],
        "http://x.a.example:1",
        "https://*.a.example:*",
        (Difference.SCHEME,),
        "https://x.a.example:1",
    ),
    (
        ["https://a.example"],
        "http://a.example:81",
        "https://a.example",
        (Difference.SCHEME, Difference.PORT),
        "https://a.example",
    ),
    (
        ["https://www.a.example"],
        "https://a.example",
        "https://www.a.example",
        (Difference.WWW,),
        "https://www.a.example",
    ),
    (
        ["https://a.example"],
        "https://www.a.example",
        "https://a.example",
        (Difference.WWW,),
        "https://a.example",
    ),
    (
        ["https://a.example"],
        "http://www.a.example",
        "https://a.example",
        (Difference.WWW, Difference.SCHEME),
        "https://a.example",
    ),
    (
        ["http://localhost:3000"],
        "http://127.0.0.1:3000",
        "http://localhost:3000",
        (Difference.LOOPBACK,),
        "http://localhost:3000",
    ),
    (
        ["http://127.0.0.1:3000"],
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        (Difference.LOOPBACK,),
        "http://127.0.0.1:3000",
    ),
    (
        ["http://127.0.0.1"],
        "http://[::1]",
        "http://127.0.0.1",
        (Difference.LOOPBACK,),
        "http://127.0.0.1",
    ),
    (["https://*.a.example"], "https://a.example", "https://*.a.example", (Difference.BASE,), None),
    (
        [APP],
        "https://x.app.example.com",
        APP,
        (Difference.BELOW,),
        APP,
    ),
    ([APP], "https://example.com", APP, (Difference.HOST,), APP),
    (
        ["https://app.exmaple.com"],
        APP,
        "https://app.exmaple.com",
        (Difference.HOST,),
        "https://app.exmaple.com",
    ),
    (
        ["https://*.exmaple.com"],
        "https://example.com",
        "https://*.exmaple.com",
        (Difference.HOST,),
        None,
    ),
    # The nearest of several entries, and the first of equally near entries.
    (
        ["https://a.example:1", "http://a.example", "https://a.example:2"],
        "https://a.example",
        "https://a.example:1",
        (Difference.PORT,),
        "https://a.example:1",
    ),
    (
        ["http://a.example:1", "https://www.a.example", "http://a.example"],
        "https://a.example",
        "http://a.example",
        (Difference.SCHEME,),
        "http://a.example",
    ),
]


@pytest.mark.parametrize(("listed", "origin", "entry", "differences", "meant"), NEAR)
def test_reason_names_the_nearest_entry(
    listed: list[str],
    origin: str,
    entry: str,
    differences: tuple[Difference, ...],
    meant: str | None,
) -> None:
    in_force = policy(*listed)
    found = refusal(in_force, origin).reason
    assert isinstance(found, NotListed) and found.near
    assert found == NotListed(origin, SOURCE, found.near, False)
    assert (found.near.entry, found.near.differences, found.near.meant) == (
        entry,
        differences,
        meant,
    )
    assert found.near.host == parse_origin(origin).host
    assert found.near.base == parse_origin(entry).host
    assert meant is None or in_force.allows(meant)
    assert policy(*listed, origin).allows(origin)


@pytest.mark.parametrize(
    ("listed", "origin", "reason"),
    [
        ([], APP, NotListed(APP, SOURCE, None, True)),
        ([APP], "https://b.test", NotListed("https://b.test", SOURCE, None, False)),
        ([APP], "null", NULL),
        ([APP], [APP, APP], TWO_ORIGINS),
        ([APP], f"{APP}/", NOT_AS_SENT),
        ([APP], f"{APP}:443", NOT_AS_SENT),
        *(
            ([APP], origin, NotAllowable(NOT_LISTABLE, message))
            for origin, message in (
                ("app.example.com", words.origin_error("app.example.com", words.NO_SCHEME, APP)),
                ("", words.origin_error("", words.NO_SCHEME)),
                (
                    "https://u:secret@a.example",
                    words.origin_error(
                        "https://...@a.example", words.HAS_USER, "https://a.example"
                    ),
                ),
                (
                    f"{APP}{'x' * 600}",
                    f"'{APP}{'x' * 56}... (623 characters) {words.IS_TOO_LONG}",
                ),
            )
        ),
    ],
)
def test_reason_tells_other_origins_apart(listed: list[str], origin: Any, reason: Reason) -> None:
    assert refusal(policy(*listed), origin).reason == reason


def test_reason_says_why_origin_cannot_be_listed() -> None:
    with_credentials = policy(APP, "https://b.test", allow_credentials=True)
    for origin, meant in (("http://app.example.com", APP), ("http://other.example", None)):
        found = refusal(with_credentials, origin).reason
        assert isinstance(found, NotListed)
        assert why_prohibited(with_credentials, origin) == words.NOT_HTTPS
        assert (found.near and found.near.meant) == meant


def test_misspelt_host_is_found_in_short_lists_only() -> None:
    misspelt = "https://app.exmaple.com"
    for more, entry in ((99, misspelt), (100, None)):
        listed = [misspelt, *(f"https://x{n}.test" for n in range(more))]
        found = refusal(policy(*listed), APP).reason
        assert isinstance(found, NotListed)
        assert (found.near and found.near.entry) == entry


def test_reason_names_the_argument_without_a_variable() -> None:
    found = refusal(CORSPolicy(**PRODUCTION), "https://b.test").reason
    assert found == NotListed("https://b.test", "allow_origins", None, False)


# Method, header names, and the parts of an allowed preflight that the policy lacks.
UNLISTED: list[tuple[str, str | list[str], Reason]] = [
    ("GET", "x-unlisted", Unlisted(None, ("x-unlisted",))),
    ("GET", "x-tenant, x-b ,X-A,x-b", Unlisted(None, ("x-b", "x-a"))),
    ("PUT", ["x-a", "x-b"], Unlisted(None, ("x-a", "x-b"))),
    ("QUERY", "", Unlisted("QUERY")),
    ("QUERY", "x-a", Unlisted("QUERY", ("x-a",))),
    ("put", "", Unlisted("put", (), True)),
    ("patch", "", Unlisted("patch")),
    ("TRACE", "", Unlisted("TRACE")),
    ("G T", "", Unlisted("G T")),
    ("Q" * 101, "", Unlisted("Q" * 101)),
    ("GET", "cookie", Unlisted(None, ("cookie",))),
    ("GET", "x\ny", Unlisted(None, ("x\ny",))),
    (
        "GET",
        ",".join(f"x-{n:02}" for n in range(12)),
        Unlisted(None, tuple(f"x-{n:02}" for n in range(12))),
    ),
    ("GET", "x" * 8190, TOO_LONG),
]


@pytest.mark.parametrize(("method", "names", "reason"), UNLISTED)
def test_reason_names_entries_that_preflight_lacks(method: str, names: Any, reason: Reason) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": names,
    }
    found = judged(policy(APP), scope(headers, "OPTIONS"))
    assert found and found.reason == found.unlisted == reason
    assert found.method == method


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("GET", ""),
        ("GET", "content-type"),
        ("PUT", " ,accept,accept-language, content-language,X-TENANT,"),
        ("PUT", "x-tenant"),
        ("GET", "," * (8192 - len("GET"))),
    ],
)
def test_allowed_preflight_is_not_refused(method: str, names: str) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": names,
    }
    assert judged(policy(APP), scope(headers, "OPTIONS")) is None


def test_wildcard_covers_every_method_and_header() -> None:
    headers = {"Origin": APP, "Access-Control-Request-Method": "QUERY"}
    in_force = policy(APP, allow_methods=["*"], allow_headers=["*"])
    names = {"Access-Control-Request-Headers": "x-a"}
    assert judged(in_force, scope(headers | names, "OPTIONS")) is None


@pytest.mark.parametrize(
    ("headers", "method", "scheme", "is_refused"),
    [
        ({}, "GET", "https", False),
        ({"Origin": APP}, "GET", "https", False),
        ({"Origin": "https://b.test"}, "GET", "https", True),
        ({"Origin": "https://b.test"}, "OPTIONS", "https", True),
        ({"Origin": "https://b.test", "Sec-Fetch-Mode": "cors"}, "GET", "https", True),
        ({"Origin": "https://b.test", "Sec-Fetch-Mode": "navigate"}, "POST", "https", False),
        ({"Origin": "https://b.test", "Sec-Fetch-Mode": "no-cors"}, "POST", "https", False),
        ({"Origin": "https://b.test", "Sec-Fetch-Site": "same-origin"}, "POST", "https", False),
        ({"Origin": "https://b.test", "Sec-Fetch-Site": "cross-site"}, "POST", "https", True),
        ({"Origin": f"https://{API}"}, "POST", "https", False),
        ({"Origin": f"https://{API}"}, "POST", "wss", False),
        ({"Origin": [APP, APP]}, "GET", "https", True),
        ({"Origin": [APP, APP]}, "GET", "wss", True),
        ({"Origin": APP}, "GET", "wss", False),
        ({"Origin": "https://b.test"}, "GET", "wss", True),
        ({"Origin": "https://b.test", "Sec-Fetch-Mode": "websocket"}, "GET", "wss", True),
        ({"Origin": "https://b.test", "Sec-Fetch-Site": "same-origin"}, "GET", "wss", True),
        ({"Access-Control-Request-Method": "PUT"}, "OPTIONS", "https", False),
    ],
)
def test_judge_refuses_requests_as_documented(
    headers: Any, method: str, scheme: str, is_refused: bool
) -> None:
    found = judged(policy(APP), scope({"Host": API, **headers}, method, scheme=scheme))
    assert (found is not None) == is_refused


LISTS = st.lists(LIKELY | PATTERNS, max_size=4)
HEADERS = st.sampled_from(["", "x-tenant", "x-other", "content-type, x-tenant", ",,"])


@given(
    listed=LISTS,
    origin=LIKELY | st.sampled_from(["null", "", APP, "http://app.example.com"]) | st.text(),
    asked=st.none() | st.tuples(st.sampled_from(["GET", "PUT", "DELETE", "put"]), HEADERS),
    anything=st.booleans(),
)
def test_verdict_equals_the_middlewares(
    listed: list[str], origin: str, asked: Any, anything: bool
) -> None:
    try:
        in_force = policy(*(["*"] if anything else listed))
    except CORSPolicyError:
        return
    headers: dict[str, Any] = {"Origin": origin.encode("utf-8", "replace").decode("latin-1")}
    method = "GET"
    if asked:
        method = "OPTIONS"
        headers["Access-Control-Request-Method"], names = asked
        headers["Access-Control-Request-Headers"] = names
    told = ask(CORSPolicyMiddleware(passed, in_force), headers, method).cors
    found = judged(in_force, scope(headers, method))
    assert (found is None or found.kind is Kind.METHOD_OR_HEADER) == bool(told)
    if found and found.kind is not Kind.METHOD_OR_HEADER:
        reason = found.reason
        change = correction(reason, in_force)
        assert reason.why and change
        for line in (str(found), change):
            assert line.isprintable() and len(line) < 1200
        if isinstance(reason, NotListed):
            meant = reason.near.meant if reason.near else None
            assert meant is None or in_force.allows(meant)
            more = policy(*in_force.allow_origins, reason.origin)
            assert why_prohibited(in_force, reason.origin) or more.allows(headers["Origin"])


@given(
    names=st.lists(st.text("abX-\n,\x7f é", max_size=20), max_size=30), method=st.text(max_size=40)
)
def test_preflight_is_explained_on_one_line(names: list[str], method: str) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": method.encode("utf-8", "replace").decode("latin-1"),
        "Access-Control-Request-Headers": names
        and [name.encode("utf-8", "replace").decode("latin-1") for name in names],
    }
    found = judged(policy(APP), scope(headers, "OPTIONS"))
    assert found is None or str(found).isprintable()


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(origin: str, path: str = "/notes", **arguments: Any) -> Refusal:
    return refusal(policy(APP, **arguments), origin, path=path)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log, and clear the log."""
    assert {record.levelname for record in caplog.records} <= {"WARNING"}
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


def test_log_prints_one_line_per_minute_with_count(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RefusalLog(clock)
    line = str(refused("http://app.example.com"))
    for _ in range(3):
        log.write(refused("http://app.example.com"))
    assert lines(caplog) == [line]
    clock.now = 59.9
    log.write(refused("http://app.example.com"))
    assert lines(caplog) == []
    clock.now = 60
    log.write(refused("http://app.example.com"))
    log.write(refused("http://app.example.com"))
    assert lines(caplog) == [f"{line} (repeated 3 times since the last line)"]
    clock.now = 200
    log.write(refused("https://b.test"))
    log.write(refused("http://app.example.com"))
    other = refused("https://b.test")
    assert lines(caplog) == [f"{other} (1 other refused requests not logged)", line]


def test_log_prints_a_line_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(Clock())
    for names in ("x-a", "x-b", "x-a"):
        headers = {
            "Origin": APP,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": names,
        }
        found = judged(policy(APP), scope(headers, "OPTIONS"))
        assert found
        log.write(found)
    assert lines(caplog) == [
        f"{words.REFUSED} GET /notes from {APP}: {Unlisted(None, (name,)).why}"
        for name in ("x-a", "x-b")
    ]


def test_record_has_the_fields_of_a_refusal(caplog: pytest.LogCaptureFixture) -> None:
    found = refused("http://app.example.com", path="/a\n")
    RefusalLog(Clock()).write(found)
    (record,) = map(vars, caplog.records)
    fields = {name: record[name] for name in ("origin", "method", "path", "reason", "kind")}
    assert fields == found.fields
    assert json.loads(json.dumps(fields)) == {
        "origin": "http://app.example.com",
        "method": "GET",
        "path": "/a%0A",
        "reason": found.reason.why,
        "kind": "read",
    }


def test_records_count_every_refusal(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RefusalLog(clock)
    for clock.now in (0, 1, 60, 120):
        for number in range(100):
            log.write(refused("http://app.example.com"))
            log.write(refused(f"https://{number}.test"))
    for clock.now in (180, 240):
        log.write(refused("https://b.test"))
    assert sum(vars(record)["count"] for record in caplog.records) == 802


def test_flood_of_origins_gives_five_lines(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    log = RefusalLog(clock)
    in_force = policy(APP)

    def flood(first: int) -> None:
        for number in range(first, first + 10_000):
            origin = f"https://{number}.evil.example"
            log.write(refusal(in_force, origin, path=f"/{number}\n"))

    flood(0)
    assert len(lines(caplog)) == 5
    tracemalloc.start()
    flood(10_000)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50_000
    assert lines(caplog) == []
    clock.now = 60
    flood(20_000)
    later = lines(caplog)
    assert len(later) == 5
    assert later[0].endswith(" (19995 other refused requests not logged)")
    assert "left out" not in later[1]


@pytest.mark.parametrize(
    ("origin", "method", "path", "shown"),
    [
        ("https://b.test", "GET", "/a b\n\r%\u202e", "GET /a%20b%0A%0D%25%E2"),
        ("https://b.test", "G\nT", "/", "'G\\nT' / from https://b.test: "),
        ("https://b.test\n", "GET", "/", "GET / from 'https://b.test': "),
        ("null", "GET", "/", "GET / from null: "),
        ("x" * 600, "GET", "/", f"GET / from '{'x' * 79}... (600 characters): "),
        (
            f"https://{'a' * 60}.{'b' * 40}.test",
            "GET",
            "/",
            f"GET / from 'https://{'a' * 60}.{'b' * 10}... (114 characters): ",
        ),
        ("https://b.test", "GET", f"/{'x' * 200}", f"GET /{'x' * 99} from https://b.test: "),
        ("https://b.test", "GET", "/\ud800", "GET /%3F from https://b.test: "),
    ],
)
def test_refusal_quotes_and_shortens_outside_text(
    origin: str, method: str, path: str, shown: str
) -> None:
    refused = Refusal(Kind.READ, policy(APP), (origin,), method, path)
    assert str(refused).startswith(f"{words.REFUSED} {shown}")


FOREIGN: Any = {"Host": API, "Origin": "https://b.test"}
PREFLIGHT: Any = FOREIGN | {"Access-Control-Request-Method": "PUT"}
FORM: Any = FOREIGN | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
IN_LIST = NotListed("https://b.test", SOURCE, None, False).why


@pytest.mark.parametrize(
    ("headers", "arguments", "expected"),
    [
        (FOREIGN, {}, [f"GET / from https://b.test: {IN_LIST}"]),
        (PREFLIGHT, {"method": "OPTIONS"}, [f"PUT / from https://b.test: {IN_LIST}"]),
        (FOREIGN, {"method": "POST"}, [f"POST / from https://b.test: {IN_LIST}"]),
        (FORM, {"method": "POST"}, [f"POST / from https://b.test: {CROSS_SITE_FORM.why}"]),
        (
            {"Host": API, "Sec-Fetch-Site": "cross-site"},
            {"method": "POST"},
            [f"POST / from (no Origin): {ABSENT.why}"],
        ),
        (FORM, {}, []),
        (FOREIGN, {"scheme": "wss"}, [f"WebSocket / from https://b.test: {IN_LIST}"]),
        (PREFLIGHT | {"Origin": APP}, {"method": "OPTIONS"}, []),
        (
            PREFLIGHT | {"Origin": APP, "Access-Control-Request-Method": "QUERY"},
            {"method": "OPTIONS"},
            [f"QUERY / from {APP}: {Unlisted('QUERY').why}"],
        ),
        ({"Origin": APP}, {}, []),
        ({}, {}, []),
    ],
)
def test_service_logs_each_refusal(
    headers: Any,
    arguments: Any,
    expected: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())
    app = CORSFastAPI(cors_policy=policy(APP, allow_credentials=True))
    ask(app, headers, **arguments)
    assert lines(caplog) == [f"{words.REFUSED} {line}" for line in expected]


@pytest.mark.parametrize("environment", KINDS)
def test_response_gives_reason_in_development_only(environment: str) -> None:
    is_told = environment == "development"
    arguments: Any = KINDS[environment] | {"allow_credentials": True}
    app = CORSFastAPI(cors_policy=policy(APP, **arguments))
    answer = ask(app, PREFLIGHT, "OPTIONS")
    text = words.UNLISTED_ORIGIN + (f": {IN_LIST}" if is_told else "")
    assert (answer.status, answer.body.decode()) == (403, text)
    assert dict(answer.headers)[b"content-length"] == str(len(text)).encode()
    unlisted = PREFLIGHT | {"Origin": APP, "Access-Control-Request-Method": "QUERY"}
    answer = ask(app, unlisted, "OPTIONS")
    text = f"OK: {Unlisted('QUERY').why}" if is_told else "OK"
    assert (answer.status, answer.body.decode()) == (200, text)
    detail = json.loads(ask(app, FORM, "POST").body)["detail"]
    assert detail.endswith(f" Why: {CROSS_SITE_FORM.why}.") == is_told


def test_refused_write_keeps_origins_method_and_path() -> None:
    found = judged(policy(APP, allow_credentials=True), scope({"Origin": ["a", "b"]}, "POST"))
    assert found
    assert (found.kind, found.origins) == (Kind.WRITE, ("a", "b"))
    assert (found.method, found.path) == ("POST", "/notes")


def test_policy_names_the_source_of_its_origins() -> None:
    assert policy(APP).source == "FRONTEND_ORIGINS"
    assert replace(policy(APP), max_age=1).source is None
    assert policy(APP).listed_headers >= {"x-tenant", "content-type", "accept"}
