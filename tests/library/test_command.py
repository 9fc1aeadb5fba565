"""The commands `python -m cors_right show` and `explain` for a service of the tests."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cors_right import __main__ as command
from cors_right.diagnostics import explain as explaining
from cors_right.diagnostics import service
from cors_right.diagnostics.browser import CorsError, Response
from cors_right.diagnostics.corrections import correction
from cors_right.diagnostics.explain import answer_of, scope_of
from cors_right.diagnostics.report import labelled
from cors_right.reasons import NULL, Unlisted

from tests.support import words
from tests.support.asgi import passed
from tests.support.commands import run_command
from tests.support.service import application

APP = "https://app.example.com"
PREFIX = "python -m cors_right"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs the command, with its exit status, output and errors."""
    monkeypatch.setattr(service, "SETTINGS", "tests.support.service.settings:Settings")
    monkeypatch.setattr(service, "APPLICATION", "tests.support.service.application:create_app")

    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return run_command([*arguments], monkeypatch, capsys)

    return run


SHOWN = """\
                     development  staging *                      production
allow_origins        *            https://app.example.com        https://app.example.com
                                  https://*.preview.example.com  https://*.preview.example.com
allow_methods        *            DELETE, GET, HEAD, PATCH,      DELETE, GET, HEAD, PATCH,
                                  POST, PUT                      POST, PUT
allow_headers        *            Content-Type,                  Content-Type,
                                  Idempotency-Key                Idempotency-Key
allow_credentials    False        False                          False
expose_headers       none         Location                       Location
max_age              0            7200                           7200
development          True         False                          False
allow_http_loopback  False        True                           False

* in force
"""


def test_show_prints_policies_side_by_side(run: Any) -> None:
    assert run("show", FASTAPI_ENV="staging") == (0, SHOWN, "")


def test_show_prints_none_for_an_empty_list(run: Any) -> None:
    _, output, _ = run("show", FRONTEND_ORIGINS="")
    assert "allow_origins        *            none                       none" in output


LOOPBACK = words.wrong_frontends("http://localhost:3000", words.IS_LOOPBACK)


def test_show_explains_an_invalid_policy(run: Any) -> None:
    settings = {
        "FASTAPI_ENV": "staging",
        "ALLOW_CREDENTIALS": "1",
        "FRONTEND_ORIGINS": "http://localhost:3000",
    }
    status, output, errors = run("show", **settings)
    assert (status, errors) == (0, "")
    assert "allow_origins        *            http://localhost:3000      -" in output
    assert output.endswith(
        f"\n\nIn production, the service does not start with these settings:\n{LOOPBACK}\n"
    )
    status, output, _ = run("show", "--json", **settings)
    assert status == 0
    found = json.loads(output)
    assert (found["in_force"], found["policies"]["production"]) == ("staging", None)
    assert found["problems"] == {"production": [LOOPBACK]}
    assert found["policies"]["staging"] == {
        "allow_origins": ["http://localhost:3000"],
        "allow_credentials": True,
        "allow_methods": ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
        "allow_headers": ["Content-Type", "Idempotency-Key"],
        "expose_headers": ["Location"],
        "max_age": 7200,
        "development": False,
        "allow_http_loopback": True,
    }
    status, output, errors = run("explain", APP, "--env", "production", **settings)
    assert (status, output, errors) == (3, "", f"{LOOPBACK}\n")


@pytest.mark.parametrize("arguments", [["show"], ["explain", APP], ["check", "https://a.example"]])
def test_command_exits_like_the_service_if_settings_wrong(run: Any, arguments: list[str]) -> None:
    status, output, errors = run(*arguments, FASTAPI_ENV="prod")
    assert (status, output) == (3, "")
    assert errors == f"{words.wrong_environment('production')}\n"


FILE = "tests/support/service/settings.py"
LISTED = (APP, "https://*.preview.example.com")
HTTP = words.not_listed("http://app.example.com", *LISTED)
BLOCKED = f"""\
{words.in_force(*LISTED)}

OPTIONS /notes
> Origin: http://app.example.com
> Access-Control-Request-Method: PUT
> Access-Control-Request-Headers: content-type
< 403
< vary: Origin

The browser stops after the preflight: PreflightMissingAllowOriginHeader
{labelled("why", HTTP.why)}
{labelled("change", correction(HTTP, words.policy(*LISTED)) + words.OR_IN_FILE.format(FILE))}
route     /notes accepts DELETE, GET, POST, but not PUT
Chromium  blocked by CORS policy: Response to preflight request doesn't pass access control check:
          No 'Access-Control-Allow-Origin' header is present on the requested resource.
Firefox   (Reason: CORS header ‘Access-Control-Allow-Origin’ missing)
WebKit    Preflight response is not successful. Status code: 403
{labelled("log", words.log_line("http://app.example.com", "/notes", *LISTED, method="PUT"))}
"""
ALLOWED = f"""\
{words.in_force(*LISTED)}

OPTIONS /notes
> Origin: https://app.example.com
> Access-Control-Request-Method: DELETE
< 200
< vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers, \
Access-Control-Request-Private-Network
< access-control-allow-methods: DELETE, GET, HEAD, PATCH, POST, PUT
< access-control-max-age: 7200
< access-control-allow-headers: Accept, Accept-Language, Content-Language, Content-Type, \
Idempotency-Key
< access-control-allow-origin: https://app.example.com

DELETE /notes
> Origin: https://app.example.com
< (not run: it could write)
< access-control-expose-headers: Location
< access-control-allow-origin: https://app.example.com
< vary: Origin

{words.READABLE}
"""


