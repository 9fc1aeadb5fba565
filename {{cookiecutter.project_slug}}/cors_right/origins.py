"""Origins, patterns that match many of them, and allow-lists of both.

An origin is `scheme://host` or `scheme://host:port`, in the ASCII form that browsers send
(RFC 6454, section 6.2). A pattern has `*.` before the host (one or more labels below it, never the
host itself), `:*` after it (any port, or none), or both. No other `*` is valid.

The parser changes these spellings to the browser's form: upper case, a default port, one trailing
slash, surrounding blanks. It refuses everything else, with a correction if one is likely.

This file imports the standard library only, because the template checks its answers with it.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

DEFAULT_PORTS = {"http": 80, "https": 443}
# Pages of these schemes send "null", as sandboxed frames of any site do, or no pages exist.
REFUSED_SCHEMES = {"about", "blob", "data", "ftp", "javascript", "ws", "wss"}

BLANKS = " \t\r\n"
MAX_LENGTH = 512  # of a text that the parser reads
MAX_HOST_LENGTH = 253
MAX_SENT = 64 + len("://") + MAX_HOST_LENGTH + len(":65535")
MAX_LABEL_LENGTH = 63
SCHEME = r"[a-z][a-z0-9+.-]{0,63}"
LABEL = r"[a-z0-9_-]{1,63}"
PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# Outside http and https, browsers do not parse the host (URL standard, "opaque-host parser").
OPAQUE_HOST = r"[a-z0-9._~-]{1,253}"
# The letters and marks that normalization keeps, but browsers drop.
DROPPED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
# Origins as browsers send them. Any address and any xn-- label match: code only compares them.
SENT = re.compile(rf"({SCHEME})://((?:{LABEL}\.)*{LABEL}|\[[0-9a-f:]+\])(:{PORT})?")


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin, or a pattern of origins, in canonical form; `str()` gives its text.

    `host` omits the leading `*.`, for which `any_subdomain` is True. `port` is None for the
    scheme's default, and `"*"` for any.
    """

    scheme: str
    host: str
    port: int | Literal["*"] | None = None
    any_subdomain: bool = False

    def __str__(self) -> str:
        wildcard = "*." if self.any_subdomain else ""
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{wildcard}{self.host}{port}"

    @property
    def is_pattern(self) -> bool:
        """Return whether this matches more than one origin."""
        return self.any_subdomain or self.port == "*"


@dataclass(eq=False)
class Refused(Exception):
    """The reason to refuse a text, and the text that its writer probably meant, or None."""

    reason: str
    meant: str | None = None


Check = Callable[[Origin], None]
"""A rule beyond the grammar. It raises `Refused` for an origin that breaks it."""


@dataclass(eq=False)
class OriginError(ValueError):
    """A text that is not an acceptable origin or pattern.

    `str(error)` is a sentence with the text, the reason and, if any, the correction. `text` is the
    unchanged text, `reason` follows it in the sentence, and `correction` is the correction alone,
    or None.
    """

    text: str
    reason: str
    correction: str | None = None

    def __str__(self) -> str:
        instead = f". Write {self.correction}" if self.correction else ""
        return f"{shown(self.text)} {self.reason}{instead}"


