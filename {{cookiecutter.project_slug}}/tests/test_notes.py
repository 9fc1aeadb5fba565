import pytest
from fastapi.testclient import TestClient

from app.application import create_app
from app.routes import notes
from app.settings import Settings


def test_note_can_be_created_changed_and_deleted(client: TestClient) -> None:
    created = client.post("/notes", json={"text": "Buy milk"})
    assert created.status_code == 201
    path = created.headers["Location"]
    assert client.get(path).json() == created.json()
    assert created.json() in client.get("/notes").json()

    assert client.patch(path, json={"done": True}).json() == created.json() | {"done": True}
    assert client.put(path, json={"text": "Buy bread"}).json() == created.json() | {
        "text": "Buy bread"
    }

    assert client.delete(path).status_code == 204
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        json = {"text": "gone"} if method in ("PUT", "PATCH") else None
        assert client.request(method, path, json=json).status_code == 404


def test_repeated_key_creates_one_note(client: TestClient) -> None:
    headers = {"Idempotency-Key": "5c0e7a3e"}
    first, second = (
        client.post("/notes", json={"text": "Once"}, headers=headers) for _ in range(2)
    )
    assert first.json() == second.json()
    # Another client with the same key gets another note.
    other = client.post("/notes", json={"text": "Other"}, headers=headers)
    assert other.json()["text"] == "Other"
    assert other.json()["id"] != first.json()["id"]


def test_change_keeps_omitted_fields(client: TestClient) -> None:
    path = client.post("/notes", json={"text": "Buy milk"}).headers["Location"]
    for change in ({}, {"text": None}, {"done": None}):
        assert client.patch(path, json=change).json()["text"] == "Buy milk"
    assert client.patch(path, json={"done": True}).json()["done"] is True


def test_location_includes_the_prefix_of_a_proxy(settings: Settings) -> None:
    client = TestClient(create_app(settings), root_path="/api")
    created = client.post("/api/notes", json={"text": "Buy milk"})
    assert created.headers["Location"] == f"/api/notes/{created.json()['id']}"
    assert client.get(created.headers["Location"]).json() == created.json()


def test_invalid_text_gets_422(client: TestClient) -> None:
    for text in (None, "", "x" * 1001):
        assert client.post("/notes", json={"text": text}).status_code == 422


def test_new_note_replaces_the_oldest_if_full(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MAX_NOTES", len(client.get("/notes").json()) + 1)
    oldest = client.get("/notes").json()[:1]
    for text in ("second to last", "last"):
        client.post("/notes", json={"text": text})
    assert len(client.get("/notes").json()) == notes.MAX_NOTES
    assert client.get("/notes").json()[:1] != oldest