def test_explain_explains_a_blocked_request(run: Any) -> None:
    arguments = ("http://app.example.com", "PUT", "/notes", "--header", "Content-Type")
    assert run("explain", *arguments) == (1, BLOCKED, "")


def test_explain_shows_an_allowed_write_without_running_it(run: Any) -> None:
    assert run("explain", APP, "DELETE", "/notes") == (0, ALLOWED, "")
    assert run("explain", APP, "POST", "/notes")[0] == 0
    assert application.written == []


def test_explain_writes_the_origin_like_a_browser(run: Any) -> None:
    status, output, _ = run("explain", "HTTPS://App.Example.com:443/")
    assert (status, "> Origin: https://app.example.com\n" in output) == (0, True)


def explained(run: Any, *arguments: str, **environment: str) -> dict[str, Any]:
    status, output, errors = run("explain", *arguments, "--json", **environment)
    found: dict[str, Any] = json.loads(output)
    assert (status, errors) == ({True: 0, False: 1, None: 4}[found["allowed"]], "")
    return found


X_A = Unlisted(None, ("x-a",)).why
LOWER_CASE = Unlisted("patch", (), True).why
ABSENT = words.not_listed("https://b.test", *LISTED)


@pytest.mark.parametrize(
    ("arguments", "error", "why", "change", "log"),
    [
        (
            [APP, "GET", "/notes", "--header", "X-A"],
            CorsError.HEADER_DISALLOWED,
            words.NEEDS_MORE,
            X_A + words.IN_FILE.format(FILE),
            f"{words.REFUSED} GET /notes from {APP}: {X_A}",
        ),
        (
            [APP, "patch", "/notes"],
            CorsError.METHOD_DISALLOWED,
            words.NEEDS_MORE,
            LOWER_CASE,
            f"{words.REFUSED} patch /notes from {APP}: {LOWER_CASE}",
        ),
        (
            [APP, "GET", "/notes", "--credentials"],
            "InvalidAllowCredentials",
            words.NO_CREDENTIALS,
            words.LEAVE_CREDENTIALS_OUT,
            "",
        ),
        (
            [APP, "PUT", "/notes", "--credentials", "--header", "X-A"],
            "PreflightInvalidAllowCredentials",
            f"{words.NO_CREDENTIALS}; {words.NEEDS_MORE}",
            f"{words.LEAVE_CREDENTIALS_OUT}; {X_A}{words.IN_FILE.format(FILE)}",
            f"{words.REFUSED} PUT /notes from {APP}: {X_A}",
        ),
        (
            [APP, "GET", "/notes", "--credentials", "--env", "development"],
            "WildcardOriginNotAllowed",
            words.NO_CREDENTIALS,
            words.LEAVE_CREDENTIALS_OUT,
            "",
        ),
        (
            [APP, "GET", "/never"],
            CorsError.INVALID_RESPONSE,
            "the service sent no response",
            "look at the service's log",
            "",
        ),
        (
            [APP, "GET", "/elsewhere"],
            CorsError.INVALID_RESPONSE,
            words.MOVED_AWAY.format("http://elsewhere.example/"),
            "call the address that needs no redirect. If the service wrote http for https, "
            "name the proxy in FORWARDED_ALLOW_IPS",
            "",
        ),
        (
            [APP, "GET", "/secret"],
            CorsError.REDIRECT_CONTAINS_CREDENTIALS,
            words.MOVED_WITH_PASSWORD,
            "remove the password",
            "",
        ),
        (
            ["https://b.test", "GET", "/x y"],
            "MissingAllowOriginHeader",
            ABSENT.why,
            correction(ABSENT, words.policy(*LISTED)) + words.OR_IN_FILE.format(FILE),
            f"{words.REFUSED} GET /x%20y from https://b.test: {ABSENT.why}",
        ),
    ],
)
def test_explain_gives_reason_and_correction(
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    error: str,
    why: str,
    change: str,
    log: str,
) -> None:
    monkeypatch.setattr(explaining, "PATIENCE", 0.2)
    found = explained(run, *arguments)
    assert (found["error"], found["why"], found["change"], found["log"]) == (
        error,
        why,
        change,
        log,
    )
    assert len(found["consoles"]) == (0 if error == CorsError.INVALID_RESPONSE else 3)


