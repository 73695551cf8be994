"""The exchange in code, over sockets with the sandbox: three calls to an access token."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import requests
from misbehaving import form, misbehaving, sends

from oauth_hook import (
    AuthorizationDenied,
    CredentialTypeError,
    InvalidURL,
    OAuthHook,
    Token,
    TokenRequestDenied,
    UnsignableRequest,
    three_legged,
)
from oauth_hook.sandbox import Sandbox

CALLBACK = "https://client.example/ready?state=a%20b&x=%26"


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox() as provider:
        yield provider


@pytest.fixture
def hook(provider: Sandbox, header_auth: bool) -> OAuthHook:
    return OAuthHook(
        consumer_key=provider.consumer_key,
        consumer_secret=provider.consumer_secret,
        header_auth=header_auth,
    )


class Sent(requests.Session):
    """A session that keeps the requests that it sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        response = super().send(request, **kwargs)
        self.sent.append(response.request)
        return response


def verified(provider: Sandbox, hook: OAuthHook) -> dict[str, Any]:
    response = requests.get(provider.resource_url, auth=hook)
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


# The whole way


def test_the_whole_exchange_with_a_pin(provider: Sandbox, hook: OAuthHook) -> None:
    token = three_legged.request_token(provider.request_token_url, hook)
    pin = provider.authorize(token.key)
    user = three_legged.access_token(provider.access_token_url, hook, token, f" {pin}\n")
    new, fields = user
    assert fields == {"user_id": "1", "screen_name": "sandbox_user"}
    assert new.token is not None
    assert new.token is user.token
    report = verified(provider, new)
    assert report["oauth_token"] == new.token.key
    assert report["place"] == ("header" if hook.header_auth else "query")


def test_the_whole_exchange_with_a_callback(provider: Sandbox, hook: OAuthHook) -> None:
    token = three_legged.request_token(provider.request_token_url, hook, CALLBACK)
    oauth_verifier = provider.authorize(token.key)
    # What the provider has kept of the callback shows where it sends the user back.
    url = f"{CALLBACK}&oauth_token={token.key}&oauth_verifier={oauth_verifier}"
    new, _ = three_legged.access_token(
        provider.access_token_url, hook, token, three_legged.verifier(url, token)
    )
    assert verified(provider, new)["consumer_key"] == provider.consumer_key


def test_the_callback_is_the_one_at_which_the_user_comes_back(
    provider: Sandbox, hook: OAuthHook
) -> None:
    token = three_legged.request_token(provider.request_token_url, hook, CALLBACK)
    back = provider.deny(token.key)
    assert back is not None
    assert back.startswith(f"{CALLBACK}&")
    with pytest.raises(AuthorizationDenied, match="did not allow") as caught:
        three_legged.verifier(back, token)
    assert caught.value.problem == {"oauth_problem": "permission_denied"}


def test_the_exchange_by_get(provider: Sandbox, hook: OAuthHook) -> None:
    by_get: dict[str, Any] = {"method": "GET"}
    with Sent() as by_get["session"]:
        token = three_legged.request_token(provider.request_token_url, hook, **by_get)
        pin = provider.authorize(token.key)
        new, _ = three_legged.access_token(provider.access_token_url, hook, token, pin, **by_get)
    assert [request.method for request in by_get["session"].sent] == ["GET", "GET"]
    verified(provider, new)


def test_a_web_application_keeps_key_and_secret_between_the_calls(
    provider: Sandbox, hook: OAuthHook
) -> None:
    token = three_legged.request_token(provider.request_token_url, hook, "http://app.example/cb")
    pair = json.loads(json.dumps([token.key, token.secret]))  # as a cookie or a row keeps it
    for kept in (Token(*pair), tuple(pair)):
        url = three_legged.authorization_url(provider.authorize_url, kept)
        assert url == f"{provider.authorize_url}?oauth_token={token.key}"
        back = f"/cb?oauth_token={token.key}&oauth_verifier=v"
        assert three_legged.verifier(back, kept) == "v"
    new, _ = three_legged.access_token(
        provider.access_token_url, hook, kept, provider.authorize(token.key)
    )
    verified(provider, new)


