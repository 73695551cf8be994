"""Who signs: the consumer and the token, checked when they are made and silent about their secrets.

Knows no request and no signature method.
"""

from __future__ import annotations

from typing import Any

from .errors import CredentialError, CredentialTypeError


class Credentials:
    """A key that is sent and a secret that never is. Immutable, so that the two always match.

    Attributes:
        key: str.
        secret: str, possibly empty.
    """

    __slots__ = ("key", "secret")

    key: str
    secret: str

    #: For messages: the attribute of ``OAuthHook`` that holds them, and what key and secret are
    #: called among its arguments.
    _of_hook = ""
    _key_name = "key"
    _secret_name = "secret"

    def __init__(self, key: str | bytes, secret: str | bytes) -> None:
        """``key`` and ``secret``: str, or bytes in UTF-8.

        Raises:
            CredentialError: no key, no secret, or not UTF-8.
            CredentialTypeError: neither str nor bytes.
        """
        object.__setattr__(self, "key", _text(key, self._key_name))
        object.__setattr__(self, "secret", _text(secret, self._secret_name))

    def __setattr__(self, name: str, value: object) -> None:
        remedy = ""
        if name in ("key", "secret"):
            remedy = f" by itself: replace both, hook.{self._of_hook} = key, secret"
        raise AttributeError(f"{type(self).__name__}.{name} can't be set{remedy}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} can't be deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, Credentials)
        return (self.key, self.secret) == (other.key, other.secret)

    def __hash__(self) -> int:
        return hash((type(self), self.key, self.secret))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.secret)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key={self.key!r}, secret=***)"


#: A key and its secret, where ``Consumer`` or ``Token`` is taken too; a list as of JSON.
Pair = tuple[str | bytes, str | bytes] | list[str]


class Consumer(Credentials):
    """The client's own credentials, from the provider's developer page (RFC 5849 section 1.1)."""

    __slots__ = ()
    _of_hook = "consumer"
    _key_name = "consumer_key"
    _secret_name = "consumer_secret"

    def __init__(self, key: str | bytes, secret: str | bytes) -> None:
        super().__init__(key, secret)
        if not self.key:
            raise CredentialError("consumer_key is empty: give the key that the provider issued")


class Token(Credentials):
    """A request token or an access token with its secret (RFC 5849 section 1.1)."""

    __slots__ = ()
    _of_hook = "token"
    _key_name = "access_token"
    _secret_name = "access_token_secret"


def key_and_secret(credentials: Any, name: str) -> tuple[Any, Any]:
    """Of a ``Consumer``, a ``Token``, anything else with ``key`` and ``secret``, or a pair.

    Raises ``CredentialTypeError`` for all else, calling it ``name``: "consumer" or "token".
    """
    if isinstance(credentials, (tuple, list)) and len(credentials) == 2:
        return credentials[0], credentials[1]
    try:
        return credentials.key, credentials.secret
    except AttributeError:
        pass
    raise CredentialTypeError(
        f"{name} must be a {name.title()} or a pair of key and secret, "
        f"not {type(credentials).__name__}"
    )


def _text(value: object, name: str) -> str:
    """A credential as str. Its value stays out of every message."""
    if value is None:
        if name.startswith("consumer"):
            raise CredentialError(
                f"{name} is missing: give it as an argument, or set OAuthHook.{name} first"
            )
        raise CredentialError(f"{name} is missing: a token needs both its key and its secret")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            pass
        raise CredentialError(f"{name} is not UTF-8: decode it to str first")
    if not isinstance(value, str):
        raise CredentialTypeError(f"{name} must be str or UTF-8 bytes, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        pass
    else:
        return str(value)
    raise CredentialError(f"{name} holds a lone surrogate, which has no UTF-8 form")
