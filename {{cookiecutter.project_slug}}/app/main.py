"""The process: `fastapi dev`, `fastapi run` and `python -m app` serve `app`."""

import logging

from app.application import create_app
from app.settings import Settings

logging.basicConfig(level=logging.INFO, format="%(levelname)s:     %(message)s")

settings = Settings.load()
app = create_app(settings)
logging.getLogger(__name__).info("%s: %s", settings.fastapi_env, app.cors_policy)
