"""The decision of each browser engine about a cookie that a response to a page sets.

It follows RFC 6265bis, section 5.7. It assumes that the browser allows third-party cookies, and
that the cookie is new.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial

from ..origins import is_loopback, parts
from ..public_suffixes import suffixes
from ..refusal import MAX_SHOWN
from .browser import origin_of

MAX_PAIR = 4096  # bytes of name and value
MAX_ATTRIBUTE = 1024  # bytes of an attribute's value
BLANKS = " \t"
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
PREFIX = re.compile("__(host-http|host|http|secure)-", re.IGNORECASE)
ADDRESS = re.compile(r"[0-9.]+|\[.*\]")


@dataclass(frozen=True)
class Rules:
    """The rules of an engine. The defaults follow RFC 6265bis."""

    absent_is_lax: bool = True  # an absent or unknown SameSite
    is_schemeful: bool = True  # http and https of a domain are two sites
    takes_tab: bool = True  # in name or value
    takes_nameless: bool = True  # a cookie that begins with =
    # If not: http://localhost sets no Secure cookie. SameSite=None and Partitioned need no Secure.
    # Prefixes and limits do not count. No host sets a cookie for the public suffix that it is.
    # Only Lax and Strict replace an earlier SameSite, and Expires wins over Max-Age.
    follows_rfc: bool = True


STANDARD = Rules()
ENGINES: Mapping[str, Rules] = {
    "chromium": Rules(takes_tab=False),
    "firefox": Rules(absent_is_lax=False, is_schemeful=False, takes_nameless=False),
    "webkit": Rules(absent_is_lax=False, is_schemeful=False, follows_rfc=False),
}


@dataclass(frozen=True)
class Verdict:
    """A browser's decision about a cookie. The page's next request sends a kept cookie.

    `reason` says why the browser drops the cookie, and at which address of the service the browser
    keeps it, if one is known. An expired cookie has no reason: it removes another cookie.
    """

    name: str
    is_kept: bool
    reason: str = ""


@dataclass(frozen=True)
class Cookie:
    """A `Set-Cookie` header. `has_equals` is false for a value alone."""

    name: str
    value: str
    has_equals: bool
    attributes: Mapping[str, str]

    @property
    def domain(self) -> str:
        """Return the domain of the cookie, empty for the host alone."""
        return self.attributes.get("domain", "").lower().removeprefix(".")


def judge_cookie(page: str, url: str, text: str, rules: Rules = STANDARD) -> Verdict:
    """Return what a browser does with a `Set-Cookie` header of the response to a page's `fetch()`.

    `page` is an origin, or `null`; `url` is the address that the page calls, with credentials.
    """
    cookie = read_cookie(text, rules)
    reasons = partial(reasons_to_drop, text=text, cookie=cookie, rules=rules)
    if reason := next(reasons(page, url), ""):
        other = neighbour(page, url)
        advice = f"; call {other}" if other and not any(reasons(page, other)) else ""
        return Verdict(cookie.name, is_kept=False, reason=reason + advice)
    return Verdict(cookie.name, is_kept=not has_expired(cookie, rules))


def read_cookie(text: str, rules: Rules) -> Cookie:
    """Return the parts of a `Set-Cookie` header."""
    pair, *rest = text.split(";")
    name, equals, value = pair.partition("=") if "=" in pair else ("", "", pair)
    attributes: dict[str, str] = {}
    for part in rest:
        key, _, setting = part.partition("=")
        key, setting = key.strip(BLANKS).lower(), setting.strip(BLANKS)
        is_other = key == "samesite" and setting.lower() not in ("lax", "strict")
        if size(setting) <= MAX_ATTRIBUTE and (rules.follows_rfc or not is_other):
            attributes[key] = setting
    return Cookie(name.strip(BLANKS), value.strip(BLANKS), bool(equals), attributes)


def reasons_to_drop(page: str, url: str, text: str, cookie: Cookie, rules: Rules) -> Iterator[str]:
    """Yield the reasons for which a browser drops a cookie."""
    scheme, host, _ = parts(origin_of(url))
    pair = cookie.name + cookie.value
    if CONTROL.search(text) or ("\t" in pair and not rules.takes_tab):
        yield "it has a control character"
    if not cookie.name and (not cookie.value or (cookie.has_equals and not rules.takes_nameless)):
        yield "it has no name"
    if rules.follows_rfc and size(pair) > MAX_PAIR:
        yield f"it has more than {MAX_PAIR} bytes"
    is_secure_address = scheme == "https" or (rules.follows_rfc and is_loopback(host))
    is_secure = "secure" in cookie.attributes
    if is_secure and not is_secure_address:
        yield "it is Secure, but the address is http://"
    is_address = ADDRESS.fullmatch(host)
    if cookie.domain and not (cookie.domain == host and (is_address or rules.follows_rfc)):
        domain = f"Domain={cookie.domain[:MAX_SHOWN]!a}"
        if is_address or not f".{host}".endswith(f".{cookie.domain}"):
            yield f"{domain} does not match the service's host"
        elif suffixes().is_public(cookie.domain):
            yield f"{domain} is a public suffix, where anyone can register names"
    if rules.follows_rfc:
        yield from broken_prefix(cookie)
    same_site = cookie.attributes.get("samesite", "").lower()
    if rules.follows_rfc and not is_secure:
        if "partitioned" in cookie.attributes:
            yield "it is Partitioned, but not Secure"
        if same_site == "none":
            yield "it is SameSite=None, but not Secure"
    is_lax = same_site in ("lax", "strict") or (same_site != "none" and rules.absent_is_lax)
    if is_lax and not is_same_site(page, url, is_schemeful=rules.is_schemeful):
        kind = same_site.capitalize() if same_site in ("lax", "strict") else "Lax by default"
        yield f"it is SameSite={kind}, but {page} and {origin_of(url)} are different sites"


def broken_prefix(cookie: Cookie) -> Iterator[str]:
    """Yield the requirements of a name's prefix that a cookie breaks (RFC 6265bis, 4.1.3)."""
    if not (prefix := PREFIX.match(cookie.name or cookie.value)):
        return
    kind = prefix[1].lower()
    missing = [] if "secure" in cookie.attributes else ["Secure"]
    if kind.endswith("http") and "httponly" not in cookie.attributes:
        missing.append("HttpOnly")
    if kind.startswith("host") and cookie.attributes.get("path") != "/":
        missing.append("Path=/")
    if not cookie.name:
        yield f"it has no name, but its value begins with {prefix[0]}"
    if missing:
        yield f"its name begins with {prefix[0]}, which needs {', '.join(missing)}"
    if kind.startswith("host") and cookie.domain:
        yield f"its name begins with {prefix[0]}, but it has a Domain"


