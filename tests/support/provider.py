"""An OpenID Connect provider that logs every user in, under a new name each time."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cors_right.diagnostics.browser import Response

CLIENT, SECRET = "client", "secret of the client"
ISSUER = "https://id.third.localhost"


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass
class Provider:
    """The behaviour of `/provider/authorize` and `/provider/token` on a `Crooked` server.

    With `form_post`, it posts its answer. `claims` replaces claims of the ID token.
    """

    form_post: bool = False
    claims: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    logins: int = 0

    def settings(self, port: int, service: int) -> dict[str, str]:
        """Return the variables of a service on a port, for a provider on another."""
        return {
            "OIDC_ISSUER": ISSUER,
            "OIDC_AUTHORIZE_URL": f"https://id.third.localhost:{port}/provider/authorize",
            "OIDC_TOKEN_URL": f"http://localhost:{port}/provider/token",
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_REDIRECT_URI": f"https://api.example.localhost:{service}/login/callback",
        }

    def __call__(self, method: str, path: str, _: Mapping[str, str], body: bytes) -> Response:
        if urlsplit(path).path == "/provider/token":
            return self.token(dict(parse_qsl(body.decode())))
        return self.authorize(dict(parse_qsl(urlsplit(path).query)))

    def authorize(self, asked: Mapping[str, str]) -> Response:
        """Send the browser back with a code, and cut its link to the opener."""
        self.logins += 1
        code = f"code {self.logins} & more"
        self.codes[code] = {**asked, "name": f"Ada {self.logins}"}
        answer, uri = {"code": code, "state": asked["state"]}, asked["redirect_uri"]
        apart = ("Cross-Origin-Opener-Policy", "same-origin")
        if not self.form_post:
            return Response(302, [("Location", f"{uri}?{urlencode(answer)}"), apart], b"")
        fields = "".join(
            f'<input type=hidden name={name} value="{escape(value)}">'
            for name, value in answer.items()
        )
        page = (
            f'<!doctype html><form method=post action="{escape(uri)}">{fields}</form>'
            "<script>document.forms[0].submit()</script>"
        )
        return Response(200, [("Content-Type", "text/html"), apart], page.encode())

    def token(self, sent: Mapping[str, str]) -> Response:
        """Return an ID token once for a code, to the client that requested it (RFC 7636)."""
        asked = self.codes.pop(sent["code"], None)
        challenge = encoded(sha256(sent["code_verifier"].encode()).digest())
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != sent["redirect_uri"]
            or (sent["client_id"], sent["client_secret"]) != (CLIENT, SECRET)
        ):
            return Response(400, [], b'{"error": "invalid_grant"}')
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": "ada",
            "name": asked["name"],
            "nonce": asked["nonce"],
            "exp": time.time() + 60,
            **self.claims,
        }
        token = f"{encoded(b'{}')}.{encoded(json.dumps(claims).encode())}."
        return Response(200, [], json.dumps({"id_token": token}).encode())
