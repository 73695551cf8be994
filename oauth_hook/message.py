"""A prepared request as the signer sees it: what of it is signed, and how the OAuth parameters get
into it and out again (RFC 5849 section 3.5).

It changes nothing before everything is computed. It draws no nonce, and knows no redirect, no
session and no hook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, overload
from urllib.parse import quote

from requests import PreparedRequest

from . import signing
from .credentials import Consumer, Token
from .errors import InvalidURL, UnsignableRequest
from .form import is_form, put_form, read_form, text_of

#: What the hook itself sets in each message (RFC 5849 section 3.1), whatever stood there before.
_OWN = frozenset(
    f"oauth_{name}"
    for name in ("consumer_key", "nonce", "signature", "signature_method", "timestamp", "version")
)

#: The user's own OAuth parameters (callback, verifier ...): percent-encoded names and values.
Extras = Mapping[str, str]
_NONE: Extras = {}


class Signer:
    """All that is the same in every message of one consumer and token. Immutable by convention."""

    __slots__ = ("consumer", "header", "parameters", "query", "sign", "token")

    def __init__(self, consumer: Consumer, token: Token | None) -> None:
        self.consumer = consumer
        self.token = token
        self.sign = signing.hmac_sha1(consumer.secret, token.secret if token else "")
        fixed = {
            "oauth_consumer_key": signing.percent_encode(consumer.key),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_version": "1.0",
        }
        if token:
            fixed["oauth_token"] = signing.percent_encode(token.key)
        self.parameters = [signing.parameter(*pair) for pair in fixed.items()]
        self.header = "OAuth " + "".join(f'{name}="{value}", ' for name, value in fixed.items())
        self.query = "&".join(f"{name}={value}" for name, value in fixed.items())


#: What :func:`collect` reads of a request. A plain tuple, as the next: naming its parts costs time.
Collected = tuple[
    str,  # method and base string URI, encoded for the base string
    list[signing.Parameter],  # those of the query
    list[signing.Parameter],  # those of the form body
    Extras,
    str,  # the URL up to its query
    str,  # its query without OAuth parameters
    str,  # its fragment, with the "#"
    "str | bytes | None",  # a form body without OAuth parameters; None: the body stays
]

#: What changes in a request when it is signed.
Signed = tuple[
    str,  # its URL
    "str | None",  # its Authorization header; None: the signature is in the URL
    "str | bytes | None",  # its form body; None: the body stays
    Extras,  # what was among it and must be remembered
]


# Collecting


def collect(request: PreparedRequest, known: Extras | None, token: Token | None) -> Collected:
    """Reads all that is signed of ``request``, which stays as it is.

    ``known`` are the extras of an earlier signing of the same request; None at the first.

    Raises ``UnsignableRequest`` or one of its subclasses.
    """
    url = request.url
    if not isinstance(url, str):
        raise InvalidURL("the request has no URL: prepare it first", request=request)
    url, mark, fragment = url.partition("#")
    resource, _, query = url.partition("?")
    method_and_uri = _method_and_uri(request, resource)
    in_query: list[signing.Parameter] = []
    in_form: list[signing.Parameter] = []
    found: dict[str, str] = {}
    new_form: str | bytes | None = None
    if query:
        if "%" in query and _NO_ESCAPE(query):
            query = _as_urllib3_sends(query, _SAFE_IN_QUERY)
        canonical = signing.canonical_form(query)
        if "oauth_" in canonical:
            query, canonical, found = _split(query)
        in_query = signing.form_parameters(canonical)
    if request.body is not None and is_form(request):
        form, new_form = read_form(request)
        canonical = signing.canonical_form(form)
        if "oauth_" in canonical:
            rest, canonical, found_in_form = _split(form)
            if found_in_form:
                new_form = rest
                found |= found_in_form  # a form is nearer to the request than session.params
        in_form = signing.form_parameters(canonical)
    return (
        method_and_uri,
        in_query,
        in_form,
        _extras(found, known, token),
        resource,
        query,
        mark + fragment,
        new_form,
    )


def base_string_uri(request: PreparedRequest) -> str:
    """The resource, as the signature base string names it: no user information, no query."""
    resource = (request.url or "").partition("#")[0].partition("?")[0]
    return signing.base_string_uri(_as_sent(resource), host_header(request))


def host_header(request: PreparedRequest) -> str | None:
    """The Host header that the user set. Nearly always there is none, and the URL says it."""
    return text_of(request.headers.get("Host"))


#: Longer URLs aren't kept, so that what is kept stays under a few megabytes.
_KEPT_LENGTH = 1024


def _method_and_uri(request: PreparedRequest, resource: str) -> str:
    method = request.method
    if not isinstance(method, str):
        raise UnsignableRequest("the request has no method: prepare it first", request=request)
    host = host_header(request)
    encode = _encoded if len(resource) <= _KEPT_LENGTH else _encoded.__wrapped__
    try:
        return encode(method, resource, host)
    except ValueError as error:
        reason = str(error)
    if not _TOKEN(method):
        raise UnsignableRequest(reason, request=request)
    where = "the URL" if host is None else "the URL or the Host header"
    raise InvalidURL(f"{where} can't be signed: {reason}", request=request)


@lru_cache(maxsize=512)
def _encoded(method: str, resource: str, host: str | None) -> str:
    if not _TOKEN(method):
        raise ValueError("the request's method is none of HTTP: give a name like 'GET'")
    uri = signing.base_string_uri(_as_sent(resource), host)
    return signing.method_and_uri(method, uri)


_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch  # RFC 9110 section 5.6.2
_AUTHORITY_AND_PATH = re.compile(r"([^/]*//[^/]*)(.*)", re.DOTALL).fullmatch
_SENT_AS_IT_IS = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2})*").fullmatch
_SAFE_IN_PATH = "!$&'()*+,;=:@/~"
_SAFE_IN_QUERY = f"{_SAFE_IN_PATH}?"
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})").search


def _as_sent(resource: str) -> str:
    """The URL with its path as urllib3 puts it on the wire.

    Requests brings the path of a first request into that form, but not that of a redirect's
    ``Location``, nor of a URL that was assigned to a prepared request.
    """
    parts = _AUTHORITY_AND_PATH(resource)
    if not parts or _SENT_AS_IT_IS(parts[2]):
        return resource
    return parts[1] + _as_urllib3_sends(parts[2], _SAFE_IN_PATH)


def _as_urllib3_sends(part: str, safe: str) -> str:
    part, escapes = re.subn("%[0-9A-Fa-f]{2}", lambda escape: escape[0].upper(), part)
    # A single "%" that begins no escape, and urllib3 takes none of them for one.
    all_escapes = escapes == part.count("%")
    return quote(part, safe=f"{safe}%" if all_escapes else safe, errors="surrogatepass")


@overload
def _split(form: str) -> tuple[str, str, dict[str, str]]: ...
@overload
def _split(form: bytes) -> tuple[bytes, str, dict[str, str]]: ...
def _split(form: Any) -> tuple[Any, str, dict[str, str]]:
    """Takes the OAuth parameters out of a query or form.

    Gives what is left of it byte for byte, the same in canonical form, and what was taken out.
    """
    ampersand, nothing = ("&", "") if isinstance(form, str) else (b"&", b"")
    found = {}
    left = []
    left_canonical = []
    for pair in form.split(ampersand):
        canonical = signing.canonical_form(pair)
        name, _, value = canonical.partition("=")
        if name.startswith("oauth_"):
            found[name] = value
        else:
            left.append(pair)
            if canonical:
                left_canonical.append(canonical)
    rest = ampersand.join(left) if left_canonical else nothing
    return rest, "&".join(left_canonical), found


def _extras(found: dict[str, str], known: Extras | None, token: Token | None) -> Extras:
    """The user's own OAuth parameters, of those found in this message and those known before."""
    extras = {**known, **found} if known else found
    if not extras:
        return _NONE
    replaced = _OWN
    # The hook's own token replaces the user's; and a token that stands in a URL that the hook has
    # signed before is its own of then, unless it is known to have been the user's.
    if token or (known is not None and "oauth_token" not in known):
        replaced = _OWN | {"oauth_token"}
    return {name: value for name, value in extras.items() if name not in replaced}