def test_a_provider_of_oauth_1_0_gets_neither_callback_nor_verifier(hook: OAuthHook) -> None:
    answer = sends(form("oauth_token=t&oauth_token_secret=hush"))
    with misbehaving(answer) as server, Sent() as session:
        token = three_legged.request_token(
            server.url, hook, None, require_confirmation=False, session=session
        )
        back = f"http://app.example/cb?oauth_token={token.key}"
        verifier = three_legged.verifier(back, token, require_verifier=False)
        assert verifier is None
        three_legged.access_token(
            server.url, hook, token, verifier, require_verifier=False, session=session
        )
    for request in session.sent:
        sent = f"{request.headers.get('Authorization')} {request.url} {request.body}"
        assert "oauth_signature" in sent
        assert "oauth_callback" not in sent
        assert "oauth_verifier" not in sent


def test_a_token_request_without_fields_is_a_form_where_forms_are_signed(
    provider: Sandbox, hook: OAuthHook
) -> None:
    """With PLAINTEXT, the secrets would stand in the URL else."""
    hook = OAuthHook(None, None, hook.consumer.key, hook.consumer.secret, form_auth=True)
    with Sent() as session:
        three_legged.request_token(provider.request_token_url, hook, None, session=session)
    (request,) = session.sent
    assert request.url == provider.request_token_url
    assert str(request.body).startswith("oauth_consumer_key=")


def test_an_access_token_is_renewed_with_its_session_handle(hook: OAuthHook) -> None:
    good = form("oauth_token=new&oauth_token_secret=hush-new&oauth_session_handle=h2")
    refusal = form("oauth_problem=token_expired&oauth_problem_advice=hush-handle+is+old", "401 No")
    handle = {"oauth_session_handle": "hush-handle"}
    with misbehaving(sends(good), sends(refusal)) as server, Sent() as session:
        renew = partial(
            three_legged.access_token,
            server.url,
            hook,
            Token("old", "hush-old"),
            None,
            params=handle,
            require_verifier=False,
            session=session,
        )
        new, more = renew()
        with pytest.raises(TokenRequestDenied) as caught:
            renew()
    assert new.token == Token("new", "hush-new")
    assert more == {"oauth_session_handle": "h2"}
    sent = f"{session.sent[0].headers.get('Authorization')}&{session.sent[0].url}".replace('"', "")
    assert re.findall("oauth_(?:session_handle|verifier|token)=[a-z-]+", sent) == [
        "oauth_token=old",
        "oauth_session_handle=hush-handle",
    ]
    assert caught.value.problem["oauth_problem_advice"] == "*** is old"


def test_a_verifier_that_need_not_be_there_is_sent_where_it_is(
    provider: Sandbox, hook: OAuthHook
) -> None:
    token = three_legged.request_token(provider.request_token_url, hook)
    pin = provider.authorize(token.key)
    url = provider.access_token_url
    new, _ = three_legged.access_token(url, hook, token, pin, require_verifier=False)
    verified(provider, new)


def test_its_repr_names_the_fields_but_shows_no_value_and_no_control_character(
    hook: OAuthHook,
) -> None:
    answer = form("oauth_token=t&oauth_token_secret=hush-s&user_id=hush-1&%1B%0Ac=hush-2")
    with misbehaving(sends(answer)) as server:
        given = three_legged.access_token(server.url, hook, Token("r", "hush-t"), "hush-v")
    assert repr(given).endswith(r", fields of user_id, \x1b\nc)")
    assert "hush" not in repr(given)


def test_a_token_can_be_asked_for_where_no_thread_can_be_started(
    provider: Sandbox, header_auth: bool
) -> None:
    code = """
import atexit, sys
from oauth_hook import OAuthHook, three_legged
url, key, secret, header_auth = sys.argv[1:]
hook = OAuthHook(None, None, key, secret, header_auth == "True")
atexit.register(lambda: print(three_legged.request_token(url, hook).fields))
"""
    consumer = provider.consumer_key, provider.consumer_secret
    arguments = [provider.request_token_url, *consumer, str(header_auth)]
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("{'oauth_callback_confirmed': 'true'}\n", "")


def test_what_else_came_with_the_request_token_is_given(provider: Sandbox, hook: OAuthHook) -> None:
    token = three_legged.request_token(provider.request_token_url, hook)
    assert token.fields == {"oauth_callback_confirmed": "true"}


