"""The lines that people wrote for requests-oauth 0.4, character for character, on today's Requests.

Each runs against the sandbox, which verifies with oauthlib.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

MODES = pytest.mark.parametrize("header_auth", [True, False], ids=["header", "query"])


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    # lenient_exchange: one of the old ways asks for the access token with a hook that does not
    # know the request token's secret.
    with Sandbox(lenient_exchange=True) as running:
        yield running


@pytest.fixture(autouse=True)
def _class_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sets on the class is taken back."""
    for name in ("consumer_key", "consumer_secret", "header_auth"):
        monkeypatch.setattr(OAuthHook, name, getattr(OAuthHook, name))


@pytest.fixture
def names(provider: Sandbox) -> Iterator[dict[str, Any]]:
    """What the old lines find around them."""
    token, secret = provider.issue_token()
    found: dict[str, Any] = {
        "requests": requests,
        "parse_qs": parse_qs,
        "TOKEN": token,
        "SECRET": secret,
        "KEY": provider.consumer_key,
        "KSECRET": provider.consumer_secret,
        "URL": provider.resource_url,
        "REQUEST_TOKEN_URL": provider.request_token_url,
        "ACCESS_TOKEN_URL": provider.access_token_url,
        "data": {"status": "caf\u00e9"},
    }
    yield found
    if "client" in found:
        found["client"].close()


@pytest.fixture
def statuses(caplog: pytest.LogCaptureFixture) -> Any:
    """What the provider answered to each request so far, in order."""
    caplog.set_level(logging.INFO, "oauth_hook.sandbox")
    return lambda: [
        record.getMessage().split(" ", 2)[0] + record.getMessage()[-7:]
        for record in caplog.records
        if record.name == "oauth_hook.sandbox"
    ]


SESSION = """
from oauth_hook import OAuthHook
hook = OAuthHook(TOKEN, SECRET, KEY, KSECRET{mode})
client = requests.session(hooks={{'pre_request': hook}})
client.get(URL); client.post(URL, {{'status': "Yay! It works!", 'wrap_links': True}})
"""


@pytest.mark.parametrize("mode", [", True", ", False", ""], ids=["header", "query", "left out"])
def test_a_session_signs_get_and_post(names: dict[str, Any], statuses: Any, mode: str) -> None:
    exec(SESSION.format(mode=mode), names)

    assert statuses() == ["GET 200 OK", "POST 200 OK"]


CLASS_LEVEL = """
from oauth_hook import OAuthHook
OAuthHook.consumer_key = KEY; OAuthHook.consumer_secret = KSECRET
hook = OAuthHook(TOKEN, SECRET, header_auth=True)
requests.get(URL, hooks={'pre_request': hook}); requests.post(URL, data, hooks={'pre_request': [hook]})
"""  # noqa: E501 - character for character


def test_the_consumer_is_set_on_the_class(names: dict[str, Any], statuses: Any) -> None:
    exec(CLASS_LEVEL, names)

    assert statuses() == ["GET 200 OK", "POST 200 OK"]


MISSION = """
from oauth_hook import OAuthHook
OAuthHook.consumer_key, OAuthHook.consumer_secret = KEY, KSECRET
hook = OAuthHook(TOKEN, SECRET, header_auth=True)
client = requests.session(hooks={'pre_request': hook})
client.post(URL, {'status': 'Yay! It works!', 'wrap_links': True})
requests.post(REQUEST_TOKEN_URL, hooks={'pre_request': OAuthHook(consumer_key=KEY, consumer_secret=KSECRET)})
"""  # noqa: E501 - character for character


def test_the_first_lines_of_the_old_readme(names: dict[str, Any], statuses: Any) -> None:
    exec(MISSION, names)

    assert statuses() == ["POST 200 OK", "POST 200 OK"]


