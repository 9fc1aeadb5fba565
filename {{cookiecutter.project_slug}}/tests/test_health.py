from fastapi.testclient import TestClient


def test_health_returns_ok(client: TestClient) -> None:
    response = client.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_health_accepts_head(client: TestClient) -> None:
    response = client.head("/health")
    assert (response.status_code, response.content) == (200, b"")


def test_trailing_slash_gets_404_without_redirect(client: TestClient) -> None:
    assert client.get("/health/", follow_redirects=False).status_code == 404
