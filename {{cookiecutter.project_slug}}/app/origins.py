"""What an origin is, and which origins a pattern stands for.

An origin is ``scheme://host`` or ``scheme://host:port``, in the ASCII form that browsers send (RFC 6454,
section 6.2). A pattern has ``*.`` before the host (one or more labels below it, never the host itself),
``:*`` after it (any port, or none), or both. Nothing else may contain a ``*``.

Spelling that a browser would write differently is brought to the browser's form: upper case, a default
port, one trailing slash, surrounding blanks. Everything else is refused, with the correction if there is one.

Standard library only, because the template that made this service checks its answers with this file.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

DEFAULT_PORTS = {"http": 80, "https": 443}
# Pages of these schemes send "null", as a sandboxed frame of any site does, or are no pages at all.
REFUSED_SCHEMES = {"about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"}

SCHEME = r"[a-z][a-z0-9+.-]{0,63}"
LABEL = r"[a-z0-9_-]{1,63}"
PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
MAX_LENGTH = 512  # of what is looked at; scheme, host and port together take at most 326
MAX_HOST_LENGTH = 253
NO_LONGER_HOST = "(?![^:]{" + str(MAX_HOST_LENGTH + 1) + "})"


class OriginError(ValueError):
    """A text that is neither an origin nor a pattern.

    ``str(error)`` is a sentence with the text, the reason and, where there is one, the correction;
    ``error.correction`` is the correction alone, or None.
    """

    def __init__(self, text: str, reason: str, correction: str | None = None) -> None:
        self.correction = correction
        super().__init__(
            f"{shown(text)} {reason}" + (f"; write {correction}" if correction else "")
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin, or a pattern of origins, in canonical form; ``str()`` gives its text.

    ``host`` is without the leading ``*.`` that ``any_subdomain`` stands for. ``port`` is None where the
    scheme's default applies, ``"*"`` for any.
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
        """Whether this stands for more than one origin."""
        return self.any_subdomain or self.port == "*"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine: localhost, a name below it (RFC 6761), 127.0.0.0/8 or [::1]."""
        return (
            re.fullmatch(r"(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]", self.host)
            is not None
        )

    @property
    def regex(self) -> str:
        """The expression, to be matched in full, of the origins that this stands for.

        Labels, host and port are limited as in `parse_origin`, and no part can match in two ways, so that
        the time is linear in the length of what is matched.
        """
        host = re.escape(self.host)
        if self.any_subdomain:
            host = rf"{NO_LONGER_HOST}(?:{LABEL}\.)+{host}"
        if self.port == "*":
            default = DEFAULT_PORTS.get(self.scheme, 0)
            port = rf"(?::(?!{default}\Z){PORT})?"
        else:
            port = "" if self.port is None else f":{self.port}"
        return f"{re.escape(self.scheme)}://{host}{port}"


def parse_origin(text: str) -> Origin:
    """Read one origin or pattern, as a person writes it.

    Raises OriginError, and nothing else, for any text that is neither. A ``*`` alone is refused too: it is
    not an origin, and whoever allows it has to say so.
    """
    bare = text.strip(" \t\r\n")
    if len(bare) > MAX_LENGTH:
        raise OriginError(text, f"is longer than {MAX_LENGTH} characters")
    if bare == "*":
        raise OriginError(text, "stands for any origin, so nothing may stand beside it")
    if bare == "null":
        raise OriginError(text, "is what sandboxed frames and redirects of any site send")
    if bare.startswith(("'", '"')):
        raise OriginError(text, "has quotes around it", corrected(bare.strip("'\"")))
    if re.search(r"://.*[\s;].*://", bare, re.DOTALL):
        raise OriginError(text, "is more than one; put commas between them")
    if not bare.isascii():
        raise OriginError(
            text, "is not ASCII; browsers send a host in its xn-- form", corrected(ascii_form(bare))
        )

    scheme, separator, rest = bare.partition("://")
    scheme = scheme.lower()
    if not separator:
        raise OriginError(text, "has no scheme", corrected(with_scheme(bare)))
    if not re.fullmatch(SCHEME, scheme):
        raise OriginError(text, "has a malformed scheme")
    if scheme in REFUSED_SCHEMES:
        page = corrected("http" + bare[2:]) if scheme in ("ws", "wss") else None
        raise OriginError(text, f"is no origin of a page: {scheme}:// has none", page)

    authority = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    if rest not in (authority, authority + "/"):
        raise OriginError(
            text, "has more than scheme, host and port", corrected(f"{scheme}://{authority}")
        )
    if "@" in authority:
        raise OriginError(
            text, "has user information", corrected(f"{scheme}://{authority.rpartition('@')[2]}")
        )
    if scheme not in DEFAULT_PORTS and authority != authority.lower():
        raise OriginError(
            text,
            f"has upper case after {scheme}://, where browsers keep it",
            corrected(bare.lower()),
        )

    # The port begins at the first colon that is not inside the brackets of an IPv6 address.
    host, *port = re.split(r":(?![^[]*\])", authority.lower(), maxsplit=1)
    any_subdomain = host.startswith("*.")
    try:
        return Origin(
            scheme=scheme,
            host=canonical_host(host.removeprefix("*."), is_base=any_subdomain),
            port=canonical_port(port[0], scheme) if port else None,
            any_subdomain=any_subdomain,
        )
    except ValueError as error:
        raise OriginError(text, str(error)) from None


