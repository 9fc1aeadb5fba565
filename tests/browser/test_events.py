"""Server-sent events with credentials, as docs/recipes.md has them."""

from pathlib import Path

import pytest

from tests.support.baking import copied
from tests.support.browser.engines import Browser
from tests.support.browser.scenario import HOSTS, Service, World
from tests.support.markdown import RECIPES, blocks
from tests.support.serving import serve

FIRST_EVENT = """
return await new Promise(resolve => {
    const events = new EventSource(args[0], {withCredentials: true});
    const end = said => { events.close(); resolve(said); };
    events.onmessage = event => end(event.data);
    events.onerror = () => end('error');
});
"""


@pytest.mark.parametrize("answer", ["none", "cookies"])
def test_a_listed_page_gets_events(
    world: World, browser: Browser, answer: str, tmp_path: Path
) -> None:
    project = copied(world.bakery.bake(credentials=answer), tmp_path)
    (events,) = blocks(RECIPES, "Server-sent events")
    (project / "app" / "routes" / "events.py").write_text(events, encoding="utf-8")
    application = project / "app" / "application.py"
    text = application.read_text("utf-8")
    text = text.replace("    health,\n", "    events,\n    health,\n", 1)
    text = text.replace(
        "    return app\n", "    app.include_router(events.router)\n    return app\n"
    )
    application.write_text(text, encoding="utf-8")
    variables = {
        "FASTAPI_ENV": "production",
        "FRONTEND_ORIGINS": f"https://{HOSTS['exact']}:{world.ports['https']}",
    }
    with serve(
        project, "app.main:app", variables, "--ssl-certfile", str(world.certificate)
    ) as server:
        service = Service(server, "https", "api.example.localhost")
        for kind, said in (
            ("exact", "0" if answer == "cookies" else "error"),
            ("foreign", "error"),
        ):
            browser.open(world.page(kind, service))
            assert browser.run(FIRST_EVENT, f"{service.url}/events") == said
