"""The sandbox as a provider: every refusal, and what it says."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from oauthlib.oauth1 import (
    SIGNATURE_TYPE_QUERY,
)
from sandbox_client import (
    FORM,
    assert_refused,
    challenge,
    client,
    request_token,
    send,
    with_token,
)

from oauth_hook.sandbox import Sandbox


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def test_unsigned_request_is_challenged(provider: Sandbox) -> None:
    answer = requests.get(provider.resource_url, timeout=10)
    assert_refused(answer, "parameter_absent")
    assert challenge(answer)["realm"] == provider.url


@pytest.mark.parametrize("wrong", ["consumer", "token"])
def test_unknown_key_is_refused(provider: Sandbox, wrong: str) -> None:
    signer = {
        "consumer": client(provider, consumer=("nobody", "secret")),
        "token": client(provider, "nobody", "secret"),
    }[wrong]
    problem = {"consumer": "consumer_key_unknown", "token": "token_rejected"}[wrong]
    assert_refused(send(signer, "GET", provider.resource_url), problem)


def test_a_token_in_the_consumer_key_s_place_is_told(provider: Sandbox) -> None:
    signer = client(provider, consumer=provider.issue_token())
    answer = send(signer, "GET", provider.resource_url)
    assert_refused(answer, "consumer_key_unknown")
    assert "It is an access token" in challenge(answer)["oauth_problem_advice"]


def test_a_secret_in_a_key_s_place_is_told_and_not_logged(
    provider: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    key, secret = provider.issue_token()
    consumer = provider.consumer_secret, provider.consumer_key
    answer = send(client(provider, consumer=consumer), "GET", provider.resource_url)
    assert "were the two interchanged" in challenge(answer)["oauth_problem_advice"]
    answer = send(client(provider, secret, key), "GET", provider.resource_url)
    assert "no access token of this key" in challenge(answer)["oauth_problem_advice"]
    malformed = {"Authorization": f'OAuth oauth_token="t" oauth_signature="{secret}"'}
    answer = requests.get(provider.resource_url, headers=malformed, timeout=10)
    assert "can't be read from here" in answer.text
    answer = send(with_token(provider), "GET", provider.resource_url)
    headers = {**answer.request.headers, "Content-Type": FORM}
    body = f"password={secret}%ff"
    answer = requests.post(provider.resource_url, body, headers=headers, timeout=10)
    assert "not UTF-8" in answer.text
    for unshown in (secret, provider.consumer_secret):
        assert unshown not in caplog.text


def test_a_revoked_token_is_refused_and_the_others_are_not(provider: Sandbox) -> None:
    key, secret = provider.issue_token()
    other = with_token(provider)
    provider.revoke_token(key)
    signer = client(provider, key, secret)
    assert_refused(send(signer, "GET", provider.resource_url), "token_revoked")
    assert send(other, "GET", provider.resource_url).status_code == 200
    with pytest.raises(ValueError, match="no access token 'nobody'"):
        provider.revoke_token("nobody")


def test_a_refusal_is_a_warning_which_pytest_shows(
    provider: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    send(client(provider, "nobody", "x"), "GET", provider.resource_url)
    requests.get(provider.url, timeout=10)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == [
        "refused: token_rejected: There is no access token of this key here.",
        "refused: parameter_absent: The request is not signed: it has no OAuth parameters at all.",
    ]


def both_secrets(provider: Sandbox, consumer_secret: str, secret: str, key: str) -> Any:
    return client(provider, key, secret, consumer=(provider.consumer_key, consumer_secret))


@pytest.mark.parametrize(
    ("mistake", "cause"),
    [
        (lambda own, token: (own, ""), "it was computed without the token's secret."),
        (lambda own, token: ("", token), "it was computed without the consumer's secret."),
        (lambda own, token: (token, own), "the consumer's secret and the token's were interchange"),
        (lambda own, token: (own, f"{token}\n"), "with a line break behind the token's secret."),
        (lambda own, token: (own, f"{token}\r\n"), "with a line break behind the token's secret."),
        (lambda own, token: (own, f"{token} "), "with a space behind the token's secret."),
        (lambda own, token: (f"{own}\n", token), "with a line break behind the consumer's secret"),
    ],
)
@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"])
def test_what_is_wrong_with_the_secrets_is_told(
    provider: Sandbox, mistake: Any, cause: str, method: str
) -> None:
    key, secret = provider.issue_token()
    signer = both_secrets(provider, *mistake(provider.consumer_secret, secret), key)
    signer.signature_method = method
    answer = send(signer, "GET", provider.resource_url)
    assert_refused(answer, "signature_invalid")
    assert cause in challenge(answer)["oauth_problem_advice"]
    assert cause in answer.text.partition("What explains the received signature")[2]


@pytest.mark.parametrize(
    ("signed", "sent", "cause"),
    [
        (("POST", "/resource"), ("GET", "/resource"), "for the method POST, but GET was sent."),
        (("GET", "/resource?a=1"), ("GET", "/resource?a=1&b="), "without the empty parameters."),
        (("GET", "/resource?a=1"), ("GET", "/resource?a=2"), ""),
    ],
)
def test_what_else_is_wrong_with_a_signature_is_told(
    provider: Sandbox, signed: tuple[str, str], sent: tuple[str, str], cause: str
) -> None:
    _, headers, _ = with_token(provider).sign(provider.url + signed[1], signed[0])
    answer = requests.request(sent[0], provider.url + sent[1], headers=headers, timeout=10)
    assert_refused(answer, "signature_invalid")
    advice = challenge(answer)["oauth_problem_advice"]
    assert advice.startswith("The signature is not the one that this request should have")
    if cause:
        assert cause in advice
    else:
        assert advice.endswith("should have.")
        assert "None of the usual mistakes" in answer.text


def test_request_token_is_no_access_token(provider: Sandbox) -> None:
    answer = send(client(provider, *request_token(provider)), "GET", provider.resource_url)
    assert_refused(answer, "token_rejected")
    assert "request token" in answer.text


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_timestamp_far_from_the_clock_is_refused(provider: Sandbox, seconds: int) -> None:
    signer = with_token(provider, timestamp=str(int(time.time()) + seconds))
    answer = send(signer, "GET", provider.resource_url)
    low, _, high = challenge(answer)["oauth_acceptable_timestamps"].partition("-")
    assert_refused(answer, "timestamp_refused")
    assert int(low) <= time.time() <= int(high) == int(low) + 600


def test_timestamp_of_more_digits_than_any_is_refused(provider: Sandbox) -> None:
    answer = send(with_token(provider, timestamp="9" * 5000), "GET", provider.resource_url)
    assert_refused(answer, "timestamp_refused")
    assert len(answer.text) < 1000


@pytest.mark.parametrize("now", [631152001, 10_000_000_000])
def test_timestamp_of_other_than_ten_digits_is_told_as_that(
    provider: Sandbox, monkeypatch: pytest.MonkeyPatch, now: int
) -> None:
    """As of a machine whose clock stands at 1990, the provider's too."""
    monkeypatch.setattr(time, "time", lambda: float(now))
    answer = send(with_token(provider, timestamp=str(now)), "GET", provider.resource_url)
    assert_refused(answer, "parameter_rejected", 400)
    assert f"oauth_timestamp {now} has not ten digits" in answer.text
    assert "Set this machine's clock" in answer.text


