import re

import pytest

from app.origins import OriginError, parse_origin


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        (" HTTPS://App.Example.com:443/ ", "https://app.example.com"),
        ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("https://*.example.com", "https://*.example.com"),
        ("http://localhost:*", "http://localhost:*"),
        ("https://*.example.com:*", "https://*.example.com:*"),
    ],
)
def test_an_origin_has_one_spelling(text: str, canonical: str) -> None:
    assert str(parse_origin(text)) == canonical
    assert str(parse_origin(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "reason", "correction"),
    [
        ("*", "nothing may stand beside it", None),
        ("null", "sandboxed frames", None),
        ("file:///index.html", "no origin of a page", None),
        ("app.example.com", "no scheme", "https://app.example.com"),
        ("localhost:3000", "no scheme", "http://localhost:3000"),
        (
            "https://app.example.com/login",
            "more than scheme, host and port",
            "https://app.example.com",
        ),
        ("https://me:secret@app.example.com", "user information", "https://app.example.com"),
        ("https://münchen.example", "not ASCII", "https://xn--mnchen-3ya.example"),
        ("https://*example.com", "misplaced *", None),
        ("https://*.192.0.2.7", "nothing is below one", None),
        ("http://127.1", "malformed address", None),
        ("https://app.example.com.", "ends with a dot", None),
        ("https://app..example.com", "malformed host", None),
        ("https://app.example.com:0", "malformed port", None),
    ],
)
def test_anything_else_is_refused(text: str, reason: str, correction: str | None) -> None:
    with pytest.raises(OriginError, match=re.escape(reason)) as caught:
        parse_origin(text)
    assert caught.value.correction == correction
    assert "secret" not in str(caught.value)