def test_the_hook_that_is_given_stays_as_it_is(provider: Sandbox, hook: OAuthHook) -> None:
    hook.token = ("access token of somebody", "hush-secret")
    before = hook.token
    token = three_legged.request_token(provider.request_token_url, hook)
    three_legged.access_token(provider.access_token_url, hook, token, provider.authorize(token.key))
    assert hook.token is before


def test_the_new_hook_is_of_the_given_one_s_class(provider: Sandbox, header_auth: bool) -> None:
    class Ours(OAuthHook):
        consumer_key = provider.consumer_key
        consumer_secret = provider.consumer_secret

    hook = Ours(header_auth=header_auth)
    token = three_legged.request_token(provider.request_token_url, hook)
    new, _ = three_legged.access_token(
        provider.access_token_url, hook, token, provider.authorize(token.key)
    )
    assert type(new) is Ours
    assert new.header_auth is header_auth


# What is sent


def test_further_parameters_are_signed_and_sent(provider: Sandbox, hook: OAuthHook) -> None:
    with Sent() as session:
        three_legged.request_token(
            f"{provider.request_token_url}?a=%26",
            hook,
            params={"scope": "read & write"},
            session=session,
        )
    assert "request_token?a=%26" in (session.sent[0].url or "")
    assert session.sent[0].body == "scope=read+%26+write"


def test_further_parameters_go_with_the_last_call_too(provider: Sandbox, hook: OAuthHook) -> None:
    token = three_legged.request_token(provider.request_token_url, hook)
    verifier = provider.authorize(token.key)
    with Sent() as session:
        new, _ = three_legged.access_token(
            provider.access_token_url, hook, token, verifier, params={"a": "b &"}, session=session
        )
    assert session.sent[0].body == "a=b+%26"
    verified(provider, new)


def test_the_parameters_of_a_get_are_in_its_query(provider: Sandbox, hook: OAuthHook) -> None:
    with Sent() as session:
        three_legged.request_token(
            provider.request_token_url, hook, params={"a": "b"}, method="get", session=session
        )
    assert "request_token?a=b" in (session.sent[0].url or "")
    assert session.sent[0].body is None


def test_a_method_may_be_written_small(provider: Sandbox, hook: OAuthHook) -> None:
    with Sent() as session:
        three_legged.request_token(
            provider.request_token_url, hook, params={"a": "b"}, method="post", session=session
        )
    assert session.sent[0].body == "a=b"


def test_the_hook_s_own_ways_hold_in_the_exchange_and_after(provider: Sandbox) -> None:
    consumer = provider.consumer_key, provider.consumer_secret
    hook = OAuthHook(None, None, *consumer, True, realm="1", signature_method="HMAC-SHA256")
    with Sent() as session:
        token = three_legged.request_token(provider.request_token_url, hook, session=session)
        verifier = provider.authorize(token.key)
        new, _ = three_legged.access_token(
            provider.access_token_url, hook, token, verifier, session=session
        )
    for request in session.sent:
        assert request.headers["Authorization"].startswith('OAuth realm="1", ')
    assert verified(provider, new)["signature_method"] == "HMAC-SHA256"


def test_the_oauth_parameters_can_go_into_the_form(provider: Sandbox) -> None:
    consumer = provider.consumer_key, provider.consumer_secret
    hook = OAuthHook(None, None, *consumer, form_auth=True)
    with Sent() as session:
        three_legged.request_token(provider.request_token_url, hook, session=session)
    assert "oauth_signature=" in str(session.sent[0].body)
    assert session.sent[0].url == provider.request_token_url


@pytest.mark.parametrize(
    "url", ["ftp://provider.example/", "provider.example", "", "http://", "http://a:b/", None, 5]
)
def test_a_url_that_is_not_http_is_refused(hook: OAuthHook, url: Any) -> None:
    for ask in (
        lambda: three_legged.request_token(url, hook),
        lambda: three_legged.access_token(url, hook, Token("token", "secret"), "12345678"),
    ):
        with pytest.raises(InvalidURL, match=r"http://|is not valid"):
            ask()


