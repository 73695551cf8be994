"""The named providers: their entries are of a form that the command line can use."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from oauth_hook.providers import PROVIDERS, Provider
from oauth_hook.signer import NAMES

FILLED = {"{base_url}": "https://provider.example/base", "{consumer_key}": "key"}

each_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS.keys())


def endpoints(provider: Provider) -> list[str]:
    return list(provider[:3])


@each_provider
def test_each_endpoint_is_a_url_over_tls(provider: Provider) -> None:
    for url in endpoints(provider):
        for placeholder, value in FILLED.items():
            url = url.replace(placeholder, value)
        parts = urlsplit(url)
        assert (parts.scheme, parts.fragment, parts.username) == ("https", "", None)
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc)
        assert re.fullmatch(r"(/[A-Za-z0-9_-]+)+", parts.path)
        assert re.fullmatch(r"[A-Za-z0-9_:=/&]*", parts.query)


@each_provider
def test_a_base_url_begins_all_three_endpoints_or_none(provider: Provider) -> None:
    begins = {url.startswith("{base_url}") for url in endpoints(provider)}
    assert begins == {provider.needs_base_url}
    assert all(url.count("{base_url}") == provider.needs_base_url for url in endpoints(provider))


@each_provider
def test_the_consumer_key_stands_in_the_authorization_page_alone(provider: Provider) -> None:
    assert "{consumer_key}" not in provider.request_token_url + provider.access_token_url


@each_provider
def test_the_three_endpoints_are_three(provider: Provider) -> None:
    assert len(set(endpoints(provider))) == 3


@each_provider
def test_what_it_demands_can_be_done(provider: Provider) -> None:
    assert provider.signature_method in NAMES
    assert {provider.request_token_method, provider.access_token_method} <= {"GET", "POST"}


def test_the_names_are_short_and_in_order() -> None:
    assert list(PROVIDERS) == sorted(PROVIDERS)
    assert all(re.fullmatch("[a-z]+", name) for name in PROVIDERS)
