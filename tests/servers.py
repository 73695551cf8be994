"""A provider on loopback that keeps every message as it came, and verifies it with oauthlib.

It answers as it is told to: redirects, failures, resets. It knows nothing of how we sign; a message
is judged by the sandbox's own verification, a used nonce included.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from oauth_hook.sandbox.received import Received, new_hashes
from oauth_hook.sandbox.refusal import Refusal
from oauth_hook.sandbox.store import AccessToken, Store
from oauth_hook.sandbox.validator import Policy
from oauth_hook.sandbox.verification import verify_resource

_KEPT = 64 * 1024  # bytes of a body that is no form


@dataclass(frozen=True)
class Message:
    """One request as the provider received it, and what oauthlib says of it."""

    received: Received
    head: bytes
    #: Why it was refused; None if it was verified.
    problem: str | None

    @property
    def method(self) -> str:
        return self.received.method

    @property
    def body(self) -> bytes | None:
        return self.received.body

    @property
    def resource(self) -> str:
        """The URL without its query."""
        return self.received.base_url

    @property
    def query(self) -> str:
        """The query without the OAuth parameters, byte for byte."""
        pairs = self.received.query.decode("latin-1").split("&")
        return "&".join(pair for pair in pairs if not pair.startswith("oauth_"))

    @property
    def oauth(self) -> dict[str, str]:
        """The OAuth parameters. A message that names one twice has a problem already."""
        return dict(self.received.oauth)

    def header(self, name: str) -> str | None:
        """The value of a header field that came at most once."""
        values = self.received.header(name.lower())
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def raw(self) -> bytes:
        """Everything that crossed the wire, but for a big body."""
        return self.head + (self.body or b"")


def assert_each_verified(messages: list[Message], times: int) -> None:
    """There are so many of them, each rightly signed, each with a nonce of its own."""
    assert [message.problem for message in messages] == [None] * times
    assert len({message.oauth["oauth_nonce"] for message in messages}) == times


@dataclass(frozen=True)
class Answer:
    """What the provider does with a message. ``status`` 0: it breaks the connection instead."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


RESET = Answer(0)


def redirect(status: int, location: str) -> Answer:
    """``location`` may hold ``{query}``: it stands for the query of the message, as it came."""
    return Answer(status, {"Location": location})


