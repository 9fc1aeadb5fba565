"""Say what to do next. Runs in the folder of the rendered project; no answer is pasted into this file."""

from pathlib import Path

print(
    f"""
Next:
    cd {Path.cwd().name}
    uv run fastapi dev
    uv run pytest
"""
)
