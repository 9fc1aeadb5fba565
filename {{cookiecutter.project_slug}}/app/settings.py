"""Settings: each field is read from the environment variable of its name, in upper case."""

from typing import Annotated

from cors_right import CORSPolicy, CORSSettings, Hosts, Origins
from fastapi import Depends
from fastapi.requests import HTTPConnection
from pydantic import PositiveInt  # {%- if cookiecutter.__bearer +%}

from app.bearer import KeySetURL, TokenName  # {%- elif cookiecutter.__credentialed +%}

from app.session import DEVELOPMENT_SECRET, SessionSecret  # {%- endif +%}


class Settings(CORSSettings):
    """Your variables, and the CORS policy of each environment (`fastapi_env`)."""

    # {% if cookiecutter.__frontend_origins %}
    frontend_origins: Origins = [
        # {% for origin in cookiecutter.__frontend_origins.split(",") %}
        "{{ origin }}",
        # {% endfor %}
    ]
    # {% else %}
    frontend_origins: Origins = []
    # {% endif %}
    allowed_hosts: Hosts = []  # names of the service; empty for any
    max_body_size: PositiveInt = 1024 * 1024  # bytes
    serve_docs: bool = True  # /docs, /redoc and /openapi.json
    # {% if cookiecutter.__credentialed %}
    session_secret: SessionSecret = DEVELOPMENT_SECRET
    # {% endif %}
    # {% if cookiecutter.__bearer %}
    auth_jwks_url: KeySetURL = None
    auth_issuer: TokenName = None
    auth_audience: TokenName = None
    # {% endif %}

    def cors_policy(self) -> CORSPolicy:
        """Return what CORSMiddleware gets in each environment."""
        match self.fastapi_env:
            case "development":
                return CORSPolicy(
                    environment=self.fastapi_env,
                    allow_origins=["*"],
                    allow_methods=["*"],
                    allow_headers=["*"],
                    allow_credentials={{cookiecutter.__credentialed == "yes"}},
                    expose_headers=[
                        "Location",
                        # {% if cookiecutter.__bearer %}
                        "WWW-Authenticate",
                        # {% endif %}
                    ],
                    max_age=0,
                )
            case "staging" | "production":
                return CORSPolicy(
                    environment=self.fastapi_env,
                    allow_origins=self.frontend_origins,
                    allow_methods=["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
                    allow_headers=[
                        # {% if cookiecutter.__bearer %}
                        "Authorization",
                        # {% endif %}
                        "Content-Type",
                        "Idempotency-Key",
                    ],
                    allow_credentials={{cookiecutter.__credentialed == "yes"}},
                    expose_headers=[
                        "Location",
                        # {% if cookiecutter.__bearer %}
                        "WWW-Authenticate",
                        # {% endif %}
                    ],
                    max_age=7200,  # seconds; Chromium keeps no preflight for longer
                )


def get_settings(connection: HTTPConnection) -> Settings:
    """Return the settings that `create_app` was given."""
    settings: Settings = connection.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_settings)]
