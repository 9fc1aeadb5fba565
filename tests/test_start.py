"""Successful and refused starts of a rendered service under each server."""

import re
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support import words
from tests.support.baking import Bakery
from tests.support.servers import FASTAPI, OURS, SERVERS, UVICORN, command
from tests.support.serving import PATIENCE, REQUIRED, clean_environment, free_port, run, send
from tests.support.words import APP, in_force, wrong_frontends

GIVEN = REQUIRED
HANDSHAKE = {
    "Origin": "http://app.example.com",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
# These servers read the settings before they bind the port.
CHECK_FIRST = ("uvicorn", "fastapi run", "python -m app", "python -m app, workers")


@pytest.mark.parametrize(
    ("answers", "environment", "line"),
    [
        ({"credentials": "none"}, {}, in_force(APP)),
        (
            {
                "credentials": "cookies",
                "frontend_origins": "https://a.example,https://b.example,https://*.b.example",
            },
            {},
            in_force(
                "https://a.example",
                "https://b.example",
                "https://*.b.example",
                allow_credentials=True,
            ),
        ),
        ({"credentials": "bearer", "frontend_origins": "*"}, {}, in_force("*")),
        ({"frontend_origins": "none"}, {}, in_force()),
        ({}, {"FASTAPI_ENV": "staging"}, in_force(APP, environment="staging")),
        ({}, {"FASTAPI_ENV": "development"}, in_force("*", environment="development")),
        ({}, {"FRONTEND_ORIGINS": ""}, in_force()),
        (
            {},
            {"FRONTEND_ORIGINS": ",".join(f"https://{n}.example" for n in range(12))},
            in_force(*(f"https://{n}.example" for n in range(12))),
        ),
    ],
)
def test_startup_line_shows_the_policy(
    bakery: Bakery, answers: dict[str, str], environment: dict[str, str], line: str
) -> None:
    variables = clean_environment(**GIVEN | environment)
    with run([*UVICORN, "--port", "0"], bakery.bake(**answers), variables) as server:
        server.expect(r"Uvicorn running on")
        assert f"INFO:     {line}" in server.output.splitlines()


@pytest.mark.parametrize("name", SERVERS)
def test_server_shows_the_lines_and_serves(bakery: Bakery, name: str) -> None:
    port = free_port()
    environment = clean_environment(**GIVEN)
    with run(command(name, port), bakery.bake(), environment) as server:
        server.expect(rf"INFO:? +{re.escape(in_force(APP))}")
        server.port = port
        server.wait_until_it_accepts()
        assert send(port, "GET", "/health", {})[::2] == (200, b'{"status":"ok"}')
        send(port, "GET", "/health", {"Origin": "http://app.example.com"})
        line = words.log_line("http://app.example.com", "/health", APP)
        server.expect(rf"WARNING:? +{re.escape(line)}")
        assert send(port, "GET", "/", HANDSHAKE)[0] == 403


@pytest.mark.parametrize(
    ("command", "environment", "expected"),
    [
        ("dev", {}, in_force("*", environment="development")),
        ("dev", {"FASTAPI_ENV": "staging"}, in_force(APP, environment="staging")),
        ("run", {}, in_force(APP)),
    ],
)
def test_fastapi_command_needs_no_configuration(
    bakery: Bakery, command: str, environment: dict[str, str], expected: str
) -> None:
    variables = clean_environment(**GIVEN | environment)
    with run([*FASTAPI, command, "--port", "0"], bakery.bake(), variables) as server:
        server.expect(re.escape(expected))


def test_log_prints_messages_of_owners_loggers(bakery: Bakery) -> None:
    project = bakery.bake_new()
    health = project / "app" / "routes" / "health.py"
    source = health.read_text("utf-8").replace(
        '    return {"status"',
        '    logging.getLogger(__name__).info("asked")\n    return {"status"',
    )
    health.write_text(f"import logging\n{source}", encoding="utf-8")
    with run([*UVICORN, "--port", "0"], project, clean_environment(**GIVEN)) as server:
        port = int(server.expect(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1])
        send(port, "GET", "/health", {})
        server.expect("INFO:     asked")


def test_application_module_imports_without_settings(bakery: Bakery) -> None:
    environment = clean_environment(FASTAPI_ENV="prod")
    line = [sys.executable, "-c", "import app.application"]
    assert subprocess.run(line, cwd=bakery.bake(), env=environment).returncode == 0


# An answer, wrong settings, and the lines that report them.
WRONG: list[tuple[str, dict[str, str], list[str]]] = [
    (
        "cookies",
        {
            "FRONTEND_ORIGINS": "null,https://app.example.com/x",
            "MAX_BODY_SIZE": "-1",
            "FASTAPI_ENV": "Staging",
            "SESSION_SECRET": "changeme",
        },
        [
            words.wrong_environment("staging"),
            wrong_frontends("null", words.IS_NULL),
            wrong_frontends(f"{APP}/x", words.NO_BARE_ORIGIN, APP),
            "MAX_BODY_SIZE: Input should be greater than 0",
            "SESSION_SECRET: is missing or too weak. Write the output of: openssl rand -hex 32",
        ],
    ),
    (
        "cookies",
        {"FRONTEND_ORIGINS": "*", "SESSION_SECRET": ""},
        [
            "SESSION_SECRET: is missing or too weak. Write the output of: openssl rand -hex 32",
            wrong_frontends("*", words.IS_ANY_WITH_CREDENTIALS),
        ],
    ),
    (
        "bearer",
        {"AUTH_JWKS_URL": "http://id.example.com/keys", "AUTH_ISSUER": "", "AUTH_AUDIENCE": " "},
        [
            "AUTH_JWKS_URL: is not https, so an attacker on the network can replace the keys",
            "AUTH_ISSUER: is not set. Write the value that your token issuer documents",
            "AUTH_AUDIENCE: is blank or contains an unprintable character",
        ],
    ),
    (
        "none",
        {"FRONTEND_ORIGINS": "http://app.example.com,"},
        [f"FRONTEND_ORIGINS: {words.EMPTY_ENTRY}"],
    ),
]


@pytest.mark.parametrize(
    ("name", "answer", "environment", "lines"),
    [*((name, *WRONG[0]) for name in CHECK_FIRST), *(("python -m app", *row) for row in WRONG[1:])],
)
def test_wrong_setting_ends_the_process_before_listening(
    bakery: Bakery, name: str, answer: str, environment: dict[str, str], lines: list[str]
) -> None:
    # The port is taken, so a process that tries to bind it would report that.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            command(name, taken.getsockname()[1]),
            cwd=bakery.bake(credentials=answer),
            env=clean_environment(**GIVEN | environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert (ended.returncode, ended.stderr.splitlines()) == (3, lines)


@pytest.mark.parametrize("name", [name for name in SERVERS if name not in CHECK_FIRST])
def test_server_exits_after_binding_if_settings_are_wrong(bakery: Bakery, name: str) -> None:
    """Check that the server does not restart its workers for ever."""
    variables = clean_environment(**GIVEN | {"FASTAPI_ENV": "prod"})
    with run(command(name, free_port()), bakery.bake(), variables) as server:
        server.expect(re.escape(words.wrong_environment("production")))
        assert server.popen.wait(PATIENCE) in SERVERS[name][2]
        assert "Traceback" not in server.output


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_needs_no_settings(bakery: Bakery, option: str) -> None:
    environment = clean_environment(**GIVEN | {"FASTAPI_ENV": "prod"})
    ended = subprocess.run([*OURS, option], cwd=bakery.bake(), env=environment, capture_output=True)
    assert ended.returncode == 0
    assert b"uvicorn" in ended.stdout.lower()


@pytest.mark.parametrize(
    "command", [[*UVICORN, "--reload"], [*FASTAPI, "dev"]], ids=["uvicorn --reload", "fastapi dev"]
)
def test_dev_server_starts_after_a_corrected_file(
    bakery: Bakery, command: list[str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(bakery.bake(), project)
    settings = project / "app" / "settings.py"
    right = settings.read_text("utf-8")
    settings.write_text(right.replace("https://app", "app"), encoding="utf-8")
    with run([*command, "--port", "0"], project, clean_environment(**GIVEN)) as server:
        server.expect(re.escape(wrong_frontends("app.example.com", words.NO_SCHEME, APP)))
        assert "Traceback" not in server.output
        settings.write_text(right, encoding="utf-8")
        server.expect("Application startup complete")
        in_development = in_force("*", environment="development")
        server.expect(re.escape(in_development if "dev" in command else in_force(APP)))


def test_dev_server_names_the_file_to_save(bakery: Bakery) -> None:
    project = bakery.bake_new()
    file, settings = project / ".env", project / "app" / "settings.py"
    file.write_text("MAX_BODY_SIZE=1\n", encoding="utf-16")
    with run([*FASTAPI, "dev", "--port", "0"], project, clean_environment(**GIVEN)) as server:
        server.expect(re.escape(words.NOT_UTF_8))
        server.expect(re.escape(words.SAVE_CODE.format("app/settings.py")))
        assert "Traceback" not in server.output
        file.write_text("MAX_BODY_SIZE=1\n", encoding="utf-8")
        settings.touch()
        server.expect("Application startup complete")


def test_long_handshake_gets_an_answer_before_shutdown(bakery: Bakery) -> None:
    """Avoid uvicorn's default WebSocket implementation, which fails in both."""
    with run([*OURS, "--port", "0"], bakery.bake(), clean_environment(**GIVEN)) as server:
        port = int(server.expect(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1])
        for length in (10, 9_000, 70_000):
            assert send(port, "GET", "/", HANDSHAKE | {"X-Long": "x" * length})[0] == 403
        server.popen.terminate()
        server.popen.wait(PATIENCE)
        server.expect("Finished server process")
        assert "Traceback" not in server.output


def test_env_file_sets_variables_before_the_check(bakery: Bakery, tmp_path: Path) -> None:
    file = tmp_path / "service.env"
    variables = GIVEN | {"FASTAPI_ENV": "staging", "FRONTEND_ORIGINS": "https://env.example"}
    file.write_text("".join(f"{name}='{variables[name]}'\n" for name in variables))
    command = [*OURS, "--port", "0", "--env-file", str(file)]
    project = bakery.bake(credentials="cookies")
    with run(command, project, clean_environment()) as server:
        line = in_force("https://env.example", environment="staging", allow_credentials=True)
        server.expect(re.escape(line))
        server.expect("Uvicorn running on")


def test_owner_adds_an_environment_in_one_word(bakery: Bakery) -> None:
    project = bakery.bake_new()
    settings = project / "app" / "settings.py"
    text = settings.read_text("utf-8")
    assert text.count('"staging", "production"]') == 1
    text = text.replace('"staging", "production"]', '"staging", "preview", "production"]')
    settings.write_text(text, encoding="utf-8")

    def ran(*arguments: str, environment: str = "preview") -> tuple[int, str, str]:
        ended = subprocess.run(
            [sys.executable, "-B", "-m", *arguments],
            cwd=project,
            env=clean_environment(**GIVEN | {"FASTAPI_ENV": environment}),
            capture_output=True,
            text=True,
        )
        return ended.returncode, ended.stdout, ended.stderr

    variables = clean_environment(**GIVEN | {"FASTAPI_ENV": "preview"})
    with run([*OURS, "--port", "0"], project, variables) as server:
        line = in_force(APP, environment="preview")
        server.expect(re.escape(f"INFO:     {line}"))
        server.expect("Uvicorn running on")
    status, said, _ = ran("cors_right", "show")
    assert (status, "preview *" in said) == (0, True)
    for origin, expected in (("https://app.example.com", 0), ("http://localhost:3000", 1)):
        status, said, _ = ran("cors_right", "explain", origin, "--env", "preview")
        assert (status, said.startswith(f"{line}\n")) == (expected, True)
    status, _, said = ran("app", environment="preveiw")
    assert (status, said.endswith(f"{words.instead('preview')}\n")) == (3, True)
    status, said, _ = ran("pytest", "-q", "-p", "no:cacheprovider", "tests/test_policy.py")
    assert (status, "8 passed" in said) == (0, True), said


def test_service_starts_without_the_metadata_of_packages(bakery: Bakery, tmp_path: Path) -> None:
    """Remove `*.dist-info` like serverless packagers and PyInstaller."""
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.suffix not in (".dist-info", ".pth"):
            (tmp_path / entry.name).symlink_to(entry)
    variables = clean_environment(PYTHONPATH=str(tmp_path), **GIVEN)
    command = [sys.executable, "-S", "-m", "app", "--port", "0"]
    with run(command, bakery.bake(credentials="cookies"), variables) as server:
        server.port = int(server.expect(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1])
        assert send(server.port, "GET", "/health", {})[0] == 200
