"""A request exactly as it arrived, and the parameters that RFC 5849 section 3.4.1.3.1 finds in it.

It reads bytes and decides nothing: neither who sent them nor whether the signature is right.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from oauth_hook.sandbox.refusal import Refusal

__all__ = ["Pairs", "Place", "Received"]

Pairs = list[tuple[str, str]]
Place = Literal["header", "query", "body"]

_FORM = "application/x-www-form-urlencoded"
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::([0-9]{0,9}))?")
_AUTH_PARAM = re.compile(
    r"""[\s,]*([^\s=",]+)\s*=\s*(?:(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*)?(?=,|$)""", re.DOTALL
)


@dataclass(frozen=True)
class Received:
    """One HTTP request.

    ``target`` is the request target's bytes, ``headers`` are as received (latin-1, as HTTP/1.1
    wants them), ``length`` (in bytes) and ``digests`` (those of ``new_hashes``) are of the whole
    body. ``body`` is None where it is neither a form nor small, for then it was not kept.
    """

    method: str
    scheme: str
    target: bytes
    headers: Pairs
    length: int
    digests: dict[str, bytes]
    body: bytes | None

    @property
    def sha256(self) -> str:
        """Of the body, in hex."""
        return self.digests["sha256"].hex()

    def header(self, name: str) -> list[str]:
        """Gives each value of a header, in order; the name in lower case."""
        return [value for key, value in self.headers if key.lower() == name]

    @cached_property
    def host(self) -> str:
        """The authority: an absolute target's, else the Host header (RFC 9112 section 3.2).

        Raises Refusal without a Host header, with several, or with one that is no host.
        """
        if absolute := re.match(rb"https?://([^/?#]*)", self.target, re.IGNORECASE):
            hosts = [absolute[1].decode("latin-1")]
        else:
            hosts = [host.strip() for host in self.header("host")]
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None or not 0 < int(match[1] or 80) <= 65535:
            raise _malformed("The request must name one host in its Host header.")
        return hosts[0]

    @cached_property
    def _path_and_query(self) -> tuple[bytes, bytes]:
        target = re.sub(rb"^https?://[^/?#]*", b"", self.target, flags=re.IGNORECASE)
        path, _, query = target.partition(b"?")
        return path or b"/", query

    @property
    def path(self) -> bytes:
        """The path, raw, without the query."""
        return self._path_and_query[0]

    @property
    def query(self) -> bytes:
        """The query, raw, without its "?"."""
        return self._path_and_query[1]

    @property
    def base_url(self) -> str:
        """The URL without its query, with the very bytes of the path."""
        if b"#" in self.target:
            raise _malformed('The request target contains a "#": the fragment is never sent.')
        return f"{self.scheme}://{self.host}{_text(self.path, 'The path')}"

    @property
    def url(self) -> str:
        """The URL as received, for people to read: what isn't UTF-8 in it shows as ``\\xNN``."""
        path_and_query = self.path + (b"?" + self.query if b"?" in self.target else b"")
        return f"{self.scheme}://{self.host}{path_and_query.decode('utf-8', 'backslashreplace')}"

    @property
    def is_form(self) -> bool:
        """Whether the body's parameters are signed (RFC 5849 section 3.4.1.3.1)."""
        return is_form(self.headers)

    @cached_property
    def query_pairs(self) -> Pairs:
        """The query's parameters, decoded. Raises Refusal where they aren't UTF-8."""
        return form_pairs(self.query, "the query")

    @cached_property
    def form_pairs(self) -> Pairs:
        """The form's parameters, decoded; none without a form. Raises Refusal as above."""
        return form_pairs(self.body or b"", "the form") if self.is_form else []

    @cached_property
    def header_pairs(self) -> Pairs:
        """The parameters of every ``Authorization: OAuth`` header, without its realm."""
        credentials = [value.strip().partition(" ") for value in self.header("authorization")]
        return [
            pair
            for scheme, _, text in credentials
            if scheme.lower() == "oauth"
            for pair in _auth_params(text)
        ]

    @cached_property
    def places(self) -> dict[Place, Pairs]:
        """The OAuth parameters, by the place where they were sent (RFC 5849 section 3.5)."""
        places: dict[Place, Pairs] = {
            "header": self.header_pairs,
            "query": self.query_pairs,
            "body": self.form_pairs,
        }
        return {
            place: found
            for place, pairs in places.items()
            if (found := [pair for pair in pairs if pair[0].startswith("oauth_")])
        }

    @cached_property
    def oauth(self) -> Pairs:
        """All OAuth parameters of the request, wherever they were."""
        return [pair for pairs in self.places.values() for pair in pairs]


def new_hashes() -> dict[str, hashlib._Hash]:
    """By hashlib's names, all that an oauth_body_hash may be made by, to be fed with the body.

    Without SHA-1 where this Python doesn't have it, as under FIPS.
    """
    hashes = {"sha256": hashlib.sha256(), "sha512": hashlib.sha512()}
    with suppress(ValueError):
        hashes["sha1"] = hashlib.new("sha1")
    return hashes


def is_form(headers: Pairs) -> bool:
    """Tells whether the headers announce a form, in any letter case, with or without a charset."""
    types = [value for name, value in headers if name.lower() == "content-type"]
    return bool(types) and types[0].partition(";")[0].strip().lower() == _FORM


def encode(pairs: Pairs) -> str:
    """Writes parameters as a form in RFC 5849 section 3.6's own encoding."""
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)


def form_pairs(raw: bytes, where: str) -> Pairs:
    """Reads a query or a form. Raises Refusal, which says where, for what isn't UTF-8 inside."""
    # As W3C.REC-html40 17.13.4 and every browser read it: an escape that is none stays as it is.
    pieces = [piece.partition(b"=") for piece in raw.replace(b"+", b" ").split(b"&") if piece]
    return [
        (
            _text(unquote_to_bytes(name), f"A name in {where}"),
            _text(unquote_to_bytes(value), f"A value in {where}"),
        )
        for name, _, value in pieces
    ]


def _auth_params(text: str) -> Pairs:
    pairs = []
    position = 0
    end = len(text.rstrip(" \t\r\n,"))
    while position < end:
        match = _AUTH_PARAM.match(text, position)
        if match is None:
            raise _malformed(
                "The Authorization header can't be read.",
                f"It can't be read from here: {text[position:].strip()[:60]}",
            )
        position = match.end()
        name, quoted, plain = match.groups()
        if name.lower() != "realm":
            value = (plain or "") if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(text: str) -> str:
    return _text(unquote_to_bytes(text.encode("latin-1")), "A value in the Authorization header")


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise _malformed(
            f"{what} is not UTF-8 once it is percent-decoded: oauthlib, with which this sandbox "
            "verifies, can't express such bytes. Other providers may.",
            f"It is {raw[:40]!r}.",
        ) from error


def _malformed(advice: str, details: str = "") -> Refusal:
    """``advice`` is logged, and so shows nothing of what came."""
    return Refusal("parameter_rejected", advice, details=details, status=400)
