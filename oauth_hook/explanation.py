"""What ``OAuthHook.explain`` gives: the way from a request to its signature, to be printed.

It signs with the very functions that the hook signs with, and shows what passes between them.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from requests import PreparedRequest

from . import message, resource, signing
from .body import header_fields, is_form
from .showing import printable
from .signer import Signer


class Parameter(NamedTuple):
    """One parameter that is signed, decoded, and where it came from."""

    source: str  # "URL query", "form body" or "OAuth"
    name: str
    value: str


class Explanation(NamedTuple):
    """The steps of RFC 5849 section 3.4.1 for one request. ``print()`` it to read it.

    It holds no secret; the signature in ``url`` or ``authorization`` is a real one.
    """

    method: str
    #: Section 3.4.1.3.1, in the order in which they were met.
    parameters: list[Parameter]
    #: Section 3.4.1.3.2.
    normalized_parameters: str
    #: Section 3.4.1.2.
    base_string_uri: str
    #: Section 3.4.1.1: what the provider must compute too.
    signature_base_string: str
    #: What the signature method is keyed with, its secrets masked.
    signing_key: str
    #: What goes out: the URL, and the Authorization header in header mode.
    url: str
    authorization: str | None
    #: The body, in words; its content only so far as it is signed and changed.
    body: str
    #: What the hook was given but this request can't carry, in words; mostly "".
    left_out: str

    def __str__(self) -> str:
        width = max(len(parameter.source) for parameter in self.parameters)
        lines = ["Parameters collected (RFC 5849 section 3.4.1.3.1)"]
        lines += [
            f"  {parameter.source:{width}}  {parameter.name} = {parameter.value!r}"
            for parameter in self.parameters
        ]
        lines += ["Normalized parameters (3.4.1.3.2)", f"  {self.normalized_parameters}"]
        lines += ["Base string URI (3.4.1.2)", f"  {self.base_string_uri}"]
        lines += ["Signature base string (3.4.1.1)", f"  {self.signature_base_string}"]
        lines += ["Signing key (3.4.2 to 3.4.4)", f"  {self.signing_key}"]
        lines += ["What goes out", f"  {self.method} {self.url}"]
        if self.authorization is not None:
            lines.append(f"  Authorization: {self.authorization}")
        lines.append(f"  {self.body}")
        if self.left_out:
            lines.append(f"  {self.left_out}")
        return "\n".join(map(printable, lines))


def explain(
    request: PreparedRequest,
    known: message.Extras | None,
    signer: Signer,
    header_auth: bool,
    now: str,
) -> Explanation:
    """See ``OAuthHook.explain``."""
    present = _present(request)
    with _from_its_beginning(request) if present else contextlib.nullcontext():
        nonce, timestamp = present or (os.urandom(15).hex(), now)
        steps = message.Steps(nonce, timestamp)
        url, authorization, body, _ = message.sign(request, known, signer, header_auth, 0, steps)
    masked = _masked_signature if signer.style.method.sends_secrets else _as_it_is
    sources = (("URL query", steps.in_query), ("form body", steps.in_form), ("OAuth", steps.oauth))
    parameters = [*steps.in_query, *steps.in_form, *steps.oauth]
    listed = [
        Parameter(source, *map(unquote, signing.name_and_value(parameter)))
        for source, found in sources
        for parameter in found
    ]
    return Explanation(
        method=(request.method or "").upper(),
        parameters=listed,
        normalized_parameters=signing.normalized_parameters(parameters),
        base_string_uri=resource.base_string_uri(request),
        signature_base_string=steps.base_string,
        signing_key=_signing_key(signer),
        url=_without_user_information(masked(url) or ""),
        authorization=masked(authorization or None),
        body=_body(request, steps, body),
        left_out="" if authorization else _left_out(signer, header_auth),
    )


def _present(request: PreparedRequest) -> tuple[str, str] | None:
    """Nonce and timestamp of the signature that the request carries, if it carries one."""
    for found in map(dict, message.carried(request)):
        if {"oauth_signature", "oauth_nonce", "oauth_timestamp"} <= found.keys():
            return found["oauth_nonce"], found["oauth_timestamp"]
    return None


@contextlib.contextmanager
def _from_its_beginning(request: PreparedRequest) -> Iterator[None]:
    """A file that was sent stands at its end: it is read again from where that began."""
    body: Any = request.body
    began = getattr(request, "_body_position", None)  # as Requests notes it, for redirects
    stands = None
    if isinstance(began, int) and hasattr(body, "seek"):
        with contextlib.suppress(Exception):  # whatever an object of the user's may raise
            stands = body.tell()
            body.seek(began)
    try:
        yield
    finally:
        if stands is not None:
            body.seek(stands)


def _left_out(signer: Signer, header_auth: bool) -> str:
    if signer.style.realm is None:
        return ""
    return "no realm: only an Authorization header carries it" + (
        "" if header_auth else ", so sign in the header"
    )


def _signing_key(signer: Signer) -> str:
    name = signer.style.method.name
    if signer.style.method.is_own:
        return f"what your function for {name} makes of (consumer secret) and (token secret)"
    if name.startswith("RSA-"):
        return "(private RSA key)"
    secrets = "(consumer secret)&" + ("(token secret)" if signer.token else "")
    if name == "PLAINTEXT":
        return f"{secrets}, which is the signature: the base string is not used"
    return secrets


def _without_user_information(url: str) -> str:
    """As it goes out: what stands before the "@" does not, and may be a password."""
    return re.sub(r"^(https?://)[^/?#]*@", r"\1", url, flags=re.IGNORECASE)


def _as_it_is(text: str | None) -> str | None:
    return text


def _masked_signature(text: str | None) -> str | None:
    """PLAINTEXT's signature is the secrets themselves."""
    return text and re.sub(r'(oauth_signature="?)[^"&#]*', r"\1***", text)


def _body(request: PreparedRequest, steps: message.Steps, body: str | bytes | None) -> str:
    if steps.into_form:
        return "the form with the OAuth parameters at its end"
    if request.body is None:
        return "no body"
    if not is_form(header_fields(request)):
        if any(parameter.startswith("oauth_body_hash ") for parameter in steps.oauth):
            return "the body as it is, signed by its hash"
        return "the body as it is, not signed and not read: it is not a form"
    return "the form as it is" if body is None else "the form without OAuth parameters"
