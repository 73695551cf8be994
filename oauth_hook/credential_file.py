"""Credentials in a file: a hook's consumer and token, as JSON that only its owner can read.

Knows no provider and no exchange.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from typing import Any

from .errors import CredentialError
from .hook import OAuthHook

__all__ = ["load", "save"]

_CREDENTIALS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_FLAGS = ("header_auth", "oauth_version", "body_hash", "form_auth", "plaintext_over_http")
_KINDS: dict[str, type] = {
    **dict.fromkeys((*_CREDENTIALS, "signature_method", "realm"), str),
    **dict.fromkeys(_FLAGS, bool),
}
_MOST = 64 * 1024  # bytes


def save(hook: OAuthHook, path: str | os.PathLike[str]) -> None:
    """Writes the credentials of ``hook``, and how it signs, to a file.

    The file is there whole or, if this fails, as it was; its owner alone can read it (0600). An
    RSA key stays where it is, and so does a signature method of one's own: only its name is kept.

    Raises OSError if it can't be written.
    """
    values: dict[str, str | bool] = {
        "consumer_key": hook.consumer.key,
        "consumer_secret": hook.consumer.secret,
    }
    if hook.token is not None:
        values |= {"access_token": hook.token.key, "access_token_secret": hook.token.secret}
    method = hook.signature_method
    values["signature_method"] = method if isinstance(method, str) else method[0]
    if hook.realm is not None:
        values["realm"] = hook.realm
    values |= {name: bool(getattr(hook, name)) for name in _FLAGS}
    text = json.dumps(values, indent=2) + "\n"
    path = os.path.realpath(path)  # a link stays one
    descriptor, temporary = tempfile.mkstemp(  # makes it 0600
        dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}."
    )
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def load(path: str | os.PathLike[str], **settings: Any) -> OAuthHook:
    """A hook with the credentials that :func:`save` wrote to the file, signing as it says.

    Args:
        path: of the file.
        **settings: further arguments of ``OAuthHook``, such as ``rsa_key``; they replace what the
            file says.

    Raises:
        CredentialError: others than its owner can read or change the file; or it is something else.
        SignatureMethodError: its signature method is unknown here.
        OSError: it can't be read.
    """
    name = os.fsdecode(path)
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
            raise CredentialError(
                f"{name} is not used: others than its owner can read or change it, and with it act "
                f"in your name. Take that from them, chmod 600 {name}; and if they may have read "
                "it, get new credentials"
            )
        content = file.read(_MOST + 1)
    try:
        values = json.loads(content) if len(content) <= _MOST else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise CredentialError(f"{name} holds no credentials: it is not a JSON object")
    for key, value in values.items():
        kind = _KINDS.get(key)
        if kind is None:
            raise CredentialError(f"{name} holds no credentials: it has a field {key[:40]!a}")
        if not isinstance(value, kind):
            kind_name = "true or false" if kind is bool else "a text"
            raise CredentialError(f"{name} holds no credentials: its {key} is not {kind_name}")
    for key in ("consumer_key", "consumer_secret"):  # the class's would be another consumer's
        if key not in values:
            raise CredentialError(f"{name} holds no credentials: it has no {key}")
    return OAuthHook(**{**values, **settings})
