"""Variables in development: the mistakes in them, and how an edit of the env file takes effect."""

import inspect
import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from ..settings import CORSSettings

LIKE = 0.9  # names that are at least as alike as this count as misspelt; 1 is the same


def with_problems(settings: type[CORSSettings], lines: Sequence[str]) -> list[str]:
    """Return the lines about wrong settings and variables, and how to start again."""
    file = Path(str(settings.model_config["env_file"]))
    try:
        in_file = [*dotenv_values(file, interpolate=False)]
    except UnicodeDecodeError:  # `lines` report this
        in_file = []
    found = [*lines, *_problems(settings, in_file, file)]
    if found and file.is_file():
        code = os.path.relpath(inspect.getfile(settings))
        found.append(f"After an edit of {file}, save {code} to start again")
    return found


def _problems(settings: type[CORSSettings], in_file: Sequence[str], file: Path) -> Iterator[str]:
    """Yield a line for each variable that has no effect, but probably should set a field.

    It skips names of one word in the environment, because shells set HOSTNAME and LANGUAGE.
    """
    known = [each for name in settings.model_fields for each in settings._variables(name)]
    for name in dict.fromkeys([*in_file, *(name for name in os.environ if "_" in name)]):
        place = file if name in in_file else "the environment"
        if name.upper() == "FASTAPI_ENV" and name in in_file:
            yield f"{name}: {file} cannot set it (it comes from the environment only). Remove it"
        elif name not in known and (likely := get_close_matches(name.upper(), known, 1, LIKE)):
            yield f"{name}: {place} sets it, and no setting has this name. Write {likely[0]}"
