"""Who signs and how: the signature methods by name (RFC 5849 sections 3.4.2 to 3.4.4 and their kin
with SHA-2), the seam for one of the user's own, and all that is the same in every message.

Knows no request.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from . import signing
from .credentials import Consumer, Token
from .errors import CredentialError, SignatureMethodError

if TYPE_CHECKING:
    from .rsa import PrivateKey

#: A signature method of the user's own: from the signature base string, the consumer secret and the
#: token secret ("" without a token) to the signature, as text or bytes before percent-encoding.
OwnMethod = Callable[[str, str, str], str | bytes]


class SignatureMethod:
    """One way to sign.

    ``signer`` makes, of consumer secret and token secret, what signs with them. ``hash_name`` is
    the hash of ``oauth_body_hash``. ``sends_secrets`` says that the signature gives them away,
    ``is_own`` that it is one of the user's own.
    """

    def __init__(
        self,
        name: str,
        signer: Callable[[str, str], signing.Sign],
        hash_name: str,
        *,
        sends_secrets: bool = False,
        is_own: bool = False,
    ) -> None:
        self.name = name
        self.signer = signer
        self.hash_name = hash_name
        self.sends_secrets = sends_secrets
        self.is_own = is_own


_HASHES = ("SHA1", "SHA256", "SHA512")
NAMES = (
    *(f"{family}-{hash_name}" for family in ("HMAC", "RSA") for hash_name in _HASHES),
    "PLAINTEXT",
)


def signature_method_of(
    method: str | tuple[str, OwnMethod], rsa_key: PrivateKey | None
) -> SignatureMethod:
    """The method of this name, or of this name and function.

    ``rsa_key`` is what ``rsa.private_key`` gave, or None.

    Raises:
        SignatureMethodError: no such method, or one that this Python can't do.
        CredentialError: an RSA key is missing, or given to a method that has no use for it.
    """
    if isinstance(method, tuple):
        if rsa_key is not None:
            raise CredentialError(
                "rsa_key is of no use to a method of your own: its function has the key"
            )
        return _own(method)
    if method not in NAMES:
        shown = repr(method) if isinstance(method, str) else f"of type {type(method).__name__}"
        raise SignatureMethodError(
            f"signature_method {shown} is not one of {', '.join(NAMES)}; "
            "for one of your own give a pair of name and function"
        )
    family, _, hash_name = method.partition("-")
    if (family == "RSA") != (rsa_key is not None):
        raise CredentialError(
            f"rsa_key is missing: {method} signs with a private RSA key, in PEM"
            if family == "RSA"
            else f"rsa_key is of no use to {method}: give signature_method='RSA-SHA1' or the like"
        )
    if family == "PLAINTEXT":
        return SignatureMethod(method, signing.plaintext_signer, "sha1", sends_secrets=True)
    hash_name = hash_name.lower()  # as hashlib has it
    if rsa_key is not None:
        from . import rsa

        return SignatureMethod(method, partial(rsa.rsa_signer, hash_name, rsa_key), hash_name)
    return SignatureMethod(method, partial(_hmac_signer, method, hash_name), hash_name)


def _hmac_signer(
    method: str, hash_name: str, consumer_secret: str, token_secret: str
) -> signing.Sign:
    try:
        return signing.hmac_signer(hash_name, consumer_secret, token_secret)
    except ValueError:
        pass  # it comes out of a place that knows the secrets
    raise SignatureMethodError(
        f"this Python has no {hash_name}, as under FIPS: {method} can't be used, "
        "give another signature_method that the provider takes"
    )


def _check_hash(method: SignatureMethod) -> None:
    try:
        hashlib.new(method.hash_name)
    except ValueError:
        raise SignatureMethodError(
            f"this Python has no {method.hash_name}, as under FIPS: body_hash can't be used with "
            f"{method.name}"
        ) from None


def _own(method: tuple[Any, ...]) -> SignatureMethod:
    if len(method) != 2 or not isinstance(method[0], str) or not callable(method[1]):
        raise SignatureMethodError("signature_method as a pair must be a name and a function")
    name, function = method
    if name == "PLAINTEXT":  # the one that is kept to TLS, by its name
        raise SignatureMethodError(f"signature_method {name!r} is known here: give the name alone")
    if not name:
        raise SignatureMethodError("signature_method has an empty name: give the provider's")
    try:
        signing.percent_encode(name)
    except UnicodeEncodeError:
        raise SignatureMethodError(
            "signature_method has a name with a lone surrogate in it"
        ) from None
    named = re.search("(?i)sha[-_]?(224|256|384|512)$", name)
    hash_name = f"sha{named[1]}" if named else "sha1"
    return SignatureMethod(name, partial(_own_signer, name, function), hash_name, is_own=True)


def _own_signer(
    name: str, function: OwnMethod, consumer_secret: str, token_secret: str
) -> signing.Sign:
    def secrets() -> tuple[str, str]:
        """Out of sight of those who show the local variables of a failure, as Sentry does."""
        return consumer_secret, token_secret

    def sign(base_string: str) -> str:
        try:
            signature = function(base_string, *secrets())
        except Exception as error:
            raise SignatureMethodError(
                f"signature_method {name!r} failed with {type(error).__name__}"
            ) from None  # its text might show a secret
        if not isinstance(signature, (str, bytes)):
            raise SignatureMethodError(
                f"signature_method {name!r} gave {type(signature).__name__}, not str or bytes"
            )
        try:
            return signing.percent_encode(signature)
        except UnicodeEncodeError:
            pass
        raise SignatureMethodError(f"signature_method {name!r} gave a lone surrogate")

    return sign


#: What the hook itself sets in each message (RFC 5849 section 3.1), whatever stood there before.
_REPLACED = frozenset(
    f"oauth_{name}"
    for name in ("consumer_key", "nonce", "signature", "signature_method", "timestamp", "version")
)


class Style:
    """How the messages of a hook are signed, beside the credentials and the place."""

    def __init__(
        self,
        method: SignatureMethod,
        *,
        realm: str | None,
        oauth_version: bool,
        body_hash: bool,
        form_auth: bool,
        plaintext_over_http: bool,
    ) -> None:
        self.method = method
        self.realm = realm  # 3.5.1
        self.oauth_version = oauth_version
        self.body_hash = body_hash
        self.form_auth = form_auth  # 3.5.2, where the body is a form
        self.plaintext_over_http = plaintext_over_http


class Signer:
    """All that is the same in every message of one consumer and token. Immutable by convention."""

    consumer: Consumer
    token: Token | None
    style: Style
    sign: signing.Sign
    over_tls_only: bool
    replaced: frozenset[str]  # what it sets in each message, and therefore takes out of it first
    parameters: list[signing.Parameter]
    #: What :meth:`oauth_parameters` gives without extras, as it stands in the base string: what
    #: comes before the nonce, between it and the timestamp, and after. No other parameter begins
    #: with "oauth_", so that, once sorted, these are always together, and can be sorted as one.
    in_order: tuple[str, str, str]
    header: str
    query: str

    __slots__ = tuple(__annotations__)

    def __init__(self, consumer: Consumer, token: Token | None, style: Style) -> None:
        self.consumer = consumer
        self.token = token
        self.style = style
        self.sign = style.method.signer(consumer.secret, token.secret if token else "")
        if style.body_hash:
            _check_hash(style.method)
        fixed = {
            "oauth_consumer_key": signing.percent_encode(consumer.key),
            "oauth_signature_method": signing.percent_encode(style.method.name),
        }
        if style.oauth_version:
            fixed["oauth_version"] = "1.0"
        if token:
            fixed["oauth_token"] = signing.percent_encode(token.key)
        self.over_tls_only = style.method.sends_secrets and not style.plaintext_over_http
        self.replaced = _REPLACED | fixed.keys()
        if style.body_hash:
            self.replaced |= {"oauth_body_hash"}
        self.parameters = [signing.parameter(*pair) for pair in fixed.items()]
        in_order = "%26".join(sorted(self.oauth_parameters({}, nonce="{}", timestamp="{}")))
        before, between, after = in_order.split("{}")  # a brace in a key is encoded
        self.in_order = before, between, after
        check_realm(style.realm)
        realm = "" if style.realm is None else f'realm="{_quoted(style.realm)}", '
        self.header = f"OAuth {realm}" + "".join(f'{k}="{v}", ' for k, v in fixed.items())
        self.query = "&".join(f"{name}={value}" for name, value in fixed.items())

    def oauth_parameters(
        self, extras: Mapping[str, str], nonce: str, timestamp: str
    ) -> list[signing.Parameter]:
        """All of section 3.1 but the signature, and the user's own ``extras``, in no order."""
        own = [f"oauth_nonce {nonce}", f"oauth_timestamp {timestamp}"]
        return self.parameters + own + [signing.parameter(*extra) for extra in extras.items()]


def check_realm(realm: object) -> None:
    """Raises ``CredentialError`` for what is neither None nor a realm."""
    if realm is not None and not (
        isinstance(realm, str) and realm.isascii() and realm.isprintable()
    ):
        raise CredentialError("realm must be a str of printable ASCII")


def _quoted(realm: str) -> str:
    """The inside of a quoted-string (RFC 9110 section 5.6.4)."""
    return realm.replace("\\", "\\\\").replace('"', '\\"')