def test_request_token_is_asked_for_without_a_token(provider: Sandbox) -> None:
    signer = with_token(provider, callback_uri="oob")
    answer = send(signer, "POST", provider.request_token_url)
    assert answer.status_code == 400
    assert challenge(answer)["oauth_parameters_rejected"] == "oauth_token"


def test_used_nonce_is_refused_also_with_other_parameters(provider: Sandbox) -> None:
    signer = with_token(provider, nonce="n", timestamp=str(int(time.time())))
    assert send(signer, "GET", provider.resource_url).status_code == 200
    assert_refused(send(signer, "GET", f"{provider.resource_url}?x=1"), "nonce_used")


def test_nonce_of_another_token_is_free(provider: Sandbox) -> None:
    now = str(int(time.time()))
    for _ in range(2):
        signer = with_token(provider, nonce="n", timestamp=now)
        assert send(signer, "GET", provider.resource_url).status_code == 200


def test_refused_request_uses_up_no_nonce(provider: Sandbox) -> None:
    key, secret = provider.issue_token()
    same: dict[str, Any] = {"nonce": "n", "timestamp": str(int(time.time()))}
    assert_refused(
        send(client(provider, key, "wrong", **same), "GET", provider.resource_url),
        "signature_invalid",
    )
    signer = client(provider, key, secret, **same)
    assert send(signer, "GET", provider.resource_url).status_code == 200


def test_of_many_threads_with_one_nonce_one_is_accepted(provider: Sandbox) -> None:
    uri, headers, _ = with_token(provider).sign(provider.resource_url)
    with ThreadPoolExecutor(32) as pool:
        answers = pool.map(
            lambda _: requests.get(uri, headers=headers, timeout=30).status_code, range(64)
        )
    assert sorted(answers) == [200] + [401] * 63


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"oauth_version": "2.0"}, "version_rejected"),
        ({"oauth_signature_method": "HMAC-MD5"}, "signature_method_rejected"),
        ({"oauth_signature_method": "RSA-SHA1"}, "signature_method_rejected"),
        ({"oauth_timestamp": "now"}, "parameter_rejected"),
        ({"oauth_timestamp": "²²²²²²²²²²"}, "parameter_rejected"),
        ({"oauth_nonce": ""}, "parameter_absent"),
        ({"oauth_signature": ""}, "parameter_absent"),
        ({"oauth_body_hash": ""}, "parameter_rejected"),
        ({"oauth_x": b"\xff"}, "parameter_rejected"),
    ],
    ids=str,
)
def test_malformed_parameter_is_refused(
    provider: Sandbox, change: dict[str, Any], problem: str
) -> None:
    signer = with_token(provider, signature_type=SIGNATURE_TYPE_QUERY)
    uri, _, _ = signer.sign(provider.resource_url)
    oauth = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
    answer = requests.get(provider.resource_url, params={**oauth, **change}, timeout=10)
    assert_refused(answer, problem, 400)
    if problem == "version_rejected":
        assert challenge(answer)["oauth_acceptable_versions"] == "1.0-1.0"


