"""Programs and ports that tests need: without one, a test is skipped or fails."""

import os
import socket
from typing import NoReturn

import pytest

REQUIRED_ENGINES = os.environ.get("REQUIRE_BROWSERS", "").split(",")


def not_installed(name: str, remedy: str, *, is_required: bool = any(REQUIRED_ENGINES)) -> NoReturn:
    """Skip a test that lacks a program; fail it where browsers, and so all, are required."""
    message = f"{name} is not installed: {remedy}"
    if is_required:
        pytest.fail(message)
    pytest.skip(message)


def free(port: int, *, is_required: bool = any(REQUIRED_ENGINES)) -> str:
    """Return a port as an argument. If it is taken, skip the test, or fail it as above."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            message = f"port {port} is taken; the scenario needs it, so end what listens there"
            if is_required:
                pytest.fail(message)
            pytest.skip(message)
    return str(port)
