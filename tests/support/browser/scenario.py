"""The scenario of the browser tests: a service, and frontends on allowed and unlisted origins.

The service is on api.example.localhost.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cors_right.diagnostics.browser import unsafe_names
from cors_right.standard import SAFELISTED_METHODS

from tests.support.baking import Bakery
from tests.support.browser.engines import Browser
from tests.support.serving import Server, serve

# The host of the page of each kind of origin; "own" is a page of the service itself, "null" a
# sandboxed frame.
HOSTS = {
    "exact": "app.example.localhost",
    "second": "admin.example.localhost",
    "pattern": "pr-1.preview.localhost",
    "foreign": "evil.localhost",
    "look-alike": "app.example.localhost.evil.localhost",
    "below exact": "x.app.example.localhost",
    "null": "evil.localhost",
}
KINDS = (*HOSTS, "own")
LISTED = ("exact", "second", "pattern")


@dataclass
class Service:
    """A service under test.

    Development uses http, as on a developer's machine. Other environments use https.
    """

    server: Server
    scheme: str
    host: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.server.port}"


@dataclass
class World:
    """The frontends' ports by scheme, and the running services."""

    bakery: Bakery
    stack: ExitStack
    certificate: Path
    ports: dict[str, int]
    services: dict[tuple[str, str, str], Service] = field(default_factory=dict)

    @property
    def origins(self) -> list[str]:
        """Return the allow-list outside development: two origins and a pattern."""
        names = (HOSTS["exact"], HOSTS["second"], "*.preview.localhost")
        return [f"https://{name}:{self.ports['https']}" for name in names]

    def page(self, kind: str, service: Service) -> str:
        """Return the address of a page of a kind of origin."""
        if kind == "own":
            return f"{service.url}/page"
        return f"{service.scheme}://{HOSTS[kind]}:{self.ports[service.scheme]}/"

    def service(
        self, answer: str, environment: str, host: str = "api.example.localhost"
    ) -> Service:
        """Return the service rendered for a credentials answer, in an environment, under a name."""
        key = (answer, environment, host)
        if key not in self.services:
            scheme = "http" if environment == "development" else "https"
            options = [] if scheme == "http" else ["--ssl-certfile", str(self.certificate)]
            variables = {
                "FASTAPI_ENV": environment,
                "FRONTEND_ORIGINS": ",".join(self.origins),
                "MAX_BODY_SIZE": "1000",
            }
            project = self.bakery.bake(credentials=answer)
            server = self.stack.enter_context(serve(project, "probes:app", variables, *options))
            self.services[key] = Service(server, scheme, host)
        return self.services[key]


def to_fetch(url: str, arguments: Mapping[str, Any], with_credentials: bool) -> dict[str, Any]:
    """Return a request of `tests.support.cases` in the form of `fetch_all`."""
    return {
        "url": url,
        "method": arguments.get("method", "GET"),
        "headers": arguments.get("headers", {}),
        "body": arguments["body"].decode() if "body" in arguments else None,
        "credentials": "include" if with_credentials else "omit",
    }


# Runs in the page, one request after the other.
FETCH_ALL = """
async (requests) => {
    const outcomes = [];
    for (const {url, ...options} of requests) {
        try {
            const response = await fetch(url, options);
            const text = await response.text();
            const location = response.headers.get('Location');
            outcomes.push({status: response.status, location, text: text.slice(0, 200)});
        } catch (error) {
            outcomes.push({error: String(error)});
        }
    }
    return outcomes;
}
"""
# The same in a frame whose origin is opaque: its requests have the origin null.
IN_A_SANDBOX = """
const [fetchAll, requests] = args;
const frame = document.createElement('iframe');
frame.sandbox = 'allow-scripts';
const answer = new Promise(
    resolve => addEventListener('message', event => resolve(event.data), {once: true})
);
const post = `.then(data => parent.postMessage(data, '*'))`;
frame.srcdoc = `<script>(${fetchAll})(${JSON.stringify(requests)})${post}<\\/script>`;
document.body.append(frame);
const outcomes = await answer;
frame.remove();
return outcomes;
"""


def fetch_all(
    browser: Browser, page: str, kind: str, requests: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Open a page, let it or a sandboxed frame in it send requests, and return its results.

    The results follow the order of the requests.
    """
    browser.open(page)
    if kind == "null":
        return list(browser.run(IN_A_SANDBOX, FETCH_ALL, requests))
    return list(browser.run(f"return await ({FETCH_ALL})(args[0])", requests))


def expected_requests(request: dict[str, Any], kind: str, readable: bool) -> list[str]:
    """Return the methods that reach the service.

    After a refused preflight, the browser does not send the request.
    """
    method = request.get("method", "GET")
    is_asked_first = method not in SAFELISTED_METHODS or unsafe_names(request.get("headers", {}))
    if kind == "own" or not is_asked_first:
        return [method]
    return ["OPTIONS", method] if readable else ["OPTIONS"]


def received(server: Server, marks: list[str]) -> dict[str, list[str]]:
    """Return the methods of the requests that a service answered, by the mark in their URL."""
    answered: dict[str, list[str]] = {mark: [] for mark in marks}
    for line in server.output.splitlines():
        if '"' in line and "case=" in line:
            method, address = line.split('"')[1].split(" ")[:2]
            mark = address.partition("case=")[2]
            if mark in answered:
                answered[mark].append(method)
    return answered


# Runs in the page: connects, and returns the first message.
CONNECT = """
const socket = new WebSocket(args[0]);
return await new Promise(resolve => {
    socket.onmessage = event => { resolve(event.data); socket.close(); };
    socket.onerror = () => resolve('refused');
});
"""
