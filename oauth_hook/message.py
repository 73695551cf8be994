"""A prepared request as the signer sees it: what of it is signed, and how the OAuth parameters get
into it and out again (RFC 5849 section 3.5).

It changes nothing before everything is computed, and knows no redirect, no session and no hook.
"""

from __future__ import annotations

import io
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict

from . import signing
from .body import (
    BYTES,
    Fields,
    hash_body,
    hash_nothing,
    header_fields,
    is_form,
    put_body,
    read_form,
    text_of,
)
from .errors import InvalidURL, UnsignableRequest
from .resource import base_string_uri, method_and_uri, query_as_sent
from .signer import Signer

log: logging.Logger = logging.getLogger("oauth_hook")

#: The user's own OAuth parameters (callback, verifier ...): percent-encoded names and values.
Extras = Mapping[str, str]
_NONE: Extras = {}


#: What changes in a request when it is signed. A plain tuple: naming its parts costs time.
Signed = tuple[
    str,  # its URL
    str | None,  # its Authorization header; "": the present one goes; None: it stays as it is
    str | bytes | None,  # its body; None: it stays as it is
    Extras,  # what was among it and must be remembered
]


def check_prepared(request: Any) -> None:
    """Raises ``UnsignableRequest`` unless it is a request that was prepared."""
    try:
        _ = request.hooks.get, request.headers.items, request.body
    except AttributeError:
        pass
    else:
        return
    if hasattr(getattr(request, "request", None), "hooks"):
        raise UnsignableRequest(
            "OAuthHook was given a response: register it as hooks={'pre_request': hook} or as "
            "auth=hook, and give explain() the request, response.request"
        )
    empty = isinstance(request, PreparedRequest)
    what = "an empty one" if empty else type(request).__name__
    raise UnsignableRequest(
        f"OAuthHook signs a PreparedRequest, not {what}: give it what request.prepare() gives"
    )


class Steps:
    """What passes on the way to a signature, for those who want to see it."""

    in_query: Sequence[signing.Parameter]
    in_form: Sequence[signing.Parameter]
    oauth: Sequence[signing.Parameter]
    base_string: str
    into_form: bool

    def __init__(self, nonce: str, timestamp: str) -> None:
        """``nonce`` and ``timestamp``, unreserved text, are used instead of new ones."""
        self.nonce = nonce
        self.timestamp = timestamp


