"""The lines of development's log for cookies that browsers drop and headers that they hide.

Browsers do both without a message.
"""

import re
from collections.abc import Hashable

from starlette.types import Message

from ..log import log
from ..origins import SENT, is_loopback, split_port
from ..policy import ANY, CORSPolicy
from ..reasons import is_short_token
from ..refusal import MAX_SHOWN, shown_method, shown_path
from ..request import Request
from ..standard import needs_exposing
from .browser import REDIRECTS
from .cookies import ENGINES, MAX_PAIR, STANDARD, judge_cookie

COOKIE = b"set-cookie"
MAX_LINES = 50  # of a process
MAX_KNOWN = 1000  # keys of responses
# Words of the User-Agent. Their order matters, because browsers also name other browsers.
AGENTS = {"Chrome/": "Chromium", "Firefox/": "Firefox", "AppleWebKit/": "WebKit"}
# Headers for browsers, caches, proxies, search engines and monitoring. Pages do not read them.
NOT_FOR_PAGES = re.compile(
    "accept-(ch|patch|post|ranges)|age|allow|alt-svc|(cdn-)?cache-status|cache-tag|cdn-.*"
    "|clear-site-data|connection|content-(encoding|security-policy.*)|critical-ch|cross-origin-.*"
    "|date|deprecation|document-.*|etag|expect-ct|feature-policy|integrity-policy.*|keep-alive|nel"
    "|no-vary-search|origin-(agent-cluster|trial)|permissions-policy.*|proxy-.*|referrer-policy"
    "|refresh|report-to|reporting-endpoints|sec-.*|server(-timing)?|service-worker-.*|sourcemap"
    "|speculation-rules|strict-transport-security|sunset|surrogate-.*|timing-allow-origin"
    "|trace(parent|response|state)|trailer|transfer-encoding|upgrade|vary|via|warning"
    "|www-authenticate|x-((.*-)?cache.*|accel-.*|content-(security-policy|type-options)"
    "|dns-prefetch-control|download-options|frame-options|permitted-cross-domain-policies"
    "|powered-by|robots-tag|sendfile.*|served-by|sourcemap|ua-compatible|xss-protection)",
)
CALLER = (b"origin", b"host", b"sec-fetch-site", b"user-agent")

_written: set[str] = set()  # the lines of this process, without method and path
_known: set[Hashable] = set()  # keys of responses whose lines the log has


def write_hints(request: Request, start: Message) -> None:
    """Write which headers and cookies of a response a page on an allowed origin does not get.

    `start` is the response's first message. Each line appears once, for the first request.
    """
    if not request.is_allowed or len(_written) >= MAX_LINES:
        return
    key = key_of(request, start["headers"])
    if key in _known or not request.is_read or request.is_own:
        return
    lines = [dropped_cookie(request, value) for name, value in start["headers"] if name == COOKIE]
    if is_for_script(request, start):
        lines += [hidden_header(name, request.policy) for name, _ in start["headers"]]
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known.add(key)
    for line in lines:
        if line and line not in _written and len(_written) < MAX_LINES:
            _written.add(line)
            method, path = shown_method(request.method), shown_path(request.scope["path"])
            log.warning("%s %s %s", method, path, line)


def key_of(request: Request, headers: list[tuple[bytes, bytes]]) -> Hashable:
    """Return what decides the lines for a response. The value of a usual cookie does not.

    Only a policy with credentials adds the name `Access-Control-Allow-Credentials`.
    """
    key: list[Hashable] = [tuple(request.policy.expose_headers)]
    for name, value in headers:
        key.append(name)
        if name == COOKIE:
            pair, _, attributes = value.partition(b";")
            cookie, equals, _ = pair.partition(b"=")
            is_usual = pair.isascii() and pair.decode().isprintable() and len(pair) <= MAX_PAIR
            key += (cookie, attributes) if is_usual and equals and cookie.strip() else (value,)
            key += (request.scope["scheme"], *map(request.fields.get, CALLER))
    return tuple(key)


def is_for_script(request: Request, start: Message) -> bool:
    """Return whether a script gets the response's headers.

    Scripts never get the headers of a redirect, an image or an event stream.
    """
    content_type = dict(start["headers"]).get(b"content-type", b"")
    is_fetched = request.all(b"sec-fetch-dest") in ([], ["empty"])
    is_redirect = start["status"] in REDIRECTS
    return is_fetched and not is_redirect and not content_type.startswith(b"text/event-stream")


def hidden_header(raw: bytes, policy: CORSPolicy) -> str:
    """Return the line for a header for pages that the policy does not expose, or an empty text."""
    name = raw.decode("latin-1")
    is_exposed = policy.expose_headers == ANY or name in map(str.lower, policy.expose_headers)
    is_for_others = NOT_FOR_PAGES.fullmatch(name) or not needs_exposing(name)
    if is_exposed or is_for_others or not is_short_token(name):
        return ""
    title = name.title()
    return f'sends {title}, which pages cannot read; add "{title}" to expose_headers'


def dropped_cookie(request: Request, cookie: bytes) -> str:
    """Return the line for a cookie, empty if the browser keeps it or an address is invalid."""
    page, host, site, agent = (request.fields.get(name, b"").decode("latin-1") for name in CALLER)
    # A secure page calls http:// only on this machine. Elsewhere, a proxy has ended TLS.
    is_proxied = site == "same-site" or not is_loopback(split_port(host)[0])
    is_secure = page.startswith("https:") and is_proxied
    url = f"{'https' if is_secure else request.scope['scheme']}://{host}"
    if not SENT.fullmatch(page) or not SENT.fullmatch(url):
        return ""
    engine = next((engine for word, engine in AGENTS.items() if word in agent), "")
    rules, who = ENGINES.get(engine.lower(), STANDARD), f"{engine} drops"
    # A proxy may have changed the Host, so trust the browser if it reports the same site.
    page = url if site == "same-site" else page
    try:
        verdict = judge_cookie(page, url, cookie.decode(errors="surrogateescape"), rules)
    except ValueError:  # brackets without an address
        return ""
    without = "allow_credentials is False, so pages call without credentials"
    reason = verdict.reason if request.policy.allow_credentials else without
    name = verdict.name[:MAX_SHOWN]
    what = f"the cookie {name!a}" if name else "a cookie without a name"
    return f"sets {what}, which {who if engine else 'browsers drop'}: {reason}" if reason else ""
