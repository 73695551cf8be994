"""Two signature base strings side by side: where they part, and what usually causes that.

Knows the rules of RFC 5849 section 3.4.1 and the usual ways to break them; no request.
"""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import SplitResult, unquote, urlsplit

from ..showing import printable
from .terminal import WIDTH, wrapped

_SAME = (
    "The base strings are the same. So the secrets differ: the consumer secret or the token secret "
    "is not the one that belongs to the key and token above; or the signature was altered on its "
    "way, by a proxy or by being encoded twice."
)
_NONE = (
    "The provider's text is not a signature base string: that has three parts, joined by two '&' "
    "(method, URI, parameters), each percent-encoded. If the shell cut it at an '&', put it in "
    "quotes. Leave out what stands before it, and paste it unchanged: no '&amp;', and not encoded "
    "again."
)
_ENCODING = (
    "Letters, digits and '-._~' stay as they are, all else is %XX in upper case, a space %20 (RFC "
    "5849 section 3.6)."
)
_METHOD = re.compile("[A-Za-z-]+").fullmatch
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}").findall


def compared(ours: str, theirs: str) -> tuple[bool, str]:
    """Whether the two are the same, and the text that says so or says where they part.

    What ``theirs`` could do to a terminal it can't do there.
    """
    if ours == theirs:
        return True, wrapped(_SAME)
    at = next(
        (i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b),
        min(len(ours), len(theirs)),
    )
    same = printable(ours[:at])
    if len(same) > WIDTH // 2:
        same = f"...{same[-WIDTH // 2 :]}"
    here, there = (printable(text[at : at + WIDTH]) for text in (ours, theirs))
    lines = [
        f"The base strings part at character {at + 1}:",
        f"  here      {same}{here}"[:WIDTH],
        f"  provider  {same}{there}"[:WIDTH],
        f"            {' ' * len(same)}^",
        wrapped(printable(_cause(ours, theirs))),
    ]
    return False, "\n".join(lines)


def _cause(ours: str, theirs: str) -> str:
    rest = ours.removeprefix(theirs)
    parameters = theirs.rpartition("&")[2]
    # Else it may be another text, which is complete.
    is_cut = rest.find("%26") > 0 or parameters.endswith(("%", "%2", "%26"))
    if rest != ours and theirs.count("&") == 2 and parameters and is_cut:
        return (
            f"The provider's text is the same as far as it goes, and ends {len(rest)} characters "
            "early: it was cut off, in a log perhaps."
        )
    here, there = ours.split("&"), theirs.split("&")
    cause = _cause_in_form(here, there)
    if cause is not None:
        return cause
    if here[0] != there[0] and here[0] == there[0].upper():
        return (
            f"The provider's method is {there[0]}: it must be in upper case (RFC 5849 section "
            "3.4.1.1)."
        )
    if here[0] != there[0]:
        return (
            f"The provider saw the method {there[0]}, not {unquote(here[0])}. Usually a "
            "redirect has turned a POST into a GET, or the request meant is another one."
        )
    if here[1] != there[1]:
        return _cause_in_uri(unquote(here[1]), unquote(there[1]))
    return _cause_in_parameters(_pairs(here[2]), _pairs(there[2]))


def _cause_in_form(here: list[str], there: list[str]) -> str | None:
    """What is wrong with how the parts are put together, whatever is in them."""
    if here[0] != there[0] and not _METHOD(there[0]):
        return _NONE
    if len(there) > 1 and re.match("https?://", there[1], re.IGNORECASE):
        return (
            f"The provider's URI is not percent-encoded: {there[1]}, and not {here[1]} (RFC 5849 "
            "section 3.4.1.1)."
        )
    if len(there) != 3 or there[1].startswith("amp;"):
        return _NONE
    for escape in _ESCAPE("&".join(there)):
        if escape != escape.upper():
            return (
                f"The provider's escapes are in lower case, such as {escape}: they must be in "
                "upper case (RFC 5849 section 3.6). .NET's HttpUtility.UrlEncode writes lower case."
            )
    for what, ours, theirs in zip(("URI", "third part"), here[1:], there[1:], strict=True):
        if ours != theirs and unquote(ours) == unquote(theirs):
            return f"The {what} is the same but percent-encoded otherwise. {_ENCODING}"
    return None


