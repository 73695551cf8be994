"""The signature methods, as others verify them over HTTP: Authlib's server side, Perl's Net::OAuth.

oauthlib's server side is the sandbox's: see ``test_signature_methods.py``. What Perl needs
``tests/interop/install`` installs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from authlib.oauth1.rfc5849.base_server import BaseServer
from authlib.oauth1.rfc5849.errors import InvalidSignatureError
from authlib.oauth1.rfc5849.wrapper import OAuth1Request
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from wire import Recorder, Wire

from oauth_hook import OAuthHook

CONSUMER = ("consumer key", "hush-consumer & secret~")
TOKEN = ("to:ken/~", "hush-token/sécret+%41")
ANOTHER = "hush-another"

REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "GET with a query": ("GET", {"params": {"b": "1 2", "a": "é&%41+", "c": ""}}),
    "POST with a query and a form": ("POST", {"params": {"q": "~"}, "data": {"a": "1 2&é"}}),
    "PUT with JSON": ("PUT", {"json": {"a": 1}}),
}
PLACES: dict[str, dict[str, bool]] = {
    "header": {"header_auth": True},
    "query": {"header_auth": False},
    "form": {"header_auth": True, "form_auth": True},
}
each_request = pytest.mark.parametrize(
    ("request_name", "place"),
    [
        pytest.param(name, place, id=f"{name}-{place}")
        for name in REQUESTS
        for place in PLACES
        if place != "form" or "form" in name
    ],
)
each_token = pytest.mark.parametrize("token", [TOKEN, None], ids=["token", "no token"])


@cache
def rsa_key(name: str = "") -> rsa.RSAPrivateKey:
    """A key for each name."""
    return rsa.generate_private_key(65537, 2048)


def public_pem() -> str:
    encoded: bytes = (
        rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return encoded.decode()


def hook_of(method: str, place: str, token: tuple[str, str] | None, **more: Any) -> OAuthHook:
    settings: dict[str, Any] = {"signature_method": method, **PLACES[place], **more}
    if method.startswith("RSA"):
        settings.setdefault("rsa_key", rsa_key())
    if method == "PLAINTEXT":
        settings["plaintext_over_http"] = True
    return OAuthHook(*(token or (None, None)), *CONSUMER, **settings)


def another_hook(method: str) -> OAuthHook:
    """Signs with what the provider has never seen: another key, or another token secret."""
    if method.startswith("RSA"):
        return hook_of(method, "header", TOKEN, rsa_key=rsa_key("another"))
    return hook_of(method, "header", (TOKEN[0], ANOTHER))


def send(hook: OAuthHook, url: str, request_name: str) -> requests.Response:
    method, given = REQUESTS[request_name]
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, hooks={"pre_request": hook}, timeout=30, **given)


# Authlib's server side

AUTHLIB = ["HMAC-SHA1", "RSA-SHA1", "PLAINTEXT"]


class Party(NamedTuple):
    """Consumer or token, as Authlib asks for them."""

    secret: str

    def get_client_secret(self) -> str:
        return self.secret

    def get_oauth_token_secret(self) -> str:
        return self.secret

    def get_rsa_public_key(self) -> str:
        return public_pem()


class Server(BaseServer):
    SUPPORTED_SIGNATURE_METHODS = AUTHLIB

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # or it refuses all that came over http
    recorder = Recorder()
    yield recorder
    recorder.close()


def verify_by_authlib(wire: Wire) -> None:
    """Raises one of Authlib's errors if it finds anything wrong."""
    body = wire.body.decode("latin-1") if wire.is_form else ""
    headers = {"Authorization": wire.header("authorization")}
    uri = f"http://{wire.header('host')}{wire.target}"
    request = OAuth1Request(wire.method, uri, body, headers)
    assert request.client_id == CONSUMER[0]
    request.client = Party(CONSUMER[1])
    request.credential = Party(TOKEN[1]) if request.token else None
    Server().validate_timestamp_and_nonce(request)
    Server().validate_oauth_signature(request)


@each_token
@each_request
@pytest.mark.parametrize("method", AUTHLIB)
def test_authlib_finds_it_signed(
    method: str,
    request_name: str,
    place: str,
    token: tuple[str, str] | None,
    recorder: Recorder,
) -> None:
    send(hook_of(method, place, token), f"http://127.0.0.1:{recorder.port}/path", request_name)

    verify_by_authlib(recorder.taken())


@pytest.mark.parametrize("method", AUTHLIB)
def test_authlib_refuses_what_another_signed(method: str, recorder: Recorder) -> None:
    send(another_hook(method), f"http://127.0.0.1:{recorder.port}/", "GET with a query")

    with pytest.raises(InvalidSignatureError):
        verify_by_authlib(recorder.taken())


# Perl's Net::OAuth

PERL = ["HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT"]
PERL_MODULES = {
    "Net::OAuth": "libnet-oauth-perl",
    "Crypt::OpenSSL::RSA": "libcrypt-openssl-rsa-perl",
    "HTTP::Daemon": "libhttp-daemon-perl",
}


@pytest.fixture(scope="module")
def perl() -> Iterator[str]:
    """The URL at which Net::OAuth verifies."""
    perl = shutil.which("perl")
    wanted = [f"-M{module}" for module in PERL_MODULES]
    if not perl or subprocess.run([perl, *wanted, "-e1"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip(f"needs Perl: tests/interop/install ({', '.join(PERL_MODULES.values())})")
    provider = Path(__file__).parent / "interop" / "provider.pl"
    environment = {
        **os.environ,
        "CONSUMER_KEY": CONSUMER[0],
        "CONSUMER_SECRET": CONSUMER[1],
        "TOKEN": TOKEN[0],
        "TOKEN_SECRET": TOKEN[1],
        "RSA_PUBLIC_KEY": public_pem(),
    }
    with subprocess.Popen(
        [perl, str(provider)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def problem_by_perl(response: requests.Response) -> str | None:
    problem: str | None = json.loads(response.headers["Problems"])["Net::OAuth"]
    return problem


@pytest.mark.interop
@each_token
@each_request
@pytest.mark.parametrize("method", PERL)
def test_net_oauth_finds_it_signed(
    method: str, request_name: str, place: str, token: tuple[str, str] | None, perl: str
) -> None:
    response = send(hook_of(method, place, token), f"{perl}/path", request_name)

    assert problem_by_perl(response) is None


@pytest.mark.interop
@pytest.mark.parametrize("method", PERL)
def test_net_oauth_refuses_what_another_signed(method: str, perl: str) -> None:
    response = send(another_hook(method), perl, "GET with a query")

    assert "another signature" in (problem_by_perl(response) or "")
