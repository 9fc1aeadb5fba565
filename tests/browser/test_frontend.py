"""The code and the tables of docs/frontend.md in three engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cors_right.diagnostics.browser import Response

from tests.support.browser.engines import Browser
from tests.support.browser.pages import EMPTY_PAGE
from tests.support.browser.scenario import Service, World
from tests.support.crooked import Crooked, crooked
from tests.support.markdown import FRONTEND, blocks
from tests.support.serving import clean_environment, free_port, run, serve

IMPORT_AXIOS = """
const address = URL.createObjectURL(new Blob([args[0]], { type: "text/javascript" }));
const axios = (await import(address)).default;
"""


def code(heading: str, number: int, service: Service) -> str:
    """Return a block of the page, for a service of the tests."""
    text = blocks(FRONTEND, heading, "js")[number]
    own = text.replace("https://api.example.com", service.url)
    return own.replace("wss://api.example.com", service.url.replace("https", "wss"))


def test_page_posts_and_opens_a_websocket(world: World, browser: Browser, frontend: Path) -> None:
    service = world.service("cookies", "production")
    browser.open(world.page("exact", service))
    fetch, axios, socket = (code("Fetch, axios", number, service) for number in range(3))
    assert browser.run(f"{fetch} return note.text;") == "Buy milk"
    library = (frontend / "node_modules/axios/dist/esm/axios.js").read_text("utf-8")
    axios = axios.replace('import axios from "axios";', IMPORT_AXIOS)
    assert browser.run(f"{axios} return data.text;", library) == "Buy milk"
    assert browser.run(f"{socket} return message;") == "hello"


@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_request_outlives_the_page_as_the_table_says(
    world: World, browser: Browser, answer: str
) -> None:
    service = world.service(answer, "production")
    browser.open(world.page("exact", service))
    mark = f"beacon-{browser.engine}-{answer}"
    url = f"{service.url}/notes?case={mark}"
    beacon = "navigator.sendBeacon(args[0], new Blob([args[1]], { type: args[2] }));"
    browser.run(beacon, f"{url}-text", "x", "text/plain")
    service.server.expect(f'"POST /notes.case={mark}-text ')
    browser.run(beacon, f"{url}-json", '{"text": "x"}', "application/json")
    service.server.expect(f'"OPTIONS /notes.case={mark}-json ')
    keepalive = code("Send data", 0, service).replace("/notes", f"/notes?case={mark}-kept")
    if answer == "none":
        keepalive = keepalive.replace('"include"', '"omit"')
    browser.run(keepalive)  # after the beacon, and after a preflight like it
    service.server.expect(f'"POST /notes.case={mark}-kept HTTP/1.1" 201')
    if answer == "cookies":
        service.server.expect(f'"POST /notes.case={mark}-json HTTP/1.1" 201')
    else:
        assert f"POST /notes?case={mark}-json " not in service.server.output


# Reports for each way to load an image, and for a font, whether it loads.
EMBED = """
const load = (source, crossOrigin) => new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve("loads");
    image.onerror = () => resolve("blocked");
    if (crossOrigin) image.crossOrigin = crossOrigin;
    image.src = source;
});
const font = (source) =>
    new FontFace("own", `url(${source})`).load().then(() => "loads", () => "blocked");