@dataclass(eq=False)
class AllowListError(ValueError):
    """An allow-list with unacceptable entries.

    `problems` has an OriginError for each; `str(error)` gives their messages, one a line.
    `accepted` are the other entries in canonical form. `correction` is the whole corrected list,
    or None if an entry has no correction.
    """

    problems: list[OriginError]
    accepted: tuple[str, ...] = ()
    correction: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class AllowList:
    """Origins and patterns, or `*` alone. `in` expects an origin as browsers send it.

    `entries` are the texts in canonical form, each once. `by_host` maps each host or base to its
    entries, for messages. `check` can refuse an entry, and `allow_any` accepts `*`. Raises
    AllowListError with all problems.

    No regular expression contains the patterns. A lookup derives the patterns that match an origin,
    and searches a set for them. Its time depends on the labels of the longest pattern, and not on
    the length of the list or of the origin.
    """

    def __init__(
        self, texts: Iterable[str], *, check: Check | None = None, allow_any: bool = True
    ) -> None:
        texts = [*texts]
        self.allows_any = [text.strip(BLANKS) for text in texts] == ["*"]
        if self.allows_any and not allow_any:
            reason = "lets every website use your users' credentials. List your frontends"
            raise AllowListError([OriginError("*", reason)])
        origins: dict[str, Origin] = {}
        problems: list[OriginError] = []
        corrected: list[str | None] = []
        for text in () if self.allows_any else texts:
            try:
                origin = parse_origin(text, check)
                origins[str(origin)] = origin
                corrected.append(str(origin))
            except OriginError as error:
                problems.append(error)
                corrected.append(error.correction)
        if problems:
            known = tuple(dict.fromkeys(text for text in corrected if text))
            raise AllowListError(problems, tuple(origins), None if None in corrected else known)
        self.entries = ("*",) if self.allows_any else tuple(origins)
        self.patterns = frozenset(text for text, origin in origins.items() if origin.is_pattern)
        self.exact = frozenset(origins) - self.patterns
        self.most_labels = max((text.count(".") for text in self.patterns), default=0)
        self.by_host: dict[str, list[str]] = {}
        for text, origin in origins.items():
            self.by_host.setdefault(origin.host, []).append(text)

    def __contains__(self, origin: str) -> bool:
        if origin in self.exact:
            return True
        if self.allows_any:
            return len(origin) <= MAX_LENGTH
        found = patterns_for(origin, self.most_labels) if self.patterns else ()
        return not self.patterns.isdisjoint(found)


def patterns_for(origin: str, most_labels: int) -> Iterator[str]:
    """Yield every pattern that matches an origin as sent, or none if it is malformed.

    It omits patterns with more labels than `most_labels`.
    """
    if len(origin) > MAX_SENT or not (match := SENT.fullmatch(origin)):
        return
    scheme, host, port = match.groups("")
    if len(host) > MAX_HOST_LENGTH or port == f":{DEFAULT_PORTS.get(scheme)}":
        return
    yield f"{scheme}://{host}:*"
    if (more := host.count(".") - most_labels) > 0:
        host = host.split(".", more)[-1]
    while host := host.partition(".")[2]:
        yield f"{scheme}://*.{host}{port}"
        yield f"{scheme}://*.{host}:*"


def parse_origin(text: str, check: Check | None = None) -> Origin:
    """Return the origin or pattern that a person wrote.

    Raises OriginError, and nothing else, for a text that is not one or that `check` refuses.
    `check` accepts the error's correction. Only `AllowList` accepts a `*` alone, because it is not
    an origin.
    """
    try:
        origin = read_origin(text.strip(BLANKS))
        if check:
            check(origin)
    except Refused as refused:
        correction = None if refused.meant is None else acceptable(refused.meant, check)
        raise OriginError(text, refused.reason, correction) from None
    return origin


def acceptable(meant: str, check: Check | None) -> str | None:
    """Return the canonical form of a text, or its correction, or None if it has none."""
    try:
        return str(parse_origin(meant, check))
    except OriginError as error:
        return error.correction