def test_parameter_in_two_places_is_refused(provider: Sandbox) -> None:
    uri, headers, _ = with_token(provider).sign(f"{provider.resource_url}?oauth_callback=oob")
    answer = requests.get(uri, headers=headers, timeout=10)
    assert_refused(answer, "parameter_rejected", 400)
    assert "header and query" in answer.text


def test_repeated_parameter_is_refused(provider: Sandbox) -> None:
    uri, _, _ = with_token(provider, signature_type=SIGNATURE_TYPE_QUERY).sign(
        provider.resource_url
    )
    answer = requests.get(f"{uri}&oauth_version=1.0", timeout=10)
    assert_refused(answer, "parameter_rejected", 400)
    assert challenge(answer)["oauth_parameters_rejected"] == "oauth_version"


# oauth_body_hash, which oauthlib's client computes of what is no form


JSON = {"Content-Type": "application/json"}


def test_a_body_is_accepted_that_is_the_one_that_was_hashed(provider: Sandbox) -> None:
    answer = send(with_token(provider), "POST", provider.resource_url, '{"a": 1}', JSON)
    assert answer.status_code == 200
    assert "oauth_body_hash" in dict(answer.json()["oauth"])


def test_another_body_than_the_one_that_was_hashed_is_refused(provider: Sandbox) -> None:
    url = provider.resource_url
    uri, headers, _ = with_token(provider).sign(url, "POST", '{"a": 1}', JSON)
    changed = b'{"a": 2}'
    answer = requests.post(uri, changed, headers=headers, timeout=10)
    assert_refused(answer, "parameter_rejected", 400)
    assert challenge(answer)["oauth_parameters_rejected"] == "oauth_body_hash"
    assert f"Expected:  {hashed('sha1', changed)} (SHA1); of the 8 bytes" in answer.text
    assert "the body was changed after it was signed" in answer.text


def hashed(name: str, body: bytes) -> str:
    return b64encode(hashlib.new(name, body).digest()).decode()


@pytest.mark.parametrize(
    ("method", "hash_name", "accepted"),
    [
        ("HMAC-SHA1", "sha1", True),
        ("HMAC-SHA1", "sha256", False),
        ("HMAC-SHA256", "sha256", True),
        ("HMAC-SHA256", "sha1", True),  # as oauthlib makes it
        ("HMAC-SHA256", "sha512", False),
    ],
)
def test_a_body_is_hashed_by_the_method_s_hash_or_sha_1(
    provider: Sandbox, method: str, hash_name: str, accepted: bool
) -> None:
    url = f"{provider.resource_url}?oauth_body_hash={quote(hashed(hash_name, b'x'), safe='')}"
    in_query = {"signature_type": SIGNATURE_TYPE_QUERY, "signature_method": method}
    uri, _, _ = with_token(provider, **in_query).sign(url, "POST")
    answer = requests.post(uri, b"x", timeout=10)
    if accepted:
        assert answer.status_code == 200
    else:
        assert_refused(answer, "parameter_rejected", 400)
        assert f"made by {hash_name.upper()}, which is not the hash of {method}" in answer.text


def test_without_sha_1_the_rest_works(provider: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    new = hashlib.new

    def fips(name: str, *arguments: Any, **settings: Any) -> Any:
        if name == "sha1":
            raise ValueError("unsupported hash type")
        return new(name, *arguments, **settings)

    signer = with_token(provider, signature_method="HMAC-SHA256")
    uri, headers, body = signer.sign(provider.resource_url, "PUT", '{"a": 1}', JSON)
    of_sha_1 = requests.Request("PUT", uri, headers, data=body).prepare()
    monkeypatch.setattr(hashlib, "new", fips)
    with requests.Session() as session:
        assert send(signer, "GET", provider.resource_url).status_code == 200
        answer = session.send(of_sha_1)
    assert_refused(answer, "parameter_rejected", 400)
    assert "Usual cause" not in answer.text  # it may be right, by SHA-1


def test_a_hash_of_a_form_is_refused(provider: Sandbox) -> None:
    url = f"{provider.resource_url}?oauth_body_hash=x"
    signer = with_token(provider, signature_type=SIGNATURE_TYPE_QUERY)
    answer = send(signer, "POST", url, "a=1", {"Content-Type": FORM})
    assert_refused(answer, "parameter_rejected", 400)
    assert "can't go with a form" in answer.text
