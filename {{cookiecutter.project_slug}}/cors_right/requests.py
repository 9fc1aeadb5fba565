"""Which page a request comes from, by its headers."""

from starlette.types import Scope

from .origins import DEFAULT_PORTS, is_loopback, split_port
from .policy import CORSPolicy


def header_values(scope: Scope, *names: bytes) -> list[list[str]]:
    """Return the values of each named request header, from one pass over the raw headers."""
    values: dict[bytes, list[str]] = {name: [] for name in names}
    for name, value in scope["headers"]:
        if name in values:
            values[name].append(value.decode("latin-1"))
    return [*values.values()]


def is_foreign(origins: list[str], hosts: list[str], scheme: str, policy: CORSPolicy) -> bool:
    """Whether a request comes from a page that is neither allowed nor the service's own.

    `origins` and `hosts` are the request's `Origin` and `Host` headers, `scheme` is its own. More
    than one `Origin` is foreign, because no browser sends that.
    """
    if len(origins) != 1:
        return bool(origins)
    return not policy.allows(origins[0]) and not is_own(origins[0], hosts, scheme, policy)


def is_own(origin: str, hosts: list[str], scheme: str, policy: CORSPolicy) -> bool:
    """Whether an `Origin` is the service's own: that of the request's `Host`.

    An https page is the service's own even if the request came over http, from a proxy that ends
    TLS. An http page never is if the request came over https. Otherwise it is, but where the policy
    shares credentials only on loopback: behind a TLS proxy that is not trusted, requests seem to
    come over http, and anyone on the network path can make an http page of the service's name.
    """
    page_scheme, _, page_host = origin.partition("://")
    if page_scheme not in DEFAULT_PORTS or len(hosts) != 1:
        return False
    own_host = hosts[0].lower().removesuffix(f":{DEFAULT_PORTS[page_scheme]}")
    if not page_host or page_host != own_host:
        return False
    if page_scheme == "https":
        return True
    if scheme in ("https", "wss"):
        return False
    return not policy.shares_credentials or is_loopback(split_port(page_host)[0])
