"""CORS for ASGI applications: one policy, checked at startup and enforced on every response.

This folder is a library, shipped as source. Do not edit it: a service's `app/settings.py` contains
the policy, and template updates replace these files.
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
