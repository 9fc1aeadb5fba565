"""The command that builds and runs the image of every answer: `uv run python -m scripts.images`."""

import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.baking import CREDENTIALS
from tests.support.containers import image_of
from tests.support.repositories import COOKIECUTTER, copy_template
from tests.support.serving import PATIENCE, clean_environment, send
from tests.support.uv import lock


def report(project: Path) -> str:
    """Return a report on a project's image, from the build to SIGTERM."""
    began = time.monotonic()
    with image_of(project) as image:
        image.build()
        built = time.monotonic() - began
        with image.started() as server:
            status, _, body = send(server.port, "GET", "/health", {})
            healthy, users = image.is_healthy, image.users
            image.stop()
            ended = server.popen.wait(PATIENCE)
        return (
            f"built in {built:.0f} s, adds {image.added:.0f} MB; user {users}, "
            f"/health {status} {body.decode()}, healthy {healthy}, SIGTERM ends it with {ended}"
        )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="images-") as name:
        folder = Path(name)
        copy_template(folder / "template")
        for answer in CREDENTIALS:
            given = [f"credentials={answer}", f"project_slug={answer}-api"]
            subprocess.run(
                [*COOKIECUTTER, "--output-dir", name, str(folder / "template"), *given],
                env=clean_environment(HOME=name),
                capture_output=True,
                check=True,
            )
            lock(folder / f"{answer}-api")
            print(f"{answer}: {report(folder / f'{answer}-api')}", flush=True)


if __name__ == "__main__":
    main()
