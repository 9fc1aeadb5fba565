"""A stand-in for Python's base image, made of this machine's files instead of a registry's.

It has the tests' own version of Python, pip, a shell, and the libraries that these load.
"""

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.serving import clean_environment
from tests.support.uv import UV

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# The build machine's configuration for a registry of packages.
REGISTRY = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
# Parts of Python that no build needs, and the mark that makes Debian's Python refuse pip.
OMITTED = re.compile(
    r"test|idlelib|tkinter|_tkinter\..*|turtledemo|lib2to3|ensurepip|(site|dist)-packages|config-.*"
    r"|.*\.a|.*\.opt-[12]\.pyc|EXTERNALLY-MANAGED"
)
# Libraries that compiled packages load in addition to Python's own.
LOADED = ("libgcc_s.so.1", "libstdc++.so.6", "librt.so.1", "libpthread.so.0", "libdl.so.2")
LINKS = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
PIP = b'#!/bin/sh\nexec python -m pip "$@"\n'


def write_base(archive: Path, packages: Path) -> dict[str, str]:
    """Write the files of the image and return its variables; `packages` is a folder for pip."""
    python = Path(os.path.realpath(sys._base_executable))  # type: ignore[attr-defined]
    asked = "import sysconfig as s; print(*map(s.get_path, ('stdlib', 'purelib', 'scripts')))"
    answer = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
    standard, site, scripts = answer.stdout.split()
    command = [UV, "pip", "install", "--quiet", "--python", str(python)]
    command += ["--target", str(packages), "pip"]
    subprocess.run(command, env=clean_environment(), check=True)
    with tarfile.open(archive, "w", dereference=True) as tar:
        for name, target in LINKS.items():
            add(tar, name, tarfile.SYMTYPE, linkname=target)
        for name in ("tmp", "var/tmp"):
            add(tar, name, tarfile.DIRTYPE, mode=0o1777)
        for name in ("python", "python3"):
            add(tar, f"usr/local/bin/{name}", tarfile.SYMTYPE, linkname=str(python))
        add(tar, "usr/local/bin/pip", tarfile.REGTYPE, PIP, mode=0o755)
        for path, name in libraries(python, Path(standard)):
            tar.add(path, name)
        for name in ("sh", "chmod"):
            tar.add(f"/bin/{name}", f"usr/bin/{name}")
        tar.add(python)
        tar.add(standard, filter=kept)
        tar.add(packages, site)
        if os.path.exists(CERTIFICATES):
            tar.add(CERTIFICATES)
    certificates = {"PIP_CERT": CERTIFICATES, "SSL_CERT_FILE": CERTIFICATES}
    return {
        "PATH": f"{scripts}:/usr/local/bin:/usr/bin:/bin",
        **(certificates if os.path.exists(CERTIFICATES) else {}),
        **{name: os.environ[name] for name in REGISTRY if name in os.environ},
    }


def add(
    tar: tarfile.TarFile,
    name: str,
    kind: bytes,
    content: bytes = b"",
    *,
    mode: int = 0o755,
    linkname: str = "",
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname, member.size = kind, mode, linkname, len(content)
    tar.addfile(member, io.BytesIO(content))


def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if is_omitted(member.name) else member


def is_omitted(path: str) -> bool:
    return bool(OMITTED.fullmatch(path.rpartition("/")[2]))


def libraries(python: Path, standard: Path) -> list[tuple[Path, str]]:
    """Return the shared libraries and the loader, with the place of each in the image.

    All libraries go into libc's folder, where the loader of every Python looks.
    """
    modules = [path for path in standard.glob("lib-dynload/*.so") if not is_omitted(path.name)]
    loading = map(str, [python, "/bin/sh", "/bin/chmod", *modules])
    listed = subprocess.run(["ldd", *loading], capture_output=True, text=True).stdout
    named = map(Path, re.findall(r"=> (/\S+)", listed))
    found = {path.parent.resolve() / path.name for path in named}
    (loader,) = {Path(path) for path in re.findall(r"^\s+(/\S+) \(", listed, re.M)}
    (libc,) = {path.parent for path in found if path.name == "libc.so.6"}
    found |= {libc / name for name in LOADED if (libc / name).exists()}
    places = [(path, str(libc / path.name)) for path in sorted(found)]
    return [*places, (loader, str(loader.parent.resolve() / loader.name))]
