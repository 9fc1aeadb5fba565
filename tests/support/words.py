"""The messages of the library, quoted once, and the tests' messages built from them.

The words of refusals are in tests/library/test_refusals.py, the words of consoles in
tests/library/test_browser.py, and the startup line is in tests/library/test_policy.py. Other tests
use the types' words: `log_line()` and `in_force()` build the two lines of the log.
"""

from typing import Any

from cors_right import CORSPolicy
from cors_right.policy import NamedOrigins
from cors_right.reasons import NotListed, why_not_allowed
from cors_right.refusal import Kind, Refusal

APP = "https://app.example.com"
INSTEAD = ". Write "


def instead(correction: str | None) -> str:
    """Return the end of a message with the value to write."""
    return f"{INSTEAD}{correction}" if correction else ""


# Origins: the words between a text and its correction.
NO_SCHEME = "has no scheme"
NO_BARE_ORIGIN = "has a path, query or fragment (an origin has none)"
NO_PAGE = "is not the origin of a page (browsers load no pages from {}://)"
HAS_USER = "has a user name or password (an origin has none)"
IS_FILE = "is the origin of every file on the user's machine. Serve the page over https"
IS_NULL = "is the origin of sandboxed frames and redirects on any website. Remove it"
IS_ANY = "allows any origin, so it must be the only entry"
IS_ANY_WITH_CREDENTIALS = "lets every website use your users' credentials. List your frontends"
IS_TOO_LONG = "is longer than 512 characters"
NOT_HTTPS = "is not https, so an attacker on the network can impersonate it"
IS_LOOPBACK = "matches any program on the user's machine. Use it in development only"
IS_SHARED = "matches names that anyone can register below {}. List exact origins"

# A refused text for each reason of the grammar.
REASONS = {
    "*": IS_ANY,
    "null": IS_NULL,
    "x" * 513: IS_TOO_LONG,
    '"https://app.example.com"': "has quotes around it",
    "https://a.example https://b.example": (
        "contains more than one origin. Separate origins with commas"
    ),
    "https://münchen.example": (
        "is not ASCII (browsers send the xn-- form of a hostname, which location.origin shows)"
    ),
    "app.example.com": NO_SCHEME,
    "ht tp://app.example.com": (
        "has an invalid scheme. Use a letter, then letters, digits, ., + or -"
    ),
    "file:///index.html": IS_FILE,
    "file://": IS_FILE,
    "wss://app.example.com": NO_PAGE.format("wss"),
    "https://app.example.com/login": NO_BARE_ORIGIN,
    "https://user:pw@app.example.com": HAS_USER,
    "capacitor://LocalHost": "has upper case after capacitor:// (browsers keep it for this scheme)",
    "https://*example.com": ("has a * in the wrong place. Use *. before the host or :* after it"),
    "https://*.192.0.2.7": "has *. before an IP address, which has no subdomains. Remove the *.",
    "http://127.1": (
        "has an invalid IP address. Use the form 192.0.2.7 or [2001:db8::7], without a zone or an "
        "IPv4 part"
    ),
    "https://app.example.com.": (
        "ends with a dot (browsers treat it as a different host). Remove the dot"
    ),
    "https://app..example.com": (
        "has an invalid hostname. Use labels of 1 to 63 letters, digits, - or _, joined by dots, "
        "at most 253 characters in all"
    ),
    "https://xn--a.example": (
        "has an invalid xn-- label (browsers cannot decode it). Check the spelling"
    ),
    "https://app.example.com:080": (
        "has an invalid port. Use 1 to 65535 without leading zeros, or *"
    ),
}


def origin_error(text: str, reason: str, correction: str | None = None) -> str:
    """Return the message for a short text that the grammar refuses."""
    return f"'{text}' {reason}{instead(correction)}"


def wrong_frontends(text: str, reason: str, correction: str | None = None) -> str:
    """Return the line for an entry of FRONTEND_ORIGINS."""
    return f"FRONTEND_ORIGINS: {origin_error(text, reason, correction)}"


