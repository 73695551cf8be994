"""GETs, POSTs and the exchange against real OAuth 1.0 providers, as the library always had them.

The providers are those of test_settings.py (see test_settings.py.template), or the sandbox where
there is no such file. The same tests serve both.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

SETTINGS = Path(__file__).parent.parent / "test_settings.py"
SANDBOX = "sandbox"


def _configured() -> list[dict[str, Any]]:
    if not SETTINGS.exists():
        return [{"name": SANDBOX, "get": {}, "post": {}, "request_token_url": ""}]
    spec = importlib.util.spec_from_file_location("test_settings", SETTINGS)
    assert spec is not None
    assert spec.loader is not None
    settings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settings)
    return list(settings.PROVIDERS)


def _with(*names: str) -> list[Any]:
    """The configured providers that have these settings, as test parameters."""
    return [
        pytest.param(settings, id=settings["name"])
        for settings in _configured()
        if all(name in settings for name in names)
    ]


def _in_places(name: str) -> list[Any]:
    return [
        pytest.param(provider.values[0], place == "header", id=f"{provider.id}-{place}")
        for provider in _with(name)
        for place in provider.values[0].get("places", ["header", "query"])
    ]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A provider's settings; those of the sandbox are known only once it runs."""
    configured: dict[str, Any] = request.param
    if configured["name"] != SANDBOX:
        for name in ("consumer_key", "access_token"):
            if configured.get(name) == "":
                name = f"{name} of {configured['name']!r}"
                pytest.fail(f"test_settings.py: fill in {name}, or remove it", pytrace=False)
        return configured
    provider: Sandbox = request.getfixturevalue("sandbox")
    token, secret = provider.issue_token()
    return {
        "name": SANDBOX,
        "consumer_key": provider.consumer_key,
        "consumer_secret": provider.consumer_secret,
        "access_token": token,
        "access_token_secret": secret,
        "get": {"url": provider.resource_url, "params": {"screen_name": "jos\u00e9 & co"}},
        "post": {"url": provider.resource_url, "data": {"status": "Yay! It works!"}},
        "request_token_url": provider.request_token_url,
        "authorize_url": provider.authorize_url,
        "access_token_url": provider.access_token_url,
        "authorize": provider.authorize,
    }


def _hook(settings: dict[str, Any], header_auth: bool) -> OAuthHook:
    return OAuthHook(
        settings["access_token"],
        settings["access_token_secret"],
        settings["consumer_key"],
        settings["consumer_secret"],
        header_auth,
    )


@pytest.mark.parametrize(("settings", "header_auth"), _in_places("get"), indirect=["settings"])
def test_a_signed_get_is_accepted(settings: dict[str, Any], header_auth: bool) -> None:
    with requests.session(hooks={"pre_request": _hook(settings, header_auth)}) as client:
        response = client.get(timeout=30, **settings["get"])

    assert response.ok, response.text


@pytest.mark.parametrize(("settings", "header_auth"), _in_places("post"), indirect=["settings"])
def test_a_signed_post_is_accepted(settings: dict[str, Any], header_auth: bool) -> None:
    hook = _hook(settings, header_auth)

    response = requests.post(timeout=30, hooks={"pre_request": hook}, **settings["post"])

    assert response.ok, response.text


@pytest.mark.parametrize(("settings", "header_auth"), _in_places("get"), indirect=["settings"])
def test_a_wrong_secret_is_refused(settings: dict[str, Any], header_auth: bool) -> None:
    wrong = {**settings, "access_token_secret": settings["access_token_secret"] + "x"}
    hook = _hook(wrong, header_auth)

    response = requests.get(timeout=30, hooks={"pre_request": hook}, **settings["get"])

    assert response.status_code in (400, 401, 403)


@pytest.mark.parametrize(
    ("settings", "header_auth"), _in_places("request_token_url"), indirect=["settings"]
)
def test_the_exchange_gives_an_access_token(settings: dict[str, Any], header_auth: bool) -> None:
    consumer = settings["consumer_key"], settings["consumer_secret"]
    hook = OAuthHook(None, None, *consumer, header_auth)
    response = requests.post(
        settings["request_token_url"],
        {"oauth_callback": "oob"},
        hooks={"pre_request": hook},
        timeout=30,
    )
    request_token = parse_qs(response.text)
    oauth_token = request_token["oauth_token"][0]
    verifier = _allow(settings, oauth_token)
    hook = OAuthHook(oauth_token, request_token["oauth_token_secret"][0], *consumer, header_auth)

    response = requests.post(
        settings["access_token_url"],
        {"oauth_verifier": verifier},
        hooks={"pre_request": hook},
        timeout=30,
    )

    assert {"oauth_token", "oauth_token_secret"} <= set(parse_qs(response.text)), response.text


def _allow(settings: dict[str, Any], oauth_token: str) -> str:
    if "authorize" in settings:
        verifier: str = settings["authorize"](oauth_token)
        return verifier
    if not sys.stdin.isatty():
        pytest.fail("The PIN must be typed: run this at a terminal, pytest -s -n 0", pytrace=False)
    print(f"\nOpen {settings['authorize_url']}?oauth_token={oauth_token} and allow.")
    return input("The PIN: ").strip()
