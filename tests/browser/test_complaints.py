"""Complaints in each engine, with the words of the log, `explain`, `check` and the console.

The tests apply the correction from the text, and the same request then succeeds.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cors_right.diagnostics.browser import Fetch, Response, fetch
from cors_right.diagnostics.consoles import consoles
from cors_right.diagnostics.corrections import correction, why_prohibited
from cors_right.reasons import CROSS_SITE_FORM, NotAllowable, NotListed, Unlisted

from tests.support import words
from tests.support.baking import Bakery
from tests.support.browser.complaints import COMPLAINTS, PAGE, PROXIES, Complaint
from tests.support.browser.console import said
from tests.support.browser.engines import Browser
from tests.support.browser.report import Case, record
from tests.support.browser.scenario import CONNECT, fetch_all
from tests.support.crooked import Crooked, behind, crooked
from tests.support.serving import PATIENCE, REQUIRED, Server, clean_environment, send, serve

FORM = "await fetch(args[0], {method: 'POST', mode: 'no-cors', body: 'text'}); return 'sent';"


@dataclass(frozen=True)
class Place:
    """A service and its address."""

    server: Server
    host: str

    def url(self, path: str, scheme: str = "https") -> str:
        return f"{scheme}://{self.host}:{self.server.port}{path}"


@dataclass
class Told:
    """A complaint with its explanations and the proposed corrections."""

    complaint: Complaint
    place: Place
    explained: dict[str, Any]
    corrected: list[tuple[Complaint, Place]]


def in_ports(complaint: Complaint, ports: dict[str, int]) -> Complaint:
    """Return a complaint with the ports in its texts."""
    texts = {name: getattr(complaint, name) for name in ("page", "listed")}
    return replace(complaint, **{name: text.format(**ports) for name, text in texts.items()})


def variables(complaint: Complaint) -> dict[str, str]:
    return {"FASTAPI_ENV": complaint.environment, "FRONTEND_ORIGINS": complaint.listed}


def explained(project: Path, complaint: Complaint, path: str) -> dict[str, Any]:
    """Run `explain` for the page's request, as a developer would."""
    options = complaint.options
    origin = "null" if complaint.does in ("sandboxed", "redirected") else complaint.page
    method = "POST" if complaint.does == "form" else options.get("method", "GET")
    arguments = [origin, method, path, "--json"]
    arguments += [f"--header={name}" for name in options.get("headers", {})]
    arguments += ["--credentials"] if "credentials" in options else []
    command = [sys.executable, "-B", "-m", "cors_right", "explain", *arguments]
    environment = clean_environment(**REQUIRED | variables(complaint))
    ended = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@dataclass(frozen=True)
class Correction:
    """A complaint after a correction, and the entries added to lists in settings.py."""

    complaint: Complaint
    added: tuple[tuple[str, str], ...] = ()


def correction_text(complaint: Complaint) -> str:
    """Return the change that `explain` proposes."""
    file = "app/settings.py"
    form = f"; for a form: {CROSS_SITE_FORM.correction}" if complaint.does == "form" else ""
    match reason := complaint.reason:
        case NotListed():
            return correction(reason, complaint.policy, file) + form
        case NotAllowable():
            return reason.correction
    ways = [words.LEAVE_CREDENTIALS_OUT] if "credentials" in complaint.options else []
    if isinstance(reason, Unlisted):
        ways.append(correction(reason, complaint.policy, file))
    return "; ".join(ways)


def corrections(complaint: Complaint) -> Iterator[Correction]:
    """Yield a corrected complaint for each correction that the reason allows."""
    match reason := complaint.reason:
        case NotListed():
            if reason.near and reason.near.meant:
                yield Correction(replace(complaint, page=reason.near.meant))
            if not why_prohibited(complaint.policy, reason.origin):
                listed = ",".join(filter(None, [complaint.listed, reason.origin]))
                yield Correction(replace(complaint, listed=listed))
            return
        case NotAllowable():
            yield Correction(replace(complaint, does="fetch"))
            return
    options = {name: complaint.options[name] for name in complaint.options if name != "credentials"}
    added = []
    if isinstance(reason, Unlisted):
        if reason.method:
            options["method"] = reason.method.upper()
        if reason.method and not reason.upper_is_listed:
            added.append((reason.method.upper(), "allow_methods"))
        added += [(name.title(), "allow_headers") for name in reason.headers]
    yield Correction(replace(complaint, options=options), tuple(added))


def edited(project: Path, added: tuple[tuple[str, str], ...]) -> Path:
    """Return a copy of a project with entries added to the lists of its policy."""
    names = "-".join(name for name, _ in added)
    copy = project.parent / f"{project.name}-with-{names}"
    if not copy.exists():
        shutil.copytree(project, copy)
        settings = copy / "app" / "settings.py"
        text = settings.read_text("utf-8")
        for name, argument in added:
            text, count = re.subn(rf'({argument}=\[)(?!"\*")', rf'\1"{name}", ', text)
            assert count == 1
        settings.write_text(text, encoding="utf-8")
    return copy


