"""Says of a message on the wire whether oauthlib, Authlib and the RFC's letter find it well signed.

It must know nothing of how we sign. Where a library is wrong by the RFC, the message is spelled for
it in another way that means the same (``spelling``), or it is not asked (``not_asked``). Each of
these places says why.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import quote, unquote_to_bytes

import authlib.common.urls
import oauthlib.common
from authlib.oauth1.rfc5849.base_server import BaseServer
from authlib.oauth1.rfc5849.errors import OAuth1Error
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from wire import FORM, Wire

Pair = tuple[bytes, bytes]


class Message(NamedTuple):
    """What a server knows of a request, and the secrets that it would look up."""

    wire: Wire
    scheme: str
    consumer_secret: str
    token_secret: str

    @property
    def host(self) -> str:
        return self.wire.header("host") or ""

    @property
    def form(self) -> str:
        return self.wire.body.decode("latin-1") if self.wire.is_form else ""

    @property
    def pairs(self) -> list[Pair]:
        """The parameters of query and form, decoded."""
        return pairs_of(self.wire.query) + pairs_of(self.form)


def pairs_of(form: str) -> list[Pair]:
    """Section 3.4.1.3.1 of a query or form of which each character is a byte."""
    pairs = [pair.partition("=") for pair in form.replace("+", " ").split("&") if pair]
    return [
        (unquote_to_bytes(name.encode("latin-1")), unquote_to_bytes(value.encode("latin-1")))
        for name, _, value in pairs
    ]


# The RFC's letter


def plainly(message: Message) -> bool:
    """RFC 5849 section 3.4, step by step, in bytes."""
    wire = message.wire
    oauth = wire.oauth
    pairs = [pair for pair in message.pairs if not pair[0].startswith(b"oauth_")]
    pairs += [pair for pair in oauth.items() if pair[0] != b"oauth_signature"]
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    host = re.sub(":(443)?$" if message.scheme == "https" else ":(80)?$", "", message.host.lower())
    path = wire.target.partition("?")[0]
    parts = (
        wire.method.upper(),
        f"{message.scheme}://{host}{path}",
        "&".join(f"{name}={value}" for name, value in encoded),
    )
    base_string = "&".join(quote(part.encode("latin-1"), safe="~") for part in parts)
    key = "&".join(quote(secret, safe="~") for secret in message[2:])
    digest = hmac.digest(key.encode(), base_string.encode(), "sha1")
    return base64.b64encode(digest) == oauth[b"oauth_signature"]


# What the libraries are given


class Spelling(NamedTuple):
    """The same message, as far as the RFC goes, in a form that a library reads rightly."""

    uri: str
    headers: dict[str, str]
    body: str


def spelling(message: Message, decode: Callable[[str], Any]) -> Spelling:
    """``decode`` is the library's own decoder of forms, which raises where it can't."""
    wire = message.wire
    query, form, headers = wire.query, message.form, {"Host": message.host}
    authorization = authorization_of(wire)
    if authorization:
        headers["Authorization"] = authorization
    if authorization and authorization != wire.header("authorization"):
        query, form = (
            "&".join(pair for pair in text.split("&") if not is_oauth(pair))
            for text in (query, form)
        )
    if wire.is_form:
        # oauthlib looks for the media type in lower case alone, though its case has no meaning, and
        # finds it in a parameter of another type; Authlib leaves the type to whoever calls it.
        headers["Content-Type"] = FORM
    uri = f"{message.scheme}://{message.host}{wire.target.partition('?')[0]}"
    return Spelling(f"{uri}?{readable(query, decode)}", headers, readable(form, decode))


def authorization_of(wire: Wire) -> str:
    """The header that the two libraries are given; "" where the parameters stay where they are."""
    authorization = wire.header("authorization") or ""
    # Both call any other scheme's header malformed; by section 3.5.1 it is not theirs.
    if authorization[:6] == "OAuth ":
        return authorization
    # oauthlib decodes a value in query or form twice if its name begins with "oauth_". By section
    # 3.5 it may stand in the header as well, and there it decodes it once.
    if not has_escapes(wire.oauth):
        return ""
    return "OAuth " + ", ".join(
        f'{quote(name, safe="~")}="{quote(value, safe="~")}"' for name, value in wire.oauth.items()
    )


def is_oauth(pair: str) -> bool:
    return any(name.startswith(b"oauth_") for name, _ in pairs_of(pair))


def readable(form: str, decode: Callable[[str], Any]) -> str:
    """Both refuse a form with characters that a browser would have encoded, or "%" without escape.

    Section 3.4.1.3.1 has it decoded all the same, and two spellings that decode to the same
    parameters are signed the same.
    """
    try:
        decode(form)
    except ValueError:
        pairs = pairs_of(form)
        return "&".join(
            f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs
        )
    return form


def not_asked(message: Message) -> dict[str, str]:
    """The libraries that are wrong about this message, each with the reason."""
    reasons = {}
    path = message.wire.target.partition("?")[0]
    names = [name for name, _ in message.pairs]
    if any(not is_utf8(part) for pair in message.pairs for part in pair):
        reason = "decodes bytes that are no UTF-8 as U+FFFD and verifies that"
        reasons |= {"oauthlib": reason, "Authlib": reason}
    if ";" in path and not path.rpartition(";")[2]:
        reason = "takes a ';' that ends the path off it (urlparse's params)"
        reasons |= {"oauthlib": reason, "Authlib": reason}
    if not message.consumer_secret:
        reasons["Authlib"] = "refuses every consumer whose secret is empty, which is legal (3.4.2)"
    if has_escapes(message.wire.oauth):
        reasons["Authlib"] = "decodes a value twice if its name begins with 'oauth_'"
    if b"realm" in names:
        reasons["Authlib"] = "leaves a realm out of query and form, not of its header alone"
        if "realm" in authorization_of(message.wire):
            reasons["oauthlib"] = "does so too where the header has 'realm' anywhere"
    return reasons


def has_escapes(oauth: dict[bytes, bytes]) -> bool:
    """Whether a value still has an escape, now that it is decoded: decoded again, it is another."""
    return any(re.search(b"%[0-9A-Fa-f]{2}", value) for value in oauth.values())


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


# oauthlib's server side


class _Validator(RequestValidator):
    enforce_ssl = False

    def __init__(self, message: Message) -> None:
        super().__init__()
        self._message = message

    def check_client_key(self, client_key: str) -> bool:
        return True  # a provider chooses what its keys look like

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self._message.consumer_secret

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self._message.token_secret


def oauthlib_accepts(message: Message) -> bool:
    uri, headers, body = spelling(message, oauthlib.common.urldecode)
    endpoint = SignatureOnlyEndpoint(_Validator(message))
    accepted: bool = endpoint.validate_request(uri, message.wire.method, body, headers)[0]
    return accepted


# Authlib's server side


class _Party(NamedTuple):
    secret: str

    def get_client_secret(self) -> str:
        return self.secret

    def get_oauth_token_secret(self) -> str:
        return self.secret


class _Server(BaseServer):
    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False


def authlib_accepts(message: Message) -> bool:
    uri, headers, body = spelling(message, authlib.common.urls.url_decode)
    with mock.patch.dict(os.environ, {"AUTHLIB_INSECURE_TRANSPORT": "1"}):
        request = OAuth1Request(message.wire.method, uri, body, headers)
    request.client = _Party(message.consumer_secret)
    request.credential = _Party(message.token_secret)
    server = _Server()
    try:
        server.validate_timestamp_and_nonce(request)
        server.validate_oauth_signature(request)
    except OAuth1Error:
        return False
    return True


VERIFIERS: dict[str, Callable[[Message], bool]] = {
    "the RFC's letter": plainly,
    "oauthlib": oauthlib_accepts,
    "Authlib": authlib_accepts,
}
