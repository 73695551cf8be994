"""OAuth 1.0a (RFC 5849) for Requests: one class, ``OAuthHook``, signs each request as it is sent.

Importing this package gives Requests its ``pre_request`` event (see ``pre_request.py``).
"""

from __future__ import annotations

from . import pre_request
from .credentials import Consumer, Token
from .errors import (
    AuthorizationDenied,
    CredentialError,
    CredentialTypeError,
    ExchangeError,
    InvalidCallback,
    InvalidURL,
    OAuthError,
    SignatureMethodError,
    TokenRequestDenied,
    TokenRequestFailed,
    TokenRequestTimeout,
    UnreadableBody,
    UnreadableForm,
    UnsignableRequest,
)
from .hook import OAuthHook

__all__ = [
    "AuthorizationDenied",
    "Consumer",
    "CredentialError",
    "CredentialTypeError",
    "ExchangeError",
    "InvalidCallback",
    "InvalidURL",
    "OAuthError",
    "OAuthHook",
    "SignatureMethodError",
    "Token",
    "TokenRequestDenied",
    "TokenRequestFailed",
    "TokenRequestTimeout",
    "UnreadableBody",
    "UnreadableForm",
    "UnsignableRequest",
]
__version__ = "1.0.0"

pre_request.install()