def read_origin(text: str) -> Origin:
    """Return the origin or pattern in a text without surrounding blanks. Raises Refused."""
    if len(text) > MAX_LENGTH:
        raise Refused(f"is longer than {MAX_LENGTH} characters")
    if text == "*":
        raise Refused("allows any origin, so it must be the only entry")
    if text == "null":
        raise Refused("is the origin of sandboxed frames and redirects on any website. Remove it")
    if text.startswith(("'", '"')):
        raise Refused("has quotes around it", text.strip("'\""))
    scheme, separator, rest = text.partition("://")
    if re.search(r"[\s;]", rest.rpartition("://")[0]):
        raise Refused("contains more than one origin. Separate origins with commas")
    if not text.isascii():
        raise Refused(
            "is not ASCII (browsers send the xn-- form of a hostname, which location.origin shows)",
            ascii_form(text),
        )

    scheme = scheme.lower()
    if not separator:
        raise Refused("has no scheme", with_scheme(text))
    if not re.fullmatch(SCHEME, scheme):
        raise Refused("has an invalid scheme. Use a letter, then letters, digits, ., + or -")
    if scheme == "file":
        raise Refused(
            "is the origin of every file on the user's machine. Serve the page over https"
        )
    if scheme in REFUSED_SCHEMES:
        page = f"http{text[2:]}" if scheme in ("ws", "wss") else None
        raise Refused(
            f"is not the origin of a page (browsers load no pages from {scheme}://)", page
        )

    authority = authority_in(rest)
    if rest not in (authority, f"{authority}/"):
        raise Refused(
            "has a path, query or fragment (an origin has none)", f"{scheme}://{authority}"
        )
    if "@" in authority:
        raise Refused(
            "has a user name or password (an origin has none)",
            f"{scheme}://{authority.rpartition('@')[2]}",
        )
    if scheme not in DEFAULT_PORTS and authority != authority.lower():
        reason = f"has upper case after {scheme}:// (browsers keep it for this scheme)"
        raise Refused(reason, f"{scheme}://{authority.lower()}")

    host, port = split_port(authority.lower())
    any_subdomain = host.startswith("*.")
    if scheme not in DEFAULT_PORTS and port is None and re.fullmatch(OPAQUE_HOST, host):
        return Origin(scheme, host)
    return Origin(
        scheme=scheme,
        host=canonical_host(host.removeprefix("*."), is_base=any_subdomain),
        port=None if port is None else canonical_port(port, scheme),
        any_subdomain=any_subdomain,
    )


def authority_in(text: str) -> str:
    """Return the text before a path, query or fragment, as browsers split it."""
    return re.split(r"[/\\?#]", text, maxsplit=1)[0]


def split_port(authority: str) -> tuple[str, str | None]:
    """Return host and port. The port is None if no colon follows the host."""
    address, bracket, rest = authority.rpartition("]")
    name, colon, port = rest.partition(":")
    return address + bracket + name, port if colon else None


def parts(text: str) -> tuple[str, str, str | None]:
    """Return scheme, host and port of an origin or a pattern."""
    scheme, _, authority = text.partition("://")
    return scheme, *split_port(authority)


def canonical_host(host: str, *, is_base: bool) -> str:
    """Return a lower-case host as browsers serialize it (URL standard, section 3.5).

    `is_base` marks the base of a pattern, which cannot be an address. Raises Refused.
    """
    if "*" in host:
        raise Refused("has a * in the wrong place. Use *. before the host or :* after it")
    labels = host.split(".")
    # Browsers parse a host as an address if its last label is a number: 127.1 is 127.0.0.1.
    if host.startswith("[") or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        if is_base:
            raise Refused("has *. before an IP address, which has no subdomains. Remove the *.")
        return canonical_address(host)
    if labels[-1] == "" and len(labels) > 1:
        raise Refused("ends with a dot (browsers treat it as a different host). Remove the dot")
    most = MAX_HOST_LENGTH - len("a.") * is_base  # no name below a longer base is short enough
    if len(host) > most or not all(re.fullmatch(LABEL, label) for label in labels):
        raise Refused(
            "has an invalid hostname. Use labels of 1 to 63 letters, digits, - or _, joined by "
            f"dots, at most {most} characters in all"
        )
    if any(label.startswith("xn--") and not is_punycode(label[4:]) for label in labels):
        raise Refused("has an invalid xn-- label (browsers cannot decode it). Check the spelling")
    return host


def is_punycode(text: str) -> bool:
    """Return whether a text is the Punycode of a label that is not ASCII (RFC 3492).

    The label must be normal, without control characters and surrogates (UTS 46, section 4.1).
    """
    try:
        label = text.encode().decode("punycode")
    except ValueError:
        return False
    is_normal = label == unicodedata.normalize("NFKC", label.lower())
    categories = {unicodedata.category(character) for character in label}
    return is_normal and not label.isascii() and categories.isdisjoint({"Cc", "Cs"})


