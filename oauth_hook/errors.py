"""What can go wrong, as exceptions: one tree under Requests' own ``RequestException``.

No message, ``args`` or ``repr`` of these holds a secret, a signature or a part of a body.
"""

from __future__ import annotations

from typing import Any

import requests.exceptions


class OAuthError(requests.exceptions.RequestException):
    """Anything that requests-oauth raises. ``request`` is the request at hand, where there is one.

    Whoever catches ``requests.exceptions.RequestException`` catches it too.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: without request and response, which hold the hook with its secrets."""
        return type(self), self.args, {**self.__dict__, "request": None, "response": None}


class CredentialError(OAuthError, ValueError):
    """A consumer key, consumer secret, access token or token secret that can't be used.

    Raised where it is given: when the hook is made, or when ``consumer`` or ``token`` is set.
    """


class CredentialTypeError(CredentialError, TypeError):
    """A credential that is neither text (str) nor UTF-8 bytes."""


class UnsignableRequest(OAuthError, ValueError):
    """A request that can't be signed as it stands. It is as it was, and nothing was sent."""


class InvalidURL(UnsignableRequest, requests.exceptions.InvalidURL):
    """The request's URL is not http(s), or it or the ``Host`` header names no valid host."""


class UnreadableForm(UnsignableRequest):
    """The form body must be signed but can't be read, or not without losing it."""