def _cause_in_uri(here: str, there: str) -> str:
    if "?" in there or "#" in there:
        return (
            "The provider's URI has a query in it: by RFC 5849 section 3.4.1.2 that belongs to the "
            "parameters. Its own mistake, or its URL was put together by hand."
        )
    ours, theirs = urlsplit(here), _split(there)
    if theirs is None:
        return f"The provider's URI is not a URL: {there}."
    if ours.scheme != theirs.scheme:
        return (
            f"The provider saw {theirs.scheme}, not {ours.scheme}. Usually a proxy before it ends "
            "TLS and does not tell it."
        )
    if ours.netloc != theirs.netloc:
        return (
            f"The provider saw the host {theirs.netloc}, not {ours.netloc}. Usually a proxy stands "
            "before it: set the Host header to what it sees. Host names are in lower case, and the "
            "ports 80 and 443 left out."
        )
    if ours.path == theirs.path:
        return f"The URI is the same but written otherwise: {there}, not {here}."
    if unquote(ours.path) == unquote(theirs.path):
        return (
            f"The path is the same but percent-encoded otherwise: {theirs.path}, not {ours.path}. "
            "It is signed as it stands on the wire."
        )
    if ours.path.rstrip("/") == theirs.path.rstrip("/"):
        return f"The paths differ by a slash at the end: {theirs.path}, not {ours.path}."
    return (
        f"The provider saw the path {theirs.path}, not {ours.path}. Usually a proxy or a framework "
        "takes a prefix away, or a redirect led elsewhere."
    )


def _split(uri: str) -> SplitResult | None:
    """None for what is no URL with a host."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # what stands in brackets is no IPv6 address
        return None
    return parts if parts.scheme and parts.netloc else None


def _pairs(parameters: str) -> list[tuple[str, str]]:
    """Names and values of a base string's third part, as section 3.6 has encoded them."""
    pairs = [pair.partition("=") for pair in unquote(parameters).split("&")] if parameters else []
    return [(name, value) for name, _, value in pairs]


def _cause_in_parameters(here: list[tuple[str, str]], there: list[tuple[str, str]]) -> str:
    only_here = list((Counter(here) - Counter(there)).elements())
    only_there = list((Counter(there) - Counter(here)).elements())
    if not only_here and not only_there:
        return (
            "The parameters are the same but in another order. They are sorted by encoded name, "
            "then by encoded value, byte by byte (RFC 5849 section 3.4.1.3.2)."
        )
    values_there = dict(only_there)
    for name, value in only_here:
        if name in values_there:
            return _cause_in_value(unquote(name), value, values_there[name])
    for name, value in only_here:
        for other, its_value in only_there:
            if unquote(name) == unquote(other):
                return _encoded_otherwise(unquote(name), f"{other}={its_value}", f"{name}={value}")
    if only_there:
        return _only_there(unquote(only_there[0][0]))
    return _only_here(unquote(only_here[0][0]))


def _cause_in_value(name: str, here: str, there: str) -> str:
    if name in ("oauth_token", "oauth_consumer_key"):
        return (
            f"{name} is another: {unquote(there)}, not {unquote(here)}. The credentials used here "
            "are not those of the request that the provider saw."
        )
    ours, theirs = unquote(here), unquote(there)
    if ours == theirs:
        return _encoded_otherwise(name, there, here)
    if unquote(theirs) == ours:
        cause = "The provider saw it encoded twice: something on the way encoded it again."
    elif unquote(ours) == theirs:
        cause = "It is encoded twice here: give the plain value, it is encoded when it is sent."
    elif theirs.replace("+", " ") == ours:
        cause = "A space became a plus sign: the provider takes '+' in a form or query literally."
    elif ours.encode().decode("latin-1") == theirs:
        cause = "The provider took its UTF-8 for Latin-1."
    elif unquote(there, "latin-1") == ours:
        cause = "The provider encoded it as Latin-1: it must be UTF-8 (RFC 5849 section 3.6)."
    else:
        cause = "It was changed on the way, or the request meant is another one."
    return f"{name} has another value, {theirs!r} and not {ours!r}. {cause}"


def _encoded_otherwise(name: str, there: str, here: str) -> str:
    return f"{name} is the same but percent-encoded otherwise: {there} and not {here}. {_ENCODING}"


def _only_there(name: str) -> str:
    if not name:
        return (
            "The provider counts a parameter without a name: it takes an empty pair for one, as "
            "in 'a=1&&b=2' or after an '&' at the end. That is its own mistake, unless the query "
            "or form was put together so."
        )
    if name in ("realm", "oauth_signature"):
        return f"The provider signs {name}, which must not be (RFC 5849 section 3.4.1.3.1)."
    if name == "oauth_body_hash":
        return (
            "The provider saw oauth_body_hash, which is not sent here. Sign with body_hash=True: "
            'the commands do where the file of credentials has "body_hash": true.'
        )
    if name.startswith("oauth_"):
        return (
            f"The provider saw {name}, which is not sent here. Give it as {name}=..., or the token "
            "with --credentials."
        )
    return (
        f"The provider saw a parameter {name} that this request does not have. Give it as "
        f"{name}=...; or it counts what it must not: parts of JSON or multipart bodies, or "
        "parameters that a framework adds."
    )


def _only_here(name: str) -> str:
    if name.startswith("oauth_"):
        return (
            f"The provider did not count {name}. All OAuth parameters but oauth_signature and "
            "realm are signed; perhaps it does not know this one, or lost it on the way."
        )
    return (
        f"The provider did not count {name}. Usually a form was sent without the Content-Type "
        "application/x-www-form-urlencoded, or lost in a redirect; or the provider leaves out "
        "the query or the form, or parameters without a value."
    )
