"""Check the settings, then serve in this process: `python -m app [uvicorn's options]`."""

import os
import sys

import uvicorn
from dotenv import load_dotenv

from app.settings import Settings

# uvicorn's default never answers a WebSocket handshake with a header of more than 8 KB.
os.environ.setdefault("UVICORN_WS", "wsproto")
arguments = ["app.main:app", *sys.argv[1:]]
options = uvicorn.main.make_context("python -m app", [*arguments], resilient_parsing=True).params
if options["env_file"]:
    load_dotenv(options["env_file"])  # as uvicorn does later
if not {"--help", "--version"} & {*sys.argv}:
    Settings.load()
uvicorn.main(arguments, prog_name="python -m app")
