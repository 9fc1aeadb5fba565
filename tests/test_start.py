"""How a rendered service starts, and how it refuses to."""

import socket
import subprocess
import sys

import pytest

from tests.baking import Bakery
from tests.judge import send
from tests.serving import PATIENCE, REQUIRED, clean_environment, run

FASTAPI = [sys.executable, "-m", "fastapi"]
UVICORN = [sys.executable, "-m", "uvicorn", "app.main:app"]
GIVEN = {"PYTHONDONTWRITEBYTECODE": "1", **REQUIRED}


@pytest.mark.parametrize(
    ("answers", "environment", "line"),
    [
        ({"credentials": "none"}, {}, "CORS production: 1 origin, credentials off"),
        (
            {
                "credentials": "cookies",
                "frontend_origins": "https://a.example,https://b.example,https://*.b.example",
            },
            {},
            "CORS production: 2 origins, 1 pattern, credentials on",
        ),
        (
            {"credentials": "bearer", "frontend_origins": "*"},
            {},
            "CORS production: any origin, credentials off",
        ),
        ({"frontend_origins": "none"}, {}, "CORS production: no origins, credentials off"),
        ({}, {"FASTAPI_ENV": "staging"}, "CORS staging: 1 origin, credentials off"),
        ({}, {"FASTAPI_ENV": "development"}, "CORS development: any origin, credentials off"),
        # Only the documented spelling counts.
        ({}, {"fastapi_env": "development"}, "CORS production: 1 origin, credentials off"),
        (
            {},
            {"FASTAPI_ENV": "production", "fastapi_env": "development"},
            "CORS production: 1 origin, credentials off",
        ),
        ({}, {"FRONTEND_ORIGINS": ""}, "CORS production: no origins, credentials off"),
        (
            {},
            {"FRONTEND_ORIGINS": "http://localhost:*"},
            "CORS production: 1 pattern, credentials off",
        ),
    ],
)
def test_a_line_says_what_is_in_force(
    bakery: Bakery, answers: dict[str, str], environment: dict[str, str], line: str
) -> None:
    variables = clean_environment(**GIVEN | environment)
    with run([*UVICORN, "--port", "0"], bakery.bake(**answers), variables) as server:
        server.expect(r"Uvicorn running on")
        assert f"INFO:     {line}" in server.output.splitlines()


@pytest.mark.parametrize(
    ("command", "environment", "expected"),
    [
        ("dev", {}, "development: any origin"),
        ("dev", {"FASTAPI_ENV": "staging"}, "staging: 1 origin"),
        ("run", {}, "production: 1 origin"),
    ],
)
def test_the_fastapi_command_needs_no_configuration(
    bakery: Bakery, command: str, environment: dict[str, str], expected: str
) -> None:
    variables = clean_environment(**GIVEN | environment)
    with run([*FASTAPI, command, "--port", "0"], bakery.bake(), variables) as server:
        server.expect(f"CORS {expected}, credentials off")


# For an answer, wrong settings and the lines that say so.
WRONG: list[tuple[str, dict[str, str], list[str]]] = [
    (
        "cookies",
        {"FASTAPI_ENV": "prod"},
        ["FASTAPI_ENV: 'prod' is none of development, staging, production; write production"],
    ),
    (
        "cookies",
        {"FRONTEND_ORIGINS": "*"},
        ["FRONTEND_ORIGINS: '*' would let every website use the visitor's credentials"],
    ),
    (
        "cookies",
        {"FRONTEND_ORIGINS": "app.example.com"},
        ["FRONTEND_ORIGINS: 'app.example.com' has no scheme; write https://"],
    ),
    (
        "cookies",
        {
            "FRONTEND_ORIGINS": "null,https://app.example.com/x",
            "MAX_BODY_SIZE": "-1",
            "FASTAPI_ENV": "Staging",
        },
        [
            "FASTAPI_ENV: 'Staging' is none of development, staging, production; write staging",
            "FRONTEND_ORIGINS: 'null' is what sandboxed frames and redirects of any site send",
            "FRONTEND_ORIGINS: 'https://app.example.com/x' has more than scheme, host and port; "
            "write https://app",
            "MAX_BODY_SIZE: '-1' is refused: Input should be greater than 0",
        ],
    ),
    (
        "cookies",
        {"SESSION_SECRET": ""},
        ["SESSION_SECRET: it is not set; write 32 random bytes or more"],
    ),
    (
        "cookies",
        {"SESSION_SECRET": "changeme"},
        ["SESSION_SECRET: it has 8 bytes; write 32 random bytes or more"],
    ),
    (
        "bearer",
        {"AUTH_JWKS_URL": "http://id.example.com/keys", "AUTH_ISSUER": "", "AUTH_AUDIENCE": ""},
        [
            "AUTH_JWKS_URL: 'http://id.example.com/keys' is not https, ",
            "AUTH_ISSUER: it is not set; ",
            "AUTH_AUDIENCE: it is not set; ",
        ],
    ),
    (
        "none",
        {"FRONTEND_ORIGINS": "https://app.example.com,*"},
        [
            "FRONTEND_ORIGINS: '*' allows any origin, so it must be the only entry",
        ],
    ),
    (
        "none",
        {"FRONTEND_ORIGINS": "none"},
        ["FRONTEND_ORIGINS: 'none' is no origin; to allow none, "],
    ),
    ("none", {"FRONTEND_ORIGINS": "['https://app.example.com']"}, ["FRONTEND_ORIGINS: "]),
]


@pytest.mark.parametrize("command", [UVICORN, [*FASTAPI, "run"]], ids=["uvicorn", "fastapi run"])
@pytest.mark.parametrize(("answer", "environment", "lines"), WRONG)
def test_a_wrong_setting_ends_the_process_before_it_listens(
    bakery: Bakery, command: list[str], answer: str, environment: dict[str, str], lines: list[str]
) -> None:
    variables = clean_environment(**GIVEN | environment)
    # The port is taken: a process that gets as far as binding it would say so.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [*command, "--host", "127.0.0.1", "--port", str(taken.getsockname()[1])],
            cwd=bakery.bake(credentials=answer),
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert ended.returncode not in (0, None)
    said = ended.stderr.splitlines()
    assert len(said) == len(lines), ended.stderr
    assert all(line.startswith(expected) for line, expected in zip(said, lines, strict=True)), (
        ended.stderr
    )


@pytest.mark.parametrize("options", [["--reload"], ["--workers", "2"]], ids=["reloader", "workers"])
def test_where_uvicorn_owns_the_socket_nothing_is_answered(
    bakery: Bakery, options: list[str]
) -> None:
    variables = clean_environment(**GIVEN, FASTAPI_ENV="prod")
    with run([*UVICORN, "--port", "0", *options], bakery.bake(), variables) as server:
        port = int(server.expect(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1])
        server.expect(
            "FASTAPI_ENV: 'prod' is none of development, staging, production; write production"
        )
        with pytest.raises(OSError):
            send(port, "GET", "/health", {})
        assert "Traceback" not in server.output
