"""RFC 5849 sections 3.4 to 3.6: text in, signature out.

Pure: it knows no request, reads no clock and draws no randomness. Read it top to bottom with
section 3.4 beside it; the order is the RFC's own, but for the encoding, which all else needs.
"""

from __future__ import annotations

import hmac
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote_to_bytes

#: One parameter on its way into the base string: its name and its value, each percent-encoded
#: *twice* (as they will stand there), with one space between them.
#:
#: A space sorts before every character that encoding leaves, the smallest of which is "%", and
#: encoding a second time ("%" to "%25") changes no order. So sorting these strings is sorting by
#: name and then by value (3.4.1.3.2), even where one name is the beginning of another ("a", "a-b",
#: "a%00"), which sorting "name=value" would get wrong.
Parameter = str

#: Computes the signature of a signature base string and gives it percent-encoded, as it is sent.
Sign = Callable[[str], str]


# 3.6 Percent encoding


def percent_encode(text: str | bytes) -> str:
    """Section 3.6: everything but unreserved characters as upper-case ``%XX`` of its UTF-8 bytes.

    Raises ``UnicodeEncodeError`` for a str that has no UTF-8 form (a lone surrogate).
    """
    return quote(text, safe="~")  # quote() itself spares letters, digits and "-._"


# Three searches, all of them linear, tell whether a form is written the one way that decoding and
# encoding it would give back. Together they are several times cheaper than doing so.
_NEVER_CANONICAL = re.compile(r"[^A-Za-z0-9\-._~%&=]").search
_ESCAPE_NOT_CANONICAL = re.compile(
    # No escape, or in lower case, or of a character that needs none:
    # "-" "." 0-9 (2D 2E 30-39), A-Z (41-5A), "_" (5F), a-z (61-7A), "~" (7E).
    r"%(?![0-9A-F]{2})|%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])"
).search
_SECOND_EQUALS = re.compile(r"=[^&=]*=").search

#: How much of one name or value is decoded at a time: bounds the memory that a huge one takes.
_SLICE = 1 << 16


def canonical_form(form: str | bytes) -> str:
    """The pairs of a query or form body, each ``name=value`` with both percent-encoded by 3.6.

    ``form`` is ``application/x-www-form-urlencoded`` as it stands on the wire (3.4.1.3.1): pairs
    are separated by "&" alone, "+" is a space, a pair without "=" has an empty value, an empty pair
    is none. Escapes may stand for any bytes, UTF-8 or not, and stay those bytes; a "%" that begins
    no escape is a "%". A str stands for its UTF-8 bytes (and a lone surrogate for the three bytes
    that UTF-8 would have for it).
    """
    text = form if isinstance(form, str) else form.decode("latin-1")
    text = text.replace("+", "%20")
    # Requests' own encoding is canonical but for the "+", so this is nearly always the answer.
    # That no pair has two "=" and that there is one for each pair means that each has exactly one.
    if (
        not _NEVER_CANONICAL(text)
        and not ("%" in text and _ESCAPE_NOT_CANONICAL(text))
        and text.count("=") == text.count("&") + 1
        and not _SECOND_EQUALS(text)
    ):
        return text
    raw = form.encode(errors="surrogatepass") if isinstance(form, str) else form
    pairs = (pair.partition(b"=") for pair in raw.split(b"&") if pair)
    return "&".join(f"{_recoded(name)}={_recoded(value)}" for name, _, value in pairs)


def _recoded(component: bytes) -> str:
    """A form-encoded name or value, percent-encoded."""
    component = component.replace(b"+", b"%20")
    text = component.decode("latin-1")
    if not _NEVER_CANONICAL(text) and "=" not in text and not _ESCAPE_NOT_CANONICAL(text):
        return text
    slices = []
    start = 0
    while start < len(component):
        end = start + _SLICE
        if end < len(component):  # never cut an escape in two
            cut = component.rfind(b"%", end - 2, end)
            end = end if cut < 0 else cut
        slices.append(percent_encode(unquote_to_bytes(component[start:end])))
        start = end
    return "".join(slices)


# 3.4.1.1 String construction


