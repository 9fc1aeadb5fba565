"""The own errors of each proxy in docs/proxies.md, and the words of `check` for wrong ones."""

import http.client
import itertools
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from tests.support import words
from tests.support.baking import Bakery
from tests.support.proxies import (
    DOWN,
    FOREIGN,
    HOST,
    HUNG,
    KINDS,
    LISTED,
    NO_RETRIES,
    PAGE,
    PATTERN,
    PREVIEW,
    SHORT,
    Authority,
    Front,
    proxy,
    reload,
)
from tests.support.serving import PATIENCE, Server, clean_environment, serve

ADMIN = LISTED[1]
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
PRODUCTION = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": ",".join([*LISTED, PATTERN])}


@pytest.fixture(scope="module")
def service(bakery: Bakery) -> Iterator[Server]:
    with serve(bakery.bake(), "probes:app", PRODUCTION) as server:
        yield server


# The proxy's own status for a body over its limit.
TOO_LARGE = {"nginx": 413, "HAProxy": 413, "Caddy": 502, "Varnish": 413}


OWN = [
    *itertools.product(KINDS, ["killed", "hung", "overloaded"]),
    *((kind, "too large") for kind in TOO_LARGE),
]


@pytest.mark.parametrize(("kind", "what"), OWN)
def test_allowed_pages_read_errors_of_the_proxy(
    bakery: Bakery, authority: Authority, kind: str, what: str, tmp_path: Path
) -> None:
    variables = PRODUCTION | {"MAX_BODY_SIZE": "30000000"}  # more than the proxy's own limit
    with ExitStack() as stack:
        # With this limit, uvicorn answers each request with 503, and outside the application.
        options = ["--limit-concurrency", "1"] if what == "overloaded" else []
        service = stack.enter_context(serve(bakery.bake(), "probes:app", variables, *options))
        changes = SHORT[kind] if what == "hung" else NO_RETRIES.get(kind)
        running = stack.enter_context(
            proxy(kind, tmp_path, service.port, authority.certificates, changes)
        )
        front = Front(service, running, authority.visitor, kind == "Caddy")
        path, length, expected = "/health", 0, 503
        if what == "killed":
            service.popen.kill()
            service.popen.wait()
            expected = DOWN[kind]
        elif what == "hung":
            path, expected = "/hang", HUNG[kind]
        elif what == "too large":
            path, length, expected = "/notes", 21_000_000, TOO_LARGE[kind]
        # Each hung request takes a second.
        origins = (None, *LISTED, *FOREIGN, PREVIEW) if what != "hung" else (ADMIN, FOREIGN[0])
        for origin in origins:
            status, received = asked(front, path, {"Origin": origin} if origin else {}, length)
            allowed = [origin] if origin in LISTED else None
            assert status == expected
            assert received.get_all("Access-Control-Allow-Origin") == allowed
            assert received.get_all("Access-Control-Allow-Credentials") == (allowed and ["true"])
            assert received.get_all("Vary") == ["Origin"]


def asked(
    front: Front, path: str, origin: Mapping[str, str], length: int
) -> tuple[int, http.client.HTTPMessage]:
    """Send a request with a body of a length, and return the head of the response."""
    connection = front.connect()
    connection.putrequest("POST" if length else "GET", path, skip_host=True)
    lengths = {"Content-Length": str(length)} if length else {}
    for name, value in {"Host": f"{HOST}:{front.proxy.port}", **origin, **lengths}.items():
        connection.putheader(name, value)
    connection.endheaders()
    if front.waits_for_body:
        with suppress(ConnectionError):  # it may respond and close before reading all
            connection.send(b"x" * length)
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers


