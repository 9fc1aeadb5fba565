"""Services with the adopted library, and the objects that `--app` and `--settings` can name."""

import os
from typing import Annotated

from cors_right import CORSFastAPI, CORSPolicy, CORSPolicyMiddleware
from fastapi import WebSocket
from pydantic import AfterValidator, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from tests.support.asgi import passed
from tests.support.service import settings

ELSEWHERE = "https://id.example.org/authorize?client_id=1"
# A hostile upstream's header, with commands for terminals and CI systems.
HOSTILE = "\x1b]52;c;eA==\x07\x9b2J\x85 ::set-output name=a::b ##vso[task.complete]"

policy = CORSPolicy(
    allow_origins=["https://app.example.com", "http://localhost:3000"],
    allow_methods=["GET", "POST"],
    allow_credentials=True,
    allow_http_loopback=True,
)
app = CORSFastAPI(cors_policy=policy, cross_site_exempt={"/callback/{name}"})
app.add_middleware(SessionMiddleware, secret_key="secret")


@app.post("/callback/{name}")
@app.post("/orders")
@app.get("/orders")
async def orders() -> list[str]:
    return []


@app.get("/login")
async def login() -> RedirectResponse:
    return RedirectResponse(ELSEWHERE)


@app.get("/cookies")
async def cookies(response: Response) -> None:
    response.set_cookie("theme", "secret", samesite="none")
    response.delete_cookie("old")


@app.get("/hostile")
async def hostile() -> Response:
    return RedirectResponse("/orders", headers={"Access-Control-Max-Age": HOSTILE, "Vary": HOSTILE})


@app.websocket("/chat")
async def chat(websocket: WebSocket) -> None:
    raise AssertionError("explain opens no WebSocket")


async def hello(request: Request) -> Response:
    return Response("hello")


inside = Starlette(routes=[Route("/hello", hello), Mount("/files", passed)])
wrapped = CORSPolicyMiddleware(inside, policy)
added = Starlette(routes=[Route("/hello", hello)])
added.add_middleware(CORSPolicyMiddleware, policy=policy)


def without_variable() -> None:
    os.environ["DATABASE_URL"]


def with_hostile_message() -> None:
    raise RuntimeError(HOSTILE)


class OtherSettings(BaseSettings):
    """Settings without the base class CORSSettings."""

    token: int = 0


def with_wrong_value() -> None:
    OtherSettings.model_validate({"token": "hunter2"})


def _outside_development(secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if secret is None and info.data.get("fastapi_env") != "development":
        raise ValueError("is not set. Set it in the environment")
    return secret


class Settings(settings.Settings):
    """Settings with a secret that production needs."""

    secret: Annotated[SecretStr | None, AfterValidator(_outside_development)] = None
