"""The lines of development's log for cookies that browsers drop and headers that they hide.

Browsers do both without a message.
"""

import re
from functools import lru_cache

from starlette.types import Message

from ..log import log
from ..origins import SENT, is_loopback, split_port
from ..policy import ANY
from ..reasons import is_short_token
from ..refusal import MAX_SHOWN, shown_method, shown_path
from ..request import Request
from ..standard import needs_exposing
from .cookies import ENGINES, STANDARD, judge_cookie

MAX_LINES = 50  # of a process
MAX_KEPT = 1000  # verdicts on headers, and on cookies
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
# A cookie whose verdict does not depend on its value. The cache omits the value.
PLAIN = re.compile(rb"([!-:<>-~]{1,100}=)[ -:<-~]{1,3000}(?=;|\Z)")
CALLER = (b"origin", b"host", b"sec-fetch-site", b"user-agent")

_written: set[str] = set()  # the lines of this process, without method and path


def write_hints(request: Request, start: Message) -> None:
    """Write which headers and cookies of a response a page on an allowed origin does not get.

    `start` is the response's first message. Each line appears once, for the first request.
    """
    if not request.is_allowed or len(_written) >= MAX_LINES:
        return
    headers, exposed = start["headers"], tuple(request.policy.expose_headers)
    names = [name for name, _ in headers]
    dropped = unwritten(dropped_cookies(request, headers)) if b"set-cookie" in names else []
    hidden = unwritten([hidden_header(name, exposed) for name in names])
    if not (dropped or hidden) or not request.is_read or request.is_own:
        return
    for line in (*dropped, *(hidden if is_for_script(request, start) else ())):
        if line not in _written and len(_written) < MAX_LINES:
            _written.add(line)
            method, path = shown_method(request.method), shown_path(request.scope["path"])
            log.warning("%s %s %s", method, path, line)


def unwritten(lines: list[str]) -> list[str]:
    """Return the lines that the log does not have."""
    return [line for line in lines if line and line not in _written]


def is_for_script(request: Request, start: Message) -> bool:
    """Return whether a script gets the response's headers.

    Scripts never get the headers of a redirect, an image or an event stream.
    """
    content_type = dict(start["headers"]).get(b"content-type", b"")
    is_fetched = request.all(b"sec-fetch-dest") in ([], ["empty"])
    is_redirect = 300 <= start["status"] < 400
    return is_fetched and not is_redirect and not content_type.startswith(b"text/event-stream")


@lru_cache(MAX_KEPT)
def hidden_header(raw: bytes, exposed: tuple[str, ...]) -> str:
    """Return the line for a header for pages that the policy does not expose, or an empty text."""
    name = raw.decode("latin-1")
    is_exposed = exposed == ANY or name in map(str.lower, exposed)
    is_for_others = NOT_FOR_PAGES.fullmatch(name) or not needs_exposing(name)
    if is_exposed or is_for_others or not is_short_token(name):
        return ""
    title = name.title()
    return f'sends {title}, which pages cannot read; add "{title}" to expose_headers'


def dropped_cookies(request: Request, headers: list[tuple[bytes, bytes]]) -> list[str]:
    """Return a line for each cookie, empty if the browser keeps the cookie."""
    plain = [(PLAIN.match(value), value) for name, value in headers if name == b"set-cookie"]
    cookies = [match[1] + cookie[match.end() :] if match else cookie for match, cookie in plain]
    caller = map(dict(request.scope["headers"]).get, CALLER)
    about = (request.scope["scheme"], request.policy.allow_credentials, *caller)
    return [line_for(cookie, *about) for cookie in cookies]


@lru_cache(MAX_KEPT)
def line_for(cookie: bytes, scheme: str, shares: bool, *caller: bytes | None) -> str:
    """Return the line for a cookie, empty if the browser keeps it or an address is invalid."""
    page, host, site, agent = ((value or b"").decode("latin-1") for value in caller)
    # A secure page calls http:// only on this machine. Elsewhere, a proxy has ended TLS.
    if page.startswith("https:") and (site == "same-site" or not is_loopback(split_port(host)[0])):
        scheme = "https"
    url = f"{scheme}://{host}"
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
    reason = verdict.reason if shares else without
    name = verdict.name[:MAX_SHOWN]
    what = f"the cookie {name!a}" if name else "a cookie without a name"
    return f"sets {what}, which {who if engine else 'browsers drop'}: {reason}" if reason else ""