def has_expired(cookie: Cookie, rules: Rules) -> bool:
    """Return whether a cookie has expired, so that it only removes another."""
    age, expires = (cookie.attributes.get(name, "") for name in ("max-age", "expires"))
    if re.fullmatch(r"-?[0-9]+", age) and (rules.follows_rfc or not expires):
        return int(age) <= 0
    try:
        return parsedate_to_datetime(expires) <= datetime.now(UTC)
    except (ValueError, TypeError):  # no date
        return False


def neighbour(page: str, url: str) -> str:
    """Return the service's address under the page's hostname, if both are on this machine."""
    (_, host, _), (_, page_host, _) = parts(origin_of(url)), parts(page)
    is_name = page_host == "127.0.0.1" or page_host.endswith("localhost")
    if host == page_host or not (is_name and is_loopback(page_host) and is_loopback(host)):
        return ""
    return origin_of(url).replace(host, page_host)


def is_same_site(page: str, url: str, *, is_schemeful: bool) -> bool:
    """Return whether a page and an address are of one site (HTML standard, "same site")."""
    (scheme, host, _), (other_scheme, other_host, _) = parts(page), parts(origin_of(url))
    if is_schemeful and scheme != other_scheme:
        return False
    domain = domain_of(host)
    return host == other_host or (domain is not None and domain == domain_of(other_host))


def domain_of(host: str) -> str | None:
    """Return the registrable domain of a host, or None for addresses and `localhost`."""
    if "." not in host or ADDRESS.fullmatch(host):
        return None  # without loading the list
    return suffixes().privatesuffix(host)


def size(text: str) -> int:
    """Return the number of bytes of a text. Surrogates in it stand for a header's bytes."""
    return len(text.encode(errors="surrogateescape"))