NEW = "https://new.example.com"


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.reload])
def test_reload_applies_changes_and_ends_no_request(
    bakery: Bakery, authority: Authority, kind: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        service = stack.enter_context(serve(bakery.bake(), "probes:app", PRODUCTION))
        running = stack.enter_context(
            proxy(kind, tmp_path, service.port, authority.certificates, NO_RETRIES.get(kind))
        )
        front = Front(service, running, authority.visitor)
        connection = stack.enter_context(closing(front.connect()))
        connection.request("GET", "/drip", headers={"Host": f"{HOST}:{running.port}"})
        response = connection.getresponse()
        assert response.read(5) == b"first"

        configuration = tmp_path / "configuration"
        text = configuration.read_text("utf-8")
        configuration.write_text(text.replace(ADMIN, NEW), encoding="utf-8")
        reload(kind, tmp_path, running)
        front.send("GET", "/drop")
        assert response.read() == b"second"

        service.popen.kill()
        service.popen.wait()
        deadline = time.monotonic() + PATIENCE
        while readers(front) != [NEW]:  # processes with the old configuration may still respond
            assert time.monotonic() < deadline


def readers(front: Front) -> list[str]:
    """Return the origins, of an old and a new one, that can read the proxy's own errors."""
    answers = (
        (origin, front.send("GET", "/health", {"Origin": origin})) for origin in (ADMIN, NEW)
    )
    return [origin for origin, (_, received, _) in answers if received[ALLOW_ORIGIN] == origin]


# The words of `check` in the page's table, with values for its dots.
ROWS = [
    re.escape(row).replace("…", ".*")
    for row in re.findall(
        r"^\| `([^`]*)` \|",
        PAGE.read_text("utf-8").partition("| `check` says |")[2],
        re.M,
    )
]
# Faults of real proxies, the changed text of the block, and the words of `check`.
PREFLIGHT_204 = words.HEADER_REMOVED.format("preflight", 204)
TWICE = words.DOUBLED.partition(":")[0]
NO_VARY = words.NO_VARY.partition(",")[0]
MOVED = words.PREFLIGHT_MOVED.format("https://other.example.com/health")
NO_CORS = words.NO_CORS.format(405)
LOGIN = words.LOGIN.format(401)
IN_NGINX, IN_HAPROXY = "proxy_http_version 1.1;", "default_backend service"
IN_HTTPD, IN_CADDY = "    ProxyPreserveHost On\n", "    request_body {"
IN_VARNISH = "    # Store only responses"
FAULTS = [
    (
        "nginx",
        "another header",
        IN_NGINX,
        "add_header Access-Control-Allow-Origin * always;",
        TWICE,
    ),
    ("nginx", "no Vary", IN_NGINX, "proxy_hide_header Vary; add_header X-A b;", NO_VARY),
    ("nginx", "redirect", IN_NGINX, "return 301 https://other.example.com$request_uri;", MOVED),
    (
        "nginx",
        "own answer to OPTIONS",
        IN_NGINX,
        "if ($request_method = OPTIONS) { return 204; }",
        PREFLIGHT_204,
    ),
    ("nginx", "no OPTIONS", IN_NGINX, "if ($request_method = OPTIONS) { return 405; }", NO_CORS),
    (
        "HAProxy",
        "another header",
        IN_HAPROXY,
        "http-response add-header Access-Control-Allow-Origin *",
        TWICE,
    ),
    ("HAProxy", "no Vary", IN_HAPROXY, "http-after-response del-header Vary", NO_VARY),
    (
        "HAProxy",
        "redirect",
        IN_HAPROXY,
        "http-request redirect prefix https://other.example.com code 301",
        MOVED,
    ),
    (
        "HAProxy",
        "own answer to OPTIONS",
        IN_HAPROXY,
        "http-request return status 204 if METH_OPTIONS",
        PREFLIGHT_204,
    ),
    (
        "HAProxy",
        "no OPTIONS",
        IN_HAPROXY,
        "http-request deny deny_status 405 if METH_OPTIONS",
        NO_CORS,
    ),
    (
        "HAProxy",
        "login",
        IN_HAPROXY,
        "http-request return status 401 content-type text/plain string no if METH_OPTIONS",
        LOGIN,
    ),
    ("httpd", "another header", IN_HTTPD, "Header always add Access-Control-Allow-Origin *", TWICE),
    ("httpd", "no Vary", IN_HTTPD, "Header unset Vary", NO_VARY),
    (
        "httpd",
        "redirect",
        IN_HTTPD,
        "RewriteEngine on\nRewriteRule ^/(.*)$ https://other.example.com/$1 [R=301]",
        MOVED,
    ),
    ("Caddy", "another header", IN_CADDY, "header +Access-Control-Allow-Origin *", TWICE),
    ("Caddy", "no Vary", IN_CADDY, "header {\n-Vary\ndefer\n}", NO_VARY),
    ("Caddy", "redirect", IN_CADDY, "redir https://other.example.com{uri} 301", MOVED),
    (
        "Caddy",
        "own answer to OPTIONS",
        IN_CADDY,
        "@options method OPTIONS\nrespond @options 204",
        PREFLIGHT_204,
    ),
    ("Caddy", "no OPTIONS", IN_CADDY, "@options method OPTIONS\nrespond @options 405", NO_CORS),
    ("Varnish", "no Vary", IN_VARNISH, "unset beresp.http.Vary;", TWICE),
    (
        "Varnish",
        "no OPTIONS",
        "    if (req.http.Upgrade ~",
        'if (req.method == "OPTIONS") { return (synth(405)); }',
        NO_CORS,
    ),
]


def ignores_vary(header: str) -> dict[str, str]:
    """Return the changes that remove Origin from Varnish's cache key, as in some gateways."""
    return {
        IN_VARNISH: "set beresp.http.X-Vary = beresp.http.Vary; unset beresp.http.Vary;\n"
        + IN_VARNISH,
        "sub vcl_pipe {": f"""
sub vcl_deliver {{
    set resp.http.Vary = resp.http.X-Vary;
    unset resp.http.X-Vary;
    set resp.http.{header} = "emulated";
}}
sub vcl_pipe {{""",
    }


def haproxy_with(header: str, *lines: str) -> dict[str, str]:
    """Return the changes that give HAProxy a gateway's rules, without its own CORS headers."""
    own = "http-after-response set-header "
    return {
        f"{own}Access-Control-Allow-Origin %[var(txn.page)] if page !served": "",
        f"{own}Vary Origin unless served": f"{own}{header} emulated",
        IN_HAPROXY: "\n".join([*lines, IN_HAPROXY]),
    }


# Gateways that one of the servers can emulate: the gateway, the server, its changes, the
# requested path, and the finding of `check`.
EMULATED: list[tuple[str, str, dict[str, str], str, str]] = [
    *(
        (
            name,
            "Varnish",
            ignores_vary(header),
            "kept",
            words.IGNORES_VARY.format(LISTED[0], "a request without an Origin"),
        )
        for name, header in (("Cloudflare", "CF-RAY"), ("Azure Front Door", "X-Azure-Ref"))
    ),
    (
        "CloudFront",
        "HAProxy",
        haproxy_with(
            "X-Amz-Cf-Id",
            "http-request return status 403 content-type text/html string 403 if METH_OPTIONS",
        ),
        "health",
        words.HTML_PAGE.format("preflight", 403),
    ),
    (
        "API Gateway",
        "HAProxy",
        haproxy_with(
            "Apigw-Requestid",
            "http-request return status 204 hdr Access-Control-Allow-Origin https://old.example.com"
            " if METH_OPTIONS",
        ),
        "health",
        words.ANOTHER_ORIGIN.format("https://old.example.com", LISTED[0]),
    ),
    (
        "Azure API Management",
        "Caddy",
        {
            IN_CADDY: "@options method OPTIONS\nrespond @options "
            f'`{{ "statusCode": 404, "message": "Resource not found" }}` 404\n{IN_CADDY}'
        },
        "health",
        words.NO_CORS.format(404),
    ),
    (
        "ingress-nginx",
        "nginx",
        {
            IN_NGINX: f"""{IN_NGINX}
if ($request_method = OPTIONS) {{
    add_header Access-Control-Allow-Origin *;
    add_header Access-Control-Allow-Credentials true;
    add_header Access-Control-Allow-Methods "GET, PUT, POST, DELETE, PATCH, OPTIONS";
    add_header Access-Control-Allow-Headers "Keep-Alive,Content-Type,Range,Authorization";
    add_header Access-Control-Max-Age 1728000;
    return 204;
}}"""
        },
        "health",
        words.NOT_ITS_POLICY,
    ),
]


@pytest.mark.parametrize(
    ("name", "kind", "changes", "path", "sentence"), EMULATED, ids=[row[0] for row in EMULATED]
)
def test_check_recognises_an_emulated_gateway(
    bakery: Bakery,
    service: Server,
    authority: Authority,
    name: str,
    kind: str,
    changes: dict[str, str],
    path: str,
    sentence: str,
    tmp_path: Path,
) -> None:
    with proxy(kind, tmp_path, service.port, authority.certificates, changes) as running:
        said = checked(bakery.bake(), authority, running.port, path)
    assert sentence in said
    assert words.IN_GATEWAY[name] in said


def checked(project: Path, authority: Authority, port: int, path: str = "health") -> str:
    """Run the service's `check` for the allowed origins, and return its output on one line."""
    trust = {"SSL_CERT_FILE": str(authority.certificates.clients)}
    ended = subprocess.run(
        [sys.executable, "-B", "-m", "cors_right", "check", f"https://127.0.0.1:{port}/{path}"],
        cwd=project,
        env=clean_environment(**PRODUCTION, **trust),
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    assert ended.returncode == (1 if "WRONG" in ended.stdout else 0)
    return " ".join(ended.stdout.split())


@pytest.mark.parametrize(
    ("kind", "fault", "where", "line", "sentence"),
    [*FAULTS, *((kind, "none", "", "", "") for kind in KINDS)],
    ids=lambda value: None,
)
def test_check_recognises_wrong_proxy_configurations(
    bakery: Bakery,
    service: Server,
    authority: Authority,
    kind: str,
    fault: str,
    where: str,
    line: str,
    sentence: str,
    tmp_path: Path,
) -> None:
    changes = {where: f"{line}\n{where}"} if where else {}
    with proxy(kind, tmp_path, service.port, authority.certificates, changes) as running:
        said = checked(bakery.bake(), authority, running.port)
    assert ("WRONG" in said) == bool(sentence)
    assert sentence in said
    if sentence:
        assert sum(re.match(row, sentence) is not None for row in ROWS) == 1
