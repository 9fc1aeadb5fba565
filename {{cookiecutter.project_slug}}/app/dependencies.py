"""Dependencies that routes declare as parameters, such as `settings: SettingsDep`."""

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from app.settings import Settings


def get_settings(connection: HTTPConnection) -> Settings:
    """Return the settings that `create_app` received."""
    settings: Settings = connection.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(get_settings)]
