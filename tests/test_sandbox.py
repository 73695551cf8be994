"""The sandbox as a provider: the exchange and the resource, by clients that are not ours."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1 import (
    SIGNATURE_TYPE_AUTH_HEADER,
    SIGNATURE_TYPE_BODY,
    SIGNATURE_TYPE_QUERY,
)
from sandbox_client import (
    FORM,
    assert_refused,
    challenge,
    client,
    exchange,
    pairs_of,
    request_token,
    send,
    with_token,
)

from oauth_hook.sandbox import Sandbox


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


# -- the exchange ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("GET", SIGNATURE_TYPE_AUTH_HEADER),
        ("POST", SIGNATURE_TYPE_AUTH_HEADER),
        ("GET", SIGNATURE_TYPE_QUERY),
        ("POST", SIGNATURE_TYPE_QUERY),
        ("POST", SIGNATURE_TYPE_BODY),
    ],
)
def test_exchange_with_a_pin(provider: Sandbox, method: str, place: str) -> None:
    headers = {"Content-Type": FORM} if place == SIGNATURE_TYPE_BODY else None
    body = "" if place == SIGNATURE_TYPE_BODY else None
    signer = client(provider, callback_uri="oob", signature_type=place)
    first = pairs_of(send(signer, method, provider.request_token_url, body, headers))
    verifier = provider.authorize(first["oauth_token"])
    signer = client(
        provider,
        first["oauth_token"],
        first["oauth_token_secret"],
        verifier=verifier,
        signature_type=place,
    )
    last = pairs_of(send(signer, method, provider.access_token_url, body, headers))
    answer = send(
        client(provider, last["oauth_token"], last["oauth_token_secret"]),
        "GET",
        provider.resource_url,
    )
    assert first["oauth_callback_confirmed"] == "true"
    assert verifier.isdigit()
    assert {"user_id", "screen_name"} < set(last)
    assert answer.json()["oauth_token"] == last["oauth_token"]


def test_exchange_by_requests_oauthlib(provider: Sandbox) -> None:
    requests_oauthlib = pytest.importorskip("requests_oauthlib")
    with requests_oauthlib.OAuth1Session(
        provider.consumer_key,
        provider.consumer_secret,
        callback_uri="http://127.0.0.1:1/cb?a=b%2Fc",
    ) as session:
        token = session.fetch_request_token(provider.request_token_url)["oauth_token"]
        session.parse_authorization_response(
            f"http://127.0.0.1:1/cb?oauth_token={token}&oauth_verifier={provider.authorize(token)}"
        )
        session.fetch_access_token(provider.access_token_url)
        assert session.get(provider.resource_url).status_code == 200


def test_exchange_by_authlib(provider: Sandbox) -> None:
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    with authlib.OAuth1Session(provider.consumer_key, provider.consumer_secret) as session:
        session.redirect_uri = "oob"
        token = session.fetch_request_token(provider.request_token_url)["oauth_token"]
        session.fetch_access_token(provider.access_token_url, provider.authorize(token))
        assert session.get(provider.resource_url).status_code == 200


def test_verifier_for_a_callback_is_no_pin(provider: Sandbox) -> None:
    token = request_token(provider, "http://127.0.0.1:1/callback")
    verifier = provider.authorize(token[0])
    assert len(verifier) > 20
    assert exchange(provider, token, verifier).status_code == 200


def test_deny_tells_the_callback_and_refuses_the_exchange(provider: Sandbox) -> None:
    token = request_token(provider, "http://127.0.0.1:1/callback?state=x%2Fy#part")
    location = provider.deny(token[0])
    assert location == (
        f"http://127.0.0.1:1/callback?state=x%2Fy&denied={token[0]}"
        "&oauth_problem=permission_denied#part"
    )
    assert_refused(exchange(provider, token, "whatever"), "permission_denied")


def test_deny_with_a_pin_leads_nowhere(provider: Sandbox) -> None:
    assert provider.deny(request_token(provider)[0]) is None


def test_a_whole_token_in_place_of_its_key_is_refused_by_name(provider: Sandbox) -> None:
    token: Any = request_token(provider)
    for press in (provider.authorize, provider.deny):
        with pytest.raises(TypeError, match="oauth_token must be the request token's key, a str"):
            press(token)


def test_wrong_verifier_is_refused_and_uses_up_nothing(provider: Sandbox) -> None:
    token = request_token(provider)
    verifier = provider.authorize(token[0])
    assert_refused(exchange(provider, token, "00"), "verifier_invalid")
    assert exchange(provider, token, verifier).status_code == 200


def test_verifier_works_once(provider: Sandbox) -> None:
    token = request_token(provider)
    verifier = provider.authorize(token[0])
    exchange(provider, token, verifier)
    assert_refused(exchange(provider, token, verifier), "token_used")


def test_verifier_before_the_user_has_answered_is_refused(provider: Sandbox) -> None:
    assert_refused(exchange(provider, request_token(provider), "12"), "permission_unknown")


def test_of_many_exchanges_at_once_one_succeeds(provider: Sandbox) -> None:
    token = request_token(provider)
    verifier = provider.authorize(token[0])
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: exchange(provider, token, verifier).status_code, range(8))
    assert sorted(answers) == [200] + [401] * 7


def test_exchange_signed_without_the_token_secret(provider: Sandbox) -> None:
    token = request_token(provider)
    verifier = provider.authorize(token[0])
    answer = exchange(provider, (token[0], ""), verifier)
    assert_refused(answer, "signature_invalid")
    assert "without the token's secret" in answer.text


def test_lenient_exchange_takes_it_without_the_token_secret_too() -> None:
    with Sandbox(lenient_exchange=True) as provider:
        for secret in ("", "right"):
            token = request_token(provider)
            verifier = provider.authorize(token[0])
            signed_with = (token[0], secret and token[1])
            assert_refused(exchange(provider, signed_with, "no"), "verifier_invalid")
            assert exchange(provider, signed_with, verifier).status_code == 200


def test_lenient_exchange_explains_a_wrong_signature_by_the_token_secret() -> None:
    with Sandbox(lenient_exchange=True) as provider:
        token = request_token(provider)
        verifier = provider.authorize(token[0])
        answer = exchange(provider, (token[0], "wrong"), verifier)
        assert_refused(answer, "signature_invalid")
        assert f"&{token[1]}\n" in answer.text


@pytest.mark.parametrize(
    "callback",
    [
        "OOB",
        "/relative",
        "//host/path",
        "http:",
        "http:///path",
        "http://host\r\nSet-Cookie: a=b",
        "http://host/a b",
        "http://höst/",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "http://host\\@other/",
        "http://[x",
        "http://a:b:c/",
        "http://a:99999/",
        "http://a:0/",
        "http://@/",
        "http://:80/",
        "app://[x",
    ],
)
def test_callback_that_is_no_url_is_refused(provider: Sandbox, callback: str) -> None:
    answer = send(client(provider, callback_uri=callback), "POST", provider.request_token_url)
    assert_refused(answer, "parameter_rejected", 400)
    assert challenge(answer)["oauth_parameters_rejected"] == "oauth_callback"


@pytest.mark.parametrize(
    "callback", ["oob", "http://h", "https://h:8/p?q=1#f", "app:done", "com.example.app://x/y"]
)
def test_callback_that_is_a_url_is_taken(provider: Sandbox, callback: str) -> None:
    assert provider.authorize(request_token(provider, callback)[0])


def test_request_token_without_a_callback_is_as_if_oob_were_registered(provider: Sandbox) -> None:
    answer = pairs_of(send(client(provider), "POST", provider.request_token_url))
    assert provider.authorize(answer["oauth_token"]).isdigit()


def test_request_token_may_be_asked_for_with_an_empty_token(provider: Sandbox) -> None:
    for callback in ({}, {"callback_uri": "oob"}):
        signer = client(provider, "", "", signature_type=SIGNATURE_TYPE_QUERY, **callback)
        url = f"{provider.request_token_url}?oauth_token="
        answer = pairs_of(send(signer, "POST", url))
        assert provider.authorize(answer["oauth_token"]).isdigit()


def test_request_token_without_a_callback_is_verified_no_less(provider: Sandbox) -> None:
    signer = client(provider, consumer=(provider.consumer_key, "wrong"))
    answer = send(signer, "POST", provider.request_token_url)
    assert_refused(answer, "signature_invalid", 401)


def test_refusal_of_a_token_endpoint_parses_as_a_form(provider: Sandbox) -> None:
    signer = client(provider, callback_uri="oob", consumer=(provider.consumer_key, "wrong"))
    answer = send(signer, "POST", provider.request_token_url)
    form = parse_qs(answer.text)
    assert form["oauth_problem"] == ["signature_invalid"]
    assert form["oauth_problem_advice"] == [challenge(answer)["oauth_problem_advice"]]
    assert "oauth_token" not in form
    assert "signature base string:\nPOST&http%3A%2F%2F127.0.0.1" in answer.text


# -- the resource ---------------------------------------------------------------------------------


def test_resource_tells_what_it_received(provider: Sandbox) -> None:
    url = f"{provider.resource_url}/deep/er?a=1&a=%20&b="
    answer = send(
        with_token(provider), "POST", url, "s=Yay%21+It%2B", {"Content-Type": FORM}
    ).json()
    oauth = dict(answer.pop("oauth"))
    headers = answer.pop("headers")
    assert ["Content-Length", "14"] in headers
    assert oauth["oauth_consumer_key"] == provider.consumer_key
    assert answer == {
        "method": "POST",
        "url": url,
        "query": "a=1&a=%20&b=",
        "args": [["a", "1"], ["a", " "], ["b", ""]],
        "form": [["s", "Yay! It+"]],
        "length": 14,
        "sha256": hashlib.sha256(b"s=Yay%21+It%2B").hexdigest(),
        "body": "s=Yay%21+It%2B",
        "consumer_key": provider.consumer_key,
        "oauth_token": oauth["oauth_token"],
        "signature_method": "HMAC-SHA1",
        "place": "header",
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "LOCK"])
def test_resource_takes_any_method(provider: Sandbox, method: str) -> None:
    assert send(with_token(provider), method, provider.resource_url).json()["method"] == method


def test_head_gives_the_headers_alone(provider: Sandbox) -> None:
    answer = send(with_token(provider), "HEAD", provider.resource_url)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


def test_parameter_of_the_name_of_the_realm_is_signed_whatever_the_header_holds(
    provider: Sandbox,
) -> None:
    signer = with_token(provider, nonce="realm")
    assert send(signer, "GET", f"{provider.resource_url}?realm=x").status_code == 200


@pytest.mark.parametrize("query", ["", "?oauth_token="], ids=["none", "an empty one"])
def test_one_legged_request_has_no_token(provider: Sandbox, query: str) -> None:
    signer = client(provider, signature_type=SIGNATURE_TYPE_QUERY)
    answer = send(signer, "GET", f"{provider.resource_url}{query}").json()
    assert (answer["consumer_key"], answer["oauth_token"]) == (provider.consumer_key, None)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"])
def test_signature_methods(provider: Sandbox, method: str) -> None:
    signer = with_token(provider, signature_method=method)
    assert send(signer, "GET", provider.resource_url).json()["signature_method"] == method


def test_rsa_without_what_verifies_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ImportError, match=r"pip install 'oauthlib\[signedtoken\]'"):
        Sandbox(rsa_public_key="-----BEGIN PUBLIC KEY-----")


def test_rsa_where_a_public_key_is_given() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with Sandbox(rsa_public_key=public.decode()) as provider:
        signer = with_token(provider, signature_method="RSA-SHA1", rsa_key=pem)
        url = provider.resource_url
        assert send(signer, "GET", url).json()["signature_method"] == "RSA-SHA1"
        uri, headers, _ = signer.sign(url)
        assert_refused(
            requests.get(f"{uri}?more=1", headers=headers, timeout=10), "signature_invalid"
        )