def test_a_verifier_is_not_left_out_unasked(hook: OAuthHook) -> None:
    with pytest.raises(UnsignableRequest, match="verifier must be a str, not NoneType"):
        three_legged.access_token("http://nowhere.invalid/", hook, ("t", "hush"), None)


@pytest.mark.parametrize("text", [12345678, b"oob", "", " \n"])
def test_a_callback_or_verifier_that_can_not_be_one_is_refused_by_name(
    hook: OAuthHook, text: Any
) -> None:
    url = "http://nowhere.invalid/"
    with pytest.raises(UnsignableRequest, match=r"callback .*: give a URL, or 'oob'"):
        three_legged.request_token(url, hook, text)
    with pytest.raises(UnsignableRequest, match=r"verifier .*: give what the provider gave"):
        three_legged.access_token(url, hook, Token("token", "secret"), text)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_has_no_utf_8_form_is_refused_by_name(hook: OAuthHook, method: str) -> None:
    url, wrong = "http://nowhere.invalid/", "\ud800"
    tokens: Any = {"hook": hook, "token": ("token", "secret"), "method": method}
    for name, call in [
        ("callback", lambda: three_legged.request_token(url, hook, wrong, method=method)),
        ("params", lambda: three_legged.request_token(url, hook, params={"a": wrong})),
        ("params", lambda: three_legged.request_token(url, hook, params={wrong: "a"})),
        ("verifier", lambda: three_legged.access_token(url, verifier=wrong, **tokens)),
        ("params", lambda: three_legged.authorization_url(url, ("t", "s"), {"a": wrong})),
        ("url", lambda: three_legged.authorization_url(wrong, ("t", "s"))),
    ]:
        with pytest.raises(UnsignableRequest, match=f"^{name} holds a lone surrogate"):
            call()


@pytest.mark.parametrize("token", [None, "token", ("token",)])
def test_what_is_not_a_token_is_refused_by_name(hook: OAuthHook, token: Any) -> None:
    url = "http://nowhere.invalid/"
    for call in (
        lambda: three_legged.access_token(url, hook, token, "12345678"),
        lambda: three_legged.authorization_url(url, token),
        lambda: three_legged.verifier(f"{url}?oauth_token=token&oauth_verifier=v", token),
    ):
        with pytest.raises(CredentialTypeError, match="token must be a Token or a pair"):
            call()


def test_arguments_that_are_swapped_are_refused_by_name(hook: OAuthHook) -> None:
    url: Any = "http://nowhere.invalid/"
    swapped: Any = hook
    with pytest.raises(CredentialTypeError, match="hook must be an OAuthHook, not str"):
        three_legged.request_token(swapped, url)
    with pytest.raises(CredentialTypeError, match="hook must be an OAuthHook, not str"):
        three_legged.access_token(swapped, url, ("token", "secret"), "12345678")
    with pytest.raises(UnsignableRequest, match="url must be a str, not Token"):
        three_legged.authorization_url(Token("token", "secret"), url)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", [three_legged.request_token, three_legged.access_token])
def test_a_call_waits_for_30_seconds_unless_told_otherwise(call: Callable[..., Any]) -> None:
    assert inspect.signature(call).parameters["timeout"].default == 30


# The user's own session


class Future(requests.Session):
    """As those of requests-futures: what comes of a request is no response yet."""

    def request(self, *_: Any, **__: Any) -> Any:
        return object()


@pytest.mark.parametrize(
    ("session", "says"),
    [
        ("text", "must be a requests.Session or None, not builtins.str"),
        (Future(), "gave a object, not a response: give a requests.Session"),
    ],
)
def test_a_session_that_is_not_requests_own_is_refused(
    hook: OAuthHook, session: Any, says: str
) -> None:
    with pytest.raises(UnsignableRequest, match=says):
        three_legged.request_token("http://nowhere.invalid/", hook, session=session)