const [image, type] = args;
return [
    await load(`${image}?plain`), await load(`${image}?cors`, "anonymous"),
    await load(`${image}?corp`), await font(`${type}?cors`), await font(`${type}?corp`),
];
"""
# Reports whether the page sees the start time of a response.
MEASURE = """
const [url] = args;
await (await fetch(url)).text();
const [entry] = performance.getEntriesByName(url);
return entry.requestStart > 0 ? "measured" : "hidden";
"""


@pytest.fixture(scope="module")
def isolated(world: World) -> Iterator[Crooked]:
    """Yield frontends with isolated pages."""
    headers = [
        ("Content-Type", "text/html"),
        ("Cross-Origin-Embedder-Policy", "require-corp"),
    ]
    with crooked(world.certificate) as server:
        server.behaviours[""] = lambda *_: Response(200, headers, EMPTY_PAGE.encode())
        yield server


@pytest.fixture(scope="module")
def embedded(world: World, isolated: Crooked) -> Iterator[Service]:
    """Yield a service with an image and a font, which allows the isolated pages."""
    variables = {
        "FASTAPI_ENV": "production",
        "FRONTEND_ORIGINS": f"https://app.example.localhost:{isolated.server_port}",
    }
    project = world.bakery.bake(credentials="none")
    options = ("--ssl-certfile", str(world.certificate))
    with serve(project, "embedded:app", variables, *options) as server:
        yield Service(server, "https", "api.other.localhost")


def test_isolated_page_embeds_as_the_table_says(
    browser: Browser, isolated: Crooked, embedded: Service
) -> None:
    browser.open(f"https://app.example.localhost:{isolated.server_port}/")
    urls = (f"{embedded.url}/picture", f"{embedded.url}/font")
    by_cors = "blocked" if browser.engine == "webkit" else "loads"  # asks for no font by CORS
    by_corp = "loads" if browser.engine == "webkit" else "blocked"
    assert browser.run(EMBED, *urls) == ["blocked", "loads", "loads", by_cors, "loads"]
    browser.open(f"https://other.example.localhost:{isolated.server_port}/")
    assert browser.run(EMBED, *urls) == ["blocked", "blocked", "loads", "blocked", by_corp]


def test_page_sees_phases_of_requests_that_name_it(
    browser: Browser, isolated: Crooked, embedded: Service
) -> None:
    browser.open(f"https://app.example.localhost:{isolated.server_port}/")
    assert browser.run(MEASURE, f"{embedded.url}/health") == "hidden"
    assert browser.run(MEASURE, f"{embedded.url}/timed") == "measured"


# Writes a note and opens a WebSocket through the development server of the frontend.
CALL = """
const body = JSON.stringify({ text: "Buy milk" });
const headers = { "Content-Type": "application/json" };
const response = await fetch("/api/notes", { method: "POST", headers, body });
const socket = new WebSocket(`ws://${location.host}/api/ws`);
const message = await new Promise((resolve) => {
    socket.onmessage = (event) => resolve(event.data);
    socket.onerror = () => resolve("refused");
});
return [response.status, message];
"""


def config(number: int, port: int) -> str:
    """Return the configuration of a development server, for a service on a port."""
    text = blocks(FRONTEND, "When a page needs no CORS", "js")[number]
    return text.replace("localhost:8000", f"127.0.0.1:{port}")


def test_page_needs_no_cors_behind_vite(
    world: World, browser: Browser, frontend: Path, tmp_path: Path
) -> None:
    """Use cookies and production, so that the service allows no page of this origin."""
    port = free_port()
    variables = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": ""}
    with serve(world.bakery.bake(credentials="cookies"), "probes:app", variables) as server:
        (tmp_path / "vite.config.mjs").write_text(config(0, server.port), encoding="utf-8")
        (tmp_path / "index.html").write_text(EMPTY_PAGE, encoding="utf-8")
        vite = [str(frontend / "node_modules" / ".bin" / "vite"), "--host", "127.0.0.1"]
        options = ["--port", str(port), "--strictPort"]
        with run([*vite, *options], tmp_path, clean_environment(NO_COLOR="1")) as process:
            process.expect(rf"Local: +http://127\.0\.0\.1:{port}/")
            browser.open(f"http://localhost:{port}/")
            assert browser.run(CALL) == [201, "hello"]


@pytest.fixture(scope="module")
def ports(nextjs: Path) -> Iterator[tuple[int, int]]:
    """Run the development server of Next.js, and yield its port and the service's."""
    port, behind = free_port(), free_port()
    (nextjs / "next.config.mjs").write_text(config(1, behind), encoding="utf-8")
    program = str(nextjs / "node_modules" / ".bin" / "next")
    command = [program, "dev", "--hostname", "127.0.0.1", "--port", str(port)]
    variables = clean_environment(NO_COLOR="1", NEXT_TELEMETRY_DISABLED="1")
    with run(command, nextjs, variables) as process:
        process.expect("Ready in ")
        yield port, behind


# Next.js names the service in `Host`, so WebSockets come from another origin.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "is_listed", "message"),
    [
        ("development", False, "hello"),
        ("production", False, "refused"),
        ("staging", True, "hello"),
    ],
)
def test_page_needs_an_entry_for_websockets_behind_nextjs(
    world: World,
    browser: Browser,
    ports: tuple[int, int],
    environment: str,
    is_listed: bool,
    message: str,
) -> None:
    port, behind = ports
    page = f"http://localhost:{port}"
    variables = {"FASTAPI_ENV": environment, "FRONTEND_ORIGINS": page if is_listed else ""}
    project = world.bakery.bake(credentials="cookies")
    with serve(project, "probes:app", variables, "--port", str(behind)):
        browser.open(f"{page}/")
        assert browser.run(CALL) == [201, message]
