"""CORS for ASGI applications: one policy, checked when it is made, enforced on every response.

This folder is a library that is shipped as source. Do not edit it: a service says what it allows
with a `CORSPolicy`, and an update of the template replaces these files.
"""

from . import requirements as requirements  # first: it says which Starlette is too old
from .application import CORSFastAPI
from .middleware import CORSPolicyMiddleware
from .policy import CORSPolicy
from .settings import CommaSeparated, CORSSettings, Hosts, Origins

__version__ = "0.2.0"

__all__ = [
    "CORSFastAPI",
    "CORSPolicy",
    "CORSPolicyMiddleware",
    "CORSSettings",
    "CommaSeparated",
    "Hosts",
    "Origins",
]
