"""The log under attack, in which a frontend's developer still finds their line."""

from typing import Any

import pytest
from cors_right import CORSPolicy
from cors_right.log import INTERVAL, RefusalLog
from cors_right.reasons import NotListed
from cors_right.refusal import Refusal, judge
from cors_right.request import Request, complete

from tests.support.asgi import raw
from tests.support.work import calls_of

API = "api.example.com"
FRONTENDS = ["https://app.example.com", "https://*.preview.example.com"]


def refused(policy: CORSPolicy, origin: str, scheme: str = "https", method: str = "GET") -> Refusal:
    kind = "websocket" if scheme == "wss" else "http"
    scope: dict[str, Any] = {"type": kind, "scheme": scheme, "path": "/", "method": method}
    scope["headers"] = raw({"Host": API, "Origin": origin})
    complete(scope)
    found = judge(Request(scope, policy))
    assert found
    return found


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://www.app.example.com",
        "https://preview.example.com",
        "http://x.preview.example.com",
    ],
)
def test_frontend_gets_its_line_each_minute_under_attack(
    origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Refuse the frontend every ten seconds for twenty minutes, beside a hundred other origins."""
    now = 0.0
    log = RefusalLog(lambda: now)
    policy = CORSPolicy(allow_origins=FRONTENDS)
    for second in range(0, 1200, 10):
        now = float(second)
        for number in range(100):
            log.write(refused(policy, f"https://{second}-{number}.evil.example"))
        log.write(refused(policy, origin))
    found = [record.getMessage() for record in caplog.records]
    assert sum(f" {origin}: " in line for line in found) == 1200 // INTERVAL
    assert len(found) <= 10 * 1200 // INTERVAL


def test_log_separates_reads_writes_and_websockets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RefusalLog(lambda: 0.0)
    policy = CORSPolicy(allow_origins=FRONTENDS, allow_credentials=True)
    for _ in range(3):
        for scheme, method in (("https", "GET"), ("https", "POST"), ("wss", "GET")):
            log.write(refused(policy, "http://app.example.com", scheme, method))
    assert len(caplog.records) == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_extension_with_host_permission_is_not_refused(method: str) -> None:
    """Send `none` like a browser, which lets the extension read without an entry in the list."""
    headers = {"Host": API, "Origin": "moz-extension://5c0e7a3e", "Sec-Fetch-Site": "none"}
    scope: dict[str, Any] = {"type": "http", "path": "/", "method": method}
    scope["headers"] = raw(headers)
    complete(scope)
    assert (
        judge(Request(scope, CORSPolicy(allow_origins=FRONTENDS, allow_credentials=True))) is None
    )


MANY = CORSPolicy(allow_origins=[f"https://t{number}.example.com" for number in range(50_000)])
SAME_HOST = CORSPolicy(allow_origins=[f"https://a.example:{port}" for port in range(1000, 6000)])


@pytest.mark.parametrize(
    ("policy", "origin", "entry"),
    [
        (MANY, "http://t7.example.com", "https://t7.example.com"),
        (MANY, "https://t7.example.com:8443", "https://t7.example.com"),
        (MANY, "https://www.t7.example.com", "https://t7.example.com"),
        (MANY, "https://x.t7.example.com", "https://t7.example.com"),
        (MANY, "https://evil.example", None),
        (MANY, f"https://{'a.' * 126}b", None),
        (SAME_HOST, "http://a.example", "https://a.example:1000"),
    ],
)
def test_refusal_compares_no_entries_of_long_lists(
    policy: CORSPolicy, origin: str, entry: str | None
) -> None:
    refusal = refused(policy, origin)
    assert calls_of(str, refusal) < 5_000
    reason = refusal.reason
    assert isinstance(reason, NotListed)
    assert (reason.near.entry if reason.near else None) == entry
