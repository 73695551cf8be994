"""What several rooms of tests share: a provider that checks each message, and both modes."""

from __future__ import annotations

import os
import signal
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from browser import chromium as chromium  # fixtures, for all tests
from eavesdropper import listening as listening
from eavesdropper import nothing_leaks as nothing_leaks
from servers import Provider, example_hosts

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As under nohup, or in the background of a script. What the tests start would inherit that, and
    # never be interrupted.
    signal.signal(signal.SIGINT, signal.default_int_handler)

HOSTS = [f"{name}.example" for name in ("provider", "other", "sub.provider")]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def _provider(authority: trustme.CA) -> Iterator[Provider]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(tls)
    provider = Provider(tls)
    yield provider
    provider.close()


@pytest.fixture
def strict(_provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that verifies each message by itself; every ``*.example`` host leads to it."""
    _provider.forget()
    with example_hosts(_provider, monkeypatch):
        yield _provider


@pytest.fixture
def session(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[requests.Session]:
    """A session that trusts the tests' own certificates and reads no one's netrc."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("NETRC", os.devnull)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would win over session.verify
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    with requests.Session() as session:
        session.verify = str(tmp_path / "authority.pem")
        yield session


@pytest.fixture(params=[True, False], ids=["header", "query"])
def header_auth(request: Any) -> bool:
    return bool(request.param)


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns a hundred times as often as usual, so that races are lost more often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 100)
    yield
    sys.setswitchinterval(interval)
