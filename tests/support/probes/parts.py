"""The two parts of a service, each with a header that identifies its responses."""

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.main import app as app
from app.main import private, public


class Part:
    """A middleware inside the policy that adds the part's name to each response."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self.app = app
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_name(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-part", self.name.encode())]
            await send(message)

        await self.app(scope, receive, send_with_name)


parts: dict[str, Any] = {"public": public, "private": private}
for name, part in parts.items():
    part.add_middleware(Part, name=name)
