"""A PostgreSQL server for the tests, on loopback."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from tests.support.requirements import POSTGRES, need
from tests.support.serving import free_port, run

FIRST_PASSWORD = "at first"


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL, and the folder of its programs."""

    port: int
    programs: Path

    @property
    def address(self) -> str:
        """Return the address of docs/database.md with this port."""
        return f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres"


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a new PostgreSQL, as the user `postgres` if this is root, because it refuses root."""
    need("PostgreSQL")
    programs = Path(sorted(glob(POSTGRES))[-1])
    user = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # below folders that the user can enter
    port = free_port()
    try:
        (folder / "password").write_text(FIRST_PASSWORD, encoding="utf-8")
        if user is not None:
            os.chown(folder, user, -1)
        init = [f"{programs}/initdb", "-D", "data", "-U", "postgres", "--no-sync"]
        subprocess.run(
            [*init, "--auth=scram-sha-256", "--pwfile=password"],
            user=user,
            extra_groups=None if user is None else [],
            cwd=folder,
            capture_output=True,
            check=True,
        )
        server = [f"{programs}/postgres", "-D", "data", "-p", str(port), "-k", str(folder)]
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with run([*server, *settings], folder, {"LC_ALL": "C"}, user) as process:
            process.expect("database system is ready to accept connections")
            yield Cluster(port, programs)
    finally:
        shutil.rmtree(folder)
