"""Rendered services with the login of docs/logins.md."""

from pathlib import Path

from tests.support.baking import Bakery, copied
from tests.support.markdown import LOGINS, blocks


def with_login(bakery: Bakery, answer: str, folder: Path) -> Path:
    """Return a new project with the page's edits."""
    project = copied(bakery.bake(credentials=answer), folder)
    (module,) = blocks(LOGINS, "Add the login to the service")
    fields, argument, values = blocks(LOGINS, "Add the login to the service", "text")
    (project / "app" / "routes" / "login.py").write_text(module, encoding="utf-8")
    edit(
        project / "app" / "settings.py",
        (
            "from pydantic import PositiveInt\n",
            "from pydantic import Field, PositiveInt, SecretStr\n",
        ),
        ("    session_secret: ", f"{fields}    session_secret: "),
    )
    edit(
        project / "app" / "application.py",
        ("    health,\n", "    health,\n    login,\n"),
        ("        lifespan=lifespan,\n", f"        lifespan=lifespan,\n{argument}"),
        ("    return app\n", "    app.include_router(login.router)\n    return app\n"),
    )
    edit(
        project / "tests" / "conftest.py",
        ('    "fastapi_env": "production",\n', f'    "fastapi_env": "production",\n{values}'),
    )
    return project


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Replace the only occurrence of each text in a file."""
    text = path.read_text("utf-8")
    for before, after in changes:
        assert text.count(before) == 1, f"{path.name}: {before!r}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
