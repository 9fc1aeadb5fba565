"""The correction for each reason of a refusal: what to change, and where."""

from ..origins import OriginError, parse_origin
from ..policy import CORSPolicy
from ..reasons import NotAllowable, Reason, Unlisted, can_send_header, can_send_method


def correction(reason: Reason, policy: CORSPolicy, file: str = "") -> str:
    """Return what to change, so that a policy allows the request. `file` defines the policy."""
    place = f", in cors_policy() in {file}" if file else ""
    if isinstance(reason, NotAllowable):
        return reason.correction
    if isinstance(reason, Unlisted):
        return f"{reason.why}{place if can_be_added(reason) else ''}"
    opening = f"open the page at {reason.near.meant}" if reason.near and reason.near.meant else ""
    if prohibited := why_prohibited(policy, reason.origin):
        because = f"{reason.origin} cannot be listed, because it {prohibited}"
        return f"{opening}; {because}" if opening else because
    if file and policy.source:
        place = f" (if it is not set, to the list in {file})"
    addition = f"add {reason.origin} to {reason.source}{place}"
    return f"{opening}, or {addition}" if opening else addition


def can_be_added(unlisted: Unlisted) -> bool:
    """Return whether an entry in the policy would allow the method or a header."""
    method = unlisted.method is not None and can_send_method(unlisted.method)
    return (method and not unlisted.upper_is_listed) or any(map(can_send_header, unlisted.headers))


def why_prohibited(policy: CORSPolicy, origin: str) -> str:
    """Return why a policy cannot list an origin, or an empty text."""
    try:
        parse_origin(origin, policy._check_origin)
    except OriginError as error:
        return error.reason
    return ""
