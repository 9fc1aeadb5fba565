"""CORS for ASGI applications: one policy, checked when it is made, enforced on every response.

This folder is a library, shipped as source. Do not edit it: `app/settings.py` of a service states
the policy, and updates of the template replace these files.
"""

from .fastapi import CORSFastAPI
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
