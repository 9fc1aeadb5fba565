"""Fixtures: browsers, frontends and services, each started once."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from jwt.algorithms import RSAAlgorithm

from tests.support.baking import Bakery
from tests.support.browser.engines import ENGINES, Browser, started
from tests.support.browser.pages import EMPTY_PAGE, frontends
from tests.support.browser.scenario import World
from tests.support.browser.visitor import AUDIENCE, KEY
from tests.support.requirements import REQUIRED_ENGINES, need


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Return the name of an engine; skip the test if it is missing, or fail if it is required."""
    name = str(request.param)
    need(name, is_required=name in REQUIRED_ENGINES)
    return name


@pytest.fixture(scope="session")
def browser(engine: str) -> Iterator[Browser]:
    """Yield a browser that accepts third-party cookies."""
    with started(engine) as browser:
        yield browser


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate and its key for every name that the tests use."""
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    names = (
        "*.example.localhost",
        "*.preview.localhost",
        "*.localhost",
        "*.evil.localhost",
        "localhost",
        "127.0.0.1",
    )
    trustme.CA().issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def world(
    bakery: Bakery, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Yield frontends over http and https, which start services on demand."""
    folder = tmp_path_factory.mktemp("frontend")
    (folder / "index.html").write_text(EMPTY_PAGE, encoding="utf-8")
    with ExitStack() as stack:
        plain = stack.enter_context(frontends(folder))
        secure = stack.enter_context(frontends(folder, certificate))
        yield World(bakery, stack, certificate, {"http": plain, "https": secure})


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield settings for tokens that `KEY` signs."""
    folder = tmp_path_factory.mktemp("issuer")
    keys = [RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "test"}]
    (folder / "keys.json").write_text(json.dumps({"keys": keys}), encoding="utf-8")
    with frontends(folder) as port:
        url = f"http://127.0.0.1:{port}/"
        yield {"AUTH_JWKS_URL": f"{url}keys.json", "AUTH_ISSUER": url, "AUTH_AUDIENCE": AUDIENCE}
