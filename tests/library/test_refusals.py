"""Why requests are refused, and what of it goes to the log."""

import json
import re
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware
from cors_right.log import RefusalLog
from cors_right.policy import CORSPolicyError, NamedOrigins
from cors_right.reasons import CROSS_SITE_FORM
from cors_right.refusal import Kind, Refusal, judge
from cors_right.request import Request, complete
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

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


BELOW = "it stands for names below a.example, and not for a.example itself"
NULL = "null is what sandboxed frames, files and redirects send, so it cannot be listed"
ELSEWHERE = (
    "serve the page over https from an origin of its own, outside a sandbox, and let nothing "
    "redirect the request to another origin"
)
# What is listed, what comes, the entry that is named, what differs, and what to open instead.
NEAR: list[tuple[list[str], str, str, str, str | None]] = [
    ([APP], "http://app.example.com", APP, "the scheme differs", APP),
    (
        ["http://a.example"],
        "https://a.example",
        "http://a.example",
        "the scheme differs",
        "http://a.example",
    ),
    ([APP], f"{APP}:8443", APP, "the port differs", APP),
    ([f"{APP}:8443"], APP, f"{APP}:8443", "the port differs", f"{APP}:8443"),
    (
        ["http://localhost:3000"],
        "http://localhost:3001",
        "http://localhost:3000",
        "the port differs",
        "http://localhost:3000",
    ),
    (
        ["http://localhost:*"],
        "https://localhost:3000",
        "http://localhost:*",
        "the scheme differs",
        "http://localhost:3000",
    ),
    (
        ["http://a.example:*"],
        "https://a.example:80",
        "http://a.example:*",
        "the scheme differs",
        "http://a.example",
    ),
    (
        ["https://*.a.example"],
        "https://x.a.example:8443",
        "https://*.a.example",
        "the port differs",
        "https://x.a.example",
    ),
    (
        ["https://*.a.example:*"],
        "http://x.a.example:1",
        "https://*.a.example:*",
        "the scheme differs",
        "https://x.a.example:1",
    ),
    (
        ["https://a.example"],
        "http://a.example:81",
        "https://a.example",
        "the scheme differs, the port differs",
        "https://a.example",
    ),
    (
        ["https://www.a.example"],
        "https://a.example",
        "https://www.a.example",
        "one of them has www.",
        "https://www.a.example",
    ),
    (
        ["https://a.example"],
        "https://www.a.example",
        "https://a.example",
        "one of them has www.",
        "https://a.example",
    ),
    (
        ["https://a.example"],
        "http://www.a.example",
        "https://a.example",
        "one of them has www., the scheme differs",
        "https://a.example",
    ),
    (
        ["http://localhost:3000"],
        "http://127.0.0.1:3000",
        "http://localhost:3000",
        "127.0.0.1 and localhost are two hosts",
        "http://localhost:3000",
    ),
    (
        ["http://127.0.0.1:3000"],
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        "localhost and 127.0.0.1 are two hosts",
        "http://127.0.0.1:3000",
    ),
    (
        ["http://127.0.0.1"],
        "http://[::1]",
        "http://127.0.0.1",
        "[::1] and 127.0.0.1 are two hosts",
        "http://127.0.0.1",
    ),
    (["https://*.a.example"], "https://a.example", "https://*.a.example", BELOW, None),
    (
        [APP],
        "https://x.app.example.com",
        APP,
        "it does not stand for names below app.example.com",
        APP,
    ),
    ([APP], "https://example.com", APP, "the host differs", APP),
    (
        ["https://app.exmaple.com"],
        APP,
        "https://app.exmaple.com",
        "the host differs",
        "https://app.exmaple.com",
    ),
    (
        ["https://*.exmaple.com"],
        "https://example.com",
        "https://*.exmaple.com",
        "the host differs",
        None,
    ),
    # The nearest of several, and the first of equals.
    (
        ["https://a.example:1", "http://a.example", "https://a.example:2"],
        "https://a.example",
        "https://a.example:1",
        "the port differs",
        "https://a.example:1",
    ),
    (
        ["http://a.example:1", "https://www.a.example", "http://a.example"],
        "https://a.example",
        "http://a.example",
        "the scheme differs",
        "http://a.example",
    ),
]


