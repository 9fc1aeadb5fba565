"""Domains below which anyone can register a name, from the Public Suffix List."""

from functools import cache
from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

from .origins import Origin, Refused, is_loopback


def require_own_domain(origin: Origin) -> None:
    """Refuse a pattern that strangers can match, such as https://*.github.io. Raises Refused."""
    if origin.any_subdomain and not is_loopback(origin.host) and is_shared(origin.host):
        raise Refused(
            f"matches names that anyone can register below {origin.host}. List exact origins"
        )


def is_shared(domain: str) -> bool:
    """Return whether strangers can register names below a domain.

    They can below a public suffix (co.uk, github.io), and below its parent (amazonaws.com, above
    s3.amazonaws.com). The same applies below a top-level domain, known or not.
    """
    return suffixes().is_public(domain) or domain in suffix_parents()


@cache
def suffixes() -> PublicSuffixList:
    """Return the list, loaded at first use, because loading takes some 70 ms."""
    return PublicSuffixList()


@cache
def suffix_parents() -> frozenset[str]:
    """Return the domains above public suffixes, because `PublicSuffixList` does not."""
    parents = set()
    for line in Path(PSLFILE).read_text("utf-8").splitlines():
        if "." in line and not line.startswith("//"):
            rule = line.split()[0]
            while rule := rule.partition(".")[2]:
                parents.add(rule)
    # Encoding is slow, so it comes last, when the set has each domain once.
    return frozenset(
        parent if parent.isascii() else parent.encode("idna").decode() for parent in parents
    )
