"""Bodies that are read as they are sent, and tell how far that is: a document that is there, and
multipart/form-data from files of any size.
"""

from __future__ import annotations

import errno
import io
import mimetypes
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from urllib3.fields import RequestField

_BLOCK = 64 * 1024  # bytes


class Document(io.BytesIO):
    """A body that is in memory already. ``on_read`` is as that of :class:`Multipart`."""

    on_read: Callable[[int], None] | None = None

    def __len__(self) -> int:
        return len(self.getbuffer())

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file."""
        block = super().read(size)
        if self.on_read is not None:
            self.on_read(self.tell())
        return block


class Multipart:
    """A file-like body with a length, that can be rewound for a redirect.

    ``values`` and ``files`` are pairs: of a field's name, and its value or the path of its file.
    A file is open only while it is read. ``on_read``, if set, is called with the number of bytes
    read so far.

    As much of a file is sent as was in it at first, so that what a log gets meanwhile stays out.

    Raises OSError if there is no such file, or it is one without a length: a directory, a pipe, or
    one of ``/proc``. Reading raises it too, where a file has become shorter.
    """

    def __init__(self, values: Sequence[tuple[str, str]], files: Sequence[tuple[str, str]]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type: str = f"multipart/form-data; boundary={boundary}"
        self.on_read: Callable[[int], None] | None = None
        self._parts: list[bytes | tuple[Path, int]] = []
        for name, value in values:
            self._parts += [_head(boundary, name), value.encode(), b"\r\n"]
        for name, path in files:
            size = _size(path)
            self._parts += [_head(boundary, name, Path(path)), (Path(path), size), b"\r\n"]
        self._parts.append(f"--{boundary}--\r\n".encode())
        self._length = sum(
            len(part) if isinstance(part, bytes) else part[1] for part in self._parts
        )
        self._at = self._position = 0
        self._part: BinaryIO | None = None
        self._left = 0  # bytes of that part

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(_BLOCK), b"")

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, all that is left if it is negative; none at the end."""
        blocks = []
        while size and self._at < len(self._parts):
            if self._part is None:
                part = self._parts[self._at]
                if isinstance(part, bytes):
                    self._part, self._left = io.BytesIO(part), len(part)
                else:
                    self._part, self._left = part[0].open("rb"), part[1]
            block = self._part.read(self._left if size < 0 else min(size, self._left))
            self._left -= len(block)
            if block:
                blocks.append(block)
                size -= len(block) if size > 0 else 0
            elif self._left:
                self.close()
                raise OSError(errno.EIO, "it has become shorter while it was uploaded")
            else:
                self.close()
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
        self.close()
        self._at = self._position = 0
        return 0

    def close(self) -> None:
        """Closes the file that is being read."""
        if self._part is not None:
            self._part.close()
            self._part = None


def _size(path: str) -> int:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file, so it can't be uploaded", path)
    if not status.st_size:  # as of all in /proc
        with open(path, "rb") as file:
            if file.read(1):
                raise OSError(errno.EINVAL, "its size is not known, so it can't be uploaded", path)
    return status.st_size


def _head(boundary: str, name: str, path: Path | None = None) -> bytes:
    field = RequestField(name, "", None if path is None else path.name)
    content_type = None
    if path is not None:
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    field.make_multipart(content_type=content_type)
    head = f"--{boundary}\r\n{field.render_headers()}"
    return head.encode(errors="surrogateescape")  # the file's name may be any bytes
