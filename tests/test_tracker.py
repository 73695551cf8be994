"""What people reported to the original library, github.com/maraujop/requests-oauth, by number.

Each runs against the sandbox, in both modes, as it was reported as far as today's Requests lets it.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
import requests

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

FORM = "application/x-www-form-urlencoded"

#: A picture, as it was uploaded in those days: bytes that are neither text nor a form.
GIF = b"GIF89a\x01\x00\x01\x00\x80\xff\x00&=%\xc0\xc0\xc0\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00;"


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def hook(provider: Sandbox, header_auth: bool) -> OAuthHook:
    return OAuthHook(
        *provider.issue_token(), provider.consumer_key, provider.consumer_secret, header_auth
    )


@pytest.fixture
def client(hook: OAuthHook) -> Iterator[requests.Session]:
    with requests.session(hooks={"pre_request": hook}) as session:
        yield session


def verified(response: requests.Response) -> dict[str, Any]:
    """What the provider received, and verified."""
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def fields(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return {name: values[0] for name, values in parse_qs(response.text).items()}


def own(pairs: list[list[str]]) -> list[list[str]]:
    """The user's own parameters of these."""
    return [pair for pair in pairs if not pair[0].startswith("oauth_")]


def test_5_the_second_request_of_a_session_is_signed_anew(
    client: requests.Session, provider: Sandbox
) -> None:
    """Requests 0.8 breaks requests-oauth: the second request got a 500."""
    urls = [f"{provider.resource_url}/{name}" for name in ("rate_limit_status", "verify", "verify")]
    nonces = {dict(verified(client.get(url))["oauth"])["oauth_nonce"] for url in urls}

    assert len(nonces) == 3


def test_6_a_request_token_is_given(provider: Sandbox, header_auth: bool) -> None:
    """Retrieving a request_token fails with Requests 0.8.1."""
    consumer = {"consumer_key": provider.consumer_key, "consumer_secret": provider.consumer_secret}
    hook = OAuthHook(header_auth=header_auth, **consumer)
    with requests.session(hooks={"pre_request": hook}) as client:
        response = client.post(provider.request_token_url, {"oauth_callback": "oob"})

    assert fields(response).keys() >= {"oauth_token", "oauth_token_secret"}


@pytest.mark.parametrize("status", [None, "A picture & é"], ids=["file", "file and fields"])
def test_9_a_file_is_uploaded(
    client: requests.Session, provider: Sandbox, status: str | None
) -> None:
    """File upload, as update_profile_image of Twitter wants it."""
    prepared = client.prepare_request(
        requests.Request(
            "POST",
            provider.resource_url,
            files={"image": ("hommer.gif", io.BytesIO(GIF))},
            data=None if status is None else {"status": status},
        )
    )
    body, content_type = prepared.body, prepared.headers["Content-Type"]
    response = client.send(prepared)
    report = verified(response)

    assert report["length"] == len(body or b"")
    assert GIF in (body or b"")  # type: ignore[operator]
    assert response.request.body == body
    assert ["Content-Type", content_type] in report["headers"]
    assert report["form"] == []


def test_10_a_json_body_stays_as_it_is(client: requests.Session, provider: Sandbox) -> None:
    """When a POST request's data is JSON-encoded, the OAuth parameters must not go into it."""
    text = json.dumps({"name": "é & =", "oauth_token": "mine"})
    headers = {"Content-Type": "application/json"}
    report = verified(client.post(provider.resource_url, data=text, headers=headers))

    assert report["body"] == text
    assert ["Content-Type", "application/json"] in report["headers"]


@pytest.mark.parametrize(
    "data", ["a=1&b=2", "no form at all", b"\x00\xff&=", "é".encode()], ids=repr
)
def test_12_string_data_is_sent_as_it_is(
    client: requests.Session, provider: Sandbox, data: str | bytes
) -> None:
    """No support for string data: it is posted directly, and is no form unless it says so."""
    report = verified(client.post(provider.resource_url, data=data))

    assert report["length"] == len(data)
    assert report["form"] == []


