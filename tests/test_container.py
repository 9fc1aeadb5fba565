"""The image that the Dockerfile builds, and its container."""

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cors_right.diagnostics.report import labelled

from tests.support import words
from tests.support.baking import SERVICE, Bakery
from tests.support.containers import Image, image_of
from tests.support.requirements import need, need_root
from tests.support.serving import PATIENCE, clean_environment, send
from tests.support.uv import UV, lock

BODY = b'{"text": "late"}'


@pytest.fixture(scope="module")
def project(bakery: Bakery) -> Path:
    """Return a careful owner's project.

    It has a lock file, files that only the owner can read, and files that must not reach the image.
    """
    project = bakery.bake_new(credentials="cookies")
    lock(project)
    (project / ".env").write_text("SESSION_SECRET=of-the-developer\n", encoding="utf-8")
    (project / "app" / "__pycache__").mkdir()
    (project / "app" / "__pycache__" / "stale.pyc").touch()
    for path in (project / "app").glob("*.py"):
        path.chmod(0o600)
    return project


@pytest.fixture(scope="module")
def image(project: Path) -> Iterator[Image]:
    need("podman")
    need_root()
    with image_of(project) as image:
        image.build()
        yield image


def begin_request(port: int) -> socket.socket:
    """Send a request without its body, and wait until the service requests the body.

    RFC 9110, section 10.1.1, describes this exchange.
    """
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    head = (
        "POST /notes HTTP/1.1\r\nHost: api\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n"
    )
    connection.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    return connection


WHY = labelled("why", words.not_listed("http://app.example.com", "https://app.example.com").why)


def test_image_serves_as_user_10001_until_sigterm(image: Image) -> None:
    """Run the image's health check and commands in it, with the variables of the process."""
    with image.started() as server:
        assert words.in_force("https://app.example.com", allow_credentials=True) in server.output
        assert send(server.port, "GET", "/health", {})[::2] == (200, b'{"status":"ok"}')
        assert image.is_healthy
        assert image.users == {10001}
        for arguments, status, said in (
            (["show"], 0, "production *"),
            (["explain", "http://app.example.com"], 1, WHY),
            (["check", f"http://localhost:{server.port}/health"], 0, "allowed   https://app"),
        ):
            ended = image.execute("python", "-m", "cors_right", *arguments)
            assert ended.returncode == status, ended.stderr
            assert said in ended.stdout
        image.signal("STOP")
        assert not image.is_healthy
        image.signal("CONT")
        image.stop()
        assert server.popen.wait(PATIENCE) == 0
        assert "Finished server process [1]" in server.output


def test_container_answers_open_requests_before_it_ends(image: Image) -> None:
    with image.started() as server, ExitStack() as stack:
        connections = [stack.enter_context(begin_request(server.port)) for _ in range(50)]
        image.signal("TERM")
        server.expect("Waiting for connections to close")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        for connection in connections:
            connection.sendall(BODY)
        answers = [connection.makefile("rb").read() for connection in connections]
        assert [answer[:12] for answer in answers] == [b"HTTP/1.1 201"] * len(connections)
        assert server.popen.wait(PATIENCE) == 0


def test_container_ends_if_a_request_never_does(image: Image) -> None:
    assert int(image.environment["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]) < 10
    with (
        image.started(UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN="1") as server,
        begin_request(server.port),
    ):
        image.signal("TERM")
        server.expect("timeout graceful shutdown exceeded")
        assert server.popen.wait(PATIENCE) == 0


def test_image_listens_on_port_8000_of_every_address(image: Image) -> None:
    listening = image.environment["UVICORN_HOST"], image.environment["UVICORN_PORT"]
    assert listening == ("0.0.0.0", "8000")


def test_image_contains_only_the_service(image: Image) -> None:
    with image.mounted() as root:
        folder = root / "srv"
        assert sorted(path.name for path in folder.iterdir()) == [
            ".venv",
            "app",
            "cors_right",
            "pyproject.toml",
            "uv.lock",
        ]
        assert not list(folder.rglob("stale.pyc"))
        assert list((folder / "app" / "__pycache__").glob("main.*.pyc"))
        (packages,) = (folder / ".venv" / "lib").glob("python*/site-packages")
        assert list((packages / "fastapi" / "__pycache__").glob("*.pyc"))
        names = {path.name for path in packages.iterdir()}
        assert not {"pytest", "mypy", "fastapi_cli"} & names


def test_build_refuses_a_stale_lock_file(project: Path, tmp_path: Path) -> None:
    """Run the Dockerfile's own line here, without an image."""
    (install,) = re.findall(r"^RUN (uv sync .*)$", (project / "Dockerfile").read_text(), re.M)
    text = (project / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(
        text.replace("dependencies = [", 'dependencies = ["anyio>=4",', 1), encoding="utf-8"
    )
    shutil.copy(project / "uv.lock", tmp_path)
    line = install.replace("uv ", f"{UV} ", 1)
    ended = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode
    assert "The lockfile at `uv.lock` needs to be updated" in ended.stderr


def test_hadolint_finds_nothing() -> None:
    hadolint = [str(Path(sys.executable).with_name("hadolint")), str(SERVICE / "Dockerfile")]
    ended = subprocess.run(hadolint, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