class Provider:
    """An http and an https port on loopback, with one consumer, any number of tokens and hosts."""

    messages: list[Message]
    #: What is answered at a path, one answer for each message; then come verdicts again.
    answers: dict[str, Iterator[Answer]]
    policy: Policy

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.forget()
        self._store = Store()
        self._servers = [_Server(self, None)]
        if tls is not None:
            self._servers.append(_Server(self, tls))

    @property
    def port(self) -> int:
        """Where it listens for http."""
        return self._servers[0].server_address[1]

    @property
    def tls_port(self) -> int:
        """Where it listens for https."""
        return self._servers[1].server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def issue_token(self, key: str = "token", secret: str = "") -> tuple[str, str]:
        """Key and secret of a new access token, which begin with these."""
        token = AccessToken(
            f"{key}-{secrets.token_hex(8)}",
            f"hush-{secret}{secrets.token_hex(8)}",
            self.policy.consumer_key,
        )
        self._store.add_access_token(token)
        return token.key, token.secret

    def credentials(self) -> tuple[str, str, str, str]:
        """The first four arguments of a hook, with a new access token."""
        return (*self.issue_token(), self.policy.consumer_key, self.policy.consumer_secret)

    def always(self, path: str, answer: Answer) -> None:
        self.answers[path] = repeat(answer)

    def once(self, path: str, *answers: Answer) -> None:
        self.answers[path] = iter(answers)

    def forget(self) -> None:
        """What it was told and what it received; not the nonces."""
        self.messages = []
        self.answers = {}
        self.be_consumer("consumer-key")

    def be_consumer(self, key: str, secret: str = "") -> None:
        """Make this the only consumer; "hush-" and something random go before its secret.

        "hush-" begins whatever must never be seen in a text of ours: the suite looks for it.
        """
        secret = f"hush-{secrets.token_hex(8)}{secret}"
        self.policy = Policy(key, secret, 300, None, False)

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._store.close()

    def take(self, received: Received, head: bytes, messages: list[Message]) -> Answer:
        """Judge a message, keep it among ``messages``, and say what to answer."""
        try:
            verify_resource(received, self._store, self.policy)
            problem = refusal = None
        except Refusal as error:
            refusal = error
            problem = f"{refusal.problem}: {refusal.advice}\n{refusal.details}"
            # What oauthlib can't read it can't verify.
            if "is not UTF-8" in refusal.advice and self._is_signed_as_bytes(received):
                problem = refusal = None
        messages.append(Message(received, head, problem))
        told = next(self.answers.get(received.path.decode("latin-1"), iter(())), None)
        if told is not None:
            query = received.query.decode("latin-1")
            headers = {name: text.replace("{query}", query) for name, text in told.headers.items()}
            return Answer(told.status, headers, told.body)
        report = {"problem": problem, "length": received.length, "sha256": received.sha256}
        headers = {} if refusal is None else dict(refusal.response("test").headers)
        headers["Content-Type"] = "application/json"
        headers.pop("Content-Length", None)
        return Answer(refusal.status if refusal else 200, headers, json.dumps(report).encode())

    def _is_signed_as_bytes(self, received: Received) -> bool:
        """RFC 5849 section 3.4.1 as plainly as can be, for parameters that are no UTF-8."""

        def pairs_of(text: str) -> list[tuple[bytes, bytes]]:
            raw = text.encode("latin-1").replace(b"+", b" ")
            pairs = [pair.partition(b"=") for pair in raw.split(b"&") if pair]
            return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]

        authorization = "".join(received.header("authorization"))
        in_header = re.findall(r'(oauth_\w+)="([^"]*)"', authorization)
        pairs = pairs_of(received.query.decode("latin-1"))
        pairs += [(name.encode(), unquote_to_bytes(value)) for name, value in in_header]
        if received.is_form:
            pairs += pairs_of((received.body or b"").decode("latin-1"))
        oauth = {name: value for name, value in pairs if name.startswith(b"oauth_")}
        signature = oauth.get(b"oauth_signature", b"")
        signed = [pair for pair in pairs if pair[0] != b"oauth_signature"]
        encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in signed)
        base_string = "&".join(
            quote(part, safe="~")
            for part in (
                received.method.upper(),
                f"{received.scheme}://{received.host.lower()}{received.path.decode()}",
                "&".join(f"{name}={value}" for name, value in encoded),
            )
        )
        token = self._store.access_token(oauth.get(b"oauth_token", b"").decode())
        secrets_ = self.policy.consumer_secret, token.secret if token else ""
        key = "&".join(quote(secret, safe="~") for secret in secrets_)
        expected = hmac.digest(key.encode(), base_string.encode(), "sha1")
        return base64.b64encode(expected) == signature


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, provider: Provider, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.provider = provider
        self.tls = tls
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        # What comes late from one test is not to be found among the messages of the next.
        self._messages = self.server.provider.messages
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        if self.server.tls is not None:
            self._secure(self.server.tls)
        else:
            self._scheme = "http"
            self._file = self.request.makefile("rb")
        try:
            while self._one_message():
                pass
        except ValueError as error:  # the head, or the length of the body
            nothing = Received("", self._scheme, b"", [], 0, {}, None)
            self._messages.append(Message(nothing, b"", f"no HTTP: {error}"))
        except OSError:
            pass
        finally:
            self._file.close()
            with suppress(OSError):
                self.request.close()

    def _secure(self, tls: ssl.SSLContext) -> None:
        self.request = tls.wrap_socket(self.request, server_side=True)
        self._scheme = "https"
        self._file = self.request.makefile("rb")

    def _one_message(self) -> bool:
        head = b"".join(iter(self._line, b""))
        if not head:
            return False
        if head == b"0\r\n":  # Requests 2.28 ends the chunks of an empty body that has none
            return True
        first, *lines = head.split(b"\r\n")[:-1]
        method, target, _ = first.split(b" ")
        fields = [line.decode("latin-1").partition(":") for line in lines]
        headers = [(name, value.strip()) for name, _, value in fields]
        if method == b"CONNECT":
            self._messages.append(
                Message(Received("CONNECT", "http", target, headers, 0, {}, None), head, "a tunnel")
            )
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            tls = self.server.provider._servers[1].tls
            assert tls is not None
            self._secure(tls)
            return True
        length, hashes, kept = 0, new_hashes(), b""
        content_type = {name.lower(): value.lower() for name, value in headers}
        is_form = content_type.get("content-type", "").startswith("application/x-www-form-url")
        for block in self._body({name.lower(): value for name, value in headers}):
            length += len(block)
            for one in hashes.values():
                one.update(block)
            if is_form or length <= _KEPT:
                kept += block
        received = Received(
            method=method.decode("latin-1"),
            scheme=self._scheme,
            target=target,
            headers=headers,
            length=length,
            digests={name: one.digest() for name, one in hashes.items()},
            body=kept if is_form or length <= _KEPT else None,
        )
        answer = self.server.provider.take(received, head, self._messages)
        if not answer.status:
            # A reset, not an orderly end.
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        headers_out = {"Content-Length": str(len(answer.body)), **answer.headers}
        out = "".join(f"{name}: {value}\r\n" for name, value in headers_out.items())
        body = b"" if method == b"HEAD" else answer.body
        self.request.sendall(f"HTTP/1.1 {answer.status} .\r\n{out}\r\n".encode("latin-1") + body)
        return True

    def _line(self) -> bytes:
        line: bytes = self._file.readline()
        return b"" if line in (b"\r\n", b"") else line

    def _body(self, headers: dict[str, str]) -> Iterator[bytes]:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(self._file.readline().partition(b";")[0], 16):
                yield from self._exactly(size)
                self._file.readline()
            self._file.readline()
        else:
            yield from self._exactly(int(headers.get("content-length", "0")))

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            block = self._file.read(min(length, 1 << 18))
            if not block:
                raise ConnectionError("the client went away")
            length -= len(block)
            yield block


#: Ports that the provider's hosts appear to listen on.
HTTP_PORTS = (80, 8080, 3128)
HTTPS_PORTS = (443, 8443)


@contextmanager
def example_hosts(provider: Provider, monkeypatch: Any) -> Iterator[None]:
    """Every host under ``.example`` is the provider, at the default ports and some more.

    So that a URL on the wire is one that people write: ``http://provider.example/path``.
    """
    from urllib3.util import connection

    connect = connection.create_connection

    def connect_to_provider(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        host, port = address
        if host.endswith(".example"):
            port = provider.tls_port if port in HTTPS_PORTS else provider.port
            host = "127.0.0.1"
        return connect((host, port), *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(connection, "create_connection", connect_to_provider)
        yield


if __name__ == "__main__":  # A provider in a process of its own: python servers.py
    alone = Provider()
    print(json.dumps([alone.url, *(alone.credentials() for _ in range(2))]), flush=True)
    sys.stdin.read()
