"""A client of the sandbox that is not ours: oauthlib signs, Requests sends.

It must know nothing of `oauth_hook`'s own signing.
"""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import parse_qs, unquote

import requests
from oauthlib.oauth1 import Client

from oauth_hook.sandbox import Sandbox

FORM = "application/x-www-form-urlencoded"


def client(
    provider: Sandbox, key: str | None = None, secret: str | None = None, **rest: Any
) -> Any:
    consumer_key, consumer_secret = rest.pop(
        "consumer", (provider.consumer_key, provider.consumer_secret)
    )
    return Client(consumer_key, consumer_secret, key, secret, **rest)


def with_token(provider: Sandbox, **rest: Any) -> Any:
    return client(provider, *provider.issue_token(), **rest)


def send(
    signer: Any,
    method: str,
    url: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> requests.Response:
    uri, signed_headers, signed_body = signer.sign(url, method, body, headers)
    return requests.request(
        method, uri, data=signed_body, headers=signed_headers, timeout=10, allow_redirects=False
    )


def pairs_of(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return {name: values[0] for name, values in parse_qs(response.text).items()}


def request_token(provider: Sandbox, callback: str = "oob") -> tuple[str, str]:
    signer = client(provider, callback_uri=callback)
    answer = pairs_of(send(signer, "POST", provider.request_token_url))
    return answer["oauth_token"], answer["oauth_token_secret"]


def exchange(
    provider: Sandbox, token: tuple[str, str], verifier: str, **rest: Any
) -> requests.Response:
    return send(
        client(provider, *token, verifier=verifier, **rest), "POST", provider.access_token_url
    )


def challenge(response: requests.Response) -> dict[str, str]:
    scheme, _, fields = response.headers["WWW-Authenticate"].partition(" ")
    assert scheme == "OAuth"
    split = [field.partition("=") for field in fields.split(", ")]
    return {name: unquote(value.strip('"')) for name, _, value in split}


def assert_refused(response: requests.Response, problem: str, status: int = 401) -> None:
    assert (response.status_code, challenge(response)["oauth_problem"]) == (status, problem)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert challenge(response)["oauth_problem_advice"] in response.text


def authorization(provider: Sandbox, method: str, url: str, body: str | None = None) -> str:
    signer: Any = Client(provider.consumer_key, provider.consumer_secret, *provider.issue_token())
    headers = None if body is None else {"Content-Type": FORM}
    return str(signer.sign(url, method, body, headers)[1]["Authorization"])


class Wire:
    """A connection on which every byte is ours."""

    def __init__(self, provider: Sandbox) -> None:
        host, _, port = provider.url.partition("://")[2].rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, raw: bytes) -> tuple[int, bytes]:
        self._socket.sendall(raw)
        return self.answer()

    def answer(self) -> tuple[int, bytes]:
        status = int(self._file.readline().split()[1])
        length = 0
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, self._file.read(length)

    def break_off(self, raw: bytes) -> None:
        """Send this as the last of all."""
        self._socket.sendall(raw)
        self._socket.shutdown(socket.SHUT_WR)

    def is_closed(self) -> bool:
        return self._file.read(1) == b""


def page_url(provider: Sandbox, callback: str = "oob") -> str:
    """Give the page that the user opens for a new request token."""
    return f"{provider.authorize_url}?oauth_token={request_token(provider, callback)[0]}"
