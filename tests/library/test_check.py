"""The findings of `check` for correct services, and for services that misbehave on purpose."""

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from cors_right import CORSPolicy, CORSPolicyMiddleware
from cors_right import __main__ as command
from cors_right.diagnostics import check as checking
from cors_right.diagnostics import service as loading
from cors_right.diagnostics.browser import Response
from cors_right.diagnostics.check import Finding, check, example, look_alikes
from cors_right.diagnostics.corrections import correction
from cors_right.diagnostics.report import labelled
from cors_right.reasons import why_not_allowed

from tests.support import words
from tests.support.asgi import PRODUCTION, passed
from tests.support.crooked import (
    HTML,
    Behaviour,
    Change,
    Crooked,
    asked,
    behind,
    crooked,
    preflight,
    request,
    with_headers,
    without,
)
from tests.support.service.settings import Settings

APP = "https://app.example.com"
PREVIEW = "https://cors-check.preview.example.com"
POLICY = CORSPolicy(**PRODUCTION)
WITH_CREDENTIALS = replace(POLICY, allow_credentials=True)
UPDATE = "deploy these settings, or run check with the deployed settings"
ALLOW = "Access-Control-Allow-"


@pytest.fixture(scope="module")
def server() -> Iterator[Crooked]:
    with crooked() as server:
        yield server


def service(policy: CORSPolicy) -> Behaviour:
    return asked(CORSPolicyMiddleware(passed, policy))


def findings(
    server: Crooked, behaviour: Behaviour, policy: CORSPolicy = POLICY, *origins: str
) -> list[Finding]:
    """Return the findings for a behaviour of the service."""
    server.behaviours["service"] = behaviour
    # Pages over https can call http on loopback only.
    return [*check(f"http://localhost:{server.server_port}/service", policy, origins)]


def wrong(found: list[Finding]) -> dict[str, tuple[str, str]]:
    return {one.origin: (one.wrong, one.change) for one in found if one.wrong}


