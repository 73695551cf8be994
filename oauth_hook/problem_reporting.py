"""The OAuth Problem Reporting extension: why a provider refused, read from its answer.

What it gives can be shown: control characters are gone, and what must not be shown is masked. It
knows no exchange and no clock. The extension: https://web.archive.org/web/2010/http://wiki.oauth.net/ProblemReporting
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote

import requests

from .message import carried

_FIELDS = (
    "oauth_problem",
    "oauth_problem_advice",
    "oauth_acceptable_timestamps",
    "oauth_acceptable_versions",
    "oauth_parameters_absent",
    "oauth_parameters_rejected",
)
_IN_CHALLENGE = re.compile(r"\b(oauth_[a-z_]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",]+))")
#: The extension's own words for what is wrong: of a page nothing else is taken, which might be a
#: secret, or what a user of the provider has written there.
_PROBLEMS = (
    "additional_authorization_required",
    "consumer_key_refused",
    "consumer_key_rejected",
    "consumer_key_unknown",
    "nonce_used",
    "parameter_absent",
    "parameter_rejected",
    "permission_denied",
    "permission_unknown",
    "signature_invalid",
    "signature_method_rejected",
    "timestamp_refused",
    "token_expired",
    "token_rejected",
    "token_revoked",
    "token_used",
    "user_refused",
    "version_rejected",
)
_IN_PAGE = re.compile(rf"\boauth_problem=({'|'.join(_PROBLEMS)})\b").search
_COMMA = re.compile(r",\s*(?=oauth_\w+=)").sub
_ESCAPES = re.compile("(?:%(?:25)?[0-9A-F]{2})+").sub
#: Bytes of a body. A longer one is no problem report, and might have no end.
LONGEST_REPORT: int = 1 << 16
_SHORT = 7  # characters: "no" as a secret is no reason to spoil the word "not"
_LONGEST = 500  # characters of one field that are kept


def problem(
    response: requests.Response,
    secrets: Iterable[str] = (),
    *,
    body: bytes | None = None,
    in_page: bool = False,
) -> dict[str, str]:
    """The extension's fields in the body of ``response`` or its ``WWW-Authenticate``, decoded.

    ``secrets`` are masked where they occur in them, and so are the signatures and nonces of the
    requests that led to the response. Empty where there are no such fields. ``body``: what is known
    of the body, so that none of it is read, which may have no end. ``in_page``: whether a problem
    that a web page or JSON tells of counts, as E*TRADE's and Magento's do.
    """
    found: dict[str, str] = {}
    content = response.content if body is None else body
    text = content[:LONGEST_REPORT].decode("utf-8-sig", "replace").strip()
    pairs = []
    if not text.startswith(("<", "{", "[")):
        pairs = parse_qsl(_COMMA("&", text), separator="&")
    elif in_page and response.status_code >= 400 and (told := _IN_PAGE(text)):
        pairs = [("oauth_problem", told[1])]
    for name, quoted, plain in _IN_CHALLENGE.findall(response.headers.get("WWW-Authenticate", "")):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain  # RFC 9110 section 5.6.4
        pairs.append((name, unquote(value)))
    for name, value in pairs:
        if name in _FIELDS and value.strip():
            found.setdefault(name, value)
    secret = _pattern({*secrets, *_sent(response, "oauth_signature", "oauth_nonce")})
    return {name: showable(secret.sub("***", found[name])) for name in _FIELDS if name in found}


def plain_words(response: requests.Response, secrets: Iterable[str]) -> str:
    """The beginning of what a refusal says in plain text or JSON; "" where it is a page, or none.

    For the eyes of the one who asked: it may hold anything but ``secrets`` and the signatures,
    nonces and verifier that were sent.
    """
    text = response.content[:LONGEST_REPORT].decode("utf-8-sig", "replace").strip()
    if text.startswith("<"):
        return ""
    sent = _sent(response, "oauth_signature", "oauth_nonce", "oauth_verifier")
    return showable(_pattern({*secrets, *sent}).sub("***", text))


def in_words(fields: dict[str, str]) -> str:
    """What :func:`problem` gave, for a message: "oauth_problem: ...; oauth_problem_advice: ..."."""
    return "; ".join(f"{name}: {value}" for name, value in fields.items())


def _sent(response: requests.Response, *names: str) -> set[str]:
    """The values of these OAuth parameters, in the request answered and in those before it."""
    requests_ = (answered.request for answered in (response, *response.history))
    # A response that somebody made by hand has no request.
    places = (found for request in requests_ if request is not None for found in carried(request))
    return {unquote(value) for found in places for name, value in found if name in names}


def _pattern(values: set[str]) -> re.Pattern[str]:
    """Finds each value as it is, with its "+" read as spaces, and percent-encoded, once and twice
    and in either case; a short one as a word only.
    """
    forms = set()
    for value in values - {""}:
        once = quote(value, safe="")
        forms |= {value, value.replace("+", " "), once, quote(once, safe="")}
    patterns = []
    for form in sorted(forms, key=len, reverse=True):
        pattern = _ESCAPES(r"(?i:\g<0>)", re.escape(form))
        patterns.append(pattern if len(form) > _SHORT else rf"(?<!\w){pattern}(?!\w)")
    return re.compile("|".join(patterns) or r"(?!)")


def showable(text: str) -> str:
    """One line of it, without control characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
