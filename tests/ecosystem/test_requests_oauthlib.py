"""requests-oauthlib in the same process: neither disturbs the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from conftest import run, verified
from requests_oauthlib import OAuth1, OAuth1Session

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox


@pytest.fixture
def theirs(provider: Sandbox, header_auth: bool) -> OAuth1:
    token, secret = provider.issue_token()
    return OAuth1(
        provider.consumer_key,
        provider.consumer_secret,
        token,
        secret,
        signature_type="auth_header" if header_auth else "query",
    )


@pytest.fixture
def their_session(provider: Sandbox, theirs: OAuth1) -> Iterator[OAuth1Session]:
    client = theirs.client
    with OAuth1Session(
        provider.consumer_key,
        provider.consumer_secret,
        client.resource_owner_key,
        client.resource_owner_secret,
        signature_type=client.signature_type,
    ) as session:
        yield session


@pytest.mark.parametrize(
    "arguments",
    [{"data": {"a": "1 2"}}, {"params": {"a": "é"}}, {"json": {"a": 1}}],
    ids=["form", "query", "JSON"],
)
def test_both_sign_in_turns(
    provider: Sandbox, theirs: OAuth1, signed: dict[str, Any], place: str, arguments: Any
) -> None:
    url = provider.resource_url
    reports = [
        verified(requests.post(url, **arguments, **way))
        for way in ({"auth": theirs}, signed, {"auth": theirs}, signed)
    ]

    assert [report["place"] for report in reports] == [place] * 4
    theirs_key, ours_key = (report["oauth_token"] for report in reports[:2])
    assert [report["oauth_token"] for report in reports] == [theirs_key, ours_key] * 2


def test_their_session_signs_as_ever(
    provider: Sandbox, their_session: OAuth1Session, place: str
) -> None:
    report = verified(their_session.post(provider.resource_url, {"a": "1"}))

    assert report["place"] == place
    assert report["oauth_token"] == their_session.auth.client.resource_owner_key


def test_our_auth_of_one_request_takes_the_place_of_theirs(
    provider: Sandbox, their_session: OAuth1Session, hook: OAuthHook
) -> None:
    assert hook.token is not None
    ours = verified(their_session.get(provider.resource_url, auth=hook))
    theirs = verified(their_session.get(provider.resource_url))

    assert ours["oauth_token"] == hook.token.key
    assert theirs["oauth_token"] == their_session.auth.client.resource_owner_key


def test_our_hook_on_what_they_signed_signs_it_anew(
    provider: Sandbox, theirs: OAuth1, hook: OAuthHook
) -> None:
    """Both at once is no sensible wish, but what goes out must be one whole signature: the last."""
    assert hook.token is not None
    hooks = {"pre_request": hook}
    report = verified(requests.post(provider.resource_url, {"a": "1"}, auth=theirs, hooks=hooks))

    assert report["oauth_token"] == hook.token.key


def test_their_exchange_goes_on_with_our_hook(
    provider: Sandbox, header_auth: bool, way: str
) -> None:
    with OAuth1Session(
        provider.consumer_key, provider.consumer_secret, callback_uri="oob"
    ) as session:
        token = session.fetch_request_token(provider.request_token_url)
    consumer = provider.consumer_key, provider.consumer_secret
    hook = OAuthHook(token["oauth_token"], token["oauth_token_secret"], *consumer, header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    verifier = {"oauth_verifier": provider.authorize(token["oauth_token"])}
    response = requests.post(provider.access_token_url, verifier, **signed)
    found = parse_qs(response.text)

    access = OAuth1(*consumer, found["oauth_token"][0], found["oauth_token_secret"][0])
    assert verified(requests.get(provider.resource_url, auth=access))["place"] == "header"


@pytest.mark.parametrize(
    "imports",
    ["import requests_oauthlib, oauth_hook", "import oauth_hook, requests_oauthlib"],
    ids=str,
)
def test_the_order_of_the_imports_does_not_matter(imports: str, provider: Sandbox) -> None:
    code = f"""
import sys
{imports}
import requests
url, *credentials = sys.argv[1:]
hook = oauth_hook.OAuthHook(*credentials, True)
token, token_secret, key, secret = credentials
theirs = requests_oauthlib.OAuth1(key, secret, token, token_secret)
for signed in ({{"auth": theirs}}, {{"auth": hook}}, {{"hooks": {{"pre_request": hook}}}}):
    print(requests.get(url, **signed).status_code)
"""
    credentials = *provider.issue_token(), provider.consumer_key, provider.consumer_secret

    assert run(code, provider.resource_url, *credentials) == "200\n" * 3