POLICIES = [
    POLICY,
    WITH_CREDENTIALS,
    replace(POLICY, allow_http_loopback=True),
    CORSPolicy(),
    CORSPolicy(allow_origins=["*"]),
    CORSPolicy(development=True, allow_origins=["*"], allow_methods=["*"]),
    CORSPolicy(
        development=True,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["X-A"],
        allow_credentials=True,
        max_age=0,
    ),
    CORSPolicy(
        allow_origins=["http://localhost:*", "capacitor://localhost", "https://*.a.example:*"],
        allow_methods=["get".upper(), "QUERY"],
        expose_headers=["*"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=0,
    ),
]


@pytest.mark.parametrize("policy", POLICIES)
def test_check_accepts_every_correct_service(server: Crooked, policy: CORSPolicy) -> None:
    found = findings(server, service(policy), policy)
    assert wrong(found) == {}
    expected = [example(entry) for entry in policy.allow_origins]
    assert [one.origin for one in found if one.is_allowed] == expected
    assert [one.origin for one in found if not one.is_allowed] == look_alikes(policy)


def test_check_sends_the_expected_requests(server: Crooked) -> None:
    got: list[tuple[str, str, dict[str, str]]] = []
    behave = service(POLICY)

    def behaviour(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        asked = {name: value for name, value in headers.items() if name.startswith(("A", "O"))}
        asked.pop("Accept-Encoding", None)
        got.append((method, path, asked))
        return behave(method, path, headers, body)

    server.behaviours["service"] = behaviour
    [*check(f"http://localhost:{server.server_port}/service/?x=1#y", POLICY, [APP])]
    path = "/service/?x=1"
    assert got[:3] == [
        (
            "OPTIONS",
            path,
            {
                "Origin": APP,
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "x-tenant",
            },
        ),
        ("GET", path, {"Origin": APP}),
        ("GET", path, {}),
    ]
    foreign_origin = {"Origin": "https://foreign.example"}
    assert [asked for _, _, asked in got[3:7]] == [
        {},
        {"Origin": APP},
        {"Origin": APP},
        foreign_origin,
    ]
    new, other, *again = [path for _, path, _ in got[3:7]]
    assert (new[: len(path)], again) == (path, [new, new])
    assert len({path, new, other}) == 3
    foreign = {"Origin": "https://foreign.example", "Access-Control-Request-Method": "GET"}
    assert got[7:9] == [
        ("OPTIONS", path, foreign),
        ("GET", path, foreign_origin),
    ]
    assert {method for method, _, _ in got} == {"OPTIONS", "GET"}


@pytest.mark.parametrize(
    ("policy", "method", "names"),
    [
        (
            CORSPolicy(
                development=True,
                allow_origins=["*"],
                allow_methods=["*"],
                allow_headers=["*"],
            ),
            "PUT",
            "x-asked",
        ),
        (
            CORSPolicy(
                allow_origins=[APP],
                allow_headers=["X-B", "Accept", "X-A"],
            ),
            "GET",
            "x-a,x-b",
        ),
        (CORSPolicy(allow_origins=[APP]), "GET", None),
        (
            CORSPolicy(allow_origins=[APP], allow_methods=["POST", "DELETE"]),
            "DELETE",
            None,
        ),
    ],
)
def test_check_preflights_with_entries_of_the_policy(
    server: Crooked, policy: CORSPolicy, method: str, names: str | None
) -> None:
    got: list[tuple[str | None, str | None]] = []
    behave = service(policy)

    def behaviour(verb: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        if verb == "OPTIONS":
            asked = [
                headers.get(f"Access-Control-Request-{what}") for what in ("Method", "Headers")
            ]
            got.append((asked[0], asked[1]))
        return behave(verb, path, headers, body)

    findings(server, behaviour, policy, APP)
    assert got[0] == (method, names)


def test_look_alikes_resemble_entries_of_the_list() -> None:
    assert look_alikes(POLICY) == [
        "https://foreign.example",
        "null",
        "http://app.example.com",
        "https://app.example.com.foreign.example",
        "https://foreignapp.example.com",
        "https://app.example.com:8443",
        "http://cors-check.preview.example.com",
        "https://cors-check.preview.example.com.foreign.example",
        "https://cors-check.preview.example.com:8443",
    ]
    policy = CORSPolicy(allow_origins=["http://localhost:8443"])
    assert look_alikes(policy)[2:] == [
        "https://localhost:8443",
        "http://localhost.foreign.example:8443",
        "http://foreignlocalhost:8443",
        "http://localhost:8444",
    ]
    many = CORSPolicy(allow_origins=[f"https://{n}.a" for n in "abcd"])
    assert len(look_alikes(many)) == 2 + 3 * 4


def changed(change: Change, policy: CORSPolicy = POLICY) -> Behaviour:
    """Return the behaviour of the service behind a proxy."""
    return behind(change, service(policy))


LOG = "check the proxy's log, and that the service runs"
PASS_ON = "let OPTIONS requests pass to the service"
ANSWERS_ITSELF = "look for a proxy that responds itself or removes the header"
IN_FRONT = "check the proxies in front of the service"
DOUBLED = "remove the header from the proxy (the service already sends it)"
NO_CACHE = "stop proxies from setting or caching this header"
# Changes of responses, the finding for each, and the proposed correction.
PROXIES: dict[str, tuple[Change, str, str]] = {
    "502": (
        lambda *_: Response(502, [HTML]),
        words.GATEWAY.format("preflight", 502),
        LOG,
    ),
    "503": (request(503), words.GATEWAY.format("request", 503), LOG),
    "504": (preflight(504), words.GATEWAY.format("preflight", 504), LOG),
    "doubled header": (
        with_headers((f"{ALLOW}Origin", APP)),
        words.DOUBLED.format(f"{APP}, {APP}"),
        DOUBLED,
    ),
    "doubled with *": (
        lambda method, response: (
            response
            if method == "OPTIONS"
            else with_headers((f"{ALLOW}Origin", "*"))(method, response)
        ),
        words.DOUBLED.format(f"{APP}, *"),
        DOUBLED,
    ),
    "redirected preflight": (
        preflight(301, ("Location", "https://api.example.com/service")),
        words.PREFLIGHT_MOVED.format("https://api.example.com/service"),
        "call https://api.example.com/service",
    ),
    "redirected request": (
        request(302, ("Location", "/login"), HTML),
        words.REQUEST_MOVED.format("/login"),
        "call the address that needs no redirect",
    ),
    "401": (
        preflight(401, ("WWW-Authenticate", "Basic")),
        words.LOGIN.format(401),
        f"{PASS_ON} without authentication",
    ),
    "407": (
        preflight(407),
        words.LOGIN.format(407),
        f"{PASS_ON} without authentication",
    ),
    "405": (preflight(405), words.NO_CORS.format(405), PASS_ON),
    "501": (preflight(501), words.NO_CORS.format(501), PASS_ON),
    "404": (preflight(404), words.NO_CORS.format(404), PASS_ON),
    "an error with headers": (
        preflight(500, (f"{ALLOW}Origin", APP)),
        words.PREFLIGHT_FAILED.format(500),
        "look for a proxy that responds itself",
    ),
    "an HTML page": (
        lambda *_: Response(200, [HTML]),
        words.HTML_PAGE.format("preflight", 200),
        IN_FRONT,
    ),
    "an HTML page for requests": (
        request(403, HTML),
        words.HTML_PAGE.format("request", 403),
        IN_FRONT,
    ),
    "removed header": (
        without("access-control-allow-origin"),
        words.HEADER_REMOVED.format("preflight", 200),
        ANSWERS_ITSELF,
    ),
    "forbidden": (
        preflight(403),
        words.HEADER_REMOVED.format("preflight", 403),
        ANSWERS_ITSELF,
    ),
    "another's answer": (
        request(200, (f"{ALLOW}Origin", "https://b.test")),
        words.ANOTHER_ORIGIN.format("https://b.test", APP),
        NO_CACHE,
    ),
    "malformed header": (
        request(200, (f"{ALLOW}Origin", "app.example.com")),
        words.ANOTHER_ORIGIN.format("app.example.com", APP),
        NO_CACHE,
    ),
    "malformed list of headers": (
        preflight(200, (f"{ALLOW}Origin", APP), (f"{ALLOW}Headers", "X Foo")),
        "'X Foo' in Access-Control-Allow-Headers is no header",
        "remove it there",
    ),
    "malformed list of methods": (
        preflight(200, (f"{ALLOW}Origin", APP), (f"{ALLOW}Methods", "P T")),
        "'P T' in Access-Control-Allow-Methods is no method",
        "remove it there",
    ),
    "no Vary": (
        without("vary"),
        words.NO_VARY,
        "stop proxies from removing or replacing Vary",
    ),
    "another Vary": (
        lambda method, response: with_headers(("Vary", "Accept"))(
            method, without("vary")(method, response)
        ),
        words.NO_VARY,
        "stop proxies from removing or replacing Vary",
    ),
}


@pytest.mark.parametrize("name", PROXIES)
def test_check_recognises_the_faults_of_proxies(server: Crooked, name: str) -> None:
    change, said, remedy = PROXIES[name]
    found = findings(server, changed(change), POLICY, APP)
    assert wrong(found)[APP] == (said, remedy)


# Headers that each gateway adds to its responses, and the gateways that `check` excludes.
SIGNS: dict[str, tuple[str, str]] = {
    "API Gateway": ("apigw-requestid", "a"),
    "CloudFront": ("X-Amz-Cf-Id", "a"),
    "Cloudflare": ("CF-RAY", "a-FRA"),
    "Azure Front Door": ("x-azure-ref", "a"),
    "ingress-nginx": (f"{ALLOW.removesuffix('Allow-')}Max-Age", "1728000"),
}


@pytest.mark.parametrize("name", SIGNS)
def test_check_names_the_setting_of_a_gateway(server: Crooked, name: str) -> None:
    sign = with_headers(SIGNS[name])
    for policy, change in (
        (POLICY, preflight(403)),
        (POLICY, without("vary")),
        (POLICY, with_headers((f"{ALLOW}Origin", APP))),
        (CORSPolicy(), with_headers((f"{ALLOW}Origin", "*"))),
    ):

        def both(method: str, response: Response, change: Change = change) -> Response:
            return sign(method, change(method, response))

        changes = [
            change for _, change in wrong(findings(server, changed(both, policy), policy)).values()
        ]
        assert changes and all(text.endswith(f"; {words.IN_GATEWAY[name]}") for text in changes)


def test_check_names_api_gateway_behind_cloudfront(server: Crooked) -> None:
    both = with_headers(SIGNS["CloudFront"], ("x-amz-apigw-id", "a"), (f"{ALLOW}Origin", APP))
    (_, change) = wrong(findings(server, changed(both), POLICY, APP))[APP]
    assert change.endswith(words.IN_GATEWAY["API Gateway"])


def test_check_recognises_errors_of_cloudflare(server: Crooked) -> None:
    change = preflight(522, SIGNS["Cloudflare"])
    (said, _) = wrong(findings(server, changed(change), POLICY, APP))[APP]
    assert said == words.GATEWAY.format("preflight", 522)


def test_check_accepts_vary_for_all_headers(server: Crooked) -> None:
    def change(method: str, response: Response) -> Response:
        return with_headers(("Vary", "*"))(method, without("vary")(method, response))

    assert wrong(findings(server, changed(change))) == {}


def test_check_requires_vary_without_an_origin(server: Crooked) -> None:
    behave = service(POLICY)

    def behaviour(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        answer = behave(method, path, headers, body)
        return answer if "Origin" in headers else without("vary")(method, answer)

    found = findings(server, behaviour)
    assert {said for said, _ in wrong(found).values()} == {PROXIES["no Vary"][1]}
    public = CORSPolicy(allow_origins=["*"])
    assert wrong(findings(server, changed(without("vary"), public), public)) == {}


class Cache:
    """A cache that uses the address alone as its key, and optionally keeps preflights."""

    def __init__(self, *, is_keyed: bool = False, keeps_without_origin: bool = True) -> None:
        self.kept: dict[object, Response] = {}
        self.is_keyed = is_keyed
        self.keeps_without_origin = keeps_without_origin

    def behind(self, behave: Behaviour) -> Behaviour:
        def behaviour(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
            origin = headers.get("Origin")
            key = (path, origin if self.is_keyed else None)
            if method != "GET" or not (origin or self.keeps_without_origin):
                return behave(method, path, headers, body)
            if key not in self.kept:
                self.kept[key] = behave(method, path, headers, body)
            return self.kept[key]

        return behaviour


TO_ANOTHER = words.IGNORES_VARY
NOBODY = "a request without an Origin"
OF_CACHE = "put Origin in the cache key, or turn the cache off"


def test_check_recognises_a_cache_that_ignores_vary(server: Crooked) -> None:
    """Try each first response, and accept a cache that has Origin in its key."""
    one = replace(POLICY, allow_origins=[APP])
    for policy, second in ((POLICY, PREVIEW), (one, "https://foreign.example")):
        for cache, kept in (
            (Cache(), TO_ANOTHER.format(APP, NOBODY)),
            (Cache(keeps_without_origin=False), TO_ANOTHER.format(second, APP)),
        ):
            found = findings(server, cache.behind(service(policy)), policy)
            assert (found[0].wrong, found[0].change) == (kept, OF_CACHE)
        right = Cache(is_keyed=True).behind(service(policy))
        assert wrong(findings(server, right, policy)) == {}
    public = CORSPolicy(allow_origins=["*"])
    found = findings(server, Cache().behind(service(public)), public)
    assert found[0].wrong == TO_ANOTHER.format("https://any.example", NOBODY)
    cache = Cache(keeps_without_origin=False)
    assert wrong(findings(server, cache.behind(service(public)), public)) == {}


def test_check_suspects_no_cache_if_query_is_refused(server: Crooked) -> None:
    behave = service(POLICY)

    def behaviour(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        return behave(method, path, headers, body) if "?" not in path else Response(403, [HTML])

    assert wrong(findings(server, behaviour)) == {}


HOSTILE = {
    "escape": "\x1b]52;c;eA==\x07",
    "C1": "\x9b2J",
    "bidi": "\u202eevil".encode().decode("latin-1"),
    "GitHub": "x ::set-output name=a::b",
    "Azure Pipelines": "##vso[task.complete]",
    "long": "x" * 60_000,
}
OBEYED = re.compile(r"[^ -~\n]|##|^\s*::", re.M)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("name", HOSTILE)
def test_check_escapes_terminal_and_ci_commands(
    server: Crooked,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    as_json: list[str],
) -> None:
    """Put commands into an origin, a list, a redirect of a status page, and a whole list."""
    value = HOSTILE[name]
    monkeypatch.setattr(loading, "SETTINGS", "tests.support.service.settings:Settings")
    url = f"http://localhost:{server.server_port}/service"
    monkeypatch.setattr(sys, "argv", ["python -m cors_right", "check", url, *as_json])
    for change in (
        request(200, (f"{ALLOW}Origin", value)),
        preflight(200, (f"{ALLOW}Origin", APP), (f"{ALLOW}Methods", value)),
        preflight(302, ("Location", value)),
        request(302, ("Location", value)),
        with_headers((f"{ALLOW}Origin", value)),
        with_headers(("Access-Control-Expose-Headers", value)),
    ):
        server.behaviours["service"] = behind(change, service(Settings().cors_policy()))
        assert command.main() == 1
        output = capsys.readouterr().out
        assert not OBEYED.search(output)
        assert len(output) < 40_000
        assert "WRONG" in output or as_json


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "a list without it": (
        {"allow_origins": ["https://b.test"]},
        words.NOT_ITS_LIST.format(APP),
    ),
    "no method": ({"allow_methods": ["GET"]}, f"{words.NOT_ITS_POLICY}, without PUT"),
    "no header": ({"allow_headers": []}, f"{words.NOT_ITS_POLICY}, without x-tenant"),
    "more methods": (
        {"allow_methods": ["GET", "PUT", "PATCH"]},
        f"{words.NOT_ITS_POLICY}: Access-Control-Allow-Methods is GET, PATCH, PUT, expected "
        "GET, PUT",
    ),
    "more headers": (
        {"allow_headers": ["X-Tenant", "X-B"]},
        f"{words.NOT_ITS_POLICY}: Access-Control-Allow-Headers is accept, accept-language, "
        "content-language, content-type, x-b, x-tenant, expected accept, accept-language, "
        "content-language, content-type, x-tenant",
    ),
    "nothing exposed": (
        {"expose_headers": []},
        f"{words.NOT_ITS_POLICY}: Access-Control-Expose-Headers is absent, expected location",
    ),
    "another age": (
        {"max_age": 600},
        f"{words.NOT_ITS_POLICY}: Access-Control-Max-Age is 600, expected 7200",
    ),
    "credentials": (
        {"allow_credentials": True},
        f"{words.NOT_ITS_POLICY}: Access-Control-Allow-Credentials is true, expected absent",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_check_recognises_another_policy(server: Crooked, name: str) -> None:
    arguments, said = OTHERS[name]
    found = findings(server, service(replace(POLICY, **arguments)), POLICY, APP)
    assert wrong(found)[APP] == (said, UPDATE)


@pytest.mark.parametrize("of", ["OPTIONS", "GET"])
def test_check_recognises_missing_credentials(server: Crooked, of: str) -> None:
    def change(method: str, response: Response) -> Response:
        drop = without("access-control-allow-credentials")
        return drop(method, response) if method == of else response

    found = findings(server, changed(change, WITH_CREDENTIALS), WITH_CREDENTIALS, APP)
    assert wrong(found)[APP] == (
        words.NO_CREDENTIALS,
        words.LEAVE_CREDENTIALS_OUT,
    )


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        (lambda origin: [(f"{ALLOW}Origin", "*")], "*"),
        (lambda origin: [(f"{ALLOW}Origin", origin)], "{}"),
        (lambda origin: [(f"{ALLOW}Origin", APP), (f"{ALLOW}Origin", origin)], f"{APP}, {{}}"),
    ],
)
@pytest.mark.parametrize("asked_by", ["OPTIONS", "GET"])
def test_check_reports_unlisted_origins_that_get_access(
    server: Crooked, asked_by: str, headers: Any, let_in: str
) -> None:
    behave = service(POLICY)

    def behaviour(method: str, path: str, sent: Mapping[str, str], body: bytes) -> Response:
        if method == asked_by and (origin := sent.get("Origin")) and not POLICY.allows(origin):
            return Response(200, headers(origin))
        return behave(method, path, sent, body)

    assert wrong(findings(server, behaviour)) == {
        origin: (
            words.LETS_IN.format(let_in.format(origin), origin),
            f"let only the service set this header. If it already does, {UPDATE}",
        )
        for origin in look_alikes(POLICY)
    }


def test_check_accepts_a_header_for_another_origin(server: Crooked) -> None:
    def change(method: str, response: Response) -> Response:
        if response.get("Access-Control-Allow-Origin"):
            return response
        return with_headers((f"{ALLOW}Origin", APP))(method, response)

    assert wrong(findings(server, changed(change))) == {}


def test_check_explains_an_origin_missing_in_settings(server: Crooked) -> None:
    origin = "http://app.example.com"
    found = findings(server, service(POLICY), POLICY, origin, APP)
    reason = why_not_allowed(POLICY, [origin])
    assert found[0] == Finding(
        origin, False, words.NOT_IN_SETTINGS + reason.why, correction(reason, POLICY)
    )
    assert found[1] == Finding(APP, True)


def test_check_reports_http_address_for_https_page() -> None:
    (found,) = [one for one in check("http://api.example.test/x", POLICY, [APP]) if one.is_allowed]
    assert (found.wrong, found.change) == (
        "a page over https cannot call an address over http",
        "call https://api.example.test/x",
    )


@contextmanager
def raw_server(behave: Callable[[socket.socket], object]) -> Iterator[int]:
    """Pass each connection to `behave`, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):  # the client has left
                    behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def trickle(start: bytes) -> Callable[[socket.socket], None]:
    """Return a behaviour that sends single bytes until the client leaves."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        connection.settimeout(0.05)
        while True:
            try:
                if not connection.recv(4096):
                    return
            except TimeoutError:
                connection.sendall(b"x")

    return behave


def closes(connection: socket.socket) -> None:
    connection.recv(4096)


def says(text: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(text)

    return behave


RIGHT = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: "
NETWORK: dict[str, tuple[str, Callable[[socket.socket], object], str]] = {
    "closes": ("http", closes, "closed the connection without a response"),
    "speaks no HTTP": (
        "http",
        says(b"SSH-2.0-OpenSSH\r\n"),
        "does not speak HTTP. Did you mean https://?",
    ),
    "speaks no TLS": (
        "https",
        says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "does not speak TLS. Did you mean http://?",
    ),
    "endless headers": (
        "http",
        says(RIGHT + b"x\r\n" + b"X: y\r\n" * 200),
        "does not speak HTTP. Did you mean https://?",
    ),
    "a long line": (
        "http",
        says(RIGHT + b"x" * 70_000),
        "does not speak HTTP. Did you mean https://?",
    ),
    "silent": (
        "http",
        lambda connection: connection.recv(4096) and connection.recv(1),
        "did not respond within 0.3 s",
    ),
    "trickling status": ("http", trickle(b""), "did not respond within 0.3 s"),
    "trickling headers": ("http", trickle(RIGHT), "did not respond within 0.3 s"),
    "silent under TLS": (
        "https",
        lambda connection: connection.recv(4096) and connection.recv(1),
        "did not respond within 0.3 s",
    ),
}


@pytest.mark.parametrize("name", NETWORK)
def test_check_names_the_failure_of_the_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme, behave, said = NETWORK[name]
    if "0.3" in said:
        monkeypatch.setattr(checking, "PATIENCE", 0.3)
    with raw_server(behave) as port:
        found = [*check(f"{scheme}://localhost:{port}/", POLICY)]
    assert found == [Finding(APP, True, f"localhost:{port} {said}", "check the address", False)]


def test_check_does_not_wait_for_slow_body() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\n"
    with raw_server(trickle(answer)) as port:
        found = [*check(f"http://localhost:{port}/", POLICY, [APP])]
    assert found[0].wrong == words.HEADER_REMOVED.format("preflight", 200)


def test_check_reports_a_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    empty = CORSPolicy()
    for policy, is_allowed in ((POLICY, True), (empty, False)):
        (found,) = check(f"http://localhost:{port}/", policy)
        assert (found.wrong, found.is_allowed) == (
            f"localhost:{port} refuses the connection",
            is_allowed,
        )


def test_check_reports_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    (found,) = check("https://api.example.test/", POLICY)
    assert found.wrong == "api.example.test does not resolve to an IP address"


def test_check_quotes_other_network_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    (found,) = check("https://api.example.test/", POLICY)
    assert found.wrong == "api.example.test cannot be reached: Network is unreachable"


def test_check_reports_an_untrusted_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    path = tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    with crooked(path) as server:
        server.behaviours["service"] = service(POLICY)
        url = f"https://localhost:{server.server_port}/service"
        (found,) = check(url, POLICY)
        said = f"localhost:{server.server_port} has a certificate that browsers do not trust: "
        assert found.wrong.startswith(said)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert wrong([*check(url, POLICY)]) == {}


def test_check_reads_no_large_body(server: Crooked) -> None:
    def change(method: str, response: Response) -> Response:
        return replace(response, body=b"x" * 50_000_000)

    assert wrong(findings(server, changed(change), POLICY, APP)) == {}


NOT_LISTED = words.not_listed("https://b.test", APP)
ADD = correction(NOT_LISTED, words.policy(APP))
SAID = f"""\
{words.in_force(APP, "https://*.preview.example.com")}

allowed   https://app.example.com
{labelled("WRONG", f"https://b.test: {words.NOT_IN_SETTINGS}{NOT_LISTED.why}")}
{labelled("change", ADD)}
refused   https://foreign.example
refused   null
refused   http://app.example.com
"""


def test_command_prints_findings_and_exit_status(
    server: Crooked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "SETTINGS", "tests.support.service.settings:Settings")
    server.behaviours["service"] = service(Settings().cors_policy())
    url = f"http://localhost:{server.server_port}/service#fragment"

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["python -m cors_right", "check", url, *arguments])
        return command.main(), capsys.readouterr().out

    status, output = run(APP, "https://b.test")
    assert (status, output[: len(SAID)]) == (1, SAID)
    status, output = run()
    assert (status, "WRONG" in output, f"allowed   {PREVIEW}\n" in output) == (0, False, True)
    status, output = run("https://b.test", "--json")
    found = json.loads(output)
    assert (status, found[0]) == (
        1,
        {
            "origin": "https://b.test",
            "is_allowed": False,
            "wrong": words.NOT_IN_SETTINGS + NOT_LISTED.why,
            "change": ADD,
            "is_answered": True,
        },
    )
    assert output.startswith('[\n  {\n    "origin"')
    assert run("--json")[0] == 0


def test_check_tells_blocked_from_not_asked(
    server: Crooked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "SETTINGS", "tests.support.service.settings:Settings")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://localhost:{server.server_port}/service"
    dead = f"http://localhost:{port}/"

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["python -m cors_right", "check", *arguments])
        return command.main(), capsys.readouterr().out

    status, output = run(dead)
    assert status == 4
    assert f"\nno answer {APP}: localhost:{port} refuses the connection\n" in output
    assert json.loads(run(dead, "--json")[1])[0]["is_answered"] is False
    assert run(dead, "https://b.test")[0] == 1  # the settings do not allow it
    server.behaviours["service"] = service(Settings().cors_policy())
    assert run(url)[0] == 0
    status, output = run(url, "--env", "development")
    assert (status, output.partition(":")[0]) == (1, "development")
    opened = Settings(fastapi_env="development").cors_policy()
    server.behaviours["service"] = service(opened)
    assert run(url, "--env", "development")[0] == 0


def test_check_reports_a_dead_service_without_origins(server: Crooked) -> None:
    empty = CORSPolicy()
    (found,) = findings(server, lambda *_: Response(502, [HTML]), empty)
    assert found.wrong == words.NOT_REACHED.format(502)


def test_check_tries_each_origin_once(server: Crooked) -> None:
    found = findings(server, service(POLICY), POLICY, "null")
    assert [one.origin for one in found].count("null") == 1