class Services:
    """One process for all services of a project."""

    def __init__(self, stack: ExitStack, certificate: Path) -> None:
        self.stack = stack
        self.certificate = certificate
        self.wanted: dict[Path, list[dict[str, str]]] = {}
        self.servers: dict[Path, Server] = {}

    def want(self, project: Path, complaint: Complaint) -> tuple[Path, int]:
        """Request a service, and return the key that finds it once all services run."""
        wanted = self.wanted.setdefault(project, [])
        wanted.append(variables(complaint))
        return project, len(wanted) - 1

    def start(self) -> None:
        for project, wanted in self.wanted.items():
            environment = {"SERVICES": json.dumps(wanted)}
            options = ("--ssl-certfile", str(self.certificate))
            self.servers[project] = self.stack.enter_context(
                serve(project, "many:app", environment, *options)
            )

    def place(self, key: tuple[Path, int]) -> Place:
        project, number = key
        return Place(self.servers[project], f"s{number}.example.localhost")


@pytest.fixture(scope="module")
def pages(certificate: Path) -> Iterator[dict[str, Crooked]]:
    """Yield two servers of pages, over http and https."""
    with crooked(certificate) as first, crooked(certificate) as second:
        yield {"P": first, "Q": second}


@pytest.fixture(scope="module")
def cases(
    bakery: Bakery, certificate: Path, pages: dict[str, Crooked]
) -> Iterator[dict[str, Told]]:
    """Yield each complaint with its services, before and after the correction."""
    ports = {name: server.server_port for name, server in pages.items()}
    complaints = {name: in_ports(one, ports) for name, one in COMPLAINTS.items()}
    projects = {name: bakery.bake(credentials=one.answer) for name, one in complaints.items()}
    paths = {name: f"/c{number}" for number, name in enumerate(complaints)}
    with ThreadPoolExecutor(2) as pool:
        texts = dict(
            zip(
                complaints,
                pool.map(explained, projects.values(), complaints.values(), paths.values()),
                strict=True,
            )
        )
    with ExitStack() as stack:
        services = Services(stack, certificate)
        keys = {}
        for name, complaint in complaints.items():
            assert texts[name]["change"] == correction_text(complaint)
            ways = [*corrections(complaint)]
            assert ways, texts[name]
            keys[name] = (
                services.want(projects[name], complaint),
                [
                    (
                        way.complaint,
                        services.want(
                            edited(projects[name], way.added) if way.added else projects[name],
                            way.complaint,
                        ),
                    )
                    for way in ways
                ],
            )
        services.start()
        yield {
            name: Told(
                complaints[name],
                services.place(before),
                texts[name],
                [(corrected, services.place(key)) for corrected, key in after],
            )
            for name, (before, after) in keys.items()
        }


def happens(
    browser: Browser, pages: dict[str, Crooked], complaint: Complaint, place: Place, path: str
) -> bool:
    """Return whether the complaint's request from the page succeeds."""
    page = f"{complaint.page}/"
    match complaint.does:
        case "WebSocket":
            browser.open(page)
            return bool(browser.run(CONNECT, place.url(path, "wss")) == "hello")
        case "form":
            browser.open(page)
            browser.run(FORM, place.url(path))
            return place.server.expect(rf'"POST {path} HTTP/1.1" (\d+)')[1] != "403"
    url = place.url(path)
    if complaint.does == "redirected":
        headers = [("Access-Control-Allow-Origin", complaint.page), ("Location", url)]
        key = path.strip("/")
        pages["P"].behaviours[key] = lambda *_: Response(307, headers)
        url = f"https://elsewhere.localhost:{pages['P'].server_port}/{key}"
    kind = "null" if complaint.does == "sandboxed" else "page"
    (outcome,) = fetch_all(browser, page, kind, [{"url": url, **complaint.options}])
    return "status" in outcome


def heard(browser: Browser, mark: str, words: str) -> str:
    """Wait until the console prints the words, and return the message or the whole output."""
    messages: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        messages += browser.console()
        for message in said(browser.engine, messages, mark):
            if words in message:
                return message
    return str(messages)


def words_of(browser: Browser, consoles: Mapping[str, str]) -> str:
    """Return the predicted console message."""
    return {name.lower(): words for name, words in consoles.items()}[browser.engine]


