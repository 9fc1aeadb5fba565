"""`python -m app [uvicorn's options]`: check the settings, then serve in this process."""

import os
import sys

import uvicorn
from dotenv import load_dotenv

from app.settings import Settings

# At a handshake with a header of more than 8 KB, uvicorn's own choice never answers.
os.environ.setdefault("UVICORN_WS", "wsproto")
arguments = ["app.main:app", *sys.argv[1:]]
options = uvicorn.main.make_context("python -m app", [*arguments], resilient_parsing=True).params
if options["env_file"]:
    load_dotenv(options["env_file"])  # as uvicorn does later
if not {"--help", "--version"} & {*sys.argv}:
    Settings.load()
uvicorn.main(arguments, prog_name="python -m app")
