"""RFC 5849 sections 3.4 and 3.6: text in, signature out.

Pure: it knows no request, reads no clock and draws no randomness. Read it top to bottom with
section 3.4 beside it; the order is the RFC's own, but for the encoding, which all else needs.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
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


#: For patterns that wait until they are needed: to compile them takes time at import.
compiled: Callable[[str], re.Pattern[str]] = cache(re.compile)


# 3.6 Percent encoding


def percent_encode(text: str | bytes) -> str:
    """Section 3.6: everything but unreserved characters as upper-case ``%XX`` of its UTF-8 bytes.

    Raises ``UnicodeEncodeError`` for a str that has no UTF-8 form (a lone surrogate).
    """
    return quote(text, safe="")  # quote() itself spares all that is unreserved


#: All that may stand in a canonical name or value, and "+", which is "%20" in a form.
_IN_CANONICAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%+"
_ESCAPE_NOT_CANONICAL = re.compile(
    # Any "%" but those of the escapes that must be: in upper case, and of no unreserved character,
    # which are "-" "." 0-9 (2D 2E 30-39), A-Z (41-5A), "_" (5F), a-z (61-7A), "~" (7E).
    r"%(?!(?:[0189A-F][0-9A-F]|2[0-9A-CF]|3[A-F]|[46]0|5[B-E]|7[BCDF]))"
).search

_PAIR = re.compile(rb"[^&]+").finditer

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
    raw = form.encode("utf-8", "surrogatepass") if isinstance(form, str) else form
    pairs = (pair[0].partition(b"=") for pair in _PAIR(raw))
    recoded = (f"{_recoded(name)}={_recoded(value)}" for name, _, value in pairs)
    # Some at a time: of a huge form neither all the pairs nor all the results are there at once.
    return "&".join(iter(lambda: "&".join(islice(recoded, 1000)), ""))


def _recoded(component: bytes) -> str:
    """A form-encoded name or value, percent-encoded."""
    if len(component) <= _SLICE:
        return _recoded_slice(component)
    slices = []
    start = 0
    while start < len(component):
        end = start + _SLICE
        escape = component.rfind(b"%", end - 2, end)  # which the end would cut in two
        if escape >= 0 and end < len(component):
            end = escape
        slices.append(_recoded_slice(component[start:end]))
        start = end
    return "".join(slices)


def _recoded_slice(component: bytes) -> str:
    component = component.replace(b"+", b"%20")
    if not component.translate(None, _IN_CANONICAL):
        text = component.decode()
        if not _ESCAPE_NOT_CANONICAL(text):
            return text
    return percent_encode(unquote_to_bytes(component))


# 3.4.1.1 String construction


def signature_base_string(method_and_uri: str, parameters: list[Parameter]) -> str:
    """Section 3.4.1.1: method, base string URI and normalized parameters, encoded and joined.

    ``method_and_uri`` is what :func:`method_and_uri` gave. ``parameters`` are those of the query,
    the form body and OAuth itself but for ``oauth_signature``, in any order; the list is used up,
    so that those of a huge form are gone before the string is there.
    """
    # 3.4.1.3.2 and the encoding of its result in one: "&" is "%26" and "=" is "%3D" there, and the
    # parameters can hold neither, nor a space that is not the separator.
    parameters.sort()
    if parameters:  # all goes into one string at once, for it may be long; no other space is there
        parameters[0] = f"{method_and_uri}&{parameters[0]}"
    else:
        parameters.append(f"{method_and_uri}&")
    base_string = "%26".join(parameters)
    parameters.clear()
    return base_string.replace(" ", "%3D")


def method_and_uri(method: str, uri: str) -> str:
    """The first two parts of the signature base string: the same for all requests to a resource.

    ``uri`` is what :func:`base_string_uri` gave.
    """
    return f"{percent_encode(method.upper())}&{percent_encode(uri)}"


# 3.4.1.2 Base string URI

_HTTP_URL = r"(?i)(https?)://([^/?#]*)([^?#]*)"
_HOST_AND_PORT = r"(\[[0-9A-Za-z:.%_~-]+\]|[!$&-.0-9;=A-Z_a-z~%]+)(?::([0-9]*))?"
_DEFAULT_PORT = {"http": "80", "https": "443"}


def base_string_uri(url: str, host: str | None = None) -> str:
    """Section 3.4.1.2: scheme, authority and path of ``url``, as the server sees them.

    Scheme and host in lower case, without user information, the port only where it is not the
    scheme's own, an empty path as "/", no query and no fragment. ``host`` is the value of the
    ``Host`` header field where it says other than the URL: the RFC takes the authority from there.

    Raises ``ValueError`` if the URL is not http(s) or the authority is none.
    """
    match = compiled(_HTTP_URL).match(url)
    if not match:
        raise ValueError("it does not begin with http:// or https://")
    scheme, authority, path = match.groups()
    scheme = scheme.lower()
    if host is None:
        host = authority.rpartition("@")[2]
    named = compiled(_HOST_AND_PORT).fullmatch(host)
    if not named:
        raise ValueError("it names no valid host")
    name, port = named.groups()
    # An empty port is the default port (RFC 3986 section 3.2.3).
    suffix = f":{port}" if port and port != _DEFAULT_PORT[scheme] else ""
    return f"{scheme}://{name.lower()}{suffix}{path or '/'}"


# 3.4.1.3 Request parameters


def parameters_as_written(form: str | bytes) -> list[Parameter] | None:
    """The parameters of a query or form body that is canonical as it stands, but for the "+".

    So Requests writes it, and then nothing need be decoded and encoded again. None: it must be, see
    :func:`canonical_form`, or an OAuth parameter may be in it, which must be taken out of it.
    """
    if not form.isascii():
        return None
    # In a canonical form every pair has exactly one "=", so that nothing but "=&=&=" is left of it
    # without what may stand in names and values. (The bytes of a huge form go again at once.)
    separators = (form.encode() if isinstance(form, str) else form).translate(None, _IN_CANONICAL)
    if separators != b"=&" * (len(separators) >> 1) + b"=":
        return None
    text = form if isinstance(form, str) else form.decode()
    if "oauth_" in text or _ESCAPE_NOT_CANONICAL(text):
        return None
    # The "+" after the "%", as "%20" encoded once more.
    return text.replace("=", " ").replace("%", "%25").replace("+", "%2520").split("&")


def form_parameters(canonical: str) -> list[Parameter]:
    """The parameters of what :func:`canonical_form` gave, ready for the base string."""
    parameters = canonical.split("&") if canonical else []
    # Of what is encoded already only "%" can need to be encoded again: all else is unreserved. One
    # by one, each in its pair's place, so that those of a huge form are not there twice.
    for index, pair in enumerate(parameters):
        parameters[index] = pair.replace("=", " ").replace("%", "%25")
    return parameters


def parameter(name: str, value: str) -> Parameter:
    """One parameter ready for the base string, from its percent-encoded name and value."""
    return f"{name} {value}".replace("%", "%25")


def name_and_value(parameter: Parameter) -> tuple[str, str]:
    """The percent-encoded name and value of a parameter: the way back, to show them."""
    name, _, value = parameter.replace("%25", "%").partition(" ")
    return name, value


def normalized_parameters(parameters: Iterable[Parameter]) -> str:
    """Section 3.4.1.3.2 by itself, to be shown: it stands encoded in the base string."""
    return "&".join("=".join(name_and_value(parameter)) for parameter in sorted(parameters))


# 3.4.2 HMAC-SHA1, and its like with other hashes


def hmac_signer(hash_name: str, consumer_secret: str, token_secret: str) -> Sign:
    """Section 3.4.2: signs with HMAC under the two secrets, any number of times.

    ``hash_name`` is hashlib's. Raises ``ValueError`` where this Python does not have that hash, as
    under FIPS.
    """
    empty = hashlib.new(hash_name)
    key = f"{percent_encode(consumer_secret)}&{percent_encode(token_secret)}".encode()
    # HMAC (RFC 2104) is two hashes that begin with the key. To begin them once and copy them for
    # each signature takes two thirds of the time of hmac.new(...).copy(), for the same result.
    key = hashlib.new(hash_name, key).digest() if len(key) > empty.block_size else key
    key = key.ljust(empty.block_size, b"\0")
    inner_keyed = hashlib.new(hash_name, bytes(byte ^ 0x36 for byte in key))
    outer_keyed = hashlib.new(hash_name, bytes(byte ^ 0x5C for byte in key))

    def sign(base_string: str) -> str:
        inner = inner_keyed.copy()
        inner.update(base_string.encode())
        outer = outer_keyed.copy()
        outer.update(inner.digest())
        return encoded_base64(outer.digest())

    return sign


def encoded_base64(signature: bytes) -> str:
    """The base64 of a signature, percent-encoded."""
    text = b2a_base64(signature, newline=False).decode()
    # The three characters of base64 that are reserved: several times quicker than to look.
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


# 3.4.4 PLAINTEXT


def plaintext_signer(consumer_secret: str, token_secret: str) -> Sign:
    """Section 3.4.4: the two secrets are the signature."""
    secrets = f"{percent_encode(consumer_secret)}&{percent_encode(token_secret)}"
    signature = percent_encode(secrets)
    return lambda base_string: signature
