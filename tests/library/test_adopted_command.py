"""The command `python -m cors_right` for services with other file layouts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cors_right.refusal import Kind, Refusal

from tests.support import words
from tests.support.commands import run_command
from tests.support.service.adopted import ELSEWHERE, policy

APP = "https://app.example.com"
OTHER = "https://other.example.com"
ADOPTED = "tests.support.service.adopted"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command, with its exit status, output and errors."""

    def run(*arguments: str, app: str = "app") -> tuple[int, str, str]:
        named = [*arguments, "--app", app if ":" in app else f"{ADOPTED}:{app}"]
        return run_command([*(named if app else arguments)], monkeypatch, capsys)

    return run


def explained(run: Run, *arguments: str, app: str = "app") -> tuple[int, dict[str, Any]]:
    status, output, errors = run("explain", *arguments, "--json", app=app)
    assert errors == ""
    return status, json.loads(output)


def test_explain_ends_at_another_host(run: Run) -> None:
    status, found = explained(run, APP, "GET", "/login", "--credentials")
    assert (status, found["allowed"], found["error"]) == (4, None, "InvalidResponse")
    assert found["why"] == words.ELSEWHERE.format(ELSEWHERE, "null")
    assert found["change"] == words.RETURN_THE_ADDRESS
    first, last = found["requests"]
    assert (first["status"], last["status"]) == (307, None)
    assert (last["url"], last["headers"], last["answer"]) == (ELSEWHERE, {"Origin": "null"}, [])
    _, output, _ = run("explain", APP, "GET", "/login", "--credentials")
    assert f"\nGET {ELSEWHERE}\n> Origin: null\n< (nothing)\n\n{words.NEITHER_ASKED}\n" in output


@pytest.mark.parametrize(
    ("origin", "method", "path", "status", "said"),
    [
        (APP, "GET", "/chat", 0, "The WebSocket opens."),
        (APP, "WebSocket", "/chat", 0, "The WebSocket opens."),
        (OTHER, "GET", "/chat", 1, "The service refuses the WebSocket (403)."),
        (APP, "WebSocket", "/orders", 1, "The service refuses the WebSocket (403)."),
    ],
)
def test_explain_explains_a_websocket(
    run: Run, origin: str, method: str, path: str, status: int, said: str
) -> None:
    ended, output, _ = run("explain", origin, method, path)
    assert (ended, f"\n{said}\n" in output) == (status, True)
    assert f"\nWebSocket {path}\n> Origin: {origin}\n< (not run: it could write)\n" in output
    found = explained(run, origin, method, path)[1]
    assert found["requests"][0]["url"] == f"wss://service.example{path}"
    refusal = Refusal(Kind.WEBSOCKET, policy, (OTHER,), "WebSocket", path)
    assert found["log"] == (str(refusal) if origin == OTHER else "")
    assert bool(found["route"]) == (path == "/orders")


def test_explain_knows_exempt_paths(run: Run) -> None:
    performs = "The service still performs the write. CORS hides only the response."
    refuses = "The service refuses the write with a 403 (CSRF protection)."
    for path, said, other in (
        ("/callback/a", performs, refuses),
        ("/callback/a/b", refuses, performs),
        ("/orders", refuses, performs),
    ):
        status, output, _ = run("explain", OTHER, "POST", path)
        assert (status, said in output, other in output) == (1, True, False)


@pytest.mark.parametrize(
    ("app", "method", "path", "said"),
    [
        ("app", "GET", "/orders", ""),
        ("app", "GET", "/order", f"{words.NO_ROUTE.format('/order')}. Did you mean /orders?"),
        ("app", "POST", "/order", f"{words.NO_ROUTE.format('/order')}. Did you mean /orders?"),
        ("app", "GET", "/quite/another", words.NO_ROUTE.format("/quite/another")),
        ("app", "PUT", "/orders", "/orders accepts GET, POST, but not PUT"),
        ("app", "GET", "/callback/a", "/callback/a accepts POST, but not GET"),
        ("app", "POST", "/callback/a", ""),
        (
            "app",
            "POST",
            "/callback/a/b",
            f"{words.NO_ROUTE.format('/callback/a/b')}. Did you mean ",
        ),
        ("wrapped", "GET", "/hello", ""),
        ("wrapped", "GET", "/hallo", f"{words.NO_ROUTE.format('/hallo')}. Did you mean /hello?"),
        ("wrapped", "POST", "/files/a", ""),
        ("added", "POST", "/hello", "/hello accepts GET, HEAD, but not POST"),
    ],
)
def test_explain_names_the_missing_route(
    run: Run, app: str, method: str, path: str, said: str
) -> None:
    found = explained(run, APP, method, path, app=app)[1]
    assert (found["route"][: len(said)], bool(found["route"])) == (said, bool(said))
    output = run("explain", APP, method, path, app=app)[1]
    assert ("\nroute     " in output) == bool(said)


def test_explain_asks_at_the_address_of_the_service(run: Run) -> None:
    at = ("--at", "http://localhost:8000/ignored")
    found = explained(run, "http://localhost:3000", "GET", "/orders", *at)[1]
    assert found["requests"][0]["url"] == "http://localhost:8000/orders"
    own = explained(run, "http://localhost:8000", "GET", "/orders", *at)
    assert (own[0], own[1]["requests"][0]["headers"]) == (0, {})
    for path in ("/orders", "/chat"):
        status, found = explained(run, APP, "GET", path, "--at", "http://api.example.com")
        assert (status, found["why"], found["requests"]) == (1, words.MIXED, [])
    assert "\nThe browser sends nothing: " in run("explain", APP, "--at", "http://a.example")[1]


