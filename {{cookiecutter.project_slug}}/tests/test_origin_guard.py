import pytest
from fastapi import WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.main import create_app
from app.settings import Settings
from tests.conftest import FRONTEND


@pytest.mark.parametrize(
    ("url", "origin", "accepted"),
    [
        ("wss://api.example.com/ws", None, True),
        ("wss://api.example.com/ws", FRONTEND, True),
        ("wss://api.example.com/ws", "https://a.preview.example.com", True),
        ("wss://api.example.com/ws", "https://api.example.com", True),
        ("wss://api.example.com:8443/ws", "https://api.example.com:8443", True),
        ("ws://api.example.com/ws", "https://api.example.com", True),
        ("ws://localhost:8000/ws", "http://localhost:8000", True),
        ("wss://api.example.com/ws", "http://api.example.com", False),
        ("wss://api.example.com/ws", "https://api.example.com:8443", False),
        ("ws://localhost:8000/ws", "http://localhost:3000", False),
        ("ws://localhost:8000/ws", "http://127.0.0.1:8000", False),
        ("ws://localhost/ws", "capacitor://localhost", False),
        ("wss://api.example.com/ws", "https://evil.example", False),
        ("wss://api.example.com/ws", "https://api.example.com.evil.example", False),
        ("wss://api.example.com/ws", "null", False),
        ("wss://api.example.com/ws", "", False),
    ],
)
def test_foreign_pages_open_no_websocket(
    settings: Settings, url: str, origin: str | None, accepted: bool
) -> None:
    app = create_app(settings)

    @app.websocket("/ws")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")

    client = TestClient(app)
    headers = {} if origin is None else {"Origin": origin}
    if accepted:
        with client.websocket_connect(url, headers=headers) as websocket:
            assert websocket.receive_text() == "hello"
    else:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(url, headers=headers):
            pass


def test_development_opens_to_any_page() -> None:
    app = create_app(Settings())

    @app.websocket("/ws")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()

    with TestClient(app).websocket_connect("/ws", headers={"Origin": "http://localhost:3000"}):
        pass