FIRST_LEG = """
from oauth_hook import OAuthHook
hook = OAuthHook(consumer_key=KEY, consumer_secret=KSECRET)
response = requests.post(REQUEST_TOKEN_URL, hooks={'pre_request': hook})
qs = parse_qs(response.text); oauth_token = qs['oauth_token'][0]; oauth_secret = qs['oauth_token_secret'][0]
"""  # noqa: E501 - character for character
THIRD_LEG = """
new_hook = OAuthHook(oauth_token, oauth_secret, KEY, KSECRET)
response = requests.post(ACCESS_TOKEN_URL, {'oauth_verifier': oauth_verifier}, hooks={'pre_request': new_hook})
"""  # noqa: E501 - character for character


def test_the_scripted_exchange(provider: Sandbox, names: dict[str, Any]) -> None:
    exec(FIRST_LEG, names)
    names["oauth_verifier"] = provider.authorize(names["oauth_token"])
    exec(THIRD_LEG, names)

    assert set(parse_qs(names["response"].text)) >= {"oauth_token", "oauth_token_secret"}


# The variants that people used


def _consumer_hook(provider: Sandbox, header_auth: bool) -> OAuthHook:
    return OAuthHook(None, None, provider.consumer_key, provider.consumer_secret, header_auth)


def _token_hook(provider: Sandbox, header_auth: bool) -> OAuthHook:
    consumer = provider.consumer_key, provider.consumer_secret
    return OAuthHook(*provider.issue_token(), *consumer, header_auth)


@MODES
@pytest.mark.parametrize(
    "given",
    [
        {"data": {"oauth_callback": "oob"}},
        {"params": {"oauth_callback": "https://client.example/back?a=%41&b=c%20d"}},
        {"params": {"oauth_callback": "http://127.0.0.1:1/ready"}},
    ],
    ids=["data", "params escaped", "params"],
)
def test_the_callback_goes_with_the_request(
    provider: Sandbox, header_auth: bool, given: dict[str, Any]
) -> None:
    hook = _consumer_hook(provider, header_auth)

    response = requests.post(provider.request_token_url, hooks={"pre_request": hook}, **given)

    assert parse_qs(response.text)["oauth_callback_confirmed"] == ["true"]


@MODES
def test_the_callback_stands_in_the_sessions_params(provider: Sandbox, header_auth: bool) -> None:
    hook = _consumer_hook(provider, header_auth)
    with requests.session(hooks={"pre_request": hook}) as client:
        client.params = {"oauth_callback": "oob"}
        response = client.post(provider.request_token_url)

    assert parse_qs(response.text)["oauth_callback_confirmed"] == ["true"]


@MODES
def test_one_session_and_one_hook_for_all_three_steps(provider: Sandbox, header_auth: bool) -> None:
    hook = _consumer_hook(provider, header_auth)
    with requests.session(hooks={"pre_request": hook}) as client:
        response = client.post(provider.request_token_url, {"oauth_callback": "oob"})
        oauth_token = parse_qs(response.text)["oauth_token"][0]
        oauth_verifier = provider.authorize(oauth_token)
        response = client.post(
            provider.access_token_url,
            {"oauth_verifier": oauth_verifier, "oauth_token": oauth_token},
        )

    assert set(parse_qs(response.text)) >= {"oauth_token", "oauth_token_secret"}


def test_header_auth_is_set_between_requests(provider: Sandbox) -> None:
    hook = _token_hook(provider, False)
    with requests.session(hooks={"pre_request": hook}) as client:
        first = client.get(provider.resource_url)
        hook.header_auth = True
        second = client.get(provider.resource_url)

    assert [first.json()["place"], second.json()["place"]] == ["query", "header"]


@MODES
def test_a_get_with_data(provider: Sandbox, header_auth: bool) -> None:
    with requests.session(hooks={"pre_request": _token_hook(provider, header_auth)}) as client:
        response = client.get(provider.resource_url, data={"a": "1", "b": "x y"})

    assert response.json()["form"] == [["a", "1"], ["b", "x y"]]


@MODES
def test_a_delete(provider: Sandbox, header_auth: bool) -> None:
    with requests.session(hooks={"pre_request": _token_hook(provider, header_auth)}) as client:
        response = client.delete(provider.resource_url)

    assert response.json()["method"] == "DELETE"


