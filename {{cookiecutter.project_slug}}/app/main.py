"""The process: `fastapi dev`, `fastapi run` and `uvicorn app.main:app` serve `app`."""

import logging

from app.application import create_app
from app.settings import Settings

logging.basicConfig(level=logging.INFO, format="%(levelname)s:     %(message)s")

app = create_app(Settings.load())
logging.getLogger(__name__).info(app.cors_policy)
