"""``Sandbox``: the provider as users start it, with its URLs, its credentials and its life.

It puts the parts together; what they do is theirs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import socket
import ssl
import threading
import time
import weakref
from types import TracebackType
from urllib.parse import urlencode

from oauth_hook.sandbox.application import (
    ACCESS_TOKEN,
    AUTHORIZE,
    REQUEST_TOKEN,
    RESOURCE,
    Application,
)
from oauth_hook.sandbox.server import Server
from oauth_hook.sandbox.store import AccessToken, Store
from oauth_hook.sandbox.user import press
from oauth_hook.sandbox.validator import Policy

__all__ = ["Sandbox"]

_POLL = 0.1  # seconds within which ``serve_forever`` sees ``stop``

#: Those that serve, so that none is collected, whose database would be closed by that.
_serving: set[Sandbox] = set()


class Sandbox:
    """An OAuth 1.0a provider (RFC 5849) on loopback, to try a client on and to test it against.

    ::

        with Sandbox() as provider:
            hook = OAuthHook(*provider.issue_token(), provider.consumer_key,
                             provider.consumer_secret)
            requests.get(provider.resource_url, hooks={"pre_request": hook})

    It refuses what a strict provider refuses, and says precisely why; but it wants no TLS, and
    gives a request token without ``oauth_callback``. A sandbox serves once: for a restart make
    another one on the same database.

    Args:
        database: a file in which consumer, tokens and nonces survive; without one they live in
            memory and die with the sandbox.
        host: the address or name to listen on; not to be reached from outside by default.
        port: the TCP port, 0 for any that is free.
        consumer_key: the consumer's key; by default the database's, else a random one.
        consumer_secret: the consumer's secret, which may be empty; by default as above.
        application: the consumer's name, as the authorization page shows it.
        ssl_context: serves https with its certificate.
        timestamp_lifetime: by how many seconds a timestamp may differ from the clock.
        rsa_public_key: the consumer's public key in PEM, to accept RSA-SHA1, RSA-SHA256 and
            RSA-SHA512 too. Needs ``pip install 'oauthlib[signedtoken]'``.
        lenient_exchange: whether an access token request may also be signed with an empty token
            secret, against RFC 5849 section 2.3: some providers let clients get away with it.

    Raises:
        ValueError: ``database`` is something else, or ``rsa_public_key`` no public RSA key.
        OSError: ``database`` can't be opened.
        sqlite3.OperationalError: another program keeps ``database`` locked.
        ImportError: ``rsa_public_key`` needs a package that is not installed.
    """

    consumer_key: str
    consumer_secret: str

    def __init__(
        self,
        database: str | os.PathLike[str] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        consumer_key: str | None = None,
        consumer_secret: str | None = None,
        application: str = "Your application",
        ssl_context: ssl.SSLContext | None = None,
        timestamp_lifetime: int = 300,
        rsa_public_key: str | None = None,
        lenient_exchange: bool = False,
    ) -> None:
        if rsa_public_key is not None and importlib.util.find_spec("jwt") is None:
            raise ImportError(
                "rsa_public_key needs PyJWT, which is not installed: "
                "pip install 'oauthlib[signedtoken]'",
                name="jwt",
            )
        if rsa_public_key is not None:
            _check_public_key(rsa_public_key)
        self._host = host
        self._port = port
        self._application = application
        self._ssl_context = ssl_context
        self._server: Server | None = None
        self._url: str | None = None
        self._stopped = threading.Event()
        self._store = Store(database)
        weakref.finalize(self, self._store.close)
        self.consumer_key, self.consumer_secret = self._consumer(consumer_key, consumer_secret)
        self._policy = Policy(
            self.consumer_key,
            self.consumer_secret,
            timestamp_lifetime,
            rsa_public_key,
            lenient_exchange,
        )

    def _consumer(self, key: str | None, secret: str | None) -> tuple[str, str]:
        stored_key, stored_secret = self._store.consumer(
            secrets.token_hex(10), secrets.token_hex(20)
        )
        key = stored_key if key is None else key
        secret = stored_secret if secret is None else secret
        if (key, secret) != (stored_key, stored_secret):
            self._store.set_consumer(key, secret)
        return key, secret

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listens and answers, in threads of its own, until ``stop``.

        Raises OSError where it can't listen on host and port, RuntimeError after ``stop``.
        """
        if self._stopped.is_set():
            raise RuntimeError("This sandbox was stopped: make another one on the same database")
        if self._server is not None:
            return
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        with socket.create_server((self._host, self._port), family=family) as bound:
            url = self._url_at(bound.getsockname()[1])
            application = Application(self._store, self._policy, self._application, url)
            server = Server(bound, application, self._ssl_context)
        try:
            server.start()
        except BaseException:  # this process may have no more threads
            server.stop()
            raise
        self._server, self._url = server, url
        _serving.add(self)

    def _url_at(self, port: int) -> str:
        scheme = "http" if self._ssl_context is None else "https"
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def stop(self) -> None:
        """Closes the socket, every connection and the database. Idempotent; returns promptly."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        _serving.discard(self)
        self._store.close()
        self._stopped.set()

    def serve_forever(self) -> None:
        """Serves until another thread calls ``stop``, or until KeyboardInterrupt, which goes on."""
        self.start()
        try:
            # Event.wait() can lose a Ctrl-C that comes as it begins, or make a RuntimeError of it.
            while not self._stopped.is_set():
                time.sleep(_POLL)
        finally:
            self.stop()

    @property
    def url(self) -> str:
        """Where it listens, as ``http://127.0.0.1:41234``. RuntimeError before ``start``."""
        if self._url is None:
            raise RuntimeError("The sandbox has no URL before it is started")
        return self._url

    @property
    def request_token_url(self) -> str:
        """Where temporary credentials are asked for, by POST or GET (RFC 5849 section 2.1)."""
        return self.url + REQUEST_TOKEN

    @property
    def authorize_url(self) -> str:
        """The page that the user opens, with ``?oauth_token=...`` (RFC 5849 section 2.2)."""
        return self.url + AUTHORIZE

    @property
    def access_token_url(self) -> str:
        """Where token credentials are asked for, by POST or GET (RFC 5849 section 2.3)."""
        return self.url + ACCESS_TOKEN

    @property
    def resource_url(self) -> str:
        """A resource that answers every method with what it received; so does every path below."""
        return self.url + RESOURCE

    def issue_token(self) -> tuple[str, str]:
        """Gives the key and secret of a new access token, for tests that skip the exchange."""
        token = AccessToken(secrets.token_hex(15), secrets.token_hex(20), self.consumer_key)
        self._store.add_access_token(token)
        return token.key, token.secret

    def revoke_token(self, key: str) -> None:
        """Takes an access token back: requests with it are refused with ``token_revoked``.

        ``key`` is the access token's. Raises ValueError where there is none of this key.
        """
        if not self._store.revoke(key):
            raise ValueError(f"There is no access token {key!r} here")

    def authorize(self, oauth_token: str) -> str:
        """Does what the user does in the browser: opens the page, presses Allow.

        ``oauth_token`` is the request token's key. Gives the verifier. Over HTTP, so the sandbox
        must run. A redirect to the callback is not followed. Raises RuntimeError with the page's
        own words where there is nothing to allow, TypeError where ``oauth_token`` is not a str.
        """
        _, verifier = press("allow", self._page_url(oauth_token))
        if verifier is None:
            raise RuntimeError("The authorization page gave no verifier")
        return verifier

    def deny(self, oauth_token: str) -> str | None:
        """Does what the user does in the browser: opens the page, presses Deny.

        Gives the callback's URL as the browser would open it, or None with the callback ``oob``.
        Raises as ``authorize`` does.
        """
        location, _ = press("deny", self._page_url(oauth_token))
        return location

    def _page_url(self, oauth_token: str) -> str:
        if not isinstance(oauth_token, str):
            kind = type(oauth_token).__name__
            raise TypeError(f"oauth_token must be the request token's key, a str, not {kind}")
        return f"{self.authorize_url}?{urlencode({'oauth_token': oauth_token})}"


def _check_public_key(pem: str) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    with contextlib.suppress(AttributeError, ValueError, UnsupportedAlgorithm):
        if isinstance(load_pem_public_key(pem.encode()), RSAPublicKey):
            return
    raise ValueError("rsa_public_key must be a public RSA key in PEM, a str")
