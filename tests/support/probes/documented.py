"""The rendered service, except that its /docs page loads Swagger UI from this machine."""

import os
from functools import partial

from fastapi import applications
from fastapi.staticfiles import StaticFiles

applications.get_swagger_ui_html = partial(
    applications.get_swagger_ui_html,
    swagger_js_url="/swagger-ui/swagger-ui-bundle.js",
    swagger_css_url="/swagger-ui/swagger-ui.css",
    swagger_favicon_url="/swagger-ui/favicon-32x32.png",
)

from app.main import app  # noqa: E402

app.mount("/swagger-ui", StaticFiles(directory=os.environ["SWAGGER_UI"]))