# Settings: the words after the name of the variable.
EMPTY_ENTRY = "has an empty entry between commas. Check for an unset variable in it"
NOT_JSON = 'is not a valid JSON list. Write ["a", "b"] or a,b'
TAKES_JSON = "must be JSON. To accept a,b, declare the field as CommaSeparated"
IS_NONE = "'none' is not an origin. To allow no origin, leave the variable empty"
UNSET = "is not set. Set it in the environment"
ANOTHER_ENVIRONMENT = "development={}, and FASTAPI_ENV is {}"
NO_HOST = "is not a hostname. Write api.example.com, or *.example.com for all names below it"
NO_BARE_HOST = "has a scheme, port or path"
ENVIRONMENTS = "development, staging, production"


def wrong_environment(correction: str | None = None) -> str:
    """Return the line for an unknown value of FASTAPI_ENV."""
    return f"FASTAPI_ENV: must be one of {ENVIRONMENTS}{instead(correction)}"


def lower_case_method(name: str) -> str:
    """Return the problem of a policy that lists a method in lower case."""
    return f"allow_methods: {name!r} must be upper case{instead(name.upper())}"


def missing(name: str, argument: str) -> str:
    """Return the advice to add an entry to an argument of the policy."""
    return f'add "{name}" to {argument}'


def policy(*origins: str) -> CORSPolicy:
    """Return a policy whose origins come from FRONTEND_ORIGINS."""
    return CORSPolicy(allow_origins=NamedOrigins(origins, "FRONTEND_ORIGINS"))


def not_listed(origin: str, *listed: str) -> NotListed:
    """Return the reason for a refusal by a policy with these origins."""
    reason = why_not_allowed(policy(*listed), [origin])
    assert isinstance(reason, NotListed)
    return reason


def log_line(origin: str, path: str, *listed: str, method: str = "GET") -> str:
    """Return the line of the log for an unlisted origin."""
    return str(Refusal(Kind.READ, policy(*listed), (origin,), method, path))


def in_force(*origins: str, environment: str = "production", **arguments: Any) -> str:
    """Return the log line that shows the policy at startup."""
    return f"{environment}: {CORSPolicy(allow_origins=origins, **arguments)}"


# `check`: the program that answered instead of the service, and its fault.
NOT_REACHED = "a proxy returned {}, because it cannot reach the service"
GATEWAY = "a proxy returned {1} for the {0}, because it cannot reach the service"
IN_GATEWAY = {
    "API Gateway": (
        "in Amazon API Gateway, remove the CORS configuration, and route OPTIONS to the service"
    ),
    "CloudFront": (
        "in CloudFront, allow OPTIONS, add Origin to the cache policy, and set no CORS headers in "
        "the response headers policy"
    ),
    "Cloudflare": (
        "in Cloudflare, keep Origin in the cache key, let Access pass OPTIONS, and set no CORS "
        "headers in rules or workers"
    ),
    "Azure Front Door": (
        "in Azure Front Door, cache no route of the service, and set no CORS headers in rules"
    ),
    "Azure API Management": (
        "in Azure API Management, add an operation for OPTIONS, and remove the cors policy"
    ),
    "ingress-nginx": (
        "in ingress-nginx, remove the annotation nginx.ingress.kubernetes.io/enable-cors; in "
        "nginx, the add_header lines that were copied for CORS"
    ),
}
IGNORES_VARY = "a cache ignores Vary and sends {} the response for {}"
DOUBLED = "the response has more than one Access-Control-Allow-Origin value: {}"
PREFLIGHT_MOVED = "the preflight gets a redirect to {} (browsers follow none)"
REQUEST_MOVED = "the request gets a redirect to {} without CORS headers"
MOVED_AWAY = "the request gets a redirect to {}, which the browser does not follow"
MOVED_WITH_PASSWORD = "the request gets a redirect to an address with a password"
LOGIN = "a proxy wants authentication for the preflight ({}), but browsers send none"
NO_CORS = "another server responds to OPTIONS requests without CORS headers ({})"
PREFLIGHT_FAILED = "the preflight's status is {} (browsers accept 200 to 299)"
HTML_PAGE = "something in front of the service returned an HTML page ({1}) for the {0}"
HEADER_REMOVED = "the response to the {} ({}) has no Access-Control-Allow-Origin"
ANOTHER_ORIGIN = "Access-Control-Allow-Origin is {}, but the page's origin is {}"
LETS_IN = "Access-Control-Allow-Origin is {}, so the response allows {}"
NO_VARY = "the response lacks Vary: Origin, so a cache can mix up the origins"
NOT_ITS_LIST = "the service refuses {}, but the settings list it"
NOT_ITS_POLICY = "the service uses another policy"
NOT_IN_SETTINGS = "the settings do not allow it: "

