"""Settings. The variable of a field is its name in upper case."""

from typing import Literal

from cors_right import CORSPolicy, CORSSettings, Hosts, Origins
from pydantic import PositiveInt  # {%- if cookiecutter.__bearer +%}

from app.bearer import KeySetURL, TokenName  # {%- elif cookiecutter.__credentialed +%}

from app.session import DEVELOPMENT_SECRET, SessionSecret  # {%- endif +%}


class Settings(CORSSettings):
    """Your variables, and the CORS policy of each environment."""

    fastapi_env: Literal["development", "staging", "production"] = "production"
    frontend_origins: Origins = {{cookiecutter.__frontend_origins | literals(32)}}
    allowed_hosts: Hosts = []  # hostnames of the service; empty allows any
    max_body_size: PositiveInt = 1024 * 1024  # bytes
    serve_docs: bool = True  # /docs, /redoc and /openapi.json
    # {% if cookiecutter.__credentialed %}
    session_secret: SessionSecret = DEVELOPMENT_SECRET
    # {% elif cookiecutter.__bearer %}
    auth_jwks_url: KeySetURL = None
    auth_issuer: TokenName = None
    auth_audience: TokenName = None
    # {% endif %}

    def cors_policy(self) -> CORSPolicy:
        """Return the policy of `fastapi_env`. CORSPolicy takes the arguments of CORSMiddleware."""
        if self.fastapi_env == "development":
            return CORSPolicy(
                development=True,  # allows any page; other environments refuse to start with it
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                allow_credentials={{cookiecutter.__credentialed == "yes"}},
                expose_headers={{cookiecutter.__expose_headers | literals}},
                max_age=0,
            )
        return CORSPolicy(
            allow_origins=self.frontend_origins,
            allow_methods=["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
            allow_headers={{cookiecutter.__allow_headers | literals}},
            allow_credentials={{cookiecutter.__credentialed == "yes"}},
            expose_headers={{cookiecutter.__expose_headers | literals}},
            max_age=7200,  # seconds; the maximum in Chromium
            allow_http_loopback=self.fastapi_env == "staging",  # may list http://localhost
        )
