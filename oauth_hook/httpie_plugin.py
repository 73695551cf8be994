"""HTTPie's ``--auth-type=oauth1``: where its credentials come from.

HTTPie finds it through the entry point group ``httpie.plugins.auth.v1``; nothing else imports it.
"""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from . import credential_file
from .commands import CommandFailed
from .commands.consumer import KEY, SECRET, TOKEN, TOKEN_SECRET, token_in_environment
from .errors import CredentialError, OAuthError
from .hook import OAuthHook

if TYPE_CHECKING:  # HTTPie has no types

    class AuthPlugin:
        raw_auth: str | None
else:
    from httpie.plugins import AuthPlugin

__all__ = ["OAuth1Plugin"]

#: Token and its secret, consumer key and its secret.
_Credentials = tuple[str | None, str | None, str, str | None]


class OAuth1Plugin(AuthPlugin):
    """``-a FILE`` names a file of credentials; without it the environment or the user is asked.

    A secret is never taken from the command line, where every user of the machine can read it.
    """

    name = "OAuth 1.0a"
    auth_type = "oauth1"
    description = (
        "-a FILE: as `oauth-hook authorize --save FILE` wrote it; without it the environment's "
        "OAUTH_... variables, or you are asked"
    )
    auth_require = False
    auth_parse = False
    prompt_password = False

    def get_auth(self, username: str | None = None, password: str | None = None) -> OAuthHook:
        """The hook, which HTTPie gives to Requests. Its arguments are HTTPie's and always None."""
        try:
            if self.raw_auth is not None:
                return _from_file(self.raw_auth)
            return OAuthHook(*(_from_environment() or _from_terminal()), True)
        except (CommandFailed, OAuthError) as error:
            _fail(str(error))
        except OSError as error:  # what was given is not repeated: it might be a secret
            _fail(f"-a must name a file of credentials, and it can't be read: {error.strerror}")


def _from_file(path: str) -> OAuthHook:
    try:
        return credential_file.load(path)
    except CredentialError as error:
        if "rsa_key is missing" in str(error):
            _fail("this file's credentials need an RSA key, which oauth-hook takes but not HTTPie")
        raise


def _from_environment() -> _Credentials | None:
    key, secret = os.environ.get(KEY), os.environ.get(SECRET)
    if not key:
        return None
    if secret is None:
        raise CommandFailed(f"{KEY} is set, but not {SECRET}: set it empty for none")
    return (*token_in_environment(), key, secret)


def _from_terminal() -> _Credentials:
    if sys.stdin is None or not sys.stdin.isatty():  # None: it was closed
        _fail(f"no credentials: give -a FILE, or set {KEY}, {SECRET}, {TOKEN} and {TOKEN_SECRET}")
    key, secret = _asked("Consumer key"), _asked("Consumer secret")
    token = _asked("Access token, Enter for none")
    return (
        (token, _asked("Access token secret"), key, secret) if token else (None, None, key, secret)
    )


def _asked(what: str) -> str:
    try:
        return getpass.getpass(f"{what} (not shown): ").strip()
    except (EOFError, UnicodeDecodeError):
        print(file=sys.stderr)  # the cursor stands behind the question
        _fail("the credentials were not given to their end, or not in UTF-8")


def _fail(message: str) -> NoReturn:
    print(f"http: error: {message}", file=sys.stderr)
    raise SystemExit(1)
