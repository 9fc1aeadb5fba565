"""Valid policies, and the messages for invalid policies."""

import inspect
from dataclasses import replace
from typing import Any

import pytest
from cors_right import CORSPolicy
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.middleware.cors import CORSMiddleware

from tests.support import words
from tests.support.asgi import KINDS, PRODUCTION
from tests.support.texts import TEXTS


def problems(**arguments: Any) -> list[str]:
    """Return the problems of a policy."""
    try:
        CORSPolicy(**arguments)
    except ValueError as error:
        return str(error).splitlines()
    return []


def test_policy_keeps_its_arguments() -> None:
    policy = CORSPolicy(**PRODUCTION)
    assert policy.allow_origins == ("https://app.example.com", "https://*.preview.example.com")
    assert policy.allow_methods == ("GET", "PUT")
    assert policy.allow_headers == ("X-Tenant",)
    assert policy.expose_headers == ("Location",)
    assert (policy.max_age, policy.allow_credentials) == (7200, False)


def test_policy_has_canonical_entries_once() -> None:
    policy = CORSPolicy(
        allow_origins=["HTTPS://A.example:443/", "https://a.example"],
        allow_methods=["GET", "PUT", "GET"],
    )
    assert policy.allow_origins == ("https://a.example",)
    assert policy.allow_methods == ("GET", "PUT")
    assert replace(policy, max_age=0).allow_origins == ("https://a.example",)


def test_policy_has_starlettes_arguments_and_defaults() -> None:
    ours = inspect.signature(CORSPolicy).parameters
    theirs = inspect.signature(CORSMiddleware).parameters
    for name in ours.keys() & theirs.keys():
        assert ours[name].default == theirs[name].default, name
    # The first is a pattern here, and browsers have dropped the second.
    assert theirs.keys() - ours.keys() <= {"app", "allow_origin_regex", "allow_private_network"}
    assert ours.keys() - theirs.keys() == {"development", "allow_http_loopback"}
    assert ours["development"].default is ours["allow_http_loopback"].default is False


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({"development": "yes"}, ["development: 'yes' must be True or False"]),
        ({"allow_http_loopback": 1}, ["allow_http_loopback: 1 must be True or False"]),
        (
            {"allow_origins": "https://a.example"},
            ["allow_origins: 'https://a.example' must be a list of strings"],
        ),
        ({"allow_methods": "*"}, ["allow_methods: '*' must be a list of strings"]),
        ({"allow_headers": None}, ["allow_headers: None must be a list of strings"]),
        ({"expose_headers": [1]}, ["expose_headers: 1 must be a string"]),
        ({"allow_credentials": "false"}, ["allow_credentials: 'false' must be True or False"]),
        ({"max_age": "600"}, ["max_age: '600' must be 0 to 86400 seconds"]),
        ({"max_age": 86401}, ["max_age: 86401 must be 0 to 86400 seconds"]),
        ({"max_age": -2}, ["max_age: -2 must be 0 to 86400 seconds"]),
        ({"max_age": 86400}, []),
        ({"max_age": -1}, ["max_age: -1 must be 0 to 86400 seconds"]),
        (
            {"allow_methods": ["GET POST"]},
            ["allow_methods: 'GET POST' is not a valid method name. Correct or remove it"],
        ),
        (
            {"allow_headers": ["X Foo"]},
            ["allow_headers: 'X Foo' is not a valid request header name. Correct or remove it"],
        ),
        (
            {"expose_headers": [""]},
            ["expose_headers: '' is not a valid response header name. Correct or remove it"],
        ),
        (
            {"allow_headers": ["X-Ünicode"]},
            ["allow_headers: 'X-Ünicode' is not a valid request header name. Correct or remove it"],
        ),
        (
            {"allow_headers": ["X-A\n"]},
            ["allow_headers: 'X-A\\n' is not a valid request header name. Correct or remove it"],
        ),
        (
            {"allow_methods": ["*", "GET"]},
            ["allow_methods: '*' allows any method, so it must be the only entry"],
        ),
        (
            {"allow_headers": ["X-A", "*"]},
            ["allow_headers: '*' allows any request header, so it must be the only entry"],
        ),
        ({"allow_methods": ["*"], "allow_headers": ["*"], "expose_headers": ["*"]}, []),
        (
            {"allow_methods": ["Trace"]},
            ["allow_methods: 'Trace' has no effect (browsers never send it). Remove it"],
        ),
        (
            {"allow_methods": ["TRACK"]},
            ["allow_methods: 'TRACK' has no effect (browsers never send it). Remove it"],
        ),
        (
            {"allow_methods": ["CONNECT"]},
            ["allow_methods: 'CONNECT' has no effect (browsers never send it). Remove it"],
        ),
        (
            {"allow_methods": ["patch"]},
            [words.lower_case_method("patch")],
        ),
        (
            {"allow_methods": ["get post"]},
            ["allow_methods: 'get post' is not a valid method name. Correct or remove it"],
        ),
        ({"allow_methods": ["QUERY", "X-RESTART"]}, []),
        ({"expose_headers": ["Date", "X-Total-Count"]}, []),
        (
            {"allow_credentials": True, "expose_headers": ["*"]},
            ["expose_headers: '*' has no effect with credentials. List the headers"],
        ),
    ],
)
def test_policy_refuses_arguments_that_never_work(
    arguments: dict[str, Any], lines: list[str]
) -> None:
    assert problems(**arguments) == lines


