"""The command of uv."""

import os

UV = os.environ.get("UV", "uv")  # `uv run` sets it, wherever uv is installed