def test_12_string_data_that_is_a_form_is_signed(
    client: requests.Session, provider: Sandbox
) -> None:
    """What the reporter added later: as a form, the data belongs into the signature."""
    headers = {"Content-Type": FORM}
    report = verified(client.post(provider.resource_url, data="a=1&a=2&b=%20", headers=headers))

    assert report["form"] == [["a", "1"], ["a", "2"], ["b", " "]]


@pytest.mark.parametrize("place", ["params", "data"])
def test_16_a_verifier_is_signed(provider: Sandbox, header_auth: bool, place: str) -> None:
    """OAuth verifier fails signature with header_auth=True."""
    consumer = provider.consumer_key, provider.consumer_secret
    consumer_alone = OAuthHook(None, None, *consumer)
    asked = requests.post(
        provider.request_token_url,
        {"oauth_callback": "oob"},
        hooks={"pre_request": consumer_alone},
    )
    token = fields(asked)
    verifier = {"oauth_verifier": provider.authorize(token["oauth_token"])}

    hook = OAuthHook(token["oauth_token"], token["oauth_token_secret"], *consumer, header_auth)
    with requests.session(hooks={"pre_request": hook}) as client:
        arguments: Any = {place: verifier}
        method = "GET" if place == "params" else "POST"
        response = client.request(method, provider.access_token_url, **arguments)

    assert fields(response).keys() >= {"oauth_token", "oauth_token_secret"}
    sent = response.request
    in_header = "oauth_verifier" in sent.headers.get("Authorization", "")
    in_query = "oauth_verifier" in (sent.url or "")
    assert (in_header, in_query) == (header_auth, not header_auth)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_20_the_oauth_parameters_are_passed_in_query_mode(provider: Sandbox, method: str) -> None:
    """OauthHook not passing in oauth_* to Request in auth_header=False."""
    hook = OAuthHook(
        *provider.issue_token(),
        provider.consumer_key,
        provider.consumer_secret,
        header_auth=False,
    )
    with requests.session(hooks={"pre_request": hook}) as client:
        report = verified(client.request(method, provider.resource_url, params={"a": "1"}))

    assert report["place"] == "query"
    assert own(report["args"]) == [["a", "1"]]
    assert {name for name, _ in report["args"]} >= {"oauth_consumer_key", "oauth_signature"}


def test_25_the_cookies_of_a_session_are_as_without_the_hook(
    client: requests.Session, provider: Sandbox
) -> None:
    """Breaks with requests==0.12.1: it set Requests' own attributes, and met the new cookie jar."""
    client.cookies.set("session", "1")
    report = verified(client.post(provider.resource_url, {"a": "1"}, cookies={"other": "2"}))

    [cookie] = [value for name, value in report["headers"] if name.lower() == "cookie"]
    assert set(cookie.split("; ")) == {"session=1", "other=2"}


#: The query of no. 29.
QUERIES = (
    "queries=%7B%22query1%22%3A%22%2Ft%2Fplaces%3Ffilters%3D%257B%2522postcode%2522%253A"
    "%252290067%2522%257D%22%2C%22query2%22%3A%22%2Ft%2Fplaces%2Ffacets%3Ffilters%3D%257B"
    "%2522postcode%2522%253A%252290067%2522%257D%26select%3Dcategory%22%7D"
)


def test_29_a_parameter_that_is_encoded_twice_is_signed_as_it_is(
    client: requests.Session, provider: Sandbox
) -> None:
    """Invalid signature generation with double encoding."""
    report = verified(client.get(f"{provider.resource_url}?{QUERIES}"))

    assert report["query"].startswith(QUERIES)


