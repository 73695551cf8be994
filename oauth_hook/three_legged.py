"""The three-legged exchange (RFC 5849 section 2): request token, authorization, access token.

Three calls and no state but what they give. They use ``OAuthHook`` as any user would::

    hook = OAuthHook(consumer_key=KEY, consumer_secret=SECRET, header_auth=True)
    token = three_legged.request_token(REQUEST_TOKEN_URL, hook)
    print("Open", three_legged.authorization_url(AUTHORIZE_URL, token))
    hook, more = three_legged.access_token(ACCESS_TOKEN_URL, hook, token, input("The PIN: "))
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, overload
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests

from .credentials import Pair, Token, key_and_secret
from .errors import (
    AuthorizationDenied,
    CredentialTypeError,
    InvalidCallback,
    TokenRequestFailed,
    UnsignableRequest,
)
from .hook import OAuthHook
from .problem_reporting import showable
from .showing import printable
from .token_request import token_fields

__all__ = [
    "AccessToken",
    "RequestToken",
    "access_token",
    "authorization_url",
    "request_token",
    "verifier",
]

#: Seconds until a token must be there.
TIMEOUT = 30.0

#: The beginning of a URL, whole or from its path on, and of no query alone.
_URL = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:(?=/|[^&]*\?)|/)|(?!\s)[^=&]*\?").match

_DENIED = ("permission_denied", "user_refused")  # values of oauth_problem


class RequestToken(Token):
    """Temporary credentials (RFC 5849 section 2.1), and what else the provider said with them.

    Attributes:
        key: str.
        secret: str.
        fields: dict of str; usually nothing but ``oauth_callback_confirmed``.
    """

    __slots__ = ("fields",)

    fields: dict[str, str]

    def __init__(self, key: str, secret: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(key, secret)
        object.__setattr__(self, "fields", dict(fields or {}))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.key, self.secret, self.fields)


class AccessToken(NamedTuple):
    """Token credentials (section 2.3) at work, and what else the provider said with them."""

    #: Signs as the consumer on behalf of the user, from now on.
    hook: OAuthHook
    #: ``user_id``, ``screen_name``, ``oauth_session_handle`` ..., as the provider has them.
    fields: dict[str, str]

    @property
    def token(self) -> Token:
        """The hook's token, to be kept: its ``key`` and ``secret``."""
        assert self.hook.token is not None
        return self.hook.token

    def __repr__(self) -> str:
        names = printable(", ".join(self.fields)) or "nothing"
        return f"AccessToken(hook={self.hook!r}, fields of {names})"


def request_token(
    url: str,
    hook: OAuthHook,
    callback: str | None = "oob",
    *,
    params: Mapping[str, str] | None = None,
    require_confirmation: bool = True,
    method: str = "POST",
    session: requests.Session | None = None,
    timeout: float = TIMEOUT,
) -> RequestToken:
    """The first call: asks the provider for a request token (RFC 5849 section 2.1).

    Args:
        url: of the provider's request token endpoint.
        hook: says who the consumer is, and signs, with its realm and all; a token that it has is
            left out.
        callback: URL to which the provider sends the user back, or "oob": it shows a PIN. None
            sends none, against section 2.1, to a provider that has it registered or that takes
            "oob" for a URL.
        params: further parameters that the provider wants; signed like the rest.
        require_confirmation: whether the provider must answer ``oauth_callback_confirmed=true``,
            by which it says that it speaks OAuth 1.0a. False accepts one that leaves it out, as
            OpenStack Keystone does: section 2.1 forbids that, because over OAuth 1.0 somebody else
            can get the user to authorize his request.
        method: "POST", or "GET" for a provider that wants it.
        session: a ``requests.Session`` that sends the request, with its proxies, TLS and retries.
        timeout: seconds until the whole answer must be there.

    Raises:
        TokenRequestDenied: the provider says no; ``problem`` says why, where it says that.
        TokenRequestFailed: no answer (in time: TokenRequestTimeout), or a wrong one.
        UnsignableRequest: ``url`` is not an http(s) URL (InvalidURL), ``callback`` is empty or not
            a str, or ``params``, ``method``, ``session`` or ``timeout`` is wrong. Nothing was sent.
        SignatureMethodError: a signature method of the user's own failed, or gave no signature.
        CredentialTypeError: ``hook`` is not an OAuthHook.
    """
    parameters = _parameters(params)
    if callback is not None:
        parameters["oauth_callback"] = _text("callback", callback, "give a URL, or 'oob' for a PIN")
    with _asking(hook, None) as asking:
        fields, response = token_fields(
            "request token", method, url, parameters, asking, session, timeout
        )
        # First of all, so that a report of what is raised can't show the secret among the locals.
        token = RequestToken(fields.pop("oauth_token"), fields.pop("oauth_token_secret"), fields)
    confirmed = fields.get("oauth_callback_confirmed")
    if confirmed is None and require_confirmation:
        raise TokenRequestFailed(
            "the provider gave a request token but not oauth_callback_confirmed=true: it does not "
            "speak OAuth 1.0a (RFC 5849 section 2.1). "
            "If you must, accept one that leaves it out with require_confirmation=False",
            response=response,
        )
    if confirmed is not None and confirmed.lower() != "true":
        raise TokenRequestFailed(
            "the provider gave a request token with an oauth_callback_confirmed that is not "
            "'true': it has not taken the callback (RFC 5849 section 2.1)",
            response=response,
        )
    return token


