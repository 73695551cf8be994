"""The body of a prepared request: whether it is a form, its bytes, its hash, another in its place.

It knows Content-Type and Content-Length, files and encodings, and nothing of signatures. Sections
are RFC 5849's.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from typing import Any

from requests import PreparedRequest
from requests.exceptions import RequestException
from requests.structures import CaseInsensitiveDict
from requests.utils import rewind_body
from urllib3._version import __version__ as urllib3_version

from .errors import UnreadableBody, UnreadableForm, UnsignableRequest

FORM = "application/x-www-form-urlencoded"
_BLOCK = 1 << 16  # bytes
BYTES = (bytes, bytearray, memoryview)


#: The fields of a header: by the name in lower case, the name as it is written and the value.
Fields = Mapping[str, tuple[str, Any]]

#: Whether Requests' own headers keep their fields so. To ask their mapping for one that is not
#: there, as most aren't, takes twenty times as long.
_KEPT_SO = vars(CaseInsensitiveDict({"Host": ""})).get("_store") == {"host": ("Host", "")}


def header_fields(request: PreparedRequest) -> Fields:
    """The header of ``request``, to be looked into and not to be changed.

    For another mapping than Requests' own these are Host, Content-Type and Authorization alone, on
    which signing rests. Look a field up once: another thread that sends the same request may be
    changing it. Raises ``UnsignableRequest`` if there is no header.
    """
    headers: Any = request.headers
    if _KEPT_SO and type(headers) is CaseInsensitiveDict:
        fields: Fields = headers._store
        return fields
    if isinstance(headers, dict):  # it tells "host" from "Host", which the wire does not
        headers = CaseInsensitiveDict(headers)
    if not hasattr(headers, "get"):
        raise UnsignableRequest("the request has no headers: prepare it first", request=request)
    # By name, without a walk through them all, which another thread might break.
    found = ((name, headers.get(name)) for name in ("Host", "Content-Type", "Authorization"))
    return {name.lower(): (name, value) for name, value in found if value is not None}


def is_form(fields: Fields) -> bool:
    """Whether the body is a form by its Content-Type, which alone decides (3.4.1.3.1)."""
    field = fields.get("content-type")
    if field is None:
        return False
    value = field[1]
    return value == FORM or (text_of(value) or "").partition(";")[0].strip().lower() == FORM


def text_of(header: str | bytes | None) -> str | None:
    """The value of a header field, which Requests lets be bytes.

    Raises ``UnsignableRequest`` if it is anything else.
    """
    if header is None or isinstance(header, str):
        return header
    if isinstance(header, bytes):
        return header.decode("latin-1")
    raise UnsignableRequest(
        f"a header that the signature rests on must be str or bytes, not {type(header).__name__}"
    )


def read_form(request: PreparedRequest) -> tuple[str | bytes, bytes | None]:
    """The form body as it goes over the wire, and a new body if it can't stay what it is.

    Raises ``UnreadableForm``.
    """
    body = request.body
    if isinstance(body, str):
        if body.isascii():
            return body, None
        wire = _encoded(body, request, UnreadableForm)
        return wire, wire
    if isinstance(body, BYTES):
        return bytes(body), None
    if isinstance(body, _OwnFile) and not body.closed:
        content = body.getvalue()
        return content, content  # the present one may be read to its end, or by another thread
    remedy = (
        "it is a form by its Content-Type and must be signed: "
        "give it as dict, str or bytes, or give another Content-Type"
    )
    blocks = _read_and_rewind(body, request, UnreadableForm, remedy, -1)
    return b"".join(blocks), None


def hash_body(request: PreparedRequest, hash_name: str) -> tuple[bytes | None, bytes | None]:
    """The digest of a body that is no form, and a new body if it can't stay what it is.

    None for the digest if there is nothing to hash: a GET or HEAD without body. ``hash_name`` is
    hashlib's. A file is read in blocks and rewound.

    Raises ``UnreadableBody``.
    """
    body = request.body
    if body is None:
        return hash_nothing(request, hash_name), None
    digest = hashlib.new(hash_name)
    new_body = None
    if isinstance(body, str):
        wire = _encoded(body, request, UnreadableBody)
        new_body = None if body.isascii() else wire
        digest.update(wire)
    elif isinstance(body, BYTES):
        digest.update(body)
    else:
        remedy = "it must be hashed: give it as bytes or as a file, or make the hook without it"
        for block in _read_and_rewind(body, request, UnreadableBody, remedy, _BLOCK):
            digest.update(block)
    return digest.digest(), new_body


def hash_nothing(request: PreparedRequest, hash_name: str) -> bytes | None:
    """The digest of no body at all; None for a GET or HEAD, which needs none."""
    if (request.method or "").upper() in ("GET", "HEAD"):
        return None
    return hashlib.new(hash_name).digest()


def _encoded(body: str, request: PreparedRequest, error: type[UnreadableBody]) -> bytes:
    """A str in the encoding that it was going to be sent in.

    urllib3 1 sends a str as Latin-1, urllib3 2 as UTF-8; so does what niquests has in their place,
    and its Content-Length says so. (With urllib3 2, that of Requests 2.30 and 2.31 is too small.)
    What Latin-1 can't hold, urllib3 1 could not have sent: it goes out as UTF-8.
    """
    length = text_of(request.headers.get("Content-Length"))
    if length == str(len(body)) and urllib3_version.startswith("1."):
        try:
            return body.encode("latin-1")
        except UnicodeEncodeError:
            pass
    try:
        return body.encode()
    except UnicodeEncodeError:
        pass  # its message would show the body
    raise error("the body holds a lone surrogate, which has no UTF-8 form", request=request)


def _read_and_rewind(
    body: Any, request: PreparedRequest, error: type[UnreadableBody], remedy: str, size: int
) -> Iterator[bytes]:
    """What is left to read in a file, ``size`` bytes at a time (-1: at once), leaving it as it was.

    Raises ``error`` before the first byte is read, or where the reading fails.
    """
    if not hasattr(body, "read"):
        raise error(f"the body is not a file, and {remedy}", request=request)
    wrong = ""
    try:
        start = body.tell()
        body.seek(start)
    except Exception:  # whatever an object of the user's may raise
        wrong = "the body can't be rewound"
    if not wrong:
        try:
            while (block := body.read(size)) != b"":
                if not isinstance(block, bytes):
                    wrong = "the body is not opened in binary mode"
                    break
                yield block
        except Exception:  # its text might show the body
            wrong = "the body can't be read"
        try:
            body.seek(start)
        except Exception:
            wrong = "the body can't be rewound"
    if wrong:
        raise error(f"{wrong}, and {remedy}", request=request)


def rewound(request: PreparedRequest) -> bool:
    """Whether the body can be sent once more from its beginning; a file stands there then."""
    body: Any = request.body
    if body is None or isinstance(body, (str, *BYTES)):
        return True
    if not isinstance(getattr(request, "_body_position", None), int):
        return False  # a generator: Requests notes the position of anything that has one
    try:
        rewind_body(request)
    except RequestException:
        return False
    return True


class _OwnFile(io.BytesIO):
    """What :func:`put_body` puts in the place of a file: whole at each sending, though it was read
    to its end at the one before, and its user can't rewind it.
    """


def put_body(body: str | bytes, request: PreparedRequest) -> None:
    """Gives the request another body, and the Content-Length that goes with it."""
    # Of its own: a shallow copy of the request shares the headers, but not the body.
    request.headers = request.headers.copy()
    was_file = request.body is not None and not isinstance(request.body, (str, *BYTES))
    if not body:
        # Of a file an empty one is left: Requests may have to rewind it for a redirect.
        request.body = _OwnFile() if was_file else None
        for name in ("Content-Type", "Content-Length", "Transfer-Encoding"):
            request.headers.pop(name, None)
        request.prepare_content_length(None)
        if was_file:
            request.headers["Content-Length"] = "0"
        return
    request.headers.pop("Transfer-Encoding", None)  # as of an empty bytearray
    if was_file:  # it stays one, so that Requests can rewind it for a redirect
        request.prepare_body(_OwnFile(body if isinstance(body, bytes) else body.encode()), None)
    else:
        request.body = body
        request.prepare_content_length(body)
