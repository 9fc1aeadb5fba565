"""The smallest service with settings: FastAPI and pydantic-settings."""

from pydantic_settings import BaseSettings

from benchmarks import arms


class Settings(BaseSettings):
    """One variable."""

    fastapi_env: str = "production"


settings = Settings()
app = arms.bare()
