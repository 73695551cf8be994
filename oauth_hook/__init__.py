"""OAuth 1.0a (RFC 5849) for Requests: one class, ``OAuthHook``, signs each request as it is sent.

Importing this package gives Requests its ``pre_request`` event (see ``pre_request.py``).
"""

from __future__ import annotations

from . import pre_request
from .credentials import Consumer, Token
from .errors import (
    CredentialError,
    CredentialTypeError,
    InvalidURL,
    OAuthError,
    UnreadableForm,
    UnsignableRequest,
)
from .hook import OAuthHook

__all__ = [
    "Consumer",
    "CredentialError",
    "CredentialTypeError",
    "InvalidURL",
    "OAuthError",
    "OAuthHook",
    "Token",
    "UnreadableForm",
    "UnsignableRequest",
]
__version__ = "1.0.0"

pre_request.install()