@pytest.mark.parametrize(
    ("path", "status"), [("/boom", 500), ("/forever", 200), ("/nowhere", 404), ("/moved", 200)]
)
def test_explain_allows_a_readable_response(run: Any, path: str, status: int) -> None:
    found = explained(run, APP, "GET", path)
    assert (found["allowed"], found["error"], found["why"]) == (True, None, "")
    last = found["requests"][-1]
    assert (last["method"], last["status"]) == ("GET", status)
    assert last["headers"]["Origin"] == APP
    assert ["vary", "Origin"] in last["answer"]
    assert last["url"].startswith("https://service.example/")


def test_explain_shows_each_followed_redirect(run: Any) -> None:
    _, output, _ = run("explain", APP, "GET", "/moved")
    assert "\nGET /notes?x=%20\n" in output
    assert "< 307\n< location: /notes?x=%20\n" in output
    _, output, _ = run("explain", "https://b.test", "POST", "/notes")
    assert (
        "The browser hides the response: MissingAllowOriginHeader\n"
        "The service still performs the write. CORS hides only the response.\nwhy "
    ) in output
    assert (
        "WebKit    Origin https://b.test is not allowed by Access-Control-Allow-Origin.\n" in output
    )
    _, output, _ = run("explain", "https://b.test", "POST", "/notes", ALLOW_CREDENTIALS="1")
    assert "\nThe service refuses the write with a 403 (CSRF protection).\nwhy " in output


def test_explain_uses_current_environment_or_env_option(run: Any) -> None:
    assert explained(run, "https://b.test")["allowed"] is False
    assert explained(run, "https://b.test", "--env", "development")["allowed"] is True
    assert explained(run, "https://b.test", FASTAPI_ENV="development")["allowed"] is True
    found = explained(run, "https://b.test", "--env", "staging", FASTAPI_ENV="development")
    assert found["allowed"] is False


def test_explain_explains_null(run: Any) -> None:
    assert explained(run, "null")["why"] == NULL.why


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["explain"], "the following arguments are required: ORIGIN"),
        (
            ["explain", "app.example.com"],
            words.origin_error("app.example.com", words.NO_SCHEME, APP),
        ),
        (
            ["explain", "https://*.a.example"],
            "'https://*.a.example' matches many origins. Write the origin of one page",
        ),
        (["explain", APP, "/notes"], "'/notes' is not a method that pages can send"),
        (["explain", APP, "TRACE"], "'TRACE' is not a method that pages can send"),
        (["explain", APP, "GET", "notes"], "'notes' is not a path. Write /notes"),
        (["explain", APP, "GET", "//b.test/x"], "'//b.test/x' is not a path. Write /x"),
        (["explain", APP, "GET", "https://b.test/x"], "/b.test/x' is not a path. Write /x"),
        (["explain", APP, "GET", "orders"], "'orders' is not a path. Write /orders"),
        (["explain", APP, "--header", "X A"], "'X A' is not the name of a header"),
        (["explain", APP, "--header", "Cookie"], "pages cannot set Cookie; browsers drop it"),
        (["explain", APP, "X" * 101], "is not a method that pages can send"),
        (["explain", APP, "GET", "/\udcff"], "is not a path. Write /%3F"),
        (
            ["explain", APP, "--env", "prod"],
            f"argument --env: 'prod' must be one of {words.ENVIRONMENTS}",
        ),
        (
            ["check", "api.example.com"],
            "'api.example.com' is not the address of a service. Write https://api.example.com/health",
        ),
        (["check", "ftp://a.example"], "'ftp://a.example' is not the address of a service"),
        (["check", "https://"], "'https://' is not the address of a service"),
        (["check", "https://a.example:0"], "'https://a.example:0' is not the address of a service"),
        (["check", "https://a.example:x"], "'https://a.example:x' is not the address of a service"),
        (["check", "https://["], "'https://[' is not the address of a service"),
        (["check", "https://u@a.example"], "'https://u@a.example' is not the address of a service"),
        (["check", "https://a.example/é"], "is not the address of a service"),
        (["check", "https://a.example/ x\n"], "is not the address of a service"),
        (
            ["check", "https://a.example", "a.example"],
            words.origin_error("a.example", words.NO_SCHEME, "https://a.example"),
        ),
    ],
)
def test_command_prints_usage_if_arguments_are_wrong(
    run: Any, arguments: list[str], message: str
) -> None:
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert errors.startswith("usage: python -m cors_right")
    assert message in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [],
            [
                "usage: python -m cors_right [-h] COMMAND ...",
                " Show the CORS policy, explain a blocked request, or check a deployed service. ",
                " COMMAND show print the policy of each environment",
                "explain show what a browser does with a request, and why",
                "check check that a deployed service follows the policy",
            ],
        ),
        (["show"], [" --json print JSON"]),
        (
            ["explain"],
            [
                " ORIGIN [METHOD] [PATH]",
                " ORIGIN of the page, such as https://app.example.com, or null METHOD PATH ",
                "--header NAME a request header that the page sets",
                '--credentials credentials: "include"',
                "--env NAME an environment, instead of FASTAPI_ENV",
                " --json print JSON",
            ],
        ),
        (
            ["check"],
            [
                " URL [ORIGIN ...]",
                " URL of a route that accepts GET",
                " ORIGIN instead of the policy's",
                " --json print JSON",
            ],
        ),
    ],
)
def test_help_lists_commands_and_options(run: Any, arguments: list[str], words: list[str]) -> None:
    status, output, _ = run(*arguments, "--help")
    assert status == 0
    for text in words:
        assert text in " ".join(output.split())


