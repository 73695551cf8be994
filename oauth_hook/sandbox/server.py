"""HTTP/1.1 on a socket: werkzeug's threaded server, with keep-alive and exact requests.

It knows no OAuth: any WSGI application can be served by it.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Server"]

log: logging.Logger = logging.getLogger("oauth_hook.sandbox")

_BLOCK = 256 * 1024  # bytes
_POLL = 0.02  # seconds within which ``shutdown`` is seen
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]+)[ \t]*(;[^\r\n]*)?\r?\n")


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...


class _BadFraming(ConnectionError):
    """A body whose end can't be told (RFC 9112 section 6.3)."""


class _Body:
    """A request's body, read once, with or without chunks (RFC 9112 sections 6.2 and 7.1)."""

    def __init__(self, rfile: _Readable, length: int | None) -> None:
        self._rfile = rfile
        self._chunked = length is None
        self._left = length or 0
        self._done = length == 0

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_BLOCK), b""))
        if self._chunked and not self._left and not self._done:
            self._next_chunk()
        if self._done or not size:
            return b""
        block = self._rfile.read(min(size, self._left))
        if not block:
            raise ConnectionError("the client went away within the body")
        self._left -= len(block)
        if not self._left:
            self._end()
        return block

    def _next_chunk(self) -> None:
        match = _CHUNK_SIZE.fullmatch(self._rfile.readline(4096))
        if match is None:
            raise _BadFraming("a chunk's size can't be read")
        self._left = int(match[1], 16)
        if not self._left:
            while self._rfile.readline(65536).rstrip(b"\r\n"):
                pass  # trailers
            self._done = True

    def _end(self) -> None:
        if not self._chunked:
            self._done = True
        elif self._rfile.readline(3).rstrip(b"\r\n"):
            raise _BadFraming("a chunk is longer than its size says")


class _Handler(WSGIRequestHandler):
    """One connection. werkzeug's own closes it after each request and waits for more input before.

    The application finds the target's very bytes (as latin-1) in REQUEST_URI, and the headers as
    they came in "oauth_hook.headers".
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # the headers and the body of an answer leave in one packet
    disable_nagle_algorithm = True
    server: _Threaded
    raw_requestline: bytes
    target = b"/"

    def parse_request(self) -> bool:
        # http.server folds "//" at the target's start and splits at latin-1's own spaces, which
        # raw UTF-8 may contain: it is shown another target.
        words = self.raw_requestline.split()
        if len(words) == 3:
            self.target = words[1]
            self.raw_requestline = b"%b / %b\r\n" % (words[0], words[2])
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def run_wsgi(self) -> None:
        try:
            body = _Body(self.rfile, self._length())
            self._answer(body)
        except _BadFraming as error:
            self.close_connection = True
            self.send_error(400, str(error))

    def _length(self) -> int | None:
        """Gives the body's length in bytes, or None where it comes in chunks."""
        codings = [value.strip().lower() for value in self.headers.get_all("Transfer-Encoding", [])]
        lengths = {value.strip() for value in self.headers.get_all("Content-Length", [])}
        if codings == ["chunked"] and not lengths:
            return None
        if codings:
            raise _BadFraming("the body must be chunked, or have a length, and nothing else")
        if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,18}", text) for text in lengths):
            raise _BadFraming("Content-Length is not a number")
        return int(lengths.pop()) if lengths else 0

    def _answer(self, body: _Body) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = body
        environ["wsgi.url_scheme"] = "https" if self.server.tls else "http"
        environ["REQUEST_URI"] = self.target.decode("latin-1")
        environ["oauth_hook.headers"] = list(self.headers.items())
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            head[:] = status, headers
            return lambda data: None

        content = b"".join(self.server.app(environ, start_response))
        while body.read(_BLOCK):
            pass  # so that the next request on this connection is found where it begins
        status, headers = head
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        return "oauth-hook-sandbox"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing: the application logs each request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        log.debug(message, *args)


class Server:
    """Serves an application on a bound socket from ``start`` to ``stop``, in its own threads."""

    def __init__(
        self, bound: socket.socket, app: WSGIApplication, tls: ssl.SSLContext | None
    ) -> None:
        self._server = _Threaded(bound, app, tls)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="oauth sandbox", daemon=True
        )

    def start(self) -> None:
        """Begins to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stops serving, closes every connection, and waits until no request is being answered.

        In a process that was forked from the one that serves, that one's go on.
        """
        if not self._thread.is_alive():  # the other process's, or it could not be started
            self._server.server_close()
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.close_connections()


class _Threaded(ThreadedWSGIServer):
    """werkzeug's, which knows its connections.

    With ``tls`` each is wrapped in its own thread, so that no client can hold up others.
    """

    def __init__(
        self, bound: socket.socket, app: WSGIApplication, tls: ssl.SSLContext | None
    ) -> None:
        host, port = bound.getsockname()[:2]
        super().__init__(host, port, app, _Handler, fd=bound.fileno())
        self.tls = tls
        self._state = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._stopping = False

    def close_connections(self) -> None:
        """Ends them all, and waits until no request is being answered."""
        with self._state:
            self._stopping = True
            for connection in self._connections:
                with suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)
            self._state.wait_for(lambda: not self._connections, timeout=5)

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        try:
            with self._state:
                if self._stopping:
                    return
                self._connections.add(request)
            if self.tls is not None:
                request.do_handshake()
            super().finish_request(request, client_address)
        finally:
            with self._state:
                self._connections.discard(request)
                self._state.notify_all()
            if self.tls is not None:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("the connection from %s broke", client_address, exc_info=True)
