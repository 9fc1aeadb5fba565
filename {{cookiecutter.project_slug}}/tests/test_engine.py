from hashlib import sha256
from pathlib import Path

ENGINE = Path(__file__).parent.parent / "cors_right"


def test_the_engine_is_as_shipped() -> None:
    """An update of the template replaces `cors_right/`, so that edits there get lost.

    What the service allows is in `app/settings.py`. A fix of the engine belongs in the template.
    """
    sums = dict(line.split()[::-1] for line in (ENGINE / "SHA256SUMS").read_text().splitlines())
    found = {
        path.name: sha256(path.read_text("utf-8").encode()).hexdigest()
        for path in ENGINE.glob("*.py")
    }
    edited = sorted(
        name for name in sums.keys() | found.keys() if sums.get(name) != found.get(name)
    )
    assert not edited, f"{edited} in cors_right/ are not as shipped; change app/settings.py instead"
