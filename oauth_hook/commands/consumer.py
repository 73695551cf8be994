"""Whose requests a command signs: consumer and token, from a file, the environment or the terminal,
and the arguments by which one says how to sign.

Secrets are never taken from the command line, where every user of the machine can read them.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any

from ..hook import OAuthHook
from ..signer import NAMES
from . import CommandFailed

KEY = "OAUTH_CONSUMER_KEY"
SECRET = "OAUTH_CONSUMER_SECRET"
TOKEN = "OAUTH_TOKEN"
TOKEN_SECRET = "OAUTH_TOKEN_SECRET"
PASSPHRASE = "OAUTH_RSA_KEY_PASSPHRASE"

ENVIRONMENT = (
    f"The consumer's key and secret are taken from the environment, {KEY} and {SECRET}, or asked "
    "for without echo."
)


def add_signing_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say how to sign."""
    group = parser.add_argument_group("how to sign")
    group.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        help="put the OAuth parameters into the Authorization header; or, with no-, into the URL",
    )
    group.add_argument(
        "--signature-method",
        metavar="NAME",
        choices=NAMES,
        help=f"one of {', '.join(NAMES)} (default: what the credentials file or the provider says, "
        "else HMAC-SHA1)",
    )
    group.add_argument(
        "--rsa-key",
        metavar="FILE",
        help="private key in PEM, for an RSA method; the passphrase of an encrypted one is taken "
        f"from the environment, {PASSPHRASE}, or asked for without echo",
    )
    group.add_argument("--realm", help="goes into the Authorization header, so with --header")
    group.add_argument(
        "--plaintext-over-http",
        action="store_true",
        default=None,
        help="let PLAINTEXT send the secrets where there is no TLS",
    )


def signing_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments of ``OAuthHook`` that the user has given as options."""
    settings: dict[str, Any] = {
        "header_auth": arguments.header,
        "signature_method": arguments.signature_method,
        "realm": arguments.realm,
        "plaintext_over_http": arguments.plaintext_over_http,
    }
    if arguments.rsa_key is not None:
        with open(arguments.rsa_key, "rb") as file:
            pem = settings["rsa_key"] = file.read()
        if _is_encrypted(pem):
            settings["rsa_key_passphrase"] = _passphrase()
    return {name: value for name, value in settings.items() if value is not None}


def _is_encrypted(pem: bytes) -> bool:
    if b"BEGIN OPENSSH PRIVATE KEY" in pem:
        # It begins with its name and "none" for the cipher, if there is none.
        return b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" not in pem
    return b"ENCRYPTED" in pem  # in its first line or, in OpenSSL's older form, below it


_ARGUMENT = re.compile(
    r"(^|give |make the hook with )(rsa_key|signature_method|realm|plaintext_over_http)\b"
    r"(?:=(?:True|'([^']*)'))?"
)


def as_options(message: str) -> str:
    """What an error says of the library's arguments, in the words of the command line."""

    def option(argument: re.Match[str]) -> str:
        before = "" if argument[1].startswith("make") else argument[1]
        value = f" {argument[3]}" if argument[3] else ""
        return f"{before}--{argument[2].replace('_', '-')}{value}"

    message = message.replace("require_confirmation=False", "--allow-unconfirmed")
    return _ARGUMENT.sub(option, message)


def _passphrase() -> str:
    passphrase = os.environ.get(PASSPHRASE) or _asked("passphrase of the RSA key", PASSPHRASE)
    if not passphrase:
        raise CommandFailed("the RSA key is encrypted, and no passphrase was given")
    return passphrase


def add_credentials_option(parser: argparse.ArgumentParser) -> None:
    """Adds ``--credentials``."""
    parser.add_argument(
        "--credentials",
        metavar="FILE",
        help="what `authorize --save FILE` wrote. Without it the consumer is taken from the "
        f"environment, {KEY} and {SECRET}, or asked for without echo, and the token, if any, from "
        f"{TOKEN} and {TOKEN_SECRET}",
    )


def hook_for(arguments: argparse.Namespace) -> OAuthHook:
    """The hook that signs as ``--credentials`` or the environment says."""
    settings = signing_settings(arguments)
    if arguments.credentials is not None:
        from .. import credential_file

        return credential_file.load(arguments.credentials, **settings)
    token, token_secret = token_in_environment()
    return OAuthHook(token, token_secret, **consumer(settings), **settings)


def check_realm_is_sent(arguments: argparse.Namespace, header_auth: bool) -> None:
    """Raises CommandFailed where ``--realm`` would go nowhere."""
    if arguments.realm is not None and not header_auth:
        raise CommandFailed("--realm goes into the Authorization header only: give --header too")


def token_in_environment() -> tuple[str, str] | tuple[None, None]:
    """Token and its secret; Nones where there is none. Raises CommandFailed for half of it."""
    token, token_secret = os.environ.get(TOKEN), os.environ.get(TOKEN_SECRET)
    if not token:
        if token_secret:
            raise CommandFailed(f"{TOKEN_SECRET} is set, but not {TOKEN}")
        return None, None
    if token_secret is None:
        raise CommandFailed(f"{TOKEN} is set, but not {TOKEN_SECRET}: if it has none, set it empty")
    return token, token_secret


def consumer(settings: dict[str, Any]) -> dict[str, Any]:
    """``consumer_key`` and ``consumer_secret``, from the environment or asked for without echo.

    An RSA method in ``settings`` needs no secret.
    """
    method = settings.get("signature_method", "")
    key = os.environ.get(KEY) or _asked("consumer key", KEY).strip()
    secret = os.environ.get(SECRET)
    if secret is None:
        secret = "" if method.startswith("RSA-") else _asked("consumer secret", SECRET).strip()
    return {"consumer_key": key, "consumer_secret": secret}


def _asked(what: str, variable: str) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed(f"the {what} is missing: set {variable}, or run this at a terminal")
    import getpass

    try:
        return getpass.getpass(f"{what[0].upper()}{what[1:]} (not shown): ", sys.stderr)
    except EOFError:
        wrong = f"no {what} was given"
    except UnicodeDecodeError:
        wrong = f"the {what} is not UTF-8"
    print(file=sys.stderr)  # the cursor stands behind the question
    raise CommandFailed(wrong)
