"""Two applications side by side under a router, each with a policy, as in docs/apps.md."""

from cors_right import CORSPolicy, CORSPolicyMiddleware
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from tests.support.asgi import PRODUCTION, ask

FOREIGN = "https://evil.example"
SEGMENTS = st.sampled_from(
    ["public", "PUBLIC", "private", "", ".", "..", "notes", "%2e", ";", "\\"]
)
PATHS = st.one_of(st.lists(SEGMENTS).map("/".join), st.text()).map("/{}".format)


def part(name: bytes, policy: CORSPolicy) -> CORSPolicyMiddleware:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name})

    return CORSPolicyMiddleware(answer, policy)


APP = Starlette(
    routes=[
        Mount("/public", part(b"public", CORSPolicy(allow_origins=["*"]))),
        Mount("/", part(b"private", CORSPolicy(**PRODUCTION))),
    ]
)


@given(PATHS, st.sampled_from(["", "/api", "/public", "/private"]))
@example("/public/../notes", "")
@example("/notes", "/public")
def test_part_applies_its_own_policy(path: str, root_path: str) -> None:
    answer = ask(APP, {"Origin": FOREIGN}, path=root_path + path, root_path=root_path)
    allowed = answer.cors.get(b"access-control-allow-origin")
    # The router finds no part for a path with a line break.
    assert (answer.body, allowed) in ((b"public", b"*"), (b"private", None), (b"Not Found", None))
    preflight = {"Origin": FOREIGN, "Access-Control-Request-Method": "GET"}
    told = ask(APP, preflight, "OPTIONS", root_path + path, root_path=root_path)
    assert told.cors.get(b"access-control-allow-origin") == allowed