def signature_base_string(method_and_uri: str, parameters: Iterable[Parameter]) -> str:
    """Section 3.4.1.1: method, base string URI and normalized parameters, encoded and joined.

    ``method_and_uri`` is what :func:`method_and_uri` gave. ``parameters`` are those of the query,
    the form body and OAuth itself but for ``oauth_signature``, in any order.
    """
    # 3.4.1.3.2 and the encoding of its result in one: "&" is "%26" and "=" is "%3D" there, and the
    # parameters can hold neither, nor a space that is not the separator.
    return f"{method_and_uri}&{'%26'.join(sorted(parameters)).replace(' ', '%3D')}"


def method_and_uri(method: str, uri: str) -> str:
    """The first two parts of the signature base string: the same for all requests to a resource.

    ``uri`` is what :func:`base_string_uri` gave.
    """
    return f"{percent_encode(method.upper())}&{percent_encode(uri)}"


# 3.4.1.2 Base string URI

_HTTP_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)", re.IGNORECASE).match
_HOST_AND_PORT = re.compile(
    r"(\[[0-9A-Za-z:.%_~-]+\]|[!$&-.0-9;=A-Z_a-z~%]+)(?::([0-9]*))?"
).fullmatch
_DEFAULT_PORT = {"http": "80", "https": "443"}


def base_string_uri(url: str, host: str | None = None) -> str:
    """Section 3.4.1.2: scheme, authority and path of ``url``, as the server sees them.

    Scheme and host in lower case, without user information, the port only where it is not the
    scheme's own, an empty path as "/", no query and no fragment. ``host`` is the value of the
    ``Host`` header field where it says other than the URL: the RFC takes the authority from there.

    Raises ``ValueError`` if the URL is not http(s) or the authority is none.
    """
    match = _HTTP_URL(url)
    if not match:
        raise ValueError("it does not begin with http:// or https://")
    scheme, authority, path = match.groups()
    scheme = scheme.lower()
    if host is None:
        host = authority.rpartition("@")[2]
    named = _HOST_AND_PORT(host)
    if not named:
        raise ValueError("it names no valid host")
    name, port = named.groups()
    # An empty port is the default port (RFC 3986 section 3.2.3).
    suffix = f":{port}" if port and port != _DEFAULT_PORT[scheme] else ""
    return f"{scheme}://{name.lower()}{suffix}{path or '/'}"


# 3.4.1.3 Request parameters


def form_parameters(canonical: str) -> list[Parameter]:
    """The parameters of what :func:`canonical_form` gave, ready for the base string."""
    return encoded_again(canonical).replace("=", " ").split("&") if canonical else []


def parameter(name: str, value: str) -> Parameter:
    """One parameter ready for the base string, from its percent-encoded name and value."""
    return encoded_again(f"{name} {value}")


def encoded_again(encoded: str) -> str:
    """Percent-encodes what is percent-encoded already, but for the separators between.

    Only "%" can need it there: all else is unreserved.
    """
    return encoded.replace("%", "%25")


def name_and_value(parameter: Parameter) -> tuple[str, str]:
    """The percent-encoded name and value of a parameter: the way back, to show them."""
    name, _, value = parameter.replace("%25", "%").partition(" ")
    return name, value


def normalized_parameters(parameters: Iterable[Parameter]) -> str:
    """Section 3.4.1.3.2 by itself, to be shown: it stands encoded in the base string."""
    return "&".join("=".join(name_and_value(parameter)) for parameter in sorted(parameters))


# 3.4.2 HMAC-SHA1


def hmac_sha1(consumer_secret: str, token_secret: str) -> Sign:
    """Section 3.4.2: signs with HMAC-SHA1 under the two secrets, for as many requests as wanted."""
    key = f"{percent_encode(consumer_secret)}&{percent_encode(token_secret)}"
    keyed = hmac.new(key.encode(), digestmod="sha1")  # the key is hashed in once, then copied

    def sign(base_string: str) -> str:
        digest = keyed.copy()
        digest.update(base_string.encode())
        signature = b2a_base64(digest.digest(), newline=False).decode()
        # The three characters of base64 that are reserved: several times quicker than to look.
        return signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")

    return sign
