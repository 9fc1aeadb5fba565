"""The console messages of Chromium 156, Firefox 153 and WebKitGTK 2.50 for blocked requests."""

from .browser import Blocked, CorsError, Fetch, cors_check, is_allowed_method, unsafe_names

# For each error: Chromium's text after "blocked by CORS policy: ", Firefox's reason, and the first
# of WebKit's two lines.
VALID_VALUE = "Have the server send the header with a valid value."
MISSING = "CORS header ‘Access-Control-Allow-Origin’ missing"
MISMATCH = "CORS header ‘Access-Control-Allow-Origin’ does not match ‘{value}’"
NOT_ALLOWED = (
    "Origin {origin} is not allowed by Access-Control-Allow-Origin. Status code: {response.status}"
)
NOT_SUCCESSFUL = "Preflight response is not successful. Status code: {response.status}"
WORDS = {
    CorsError.MISSING_ALLOW_ORIGIN_HEADER: (
        "No 'Access-Control-Allow-Origin' header is present on the requested resource.",
        MISSING,
        NOT_ALLOWED,
    ),
    CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES: (
        "The 'Access-Control-Allow-Origin' header contains multiple values '{value}', "
        f"but only one is allowed. {VALID_VALUE}",
        "Multiple CORS header ‘Access-Control-Allow-Origin’ not allowed",
        "Access-Control-Allow-Origin cannot contain more than one origin.",
    ),
    CorsError.INVALID_ALLOW_ORIGIN_VALUE: (
        "The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'. "
        f"{VALID_VALUE}",
        MISMATCH,
        NOT_ALLOWED,
    ),
    CorsError.ALLOW_ORIGIN_MISMATCH: (
        "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the "
        f"supplied origin. {VALID_VALUE}",
        MISMATCH,
        NOT_ALLOWED,
    ),
    CorsError.WILDCARD_ORIGIN: (
        "The value of the 'Access-Control-Allow-Origin' header in the response must not be the "
        "wildcard '*' when the request's credentials mode is 'include'.",
        "Credential is not supported if the CORS header ‘Access-Control-Allow-Origin’ is ‘*’",
        "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.",
    ),
    CorsError.INVALID_ALLOW_CREDENTIALS: (
        "The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' "
        "which must be 'true' when the request's credentials mode is 'include'.",
        "expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’",
        'Credentials flag is true, but Access-Control-Allow-Credentials is not "true".',
    ),
    CorsError.PREFLIGHT_INVALID_STATUS: (
        "It does not have HTTP ok status.",
        "CORS preflight response did not succeed",
        NOT_SUCCESSFUL,
    ),
    CorsError.PREFLIGHT_DISALLOWED_REDIRECT: (
        "Redirect is not allowed for a preflight request.",
        "CORS request external redirect not allowed",
        NOT_SUCCESSFUL,
    ),
    CorsError.INVALID_ALLOW_METHODS: (
        "Cannot parse Access-Control-Allow-Methods response header field in preflight response.",
        "invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Methods’",
        "Header Access-Control-Allow-Methods has an invalid value: {methods}",
    ),
    CorsError.INVALID_ALLOW_HEADERS: (
        "Cannot parse Access-Control-Allow-Headers response header field in preflight response.",
        "invalid token ‘{value}’ in CORS header ‘Access-Control-Allow-Headers’",
        "Header Access-Control-Allow-Headers has an invalid value: {names}",
    ),
    CorsError.METHOD_DISALLOWED: (
        "Method {value} is not allowed by Access-Control-Allow-Methods in preflight response.",
        "Did not find method in CORS header ‘Access-Control-Allow-Methods’",
        "Method {value} is not allowed by Access-Control-Allow-Methods.",
    ),
    CorsError.HEADER_DISALLOWED: (
        "Request header field {value} is not allowed by Access-Control-Allow-Headers in preflight "
        "response.",
        "header ‘{value}’ is not allowed according to header ‘Access-Control-Allow-Headers’ "
        "from CORS preflight response",
        "Request header field {as_written} is not allowed by Access-Control-Allow-Headers.",
    ),
    CorsError.REDIRECT_CONTAINS_CREDENTIALS: (
        "Redirect location '' contains a username and password, which is disallowed for "
        "cross-origin requests.",
        "CORS request did not succeed",
        "redirection URL {value} has credentials",
    ),
}
ALLOW_ORIGIN = "access-control-allow-origin"
FAILED = "Response to preflight request doesn't pass access control check: "


def consoles(request: Fetch, blocked: Blocked) -> dict[str, str]:
    """Return each engine's console message for the reason, by the engine's name.

    Without a response, return none: consoles then report a network error, and not CORS.
    """
    error, response = blocked.error, blocked.response
    if error == CorsError.INVALID_RESPONSE:
        return {}
    chromium, firefox, webkit = WORDS[error]
    is_successful = 200 <= response.status <= 299
    if blocked.by_preflight and not (is_successful and cors_check(request, response) is None):
        chromium = FAILED + chromium
    if error == CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES:
        # Firefox counts headers of the same spelling, and treats different spellings as one.
        names = [name for name, _ in response.headers if name.lower() == ALLOW_ORIGIN]
        if len(names) == len(set(names)):
            firefox = MISMATCH
    if error == CorsError.PREFLIGHT_DISALLOWED_REDIRECT and cors_check(request, response):
        firefox = MISSING
    if error == CorsError.INVALID_ALLOW_HEADERS and not is_allowed_method(request, response):
        firefox = WORDS[CorsError.METHOD_DISALLOWED][1]
    if blocked.by_preflight and not is_successful:
        webkit = NOT_SUCCESSFUL  # WebKit checks the status first
    allowed = {name.lower() for name in response.listed("Access-Control-Allow-Headers")}
    unsafe = set(unsafe_names(request.headers)) - allowed
    values = vars(blocked) | {
        "methods": response.get("Access-Control-Allow-Methods"),
        "names": response.get("Access-Control-Allow-Headers"),
        # WebKit names the first unlisted header, in the page's order and spelling.
        "as_written": next((name for name in request.headers if name.lower() in unsafe), ""),
    }
    return {
        "Chromium": f"blocked by CORS policy: {chromium.format(**values)}",
        "Firefox": f"(Reason: {firefox.format(**values)})",
        "WebKit": webkit.format(**values),
    }