def sign(
    request: PreparedRequest,
    known: Extras | None,
    signer: Signer,
    header_auth: bool,
    ahead: int,
    steps: Steps | None = None,
) -> Signed:
    """Signs ``request``, which stays as it is: :func:`put` changes it.

    ``known`` are the extras of an earlier signing of the same request; None at the first. The
    provider's clock is ``ahead`` of ours, in seconds. ``steps`` are filled in.

    Raises ``UnsignableRequest`` or one of its subclasses, or what the signature method raises.
    """
    url = request.url
    if not isinstance(url, str):
        raise InvalidURL("the request has no URL: prepare it first", request=request)
    # urlsplit, through which a URL goes to the wire, drops these.
    if "\n" in url or "\r" in url or "\t" in url:
        raise InvalidURL("the URL holds a tab or a line break: percent-encode it", request=request)
    fields = header_fields(request)
    # 3.4.4
    if signer.over_tls_only and url[:6].lower() != "https:":
        raise UnsignableRequest(
            f"{signer.style.method.name} sends the secrets themselves, and this URL is not https: "
            "give an https URL, or make the hook with plaintext_over_http=True",
            request=request,
        )

    # 3.4.1.3.1: the parameters of the query ...
    resource, fragment = url, ""
    if "#" in url:
        resource, mark, fragment = url.partition("#")
        fragment = mark + fragment
    resource, _, query = resource.partition("?")
    query_before = query
    start = method_and_uri(request, resource, fields)
    in_query = signing.parameters_as_written(query) if query else []
    found = _NONE
    if in_query is None:
        query, in_query, found = _taken_apart(query_as_sent(query))
        found = _not_stale(found, known)

    # ... those of a form ...
    new_body: str | bytes | None = None
    in_form: list[signing.Parameter] = []
    into_form = False
    if request.body is not None and is_form(fields):
        form, new_body = read_form(request)
        as_written = signing.parameters_as_written(form) if form else []
        if as_written is not None:
            in_form = as_written
        else:
            form, in_form, found_in_form = _taken_apart(form)
            if found_in_form:
                new_body = form
                # A form is nearer to the request than session.params; unless they stand in it since
                # it was signed before.
                signed = "oauth_signature" in found_in_form
                found_in_form = _not_stale(found_in_form, known)
                found = {**found_in_form, **found} if signed else {**found, **found_in_form}
        into_form = signer.style.form_auth
        if into_form:
            new_body = form
    elif signer.style.form_auth and _is_empty_form(request, fields):
        into_form = True
        new_body = ""

    # ... and those of OAuth (3.1)
    extras = remembered = _extras(found, known, signer) if found or known else _NONE
    if signer.style.body_hash:
        extras, new_body = _with_body_hash(extras, request, fields, signer, new_body, into_form)
    if steps is None:
        nonce = os.urandom(15).hex()  # 120 bits; the strictest servers take lower-case hex only
        timestamp = str(int(time.time()) + ahead)
    else:
        nonce, timestamp = steps.nonce, steps.timestamp
        steps.in_query, steps.in_form, steps.into_form = in_query, in_form.copy(), into_form
        steps.oauth = signer.oauth_parameters(extras, nonce, timestamp)
    parameters = in_form  # now all of them, in one list, which the base string uses up
    parameters += in_query
    if extras:
        parameters += signer.oauth_parameters(extras, nonce, timestamp)
    else:
        before, between, after = signer.in_order
        parameters.append(f"{before}{nonce}{between}{timestamp}{after}")
    base_string = signing.signature_base_string(start, parameters)
    if steps is not None:
        steps.base_string = base_string
    signature = signer.sign(base_string)

    # 3.5: where they go
    authorization: str | None
    if header_auth and not into_form:  # 3.5.1
        more = "".join([f'{name}="{value}", ' for name, value in extras.items()]) if extras else ""
        authorization = (
            f'{signer.header}{more}oauth_nonce="{nonce}", oauth_timestamp="{timestamp}", '
            f'oauth_signature="{signature}"'
        )
    else:
        more = "".join([f"&{name}={value}" for name, value in extras.items()]) if extras else ""
        pairs = (
            f"{signer.query}{more}&oauth_nonce={nonce}"
            f"&oauth_timestamp={timestamp}&oauth_signature={signature}"
        )
        # They go in one place only, and those of an earlier signing are stale.
        authorization = "" if _has_oauth_header(fields) else None
        if into_form and new_body is not None:  # 3.5.2
            if isinstance(new_body, str):
                new_body = f"{new_body}&{pairs}" if new_body else pairs
            else:
                new_body = new_body + b"&" + pairs.encode() if new_body else pairs.encode()
        else:  # 3.5.3
            query = f"{query}&{pairs}" if query else pairs
    if query is not query_before:  # else it stays as it is, even where it ends in a "?"
        url = f"{resource}?{query}{fragment}" if query else resource + fragment
    if steps is None and log.isEnabledFor(logging.DEBUG):
        log.debug(
            "signed %s %s in the %s with %s",
            request.method,
            base_string_uri(request),
            "form" if into_form else "header" if header_auth else "query",
            signer.style.method.name,
        )
    return url, authorization, new_body, remembered


def _is_empty_form(request: PreparedRequest, fields: Fields) -> bool:
    """Whether it has the type of a form, and no body where it may have one: of a form without
    fields Requests makes none.
    """
    may_have_one = (request.method or "").upper() not in ("GET", "HEAD")
    return request.body is None and may_have_one and is_form(fields)


def _taken_apart(form: Any) -> tuple[Any, list[signing.Parameter], dict[str, str]]:
    """Of a query or form: what is left without its OAuth parameters, byte for byte; the parameters
    of that; and what was taken out.
    """
    canonical = signing.canonical_form(form)
    found: dict[str, str] = {}
    if "oauth_" in canonical:
        rest, rest_canonical, found = _split(form)
        if found:
            form, canonical = rest, rest_canonical
    return form, signing.form_parameters(canonical), found