@pytest.mark.parametrize(
    ("query", "nonce", "signature"),
    [
        (QUERIES, "38585129", "+1S2b8kxgOvJAUV90QjbYeB1i7k="),
        (
            "queries=%7B%22query1%22%3A+%22%2Ft%2Fplaces%3Fq%3Dsushi%22%7D",
            "2555196",
            "tvSvg9hjL4ijuMT309h8EAVo44c=",
        ),
    ],
    ids=["encoded twice", "encoded once"],
)
def test_29_the_signatures_are_those_of_the_reporters_other_signer(
    query: str, nonce: str, signature: str
) -> None:
    """With his nonce and timestamp, no token, consumer "key" and "secret"."""
    hook = OAuthHook(consumer_key="key", consumer_secret="secret", header_auth=True)
    request = requests.Request("GET", f"http://api.v3.factual.com/multi?{query}").prepare()
    # What has gone out already is explained with its own nonce and timestamp.
    request.headers["Authorization"] = (
        f'OAuth oauth_nonce="{nonce}", oauth_timestamp="1338404204", oauth_signature="?"'
    )

    shown = hook.explain(request).authorization or ""

    assert f'oauth_signature="{quote(signature, safe="")}"' in shown


@pytest.mark.parametrize(
    "form",
    [
        {"content": "naïve café — 日本語 🎉"},
        {"content": "naïve café".encode()},
        [("content", "é"), ("content", "è")],
        {"clé": "é"},
    ],
    ids=["text", "bytes", "pairs", "a name"],
)
def test_31_utf_8_data_is_posted(client: requests.Session, provider: Sandbox, form: Any) -> None:
    """Trouble POSTing UTF-8 data: Bitbucket gave a 500."""
    pairs = [*form.items()] if isinstance(form, dict) else form
    text = [[name, value if isinstance(value, str) else value.decode()] for name, value in pairs]

    assert verified(client.post(provider.resource_url, data=form))["form"] == text


@pytest.mark.parametrize(
    "content_type",
    [
        f"{FORM}; charset=utf-8",
        f"{FORM};charset=UTF-8",
        "Application/X-WWW-Form-URLEncoded; Charset=utf-8",
    ],
)
def test_32_a_form_with_a_charset_is_a_form(
    client: requests.Session, provider: Sandbox, content_type: str
) -> None:
    """POST with utf-8 not correctly catched: the form was missing in the signature."""
    report = verified(
        client.post(provider.resource_url, {"status": "é"}, headers={"Content-Type": content_type})
    )

    assert report["form"] == [["status", "é"]]
    assert ["Content-Type", content_type] in report["headers"]


def test_34_nothing_of_requests_own_is_needed_of_a_request(
    hook: OAuthHook, provider: Sandbox
) -> None:
    """AttributeError: 'Request' object has no attribute '_enc_params'.

    A request that another library has made, with no more than what Requests documents, is signed.
    """

    class Made:
        method = "GET"
        url = f"{provider.resource_url}?a=1"
        headers = requests.structures.CaseInsensitiveDict[str]()
        body = None
        hooks: dict[str, Any] = {}  # noqa: RUF012

    signed: Any = hook(Made())  # type: ignore[call-overload]
    report = verified(requests.get(signed.url, headers=signed.headers))

    assert own(report["args"]) == [["a", "1"]]


def test_42_todays_requests_takes_the_hook_of_a_session(
    hook: OAuthHook, provider: Sandbox, header_auth: bool
) -> None:
    """Broken with update of python-requests: session() took no arguments, and no hook ran."""
    assert re.match(r"2\.\d+", requests.__version__)
    with requests.session(hooks={"pre_request": hook}) as client:
        given = verified(client.get(provider.resource_url))
    with requests.session() as client:
        client.hooks["pre_request"] = hook  # type: ignore[assignment]
        moved_outside = verified(client.get(provider.resource_url))

    place = "header" if header_auth else "query"
    assert [given["place"], moved_outside["place"]] == [place, place]
