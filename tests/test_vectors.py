"""The signatures that 21 implementations agree on, and those that the RFC and others published.

Each case by ``signing.py`` alone, and as Requests puts it on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from wire import FORM, Recorder, ToLoopback, Wire

from oauth_hook import OAuthHook, message, rsa, signing
from oauth_hook.signer import signature_method_of

VECTORS = json.loads(Path(__file__, "../data/vectors-public.json").resolve().read_text())
CASES = [case for case in VECTORS["cases"] if case["expected_signature"]]
# The OAuth wiki's key is of its time.
pytestmark = pytest.mark.filterwarnings("ignore:rsa_key has 1024 bits")

#: Requests 2.32 and 2.33 send the path "//" as "/", so that other signatures are right there.
MERGES = requests.__version__.startswith(("2.32.", "2.33."))
ON_THE_WIRE = [
    case
    for case in CASES
    if case["requests_stable"] and not (MERGES and urlsplit(case["url"]).path.startswith("//"))
]


def rsa_pem() -> str:
    der: str = VECTORS["rsa_test_key"]["der_base64"]
    lines = "\n".join(der[start : start + 64] for start in range(0, len(der), 64))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"


def oauth_parameters(case: Any) -> dict[str, str]:
    """Those of the message but for the signature, decoded."""
    parameters = {
        "oauth_consumer_key": case["consumer_key"],
        "oauth_nonce": case["nonce"],
        "oauth_signature_method": case["signature_method"],
        "oauth_timestamp": case["timestamp"],
        **case["extra_oauth"],
    }
    if case["version"]:
        parameters["oauth_version"] = "1.0"
    if case["token"] is not None:
        parameters["oauth_token"] = case["token"]
    return parameters


# By signing.py alone


def base_string(case: Any) -> str:
    in_form = case["body"] if case["form"] is not None else ""
    query = case["url"].partition("#")[0].partition("?")[2]
    parameters = [
        *signing.form_parameters(signing.canonical_form(query)),
        *signing.form_parameters(signing.canonical_form(in_form)),
    ]
    for name, value in oauth_parameters(case).items():
        encoded = signing.percent_encode(name), signing.percent_encode(value)
        parameters.append(signing.parameter(*encoded))
    uri = signing.base_string_uri(case["url"])
    return signing.signature_base_string(signing.method_and_uri(case["method"], uri), parameters)


def signature(case: Any, base_string: str) -> str:
    method = case["signature_method"]
    key = rsa.private_key(rsa_pem(), None) if method.startswith("RSA") else None
    sign = signature_method_of(method, key).signer(
        case["consumer_secret"], case["token_secret"] or ""
    )
    return unquote(sign(base_string))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["expected_base_string"]], ids=lambda case: case["id"]
)
def test_the_base_string_is_that_of_the_others(case: Any) -> None:
    assert base_string(case) == case["expected_base_string"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_signature_is_that_of_the_others(case: Any) -> None:
    assert signature(case, base_string(case)) == case["expected_signature"]


# On the wire


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def client(recorder: Recorder) -> Iterator[requests.Session]:
    with requests.Session() as client:
        client.trust_env = False
        client.mount("http://", ToLoopback(recorder.port))
        client.mount("https://", ToLoopback(recorder.port))
        yield client


def fix(nonce: str, timestamp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages get this nonce and this timestamp, instead of those that the hook has drawn."""
    sign = message.sign

    def sign_with_these(*arguments: Any) -> Any:
        return sign(*arguments, message.Steps(nonce, timestamp))

    monkeypatch.setattr(message, "sign", sign_with_these)


def hook_of(case: Any, header_auth: bool) -> OAuthHook:
    return OAuthHook(
        case["token"],
        case["token_secret"],
        case["consumer_key"],
        case["consumer_secret"],
        header_auth,
        signature_method=case["signature_method"],
        rsa_key=rsa_pem() if case["signature_method"].startswith("RSA") else None,
        oauth_version=case["version"],
        plaintext_over_http=True,
    )


def send(case: Any, hook: OAuthHook, client: requests.Session, recorder: Recorder) -> Wire:
    body, content_type = case["other_body_text"], case["other_body_content_type"]
    if case["form"] is not None:
        body, content_type = case["body"], FORM
    client.request(
        case["method"],
        case["url"],
        params=case["extra_oauth"],
        data=body,
        headers={"Content-Type": content_type} if content_type else {},
        hooks={"pre_request": hook},
    )
    return recorder.taken()