def authorization_url(
    url: str, token: Token | Pair, params: Mapping[str, str] | None = None
) -> str:
    """Where to send the user, to allow it or not (RFC 5849 section 2.2).

    Args:
        url: of the provider's authorization page; what it has of a query stays as it is.
        token: what :func:`request_token` gave, or the pair of its key and secret.
        params: further parameters that the provider wants, added to the query.

    Raises:
        UnsignableRequest: ``url`` is empty or not a str, or ``params`` can't be sent.
        CredentialTypeError: ``token`` is neither a token nor a pair.
        CredentialError: it is a pair with a wrong half.
    """
    url = _text("url", url, "give the provider's authorization page")
    token = _token(token)
    url, mark, fragment = url.partition("#")
    separator = "" if url[-1:] in ("?", "&") else "&" if "?" in url else "?"
    query = urlencode({**_parameters(params), "oauth_token": token.key}, quote_via=quote)
    return f"{url}{separator}{query}{mark}{fragment}"


@overload
def verifier(
    callback_url: str, token: Token | Pair, *, require_verifier: Literal[True] = True
) -> str: ...
@overload
def verifier(callback_url: str, token: Token | Pair, *, require_verifier: bool) -> str | None: ...
def verifier(
    callback_url: str, token: Token | Pair, *, require_verifier: bool = True
) -> str | None:
    """The verifier in the URL at which the user came back (RFC 5849 section 2.2).

    Args:
        callback_url: as the browser asked for it: whole, from its path on, or its query alone.
        token: what :func:`request_token` gave *this* user, or the pair of its key and secret: if
            the URL is about another, somebody else may have made it up.
        require_verifier: False accepts that there is none, and gives None then, for a provider of
            OAuth 1.0: see :func:`request_token` for why section 2.2 forbids that.

    Raises:
        AuthorizationDenied: the user said no.
        InvalidCallback: it is about another token, or has no verifier.
        CredentialTypeError: ``token`` is neither a token nor a pair.
        CredentialError: it is a pair with a wrong half.
    """
    token = _token(token)
    query = None
    if isinstance(callback_url, str):
        with contextlib.suppress(ValueError):
            query = urlsplit(callback_url if _URL(callback_url) else f"?{callback_url}").query
    if query is None:
        raise InvalidCallback("the callback URL can't be read: it is not a valid URL")
    pairs = parse_qsl(query, keep_blank_values=True)
    wanted = ("oauth_token", "oauth_verifier", "denied", "oauth_problem")
    found = {(name, value) for name, value in pairs if name in wanted}
    fields = dict(found)
    if len(fields) != len(found):
        raise InvalidCallback("the callback URL names a parameter twice")
    if fields.get("oauth_token", fields.get("denied", token.key)) != token.key:
        raise InvalidCallback("the callback URL is about another request token than this one")
    given = fields.get("oauth_verifier", "").strip()
    # Atlassian's Jira says it in place of the verifier.
    if "denied" in fields or fields.get("oauth_problem") in _DENIED or given == "denied":
        raise AuthorizationDenied("the user did not allow it", problem=_problem(fields))
    if "oauth_problem" in fields:
        problem = _problem(fields)
        raise InvalidCallback(
            f"the provider reports a problem to the callback URL: {problem['oauth_problem']}",
            problem=problem,
        )
    if require_verifier and not given:
        raise InvalidCallback("the callback URL has no oauth_verifier")
    if "oauth_token" not in fields:
        raise InvalidCallback("the callback URL has no oauth_token")
    return given or None


def _problem(fields: Mapping[str, str]) -> dict[str, str]:
    return {"oauth_problem": showable(fields.get("oauth_problem", "permission_denied"))}