@MODES
def test_files_are_uploaded(provider: Sandbox, header_auth: bool) -> None:
    with requests.session(hooks={"pre_request": _token_hook(provider, header_auth)}) as client:
        response = client.post(
            provider.resource_url, {"title": "caf\u00e9"}, files={"photo": io.BytesIO(b"\xff\x00")}
        )

    assert 'filename="photo"' in requests.compat.str(response.request.body, "latin-1")
    assert response.json()["length"] == len(response.request.body or b"")


# As today's Requests users expect


def _with_auth(hook: OAuthHook, url: str) -> requests.Response:
    return requests.post(url, {"a": "b"}, auth=hook)


def _with_session_auth(hook: OAuthHook, url: str) -> requests.Response:
    with requests.Session() as client:
        client.auth = hook
        return client.post(url, {"a": "b"})


def _with_appended_hook(hook: OAuthHook, url: str) -> requests.Response:
    with requests.Session() as client:
        client.hooks["pre_request"].append(hook)
        return client.post(url, {"a": "b"})


def _with_assigned_hooks(hook: OAuthHook, url: str) -> requests.Response:
    with requests.Session() as client:
        client.hooks = {"pre_request": hook}
        return client.post(url, {"a": "b"})


def _with_response_hook_on_the_session(hook: OAuthHook, url: str) -> requests.Response:
    with requests.Session() as client:
        client.hooks = {"pre_request": [hook], "response": [_mark]}
        return _marked(client.post(url, {"a": "b"}))


def _with_response_hook_on_the_request(hook: OAuthHook, url: str) -> requests.Response:
    with requests.Session() as client:
        client.hooks["pre_request"].append(hook)
        return _marked(client.post(url, {"a": "b"}, hooks={"response": _mark}))


def _with_response_hook_on_both(hook: OAuthHook, url: str) -> requests.Response:
    with requests.session(hooks={"pre_request": hook, "response": _fail}) as client:
        return _marked(client.post(url, {"a": "b"}, hooks={"response": _mark}))


def _with_both_hooks_on_the_request(hook: OAuthHook, url: str) -> requests.Response:
    with requests.session(hooks={"response": [_mark]}) as client:
        return _marked(client.post(url, {"a": "b"}, hooks={"pre_request": hook}))


def _with_request_prepare(hook: OAuthHook, url: str) -> requests.Response:
    prepared = requests.Request("POST", url, data={"a": "b"}, hooks={"pre_request": hook}).prepare()
    with requests.Session() as client:
        return client.send(prepared)


def _with_request_prepare_auth(hook: OAuthHook, url: str) -> requests.Response:
    prepared = requests.Request("POST", url, data={"a": "b"}, auth=hook).prepare()
    with requests.Session() as client:
        return client.send(prepared)


def _with_prepare_request(hook: OAuthHook, url: str) -> requests.Response:
    with requests.session(hooks={"pre_request": hook}) as client:
        return client.send(client.prepare_request(requests.Request("POST", url, data={"a": "b"})))


def _with_registered_hook(hook: OAuthHook, url: str) -> requests.Response:
    prepared = requests.Request("POST", url, data={"a": "b"}).prepare()
    prepared.register_hook("pre_request", hook)
    with requests.Session() as client:
        return client.send(prepared)


def _mark(response: requests.Response, **_: Any) -> requests.Response:
    response.headers["X-Marked"] = "yes"
    return response


def _fail(response: requests.Response, **_: Any) -> requests.Response:
    raise AssertionError("the request's own response hook takes the place of the session's")


def _marked(response: requests.Response) -> requests.Response:
    assert response.headers["X-Marked"] == "yes"
    return response


@MODES
@pytest.mark.parametrize(
    "post",
    [
        pytest.param(function, id=name.removeprefix("_with_").replace("_", " "))
        for name, function in list(globals().items())
        if name.startswith("_with_")
    ],
)
def test_every_way_of_registering_the_hook(provider: Sandbox, header_auth: bool, post: Any) -> None:
    hook = _token_hook(provider, header_auth)

    response = post(hook, provider.resource_url)

    assert response.json()["place"] == ("header" if header_auth else "query")
    assert response.json()["form"] == [["a", "b"]]
