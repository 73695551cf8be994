"""What oauthlib asks about keys, tokens and nonces while it verifies one request.

It answers from the store and says precisely what it refuses; signatures are oauthlib's affair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from oauthlib.common import Request
from oauthlib.oauth1 import (
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_HMAC_SHA512,
    SIGNATURE_PLAINTEXT,
    SIGNATURE_RSA_SHA1,
    SIGNATURE_RSA_SHA256,
    SIGNATURE_RSA_SHA512,
    RequestValidator,
)

from oauth_hook.sandbox.refusal import Refusal
from oauth_hook.sandbox.store import AccessToken, Nonce, RequestToken, Store

__all__ = ["Policy", "Validator"]

_CALLBACK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
# Schemes by which a redirect would run or show what the consumer wrote, instead of going to it.
_UNSAFE = {"about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"}


@dataclass(frozen=True)
class Policy:
    """What the provider insists on: see the arguments of ``Sandbox``."""

    consumer_key: str
    consumer_secret: str
    timestamp_lifetime: int
    rsa_public_key: str | None
    lenient_exchange: bool

    @property
    def signature_methods(self) -> tuple[str, ...]:
        """The signature methods that are accepted."""
        rsa = (SIGNATURE_RSA_SHA1, SIGNATURE_RSA_SHA256, SIGNATURE_RSA_SHA512)
        return (
            SIGNATURE_HMAC_SHA1,
            SIGNATURE_HMAC_SHA256,
            SIGNATURE_HMAC_SHA512,
            *(rsa if self.rsa_public_key else ()),
            SIGNATURE_PLAINTEXT,
        )


class Validator(RequestValidator):
    """oauthlib's questions about one request; it raises Refusal for a plain no.

    Wrong verifiers and signatures are left to oauthlib's verdict: nobody learns about a verifier
    who can't sign. What came as a key may be a secret given by mistake: the advice, which is
    logged, doesn't show it.

    ``request`` is what oauthlib read, ``token_secret`` what it was given to verify with, ``issued``
    the credentials that it gave out.
    """

    enforce_ssl = False

    def __init__(
        self,
        store: Store,
        policy: Policy,
        oauth: dict[str, str],
        *,
        empty_token_secret: bool = False,
    ) -> None:
        super().__init__()
        self.request: Request | None = None
        self.issued: dict[str, str] = {}
        self.token_secret: str = ""
        self._store = store
        self._policy = policy
        self._oauth = oauth
        self._empty_token_secret = empty_token_secret

    @property
    def allowed_signature_methods(self) -> tuple[str, ...]:
        return self._policy.signature_methods

    @property
    def timestamp_lifetime(self) -> int:
        # Timestamps are judged before, to the second; the clock may have gone on since.
        return self._policy.timestamp_lifetime + 60

    # RFC 5849 limits neither the length nor the characters of these.

    def check_client_key(self, client_key: str) -> bool:
        return True

    def check_request_token(self, request_token: str) -> bool:
        return True

    def check_access_token(self, request_token: str) -> bool:
        return True

    def check_nonce(self, nonce: str) -> bool:
        return True

    def check_verifier(self, verifier: str) -> bool:
        return True

    def check_realms(self, realms: list[str]) -> bool:
        return True

    def get_default_realms(self, client_key: str, request: Request) -> list[str]:
        return []

    def get_realms(self, token: str, request: Request) -> list[str]:
        return []

    def validate_requested_realms(
        self, client_key: str, realms: list[str], request: Request
    ) -> bool:
        return True

    def validate_realms(
        self,
        client_key: str,
        token: str,
        request: Request,
        uri: str | None = None,
        realms: list[str] | None = None,
    ) -> bool:
        return True

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        request: Request,
        request_token: str | None = None,
        access_token: str | None = None,
    ) -> bool:
        # Only looked at here, before the signature is checked, and written down in ``accept``: a
        # message that is refused uses up no nonce.
        self.request = request
        if self._store.has_nonce(self._nonce()):
            raise _nonce_used()
        return True

    def accept(self) -> None:
        """Uses up the request's nonce; of several at the same time all but one are refused."""
        if not self._store.use_nonce(self._nonce(), self.timestamp_lifetime):
            raise _nonce_used()

    def validate_client_key(self, client_key: str, request: Request) -> bool:
        if client_key != self._policy.consumer_key:
            hint = ""
            if self._store.access_token(client_key) is not None:
                hint = " It is an access token: was that given in the consumer key's place?"
            elif client_key == self._policy.consumer_secret:
                hint = " It is the consumer's secret: were the two interchanged?"
            only = self._policy.consumer_key
            raise Refusal(
                "consumer_key_unknown",
                f"There is no consumer with this key here.{hint}",
                details=f"The key is {client_key!r}; the only one is {only!r}.",
            )
        return True

    def get_client_secret(self, client_key: str, request: Request) -> str:
        return self._policy.consumer_secret

    def get_rsa_key(self, client_key: str, request: Request) -> str:
        return self._policy.rsa_public_key or ""

    def validate_request_token(self, client_key: str, token: str, request: Request) -> bool:
        found = self._request_token(token)
        if found.consumer_key != client_key:
            raise Refusal("token_rejected", "This request token was issued to another consumer.")
        if found.state == "issued":
            raise Refusal(
                "permission_unknown", "The user has not yet answered on the authorization page."
            )
        if found.state == "denied":
            raise Refusal("permission_denied", "The user has denied access.")
        if found.state == "used":
            raise Refusal(
                "token_used", "This request token was exchanged for an access token already."
            )
        return True

    def get_request_token_secret(self, client_key: str, token: str, request: Request) -> str:
        if not self._empty_token_secret:
            self.token_secret = self._request_token(token).secret
        return self.token_secret

    def validate_verifier(
        self, client_key: str, token: str, verifier: str, request: Request
    ) -> bool:
        return verifier == self._request_token(token).verifier

    def validate_access_token(self, client_key: str, token: str, request: Request) -> bool:
        found = self._store.access_token(token)
        if found is not None and found.revoked:
            raise Refusal("token_revoked", "This access token was revoked.")
        if found is not None and found.consumer_key == client_key:
            return True
        if found is not None:
            advice = "This access token was issued to another consumer."
        elif self._store.request_token(token) is not None:
            advice = "This is a request token: it must be exchanged for an access token first."
        else:
            advice = "There is no access token of this key here."
        raise Refusal("token_rejected", advice, details=f"The key is {token!r}.")

    def get_access_token_secret(self, client_key: str, token: str, request: Request) -> str:
        found = self._store.access_token(token)
        self.token_secret = found.secret if found else ""
        return self.token_secret

    def validate_redirect_uri(self, client_key: str, redirect_uri: str, request: Request) -> bool:
        scheme = redirect_uri.partition(":")[0].lower()
        web = scheme in ("http", "https")
        good = redirect_uri == "oob" or (
            _CALLBACK.fullmatch(redirect_uri) is not None
            and scheme not in _UNSAFE
            and _is_readable(redirect_uri, web=web)
        )
        if not good:
            raise Refusal(
                "parameter_rejected",
                "oauth_callback must be an absolute URL in ASCII, percent-encoded where need be, "
                f"or 'oob'; not {redirect_uri!r}.",
                status=400,
                fields={"oauth_parameters_rejected": "oauth_callback"},
            )
        return True

    def save_request_token(self, token: Any, request: Request) -> None:
        self.accept()
        self._store.add_request_token(
            RequestToken(
                token["oauth_token"],
                token["oauth_token_secret"],
                self._oauth["oauth_consumer_key"],
                self._oauth.get("oauth_callback", "oob"),
                "issued",
                None,
            )
        )
        self.issued = token

    def save_access_token(self, token: Any, request: Request) -> None:
        self.accept()
        access_token = AccessToken(
            token["oauth_token"], token["oauth_token_secret"], self._oauth["oauth_consumer_key"]
        )
        if not self._store.exchange(self._oauth["oauth_token"], access_token):
            raise Refusal("token_used", "This request token was exchanged a moment ago.")
        self.issued = token

    def invalidate_request_token(
        self, client_key: str, request_token: str, request: Request
    ) -> None:
        """Nothing is left to do: the exchange has used up the request token."""

    def _nonce(self) -> Nonce:
        return Nonce(
            int(self._oauth["oauth_timestamp"]),
            self._oauth["oauth_consumer_key"],
            self._oauth.get("oauth_token", ""),
            self._oauth["oauth_nonce"],
        )

    def _request_token(self, key: str) -> RequestToken:
        found = self._store.request_token(key)
        if found is None:
            what = "This is an access token" if self._store.access_token(key) else "Nobody knows it"
            raise Refusal(
                "token_rejected",
                f"There is no request token of this key here. {what}.",
                details=f"The key is {key!r}.",
            )
        return found


def _nonce_used() -> Refusal:
    return Refusal(
        "nonce_used",
        "A request with this nonce, timestamp, consumer and token was accepted before.",
        details="Usual cause: the same signed request was sent twice. Each must be signed anew.",
    )


def _is_readable(text: str, *, web: bool) -> bool:
    """Whether a browser can be sent there: on the web it names a host, and a port if any.

    The authorization page splits every callback to say where it leads, an application's too.
    """
    try:
        url = urlsplit(text)
        return not web or (bool(url.hostname) and url.port != 0 and "\\" not in text)
    except ValueError:
        return False
