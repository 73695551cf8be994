"""requests-cache: the second identical GET is a hit, and no nonce gets into the cache's keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import OAUTH_PARAMETERS, run, verified
from requests_cache import CachedSession
from servers import Answer, Provider

from oauth_hook import OAuthHook, three_legged
from oauth_hook.sandbox import Sandbox

#: As the README says.
IGNORED = ["Authorization", *OAUTH_PARAMETERS, "oauth_callback", "oauth_verifier"]


@pytest.fixture
def client() -> Iterator[CachedSession]:
    with CachedSession(backend="memory") as session:
        yield session


@pytest.fixture
def silent_client() -> Iterator[CachedSession]:
    """What it ignores is no part of the key, and stored as "REDACTED"."""
    with CachedSession(backend="memory", ignored_parameters=IGNORED) as session:
        yield session


def pre_request(hook: OAuthHook) -> dict[str, Any]:
    return {"hooks": {"pre_request": hook}}


def fetch(client: CachedSession, url: str, **signed: Any) -> tuple[requests.Response, Any]:
    """The first answer and the second."""
    first, second = [client.get(url, params={"a": "1"}, **signed) for _ in range(2)]
    assert not first.from_cache
    verified(first)
    return first, second


def test_the_second_get_is_a_hit_with_the_hook(
    client: CachedSession, provider: Sandbox, hook: OAuthHook, place: str
) -> None:
    first, second = fetch(client, provider.resource_url, **pre_request(hook))

    assert verified(first)["place"] == place
    assert second.from_cache
    assert second.text == first.text


def test_the_second_get_is_a_hit_with_the_hook_on_the_session(
    client: CachedSession, provider: Sandbox, hook: OAuthHook
) -> None:
    client.hooks["pre_request"] = [hook]

    assert fetch(client, provider.resource_url)[1].from_cache


def test_the_second_get_is_a_hit_with_auth_in_the_header(
    client: CachedSession, provider: Sandbox, hook: OAuthHook
) -> None:
    hook.header_auth = True

    assert fetch(client, provider.resource_url, auth=hook)[1].from_cache


def test_the_second_get_is_no_hit_with_auth_in_the_query(
    client: CachedSession, provider: Sandbox, hook: OAuthHook
) -> None:
    """Signed when it is prepared, it is another URL each time: the README says so."""
    hook.header_auth = False

    assert not fetch(client, provider.resource_url, auth=hook)[1].from_cache


def test_the_second_get_is_a_hit_in_every_way_where_the_oauth_parameters_are_ignored(
    silent_client: CachedSession, provider: Sandbox, signed: dict[str, Any]
) -> None:
    assert fetch(silent_client, provider.resource_url, **signed)[1].from_cache


def test_nothing_is_taken_from_the_cache_for_another_query(
    client: CachedSession, provider: Sandbox, signed: dict[str, Any]
) -> None:
    client.get(provider.resource_url, params={"a": "1"}, **signed)
    other = client.get(provider.resource_url, params={"a": "2"}, **signed)

    assert not other.from_cache
    assert ["a", "2"] in verified(other)["args"]


def test_the_key_is_that_of_the_request_without_its_signature(
    client: CachedSession, provider: Sandbox, hook: OAuthHook
) -> None:
    client.get(provider.resource_url, params={"a": "1"}, **pre_request(hook))

    unsigned = requests.Request("GET", provider.resource_url, params={"a": "1"})
    assert list(client.cache.responses) == [client.cache.create_key(unsigned)]


def test_the_readable_names_of_a_cache_hold_no_oauth_parameter(
    tmp_path: Path, provider: Sandbox, hook: OAuthHook
) -> None:
    with CachedSession(str(tmp_path / "cache"), backend="filesystem", serializer="json") as client:
        client.get(provider.resource_url, **pre_request(hook))
        names = [path.name for path in (tmp_path / "cache").rglob("*")]

    assert names
    assert not [name for name in names if "oauth" in name]


@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_an_ignored_parameter_is_not_stored(
    serializer: str, tmp_path: Path, telling: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    signed = {"auth": hook} if way == "auth" else pre_request(hook)
    telling.always("/", Answer(200, {}, b"an answer"))

    with CachedSession(
        str(tmp_path), backend="filesystem", serializer=serializer, ignored_parameters=IGNORED
    ) as client:
        client.get(f"{telling.url}/", **signed)
    [message] = telling.messages
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode(
        "latin-1"
    )

    assert message.problem is None
    assert "created_at" in stored
    for name in ("oauth_token", "oauth_consumer_key", "oauth_nonce", "oauth_signature"):
        assert message.oauth[name] not in stored


def test_a_stale_response_is_asked_for_again_with_a_new_signature(
    telling: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    signed = {"auth": hook} if way == "auth" else pre_request(hook)
    telling.once("/", Answer(200, {"ETag": '"1"'}, b"an answer"), Answer(304, {"ETag": '"1"'}))

    with CachedSession(
        backend="memory", always_revalidate=True, ignored_parameters=IGNORED
    ) as client:
        texts = [client.get(f"{telling.url}/", **signed).text for _ in range(2)]

    assert texts == ["an answer", "an answer"]
    assert [message.problem for message in telling.messages] == [None, None]
    assert telling.messages[1].header("If-None-Match") == '"1"'


INSTALLED = """
import requests, requests_cache
{imports}
from oauth_hook import OAuthHook, three_legged
from oauth_hook.sandbox import Sandbox
with Sandbox() as provider:
    credentials = *provider.issue_token(), provider.consumer_key, provider.consumer_secret
    for header_auth in (True, False):
        hook = OAuthHook(*credentials, header_auth)
        url = f"{{provider.resource_url}}/{{header_auth}}"
        for _ in range(2):
            response = requests.get(url, hooks={{"pre_request": hook}})
            print(response.status_code, response.from_cache)
        with requests.session(hooks={{"pre_request": hook}}) as client:
            print(client.get(url).from_cache)
    requests_cache.uninstall_cache()
    print(requests.get(provider.resource_url, hooks={{"pre_request": hook}}).status_code)
"""


@pytest.mark.parametrize(
    "imports",
    [
        'import oauth_hook; requests_cache.install_cache(backend="memory")',
        'requests_cache.install_cache(backend="memory"); import oauth_hook',
    ],
    ids=["after the import", "before the import"],
)
def test_a_cache_installed_for_all_requests_hits_and_is_uninstalled(imports: str) -> None:
    printed = run(INSTALLED.format(imports=imports))

    assert printed.splitlines() == ["200 False", "200 True", "True"] * 2 + ["200"]


def test_the_cache_can_wrap_a_session_that_signs(
    provider: Sandbox, sign: Any, hook: OAuthHook
) -> None:
    hook.header_auth = True
    with sign(requests.Session()) as plain:
        client = CachedSession.wrap(plain, backend="memory")
        assert fetch(client, provider.resource_url)[1].from_cache


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_token_is_kept_or_given_out_again(
    provider: Sandbox, hook: OAuthHook, method: str
) -> None:
    with CachedSession(backend="memory", allowable_methods=["GET", "POST"]) as client:
        first, second = (
            three_legged.request_token(
                provider.request_token_url, hook, method=method, session=client
            )
            for _ in range(2)
        )
        assert first.key != second.key
        assert not client.cache.responses
