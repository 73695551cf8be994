"""hook.explain(request): every step from a request to its signature, and no secret."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from servers import Provider, redirect

from oauth_hook import InvalidURL, OAuthHook, UnsignableRequest
from oauth_hook.explanation import Explanation, Parameter
from oauth_hook.sandbox import Sandbox


@pytest.fixture(params=[True, False], ids=["header", "query"])
def hook(request: pytest.FixtureRequest) -> OAuthHook:
    return OAuthHook("token", "s3cr3t-token", "key", "s3cr3t-consumer", request.param)


def explained(hook: OAuthHook, method: str, url: str, **given: Any) -> Explanation:
    return hook.explain(requests.Request(method, url, **given).prepare())


def test_it_says_where_each_parameter_came_from(hook: OAuthHook) -> None:
    explanation = explained(
        hook, "POST", "http://example.com/x?a=b%20c", data={"d": "\u00e9", "oauth_verifier": "v w"}
    )

    assert explanation.parameters[:3] == [
        Parameter("URL query", "a", "b c"),
        Parameter("form body", "d", "\u00e9"),
        Parameter("OAuth", "oauth_consumer_key", "key"),
    ]
    assert explanation.parameters[-1] == Parameter("OAuth", "oauth_verifier", "v w")


def test_its_base_string_holds_its_uri_and_its_normalized_parameters(hook: OAuthHook) -> None:
    explanation = explained(hook, "POST", "http://Example.com:80/x?b=2&a=1", data={"a": "\u00e9"})

    method, uri, parameters = explanation.signature_base_string.split("&")
    assert (method, requests.utils.unquote(uri)) == ("POST", explanation.base_string_uri)
    assert requests.utils.unquote(parameters) == explanation.normalized_parameters
    assert explanation.normalized_parameters.startswith("a=%C3%A9&a=1&b=2&oauth_consumer_key=key")
    assert explanation.base_string_uri == "http://example.com/x"


def test_it_shows_what_goes_out(hook: OAuthHook) -> None:
    explanation = explained(hook, "GET", "http://example.com/x?a=1#f")

    if hook.header_auth:
        assert explanation.url == "http://example.com/x?a=1#f"
        assert (explanation.authorization or "").startswith("OAuth oauth_consumer_key=")
    else:
        assert explanation.url.startswith("http://example.com/x?a=1&oauth_consumer_key=key&")
        assert explanation.authorization is None


def test_every_step_is_printed(hook: OAuthHook) -> None:
    explanation = explained(hook, "GET", "http://example.com/x?a=1")

    printed = str(explanation)

    for step in explanation[2:7]:
        assert str(step) in printed


def test_all_that_it_holds_is_printed_under_headings(hook: OAuthHook) -> None:
    explanation = explained(hook, "POST", "http://example.com/x?a=1", data={"b": "2"})

    sent = [f"  POST {explanation.url}", f"  Authorization: {explanation.authorization}"]
    width = len("form body")
    assert str(explanation).splitlines() == [
        "Parameters collected (RFC 5849 section 3.4.1.3.1)",
        *(
            f"  {source:{width}}  {name} = {value!r}"
            for source, name, value in explanation.parameters
        ),
        "Normalized parameters (3.4.1.3.2)",
        f"  {explanation.normalized_parameters}",
        "Base string URI (3.4.1.2)",
        "  http://example.com/x",
        "Signature base string (3.4.1.1)",
        f"  {explanation.signature_base_string}",
        "Signing key (3.4.2 to 3.4.4)",
        "  (consumer secret)&(token secret)",
        "What goes out",
        *(sent if hook.header_auth else sent[:1]),
        "  the form as it is",
    ]


def test_it_holds_no_secret(hook: OAuthHook) -> None:
    explanation = explained(hook, "POST", "http://example.com/x", data={"a": "1"})

    assert "s3cr3t" not in str(explanation) + repr(explanation)


def test_of_a_signature_that_is_the_secrets_only_that_is_masked(header_auth: bool) -> None:
    hook = OAuthHook("t", "s3cr3t", "k", "s3cr3t", header_auth, signature_method="PLAINTEXT")
    request = requests.Request("GET", "https://example.com/x?a=1#f", auth=hook).prepare()

    explanation = hook.explain(request)

    shown = (explanation.url, explanation.authorization)
    sent = (request.url, request.headers.get("Authorization"))
    assert shown == tuple(text and text.replace("s3cr3t%26s3cr3t", "***") for text in sent)
    assert shown != sent


def test_it_changes_nothing(hook: OAuthHook) -> None:
    request = requests.Request("POST", "http://e.com/?a=1", data={"oauth_verifier": "v"}).prepare()
    before = request.url, dict(request.headers), request.body, dict(request.hooks)

    hook.explain(request)

    assert (request.url, dict(request.headers), request.body, dict(request.hooks)) == before


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_it_leaves_a_form_file_where_it_stood(hook: OAuthHook) -> None:
    file = io.BytesIO(b"skipped&a=1")
    file.seek(8)

    explanation = explained(hook, "POST", "http://example.com/x", data=file, headers=FORM)

    assert (explanation.parameters[0], file.tell()) == (Parameter("form body", "a", "1"), 8)


def test_a_form_file_that_was_moved_since_is_explained_from_where_it_stands(
    hook: OAuthHook,
) -> None:
    file = io.BytesIO(b"a=1&b=2")
    request = requests.Request("POST", "http://example.com/x", FORM, data=file).prepare()
    file.seek(4)

    explanation = hook.explain(request)

    assert (explanation.parameters[0], file.tell()) == (Parameter("form body", "b", "2"), 4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no body"),
        ({"data": {"a": "1"}}, "the form as it is"),
        ({"data": {"a": "1", "oauth_verifier": "v"}}, "the form without OAuth parameters"),
    ],
    ids=["none", "a form", "a form that loses a parameter"],
)
def test_it_says_what_becomes_of_the_body(
    hook: OAuthHook, given: dict[str, Any], words: str
) -> None:
    assert explained(hook, "POST", "http://example.com/x", **given).body == words


def test_it_draws_nothing_from_a_body_that_is_no_form(hook: OAuthHook) -> None:
    def generate() -> Iterator[bytes]:
        raise AssertionError("read")
        yield b""

    explanation = explained(hook, "POST", "http://example.com/x", data=generate())

    assert "not read" in explanation.body


def test_a_signed_request_is_explained_with_the_nonce_that_it_carries(hook: OAuthHook) -> None:
    request = requests.Request("GET", "http://example.com/x?a=1", auth=hook).prepare()
    carried = f"{request.url} {request.headers.get('Authorization')}"

    values = {name: value for _, name, value in hook.explain(request).parameters}

    assert values["oauth_nonce"] in carried
    assert values["oauth_timestamp"] in carried


def test_it_explains_what_the_provider_has_verified(hook: OAuthHook) -> None:
    with Sandbox() as provider:
        hook.consumer = (provider.consumer_key, "wrong")
        hook.token = provider.issue_token()
        response = requests.post(
            provider.resource_url,
            {"a": "b c", "oauth_verifier": "%41"},
            hooks={"pre_request": hook},
        )

    assert hook.explain(response.request).signature_base_string in response.text


@pytest.mark.parametrize("body", [bytes, io.BytesIO], ids=["bytes", "a file"])
def test_a_form_that_was_sent_is_explained_with_its_very_signature(
    strict: Provider, header_auth: bool, body: Any
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    response = requests.post(
        f"{strict.url}/x", body(b"a=b"), headers=FORM, hooks={"pre_request": hook}
    )

    explanation = hook.explain(response.request)

    assert explanation.parameters[0] == Parameter("form body", "a", "b")
    signature = quote(strict.messages[0].oauth["oauth_signature"], safe="")
    assert signature in (explanation.authorization or explanation.url)


def test_a_form_file_that_was_sent_is_left_at_its_end(strict: Provider, header_auth: bool) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    file = io.BytesIO(b"a=b")
    response = requests.post(f"{strict.url}/x", file, headers=FORM, hooks={"pre_request": hook})

    hook.explain(response.request)

    assert file.tell() == len(b"a=b")


@pytest.mark.parametrize("kind", [bytes, bytearray, io.BytesIO])
def test_oauth_parameters_that_were_sent_in_the_form_are_explained_as_they_were(
    strict: Provider, kind: Any
) -> None:
    hook = OAuthHook(*strict.credentials(), form_auth=True)
    response = requests.post(
        f"{strict.url}/x", kind(b"a=b"), headers=FORM, hooks={"pre_request": hook}
    )

    explanation = hook.explain(response.request)
    shown = {name: value for _, name, value in explanation.parameters}

    sent = dict(strict.messages[0].oauth)
    del sent["oauth_signature"]
    assert shown == {"a": "b", **sent}
    assert explanation.body == "the form with the OAuth parameters at its end"


def test_a_verifier_that_a_redirect_brings_is_explained_as_it_was_sent(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/x", redirect(307, "/y?oauth_verifier=new"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    response = session.post(f"{strict.url}/x", {"oauth_verifier": "old"}, auth=hook)

    explanation = hook.explain(response.request)

    assert strict.messages[1].oauth["oauth_verifier"] == "new"
    signature = quote(strict.messages[1].oauth["oauth_signature"], safe="")
    assert signature in (explanation.authorization or explanation.url)


def test_a_password_in_the_url_is_not_shown(hook: OAuthHook) -> None:
    explanation = explained(hook, "GET", "http://user:s3cr3t@example.com/x@y")

    assert "s3cr3t" not in str(explanation) + repr(explanation)
    assert explanation.url.startswith("http://example.com/x@y")


def test_a_password_in_a_url_in_capitals_is_not_shown(hook: OAuthHook) -> None:
    request = requests.Request("GET", "http://example.com/x").prepare()
    request.url = "HTTP://user:s3cr3t@example.com/x"

    explanation = hook.explain(request)

    assert "s3cr3t" not in str(explanation) + repr(explanation)


def test_the_header_of_a_request_that_is_to_be_signed_in_its_url_now_is_not_shown(
    hook: OAuthHook,
) -> None:
    request = requests.Request("GET", "http://example.com/x", auth=hook).prepare()
    hook.header_auth = False

    explanation = hook.explain(request)

    assert explanation.authorization is None
    assert "Authorization:" not in str(explanation)


def test_what_is_no_prepared_request_is_refused_with_the_remedy(hook: OAuthHook) -> None:
    response: Any = requests.Response()
    response.request = requests.PreparedRequest()
    unprepared: Any = requests.Request("GET", "http://example.com/x")

    with pytest.raises(UnsignableRequest, match=r"give explain\(\) the request, response\.request"):
        hook.explain(response)
    with pytest.raises(UnsignableRequest, match=r"not Request: give it what request\.prepare\(\)"):
        hook.explain(unprepared)
    response.request.prepare_url("http://example.com/x", None)  # and no headers
    with pytest.raises(UnsignableRequest, match="not an empty one: give it what"):
        hook.explain(response.request)


SECRETS = "(consumer secret)&(token secret)"


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("HMAC-SHA256", SECRETS),
        ("PLAINTEXT", f"{SECRETS}, which is the signature: the base string is not used"),
        (
            ("OWN", lambda *_: "s"),
            "what your function for OWN makes of (consumer secret) and (token secret)",
        ),
        (
            ("RSA-SHA384", lambda *_: "s"),
            "what your function for RSA-SHA384 makes of (consumer secret) and (token secret)",
        ),
    ],
    ids=["HMAC", "PLAINTEXT", "own", "own RSA"],
)
def test_it_says_what_the_signature_method_is_keyed_with(method: Any, key: str) -> None:
    hook = OAuthHook("t", "ts", "k", "cs", signature_method=method)

    assert explained(hook, "GET", "https://example.com/x").signing_key == key


def test_without_a_token_the_signing_key_ends_in_an_ampersand(hook: OAuthHook) -> None:
    hook.token = None

    assert explained(hook, "GET", "https://example.com/x").signing_key == "(consumer secret)&"


def test_an_rsa_key_is_named_and_not_shown() -> None:
    key = rsa.generate_private_key(65537, 2048)
    hook = OAuthHook("t", "ts", "k", signature_method="RSA-SHA1", rsa_key=key)

    assert explained(hook, "GET", "https://example.com/x").signing_key == "(private RSA key)"


@pytest.mark.parametrize("realm", [None, "photos"])
def test_it_says_where_a_realm_is_lost(hook: OAuthHook, realm: str | None) -> None:
    hook = OAuthHook("t", "ts", "k", "cs", hook.header_auth, realm=realm)

    explanation = explained(hook, "GET", "https://example.com/x")

    lost = realm is not None and not hook.header_auth
    words = "no realm: only an Authorization header carries it, so sign in the header"
    assert explanation.left_out == (words if lost else "")
    assert (str(explanation).splitlines()[-1] == f"  {words}") is lost


def test_a_realm_is_lost_in_a_form_whatever_the_mode(hook: OAuthHook) -> None:
    hook = OAuthHook("t", "ts", "k", "cs", hook.header_auth, realm="photos", form_auth=True)

    explanation = explained(hook, "POST", "https://example.com/x", data={"a": "1"})

    remedy = "" if hook.header_auth else ", so sign in the header"
    assert explanation.left_out == f"no realm: only an Authorization header carries it{remedy}"


def test_a_request_that_can_not_be_signed_can_not_be_explained(hook: OAuthHook) -> None:
    with pytest.raises(UnsignableRequest):
        explained(hook, "GET", "mailto:a@b.example")


@pytest.mark.parametrize("url", [None, b"https://example.com/x", 1])
def test_a_request_without_a_url_can_not_be_explained(hook: OAuthHook, url: Any) -> None:
    prepared = requests.Request("GET", "https://example.com/x").prepare()
    prepared.url = url

    with pytest.raises(InvalidURL, match="has no URL"):
        hook.explain(prepared)


# The small print


def test_what_is_only_explained_is_not_logged_as_signed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "oauth_hook")
    hook = OAuthHook("t", "hush-ts", "k", "hush-cs")

    hook.explain(requests.Request("GET", "http://api.example.com/x").prepare())

    assert caplog.records == []