# `explain`: missing parts of the policy, and the effect of the response.
NEEDS_MORE = "the policy does not list what the request needs"
NO_CREDENTIALS = "the page sends credentials, but the response does not allow them"
LEAVE_CREDENTIALS_OUT = (
    'remove credentials: "include" from the page. If the page needs them, set '
    "allow_credentials=True, which forbids * and http:// origins"
)
OR_IN_FILE = " (if it is not set, to the list in {})"
IN_FILE = ", in cors_policy() in {}"
READABLE = "The browser lets the page read the response."

# Cookies that browsers drop, and headers that they hide.
HAS_CONTROL = "it has a control character"
HAS_NO_NAME = "it has no name"
NAMELESS_PREFIX = "it has no name, but its value begins with {}"
IS_TOO_BIG = "it has more than 4096 bytes"
SECURE_OVER_HTTP = "it is Secure, but the address is http://"
WRONG_DOMAIN = "Domain={!a} does not match the service's host"
SHARED_DOMAIN = "Domain={!r} is a public suffix, where anyone can register names"
PREFIX_NEEDS = "its name begins with {}, which needs {}"
PREFIX_WITH_DOMAIN = "its name begins with {}, but it has a Domain"
PARTITIONED_NOT_SECURE = "it is Partitioned, but not Secure"
NONE_NOT_SECURE = "it is SameSite=None, but not Secure"
TWO_SITES = "it is SameSite={}, but {} and {} are different sites"
CALLS_WITHOUT_CREDENTIALS = "allow_credentials is False, so pages call without credentials"


def drops(cookie: str, browsers: str, reason: str) -> str:
    """Return the line for a cookie that browsers drop, without method and path."""
    return f"sets the cookie {cookie!r}, which {browsers}: {reason}"


def hides(header: str) -> str:
    """Return the line for a header that browsers hide, without method and path."""
    return f"sends {header}, which pages cannot read; {missing(header, 'expose_headers')}"


# `explain`: impossible requests, and missing parts.
ELSEWHERE = "a redirect leads to {}, and its host decides about Origin: {}"
RETURN_THE_ADDRESS = (
    "return the address as JSON, and let the page open it. For a login, respond with a 401"
)
NO_ROUTE = "no route has the path {}"
NEITHER_ASKED = "This command cannot find out whether the page can read the response."
MIXED = "a page over https cannot call an address over http"

# The command line.
NOT_HERE = (
    "cannot import {}. Run this command in the service's folder, or name your application, such as "
    "--app main:app"
)
NO_ATTRIBUTE = "{} has no {!r}. Write module:attribute, such as main:app"

# The log, and responses of the service.
REFUSED = "CORS refused"
UNLISTED_ORIGIN = "Origin not allowed"

# Limits.
TOO_LARGE = "the body has more than {} bytes (413). To take more, raise MAX_BODY_SIZE"
COSTLY = "Cookies of more than 8192 bytes, or 256 backslashes"

# Variables in development.
NOT_UTF_8 = ".env: is not UTF-8 (PowerShell's > writes UTF-16). Save it as UTF-8"
ENV_NOT_THERE = "FASTAPI_ENV: .env cannot set it (it comes from the environment only). Remove it"
NO_SETTING = "{}: {} sets it, and no setting has this name. Write {}"
SAVE_CODE = "After an edit of .env, save {} to start again"
