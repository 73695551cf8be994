"""What the tests against other packages share: the sandbox, both modes, both ways to sign.

The suite's own conftest is not read here: it needs what these environments don't have.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from servers import Provider

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

#: The names of the OAuth parameters of each message.
OAUTH_PARAMETERS = {
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_token",
    "oauth_version",
}


@pytest.fixture(scope="session")
def provider() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def _telling() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def telling(_telling: Provider) -> Provider:
    """A provider that verifies, too, but answers what it is told to: redirects, failures."""
    _telling.forget()
    return _telling


@pytest.fixture(autouse=True)
def _nothing_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No one's netrc, no proxy, no certificates but the tests' own."""
    monkeypatch.setenv("NETRC", os.devnull)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they would win over session.verify
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(params=[True, False], ids=["header", "query"])
def header_auth(request: Any) -> bool:
    return bool(request.param)


@pytest.fixture(params=["pre_request", "auth"])
def way(request: Any) -> str:
    """How a request is given the hook."""
    return str(request.param)


@pytest.fixture
def hook(provider: Sandbox, header_auth: bool) -> OAuthHook:
    return OAuthHook(
        *provider.issue_token(), provider.consumer_key, provider.consumer_secret, header_auth
    )


@pytest.fixture
def signed(hook: OAuthHook, way: str) -> dict[str, Any]:
    """The argument of a request by which it is signed."""
    return {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}


@pytest.fixture
def sign(hook: OAuthHook, way: str) -> Callable[[Any], Any]:
    """Has a session sign each of its requests, and gives it back."""

    def sign_with_hook(session: Any) -> Any:
        if way == "auth":
            session.auth = hook
        else:
            session.hooks["pre_request"] = [hook]
        return session

    return sign_with_hook


@pytest.fixture
def place(header_auth: bool) -> str:
    """Where the provider must have found the OAuth parameters."""
    return "header" if header_auth else "query"


def verified(response: requests.Response) -> dict[str, Any]:
    """What the sandbox received, and verified with oauthlib."""
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def run(code: str, *arguments: str, **environment: str) -> str:
    """What ``code`` prints in a fresh interpreter, which must end well and without a warning."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    return result.stdout
