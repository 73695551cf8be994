"""A loopback port that keeps a request byte for byte, and an adapter that leads all hosts there.

It knows HTTP/1.1 and nothing of OAuth: whoever asks it for a message judges that message.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

FORM = "application/x-www-form-urlencoded"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_IN_HEADER = re.compile(r'(\w+)="([^"]*)"').findall


@dataclass(frozen=True)
class Wire:
    """One request, as it crossed the wire. Text is latin-1: one character for each byte."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header field that came at most once."""
        values = [value for field, value in self.headers if field.lower() == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def is_form(self) -> bool:
        return (self.header("content-type") or "").partition(";")[0].strip().lower() == FORM

    @property
    def oauth(self) -> dict[bytes, bytes]:
        """The OAuth parameters in header, query and form, decoded. None comes twice."""
        authorization = self.header("authorization") or ""
        pairs = _IN_HEADER(authorization[6:]) if authorization[:6] == "OAuth " else []
        forms = [self.query, self.body.decode("latin-1") if self.is_form else ""]
        pairs += [pair.partition("=")[::2] for form in forms for pair in form.split("&")]
        decoded = [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, value in pairs]
        found = [(name, value) for name, value in decoded if name.startswith(b"oauth_")]
        assert len(dict(found)) == len(found), f"an OAuth parameter came twice: {found}"
        return dict(found)


class Recorder:
    """Answers every request on loopback with 200 and keeps the last one."""

    def __init__(self) -> None:
        self._wires: list[Wire] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> Wire:
        """The one request that came since the last time that anyone asked."""
        assert len(self._wires) == 1, f"{len(self._wires)} requests came"
        return self._wires.pop()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file:
            while first := file.readline():
                if first in (b"0\r\n", b"\r\n"):
                    # Requests 2.28 ends an empty form as a chunked body that it did not announce.
                    continue
                method, target, _ = first.decode("latin-1").split(" ")
                lines = [line.decode("latin-1") for line in iter(file.readline, b"\r\n")]
                fields = [line.partition(":") for line in lines]
                headers = [(name, value.strip()) for name, _, value in fields]
                body = _body(file, {name.lower(): value for name, value in headers})
                self._wires.append(Wire(method, target, headers, body))
                connection.sendall(_ANSWER)


def _body(file: BinaryIO, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return file.read(int(headers.get("content-length", "0")))
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body


class ToLoopback(HTTPAdapter):
    """Sends to a port on loopback, in plain HTTP, whatever URL and Host say; changes neither."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self._pools: dict[tuple[str, str], HTTPConnectionPool] = {}

    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc
        if key not in self._pools:
            pool_class = _pool_class(parts.scheme, self._port)
            port = parts.port or pool_class.ConnectionCls.default_port
            self._pools[key] = pool_class(parts.hostname or "", port)
        return self._pools[key]

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        return self.get_connection(request.url)

    def cert_verify(self, *_: Any) -> None:
        pass

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        super().close()


def _pool_class(scheme: str, port: int) -> type[HTTPConnectionPool]:
    class Connection(HTTPConnection):
        default_port = {"http": 80, "https": 443}[scheme]

        def _new_conn(self) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            return connection

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    Pool.scheme = scheme
    return Pool
