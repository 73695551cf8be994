"""A prepared request as the signer sees it: what of it is signed, and how the OAuth parameters get
into it and out again (RFC 5849 section 3.5).

It changes nothing before everything is computed. It draws no nonce, and knows no redirect, no
session and no hook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

from requests import PreparedRequest

from . import signing
from .body import hash_body, hash_nothing, is_form, put_body, read_form, text_of
from .errors import InvalidURL, UnsignableRequest
from .resource import method_and_uri, query_as_sent
from .signer import Signer

#: The user's own OAuth parameters (callback, verifier ...): percent-encoded names and values.
Extras = Mapping[str, str]
_NONE: Extras = {}


#: What :func:`collect` reads of a request. A plain tuple, as the next: naming its parts costs time.
Collected = tuple[
    str,  # method and base string URI, encoded for the base string
    list[signing.Parameter],  # those of the query
    list[signing.Parameter],  # those of the form body
    Extras,
    str,  # the URL up to its query
    str,  # its query without OAuth parameters
    str,  # its fragment, with the "#"
    "str | bytes | None",  # a new body, as a form without OAuth parameters; None: the body stays
    bool,  # whether the OAuth parameters go into that body
]

#: What changes in a request when it is signed.
Signed = tuple[
    str,  # its URL
    "str | None",  # its Authorization header; None: the signature is in the URL or in the form
    "str | bytes | None",  # its body; None: the body stays
    Extras,  # what was among it and must be remembered
]


# Collecting


def collect(request: PreparedRequest, known: Extras | None, signer: Signer) -> Collected:
    """Reads all that ``signer`` signs of ``request``, which stays as it is.

    ``known`` are the extras of an earlier signing of the same request; None at the first.

    Raises ``UnsignableRequest`` or one of its subclasses.
    """
    url = request.url
    if not isinstance(url, str):
        raise InvalidURL("the request has no URL: prepare it first", request=request)
    # urlsplit, through which a URL goes to the wire, drops these.
    if "\n" in url or "\r" in url or "\t" in url:
        raise InvalidURL("the URL holds a tab or a line break: percent-encode it", request=request)
    if signer.over_tls_only and url[:6].lower() != "https:":
        raise UnsignableRequest(
            f"{signer.style.method.name} sends the secrets themselves, and this URL is not https: "
            "give an https URL, or make the hook with plaintext_over_http=True",
            request=request,
        )
    fragment = ""
    if "#" in url:
        url, mark, fragment = url.partition("#")
        fragment = mark + fragment
    resource, _, query = url.partition("?")
    start = method_and_uri(request, resource)
    in_query: list[signing.Parameter] = []
    in_form: list[signing.Parameter] = []
    canonical: str | None
    found = _NONE
    new_body: str | bytes | None = None
    into_form = False
    if query:
        canonical = signing.canonical_as_written(query)
        if canonical is None:
            query = query_as_sent(query)
            canonical = signing.canonical_form(query)
        if "oauth_" in canonical:
            query, canonical, found = _split(query)
        in_query = signing.form_parameters(canonical)
    is_a_form = request.body is not None and is_form(request)
    if is_a_form:
        form, new_body = read_form(request)
        canonical = signing.canonical_form(form)
        if "oauth_" in canonical:
            rest, canonical, found_in_form = _split(form)
            if found_in_form:
                form = new_body = rest
                # A form is nearer to the request than session.params.
                found = {**found, **found_in_form}
        in_form = signing.form_parameters(canonical)
        into_form = signer.style.form_auth
        if into_form:
            new_body = form
    extras = _extras(found, known, signer) if found or known else _NONE
    if signer.style.body_hash:
        hash_name = signer.style.method.hash_name
        digest = None
        if is_a_form:
            if new_body is not None and not new_body and not into_form:
                digest = hash_nothing(request, hash_name)  # it goes out as no form, but as no body
        elif not is_form(request):
            digest, new_body = hash_body(request, hash_name)
        if digest is not None:
            extras = {**extras, "oauth_body_hash": signing.encoded_base64(digest)}
    return start, in_query, in_form, extras, resource, query, fragment, new_body, into_form


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
    replaced = signer.own
    # A token that stands in a URL that the hook has signed before is its own of then, unless it is
    # known to have been the user's.
    if known is not None and "oauth_token" not in known:
        replaced = replaced | {"oauth_token"}
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
    """Computes the signature and where it goes.

    ``nonce`` and ``timestamp`` are unreserved text. The lists in ``collected`` are used up.
    """
    start, in_query, in_form, extras, url, query, fragment, body, into_form = collected
    in_form += in_query
    in_form += oauth_parameters(extras, signer, nonce, timestamp)
    signature = signer.sign(signing.signature_base_string(start, in_form))
    authorization = None
    if into_form and body is not None:  # 3.5.2
        form = body if isinstance(body, str) else body.decode("latin-1")
        more = "".join([f"&{name}={value}" for name, value in extras.items()])
        form = (
            f"{form}{'&' if form else ''}{signer.query}{more}&oauth_nonce={nonce}"
            f"&oauth_timestamp={timestamp}&oauth_signature={signature}"
        )
        body = form if isinstance(body, str) else form.encode("latin-1")
    elif header_auth:  # 3.5.1
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
    return url, authorization, body, extras


def put(signed: Signed, request: PreparedRequest) -> None:
    """Changes ``request`` into the signed one."""
    url, authorization, body, _ = signed
    # OAuth parameters go in one place only (3.5), and those of an earlier signing are stale.
    stale = authorization is None and _has_oauth_header(request)
    if body is not None:
        put_body(body, request)
    if authorization is not None:
        request.headers["Authorization"] = authorization
    elif stale:
        del request.headers["Authorization"]
    request.url = url


def take_out(request: PreparedRequest) -> None:
    """Takes every OAuth parameter out of header, URL and body, the user's own too."""
    url, mark, fragment = (request.url or "").partition("#")
    resource, _, query = url.partition("?")
    query, _, found = _split(query)
    if request.body is not None and is_form(request):
        form, _, found_in_form = _split(read_form(request)[0])
        if found_in_form:
            put_body(form, request)
    if found:
        request.url = f"{resource}?{query}{mark}{fragment}" if query else resource + mark + fragment
    if _has_oauth_header(request):
        del request.headers["Authorization"]


def _has_oauth_header(request: PreparedRequest) -> bool:
    authorization = text_of(request.headers.get("Authorization")) or ""
    return authorization[:6].lower() == "oauth " and "oauth_" in authorization
