"""A server that answers every request with the bytes that a test gives it, in its own time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: What it does with a connection on which a request has come: sends, sleeps, or just returns.
Behaviour = Callable[[socket.socket], None]


def form(body: bytes | str, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole HTTP response that has this body."""
    content = body.encode() if isinstance(body, str) else body
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/x-www-form-urlencoded\r\n{headers}"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content


def sends(data: bytes) -> Behaviour:
    return lambda connection: connection.sendall(data)


def trickles(data: bytes, pause: float = 0.05) -> Behaviour:
    """One byte after the other, with ``pause`` seconds between."""

    def behave(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)

    return behave


def never_ends(head: bytes, block: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(block)

    return behave


def is_silent(connection: socket.socket) -> None:
    with suppress(TimeoutError):
        while connection.recv(65536):
            pass


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class Server:
    """Behaves on one connection after the other as it was told, the last behaviour for good."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = [*behaviours]
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/token"

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                behave = self.behaviours.pop(0) if self.behaviours[1:] else self.behaviours[0]
                self._start(self._serve, connection, behave)

    def _serve(self, connection: socket.socket, behave: Behaviour) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            request = b""
            while b"\r\n\r\n" not in request:
                block = connection.recv(65536)
                if not block:
                    return
                request += block
            self.requests.append(request)
            behave(connection)

    def close(self) -> None:
        for open_one in (self._listener, *self._open):
            with suppress(OSError):
                open_one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()


@contextmanager
def misbehaving(*behaviours: Behaviour) -> Iterator[Server]:
    server = Server(*behaviours)
    try:
        yield server
    finally:
        server.close()
