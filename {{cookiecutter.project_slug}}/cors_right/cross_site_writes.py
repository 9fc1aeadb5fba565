"""Cross-site writes: browsers attach cookies to what foreign pages make them send (CWE-352).

CORS does not prevent that: the form of any site is sent without a preflight.
"""

from collections.abc import Set

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .origins import shown
from .policy import CORSPolicy
from .refusals import refusal, refused_write, report
from .requests import header_values, is_foreign

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class CrossSiteWriteGuard:
    """Refuses (403) requests that foreign pages make a browser send; pages of allowed origins may.

    `Sec-Fetch-Site` decides, and `Origin` where that is absent. A request with neither is not from
    a browser and passes. Safe methods pass, so they must change nothing.

    `exempt` are paths below the `root_path` that take writes from anywhere, as the callbacks of
    payment and sign-on services need; something in the request must then protect what they do.
    """

    def __init__(self, app: ASGIApp, policy: CORSPolicy, exempt: Set[str] = frozenset()) -> None:
        if isinstance(exempt, str) or not all(path.startswith("/") for path in exempt):
            raise ValueError(f"{exempt!r} is not a set of paths that begin with /")
        self.app = app
        self.policy = policy
        self.exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self.app(scope, receive, send)
            return
        origins, sites, hosts = header_values(scope, b"origin", b"sec-fetch-site", b"host")
        path, root = scope["path"], scope.get("root_path", "")
        if path.startswith(f"{root}/"):  # as Starlette compares paths
            path = path.removeprefix(root)
        is_cross_site = self.is_cross_site(origins, sites, hosts, scope["scheme"])
        if path in self.exempt or not is_cross_site:
            await self.app(scope, receive, send)
            return
        why = refused_write(self.policy, scope)
        if refusal(self.policy, scope) is None:  # or the middleware outside has reported it
            report(why)
        origin = ", ".join(origins) if origins else "absent"
        detail = (
            f"Cross-site write refused: the origin is {shown(origin)}, "
            "which is not allowed to call this service. "
            "If it is the service's own, a proxy has changed the Host header."
        )
        if self.policy.environment == "development":
            detail += f" Why: {why.reason}."
        await JSONResponse({"detail": detail}, 403)(scope, receive, send)

    def is_cross_site(
        self, origins: list[str], sites: list[str], hosts: list[str], scheme: str
    ) -> bool:
        """Whether a foreign page made a browser send a request, by its headers and scheme."""
        if not sites or len(origins) > 1:
            return is_foreign(origins, hosts, scheme, self.policy)
        if sites in (["same-origin"], ["none"]):
            return False
        return not (origins and self.policy.allows(origins[0]))
