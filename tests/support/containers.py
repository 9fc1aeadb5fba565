"""Images that buildah, podman and runc build and run as root, without a daemon."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.base_image import write_base
from tests.support.serving import REQUIRED, Server, clean_environment, free_port, run

IMAGE = CONTAINER = "service"
# podman requests more than many machines allow, and runc fails.
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


@dataclass(frozen=True)
class Image:
    """The image of a project, in a separate store."""

    project: Path
    store: Path

    @property
    def base(self) -> str:
        """Return the image that both stages of the Dockerfile start from."""
        dockerfile = (self.project / "Dockerfile").read_text("utf-8")
        (name,) = set(re.findall(r"^FROM (\S+)", dockerfile, re.M))
        return f"docker.io/library/{name}"

    @property
    def stored(self) -> list[str]:
        # No other driver works everywhere: overlay refuses a folder inside a container.
        folders = ["--root", str(self.store / "images"), "--runroot", str(self.store / "run")]
        return [*folders, "--storage-driver=vfs"]

    def podman(self, *arguments: str) -> list[str]:
        """Return a podman command with runc, because the default, crun, fails on Debian 12."""
        return ["podman", *self.stored, "--runtime=runc", "--cgroup-manager=cgroupfs", *arguments]

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.podman(*arguments), capture_output=True, text=True)

    def build(self) -> str:
        """Build the unchanged Dockerfile, and return the output.

        Without Docker's format, the image would lose its health check.
        """
        archive = self.store / "base.tar"
        variables = write_base(archive, self.store / "packages")
        changes = [f"--change=ENV {name}={value}" for name, value in variables.items()]
        output(self.podman("import", "--quiet", *changes, str(archive), self.base))
        options = ["--isolation=chroot", "--pull-never", "--format=docker", f"--tag={IMAGE}"]
        return output(["buildah", *self.stored, "build", *options, str(self.project)])

    @property
    def environment(self) -> dict[str, str]:
        variables = self.ask("image", "inspect", IMAGE, "--format={{json .Config.Env}}").stdout
        return dict(variable.split("=", 1) for variable in json.loads(variables))

    @property
    def added(self) -> float:
        """Return the megabytes that the service adds to the base image."""
        sizes = self.ask("image", "inspect", IMAGE, self.base, "--format={{.Size}}").stdout
        whole, base = map(int, sizes.split())
        return (whole - base) / 1e6

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount the files of the image in a folder."""
        try:
            yield Path(output(self.podman("image", "mount", IMAGE)).strip())
        finally:
            self.ask("image", "unmount", IMAGE)

    @contextmanager
    def started(self, **variables: str) -> Iterator[Server]:
        """Run the unchanged image on loopback, with the required secrets.

        Nothing runs the health check periodically, because podman leaves that to systemd.
        """
        port = free_port()
        ours = {"UVICORN_HOST": "127.0.0.1", "UVICORN_PORT": str(port)}
        given = [f"--env={name}={value}" for name, value in (REQUIRED | ours | variables).items()]
        options = ["--rm", f"--name={CONTAINER}", "--network=host", "--health-interval=disable"]
        command = self.podman("run", *options, *LIMITS, *given, IMAGE)
        try:
            with run(command, self.store, clean_environment()) as server:
                server.port = port
                server.expect("Uvicorn running on")
                yield server
        finally:
            self.ask("rm", "--force", "--ignore", "--time=0", CONTAINER)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as `docker exec` does."""
        return self.ask("exec", CONTAINER, *command)

    @property
    def is_healthy(self) -> bool:
        """Return whether the image's own health check succeeds in the container."""
        return self.ask("healthcheck", "run", CONTAINER).returncode == 0

    @property
    def users(self) -> set[int]:
        """Return the users of the container's process, as the machine sees them."""
        pid = self.ask("inspect", CONTAINER, "--format={{.State.Pid}}").stdout.strip()
        (line,) = re.findall(r"^Uid:\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M)
        return set(map(int, line.split()))

    def stop(self) -> None:
        """Send SIGTERM, and SIGKILL 10 seconds later, as `docker stop` does."""
        output(self.podman("stop", CONTAINER))

    def signal(self, name: str) -> None:
        """Send a signal to the process in the container without waiting."""
        output(self.podman("kill", f"--signal={name}", CONTAINER))


@contextmanager
def image_of(project: Path) -> Iterator[Image]:
    """Yield the unbuilt image of a project, and remove the image with its store afterwards."""
    before = os.umask(0o022)  # lets users of the image enter the folders that a build makes
    image = Image(project, Path(tempfile.mkdtemp(prefix="image-")))
    try:
        yield image
    finally:
        os.umask(before)
        image.ask("rm", "--all", "--force", "--time=0")
        subprocess.run(["buildah", *image.stored, "rm", "--all"], capture_output=True)
        image.ask("rmi", "--all", "--force")
        shutil.rmtree(image.store)


def output(command: Sequence[str]) -> str:
    """Run a command and return its output and errors, or fail with both."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