@pytest.mark.parametrize("case", ON_THE_WIRE, ids=lambda case: case["id"])
def test_what_goes_out_carries_the_signature_of_the_others(
    case: Any,
    header_auth: bool,
    client: requests.Session,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fix(case["nonce"], case["timestamp"], monkeypatch)
    wire = send(case, hook_of(case, header_auth), client, recorder)
    expected = {**oauth_parameters(case), "oauth_signature": case["expected_signature"]}
    sent = {name.decode(): value.decode() for name, value in wire.oauth.items()}
    assert expected.items() <= sent.items()


# As published


def published(case: dict[str, Any]) -> Any:
    """A case as the vectors have them, of what differs from one to the next."""
    usual = {
        "method": "GET",
        "form": None,
        "body": None,
        "other_body_text": None,
        "other_body_content_type": None,
        "consumer_key": "dpf43f3p2l4k3l03",
        "consumer_secret": "kd94hf93k423kf44",
        "token": "nnch734d00sl2jdk",
        "token_secret": "pfkkdhi9sl3r4s00",
        "extra_oauth": {},
        "signature_method": "HMAC-SHA1",
        "version": False,
    }
    return {**usual, **case}


PUBLISHED = {
    "RFC 5849 section 1.2, temporary credentials": {
        "method": "POST",
        "url": "https://photos.example.net/initiate",
        "token": None,
        "token_secret": None,
        "extra_oauth": {"oauth_callback": "http://printer.example.com/ready"},
        "nonce": "wIjqoS",
        "timestamp": "137131200",
        "expected_signature": "74KNZJeDHnMBp0EMJ9ZHt/XKycU=",
    },
    "RFC 5849 section 1.2, token credentials": {
        "method": "POST",
        "url": "https://photos.example.net/token",
        "token": "hh5s93j4hdidpola",
        "token_secret": "hdhd0244k9j7ao03",
        "extra_oauth": {"oauth_verifier": "hfdp7dh39dks9884"},
        "nonce": "walatlh",
        "timestamp": "137131201",
        "expected_signature": "gKgrFCywp7rO0OXSjdot/IHF7IU=",
    },
    "RFC 5849 section 1.2, the photo": {
        "url": "http://photos.example.net/photos?file=vacation.jpg&size=original",
        "nonce": "chapoH",
        "timestamp": "137131202",
        "expected_signature": "MdpQcU8iPSUjWoN/UDMsK2sui9I=",
    },
    "OAuth Core 1.0 appendix A.5, the photo": {
        "url": "http://photos.example.net/photos?file=vacation.jpg&size=original",
        "nonce": "kllo9940pd9333jh",
        "timestamp": "1191242096",
        "version": True,
        "expected_signature": "tR3+Ty81lMeYAr/Fid0kMTYa/WM=",
    },
    "X's documentation, creating a signature": {
        "method": "POST",
        "url": "https://api.twitter.com/1.1/statuses/update.json?include_entities=true",
        "form": [["status", "Hello Ladies + Gentlemen, a signed OAuth request!"]],
        "body": "status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21",
        "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
        "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "token_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
        "nonce": "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        "timestamp": "1318622958",
        "version": True,
        "expected_signature": "hCtSmYh+iHYCEqBWrE7C7hYmtUk=",
    },
}


@pytest.mark.parametrize("case", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_a_published_request_gets_the_published_signature(
    case: dict[str, Any],
    header_auth: bool,
    client: requests.Session,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fix(case["nonce"], case["timestamp"], monkeypatch)
    whole = published(case)
    wire = send(whole, hook_of(whole, header_auth), client, recorder)
    assert wire.oauth[b"oauth_signature"].decode() == case["expected_signature"]


def test_the_base_string_of_rfc_5849_section_3_4_1_1_comes_out_to_the_letter() -> None:
    case = published(
        {
            "method": "POST",
            "url": "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
            "form": [["c2", ""], ["a3", "2 q"]],
            "body": "c2&a3=2+q",
            "consumer_key": "9djdj82h48djs9d2",
            "token": "kkk9d7dh3k39sjv7",
            "nonce": "7d8f3e4a",
            "timestamp": "137131201",
        }
    )
    assert base_string(case) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D"
        "%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e"
        "4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9"
        "d7dh3k39sjv7"
    )