@pytest.mark.parametrize("name", COMPLAINTS)
def test_complaint_succeeds_after_its_correction(
    cases: dict[str, Told], pages: dict[str, Crooked], browser: Browser, name: str
) -> None:
    case = cases[name]
    complaint, server = case.complaint, case.place.server
    number = [*cases].index(name)
    path = f"/c{number}-{browser.engine}"
    browser.console()
    assert not happens(browser, pages, complaint, case.place, path)

    said_by_log = case.explained["log"].replace(f"/c{number} from", f"{path} from")
    if complaint.does == "WebSocket":
        said_by_log = said_by_log.replace(" GET ", " WebSocket ")
    reason, logged = complaint.reason, complaint.logged
    if reason and logged:
        said_by_log = said_by_log.replace(reason.why, logged.why)
        server.expect(rf"{words.REFUSED} \S+ {path} from ")
        assert re.search(rf" {path} from \S+: {re.escape(logged.why)}$", said_by_log)
        assert case.explained["why"].endswith((reason.why, words.NEEDS_MORE))
    lines = {line for line in server.output.splitlines() if f" {path} from " in line}
    assert lines == ({said_by_log} if reason else set())
    heard_words = ""
    # Chromium's driver does not hear sandboxed frames, because each runs in its own process.
    deaf = browser.engine == "chromium" and complaint.does == "sandboxed"
    if complaint.does in ("fetch", "sandboxed", "redirected") and not deaf:
        printed = words_of(browser, case.explained["consoles"])
        heard_words = heard(browser, path, printed)
        assert printed in heard_words

    for way, (corrected, place) in enumerate(case.corrected):
        assert happens(browser, pages, corrected, place, f"{path}-{way}"), corrected
    outcome = f"blocked until this change: {case.explained['change']}"
    record(
        Case(
            browser.engine,
            "Complaints",
            name,
            outcome,
            outcome,
            heard_words,
        )
    )


@pytest.fixture(scope="module")
def proxied(bakery: Bakery, pages: dict[str, Crooked]) -> Iterator[dict[str, tuple[str, str]]]:
    """Yield the output of `check` for each misbehaving proxy, before and after the correction."""
    project = bakery.bake()
    listed = PAGE.format(P=pages["P"].server_port)
    environment = {"FASTAPI_ENV": "production", "FRONTEND_ORIGINS": listed}

    def checked(name: str) -> str:
        url = f"http://localhost:{pages['P'].server_port}/{name}/health"
        command = [sys.executable, "-B", "-m", "cors_right", "check", url, listed]
        variables = clean_environment(**REQUIRED | environment)
        ended = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (1 if "WRONG" in ended.stdout else 0, "")
        return " ".join(ended.stdout.split())

    with serve(project, "app.main:app", environment) as server:

        def service(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
            status, answer, content = send(server.port, method, "/health", headers, body)
            return Response(status, answer.items(), content)

        for number, (change, _) in enumerate(PROXIES.values()):
            pages["P"].behaviours[f"proxy{number}"] = behind(change, service)
        pages["P"].behaviours["proxy"] = service
        mended = checked("proxy")
        with ThreadPoolExecutor(2) as pool:
            names = [f"proxy{number}" for number in range(len(PROXIES))]
            yield {
                name: (said, mended)
                for name, said in zip(PROXIES, pool.map(checked, names), strict=True)
            }
        assert f" from {listed}: " not in server.output  # no line in the log


@pytest.mark.parametrize("name", PROXIES)
def test_check_explains_a_misbehaving_proxy(
    proxied: dict[str, tuple[str, str]], pages: dict[str, Crooked], browser: Browser, name: str
) -> None:
    server = pages["P"]
    page = PAGE.format(P=server.server_port)
    said_by_check, mended = proxied[name]
    sentence = PROXIES[name][1].format(P=server.server_port)
    assert f"WRONG {page}: {sentence} change " in said_by_check
    assert "WRONG" not in mended

    key = f"proxy{[*PROXIES].index(name)}"
    url = f"http://api.example.localhost:{server.server_port}/{key}/{browser.engine}"
    request = Fetch(page, url, "PUT", {"Content-Type": "application/json"})
    options = {"method": "PUT", "headers": dict(request.headers)}
    browser.console()
    (outcome,) = fetch_all(browser, f"{page}/", "page", [{"url": url, **options}])
    assert "status" not in outcome
    blocked = fetch(
        request,
        lambda method, url, headers, body: server.respond(method, f"/{key}/", headers, body),
    ).blocked
    assert blocked
    printed = words_of(browser, consoles(request, blocked))
    heard_words = heard(browser, f"/{key}/{browser.engine}", printed)
    assert printed in heard_words
    url = url.replace(key, "proxy")
    (outcome,) = fetch_all(browser, f"{page}/", "page", [{"url": url, **options}])
    assert outcome["status"] == 405
    record(Case(browser.engine, "Proxies", name, sentence, sentence, heard_words))