LOCAL = "http://localhost:3000"
TWO_SITES = words.TWO_SITES.format("Lax", LOCAL, "http://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("arguments", "name", "said"),
    [
        (
            ("--at", "http://localhost:8000", "--credentials"),
            "session",
            "chromium, firefox, webkit: kept",
        ),
        (
            ("--at", "http://127.0.0.1:8000", "--credentials"),
            "session",
            f"chromium, firefox, webkit: dropped, because {TWO_SITES}; call http://localhost:8000",
        ),
        (
            ("--at", "http://localhost:8000", "--credentials"),
            "theme",
            f"chromium, firefox: dropped, because {words.NONE_NOT_SECURE}; webkit: kept",
        ),
        (
            ("--at", "http://localhost:8000", "--credentials"),
            "old",
            "chromium, firefox, webkit: removed",
        ),
        (
            ("--at", "http://localhost:8000"),
            "session",
            'dropped, because the page does not send credentials: "include"',
        ),
        (("--credentials",), "session", "add --at URL to learn what becomes of it"),
    ],
)
def test_explain_shows_the_verdict_on_each_cookie(
    run: Run, arguments: tuple[str, ...], name: str, said: str
) -> None:
    found = explained(run, LOCAL, "GET", "/cookies", *arguments)[1]
    assert found["cookies"][name] == said
    assert {*found["cookies"]} == {"session", "theme", "old"}
    output = run("explain", LOCAL, "GET", "/cookies", *arguments)[1]
    assert f" cookie {name}: {said} " in f"{' '.join(output.split())} "
    assert explained(run, LOCAL, "POST", "/orders", *arguments)[1]["cookies"].keys() == {"session"}


OBEYED = ("\x1b", "\x07", "\x9b", "\x85", " ::set", "##vso")


def test_explain_escapes_terminal_and_ci_commands(run: Run) -> None:
    for as_json in ((), ("--json",)):
        _, output, _ = run("explain", APP, "GET", "/hostile", *as_json)
        assert "eA==" in output
        assert not [obeyed for obeyed in OBEYED if obeyed in output]
    _, _, errors = run("show", app="with_hostile_message")
    assert "RuntimeError: " in errors
    assert not [obeyed for obeyed in OBEYED if obeyed in errors]


def test_show_prints_the_policy_of_an_application(run: Run) -> None:
    for app in ("app", "wrapped", "added"):
        status, output, _ = run("show", app=app)
        assert (status, f"{ADOPTED}:{app} *\n" in output, APP in output) == (0, True, True)
        assert explained(run, APP, app=app)[0] == 0
    found = json.loads(run("show", "--json")[1])
    assert found["in_force"] == f"{ADOPTED}:app"
    assert found["policies"][f"{ADOPTED}:app"]["allow_origins"] == [APP, LOCAL]


SETTINGS = ("--settings", f"{ADOPTED}:Settings")
CREATE = "tests.support.service.application:create_app"


def test_settings_need_no_secret_of_production(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for environment in ("staging", "production"):
        monkeypatch.setenv("FASTAPI_ENV", environment)
        status, output, errors = run("explain", APP, "GET", "/notes", *SETTINGS, app=CREATE)
        assert (status, output.partition(":")[0], errors) == (0, environment, "")
        assert f"{environment} *" in run("show", *SETTINGS, app="")[1]
    monkeypatch.setenv("FRONTEND_ORIGINS", "app.example.com")
    problem = words.wrong_frontends("app.example.com", words.NO_SCHEME, APP)
    status, output, errors = run("explain", APP, *SETTINGS, app=CREATE)
    assert (status, output, errors.splitlines()) == (3, "", [problem, f"SECRET: {words.UNSET}"])


@pytest.mark.parametrize(
    ("arguments", "app", "status", "said"),
    [
        (["show"], "mian:app", 2, words.NOT_HERE.format("mian")),
        (["show"], f"{ADOPTED}.main:app", 2, words.NOT_HERE.format(f"{ADOPTED}.main")),
        (["show"], "application", 2, f"{ADOPTED} has no 'application'. Write module:attribute"),
        (["show"], "tests:", 2, words.NO_ATTRIBUTE.format("tests", "")),
        (["show"], "hello", 2, "is not wrapped in CORSPolicyMiddleware"),
        (["explain", APP, "--env", "staging"], "app", 2, "'staging' must be one of tests"),
        (["explain", APP, "--env", "staging", *SETTINGS], "app", 2, "is made for production"),
        (["show", "--settings", f"{ADOPTED}:OtherSettings"], "", 2, "subclass of CORSSettings"),
        (["show", "--settings", f"{ADOPTED}:app"], "", 2, "subclass of CORSSettings"),
        (["show"], "without_variable", 3, "without_variable: KeyError: 'DATABASE_URL'\n"),
        (["show"], "with_wrong_value", 3, "ValidationError: ('token',): Input should be a valid"),
    ],
)
def test_command_says_why_it_finds_no_service(
    run: Run, arguments: list[str], app: str, status: int, said: str
) -> None:
    ended, output, errors = run(*arguments, app=app)
    assert (ended, output, said in errors) == (status, "", True), errors
    assert "Traceback" not in errors
    assert "hunter2" not in errors
    assert len(errors.splitlines()) == 1 or errors.startswith("usage: ")


def test_help_lists_the_exit_statuses(run: Run) -> None:
    _, output, _ = run("--help", app="")
    assert [line[:5] for line in output.splitlines()[-5:]] == [f"  {each}  " for each in range(5)]
