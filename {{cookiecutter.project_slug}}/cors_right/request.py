"""A request, and the page that sent it according to its headers."""

from starlette.types import Scope

from .origins import DEFAULT_PORTS, is_loopback, split_port
from .policy import CORSPolicy

# Native WebSocket clients send the address that they call as Origin, which no page can send.
NATIVE_CLIENT = {"ws": "http", "wss": "https"}


def complete(scope: Scope) -> None:
    """Add the keys that ASGI lets servers omit, and make the headers a list.

    Change the scope itself, because outer middleware reads what applications add, such as a route.
    """
    scope.setdefault("scheme", "ws" if scope["type"] == "websocket" else "http")
    scope.setdefault("root_path", "")
    if type(headers := scope.get("headers", ())) is not list:  # it may be an iterator
        scope["headers"] = [*headers]


class Request:
    """An HTTP request or a WebSocket handshake, and a policy's decision about its `Origin`.

    `fields` has the last value of each header. `asked_method` is the method that a preflight
    requests, or None for other requests. Call `complete` for the scope first.
    """

    def __init__(self, scope: Scope, policy: CORSPolicy) -> None:
        self.scope = scope
        self.policy = policy
        self.method: str = scope.get("method", "WebSocket")
        self.fields = dict(scope["headers"])
        self.origins = self.all(b"origin")
        self.is_allowed = len(self.origins) == 1 and self.origins[0] in policy.allow_list
        is_asking = self.method == "OPTIONS" and self.origins
        asked = self.all(b"access-control-request-method") if is_asking else []
        self.asked_method = asked[0] if asked else None

    def all(self, name: bytes) -> list[str]:
        """Return the values of all headers with a name."""
        if name not in self.fields:
            return []
        if len(self.fields) == len(self.scope["headers"]):  # no name repeats
            return [self.fields[name].decode("latin-1")]
        return [value.decode("latin-1") for key, value in self.scope["headers"] if key == name]

    @property
    def path(self) -> str:
        """Return the path below the `root_path`, as Starlette compares it."""
        path: str = self.scope["path"]
        root = self.scope["root_path"]
        return path.removeprefix(root) if path.startswith(f"{root}/") else path

    @property
    def asked_headers(self) -> str:
        """Return the header names that a preflight requests, unchanged."""
        return ", ".join(self.all(b"access-control-request-headers"))

    @property
    def is_from_script(self) -> bool:
        """Return whether a script that wants to read the response may have sent the request."""
        return self.all(b"sec-fetch-mode") in ([], ["cors"])

    @property
    def is_read(self) -> bool:
        """Return whether a page of another origin wants to read the response.

        Pages of the same origin, and extensions that may call the service (`none`), can read it.
        """
        sites = self.all(b"sec-fetch-site")
        return sites not in (["same-origin"], ["none"]) and self.is_from_script

    @property
    def is_foreign(self) -> bool:
        """Return whether the request has an `Origin` other than the service's own.

        More than one `Origin` counts as another, because no browser sends that.
        """
        return bool(self.origins) and not self.is_own

    @property
    def is_cross_site(self) -> bool:
        """Return whether a page of another origin made a browser send the request.

        `Sec-Fetch-Site` decides, or `Origin` if that is absent. Browsers send one with every write.
        """
        sites = self.all(b"sec-fetch-site")
        if not sites or len(self.origins) > 1:
            return self.is_foreign
        return sites not in (["same-origin"], ["none"])

    @property
    def is_own(self) -> bool:
        """Return whether the `Origin` is the service's own, with the host of the `Host` header.

        An https page is the service's own even if the request came over http, from a proxy that
        ends TLS. An http page is not if the request came over https. If both use http, the page is
        the service's own; if the policy shares credentials, only on loopback. Behind an untrusted
        TLS proxy, requests seem to come over http, and anyone on the network path can make an http
        page of the service's name.
        """
        hosts = self.all(b"host")
        if len(self.origins) != 1 or len(hosts) != 1:
            return False
        page_scheme, _, page_host = self.origins[0].partition("://")
        if self.scope["type"] == "websocket":
            page_scheme = NATIVE_CLIENT.get(page_scheme, page_scheme)
        if page_scheme not in DEFAULT_PORTS:
            return False
        own_host = hosts[0].lower().removesuffix(f":{DEFAULT_PORTS[page_scheme]}")
        if not page_host or page_host != own_host:
            return False
        if page_scheme == "https":
            return True
        if self.scope["scheme"] in ("https", "wss"):
            return False
        return not self.policy.shares_credentials or is_loopback(split_port(page_host)[0])