@pytest.mark.parametrize(("listed", "origin", "entry", "difference", "meant"), NEAR)
def test_near_misses_are_named(
    listed: list[str], origin: str, entry: str, difference: str, meant: str | None
) -> None:
    in_force = policy(*listed)
    found = refusal(in_force, origin).reason
    assert found.why == f"the list has {entry} (FRONTEND_ORIGINS); {difference}"
    opening = f"open the page at {meant}, or " if meant else ""
    assert found.correction == f"{opening}add {origin} to FRONTEND_ORIGINS"
    assert meant is None or in_force.allows(meant)
    assert policy(*listed, origin).allows(origin)


@pytest.mark.parametrize(
    ("listed", "origin", "reason", "change"),
    [
        ([], APP, "the list is empty (FRONTEND_ORIGINS)", f"add {APP} to FRONTEND_ORIGINS"),
        (
            [APP],
            "https://b.test",
            "it is not in the list (FRONTEND_ORIGINS)",
            "add https://b.test to FRONTEND_ORIGINS",
        ),
        ([APP], "null", NULL, ELSEWHERE),
        (
            [APP],
            [APP, APP],
            "it has 2 Origin headers, and browsers send one",
            "let nothing between the browser and the service add an Origin",
        ),
        ([APP], f"{APP}/", "no browser sends such an Origin", f"browsers write it {APP}"),
        ([APP], f"{APP}:443", "no browser sends such an Origin", f"browsers write it {APP}"),
        (
            [APP],
            "app.example.com",
            "such an Origin cannot be listed",
            f"'app.example.com' has no scheme; write {APP}",
        ),
        ([APP], "", "such an Origin cannot be listed", "'' has no scheme"),
        (
            [APP],
            "https://u:secret@a.example",
            "such an Origin cannot be listed",
            "'https://...@a.example' has user information; write https://a.example",
        ),
        (
            [APP],
            f"{APP}{'x' * 600}",
            "such an Origin cannot be listed",
            f"'https://app.example.com{'x' * 56}... (623 characters) is longer than 512 characters",
        ),
    ],
)
def test_other_origins(listed: list[str], origin: Any, reason: str, change: str) -> None:
    found = refusal(policy(*listed), origin).reason
    assert (found.why, found.correction) == (reason, change)


def test_what_may_not_be_listed_is_not_proposed() -> None:
    with_credentials = policy(APP, "https://b.test", allow_credentials=True)
    insecure = "cannot be listed, because it is not https, so anyone on the network path can speak"
    found = refusal(with_credentials, "http://app.example.com").reason
    assert found.correction == (f"open the page at {APP}; http://app.example.com {insecure} for it")
    found = refusal(with_credentials, "http://other.example").reason
    assert found.correction == f"http://other.example {insecure} for it"


def test_misspelt_hosts_are_looked_for_in_short_lists_only() -> None:
    for more, named in ((99, True), (100, False)):
        listed = ["https://app.exmaple.com", *(f"https://x{n}.test" for n in range(more))]
        assert ("https://app.exmaple.com" in refusal(policy(*listed), APP).reason.why) == named


def test_a_list_without_a_variable_is_called_by_its_argument() -> None:
    found = refusal(CORSPolicy(**PRODUCTION), "https://b.test").reason
    assert found.why == "it is not in the list (allow_origins)"
    assert found.correction == "add https://b.test to allow_origins"


# Method, names, and what the log says of the preflight of an allowed origin.
UNLISTED: list[tuple[str, str | list[str], str]] = [
    ("GET", "x-unlisted", 'add "X-Unlisted" to allow_headers'),
    ("GET", "x-tenant, x-b ,X-A,x-b", 'add "X-B" to allow_headers; add "X-A" to allow_headers'),
    ("PUT", ["x-a", "x-b"], 'add "X-A" to allow_headers; add "X-B" to allow_headers'),
    ("QUERY", "", 'add "QUERY" to allow_methods'),
    ("QUERY", "x-a", 'add "QUERY" to allow_methods; add "X-A" to allow_headers'),
    ("put", "", "write PUT in the page, because browsers send put as it is"),
    (
        "patch",
        "",
        "write PATCH in the page, because browsers send patch as it is; "
        'add "PATCH" to allow_methods',
    ),
    ("TRACE", "", "send no 'TRACE', which is no method of browsers"),
    ("G T", "", "send no 'G T', which is no method of browsers"),
    ("Q" * 101, "", f"send no '{'Q' * 79}... (101 characters), which is no method of browsers"),
    ("GET", "cookie", "send no 'cookie', which pages cannot set"),
    ("GET", "x\ny", "send no 'x\\ny', which pages cannot set"),
    (
        "GET",
        ",".join(f"x-{n:02}" for n in range(12)),
        "; ".join([*(f'add "X-{n:02}" to allow_headers' for n in range(10)), "and 2 more"]),
    ),
    (
        "GET",
        ",".join(f"x-{n:02}" for n in range(10)),
        "; ".join(f'add "X-{n:02}" to allow_headers' for n in range(10)),
    ),
    ("GET", "x" * 8190, "it asks for more than 8192 bytes of header names; send fewer"),
]


