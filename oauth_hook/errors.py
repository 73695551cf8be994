"""What can go wrong, as exceptions: one tree under Requests' own ``RequestException``.

No message, ``args`` or ``repr`` of these holds a secret, a signature or a part of a body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests.exceptions


class OAuthError(requests.exceptions.RequestException):
    """What goes wrong with credentials, with signing or in the exchange.

    Whoever catches ``requests.exceptions.RequestException`` catches it too. ``request`` is the
    request at hand, where there is one.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: without request and response, which hold the hook with its secrets."""
        return type(self), self.args, {**self.__dict__, "request": None, "response": None}


class CredentialError(OAuthError, ValueError):
    """A consumer key, consumer secret, access token, token secret or RSA key that can't be used.

    Raised where it is given: when the hook is made, or when ``consumer`` or ``token`` is set. A
    wrong ``realm`` or ``clock_tolerance`` raises it too, and so does a file without credentials.
    """


class CredentialTypeError(CredentialError, TypeError):
    """A credential of a wrong type: a text that is neither str nor UTF-8 bytes, a token or consumer
    that is not even a pair, what can't be an RSA key; and in the exchange a hook that isn't one.
    """


class SignatureMethodError(OAuthError, ValueError):
    """A signature method that is unknown or can't be used here, or one of your own that failed."""


class UnsignableRequest(OAuthError, ValueError):
    """A request that can't be signed as it stands. It is as it was, and nothing was sent.

    In the exchange also an argument that makes no request: a wrong callback, verifier, timeout or
    session.
    """


class InvalidURL(UnsignableRequest, requests.exceptions.InvalidURL):
    """The request's URL is not http(s), or it or the ``Host`` header names no valid host."""


class UnreadableBody(UnsignableRequest):
    """The body must be hashed or signed but can't be read, or not without losing it."""


class UnreadableForm(UnreadableBody):
    """The form body must be signed but can't be read, or not without losing it."""


class ExchangeError(OAuthError):
    """The three-legged exchange (RFC 5849 section 2) has failed.

    Attributes:
        response: the answer that was wrong, where there is one, at most its first 64 KiB.
        problem: what it held of the OAuth Problem Reporting extension: ``oauth_problem``,
            ``oauth_problem_advice``, ``oauth_acceptable_timestamps``, ``oauth_parameters_absent``
            and the like, decoded. Secrets, signature and nonce in it are masked.
    """

    def __init__(
        self, *args: object, problem: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.problem: dict[str, str] = dict(problem or {})


class TokenRequestFailed(ExchangeError):
    """No answer to a request for a token, or one that is neither a token nor a refusal."""


class TokenRequestTimeout(TokenRequestFailed, requests.exceptions.Timeout):
    """The answer to a request for a token was not there, whole, in time."""


class TokenRequestDenied(ExchangeError):
    """The provider refuses to give a token, by its status or by an ``oauth_problem``."""


class AuthorizationDenied(ExchangeError):
    """The user did not allow it."""


class InvalidCallback(ExchangeError, ValueError):
    """The callback URL is no answer to the request token, so nothing may be done on it."""
