"""The image without a container engine.

A user without rights runs the Dockerfile's own instructions in a folder.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest
from cors_right.diagnostics.report import labelled

from tests.support import words
from tests.support.baking import SERVICE, Bakery
from tests.support.serving import PATIENCE, REQUIRED, Server, clean_environment, free_port, run
from tests.support.uv import UV

# A user without rights can read Debian's own Python, and perhaps not the one that runs the tests.
IS_ROOT = os.geteuid() == 0
BASE_PYTHON = "/usr/bin/python3" if IS_ROOT else sys.executable
BODY = b'{"text": "late"}'


@dataclass
class Image:
    """What the instructions so far have made; `root` stands for `/`."""

    root: Path
    environment: dict[str, str]
    folder: Path = Path()
    user: int | None = None
    command: list[str] = field(default_factory=list)
    health_check: list[str] = field(default_factory=list)

    def path(self, text: str) -> Path:
        """Return where a path of the image is on this machine."""
        return self.root / text.lstrip("/") if text.startswith("/") else self.folder / text


def context(project: Path) -> set[str]:
    """Return the files that .dockerignore lets into the build; its last matching line decides."""
    lines = (project / ".dockerignore").read_text("utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]

    def is_ignored(name: str) -> bool:
        parts = name.split("/")
        ignored = False
        for pattern in patterns:
            anywhere = pattern.removeprefix("!").startswith("**/")
            names = parts if anywhere else parts[:1]
            if any(fnmatch(part, pattern.removeprefix("!").removeprefix("**/")) for part in names):
                ignored = not pattern.startswith("!")
        return ignored

    names = [path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()]
    return {name for name in names if not is_ignored(name)}


def build(project: Path, folder: Path) -> Image:
    """Follow the Dockerfile; every stage has the same root, as it has in a container."""
    dockerfile = re.sub(r"\\\n\s*", " ", (project / "Dockerfile").read_text("utf-8"))
    python = folder / "python"
    subprocess.run(
        [UV, "venv", "--quiet", "--seed", "--python", BASE_PYTHON, str(python)], check=True
    )
    root = folder / "root"
    image, stage = Image(root, {}), ""
    for line in dockerfile.splitlines():
        instruction, _, rest = line.partition(" ")
        match instruction:
            case "" | "#" | "EXPOSE":
                pass
            case "FROM":
                if stage:
                    root.rename(folder / stage)
                root.mkdir(parents=True)
                stage = rest.partition(" AS ")[2]
                path = os.pathsep.join([str(python / "bin"), "/usr/bin", "/bin"])
                image = Image(root, {"PATH": path})
            case "WORKDIR":
                image.folder = image.path(rest)
                image.folder.mkdir(parents=True)
            case "ENV":
                for name, value in (pair.split("=", 1) for pair in shlex.split(rest)):
                    value = re.sub(r"^/srv", str(root / "srv"), value)
                    image.environment[name] = value.replace("$PATH", image.environment["PATH"])
            case "COPY":
                *sources, target = rest.split()
                origin, allowed = project, context(project)
                if sources[0].startswith("--from="):
                    origin = folder / sources.pop(0).removeprefix("--from=")
                    allowed = {
                        path.relative_to(origin).as_posix()
                        for path in origin.rglob("*")
                        if not path.is_dir()
                    }
                for source in sources:
                    copy(origin, source.strip("/"), allowed, image.path(target))
            case "RUN":
                # What a registry needs to be reached is the build machine's, as in a container.
                environment = clean_environment(**image.environment, PYTHONPYCACHEPREFIX="")
                subprocess.run(
                    ["bash", "-c", rest],
                    cwd=image.folder,
                    env=environment,
                    capture_output=True,
                    check=True,
                )
            case "USER":
                image.user = int(rest.split(":")[0])
                assert rest == f"{image.user}:{image.user}"
            case "HEALTHCHECK":
                image.health_check = json.loads(rest.partition("CMD ")[2])
            case "CMD":
                image.command = json.loads(rest)
            case _:
                raise ValueError(line)
    return image


def copy(origin: Path, source: str, allowed: set[str], target: Path) -> None:
    """Copy a file, or what is in a folder, as COPY does."""
    if (origin / source).is_file():
        target = target if target.name == source else target / source
    names = [name for name in allowed if name == source or name.startswith(f"{source}/")]
    if not names:
        raise FileNotFoundError(f"COPY {source}: not in the build context")
    for name in names:
        to = target if name == source else target / name.removeprefix(f"{source}/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(origin / name, to, follow_symlinks=False)


@pytest.fixture(scope="module")
def project(bakery: Bakery) -> Path:
    """A project as a careful owner has it.

    It has a lock file, files that only the owner reads, and some that no image should get.
    """
    project = bakery.bake_new(credentials="cookies")
    subprocess.run(
        [UV, "lock", "--quiet", "--python", BASE_PYTHON],
        cwd=project,
        env=clean_environment(),
        check=True,
    )
    (project / ".env").write_text("SESSION_SECRET=of-the-developer\n", encoding="utf-8")
    (project / "app" / "__pycache__").mkdir()
    (project / "app" / "__pycache__" / "stale.pyc").touch()
    for path in (project / "app").glob("*.py"):
        path.chmod(0o600)
    return project


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that other users may enter, and the umask of a container's builds."""
    before = os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
    os.umask(before)


