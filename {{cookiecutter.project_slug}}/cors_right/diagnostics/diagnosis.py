"""The reason why a browser blocks a response, and what to change, from the response alone."""

import re

from .browser import REDIRECTS, Blocked, CorsError, Response

FROM_GATEWAYS = (502, 503, 504, *range(520, 527))  # Cloudflare uses 520 to 526
# Common gateways, by the text of their responses in lower case, and what to set in each.
# The first match counts, because API Gateway has CloudFront in front of it.
GATEWAYS = {
    "^(apigw-requestid|x-amz-apigw-id): ": (
        "in Amazon API Gateway, remove the CORS configuration, and route OPTIONS to the service"
    ),
    "^x-amz-cf-id: ": (
        "in CloudFront, allow OPTIONS, add Origin to the cache policy, and set no CORS headers in "
        "the response headers policy"
    ),
    "^cf-ray: ": (
        "in Cloudflare, keep Origin in the cache key, let Access pass OPTIONS, and set no CORS "
        "headers in rules or workers"
    ),
    "^x-azure-ref: ": (
        "in Azure Front Door, cache no route of the service, and set no CORS headers in rules"
    ),
    r'^\{ "statuscode": 404, "message": "resource not found" \}$': (
        "in Azure API Management, add an operation for OPTIONS, and remove the cors policy"
    ),
    "^access-control-max-age: 1728000$": (
        "in ingress-nginx, remove the annotation nginx.ingress.kubernetes.io/enable-cors; in "
        "nginx, the add_header lines that were copied for CORS"
    ),
}


def at_gateway(response: Response, change: str) -> str:
    """Return a change, with the steps in the gateway that a response came through."""
    head = "\n".join(f"{name}: {value}" for name, value in response.headers)
    text = f"{head}\n{response.body.decode('latin-1')}".lower()
    advice = [GATEWAYS[sign] for sign in GATEWAYS if re.search(sign, text, re.M)]
    return "; ".join([change, *advice[:1]])


def diagnosis(blocked: Blocked) -> tuple[str, str]:
    """Return why a browser blocks a response, and what to change, from the response alone."""
    value, response, status = blocked.value, blocked.response, blocked.response.status
    what = "preflight" if blocked.by_preflight else "request"
    match blocked.error:
        case CorsError.INVALID_RESPONSE if value and not status:
            return mixed(value)
        case CorsError.INVALID_RESPONSE if not status:
            why, change = "the service sent no response", "look at the service's log"
        case CorsError.INVALID_RESPONSE:
            why = f"the {what} gets a redirect to {value}, which the browser does not follow"
            change = (
                "call the address that needs no redirect. If the service wrote http for https, "
                "name the proxy in FORWARDED_ALLOW_IPS"
            )
        case CorsError.PREFLIGHT_DISALLOWED_REDIRECT:
            why = f"the preflight gets a redirect to {value} (browsers follow none)"
            change = f"call {value}"
        case CorsError.REDIRECT_CONTAINS_CREDENTIALS:
            why = f"the {what} gets a redirect to an address with a password"
            change = "remove the password"
        case CorsError.MULTIPLE_ALLOW_ORIGIN_VALUES:
            why = f"the response has more than one Access-Control-Allow-Origin value: {value}"
            change = "remove the header from the proxy (the service already sends it)"
        case CorsError.WILDCARD_ORIGIN | CorsError.INVALID_ALLOW_CREDENTIALS:
            why = "the page sends credentials, but the response does not allow them"
            change = (
                'remove credentials: "include" from the page. If the page needs them, set '
                "allow_credentials=True, which forbids * and http:// origins"
            )
        case CorsError.INVALID_ALLOW_ORIGIN_VALUE | CorsError.ALLOW_ORIGIN_MISMATCH:
            why = (
                f"Access-Control-Allow-Origin is {value}, but the page's origin is {blocked.origin}"
            )
            change = "stop proxies from setting or caching this header"
        case CorsError.INVALID_ALLOW_METHODS:
            why = f"{value!r} in Access-Control-Allow-Methods is no method"
            change = "remove it there"
        case CorsError.INVALID_ALLOW_HEADERS:
            why = f"{value!r} in Access-Control-Allow-Headers is no header"
            change = "remove it there"
        case CorsError.METHOD_DISALLOWED:
            why, change = f"{value} is not in Access-Control-Allow-Methods", f"add {value} there"
        case CorsError.HEADER_DISALLOWED:
            why, change = f"{value} is not in Access-Control-Allow-Headers", f"add {value} there"
        case _ if status in REDIRECTS:
            why = f"the {what} gets a redirect to {response.get('Location')} without CORS headers"
            change = "call the address that needs no redirect"
        case _ if status in FROM_GATEWAYS:
            why = f"a proxy returned {status} for the {what}, because it cannot reach the service"
            change = "check the proxy's log, and that the service runs"
        case _ if what == "preflight" and status in (401, 407):
            why = (
                f"a proxy wants authentication for the preflight ({status}), but browsers send none"
            )
            change = "let OPTIONS requests pass to the service without authentication"
        case _ if what == "preflight" and status in (404, 405, 501):
            why = f"another server responds to OPTIONS requests without CORS headers ({status})"
            change = "let OPTIONS requests pass to the service"
        case _ if (response.get("Content-Type") or "").startswith("text/html"):
            why = (
                f"something in front of the service returned an HTML page ({status}) for the {what}"
            )
            change = "check the proxies in front of the service"
        case _ if response.get("Access-Control-Allow-Origin"):
            why = f"the preflight's status is {status} (browsers accept 200 to 299)"
            change = "look for a proxy that responds itself"
        case _:
            why = f"the response to the {what} ({status}) has no Access-Control-Allow-Origin"
            change = "look for a proxy that responds itself or removes the header"
    return why, at_gateway(response, change)


def mixed(url: str) -> tuple[str, str]:
    """Return why a page over https cannot call an address over http, and what to change."""
    why = "a page over https cannot call an address over http"
    return why, f"call https{url.removeprefix('http')}"


def elsewhere(url: str, origin: str) -> tuple[str, str]:
    """Return the diagnosis of a redirect, whose host decides, and how to avoid the redirect."""
    return (
        f"a redirect leads to {url}, and its host decides about Origin: {origin}",
        "return the address as JSON, and let the page open it. For a login, respond with a 401",
    )
