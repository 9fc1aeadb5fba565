"""The service's settings."""

from typing import Literal

from cors_right import CORSPolicy, CORSSettings, Origins


class Settings(CORSSettings):
    """Settings with a list, which development opens."""

    fastapi_env: Literal["development", "staging", "production"] = "production"
    frontend_origins: Origins = ["https://app.example.com", "https://*.preview.example.com"]
    allow_credentials: bool = False

    def cors_policy(self) -> CORSPolicy:
        if self.fastapi_env == "development":
            return CORSPolicy(
                development=True,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
                allow_credentials=self.allow_credentials,
                max_age=0,
            )
        return CORSPolicy(
            allow_origins=self.frontend_origins,
            allow_methods=["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
            allow_headers=["Content-Type", "Idempotency-Key"],
            allow_credentials=self.allow_credentials,
            expose_headers=["Location"],
            max_age=7200,
            allow_http_loopback=self.fastapi_env == "staging",
        )