def _with_body_hash(
    extras: Extras,
    request: PreparedRequest,
    fields: Fields,
    signer: Signer,
    new_body: str | bytes | None,
    into_form: bool,
) -> tuple[Extras, str | bytes | None]:
    """The extras with ``oauth_body_hash``, where there is a body to hash, and the new body."""
    hash_name = signer.style.method.hash_name
    digest = None
    if not is_form(fields):
        digest, new_body = hash_body(request, hash_name)
    elif new_body is not None and not new_body and not into_form:
        digest = hash_nothing(request, hash_name)  # it goes out as no form, but as no body
    if digest is None:
        return extras, new_body
    return {**extras, "oauth_body_hash": signing.encoded_base64(digest)}, new_body


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


def _extras(found: Extras, known: Extras | None, signer: Signer) -> Extras:
    """The user's own OAuth parameters, of those found in this message and those known before."""
    extras = {**known, **found} if known else found
    return {name: value for name, value in extras.items() if name not in signer.replaced}


def _not_stale(found: dict[str, str], known: Extras | None) -> dict[str, str]:
    """Without what only some hooks set, if a signature of before stands beside it: it was a hook's
    of then, unless it is known to have been the user's.
    """
    if known is None or "oauth_signature" not in found:
        return found
    maybe_stale = {"oauth_token", "oauth_body_hash"} - known.keys()
    return {name: value for name, value in found.items() if name not in maybe_stale}


# Placing, and finding again


def signed_parts(request: PreparedRequest) -> tuple[Any, ...]:
    """All that the signature covers or that carries it: if it is the same, so is the signature."""
    fields = map(header_fields(request).get, ("authorization", "host", "content-type"))
    return request.method, request.url, request.body, *fields


_IN_HEADER = r'[\s,](oauth_\w+)="?([^",\s]*)'
_IN_FORM = r"(?:^|&)(oauth_\w+)=([^&]*)"


def carried(request: PreparedRequest) -> Iterator[list[tuple[str, str]]]:
    """The OAuth parameters that a request carries, percent-encoded as they stand there: those of
    its header, of its URL and of its form.
    """
    yield re.findall(_IN_HEADER, _as_text(request.headers.get("Authorization")))
    yield re.findall(_IN_FORM, _as_text(request.url).partition("#")[0].partition("?")[2])
    if request.body is not None and is_form(header_fields(request)):
        yield re.findall(_IN_FORM, _as_text(request.body))


def _as_text(found: Any) -> str:
    """Nothing of a file, which may be long, but of one that :func:`put_body` may have made."""
    if isinstance(found, io.BytesIO) and not found.closed:
        found = found.getvalue()
    if isinstance(found, BYTES):
        return bytes(found).decode("latin-1")
    return found if isinstance(found, str) else ""


def put(signed: Signed, request: PreparedRequest) -> None:
    """Changes ``request`` into the signed one."""
    url, authorization, body, _ = signed
    if type(request.headers) is not CaseInsensitiveDict:
        _let_case_not_matter(request)
    if body is not None:
        put_body(body, request)
    if authorization:
        request.headers["Authorization"] = authorization
    elif authorization is not None:
        del request.headers["Authorization"]
    request.url = url


def take_out(request: PreparedRequest) -> None:
    """Takes every OAuth parameter out of header, URL and body, the user's own too."""
    _let_case_not_matter(request)
    url, mark, fragment = (request.url or "").partition("#")
    resource, _, query = url.partition("?")
    query, _, found = _split(query)
    fields = header_fields(request)
    if request.body is not None and is_form(fields):
        form, _, found_in_form = _split(read_form(request)[0])
        if found_in_form:
            put_body(form, request)
    if found:
        request.url = f"{resource}?{query}{mark}{fragment}" if query else resource + mark + fragment
    if _has_oauth_header(fields):
        del request.headers["Authorization"]


def _let_case_not_matter(request: PreparedRequest) -> None:
    """Gives a user's plain dict of headers, in which "host" is not "Host", Requests' own type."""
    headers: Any = request.headers
    if isinstance(headers, dict):
        request.headers = CaseInsensitiveDict(headers)


def _has_oauth_header(fields: Fields) -> bool:
    field = fields.get("authorization")
    authorization = (field and text_of(field[1])) or ""
    return authorization[:6].lower() == "oauth " and "oauth_" in authorization