def access_token(
    url: str,
    hook: OAuthHook,
    token: Token | Pair,
    verifier: str | None,
    *,
    params: Mapping[str, str] | None = None,
    require_verifier: bool = True,
    method: str = "POST",
    session: requests.Session | None = None,
    timeout: float = TIMEOUT,
) -> AccessToken:
    """The last call: trades token and verifier for an access token (RFC 5849 section 2.3).

    Args:
        url: of the provider's access token endpoint.
        hook: the one of the first call, or one like it.
        token: what :func:`request_token` gave, or the pair of its key and secret.
        verifier: what :func:`verifier` gave, or the PIN that the user typed.
        params: further parameters that the provider wants; signed like the rest.
        require_verifier: False accepts None as the verifier, and then sends none, for a provider of
            OAuth 1.0: see ``require_confirmation`` of :func:`request_token` for the danger of it.
            Or to renew an access token, which is ``token`` then, with an ``oauth_session_handle``
            among ``params``.
        method, session, timeout: as in :func:`request_token`.

    Gives a new hook, like ``hook`` but with the access token, and what else the provider returned.

    Raises:
        TokenRequestDenied: the provider says no: the PIN is wrong, or the token too old.
        TokenRequestFailed: no answer (in time: TokenRequestTimeout), or a wrong one.
        UnsignableRequest: ``url`` is not an http(s) URL (InvalidURL), ``verifier`` is empty or not
            a str, or ``params``, ``method``, ``session`` or ``timeout`` is wrong. Nothing was sent.
        SignatureMethodError: a signature method of the user's own failed, or gave no signature.
        CredentialTypeError: ``token`` is neither a token nor a pair, or ``hook`` not an OAuthHook.
        CredentialError: ``token`` is a pair with a wrong half.
    """
    token = _token(token)  # first of all: a pair shows its secret among the locals
    parameters = _parameters(params)
    if verifier is not None or require_verifier:
        remedy = "give what the provider gave or showed, digit for digit"
        parameters["oauth_verifier"] = _text("verifier", verifier, remedy).strip()
    with _asking(hook, token) as asking:
        fields, _ = token_fields("access token", method, url, parameters, asking, session, timeout)
        issued = Token(fields.pop("oauth_token"), fields.pop("oauth_token_secret"))
    return AccessToken(_with_token(hook, issued), fields)


def _parameters(params: Mapping[str, str] | None) -> dict[str, str]:
    given: dict[Any, Any] | None = None
    with contextlib.suppress(TypeError, ValueError):
        given = dict(params or {})
    if given is None:
        raise UnsignableRequest(f"params must be a dict of str, not {type(params).__name__}")
    parameters = {}
    for name, value in given.items():
        if value is None:  # as Requests takes it: not there
            continue
        text = str(value) if isinstance(value, (int, float)) else value
        for part in (name, text):
            if not isinstance(part, str):
                raise UnsignableRequest(
                    f"params must be a dict of str, not with a {type(part).__name__} at {name!a}"
                )
            _check_utf_8("params", part)
        parameters[name] = str.__str__(text)  # which of an Enum is not its name
    return parameters


def _text(name: str, value: object, remedy: str) -> str:
    """``value``; raises ``UnsignableRequest`` unless it is a str with something in it."""
    if not isinstance(value, str):
        raise UnsignableRequest(f"{name} must be a str, not {type(value).__name__}: {remedy}")
    if not value.strip():
        raise UnsignableRequest(f"{name} is empty: {remedy}")
    _check_utf_8(name, value)
    return value


def _check_utf_8(name: str, text: str) -> None:
    with contextlib.suppress(UnicodeEncodeError):
        text.encode()
        return
    raise UnsignableRequest(f"{name} holds a lone surrogate, which has no UTF-8 form")


def _token(token: Token | Pair) -> Token:
    """Raises ``CredentialTypeError`` for what is neither, ``CredentialError`` for a wrong pair."""
    return token if isinstance(token, Token) else Token(*key_and_secret(token, "token"))


@contextlib.contextmanager
def _asking(hook: OAuthHook, token: Token | None) -> Iterator[OAuthHook]:
    """Like ``hook``, with another token. What it learns of the provider's clock ``hook`` knows too,
    whatever else comes of it.
    """
    asking = _with_token(hook, token)
    before = asking._ahead
    try:
        yield asking
    finally:
        if asking._ahead != before:
            hook._ahead = asking._ahead


def _with_token(hook: OAuthHook, token: Token | None) -> OAuthHook:
    if not isinstance(hook, OAuthHook):
        raise CredentialTypeError(f"hook must be an OAuthHook, not {type(hook).__name__}")
    hook = copy.copy(hook)
    hook.token = token
    return hook
