"""Why a signature is wrong: the base string, both signatures, and the mistake that explains them.

It tries the usual mistakes with oauthlib's own signer; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from oauthlib.oauth1 import SIGNATURE_PLAINTEXT, Client
from oauthlib.oauth1.rfc5849 import signature as rfc5849_signature

from oauth_hook.sandbox.received import Pairs, Received, form_pairs
from oauth_hook.sandbox.refusal import Refusal

__all__ = ["explain"]

_oauthlib: Any = rfc5849_signature  # its stubs know fewer HTTP methods than there are
_MANY = 1000  # parameters, beyond which some thirty attempts would take long


@dataclass(frozen=True)
class _Signed:
    """All that goes into a signature. ``client_secret`` and the next are oauthlib's names."""

    http_method: str
    url: str
    parameters: tuple[tuple[str, str], ...]
    signature_method: str
    client_secret: str
    resource_owner_secret: str

    @property
    def base_string(self) -> str:
        return str(
            _oauthlib.signature_base_string(
                self.http_method,
                _oauthlib.base_string_uri(self.url),
                _oauthlib.normalize_parameters(list(self.parameters)),
            )
        )

    @property
    def signature(self) -> str:
        sign = Client.SIGNATURE_METHODS[self.signature_method]
        return str(sign(self.base_string, self))


def explain(
    request: Any, received: Received, consumer_secret: str, token_secret: str
) -> tuple[str, str]:
    """Says of a wrong signature what explains it, or "", and in several lines what was computed."""
    right = _Signed(
        request.http_method,
        request.uri,
        tuple(request.params),
        request.signature_method,
        consumer_secret,
        token_secret,
    )
    lines = [f"received signature:  {request.signature}"]
    causes: list[str] = []
    if not right.signature_method.startswith("RSA"):
        lines.append(f"expected signature:  {right.signature}")
        lines.append(
            f"signing key:         {quote(consumer_secret, safe='~')}&"
            f"{quote(token_secret, safe='~')}"
        )
        if len(right.parameters) <= _MANY:
            causes = [
                cause for cause, texts in _mistakes(right, received) if request.signature in texts
            ]
    if causes:
        lines += ["", f"What explains the received signature: {causes[0]}"]
    else:
        lines += [
            "",
            "None of the usual mistakes gives the received signature. Compare the base string",
            "below with your own, character by character; where they agree, a secret is wrong.",
        ]
    lines += ["", "signature base string:", right.base_string]
    return causes[0] if causes else "", "\n".join(lines)


def _mistakes(right: _Signed, received: Received) -> Iterator[tuple[str, list[str]]]:
    """Gives each usual mistake with the signatures to which it leads."""
    yield (
        "it was not percent-encoded in the request (RFC 5849 section 3.5).",
        [right.signature.replace("+", " "), unquote(right.signature)],
    )
    yield (
        "it was percent-encoded twice.",
        [quote(right.signature, safe="~"), quote(quote(right.signature, safe="~"), safe="~")],
    )
    for cause, wrong in _wrongly_signed(right, received):
        if wrong != right:
            yield cause, [wrong.signature]


def _wrongly_signed(right: _Signed, received: Received) -> Iterator[tuple[str, _Signed]]:
    yield (
        "it was computed without the token's secret.",
        replace(right, resource_owner_secret=""),
    )
    yield (
        "it was computed without the consumer's secret.",
        replace(right, client_secret=""),
    )
    yield (
        "the consumer's secret and the token's were interchanged.",
        replace(
            right,
            client_secret=right.resource_owner_secret,
            resource_owner_secret=right.client_secret,
        ),
    )
    for space, end in (("a line break", "\n"), ("a line break", "\r\n"), ("a space", " ")):
        yield (
            f"it was computed with {space} behind the token's secret.",
            replace(right, resource_owner_secret=right.resource_owner_secret + end),
        )
        yield (
            f"it was computed with {space} behind the consumer's secret.",
            replace(right, client_secret=right.client_secret + end),
        )
    for method in ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", SIGNATURE_PLAINTEXT):
        yield (
            f"it was computed by {method}, but oauth_signature_method says otherwise.",
            replace(right, signature_method=method),
        )
    if right.signature_method == SIGNATURE_PLAINTEXT:
        return
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        yield (
            f"it was computed for the method {method}, but {right.http_method} was sent.",
            replace(right, http_method=method),
        )
    for cause, url in _other_urls(right.url, received):
        yield f"it was computed for {cause}.", replace(right, url=url)
    for cause, parameters in _other_parameters(right.parameters, received):
        yield f"it was computed {cause}.", replace(right, parameters=tuple(parameters))


def _other_urls(url: str, received: Received) -> Iterator[tuple[str, str]]:
    scheme, _, rest = url.partition("://")
    other = "https" if scheme == "http" else "http"
    yield f"{other} instead of {scheme}", f"{other}://{rest}"
    authority, slash, path = rest.partition("/")
    yield (
        "the host without its port",
        f"{scheme}://{received.host.rpartition(':')[0] or authority}{slash}{path}",
    )
    bare = url.partition("?")[0]
    yield "the path with a slash at its end", f"{bare}/"
    yield "the path without the slash at its end", bare.rstrip("/")
    yield "the path percent-decoded", unquote(bare)


def _other_parameters(
    parameters: tuple[tuple[str, str], ...], received: Received
) -> Iterator[tuple[str, Pairs]]:
    protocol = [pair for pair in parameters if pair[0].startswith("oauth_")]
    yield "without the form's parameters", _without(parameters, received.form_pairs)
    yield "without the query's parameters", _without(parameters, received.query_pairs)
    yield "from the OAuth parameters alone", protocol
    if not received.is_form:
        yield (
            "with the body's parameters, but its Content-Type does not say that it is a form",
            [*parameters, *_as_form(received.body)],
        )
    yield (
        "from parameters that were not decoded before they were encoded",
        [(quote(name, safe="~"), quote(value, safe="~")) for name, value in parameters],
    )
    yield (
        'with "+" where the query or form has a space',
        [(name.replace(" ", "+"), value.replace(" ", "+")) for name, value in parameters],
    )
    yield "without oauth_version", [pair for pair in parameters if pair[0] != "oauth_version"]
    yield (
        "without the empty parameters",
        [(name, value) for name, value in parameters if value],
    )


def _without(parameters: tuple[tuple[str, str], ...], pairs: Pairs) -> Pairs:
    left = list(parameters)
    for pair in pairs:
        if pair in left and not pair[0].startswith("oauth_"):
            left.remove(pair)
    return left


def _as_form(body: bytes | None) -> Pairs:
    try:
        return form_pairs(body or b"", "the body")
    except Refusal:
        return []
