"""Where a prepared request goes: its method and URL as they stand on the wire (section 3.4.1.2).

It knows what urllib3 makes of a URL, and nothing of parameters.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from urllib.parse import quote

from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from . import signing
from .body import Fields, header_fields, text_of
from .errors import InvalidURL, UnsignableRequest


def base_string_uri(request: PreparedRequest) -> str:
    """The resource, as the signature base string names it: no user information, no query."""
    resource = (request.url or "").partition("#")[0].partition("?")[0]
    host = _host(header_fields(request))
    return signing.base_string_uri(_as_sent(resource, host), host)


def _host(fields: Fields) -> str | None:
    """The Host header that the user set: nearly always there is none, and the URL says it."""
    field = fields.get("host")
    return None if field is None else text_of(field[1])


#: Longer URLs aren't kept, so that what is kept stays under a few megabytes.
_KEPT_LENGTH = 1024


def method_and_uri(request: PreparedRequest, resource: str, fields: Fields) -> str:
    """The beginning of the signature base string; ``resource`` is the URL up to its query.

    ``fields`` are those of the request's header.

    Raises ``UnsignableRequest``, or ``InvalidURL`` below it.
    """
    encode = _encoded if len(resource) <= _KEPT_LENGTH else _encoded.__wrapped__
    host = _host(fields)
    try:
        return encode(request.method, resource, host)
    except ValueError as error:
        reason = str(error)
    except TypeError:  # what can't be hashed is no method
        reason = _NO_METHOD
    if not _is_method(request.method):
        raise UnsignableRequest(reason, request=request)
    where = "the URL" if host is None else "the URL or the Host header"
    raise InvalidURL(f"{where} can't be signed: {reason}", request=request)


_NO_METHOD = "the request's method is not a valid HTTP method: give a name like 'GET'"


@lru_cache(maxsize=512)
def _encoded(method: str | None, resource: str, host: str | None) -> str:
    if method is None or not _is_method(method):
        raise ValueError(_NO_METHOD)
    uri = signing.base_string_uri(_as_sent(resource, host), host)
    return signing.method_and_uri(method, uri)


def _is_method(method: str | None) -> bool:
    return isinstance(method, str) and signing.compiled(_TOKEN).fullmatch(method) is not None


_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110 section 5.6.2
_SENT_AS_IT_IS = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2})*"
_SAFE_IN_PATH = "!$&'()*+,;=:@/"
_SAFE_IN_QUERY = f"{_SAFE_IN_PATH}?"


def _as_sent(resource: str, host: str | None) -> str:
    """The URL with authority and path as they go over the wire, without a ``Host`` of the user's.

    Requests brings the path of a first request into that form, but not that of a redirect's
    ``Location``, nor of a URL that was assigned to a prepared request.
    """
    parts = signing.compiled("(?s)([^/]*//[^/]*)(.*)").fullmatch(resource)
    if not parts:
        return resource
    authority, path = parts.groups()
    if host is None:
        authority = _authority_as_sent(authority)
    if path.startswith("//") and _leading_slashes_merge():
        path = "/" + path.lstrip("/")
    if not signing.compiled(_SENT_AS_IT_IS).fullmatch(path):
        path = _as_urllib3_sends(path, _SAFE_IN_PATH)
    return authority + path


def _authority_as_sent(authority: str) -> str:
    """As the Host header says it, of which the provider takes it (3.4.1.2).

    No zeros before the port. A dot at the host's end stays, though urllib3 leaves it away there: so
    do all the implementations that the vectors compare, and so it is sent to an http proxy.
    """
    in_brackets = authority.rpartition("@")[2].partition("[")[2].partition("]")[0]
    if "%" in in_brackets:
        raise ValueError(
            "its IPv6 address has a zone, which some versions of Python send and others don't: "
            "give the Host header that the provider is to see"
        )
    before, colon, port = authority.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()):
        return authority
    return f"{before}:{port.lstrip('0') or '0'}"


@cache
def _leading_slashes_merge() -> bool:
    """Whether Requests sends "//a" as "/a": 2.32 and 2.33 do, but to an http proxy."""
    request = PreparedRequest()
    request.url = "http://host.invalid//a"
    return HTTPAdapter().request_url(request, {}) == "/a"


def query_as_sent(query: str) -> str:
    """The query as urllib3 puts it on the wire, where that means other than it says."""
    no_escape = signing.compiled("%(?![0-9A-Fa-f]{2})").search(query)
    return _as_urllib3_sends(query, _SAFE_IN_QUERY) if no_escape else query


def _as_urllib3_sends(part: str, safe: str) -> str:
    part, escapes = re.subn("%[0-9A-Fa-f]{2}", lambda escape: escape[0].upper(), part)
    # A single "%" that begins no escape, and urllib3 takes none of them for one.
    all_escapes = escapes == part.count("%")
    return quote(part, safe=f"{safe}%" if all_escapes else safe, errors="surrogatepass")
