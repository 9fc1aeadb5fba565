"""Methods and headers that HTTP and the Fetch standard treat specially, under their names there."""

import re

# RFC 9110, sections 5.6.2 and 9.2.1.
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# The Fetch standard.
SAFELISTED_METHODS = ("GET", "HEAD", "POST")
SAFELISTED_REQUEST_HEADERS = ("Accept", "Accept-Language", "Content-Language", "Content-Type")
SAFELISTED_RESPONSE_HEADER = re.compile(
    "cache-control|content-(language|length|type)|expires|last-modified|pragma", re.IGNORECASE
)
FORBIDDEN_METHOD = re.compile("CONNECT|TRACE|TRACK", re.IGNORECASE)
# This includes all CORS headers, because only browsers and the policy set them.
FORBIDDEN_REQUEST_HEADER = re.compile(
    "accept-(charset|encoding)|access-control-.*|connection|content-length|cookie2?|date|dnt|expect"
    "|host|keep-alive|origin|proxy-.*|referer|sec-.*|set-cookie|te|trailer|transfer-encoding"
    "|upgrade|via",
    re.IGNORECASE,
)
FORBIDDEN_RESPONSE_HEADER = re.compile("set-cookie2?|access-control-.*", re.IGNORECASE)


def needs_exposing(name: str) -> bool:
    """Return whether pages can read a response header only if the policy exposes it."""
    is_never = FORBIDDEN_RESPONSE_HEADER.fullmatch(name)
    return not is_never and not SAFELISTED_RESPONSE_HEADER.fullmatch(name)