def canonical_address(host: str) -> str:
    """Return an IPv4 address, or an IPv6 address in brackets in its compressed form.

    Raises Refused, also for a zone and for an IPv4 address inside an IPv6 one.
    """
    try:
        if not host.startswith("["):
            return str(ipaddress.IPv4Address(host))
        address = ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
        if host.endswith("]") and not address.scope_id and not address.ipv4_mapped:
            return f"[{address.compressed}]"
    except ipaddress.AddressValueError:
        pass
    raise Refused(
        "has an invalid IP address. Use the form 192.0.2.7 or [2001:db8::7], without a zone or an "
        "IPv4 part"
    )


def canonical_port(port: str, scheme: str) -> int | Literal["*"] | None:
    """Return a port as browsers serialize it: None for the scheme's default. `*` stays.

    Raises Refused for anything but 1 to 65535 without leading zeros.
    """
    if port == "*":
        return "*"
    if not re.fullmatch(PORT, port):
        raise Refused("has an invalid port. Use 1 to 65535 without leading zeros, or *")
    return None if int(port) == DEFAULT_PORTS.get(scheme) else int(port)


def is_loopback(host: str) -> bool:
    """Return whether a host is loopback: localhost, names below (RFC 6761), 127.0.0.0/8, [::1]."""
    return re.fullmatch(r"(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]", host) is not None


def require_secure(origin: Origin, *, allow_loopback: bool) -> None:
    """Refuse an http:// origin, because an attacker on the network path can impersonate it.

    This protects requests with credentials. `allow_loopback` accepts http:// origins of this
    machine, because their path has no attacker. Raises Refused.
    """
    loopback = is_loopback(origin.host)
    if origin.scheme != "http" or (allow_loopback and loopback):
        return
    if loopback:
        raise Refused("matches any program on the user's machine. Use it in development only")
    secure = None if origin.port else f"https{str(origin).removeprefix('http')}"
    raise Refused("is not https, so an attacker on the network can impersonate it", secure)


def with_scheme(text: str) -> str:
    """Correct a scheme, or add the likely one: http for this machine, otherwise https."""
    if match := re.fullmatch(r"(https?)[:/]+(.*)", text, re.IGNORECASE | re.DOTALL):
        return f"{match[1]}://{match[2]}"
    bare = text.lstrip("/")
    host, _ = split_port(authority_in(bare).lower())
    return f"http{'' if is_loopback(host) else 's'}://{bare}"


def ascii_form(text: str) -> str | None:
    """Return a text with its labels in the form that browsers send (RFC 3492), or None in doubt."""
    # WebKit refuses upper case whose lower case is younger than Unicode 3.2.
    lowered = "".join(c.lower() for c in text if c.lower() != c)
    if any(unicodedata.ucd_3_2_0.category(c) == "Cn" for c in lowered):
        return None
    parts = re.split(r"([.:/\\?#@\[\]]+)", text.lower())
    if not all(part.isascii() or is_sent_as_it_is(part) for part in parts):
        return None
    return "".join(
        part if part.isascii() else f"xn--{part.encode('punycode').decode()}" for part in parts
    )


def is_sent_as_it_is(label: str) -> bool:
    """Return whether every browser encodes a lower-case label without changing a character.

    Browsers map, drop and refuse characters by tables (UTS 46), which are not here. The tables have
    no left-to-right letters, marks and digits that case folding and normalization keep.
    """
    return (
        len(label) <= MAX_LABEL_LENGTH  # encoding takes quadratic time
        and label == label.casefold() == unicodedata.normalize("NFKC", label)
        and label[0].isalnum()
        and not DROPPED.search(label)
        and all(unicodedata.category(character)[0] in "LMN" for character in label)
        and all(unicodedata.bidirectional(c) in ("L", "EN", "NSM") for c in label)
    )


def shown(text: str) -> str:
    """Quote a text for a message: on one line, bounded, and without a password."""
    quoted = repr(re.sub(r"(?:(?<=//)|^)[^/@]*@", "...@", text.strip()[:1000]))
    return quoted if len(quoted) <= 100 else f"{quoted[:80]}... ({len(text)} characters)"