@pytest.mark.parametrize(("method", "names", "advice"), UNLISTED)
def test_what_an_allowed_preflight_lacks(method: str, names: Any, advice: str) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": names,
    }
    found = judged(policy(APP), scope(headers, "OPTIONS"))
    assert found and found.reason.why == found.reason.correction == advice
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
def test_what_an_allowed_preflight_may_ask_for(method: str, names: str) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": names,
    }
    assert judged(policy(APP), scope(headers, "OPTIONS")) is None


def test_where_anything_is_allowed_nothing_is_missing() -> None:
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
def test_which_requests_are_refused(
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
def test_the_verdict_is_the_middlewares(
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
    assert (found is None or found.kind is Kind.UNLISTED) == bool(told)
    if found and found.kind is not Kind.UNLISTED:
        change = found.reason.correction
        assert found.reason.why and change
        for line in (str(found), change):
            assert line.isprintable() and len(line) < 1200
        if match := change.partition("open the page at ")[2]:
            assert in_force.allows(re.split("[,;]", match)[0])
        if change.endswith("to FRONTEND_ORIGINS"):
            added = change.split(" ")[-3]
            assert policy(*in_force.allow_origins, added).allows(headers["Origin"])


@given(
    names=st.lists(st.text("abX-\n,\x7f é", max_size=20), max_size=30), method=st.text(max_size=40)
)
def test_any_preflight_is_explained_on_one_line(names: list[str], method: str) -> None:
    headers = {
        "Origin": APP,
        "Access-Control-Request-Method": method.encode("utf-8", "replace").decode("latin-1"),
        "Access-Control-Request-Headers": names
        and [name.encode("utf-8", "replace").decode("latin-1") for name in names],
    }
    found = judged(policy(APP), scope(headers, "OPTIONS"))
    assert found is None or str(found).isprintable()


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(origin: str, path: str = "/notes", **arguments: Any) -> Refusal:
    return refusal(policy(APP, **arguments), origin, path=path)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log so far, and forget them."""
    assert {record.levelname for record in caplog.records} <= {"WARNING"}
    found = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return found


LINE = "CORS refused http://app.example.com GET /notes: the list has https://app.example.com"
WHY = "(FRONTEND_ORIGINS); the scheme differs"


def test_a_line_a_minute_with_what_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RefusalLog(clock)
    for _ in range(3):
        log.write(refused("http://app.example.com"))
    assert lines(caplog) == [f"{LINE} {WHY}"]
    clock.now = 59.9
    log.write(refused("http://app.example.com"))
    assert lines(caplog) == []
    clock.now = 60
    log.write(refused("http://app.example.com"))
    log.write(refused("http://app.example.com"))
    assert lines(caplog) == [f"{LINE} {WHY} (and 3 times since the last line)"]
    clock.now = 200
    log.write(refused("https://b.test"))
    log.write(refused("http://app.example.com"))
    first, second = lines(caplog)
    assert first.endswith("it is not in the list (FRONTEND_ORIGINS) (other refusals left out: 1)")
    assert second == f"{LINE} {WHY}"


def test_each_reason_has_its_line(caplog: pytest.LogCaptureFixture) -> None:
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
        f'CORS refused {APP} GET /notes: add "X-{name}" to allow_headers' for name in "AB"
    ]


def test_a_flood_gives_ten_lines_and_takes_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RefusalLog(clock)
    in_force = policy(APP)

    def flood(first: int) -> None:
        for number in range(first, first + 10_000):
            origin = f"https://{number}.evil.example"
            log.write(refusal(in_force, origin, path=f"/{number}\n"))

    flood(0)
    assert len(lines(caplog)) == 10
    tracemalloc.start()
    flood(10_000)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50_000
    assert lines(caplog) == []
    clock.now = 60
    flood(20_000)
    later = lines(caplog)
    assert len(later) == 10
    assert later[0].endswith(" (other refusals left out: 19990)")
    assert "left out" not in later[1]


@pytest.mark.parametrize(
    ("origin", "method", "path", "shown"),
    [
        ("https://b.test", "GET", "/a b\n\r%\u202e", "https://b.test GET /a%20b%0A%0D%25%E2"),
        ("https://b.test", "G\nT", "/", "https://b.test 'G\\nT' /: "),
        ("https://b.test\n", "GET", "/", "'https://b.test' GET /: "),
        ("null", "GET", "/", "null GET /: "),
        ("x" * 600, "GET", "/", f"'{'x' * 79}... (600 characters) GET /: "),
        (
            f"https://{'a' * 60}.{'b' * 40}.test",
            "GET",
            "/",
            f"'https://{'a' * 60}.{'b' * 10}... (114 characters) ",
        ),
        ("https://b.test", "GET", f"/{'x' * 200}", f"https://b.test GET /{'x' * 99}: "),
        ("https://b.test", "GET", "/\ud800", "https://b.test GET /%3F: "),
    ],
)
def test_what_comes_from_outside_is_quoted_and_bounded(
    origin: str, method: str, path: str, shown: str
) -> None:
    refused = Refusal(Kind.READ, policy(APP), (origin,), method, path)
    assert str(refused).startswith(f"CORS refused {shown}")


FOREIGN: Any = {"Host": API, "Origin": "https://b.test"}
PREFLIGHT: Any = FOREIGN | {"Access-Control-Request-Method": "PUT"}
FORM: Any = FOREIGN | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
IN_LIST = "it is not in the list (FRONTEND_ORIGINS)"


@pytest.mark.parametrize(
    ("headers", "arguments", "expected"),
    [
        (FOREIGN, {}, [f"https://b.test GET /: {IN_LIST}"]),
        (PREFLIGHT, {"method": "OPTIONS"}, [f"https://b.test PUT /: {IN_LIST}"]),
        (FOREIGN, {"method": "POST"}, [f"https://b.test POST /: {IN_LIST}"]),
        (FORM, {"method": "POST"}, [f"https://b.test POST /: {CROSS_SITE_FORM.why}"]),
        (
            {"Host": API, "Sec-Fetch-Site": "cross-site"},
            {"method": "POST"},
            ["(no Origin) POST /: it comes from another site, without an Origin"],
        ),
        (FORM, {}, []),
        (FOREIGN, {"scheme": "wss"}, [f"https://b.test WebSocket /: {IN_LIST}"]),
        (PREFLIGHT | {"Origin": APP}, {"method": "OPTIONS"}, []),
        (
            PREFLIGHT | {"Origin": APP, "Access-Control-Request-Method": "QUERY"},
            {"method": "OPTIONS"},
            [f'{APP} QUERY /: add "QUERY" to allow_methods'],
        ),
        ({"Origin": APP}, {}, []),
        ({}, {}, []),
    ],
)
def test_what_a_service_logs(
    headers: Any,
    arguments: Any,
    expected: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cors_right.middleware.refusals", RefusalLog())
    app = CORSFastAPI(cors_policy=policy(APP, allow_credentials=True))
    ask(app, headers, **arguments)
    assert lines(caplog) == [f"CORS refused {line}" for line in expected]


@pytest.mark.parametrize("environment", KINDS)
def test_callers_are_told_why_in_development_only(environment: str) -> None:
    told = environment == "development"
    arguments: Any = KINDS[environment] | {"allow_credentials": True}
    app = CORSFastAPI(cors_policy=policy(APP, **arguments))
    answer = ask(app, PREFLIGHT, "OPTIONS")
    text = f"Origin not allowed: {IN_LIST}" if told else "Origin not allowed"
    assert (answer.status, answer.body.decode()) == (403, text)
    assert dict(answer.headers)[b"content-length"] == str(len(text)).encode()
    unlisted = PREFLIGHT | {"Origin": APP, "Access-Control-Request-Method": "QUERY"}
    answer = ask(app, unlisted, "OPTIONS")
    text = 'OK: add "QUERY" to allow_methods' if told else "OK"
    assert (answer.status, answer.body.decode()) == (200, text)
    detail = json.loads(ask(app, FORM, "POST").body)["detail"]
    assert detail.endswith(f" Why: {CROSS_SITE_FORM.why}.") == told


def test_refused_write_keeps_what_came() -> None:
    found = judged(policy(APP, allow_credentials=True), scope({"Origin": ["a", "b"]}, "POST"))
    assert found
    assert (found.kind, found.origins) == (Kind.WRITE, ("a", "b"))
    assert (found.method, found.path) == ("POST", "/notes")


def test_a_policy_says_where_its_origins_come_from() -> None:
    assert policy(APP).source == "FRONTEND_ORIGINS"
    assert replace(policy(APP), max_age=1).source is None
    assert policy(APP).listed_headers >= {"x-tenant", "content-type", "accept"}