def test_a_plain_session_serves_where_requests_name_was_given_to_another_class(
    provider: Sandbox, hook: OAuthHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with requests.Session() as session:
        monkeypatch.setattr(requests, "Session", Sent)  # as requests_cache.install_cache() does
        three_legged.request_token(provider.request_token_url, hook, session=session)


def test_the_session_s_settings_hold(provider: Sandbox, hook: OAuthHook) -> None:
    with Sent() as session:
        session.headers["User-Agent"] = "ours"
        session.params = {"tenant": "7"}
        three_legged.request_token(provider.request_token_url, hook, session=session)
    assert session.sent[0].headers["User-Agent"] == "ours"
    assert session.sent[0].headers["Cache-Control"] == "no-store"
    assert "tenant=7" in (session.sent[0].url or "")


def test_a_session_that_sends_json_asks_by_a_form_all_the_same(
    provider: Sandbox, hook: OAuthHook
) -> None:
    with requests.Session() as session:
        session.headers["Content-Type"] = "application/json"
        token = three_legged.request_token(
            provider.request_token_url, hook, "http://127.0.0.1:1/back", session=session
        )
        came_back = provider.deny(token.key)

    assert (came_back or "").startswith("http://127.0.0.1:1/back?")


def test_a_session_that_raises_for_status_hides_nothing_of_the_refusal(
    provider: Sandbox, hook: OAuthHook
) -> None:
    wrong = OAuthHook(None, None, "unknown", "secret", hook.header_auth)
    with requests.Session() as session:
        session.hooks["response"] = [lambda response, **_: response.raise_for_status()]
        with pytest.raises(TokenRequestDenied, match="consumer_key_unknown") as caught:
            three_legged.request_token(provider.request_token_url, wrong, session=session)

    assert caught.value.response is not None
    assert caught.value.response.status_code == 401


@pytest.mark.parametrize("place", ["pre_request", "auth"])
def test_a_session_that_signs_otherwise_does_not_sign_this(
    provider: Sandbox, hook: OAuthHook, place: str
) -> None:
    other = OAuthHook("another", "hush-secret", provider.consumer_key, "hush-wrong-secret")
    with requests.Session() as session:
        if place == "auth":
            session.auth = other
        else:
            session.hooks["pre_request"] = [other]
        token = three_legged.request_token(provider.request_token_url, hook, session=session)
        new, _ = three_legged.access_token(
            provider.access_token_url,
            hook,
            token,
            provider.authorize(token.key),
            session=session,
        )
    verified(provider, new)


def test_the_session_s_other_hooks_are_called(provider: Sandbox, hook: OAuthHook) -> None:
    seen = []

    def before(request: requests.PreparedRequest) -> None:
        request.headers["X-Trace"] = "1"

    def after(response: requests.Response, **_: Any) -> None:
        seen.append(response.request.headers.get("X-Trace"))

    with requests.Session() as session:
        session.hooks = {"pre_request": before, "response": after}
        three_legged.request_token(provider.request_token_url, hook, session=session)
    assert seen == ["1"]


def test_the_session_can_be_used_on(provider: Sandbox, hook: OAuthHook) -> None:
    with requests.Session() as session:
        for _ in range(3):
            three_legged.request_token(provider.request_token_url, hook, session=session)
        pools = session.get_adapter("http://").poolmanager.pools
        (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 (it is no mapping)
        assert pool.num_connections == 1


# The provider says no


def test_a_wrong_consumer_secret(provider: Sandbox, header_auth: bool) -> None:
    hook = OAuthHook(None, None, provider.consumer_key, "hush-wrong", header_auth)
    with pytest.raises(TokenRequestDenied, match="401 Unauthorized; oauth_problem: ") as caught:
        three_legged.request_token(provider.request_token_url, hook)
    assert caught.value.problem["oauth_problem"] == "signature_invalid"
    assert caught.value.response is not None
    assert caught.value.response.status_code == 401


def test_a_wrong_pin(provider: Sandbox, hook: OAuthHook) -> None:
    token = three_legged.request_token(provider.request_token_url, hook)
    provider.authorize(token.key)
    with pytest.raises(TokenRequestDenied, match="refuses the access token: 401") as caught:
        three_legged.access_token(provider.access_token_url, hook, token, "1")
    assert "verifier" in caught.value.problem["oauth_problem_advice"]


def test_an_authorization_that_is_not_there_yet(provider: Sandbox, hook: OAuthHook) -> None:
    token = three_legged.request_token(provider.request_token_url, hook)
    with pytest.raises(TokenRequestDenied):
        three_legged.access_token(provider.access_token_url, hook, token, "12345678")
