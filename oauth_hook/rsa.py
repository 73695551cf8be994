"""RSA-SHA1 (RFC 5849 section 3.4.3) and its like: the private key, checked once, and what it signs.

The only file that knows the ``cryptography`` package, which the extra ``rsa`` installs.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import signing
from .errors import CredentialError, CredentialTypeError, SignatureMethodError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

#: Bits. Real providers still issue keys of the first size; nobody should of less than the second.
_SMALLEST = 1024
_RECOMMENDED = 2048


class PrivateKey:
    """A private key that can be copied and pickled, and that shows nothing of itself."""

    __slots__ = ("_key",)

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes, hash_name: str) -> bytes:
        """Section 3.4.3: RSASSA-PKCS1-v1_5, with the hash of this name in hashlib."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

        algorithms: dict[str, hashes.HashAlgorithm] = {
            "sha1": hashes.SHA1(),
            "sha256": hashes.SHA256(),
            "sha512": hashes.SHA512(),
        }
        try:
            return self._key.sign(message, PKCS1v15(), algorithms[hash_name])
        except UnsupportedAlgorithm:
            pass
        raise SignatureMethodError(
            f"cryptography has no {hash_name} here, as under FIPS: give another signature_method"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        from cryptography.hazmat.primitives import serialization

        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return _unpickled, (pem,)


def _unpickled(pem: bytes) -> PrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key: Any = load_pem_private_key(pem, None)
    return PrivateKey(key)


def private_key(key: Any, passphrase: str | bytes | None) -> PrivateKey:
    """The key, checked and ready to sign.

    ``key`` is PEM (str or bytes), a path to it (str or ``os.PathLike``), or a private key of
    ``cryptography``. ``passphrase`` opens an encrypted PEM.

    Raises:
        SignatureMethodError: ``cryptography`` is not installed.
        CredentialError: not a private RSA key, encrypted without a passphrase or with another one,
            shorter than 1,024 bits, or a file that can't be read.
        CredentialTypeError: none of these types.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    except ImportError:
        raise SignatureMethodError(
            "RSA needs the cryptography package: pip install 'requests-oauth[rsa]'"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        secret = _bytes(passphrase or None)
        # As plain bytes: a subclass may hide what it is.
        key = _loaded(bytes(memoryview(_pem(key))), secret and bytes(memoryview(secret)))
    if not isinstance(key, RSAPrivateKey):
        raise CredentialError("rsa_key is a private key of another kind: give an RSA key")
    if key.key_size < _SMALLEST:
        raise CredentialError(
            f"rsa_key has {key.key_size} bits, fewer than {_SMALLEST}: anyone can break it"
        )
    if key.key_size < _RECOMMENDED:
        warnings.warn(
            f"rsa_key has {key.key_size} bits, fewer than {_RECOMMENDED}: ask for a longer one",
            stacklevel=3,
        )
    return PrivateKey(key)


#: Keys that were read, by the hash of what they were read from. It takes 30 to 200 milliseconds,
#: and each hook of a class that has a key would do it again.
_read: dict[bytes, Any] = {}
_MOST = 64


def _loaded(pem: bytes, passphrase: bytes | None) -> Any:
    """Raises ``CredentialError`` for what is no private key, or not open to ``passphrase``."""
    source = hashlib.sha256(repr((pem, passphrase)).encode()).digest()
    key = _read.get(source)
    if key is None:
        key = _loaded_anew(pem, passphrase)
        if len(_read) >= _MOST:
            _read.clear()
        _read[source] = key
    return key


def _loaded_anew(pem: bytes, passphrase: bytes | None) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in pem else load_pem_private_key
    try:
        return load(pem, passphrase)
    except TypeError:
        reason = "is encrypted: give rsa_key_passphrase"
        if passphrase is not None:
            reason = "is not encrypted: give no rsa_key_passphrase"
    except UnsupportedAlgorithm:
        reason = "is of a kind that cryptography can't read: give an RSA key"
        if passphrase is not None and load is load_ssh_private_key:
            reason = "is encrypted as OpenSSH does it, and that needs: pip install bcrypt"
    except ValueError:
        reason = "can't be read: give the private key in PEM, and the passphrase if it has one"
        if passphrase is not None:
            reason = "can't be read: it is no private key in PEM, or its passphrase is another"
        if b"PUBLIC KEY" in pem or b"CERTIFICATE" in pem:
            reason = "is a public key: give the private one, which stays with you"
        elif b"-----BEGIN" in pem and b"\\n" in pem:
            reason = r"has \n in place of its line breaks: give it with true line breaks"
    # Said outside the handlers, whose errors may show the key.
    raise CredentialError(f"rsa_key {reason}")


def _bytes(passphrase: Any) -> bytes | None:
    if passphrase is None or isinstance(passphrase, bytes):
        return passphrase
    if not isinstance(passphrase, str):
        raise CredentialTypeError(
            f"rsa_key_passphrase must be str or bytes, not {type(passphrase).__name__}"
        )
    try:
        return passphrase.encode()
    except UnicodeEncodeError:
        pass  # its message would show the passphrase
    raise CredentialError("rsa_key_passphrase holds a lone surrogate, which has no UTF-8 form")


def _pem(key: Any) -> bytes:
    if isinstance(key, bytes):
        return key
    if isinstance(key, str) and "-----BEGIN" in key:
        return key.encode("utf-8", "replace")  # which is no PEM then, as is told where it is read
    if not isinstance(key, (str, os.PathLike)):
        raise CredentialTypeError(
            "rsa_key must be PEM as str or bytes, a path, or a private key of cryptography, "
            f"not {type(key).__name__}"
        )
    try:
        return Path(key).read_bytes()
    except (OSError, ValueError):  # ValueError: a NUL in it
        pass
    # The text is not shown: it might be a key that lacks its first line.
    raise CredentialError("rsa_key is neither PEM nor the path of a readable file")


def rsa_signer(
    hash_name: str, key: PrivateKey, consumer_secret: str, token_secret: str
) -> signing.Sign:
    """Section 3.4.3: signs with the private key; the secrets have no part in it."""

    def sign(base_string: str) -> str:
        return signing.encoded_base64(key.sign(base_string.encode(), hash_name))

    return sign
