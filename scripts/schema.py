"""Write the JSON Schema of the answers again: `uv run python -m scripts.schema`."""

import json
from typing import Any

from hooks.filters import CREDENTIALS, MAX_SLUG_LENGTH, SLUG
from tests.support.baking import CONFIGURATION, QUESTIONS, ROOT

PATH = ROOT / "docs" / "answers.schema.json"
RULES: dict[str, dict[str, Any]] = {
    "project_name": {"minLength": 1},
    "project_slug": {"pattern": f"^{SLUG}$", "maxLength": MAX_SLUG_LENGTH},
    "frontend_origins": {"minLength": 1},
}


def schema() -> dict[str, Any]:
    """Return what answers look like; the template checks more, such as each origin.

    The defaults stay in `cookiecutter.json`, where a fork changes them.
    """
    prompts = CONFIGURATION["__prompts__"]
    properties: dict[str, Any] = {}
    for name in QUESTIONS:
        prompt = prompts[name]
        if isinstance(prompt, dict):
            choices = [{"const": choice, "title": prompt[choice]} for choice in CREDENTIALS]
            own = {"title": prompt["__prompt__"], "oneOf": choices}
        else:
            own = {"title": prompt} | RULES.get(name, {})
        properties[name] = {"type": "string", **own}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The answers to the template's questions",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def text() -> str:
    """Return the file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
