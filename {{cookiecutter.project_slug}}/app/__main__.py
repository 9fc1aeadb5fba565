"""`python -m app [uvicorn's options]`: check the settings, then serve in this process."""

import sys

import uvicorn

from app.settings import Settings

if not {"--help", "--version"} & {*sys.argv}:
    Settings.load()
uvicorn.main(["app.main:app", *sys.argv[1:]], prog_name="python -m app")
