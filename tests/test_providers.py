"""The named providers: their entries are of a form that the command line can use."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from oauth_hook.providers import PROVIDERS, Provider
from oauth_hook.signer import NAMES

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
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


def words(text: str) -> set[str]:
    return set(re.findall("[a-z]+", text.lower()))


def test_the_readme_names_them_all_and_those_that_need_a_base_url() -> None:
    named = re.search(
        r"knows the endpoints of (.*?),?\s+and with `--base-url`(.*?)\.\n", README, re.DOTALL
    )
    assert named is not None
    for part, needs_base_url in zip(named.groups(), (False, True), strict=True):
        expected = {name for name, one in PROVIDERS.items() if one.needs_base_url is needs_base_url}
        assert words(part) - {"and", "those", "of", "the"} == expected


@pytest.mark.parametrize("name", sorted(PROVIDERS.keys() - {"sandbox"}))
def test_each_signs_as_the_readme_s_table_says(name: str) -> None:
    table = [line.split(" | ") for line in README.splitlines() if line.startswith("| ")]
    (wants,) = [row[1] for row in table if name in words(row[0])]
    always = wants.partition(";")[0]
    provider = PROVIDERS[name]
    assert ("header_auth=True" in always) is provider.header_auth
    method = re.search("signature_method='(.+?)'", always)
    assert provider.signature_method == (method[1] if method else "HMAC-SHA1")