def test_explain_gives_headers_values_that_need_preflights(run: Any) -> None:
    arguments = ("--header", "CONTENT-Type", "--header", "Idempotency-Key")
    found = explained(run, APP, "POST", "/notes", *arguments)
    assert found["requests"][1]["headers"] == {
        "CONTENT-Type": "application/json",
        "Idempotency-Key": "x",
        "Origin": APP,
    }


def test_application_gets_a_scope_like_from_a_server(run: Any) -> None:
    assert scope_of("GET", "https://api.example.com:8443/a%20b?c=%20", {"Origin": APP}) == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/a b",
        "raw_path": b"/a%20b",
        "query_string": b"c=%20",
        "root_path": "",
        "headers": [(b"host", b"api.example.com:8443"), (b"origin", APP.encode())],
        "client": ("127.0.0.1", 0),
        "server": ("api.example.com", 8443),
        "state": {},
    }
    assert scope_of("GET", "https://api.example.com", {})["path"] == "/"
    answer = dict(explained(run, APP, "GET", "/echo")["requests"][0]["answer"])
    assert (answer["x-host"], answer["x-body"], answer["x-leaves"]) == (
        "service.example",
        "b''",
        "False",
    )


def test_application_can_respond_without_headers() -> None:
    answer = asyncio.run(answer_of(passed, scope_of("GET", "https://a.example/", {})))
    assert answer == Response(200, [])


def test_wildcard_allows_no_credentials(run: Any) -> None:
    found = explained(run, APP, "GET", "/", "--credentials", "--header=X-A", FRONTEND_ORIGINS="*")
    assert found["error"] == "PreflightWildcardOriginNotAllowed"
    assert found["why"] == f"{words.NO_CREDENTIALS}; {words.NEEDS_MORE}"


def test_explain_shows_a_missing_response(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "PATIENCE", 0.2)
    _, output, _ = run("explain", APP, "GET", "/never")
    assert "\nGET /never\n> Origin: https://app.example.com\n< (nothing)\n" in output
    assert "\nlog " not in output


def test_json_output_is_indented(run: Any) -> None:
    for arguments in (["show"], ["explain", APP]):
        assert run(*arguments, "--json")[1].startswith('{\n  "')


def test_paragraph_is_indented_behind_its_label() -> None:
    expected = f"why       {' '.join(['word'] * 18)}\n          word word"
    assert labelled("why", " ".join(["word"] * 20)) == expected


def test_paragraph_keeps_long_words_whole(run: Any) -> None:
    origin = f"https://{'a-' * 25}a.{'b-' * 25}b.{'c-' * 20}c.test"
    _, output, _ = run("explain", origin)
    change = correction(words.not_listed(origin, *LISTED), words.policy(*LISTED), FILE)
    assert f"change {change}" in " ".join(output.split())
    name = f"X-{'Long-' * 12}Name"
    _, output, _ = run("explain", APP, "--header", name)
    assert f"change {words.missing(name, 'allow_headers')}, " in " ".join(output.split())


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("python -m cors_right explain https://b.test | head -1", 0),
        ("python -m cors_right explain https://b.test > /dev/null", 1),
        ("PYTHONIOENCODING=ascii python -m cors_right explain https://b.test > /dev/null", 1),
    ],
)
def test_command_survives_closed_pipes_and_narrow_encodings(
    line: str, status: int, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    (tmp_path / "cors_right").symlink_to(Path(command.__file__).parent)
    for name in ("settings", "application"):
        source = Path(application.__file__).with_name(f"{name}.py").read_text("utf-8")
        (tmp_path / "app" / f"{name}.py").write_text(
            source.replace("tests.support.service", "app"), encoding="utf-8"
        )
    ended = subprocess.run(
        ["bash", "-c", line.replace("python ", f"{sys.executable} -B ")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (status, "")