@pytest.fixture(scope="module")
def image(project: Path, folder: Path) -> Image:
    return build(project, folder)


@contextmanager
def started(image: Image, **variables: str) -> Iterator[Server]:
    """Start the image's command on loopback, as its user.

    It gets the image's environment and the secrets that it requires.
    """
    port = free_port()
    ours = {"UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": str(port)}
    environment = image.environment | REQUIRED | ours | variables
    command = [shutil.which(image.command[0], path=environment["PATH"]) or "", *image.command[1:]]
    with run(command, image.folder, environment, user=image.user if IS_ROOT else None) as server:
        server.port = port
        server.expect("Uvicorn running on")
        yield server


def is_healthy(image: Image, port: int) -> bool:
    environment = image.environment | {"UVICORN_PORT": str(port)}
    return subprocess.run(image.health_check, env=environment, capture_output=True).returncode == 0


def begin_request(port: int) -> socket.socket:
    """Send all of a request but its body, and wait until the service asks for that.

    RFC 9110, section 10.1.1, describes it.
    """
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    head = (
        "POST /notes HTTP/1.1\r\nHost: api\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n"
    )
    connection.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
    return connection


def test_it_runs_as_it_says(image: Image) -> None:
    assert image.user
    assert (image.environment["UVICORN_HOST"], image.environment["UVICORN_PORT"]) == (
        "0.0.0.0",
        "8000",
    )
    with started(image) as server:
        assert words.in_force("https://app.example.com", allow_credentials=True) in server.output
        assert is_healthy(image, server.port)
        if IS_ROOT:
            (status,) = re.findall(
                r"^Uid:\s+(.*)$", Path(f"/proc/{server.popen.pid}/status").read_text(), re.M
            )
            assert set(status.split()) == {str(image.user)}
    assert not is_healthy(image, server.port)


WHY = labelled("why", words.not_listed("http://app.example.com", "https://app.example.com").why)


def test_the_commands_work_in_it(image: Image) -> None:
    """As `docker exec` runs them, with the image's environment and what the process was given."""
    with started(image) as server:
        for arguments, status, said in (
            (["show"], 0, "production *"),
            (["explain", "http://app.example.com"], 1, WHY),
            (["explain", "https://app.example.com"], 0, words.READABLE),
            (["check", f"http://localhost:{server.port}/health"], 0, "allowed   https://app"),
        ):
            ended = subprocess.run(
                ["python", "-m", "cors_right", *arguments],
                cwd=image.folder,
                env=image.environment | REQUIRED,
                capture_output=True,
                text=True,
            )
            assert (ended.returncode, ended.stderr) == (status, "")
            assert said in ended.stdout


def test_requests_in_flight_are_answered_before_it_ends(image: Image) -> None:
    with started(image) as server, ExitStack() as stack:
        connections = [stack.enter_context(begin_request(server.port)) for _ in range(50)]
        server.popen.terminate()
        server.expect("Waiting for connections to close")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        for connection in connections:
            connection.sendall(BODY)
        answers = [connection.makefile("rb").read() for connection in connections]
        assert [answer[:12] for answer in answers] == [b"HTTP/1.1 201"] * len(connections)
        assert server.popen.wait(PATIENCE) == -signal.SIGTERM


def test_a_request_that_never_ends_does_not_keep_it(image: Image) -> None:
    assert int(image.environment["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]) < 10
    with (
        started(image, UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN="1") as server,
        begin_request(server.port),
    ):
        server.popen.terminate()
        server.expect("timeout graceful shutdown exceeded")
        assert server.popen.wait(PATIENCE) == -signal.SIGTERM


def test_the_image_holds_the_service_and_nothing_else(image: Image) -> None:
    assert sorted(path.name for path in image.folder.iterdir()) == [
        ".venv",
        "app",
        "cors_right",
        "pyproject.toml",
        "uv.lock",
    ]
    assert not list(image.folder.rglob("stale.pyc"))
    assert list((image.folder / "app" / "__pycache__").glob("main.*.pyc"))
    (packages,) = (image.folder / ".venv" / "lib").glob("python*/site-packages")
    assert list((packages / "fastapi" / "__pycache__").glob("*.pyc"))
    assert not {"pytest", "mypy", "fastapi_cli"} & {path.name for path in packages.iterdir()}


def test_without_a_fresh_lock_file_nothing_is_built(project: Path, tmp_path: Path) -> None:
    stale = tmp_path / "project"
    shutil.copytree(project, stale)
    text = (stale / "pyproject.toml").read_text("utf-8")
    (stale / "pyproject.toml").write_text(
        text.replace("dependencies = [", 'dependencies = ["anyio>=4",', 1)
    )
    with pytest.raises(subprocess.CalledProcessError) as caught:
        build(stale, tmp_path / "stale")
    assert b"The lockfile at `uv.lock` needs to be updated" in caught.value.stderr
    (stale / "uv.lock").unlink()
    with pytest.raises(FileNotFoundError, match=r"uv\.lock"):
        build(stale, tmp_path / "missing")


def test_hadolint_finds_nothing() -> None:
    hadolint = [str(Path(sys.executable).with_name("hadolint")), str(SERVICE / "Dockerfile")]
    ended = subprocess.run(hadolint, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
