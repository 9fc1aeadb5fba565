"""The env file of development: the mistakes in it, and how an edit of it takes effect."""

import inspect
import os
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from ..settings import CORSSettings

LIKE = 0.9  # names that are more alike than this count as misspelt; 1 is the same


def with_problems(settings: type[CORSSettings], lines: Sequence[str]) -> list[str]:
    """Return the lines about wrong settings, those about the env file, and the way to try again."""
    file = Path(str(settings.model_config["env_file"]))
    if not file.is_file():
        return [*lines]
    try:
        names = dotenv_values(file, interpolate=False)
    except UnicodeDecodeError:  # which the lines say
        names = {}
    found = [*lines, *_problems(settings, [*names], file)]
    if found:
        code = os.path.relpath(inspect.getfile(settings))
        found.append(f"After an edit of {file}, save {code} to start again")
    return found


def _problems(settings: type[CORSSettings], names: Sequence[str], file: Path) -> Iterator[str]:
    """Yield a line for each variable of the file that has no effect."""
    known = [settings._variable((name,)) for name in settings.model_fields]
    for name in names:
        if name == "FASTAPI_ENV":
            yield f"{name}: {file} cannot set it (it comes from the environment only). Remove it"
        elif name not in known and (likely := get_close_matches(name.upper(), known, 1, LIKE)):
            yield f"{name}: {file} sets it, and no setting has this name. Write {likely[0]}"
