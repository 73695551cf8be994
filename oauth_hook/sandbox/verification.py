"""The provider's three decisions on a signed request (RFC 5849 sections 2.1, 2.3 and 3.2).

What RFC 5849 says of the message as such is checked here; the rest is oauthlib's verdict.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import quote

from oauthlib.common import Request
from oauthlib.oauth1 import SignatureOnlyEndpoint, WebApplicationServer

from oauth_hook.sandbox.diagnosis import explain
from oauth_hook.sandbox.received import Pairs, Place, Received, encode
from oauth_hook.sandbox.refusal import Refusal
from oauth_hook.sandbox.store import Store
from oauth_hook.sandbox.validator import Policy, Validator

__all__ = ["Verified", "issue_access_token", "issue_request_token", "verify_resource"]

_MANDATORY = (
    "oauth_consumer_key",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
)


class Verified(NamedTuple):
    """What a signed request has been found to say; ``oauth_token`` is None in a one-legged one."""

    consumer_key: str
    oauth_token: str | None
    signature_method: str
    place: Place


def verify_resource(received: Received, store: Store, policy: Policy) -> Verified:
    """Verifies a request for a protected resource, with a token or (one-legged) without.

    Raises Refusal, as do the other two.
    """
    place, oauth = _protocol_parameters(received, policy, _MANDATORY)
    validator = Validator(store, policy, oauth)
    if oauth.get("oauth_token"):
        endpoint = WebApplicationServer(validator)
        valid, _ = endpoint.validate_protected_resource_request(*_as_oauthlib(received))
    else:
        valid, _ = SignatureOnlyEndpoint(validator).validate_request(*_as_oauthlib(received))
    if not valid:
        raise _verdict(validator, received, policy)
    validator.accept()
    return Verified(
        oauth["oauth_consumer_key"],
        oauth.get("oauth_token") or None,
        oauth["oauth_signature_method"],
        place,
    )


def issue_request_token(received: Received, store: Store, policy: Policy) -> Pairs:
    """Answers a request for temporary credentials (RFC 5849 section 2.1).

    Section 2.1 requires oauth_callback. Providers at which the callback is registered together with
    the application do without, as OAuth Core 1.0 of 2007 did, and so does the sandbox: it takes
    "oob" for registered. oauthlib insists, so there it verifies the signature and nothing else.
    """
    _, oauth = _protocol_parameters(received, policy, _MANDATORY)
    if oauth.get("oauth_token"):
        raise _parameter_rejected("oauth_token", "A request token is asked for without a token.")
    validator = Validator(store, policy, oauth)
    server = WebApplicationServer(validator)
    if "oauth_callback" in oauth:
        _, answer, status = server.create_request_token_response(*_as_oauthlib(received))
        if status != 200:
            raise _verdict(validator, received, policy, answer)
    else:
        endpoint = SignatureOnlyEndpoint(validator)
        valid, request = endpoint.validate_request(*_as_oauthlib(received))
        if not valid:
            raise _verdict(validator, received, policy)
        create: Any = server.create_request_token  # has no annotations
        create(request, {})
    names = ("oauth_token", "oauth_token_secret", "oauth_callback_confirmed")
    return [(name, validator.issued[name]) for name in names]


def issue_access_token(received: Received, store: Store, policy: Policy) -> Pairs:
    """Trades request token and verifier for token credentials (RFC 5849 section 2.3)."""
    required = (*_MANDATORY, "oauth_token", "oauth_verifier")
    _, oauth = _protocol_parameters(received, policy, required)
    validator = Validator(store, policy, oauth)
    server = WebApplicationServer(validator)
    _, answer, status = server.create_access_token_response(*_as_oauthlib(received))
    if status != 200 and policy.lenient_exchange and _is_wrong(validator.request, "signature"):
        lenient = Validator(store, policy, oauth, empty_token_secret=True)
        server = WebApplicationServer(lenient)
        _, answer, status = server.create_access_token_response(*_as_oauthlib(received))
        if not _is_wrong(lenient.request, "signature"):
            validator = lenient
    if status != 200:
        raise _verdict(validator, received, policy, answer)
    return [(name, validator.issued[name]) for name in ("oauth_token", "oauth_token_secret")]


def _protocol_parameters(
    received: Received, policy: Policy, required: tuple[str, ...]
) -> tuple[Place, dict[str, str]]:
    """Gives the place and the OAuth parameters, after what section 3.2 says of them as such."""
    if len(received.places) > 1:
        places = " and ".join(received.places)
        raise Refusal(
            "parameter_rejected",
            f"OAuth parameters came in more than one place: {places}.",
            details="RFC 5849 section 3.5: all of them in the header, the query or the form.",
            status=400,
        )
    for name, times in Counter(name for name, _ in received.oauth).items():
        if times > 1:
            raise _parameter_rejected(name, f"{name} came {times} times; it may come only once.")
    oauth = dict(received.oauth)
    if absent := [name for name in required if not oauth.get(name)]:
        raise Refusal(
            "parameter_absent",
            f"The request lacks {', '.join(absent)}."
            if oauth
            else "The request is not signed: it has no OAuth parameters at all.",
            # Without any credentials it is a challenge (RFC 9110 section 15.5.2).
            status=400 if oauth else 401,
            fields={"oauth_parameters_absent": "&".join(absent)},
        )
    _check_version_and_method(oauth, policy)
    _check_timestamp(oauth["oauth_timestamp"], policy.timestamp_lifetime)
    if "oauth_body_hash" in oauth:
        _check_body_hash(oauth["oauth_body_hash"], oauth["oauth_signature_method"], received)
    (place,) = received.places
    return place, oauth


def _check_version_and_method(oauth: dict[str, str], policy: Policy) -> None:
    version = oauth.get("oauth_version", "1.0")
    if version != "1.0":
        raise Refusal(
            "version_rejected",
            f"oauth_version must be 1.0 or left out, not {version!r}.",
            status=400,
            fields={"oauth_acceptable_versions": "1.0-1.0"},
        )
    method = oauth["oauth_signature_method"]
    if method not in policy.signature_methods:
        raise Refusal(
            "signature_method_rejected",
            f"{method!r} is not one of the signature methods accepted here: "
            f"{', '.join(policy.signature_methods)}.",
            status=400,
        )


def _check_timestamp(text: str, lifetime: int) -> None:
    if not (text.isascii() and text.isdigit()):
        raise _parameter_rejected(
            "oauth_timestamp",
            f"oauth_timestamp must be the number of seconds since 1970, not {text!r}.",
        )
    now = int(time.time())
    ahead = int(text[:20]) - now
    if abs(ahead) > lifetime:
        raise Refusal(
            "timestamp_refused",
            f"oauth_timestamp {text[:20]} is {abs(ahead)} seconds "
            f"{'ahead of' if ahead > 0 else 'behind'} the provider's clock ({now}).",
            details=f"At most {lifetime} seconds are accepted. Usual cause: a wrong clock, a "
            "request signed long before it was sent, or milliseconds instead of seconds.",
            fields={"oauth_acceptable_timestamps": f"{now - lifetime}-{now + lifetime}"},
        )
    if len(text) != 10:
        raise _parameter_rejected(
            "oauth_timestamp",
            f"oauth_timestamp {text[:20]} has not ten digits, as each from 2001 to 2286 has: "
            "oauthlib, with which this sandbox verifies, takes no other. Set this machine's clock.",
        )


def _check_body_hash(text: str, method: str, received: Received) -> None:
    """OAuth Request Body Hash 1.0, draft 4.

    It names SHA-1 for HMAC-SHA1 and RSA-SHA1, and nothing for methods with another hash. Some take
    that then (Mastercard), some stay with SHA-1 (oauthlib): so here either will do.
    """
    name = "oauth_body_hash"
    if received.is_form:
        raise _parameter_rejected(
            name, f"{name} can't go with a form, whose parameters are signed themselves."
        )
    hashes = {known: b64encode(digest).decode() for known, digest in received.digests.items()}
    own = method.partition("-")[2].lower()  # "" of PLAINTEXT
    right = {known: hashes[known] for known in (own, "sha1") if known in hashes}
    if text in right.values():
        return
    expected = " or ".join(f"{value} ({known.upper()})" for known, value in right.items())
    other = next((known for known, value in hashes.items() if value == text), None)
    cause = ""
    if other:
        cause = f"It was made by {other.upper()}, which is not the hash of {method}.\n"
    elif "sha1" in hashes:
        cause = (
            "Usual cause: the body was changed after it was signed, or another text of the same "
            "JSON was hashed.\n"
        )
    raise _parameter_rejected(
        name,
        f"{name} is not the hash of the body that arrived.",
        details=f"Received:  {text}\n"
        f"Expected:  {expected or 'one by SHA1, which this Python does not have'}; of the "
        f"{received.length} bytes of the body, in base64.\n{cause}",
    )


def _as_oauthlib(received: Received) -> tuple[str, str, str, dict[str, str]]:
    """Writes the request in a form that says the same and that oauthlib reads rightly.

    oauthlib refuses raw brackets and raw UTF-8 in queries and forms, decodes OAuth parameters there
    twice, doesn't decode others in the header, and takes any "realm" in the header for the realm.
    So names and values are encoded anew, OAuth parameters go into the header, all others out of it:
    their place does not enter the signature (RFC 5849 section 3.4.1.3.1).
    """
    query = [pair for pair in received.query_pairs if not pair[0].startswith("oauth_")]
    query += [pair for pair in received.header_pairs if not pair[0].startswith("oauth_")]
    form = [pair for pair in received.form_pairs if not pair[0].startswith("oauth_")]
    url = f"{received.base_url}?{encode(query)}" if query else received.base_url
    header = ", ".join(
        f'{name}="{quote(value, safe="~").replace("realm", "%72ealm")}"'
        for name, value in received.oauth
    )
    headers = {
        "Authorization": f"OAuth {header}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return url, received.method, encode(form), headers


def _is_wrong(request: Request | None, what: str) -> bool:
    return request is not None and request.validator_log.get(what) is False


def _verdict(
    validator: Validator, received: Received, policy: Policy, answer: str | None = None
) -> Refusal:
    """Puts oauthlib's no into words."""
    request = validator.request
    if request is not None and _is_wrong(request, "signature"):
        cause, details = explain(request, received, policy.consumer_secret, validator.token_secret)
        advice = "The signature is not the one that this request should have"
        return Refusal(
            "signature_invalid", f"{advice}: {cause}" if cause else f"{advice}.", details=details
        )
    if _is_wrong(request, "verifier"):
        return Refusal(
            "verifier_invalid",
            "oauth_verifier is not the one that the user was given for this request token.",
        )
    return Refusal("parameter_rejected", f"oauthlib refuses the request: {answer}", status=400)


def _parameter_rejected(name: str, advice: str, *, details: str = "") -> Refusal:
    return Refusal(
        "parameter_rejected",
        advice,
        details=details,
        status=400,
        fields={"oauth_parameters_rejected": name},
    )
