"""The form body of a prepared request: whether it has one, its bytes, and another in its place.

It knows Content-Type and Content-Length, files and encodings, and nothing of OAuth.
"""

from __future__ import annotations

import io
from typing import Any

from requests import PreparedRequest

from .errors import UnreadableForm

CONTENT_TYPE = "application/x-www-form-urlencoded"


def is_form(request: PreparedRequest) -> bool:
    """Whether the body is a form by its Content-Type, which alone decides (3.4.1.3.1)."""
    content_type = text_of(request.headers.get("Content-Type"))
    if content_type is None or content_type == CONTENT_TYPE:
        return content_type is not None
    return content_type.partition(";")[0].strip().lower() == CONTENT_TYPE


def text_of(header: str | bytes | None) -> str | None:
    """The value of a header field, which Requests lets be bytes."""
    return header.decode("latin-1") if isinstance(header, bytes) else header


def read_form(request: PreparedRequest) -> tuple[str | bytes, bytes | None]:
    """The form body as it goes over the wire, and a new body if it can't stay what it is."""
    body = request.body
    if isinstance(body, str):
        if body.isascii():
            return body, None
        wire = _encoded_form(body, request)
        return wire, wire
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), None
    return _read_and_rewind(body, request), None


def _encoded_form(body: str, request: PreparedRequest) -> bytes:
    """A str with other than ASCII, in the encoding that it was going to be sent in.

    urllib3 1 sends a str as Latin-1, urllib3 2 as UTF-8; Requests' Content-Length tells which. What
    Latin-1 can't hold, urllib3 1 could not have sent: it goes out as UTF-8.
    """
    if text_of(request.headers.get("Content-Length")) == str(len(body)):
        try:
            return body.encode("latin-1")
        except UnicodeEncodeError:
            pass
    try:
        return body.encode()
    except UnicodeEncodeError:
        pass  # its message would show the form
    raise UnreadableForm(
        "the form holds a lone surrogate, which has no UTF-8 form", request=request
    )


def _read_and_rewind(body: Any, request: PreparedRequest) -> bytes:
    """What is left to read in a file-like form, which then stands where it stood."""
    reason = "is no file"
    if hasattr(body, "read"):
        try:
            start = body.tell()
            body.seek(start)
        except (AttributeError, OSError, ValueError):  # ValueError: the file is closed
            reason = "can't be rewound"
        else:
            form = body.read()
            body.seek(start)
            if isinstance(form, bytes):
                return form
            reason = "is not opened in binary mode"
    raise UnreadableForm(
        f"the body is a form by its Content-Type and must be signed, but it {reason}: "
        "give the form as dict, str or bytes, or give another Content-Type",
        request=request,
    )


def put_form(form: str | bytes, request: PreparedRequest) -> None:
    """Gives the request another form as its body, and the Content-Length that goes with it."""
    # Of its own: a shallow copy of the request shares the headers, but not the body.
    request.headers = request.headers.copy()
    if not form:
        request.body = None
        for name in ("Content-Type", "Content-Length", "Transfer-Encoding"):
            request.headers.pop(name, None)
        request.prepare_content_length(None)
    elif isinstance(request.body, (str, bytes)):
        request.body = form
        request.prepare_content_length(form)
    else:  # a file stays one, so that Requests can rewind it for a redirect
        request.headers.pop("Transfer-Encoding", None)
        request.prepare_body(io.BytesIO(form if isinstance(form, bytes) else form.encode()), None)
