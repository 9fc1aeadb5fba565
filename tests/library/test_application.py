"""FastAPI behind a policy: errors, guards, replacement of the policy, tracing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cors_right import CORSFastAPI, CORSPolicy
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.responses import PlainTextResponse

from tests.support.asgi import KINDS, PRODUCTION, ask

APP = "https://app.example.com"
OTHER = "https://other.example.com"
FOREIGN = "https://evil.example"


def application(policy: CORSPolicy | None = None, **arguments: Any) -> CORSFastAPI:
    app = CORSFastAPI(cors_policy=policy or CORSPolicy(**PRODUCTION), **arguments)
    add_routes(app)
    return app


def add_routes(app: FastAPI) -> None:
    @app.get("/")
    async def read() -> str:
        return "read"

    @app.post("/")
    async def write(numbers: list[int]) -> int:
        return sum(numbers)

    @app.post("/callback")
    async def callback(request: Request) -> str:
        return str(request.url_for("callback").path)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError

    @app.websocket("/ws")
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()

    @app.middleware("http")
    async def limit(request: Request, call_next: Any) -> Any:
        if request.url.path == "/limited":
            return PlainTextResponse("Too many requests", 429)
        return await call_next(request)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 200),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/", None, 405),
        ("POST", "/", [0] * 1000, 413),
        ("POST", "/", ["one"], 422),
        ("GET", "/limited", None, 429),
        ("GET", "/boom", None, 500),
    ],
)
def test_page_reads_every_response(method: str, path: str, body: Any, status: int) -> None:
    client = TestClient(application(max_body_size=1000), raise_server_exceptions=False)
    for origin, expected in ((APP, APP), (FOREIGN, None)):
        answer = client.request(method, path, json=body, headers={"Origin": origin})
        assert (answer.status_code, answer.headers["Vary"]) == (status, "Origin")
        assert answer.headers.get("Access-Control-Allow-Origin") == expected


def test_unhandled_error_reaches_the_server() -> None:
    with pytest.raises(RuntimeError):
        TestClient(application()).get("/boom", headers={"Origin": APP})


def test_lifespan_runs() -> None:
    ran = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        ran.append("start")
        yield
        ran.append("end")

    with TestClient(application(lifespan=lifespan)) as client:
        assert client.get("/").json() == "read"
    assert ran == ["start", "end"]


WRITE: Any = {"method": "POST", "path": "/callback"}


def test_unlisted_page_writes_nothing_with_credentials() -> None:
    headers: Any = {"Host": "api.example.com", "Origin": FOREIGN}
    app = application(CORSPolicy(**PRODUCTION, allow_credentials=True))
    assert ask(app, headers, **WRITE).status == 403
    assert ask(app, headers | {"Origin": APP}, **WRITE).status == 200
    assert ask(app, headers | {"Origin": APP}, **WRITE).cors  # readable
    assert ask(application(), headers, **WRITE).status == 200


def test_unlisted_page_opens_no_websocket() -> None:
    headers = {"Host": "api.example.com", "Origin": FOREIGN}
    for credentials in (False, True):
        app = application(CORSPolicy(**PRODUCTION, allow_credentials=credentials))
        assert ask(app, headers, path="/ws", scheme="wss").status == 403
        assert ask(app, headers | {"Origin": APP}, path="/ws", scheme="wss").status == 101


@pytest.mark.parametrize(
    ("root_path", "path"),
    [("", "/callback"), ("/api", "/api/callback"), ("/api", "/callback")],
)
def test_exempt_paths_are_below_the_root_path(root_path: str, path: str) -> None:
    policy = CORSPolicy(**PRODUCTION, allow_credentials=True)
    app = application(policy, cross_site_exempt={"/callback"})
    headers: Any = {"Host": "api.example.com", "Origin": FOREIGN}
    answer = ask(app, headers, "POST", path, root_path=root_path)
    assert (answer.status, answer.body.decode()) == (200, f'"{root_path}/callback"')


def allowed(app: CORSFastAPI, origin: str) -> list[bool]:
    """Return whether pages of an origin can read, pass a preflight, and open a WebSocket."""
    headers: Any = {"Host": "api.example.com", "Origin": origin}
    preflight = headers | {"Access-Control-Request-Method": "PUT"}
    return [
        bool(ask(app, headers).cors),
        ask(app, preflight, "OPTIONS").status == 200,
        ask(app, headers, path="/ws", scheme="wss").status == 101,
    ]


def test_new_policy_replaces_the_old_one_completely() -> None:
    app = application()
    assert [allowed(app, origin) for origin in (APP, OTHER)] == [[True] * 3, [False] * 3]
    policy = CORSPolicy(**PRODUCTION | {"allow_origins": [OTHER]})
    app.cors_policy = policy
    assert app.cors_policy is policy
    assert [allowed(app, origin) for origin in (APP, OTHER)] == [[False] * 3, [True] * 3]


SHARED = "cannot change at run time if it allows credentials"
SWITCHED = "cannot turn credentials on or off"
OPENED = "cors_policy: a policy for development cannot replace another one"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("production, credentials", "production, credentials", SHARED),
        ("staging, credentials", "staging, credentials", SHARED),
        ("development, credentials", "production, credentials", SHARED),
        ("production", "production, credentials", SHARED),
        ("development", "production, credentials", SHARED),
        ("production, credentials", "production", SWITCHED),
        ("development, credentials", "production", SWITCHED),
        ("development, credentials", "development", SWITCHED),
        ("development", "development, credentials", SWITCHED),
        *(
            (f"{environment}{before}", f"development{after}", OPENED)
            for environment in ("staging", "production")
            for before in ("", ", credentials")
            for after in ("", ", credentials")
        ),
        ("development, credentials", "development, credentials", None),
        ("development", "development", None),
        ("development", "production", None),
        ("development", "staging", None),
        ("production", "production", None),
        ("production", "staging", None),
        ("staging", "production", None),
    ],
)
def test_policy_stays_if_replacement_is_refused(
    before: str, after: str, message: str | None
) -> None:
    old, new = (
        CORSPolicy(
            **PRODUCTION | KINDS[environment] | {"allow_origins": [origin]},
            allow_credentials=bool(credentials),
        )
        for origin, (environment, _, credentials) in (
            (APP, before.partition(", ")),
            (OTHER, after.partition(", ")),
        )
    )
    app = application(old)
    if message is None:
        app.cors_policy = new
    else:
        with pytest.raises(ValueError, match=message):
            app.cors_policy = new
    assert app.cors_policy is (old if message else new)
    assert allowed(app, OTHER) == [not message] * 3


def test_wildcard_of_development_does_not_open_production() -> None:
    app = application()
    with pytest.raises(ValueError, match=OPENED):
        app.cors_policy = CORSPolicy(
            development=True, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"]
        )
    assert [allowed(app, origin) for origin in (APP, OTHER)] == [[True] * 3, [False] * 3]


def spans(app: FastAPI) -> list[str]:
    """Return the names of the spans that OpenTelemetry's instrumentation makes for a request."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    TestClient(app).get("/", headers={"Origin": APP})
    return [span.name for span in exporter.get_finished_spans()]


def test_tracing_records_the_spans_of_plain_fastapi() -> None:
    plain = FastAPI()
    add_routes(plain)
    assert spans(application()) == spans(plain) != []