def require_secure(origin: Origin, *, allow_loopback: bool) -> None:
    """Refuse an origin for which others can speak: whoever sits on the network path of http:// does.

    For credentialed requests. On this machine nobody is on the path, so `allow_loopback` allows its http://
    origins. Raises OriginError.
    """
    if origin.scheme != "http" or (allow_loopback and origin.is_loopback):
        return
    if origin.is_loopback:
        raise OriginError(
            str(origin), "is whatever runs on a visitor's machine; development allows it unlisted"
        )
    secure = None if origin.port else f"https{str(origin).removeprefix('http')}"
    raise OriginError(
        str(origin), "is not https, so anyone on the network path can speak for it", secure
    )


def canonical_host(host: str, *, is_base: bool) -> str:
    """Return a lower-case host as browsers serialize it (URL standard, section 3.5).

    ``is_base`` says that it is the base of a pattern, which an address cannot be. Raises ValueError with
    the reason for anything that is not a host.
    """
    if "*" in host:
        raise ValueError("has a misplaced *: the only forms are *. before the host and :* after it")
    labels = host.split(".")
    # Browsers take any host whose last label is a number for an address: 127.1 is 127.0.0.1.
    if host.startswith("[") or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        if is_base:
            raise ValueError("puts *. before an address, and nothing is below one")
        return canonical_address(host)
    if labels[-1] == "" and len(labels) > 1:
        raise ValueError("ends with a dot, which makes it another host")
    if len(host) > MAX_HOST_LENGTH or not all(re.fullmatch(LABEL, label) for label in labels):
        raise ValueError(
            "has a malformed host: it takes labels of 1 to 63 letters, digits, - or _, joined by dots, "
            f"at most {MAX_HOST_LENGTH} characters in all"
        )
    return host


def canonical_address(host: str) -> str:
    """Return an IPv4 address, or an IPv6 address in brackets in its compressed form.

    Raises ValueError with the reason, also for zones and for IPv4 addresses inside IPv6 ones.
    """
    try:
        if not host.startswith("["):
            return str(ipaddress.IPv4Address(host))
        address = ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
        if host.endswith("]") and not address.scope_id and not address.ipv4_mapped:
            return f"[{address.compressed}]"
    except ipaddress.AddressValueError:
        pass
    raise ValueError(
        "has a malformed address: an IPv4 one is four decimal numbers, an IPv6 one is in brackets, "
        "without a zone and without an IPv4 address inside"
    )


def canonical_port(port: str, scheme: str) -> int | Literal["*"] | None:
    """Return a port as browsers serialize it: None for the scheme's default. ``*`` stays.

    Raises ValueError with the reason for anything that is not 1 to 65535 without leading zeros.
    """
    if port == "*":
        return "*"
    if not re.fullmatch(PORT, port):
        raise ValueError("has a malformed port: it takes 1 to 65535 without leading zeros, or *")
    return None if int(port) == DEFAULT_PORTS.get(scheme) else int(port)


def corrected(text: str) -> str | None:
    """Return the canonical form of what was probably meant, or None."""
    try:
        return str(parse_origin(text))
    except OriginError as error:
        return error.correction


def with_scheme(text: str) -> str:
    """Put the likely scheme before a host: http for this machine, https for any other."""
    host = text.lstrip("/")
    return ("http://" if re.match(r"localhost|127\.|\[::1\]", host) else "https://") + host


def ascii_form(text: str) -> str:
    """Return a text with its labels in the form that goes over the wire (RFC 3492)."""
    text = "".join(
        character for character in text if unicodedata.category(character) != "Cf"
    )  # invisible
    text = unicodedata.normalize("NFKC", text.lower()).replace("\N{IDEOGRAPHIC FULL STOP}", ".")

    def ascii_label(match: re.Match[str]) -> str:
        label = match[0]
        return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")

    return re.sub(r"[^.:/\\?#@\[\]]+", ascii_label, text)


def shown(text: str) -> str:
    """Quote a text for a message: on one line, not too long, and without a password."""
    quoted = repr(re.sub(r"(//|^)[^/@]*@", r"\1...@", text.strip()[:1000]))
    return quoted if len(quoted) <= 100 else f"{quoted[:80]}... ({len(text)} characters)"
