"""The CORS policy, as browsers see it."""

from typing import Annotated, Any

import pytest
from fastapi import Body
from fastapi.testclient import TestClient

from app.application import create_app
from app.settings import Settings
from tests.conftest import FRONTEND

ALLOWED = [FRONTEND, "https://pr-7.preview.example.com", "https://a.b.preview.example.com"]
UNLISTED = [
    "null",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://appXexample.com",
    "https://preview.example.com",
    "https://evilpreview.example.com",
    "https://evil.example/.preview.example.com",
]


def cors_headers(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", ALLOWED)
def test_allowed_origin_can_read_the_response(client: TestClient, origin: str) -> None:
    response = client.get("/health", headers={"Origin": origin})
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", UNLISTED)
def test_unlisted_origin_gets_no_cors_header(client: TestClient, origin: str) -> None:
    response = client.get("/health", headers={"Origin": origin})
    assert (cors_headers(response.headers), response.headers["Vary"]) == ({}, "Origin")
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    response = client.options("/health", headers=preflight)
    assert (response.status_code, cors_headers(response.headers)) == (403, {})


def listed(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


def test_preflight_response_has_the_whole_policy(client: TestClient, settings: Settings) -> None:
    """The browser's console can then name the missing method or header."""
    policy = settings.cors_policy()
    asked = {"Access-Control-Request-Method": "PURGE", "Access-Control-Request-Headers": "x-other"}
    response = client.options("/health", headers=asked | {"Origin": FRONTEND})
    answered = response.headers
    assert (response.status_code, answered["Access-Control-Allow-Origin"]) == (200, FRONTEND)
    assert listed(answered["Access-Control-Allow-Methods"]) == set(
        map(str.lower, policy.allow_methods)
    )
    assert listed(answered["Access-Control-Allow-Headers"]) >= set(
        map(str.lower, policy.allow_headers)
    )
    assert "x-other" not in listed(answered["Access-Control-Allow-Headers"])
    assert answered["Access-Control-Max-Age"] == str(policy.max_age)


def test_allowed_origin_can_read_errors(settings: Settings) -> None:
    app = create_app(settings)

    @app.post("/numbers")
    async def add(numbers: list[int]) -> int:
        return sum(numbers)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError

    client = TestClient(app, raise_server_exceptions=False, headers={"Origin": FRONTEND})
    responses = [
        client.get("/nowhere"),
        client.delete("/health"),
        client.post("/numbers", content=b" " * (settings.max_body_size + 1)),
        client.post("/numbers", json=["one"]),
        client.get("/boom"),
    ]
    assert [response.status_code for response in responses] == [404, 405, 413, 422, 500]
    assert {response.headers["Access-Control-Allow-Origin"] for response in responses} == {FRONTEND}
    with pytest.raises(RuntimeError):
        TestClient(app).get("/boom")


@pytest.mark.parametrize(
    "body",
    ['{"text": NaN}', r'{"text": "\ud800"}', '{"text": 1, "\ud800": 2}', "[[[]]]", "{", "\xff", ""],
)
def test_invalid_request_gets_422_without_its_copy(body: str, settings: Settings) -> None:
    app = create_app(settings)

    @app.post("/text")
    async def echo(text: Annotated[str, Body(embed=True)], more: dict[str, str]) -> str:
        return text

    headers = {"Origin": FRONTEND, "Content-Type": "application/json"}
    sent = body.encode("utf-8", "surrogatepass")
    response = TestClient(app).post("/text", content=sent, headers=headers)
    assert response.status_code == 422
    assert response.headers["Access-Control-Allow-Origin"] == FRONTEND
    for problem in response.json()["detail"]:
        assert list(problem) == ["type", "loc", "msg"]


def test_development_allows_any_origin(settings: Settings) -> None:
    client = TestClient(create_app(settings.model_copy(update={"fastapi_env": "development"})))
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}
    response = client.options(
        "/health", headers=headers | {"Access-Control-Request-Headers": "x-anything"}
    )
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] in ("*", "http://localhost:3000")
    assert response.headers["Access-Control-Max-Age"] == "0"
