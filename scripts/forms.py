"""The command that writes the questions into schema and forms: `uv run python -m scripts.forms`.

It writes the JSON Schema of the answers, and the questions and choices in the forms.
"""

import json
import re
from pathlib import Path
from typing import Any

from hooks.filters import CREDENTIALS, MAX_SLUG_LENGTH, SLUG
from tests.support.baking import CONFIGURATION, QUESTIONS, ROOT

SCHEMA = ROOT / "docs" / "answers.schema.json"
BACKSTAGE = ROOT / "backstage.yaml"
RENDER = ROOT / ".github" / "workflows" / "render.yml"
ISSUE = ROOT / ".github" / "ISSUE_TEMPLATE" / "blocked.yml"
RULES: dict[str, dict[str, Any]] = {
    "project_name": {"minLength": 1},
    "project_slug": {"pattern": f"^{SLUG}$", "maxLength": MAX_SLUG_LENGTH},
    "frontend_origins": {"minLength": 1},
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of answers; the template checks more, such as each origin.

    The defaults stay in `cookiecutter.json`, because forks change them there.
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


def asked(form: str) -> str:
    """Return a form in YAML with the prompts and the choices of the template."""
    questions = schema()["properties"]
    for name, question in questions.items():
        title = question["title"]
        form = re.sub(rf"(\n +{name}:\n +(title|description): ).*", rf"\g<1>{title}", form)
    titled = "".join(
        f"{' ' * 12}- const: {choice['const']}\n{' ' * 14}title: {json.dumps(choice['title'])}\n"
        for choice in questions["credentials"]["oneOf"]
    )
    form = re.sub(r"(?<=oneOf:\n)( {12}.*\n)+", titled, form)
    return re.sub(r"options: \[.*\]", f"options: [{', '.join(CREDENTIALS)}]", form)


def files() -> dict[Path, str]:
    """Return the files with their texts."""
    texts = {SCHEMA: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"}
    return texts | {path: asked(path.read_text("utf-8")) for path in (BACKSTAGE, RENDER, ISSUE)}


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
