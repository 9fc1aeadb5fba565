"""An application that prints the parts of each request that proxies control, as JSON."""

import json
from typing import Any

NAMES = ("host", "upgrade", "x-client-subject", "x-forwarded-for", "x-forwarded-proto")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Print the path and each header's values; WSGI treats `_` in a name like `-`."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    seen: dict[str, Any] = {name: [] for name in NAMES}
    for raw_name, value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name.replace("_", "-") == "x-client-subject":
            name = "x-client-subject"
        if name in seen:
            seen[name].append(value.decode("latin-1"))
    print(json.dumps({"path": scope["path"], **seen}), flush=True)
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"recorded"})
