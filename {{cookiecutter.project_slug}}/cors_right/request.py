"""A request as a policy sees it: the page that it comes from, by its headers."""

from starlette.types import Scope

from .origins import DEFAULT_PORTS, is_loopback, split_port
from .policy import CORSPolicy

# Native WebSocket clients send the address that they call as their Origin; no page can send that.
NATIVE_CLIENT = {"ws": "http", "wss": "https"}


def complete(scope: Scope) -> None:
    """Add the keys that ASGI lets servers leave out, and make headers that can be read twice.

    In place: outer middleware reads what applications add to a scope, such as its route.
    """
    scope.setdefault("scheme", "ws" if scope["type"] == "websocket" else "http")
    scope.setdefault("root_path", "")
    if type(headers := scope.get("headers", ())) is not list:  # it may be an iterator
        scope["headers"] = [*headers]


class Request:
    """An HTTP request or a WebSocket handshake, and what a policy says about its `Origin`.

    `asked_method` is the method that a preflight asks for; for other requests it is None. The scope
    has to be complete.
    """

    def __init__(self, scope: Scope, policy: CORSPolicy) -> None:
        self.scope = scope
        self.policy = policy
        self.method: str = scope.get("method", "WebSocket")
        self.origins = self.all(b"origin")
        self.is_allowed = len(self.origins) == 1 and self.origins[0] in policy.allow_list
        is_asking = self.method == "OPTIONS" and self.origins
        asked = self.all(b"access-control-request-method") if is_asking else []
        self.asked_method = asked[0] if asked else None

    def all(self, name: bytes) -> list[str]:
        """Return the values of the headers of a name."""
        return [value.decode("latin-1") for key, value in self.scope["headers"] if key == name]

    @property
    def path(self) -> str:
        """The path below the `root_path`, as Starlette compares it."""
        path: str = self.scope["path"]
        root = self.scope["root_path"]
        return path.removeprefix(root) if path.startswith(f"{root}/") else path

    @property
    def asked_headers(self) -> str:
        """The names that a preflight asks for, as they came."""
        return ", ".join(self.all(b"access-control-request-headers"))

    @property
    def is_from_script(self) -> bool:
        """Whether JavaScript that wants to read the response may have sent it."""
        return self.all(b"sec-fetch-mode") in ([], ["cors"])

    @property
    def is_read(self) -> bool:
        """Whether a page of another origin wants to read the response.

        A page of the same origin, and an extension that may call the service (`none`), can read it.
        """
        sites = self.all(b"sec-fetch-site")
        return sites not in (["same-origin"], ["none"]) and self.is_from_script

    @property
    def is_foreign(self) -> bool:
        """Whether the page is neither allowed nor the service's own.

        More than one `Origin` is foreign, because no browser sends that.
        """
        return bool(self.origins) and not self.is_allowed and not self.is_own

    @property
    def is_cross_site(self) -> bool:
        """Whether an unlisted page made a browser send it.

        `Sec-Fetch-Site` decides, or `Origin` if that is absent. A request with neither does not
        come from a browser.
        """
        sites = self.all(b"sec-fetch-site")
        if not sites or len(self.origins) > 1:
            return self.is_foreign
        return sites not in (["same-origin"], ["none"]) and not self.is_allowed

    @property
    def is_own(self) -> bool:
        """Whether the `Origin` is the service's own: that of the request's `Host`.

        An https page is the service's own even if the request came over http, from a proxy that
        ends TLS. An http page never is if the request came over https. Otherwise it is, but where
        the policy shares credentials only on loopback: behind a TLS proxy that is not trusted,
        requests seem to come over http, and anyone on the network path can make an http page of
        the service's name.
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
