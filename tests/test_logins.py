"""The login of docs/logins.md under attack, by programs that send any request."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.support.baking import WITH_COOKIES, Bakery
from tests.support.checks import is_clean
from tests.support.crooked import crooked
from tests.support.logins import with_login
from tests.support.markdown import LOGINS
from tests.support.provider import Provider
from tests.support.serving import REQUIRED, Response, clean_environment, free_port, send, serve

APP, ADMIN, EVIL = "https://app.example.com", "https://admin.example.com", "https://evil.example"
API = "api.example.com"
OTHER_BROWSER = "The login did not begin in this browser and on this origin."
EXPIRED, UNLISTED = "The login has expired.", "The policy does not allow the frontend."
REFUSED_CODE = "The provider refused the code."
WRONG_TOKEN = "The provider's token belongs to another login."
NO_PROVIDER = "The provider did not respond as OpenID Connect says."

Answer = dict[str, str]


@dataclass
class Client:
    """A client with a browser's cookies and any request headers."""

    port: int
    provider: Provider
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, origin: str | None = APP, body: object = None, **more: str
    ) -> Response:
        headers = {"Host": API, "Sec-Fetch-Site": "same-site", **more}
        headers |= {"Origin": origin} if origin else {}
        headers |= {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        headers.setdefault("Content-Type", "application/json")
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
        status, answered, text = send(self.port, method, path, headers, content)
        for line in answered.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return status, answered, text

    def begin(self, origin: str = APP) -> Answer:
        """Begin a login at the provider, and return the provider's answer."""
        status, _, body = self.ask("POST", "/login", origin)
        assert status == 200, body
        asked = dict(parse_qsl(urlsplit(json.loads(body)["url"]).query))
        response = self.provider.authorize(asked)
        (address,) = [value for name, value in response.headers if name == "Location"]
        return dict(parse_qsl(urlsplit(address).query))

    def end(self, answer: Answer, origin: str = APP) -> tuple[int, str]:
        """End a login, and return the status and the reason."""
        return said(self.ask("PUT", "/login", origin, answer))

    @property
    def name(self) -> str | None:
        """Return the name in the session."""
        name: str | None = json.loads(self.ask("GET", "/session")[2])["display_name"]
        return name


def said(response: Response) -> tuple[int, str]:
    status, _, body = response
    return status, json.loads(body)["detail"] if body else ""


@dataclass
class World:
    """A service, its provider, and an attacker's knowledge."""

    port: int
    provider: Provider
    project: Path

    def client(self) -> Client:
        return Client(self.port, self.provider)

    def state(self, origin: str, age: float = 0) -> str:
        """Return a state with the service's own signature."""
        settings, session = (
            (self.project / "app" / name).read_text("utf-8")
            for name in ("settings.py", "session.py")
        )
        assert "session_secret" in settings
        (name,) = re.findall(r'^COOKIE_NAME = "(.*)"', session, re.M)
        signer = URLSafeTimedSerializer(REQUIRED["SESSION_SECRET"], salt=f"{name}:login")
        with pytest.MonkeyPatch.context() as patch:
            now = time.time()
            patch.setattr(time, "time", lambda: now - age)
            return str(signer.dumps([origin, "login"]))


@pytest.fixture(scope="module", params=WITH_COOKIES)
def project(
    request: pytest.FixtureRequest, bakery: Bakery, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return with_login(bakery, str(request.param), tmp_path_factory.mktemp("login"))


@pytest.fixture(scope="module")
def world(project: Path) -> Iterator[World]:
    provider, port = Provider(), free_port()
    with crooked() as server:
        server.behaviours["provider"] = provider
        variables = {
            "FASTAPI_ENV": "production",
            "FRONTEND_ORIGINS": f"{APP},{ADMIN}",
            **provider.settings(server.server_port, port),
        }
        with serve(project, "app.main:app", variables, "--port", str(port)) as service:
            yield World(service.port, provider, project)


def csrf(world: World) -> tuple[int, str]:
    return world.client().end(world.client().begin())


def csrf_after_begin(world: World) -> tuple[int, str]:
    victim = world.client()
    victim.begin()
    return victim.end(world.client().begin())


def replay(world: World) -> tuple[int, str]:
    client = world.client()
    answer = client.begin()
    assert client.end(answer) == (204, "")
    return client.end(answer)


def replay_with_cookie(world: World) -> tuple[int, str]:
    client = world.client()
    answer = client.begin()
    thief = Client(world.port, world.provider, dict(client.cookies))
    assert client.end(answer) == (204, "")
    return thief.end(answer)


def stolen_code(world: World) -> tuple[int, str]:
    thief, victim = world.client(), world.client()
    return thief.end({**thief.begin(), "code": victim.begin()["code"]})


def token(world: World, **claims: Any) -> tuple[int, str]:
    world.provider.claims = claims
    try:
        client = world.client()
        ended = client.end(client.begin())
        assert client.name is None
        return ended
    finally:
        world.provider.claims = {}


def other_origin(world: World) -> tuple[int, str]:
    client = world.client()
    return client.end(client.begin(APP), ADMIN)


def callback(world: World, state: str) -> tuple[int, str]:
    query = urlencode({"state": state, "code": "c"})
    response = world.client().ask("GET", f"/login/callback?{query}", None)
    assert "Location" not in response[1]
    return said(response)


def changed_state(world: World) -> tuple[int, str]:
    state = world.client().begin()["state"]
    head, _, tail = state.partition(".")
    return callback(world, f"{head[:-1]}{'A' if head[-1] != 'A' else 'B'}.{tail}")


def session_as_state(world: World) -> tuple[int, str]:
    client = world.client()
    client.begin()
    (cookie,) = client.cookies.values()
    return callback(world, cookie)


def begin(world: World, origin: str, site: str) -> tuple[int, str]:
    response = world.client().ask("POST", "/login", origin, **{"Sec-Fetch-Site": site})
    return response[0], said(response)[1]


CSRF = "Cross-site write refused (CSRF)"
# Each row of the page's table: the attack, and the status and words of the response.
ATTACKS: dict[str, list[tuple[Any, int, str]]] = {
    "login CSRF: the victim's browser opens": [(csrf, 400, OTHER_BROWSER)],
    "login CSRF after the victim has begun": [(csrf_after_begin, 400, OTHER_BROWSER)],
    "replay of a response in the same browser": [(replay, 400, OTHER_BROWSER)],
    "replay with a copied cookie": [(replay_with_cookie, 400, REFUSED_CODE)],
    "the attacker uses a stolen code": [(stolen_code, 400, REFUSED_CODE)],
    "a token for another login, client or issuer": [
        (partial(token, nonce="another"), 400, WRONG_TOKEN),
        (partial(token, aud="another"), 400, WRONG_TOKEN),
        (partial(token, aud=["client", "another"]), 400, WRONG_TOKEN),
        (partial(token, iss="https://evil.example"), 400, WRONG_TOKEN),
        (partial(token, exp=1), 400, WRONG_TOKEN),
        (partial(token, sub=None), 502, NO_PROVIDER),
    ],
    "a login that ends on another allowed origin": [(other_origin, 400, OTHER_BROWSER)],
    "open redirect: a forged or changed state": [
        (partial(callback, state="x"), 400, EXPIRED),
        (partial(callback, state=""), 400, EXPIRED),
        (partial(callback, state="é\r\nLocation: https://evil.example"), 400, EXPIRED),
        (changed_state, 400, EXPIRED),
    ],
    "open redirect: a login that begins with a forged": [
        (partial(begin, origin=EVIL, site="same-origin"), 403, UNLISTED),
        (partial(begin, origin="null", site="same-origin"), 403, UNLISTED),
    ],
    "open redirect: you remove the origin": [
        (lambda world: callback(world, world.state(EVIL)), 400, UNLISTED)
    ],
    "an old state": [(lambda world: callback(world, world.state(APP, 700)), 400, EXPIRED)],
    "a session cookie as a state": [(session_as_state, 400, EXPIRED)],
    "a form on an unlisted page": [(partial(begin, origin=EVIL, site="cross-site"), 403, CSRF)],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_login_refuses_an_attack(world: World, attack: str) -> None:
    for attempt, status, words in ATTACKS[attack]:
        answered, text = attempt(world)
        assert (answered, text[: len(words)]) == (status, words)


def test_login_keeps_nothing_of_a_planted_session(world: World) -> None:
    attacker = world.client()
    prepared = attacker.begin()
    victim = Client(world.port, world.provider, dict(attacker.cookies))
    assert victim.end(victim.begin()) == (204, "")
    name = victim.name
    assert victim.end(prepared) == (400, OTHER_BROWSER)
    assert victim.name == name is not None
    assert attacker.name is None


def test_page_lists_every_attack() -> None:
    text = LOGINS.read_text("utf-8")
    (rows,) = re.findall(r"^\| attack \| refused by \|\n\|---\|---\|\n(.*?)\n\n", text, re.M | re.S)
    listed = [row.split(" | ")[0][2:] for row in rows.splitlines()]
    tried = [*ATTACKS, "a planted session"]
    assert len(listed) == len(tried)
    for row in listed:
        assert any(row.startswith(attack) for attack in tried), row


def test_tabs_share_one_login(world: World) -> None:
    """Log the browser in from the tab that ends first, and give the other tab a reason."""
    for first in (0, 1):
        client = world.client()
        answers = [client.begin(), client.begin()]
        assert client.end(answers[first]) == (204, "")
        name = client.name
        assert client.end(answers[1 - first]) == (400, OTHER_BROWSER)
        assert client.name == name is not None


def test_failed_login_leaves_the_other_tab_alone(world: World) -> None:
    client = world.client()
    first, second = client.begin(), client.begin()
    assert client.end({**first, "code": "wrong"}) == (400, REFUSED_CODE)
    assert client.end(second) == (204, "")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_callback_hands_answer_to_page_and_sets_nothing(world: World, method: str) -> None:
    client = world.client()
    answer = client.begin()
    form = urlencode({**answer, "iss": "https://id.third.localhost", "session_state": "x"})
    posted = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "cross-site"}
    foreign = Client(world.port, world.provider)
    if method == "GET":
        response = foreign.ask("GET", f"/login/callback?{form}", None)
    else:
        response = foreign.ask("POST", "/login/callback", "null", form.encode(), **posted)
    status, headers, _ = response
    location = urlsplit(headers["Location"])
    assert (status, f"{location.scheme}://{location.netloc}", location.path) == (303, APP, "/")
    assert dict(parse_qsl(location.fragment)) == answer
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert headers["Set-Cookie"] is None
    assert client.end(dict(parse_qsl(location.fragment))) == (204, "")


def test_callback_refuses_a_flood_of_fields(world: World) -> None:
    response = world.client().ask("GET", f"/login/callback?{'a=1&' * 30}", None)
    assert said(response) == (400, "The answer has too many fields.")


def test_project_passes_its_own_checks(project: Path) -> None:
    """Use the page's code, and the settings that its tests need."""
    if "is_cross_site=False" not in (project / "app" / "application.py").read_text("utf-8"):
        return  # the projects differ in one word
    is_clean(project)
    ended = subprocess.run(
        [
            *[sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            "tests/test_policy.py",
        ],
        cwd=project,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout


def test_service_refuses_to_send_its_secret_over_http(project: Path) -> None:
    variables = Provider().settings(1, 2) | {"OIDC_TOKEN_URL": "http://id.example.com/token"}
    environment = clean_environment(**REQUIRED, **variables)
    load = [sys.executable, "-B", "-c", "from app.settings import Settings; Settings.load()"]
    ended = subprocess.run(load, cwd=project, env=environment, capture_output=True, text=True)
    assert ended.returncode == 3
    assert "OIDC_TOKEN_URL: " in ended.stderr