@pytest.mark.parametrize(
    "name",
    [
        *("Accept-Charset", "Accept-Encoding", "Access-Control-Request-Method", "Connection"),
        *("Content-Length", "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive"),
        *("Origin", "Proxy-Authorization", "Referer", "Sec-Fetch-Site", "Set-Cookie", "TE"),
        *("Trailer", "Transfer-Encoding", "Upgrade", "Via", "access-control-x", "sec-", "COOKIE"),
    ],
)
def test_policy_refuses_headers_pages_cannot_set(name: str) -> None:
    assert problems(allow_headers=[name]) == [
        f"allow_headers: {name!r} has no effect (pages cannot set it). Remove it"
    ]


@pytest.mark.parametrize(
    "name", ["Authorization", "Content-Type", "Dates", "X-Cookie", "Second", "Hostname", "Accept"]
)
def test_policy_accepts_headers_pages_can_set(name: str) -> None:
    assert problems(allow_headers=[name]) == []


@pytest.mark.parametrize("name", ["Set-Cookie", "set-cookie2", "Access-Control-Allow-Origin"])
def test_policy_refuses_headers_pages_cannot_read(name: str) -> None:
    expected = [f"expose_headers: {name!r} has no effect (pages cannot read it). Remove it"]
    assert problems(expose_headers=[name]) == expected


def test_policy_reports_all_problems_at_once() -> None:
    assert problems(development="x", allow_origins="*", max_age=None) == [
        "allow_origins: '*' must be a list of strings",
        "development: 'x' must be True or False",
        "max_age: None must be 0 to 86400 seconds",
    ]
    wrong = {
        "allow_origins": ["null", "a.example"],
        "allow_methods": ["put"],
        "expose_headers": ["X Y"],
    }
    assert problems(**wrong) == [
        words.origin_error("null", words.IS_NULL),
        words.origin_error("a.example", words.NO_SCHEME, "https://a.example"),
        "expose_headers: 'X Y' is not a valid response header name. Correct or remove it",
        words.lower_case_method("put"),
    ]


BOTH = ("staging", "production")
ANYONE = words.origin_error("*", words.IS_ANY_WITH_CREDENTIALS)
STRANGERS: dict[str, dict[str, str]] = {
    "*": dict.fromkeys(BOTH, ANYONE),
    " *": dict.fromkeys(BOTH, ANYONE),
    "http://app.example.com": dict.fromkeys(
        BOTH,
        words.origin_error("http://app.example.com", words.NOT_HTTPS, "https://app.example.com"),
    ),
    **{
        local: {"production": words.origin_error(local, words.IS_LOOPBACK)}
        for local in ("http://localhost:3000", "http://*.localhost")
    },
    **{
        f"https://*.{shared}": dict.fromkeys(
            BOTH, words.origin_error(f"https://*.{shared}", words.IS_SHARED.format(shared))
        )
        for shared in ("com", "co.uk", "github.io", "vercel.app", "amazonaws.com", "no-such-tld")
    },
    "https://app.example.com": {},
    "https://*.example.co.uk": {},
    "https://*.example.com:*": {},
    "https://localhost": {},
    "https://*.localhost": {},
    "https://github.io": {},
    "capacitor://localhost": {},
}


@pytest.mark.parametrize("environment", KINDS)
@pytest.mark.parametrize("origin", STRANGERS)
def test_policy_refuses_risky_origins_with_credentials(origin: str, environment: str) -> None:
    arguments = KINDS[environment] | {"allow_origins": [origin]}
    assert not problems(**arguments, allow_credentials=False)
    line = STRANGERS[origin].get(environment)
    assert problems(**arguments, allow_credentials=True) == ([line] if line else [])


@pytest.mark.parametrize(
    ("environment", "allow_credentials", "expected"),
    [
        ("development", True, False),
        ("staging", True, True),
        ("production", True, True),
        ("production", False, False),
    ],
)
def test_policy_shares_credentials_outside_development_only(
    environment: str, allow_credentials: bool, expected: bool
) -> None:
    policy = CORSPolicy(**KINDS[environment], allow_credentials=allow_credentials)
    assert policy.shares_credentials == expected


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({}, "CORS allows no origin, without credentials"),
        (
            {"allow_origins": ["https://a.example", "https://*.b.example"]},
            "CORS allows https://a.example, https://*.b.example, without credentials",
        ),
        (
            {"development": True, "allow_origins": ["*"], "allow_credentials": True},
            "CORS allows any origin, with credentials",
        ),
        (
            {"allow_origins": [f"https://{n}.a" for n in range(10)]},
            f"CORS allows {', '.join(f'https://{n}.a' for n in range(10))}, without credentials",
        ),
        (
            {"allow_origins": [f"https://{n}.a" for n in range(11)]},
            f"CORS allows {', '.join(f'https://{n}.a' for n in range(10))} and 1 more, "
            "without credentials",
        ),
    ],
)
def test_policy_prints_on_one_line(arguments: dict[str, Any], line: str) -> None:
    assert str(CORSPolicy(**arguments)) == line


@given(
    origins=st.lists(TEXTS, min_size=1, max_size=3),
    methods=st.lists(st.text("abcGETé *", min_size=1, max_size=4), max_size=2),
    environment=st.sampled_from([*KINDS]),
    allow_credentials=st.booleans(),
)
@example(["http://shop.example.com/cart"], [], "production", True)
@example(["localhost:3000", "http://localhost:3000/x"], [], "production", True)
@example(["*.github.io"], [], "staging", True)
@example([], ["trace", "pa tch"], "staging", True)
def test_policy_accepts_the_corrections_of_its_messages(
    origins: list[str], methods: list[str], environment: str, allow_credentials: bool
) -> None:
    common = KINDS[environment] | {"allow_credentials": allow_credentials}
    for line in problems(allow_origins=origins, allow_methods=methods, **common):
        assert line.isprintable()
        _, _, proposal = line.partition(words.INSTEAD)
        if proposal:
            argument = "allow_methods" if line.startswith("allow_methods") else "allow_origins"
            assert problems(**{argument: [proposal]}, **common) == [], line
