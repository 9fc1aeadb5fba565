"""Responses that pages read through each proxy of docs/proxies.md, and errors of the proxy.

The tests cover one answer, requests with credentials, and a third of the kinds of requests. They
overload no service. tests/test_proxies.py and tests/test_proxy_errors.py cover the rest without
browsers.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.support.baking import Bakery
from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import LISTED, Service, World, fetch_all, to_fetch
from tests.support.cases import REQUESTS, may_read
from tests.support.proxies import (
    DOWN,
    HUNG,
    KINDS,
    NO_RETRIES,
    SHORT,
    Certificates,
    authority_in,
    proxy,
)
from tests.support.proxies import LISTED as ON_THE_PAGE
from tests.support.serving import serve

HOST = "api.example.localhost"
SERVED = ("GET", "JSON POST", "404", "413", "500", "stream", "unlisted header")
Expected = dict[tuple[str, str], int | None]  # by the proxy and the request


def test_pages_read_the_service_and_the_proxies(
    bakery: Bakery, world: World, browser: Browser, tmp_path: Path
) -> None:
    certificates = Certificates(world.certificate, authority_in(tmp_path).certificates.clients)
    origins = dict(zip(ON_THE_PAGE, world.origins, strict=False))
    variables = {
        "FASTAPI_ENV": "production",
        "FRONTEND_ORIGINS": ",".join(world.origins),
        "MAX_BODY_SIZE": "1000",
    }
    with ExitStack() as stack:
        service = stack.enter_context(
            serve(bakery.bake(credentials="cookies"), "probes:app", variables)
        )

        def fronts(speed: str, changes: Mapping[str, Mapping[str, str]]) -> dict[str, Service]:
            found = {}
            for kind in KINDS:
                folder = tmp_path / f"{kind}, {speed}".replace(", ", "-")
                folder.mkdir()
                own = {**origins, **changes.get(kind, {})}
                running = stack.enter_context(
                    proxy(kind, folder, service.port, certificates, own, HOST)
                )
                found[kind] = Service(running, "https", HOST)
            return found

        patient, hasty = fronts("patient", NO_RETRIES), fronts("hasty", SHORT)
        wrong: list[tuple[str, ...]] = []
        for page in ("exact", "pattern", "foreign", "null"):
            expected: Expected = {
                (kind, name): REQUESTS[name][1]
                if may_read("production", "cookies", name, page in LISTED, True)
                else None
                for kind in KINDS
                for name in SERVED
            }
            wrong += differences(world, browser, page, patient, expected)
        for page in ("exact", "foreign"):
            expected = {(kind, "hung"): HUNG[kind] if page == "exact" else None for kind in KINDS}
            wrong += differences(world, browser, page, hasty, expected)
        service.popen.kill()
        service.popen.wait()
        for page in ("exact", "second", "pattern", "foreign", "null"):
            is_reader = page in ("exact", "second")
            expected = {(kind, "killed"): DOWN[kind] if is_reader else None for kind in KINDS}
            wrong += differences(world, browser, page, patient, expected)
    assert not wrong


def differences(
    world: World, browser: Browser, page: str, fronts: Mapping[str, Service], expected: Expected
) -> Iterable[tuple[str, ...]]:
    """Let a page send requests to the proxies, and return its unexpected results."""
    outcomes = fetch_all(
        browser,
        world.page(page, next(iter(fronts.values()))),
        page,
        [request(fronts[kind], name) for kind, name in expected],
    )
    for ((kind, name), status), outcome in zip(expected.items(), outcomes, strict=True):
        meant, seen = in_words(status), in_words(outcome.get("status"))
        group = f"behind {kind}: page of origin {page}"
        record(Case(browser.engine, group, name, meant, seen, outcome.get("error", "")))
        if meant != seen:
            yield (kind, name, page, meant, seen)


def request(front: Service, name: str) -> dict[str, Any]:
    """Return a request through a proxy in the form of `fetch_all`."""
    path = {"hung": "/hang", "killed": "/health"}.get(name)
    arguments: dict[str, Any] = {"url": path} if path else REQUESTS[name][0]
    return to_fetch(f"{front.url}{arguments['url']}", arguments, True)


def in_words(status: int | None) -> str:
    """Return the page's view in words."""
    return "blocked" if status is None else f"reads {status}"
