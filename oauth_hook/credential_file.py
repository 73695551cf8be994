"""Credentials in a file: a hook's consumer and token, as JSON that only its owner can read.

(On Windows whoever may read the directory can read it.) Knows no provider and no exchange.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from .credentials import Consumer, Token
from .errors import CredentialError, CredentialTypeError, OAuthError, SignatureMethodError
from .hook import OAuthHook, check_tolerance
from .signer import NAMES, check_realm

__all__ = ["load", "save"]

_CREDENTIALS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
_FLAGS = ("header_auth", "oauth_version", "body_hash", "form_auth", "plaintext_over_http")
_KINDS: dict[str, type] = {
    **dict.fromkeys((*_CREDENTIALS, "signature_method", "realm"), str),
    **dict.fromkeys((*_FLAGS, "own_signature_method"), bool),
    "clock_tolerance": int,
}
_KIND_NAMES = {str: "a string", bool: "true or false", int: "a whole number"}
_MOST = 64 * 1024  # bytes


def save(hook: OAuthHook, path: str | os.PathLike[str]) -> None:
    """Writes the credentials of ``hook``, and how it signs, to a file.

    The file is there whole or, if this fails, as it was; its owner alone can read it (0600). An
    RSA key stays where it is, and so does a signature method of one's own: only its name is kept.

    Raises OSError, naming ``path``, if it can't be written or is there and no regular file;
    CredentialTypeError if ``hook`` is not an OAuthHook.
    """
    if not isinstance(hook, OAuthHook):
        raise CredentialTypeError(f"hook must be an OAuthHook, not {type(hook).__name__}")
    values: dict[str, str | bool | int] = {
        "consumer_key": hook.consumer.key,
        "consumer_secret": hook.consumer.secret,
    }
    if hook.token is not None:
        values |= {"access_token": hook.token.key, "access_token_secret": hook.token.secret}
    method = hook.signature_method
    if isinstance(method, str):
        values["signature_method"] = method
    else:
        values |= {"signature_method": method[0], "own_signature_method": True}
    if hook.realm is not None:
        values["realm"] = hook.realm
    values |= {name: bool(getattr(hook, name)) for name in _FLAGS}
    if hook.clock_tolerance is not None:
        values["clock_tolerance"] = hook.clock_tolerance
    text = json.dumps(values, indent=2) + "\n"
    with _replacing(path) as (descriptor, temporary, target):
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)


def check(path: str | os.PathLike[str]) -> None:
    """Raises the OSError that :func:`save` would raise, as far as that can be known beforehand.

    For those who get credentials that they can't get again.
    """
    with _replacing(path) as (descriptor, temporary, _):
        os.close(descriptor)
        os.unlink(temporary)


@contextlib.contextmanager
def _replacing(path: str | os.PathLike[str]) -> Iterator[tuple[int, str, str]]:
    """A new file beside ``path``, open and by name, and the name that it must take in the end."""
    try:
        target = os.path.realpath(path)  # a link stays one
        _refuse_what_is_no_file(path)
        directory = os.path.dirname(target)
        descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".oauth-hook-")  # 0600
        try:
            if os.name == "posix" and os.fstat(descriptor).st_mode & 0o077:  # as of WSL's /mnt/c
                raise OSError(
                    errno.EPERM,
                    "the file system there keeps no permissions: others could read the credentials",
                )
            yield descriptor, temporary, target
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:  # whoever gave the path knows no temporary one
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def _refuse_what_is_no_file(path: str | os.PathLike[str]) -> None:
    """A device, for one, would be replaced, for all who use it."""
    if not os.path.basename(path):  # of "new/" realpath would make the file "new"
        raise OSError(errno.ENOENT, "the file for the credentials has no name")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file, so credentials can't be saved in it")


def load(path: str | os.PathLike[str], **settings: Any) -> OAuthHook:
    """A hook with the credentials that :func:`save` wrote to the file, signing as it says.

    Args:
        path: of the file.
        **settings: further arguments of ``OAuthHook``, such as ``rsa_key``; they replace what the
            file says.

    Raises:
        CredentialError: users other than its owner can read or change the file (looked at but on
            Windows); or it holds something else.
        SignatureMethodError: its signature method is unknown here, or was one of your own.
        OSError: it can't be read.
    """
    name = os.fsdecode(path)
    found = _settings(_content(path, name), name, settings)
    if isinstance(found, OAuthError):
        raise found
    return OAuthHook(**{**found, **settings})


def _content(path: str | os.PathLike[str], name: str) -> bytes:
    """Of a file that belongs to us alone; at most a byte more than credentials may take."""
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
            raise CredentialError(
                f"{name} is not used: users other than its owner can read or change it, and could "
                f"act in your name. Run chmod 600 {name}; and if they may have read it, get new "
                "credentials"
            )
        if os.name == "posix" and status.st_uid != os.geteuid():
            raise CredentialError(
                f"{name} is not used: it belongs to another user, who can read and change it, and "
                "could act in your name. If you trust what is in it, make a copy of your own"
            )
        return file.read(_MOST + 1)


def _settings(
    content: bytes, name: str, replaced: Mapping[str, Any]
) -> dict[str, Any] | OAuthError:
    """What :func:`save` has written, as arguments of ``OAuthHook``, or what is wrong with it.

    Nothing is raised here, where local variables hold the secrets: Sentry and its kind show them.
    Of what is ``replaced``, realm, tolerance and method may be wrong.
    """
    values, wrong = _values(content)
    if wrong:
        return CredentialError(f"{name} holds no credentials: {wrong}")
    if values.pop("own_signature_method", False) and replaced.get("signature_method") is None:
        method = values.get("signature_method")
        return SignatureMethodError(
            f"{name} holds no function for its signature method {method!a}, which is one of your "
            "own: only a program can give it, load(path, signature_method=(name, function))"
        )
    own = values.keys() - replaced.keys()
    try:
        if "realm" in own:
            check_realm(values["realm"])
        if "clock_tolerance" in own:
            check_tolerance(values["clock_tolerance"])
    except CredentialError as error:
        return CredentialError(f"{name} can't be used: {error}")
    if "signature_method" in own and values["signature_method"] not in NAMES:
        return SignatureMethodError(
            f"{name} can't be used: its signature_method {values['signature_method']!a} is not one "
            f"of {', '.join(NAMES)}"
        )
    return values


def _values(content: bytes) -> tuple[dict[str, Any], str]:
    """Each field of its kind, the credentials usable; or none, and what is wrong."""
    try:
        values = json.loads(content) if len(content) <= _MOST else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        return {}, "it is not a JSON object"
    for key, value in values.items():
        kind = _KINDS.get(key)
        if kind is None:
            return {}, f"it has an unknown field {key[:40]!a}"
        if type(value) is not kind:  # to Python, true is a number
            return {}, f"its {key} is not {_KIND_NAMES[kind]}"
    for key in ("consumer_key", "consumer_secret"):  # the class's would be another consumer's
        if key not in values:
            return {}, f"it has no {key}"
    try:
        Consumer(values["consumer_key"], values["consumer_secret"])
        token: list[Any] = [values.get(key) for key in ("access_token", "access_token_secret")]
        if token != [None, None]:
            Token(*token)
    except CredentialError as error:
        return {}, str(error)
    return values, ""