# Signing and placing


def oauth_parameters(
    extras: Extras, signer: Signer, nonce: str, timestamp: str
) -> list[signing.Parameter]:
    """The OAuth parameters of a message (3.1), but for the signature."""
    parameters = [*signer.parameters, f"oauth_nonce {nonce}", f"oauth_timestamp {timestamp}"]
    if extras:
        parameters += [signing.parameter(*extra) for extra in extras.items()]
    return parameters


def sign(
    collected: Collected, signer: Signer, header_auth: bool, nonce: str, timestamp: str
) -> Signed:
    """Computes the signature and where it goes. ``nonce`` and ``timestamp`` are unreserved text."""
    method_and_uri, in_query, in_form, extras, url, query, fragment, form = collected
    parameters = oauth_parameters(extras, signer, nonce, timestamp)
    parameters += in_query
    parameters += in_form
    signature = signer.sign(signing.signature_base_string(method_and_uri, parameters))
    authorization = None
    if header_auth:  # 3.5.1
        more = "".join([f'{name}="{value}", ' for name, value in extras.items()]) if extras else ""
        authorization = (
            f'{signer.header}{more}oauth_nonce="{nonce}", oauth_timestamp="{timestamp}", '
            f'oauth_signature="{signature}"'
        )
    else:  # 3.5.3
        more = "".join([f"&{name}={value}" for name, value in extras.items()]) if extras else ""
        query = (
            f"{query}{'&' if query else ''}{signer.query}{more}&oauth_nonce={nonce}"
            f"&oauth_timestamp={timestamp}&oauth_signature={signature}"
        )
    url = f"{url}?{query}{fragment}" if query else url + fragment
    return url, authorization, form, extras


def put(signed: Signed, request: PreparedRequest, signed_before: bool) -> None:
    """Changes ``request`` into the signed one."""
    url, authorization, form, _ = signed
    if form is not None:
        put_form(form, request)
    if authorization is not None:
        request.headers["Authorization"] = authorization
    elif signed_before and _is_oauth(request):
        del request.headers["Authorization"]
    request.url = url


def take_out(request: PreparedRequest) -> None:
    """Takes every OAuth parameter out of header, URL and body, the user's own too."""
    url, mark, fragment = (request.url or "").partition("#")
    resource, _, query = url.partition("?")
    query, _, found = _split(query)
    body = request.body
    if isinstance(body, (str, bytes)) and is_form(request):
        form, _, found_in_form = _split(body)
        if found_in_form:
            put_form(form, request)
    if found:
        request.url = f"{resource}?{query}{mark}{fragment}" if query else resource + mark + fragment
    if _is_oauth(request):
        del request.headers["Authorization"]


def _is_oauth(request: PreparedRequest) -> bool:
    authorization = text_of(request.headers.get("Authorization")) or ""
    return authorization[:6].lower() == "oauth "
