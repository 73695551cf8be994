"""A multipart/form-data body that is read from its files as it is sent, whatever their size."""

from __future__ import annotations

import io
import mimetypes
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from urllib3.fields import RequestField

_BLOCK = 64 * 1024  # bytes


class Multipart:
    """A file-like body with a length, that can be rewound for a redirect.

    ``values`` and ``files`` are pairs: of a field's name, and its value or the path of its file.
    ``on_read``, if set, is called with the number of bytes read so far.

    Raises OSError if a file can't be opened.
    """

    def __init__(self, values: Sequence[tuple[str, str]], files: Sequence[tuple[str, str]]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self.on_read: Callable[[int], None] | None = None
        self._parts: list[BinaryIO] = []
        for name, value in values:
            self._add(boundary, RequestField(name, ""), io.BytesIO(value.encode()))
        for name, path in files:
            filename = os.path.basename(path)
            field = RequestField(name, "", filename)
            kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
            self._add(boundary, field, open(path, "rb"), kind)  # noqa: SIM115 (closed by close)
        self._parts.append(io.BytesIO(f"--{boundary}--\r\n".encode()))
        self._length = sum(part.seek(0, os.SEEK_END) for part in self._parts)
        self.seek(0)

    def _add(
        self, boundary: str, field: RequestField, content: BinaryIO, kind: str | None = None
    ) -> None:
        field.make_multipart(content_type=kind)
        head = f"--{boundary}\r\n{field.render_headers()}".encode()
        self._parts += [io.BytesIO(head), content, io.BytesIO(b"\r\n")]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(_BLOCK), b"")

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, all that is left if it is negative; none at the end."""
        blocks = []
        while size and self._at < len(self._parts):
            block = self._parts[self._at].read(size)
            if block:
                blocks.append(block)
                size -= len(block) if size > 0 else 0
            else:
                self._at += 1
        read = b"".join(blocks)
        self._position += len(read)
        if self.on_read is not None:
            self.on_read(self._position)
        return read

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        """To ``position``, which can only be the beginning."""
        if position != 0:
            raise OSError("an upload can be rewound to its beginning only")
        for part in self._parts:
            part.seek(0)
        self._at = self._position = 0
        return 0

    def close(self) -> None:
        for part in self._parts:
            part.close()
