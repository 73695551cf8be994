"""OAuthHook as an object: its credentials, its defaults, its errors, and its silence on secrets."""

from __future__ import annotations

import logging
import pickle
import time
import types
from typing import Any
from unittest.mock import ANY

import pytest
import requests

import oauth_hook
from oauth_hook import (
    Consumer,
    CredentialError,
    CredentialTypeError,
    InvalidURL,
    OAuthError,
    OAuthHook,
    Token,
    UnsignableRequest,
    message,
    three_legged,
)

URL = "http://api.example.com/x"


def signed(hook: OAuthHook, method: str = "GET", url: str = URL, **given: Any) -> str:
    """The Authorization header that the hook gives a request."""
    hook.header_auth = True
    request = requests.Request(method, url, auth=hook, **given).prepare()
    return str(request.headers["Authorization"])


# What it is made of


def test_the_five_parameters_keep_their_order_and_names() -> None:
    hook = OAuthHook("token", "token secret", "key", "secret", True)

    assert (hook.token, hook.consumer, hook.header_auth) == (
        Token("token", "token secret"),
        Consumer("key", "secret"),
        True,
    )


def test_credentials_may_be_utf_8_bytes() -> None:
    hook = OAuthHook(b"t\xc3\xa9", b"ts", b"k", b"s")

    assert (hook.token, hook.consumer) == (Token("t\u00e9", "ts"), Consumer("k", "s"))


def test_credentials_of_a_class_of_one_s_own_are_kept_as_plain_str() -> None:
    class Masked(str):
        __slots__ = ()

    token = Token(Masked("t"), Masked("ts"))

    assert (type(token.key), type(token.secret)) == (str, str)


def test_there_is_no_token_without_one() -> None:
    assert OAuthHook(consumer_key="k", consumer_secret="s").token is None


def test_an_empty_token_is_a_token() -> None:
    """Two-legged OAuth, as some providers want it: oauth_token is sent, and empty."""
    assert 'oauth_token=""' in signed(OAuthHook("", "", "k", "s"))


def test_an_empty_consumer_secret_is_legal() -> None:
    assert OAuthHook(consumer_key="k", consumer_secret="").consumer == Consumer("k", "")


class _Configured(OAuthHook):
    consumer_key = "class key"
    consumer_secret = "class secret"
    header_auth = True


@pytest.mark.parametrize(
    ("given", "consumer", "header_auth"),
    [
        ({}, Consumer("class key", "class secret"), True),
        ({"consumer_key": "own"}, Consumer("own", "class secret"), True),
        ({"consumer_secret": "own"}, Consumer("class key", "own"), True),
        ({"consumer_secret": ""}, Consumer("class key", ""), True),
        ({"header_auth": False}, Consumer("class key", "class secret"), False),
    ],
    ids=["none given", "key", "secret", "empty secret", "header_auth"],
)
def test_each_default_of_the_class_is_taken_on_its_own(
    given: dict[str, Any], consumer: Consumer, header_auth: bool
) -> None:
    hook = _Configured(**given)

    assert (hook.consumer, hook.header_auth) == (consumer, header_auth)


FLAGS = ["header_auth", "oauth_version", "body_hash", "form_auth", "plaintext_over_http"]


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ["False", "http://app.example/callback", "", b""])
def test_a_text_is_no_flag(name: str, value: Any) -> None:
    given: dict[str, Any] = {name: value}
    of_the_class = type("Own", (OAuthHook,), given)
    says = f"^{name} must be True or False, not {type(value).__name__}$"
    with pytest.raises(CredentialError, match=says):
        OAuthHook("t", "ts", "k", "cs", **given)
    with pytest.raises(CredentialError, match=says):
        of_the_class("t", "ts", "k", "cs")


@pytest.mark.parametrize("name", FLAGS)
def test_what_else_counts_as_true_or_false_is_a_flag(name: str) -> None:
    given: dict[str, Any] = {name: 1}
    none = type("Own", (OAuthHook,), {name: None})("t", "ts", "k", "cs")
    assert (getattr(OAuthHook("t", "ts", "k", "cs", **given), name), getattr(none, name)) == (
        1,
        None,
    )


def test_a_hook_of_the_wrong_event_is_told_the_right_one() -> None:
    hook = OAuthHook("t", "ts", "k", "cs")
    response = requests.Response()
    response.request = requests.Request("GET", URL).prepare()
    with pytest.raises(UnsignableRequest, match=r"register it as hooks=\{'pre_request': hook\}"):
        requests.hooks.dispatch_hook("response", {"response": [hook]}, response)


def test_header_auth_can_be_a_property_of_what_is_set_later() -> None:
    class Own(OAuthHook):
        @property
        def header_auth(self) -> bool:  # type: ignore[override]
            return self.in_header

        def __init__(self) -> None:
            super().__init__("t", "ts", "k", "cs")
            self.in_header = True

    prepared = requests.Request("GET", URL, auth=Own()).prepare()
    assert "oauth_token" in prepared.headers["Authorization"]


def test_header_auth_is_set_to_true_or_false() -> None:
    hook: Any = OAuthHook("t", "ts", "k", "cs", True)
    with pytest.raises(CredentialError, match=r"^header_auth must be True or False, not str$"):
        hook.header_auth = "query"
    assert hook.header_auth is True


def test_header_auth_is_false_by_default() -> None:
    assert OAuthHook(consumer_key="k", consumer_secret="s").header_auth is False


@pytest.mark.parametrize(
    "token",
    [Token("new", "x"), ("new", "x"), ["new", "x"], types.SimpleNamespace(key="new", secret="x")],
    ids=["Token", "pair", "list", "anything with key and secret"],
)
def test_a_new_token_takes_effect_from_the_next_request_on(token: Any) -> None:
    hook = OAuthHook("old", "x", "k", "s")
    hook.token = token

    assert 'oauth_token="new"' in signed(hook)


def test_a_token_can_be_taken_away() -> None:
    hook = OAuthHook("old", "x", "k", "s")
    hook.token = None

    assert "oauth_token" not in signed(hook)


def test_a_new_consumer_takes_effect_from_the_next_request_on() -> None:
    hook = OAuthHook("t", "x", "k", "s")
    hook.consumer = ("new", "s")

    assert 'oauth_consumer_key="new"' in signed(hook)
    assert 'oauth_token="t"' in signed(hook)


@pytest.mark.parametrize("name", ["key", "secret"])
def test_key_and_secret_can_not_be_set_apart(name: str) -> None:
    token = OAuthHook("t", "x", "k", "s").token

    with pytest.raises(AttributeError, match=r"replace both, hook\.token = key, secret"):
        setattr(token, name, "y")

    assert token == Token("t", "x")


def test_what_else_a_token_holds_can_not_be_set_at_all() -> None:
    token = three_legged.RequestToken("t", "x")

    with pytest.raises(AttributeError, match=r"^RequestToken\.fields can't be set$"):
        token.fields = {}
    with pytest.raises(AttributeError, match=r"replace both, hook\.token = key, secret$"):
        token.key = "y"


@pytest.mark.parametrize("name", ["key", "secret"])
def test_key_and_secret_can_not_be_deleted(name: str) -> None:
    token = Token("t", "x")

    with pytest.raises(AttributeError, match=rf"Token\.{name} can't be deleted"):
        delattr(token, name)

    assert token == Token("t", "x")


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("consumer_key", "consumer"),
        ("consumer_secret", "consumer"),
        ("access_token", "token"),
        ("access_token_secret", "token"),
    ],
)
def test_a_hooks_credentials_can_not_be_changed_by_halves(name: str, instead: str) -> None:
    hook = OAuthHook("t", "ts", "k", "cs")

    with pytest.raises(AttributeError, match=rf"{name} .* set hook\.{instead}"):
        setattr(hook, name, "other")


@pytest.mark.parametrize("name", ["consumer", "token"])
def test_what_is_neither_credentials_nor_a_pair_is_refused_by_its_type(name: str) -> None:
    hook = OAuthHook("t", "ts", "k", "cs")

    kind = name.capitalize()
    words = f"^{name} must be a {kind} or a pair of key and secret, not str$"
    with pytest.raises(CredentialTypeError, match=words):
        setattr(hook, name, "hush")


# Wrong use


LONE_SURROGATE = "\ud800"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, CredentialError, "^consumer_key is missing"),
        ({"consumer_secret": "s"}, CredentialError, "set OAuthHook.consumer_key first$"),
        ({"consumer_key": "k"}, CredentialError, "^consumer_secret .* OAuthHook.consumer_secret "),
        ({"consumer_key": "", "consumer_secret": "s"}, CredentialError, "consumer_key is empty"),
        ({"consumer_key": b"", "consumer_secret": "s"}, CredentialError, "consumer_key is empty"),
        ({"consumer_key": 5, "consumer_secret": "s"}, CredentialTypeError, "consumer_key .* int"),
        ({"consumer_key": "k", "consumer_secret": 5}, CredentialTypeError, "consumer_secret"),
        ({"consumer_key": "k", "consumer_secret": b"\xff"}, CredentialError, "is not UTF-8"),
        (
            {"consumer_key": LONE_SURROGATE, "consumer_secret": "s"},
            CredentialError,
            "lone surrogate",
        ),
        (
            {"access_token": "t", "consumer_key": "k", "consumer_secret": "s"},
            CredentialError,
            "^access_token_secret is missing: a token needs both its key and its secret$",
        ),
        (
            {"access_token_secret": "t", "consumer_key": "k", "consumer_secret": "s"},
            CredentialError,
            "^access_token is missing: a token needs both its key and its secret$",
        ),
        (
            {
                "access_token": object(),
                "access_token_secret": "t",
                "consumer_key": "k",
                "consumer_secret": "s",
            },
            CredentialTypeError,
            "access_token must be str or UTF-8 bytes, not object",
        ),
    ],
)
def test_a_wrong_credential_is_refused_when_the_hook_is_made(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        OAuthHook(**arguments)


@pytest.mark.parametrize("error", [CredentialTypeError, CredentialError, UnsignableRequest])
def test_every_error_is_a_requests_exception_and_a_value_error(error: type[Exception]) -> None:
    assert issubclass(error, requests.exceptions.RequestException)
    assert issubclass(error, OAuthError)
    assert issubclass(error, ValueError)


def test_a_wrong_type_is_a_type_error_too() -> None:
    assert issubclass(CredentialTypeError, TypeError)


def test_an_invalid_url_is_requests_invalid_url_too() -> None:
    assert issubclass(InvalidURL, requests.exceptions.InvalidURL)


@pytest.mark.parametrize(
    "request_",
    [
        requests.Request("GET", URL),
        requests.Response(),
        "text",
        5,
        None,
        {},
        requests.PreparedRequest(),
    ],
    ids=["Request", "Response", "str", "int", "None", "dict", "empty PreparedRequest"],
)
def test_what_is_not_a_prepared_request_is_refused(request_: Any) -> None:
    with pytest.raises(UnsignableRequest, match="prepare"):
        OAuthHook("t", "x", "k", "s")(request_)


# Silence


SECRETS = {"access_token_secret": "s3cr3t-token", "consumer_secret": "s3cr3t-consumer"}


@pytest.fixture
def hook() -> OAuthHook:
    return OAuthHook("a token", consumer_key="a key", **SECRETS)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__], ids=["r", "s", "f", "%"])
@pytest.mark.parametrize("part", ["hook", "consumer", "token"])
def test_nothing_shows_a_secret(hook: OAuthHook, show: Any, part: str) -> None:
    shown = show(hook if part == "hook" else getattr(hook, part))

    assert "s3cr3t" not in shown
    assert {"hook": "query", "consumer": "a key", "token": "a token"}[part] in shown


def test_the_log_names_the_request_and_no_credential(
    hook: OAuthHook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "oauth_hook")

    signed(hook, "POST", "http://user:pw@api.example.com/x?q=hidden#f", data={"b": "hidden"})

    assert caplog.messages == ["signed POST http://api.example.com/x in the header with HMAC-SHA1"]


# Copies


def test_a_pickle_keeps_what_the_class_that_made_it_said(monkeypatch: Any) -> None:
    monkeypatch.setattr(OAuthHook, "header_auth", True)
    monkeypatch.setattr(OAuthHook, "clock_tolerance", 300)
    pickled = pickle.dumps(OAuthHook("t", "ts", "k", "cs"))
    monkeypatch.setattr(OAuthHook, "header_auth", False)
    monkeypatch.setattr(OAuthHook, "clock_tolerance", None)

    hook = pickle.loads(pickled)
    assert (hook.header_auth, hook.clock_tolerance) == (True, 300)


def test_equal_credentials_are_equal_and_unequal_ones_not() -> None:
    assert Token("a", "b") == Token("a", "b") != Token("a", "c")
    assert Token("a", "b") == ANY  # which says itself what it equals
    assert len({Token("a", "b"), Token("a", "b"), Consumer("a", "b")}) == 2


# The package


def test_the_public_names_are_all_there() -> None:
    names = """
        AuthorizationDenied Consumer CredentialError CredentialTypeError ExchangeError
        InvalidCallback InvalidURL OAuthError OAuthHook SignatureMethodError Token
        TokenRequestDenied TokenRequestFailed TokenRequestTimeout UnreadableBody UnreadableForm
        UnsignableRequest
    """
    assert sorted(oauth_hook.__all__) == names.split()
    assert all(hasattr(oauth_hook, name) for name in oauth_hook.__all__)


# What is not as Requests prepares it


@pytest.mark.parametrize(
    ("name", "value"),
    [("hooks", None), ("hooks", []), ("headers", None), ("headers", [("a", "b")])],
)
def test_a_request_with_a_broken_part_is_refused(name: str, value: Any) -> None:
    request = requests.Request("GET", URL).prepare()
    setattr(request, name, value)
    with pytest.raises(UnsignableRequest):
        OAuthHook("t", "ts", "k", "cs")(request)


class _TakenAway(dict[str, Any]):
    """The fields of a header that another thread signs: a second look finds nothing."""

    def __contains__(self, name: object) -> bool:
        return self.get(str(name)) is not None

    def get(self, name: str, default: Any = None) -> Any:
        return self.pop(name, default)


def test_a_stale_header_that_another_thread_takes_away_meanwhile_is_no_error() -> None:
    hook = OAuthHook("t", "ts", "k", "cs")
    headers: Any = {"Authorization": 'OAuth oauth_nonce="1"'}
    request: Any = requests.Request("GET", URL, headers).prepare()
    request.headers._store = _TakenAway(request.headers._store)
    url, authorization, *_ = message.sign(request, None, hook._signer, False, 0)
    assert ("oauth_signature=" in url, authorization) == (True, "")


# The small print


def test_credentials_of_two_kinds_are_never_equal() -> None:
    assert Token("a", "b") != Consumer("a", "b")
    assert Token("a", "b") != "a"


@pytest.mark.parametrize(
    ("changes", "error", "what"),
    [
        ({"method": "G T"}, UnsignableRequest, "the request's method"),
        ({"url": "http://a b/"}, InvalidURL, "the URL can't be signed"),
        ({"headers": {"Host": "a b"}}, InvalidURL, "the URL or the Host header can't be signed"),
    ],
    ids=["method", "URL", "Host"],
)
def test_an_error_names_the_part_that_is_wrong(
    changes: dict[str, Any], error: type[Exception], what: str
) -> None:
    request = requests.Request("GET", URL).prepare()
    vars(request).update(changes)
    with pytest.raises(UnsignableRequest) as caught:
        OAuthHook("t", "ts", "k", "cs")(request)
    assert type(caught.value) is error
    assert str(caught.value).startswith(what)


def test_what_a_request_carries_is_found_where_it_stands() -> None:
    request = requests.Request(
        "POST",
        f"{URL}?oauth_a=1&x-oauth_b=2&oauth_c=3#?oauth_d=4",
        {
            "Authorization": 'OAuth realm="r",oauth_e="5",oauth_f=6 , oauth_g="7"',
            "Content-Type": "application/x-www-form-urlencoded",
        },
        data="oauth_h=8&a=1&oauth_i=9",
    ).prepare()

    assert list(message.carried(request)) == [
        [("oauth_e", "5"), ("oauth_f", "6"), ("oauth_g", "7")],
        [("oauth_a", "1"), ("oauth_c", "3")],
        [("oauth_h", "8"), ("oauth_i", "9")],
    ]


@pytest.mark.parametrize("blank", ["\t", "\n", "\r"])
@pytest.mark.parametrize("place", ["/a{}b", "/?a={}b", "/#a{}b"])
def test_a_tab_or_a_line_break_anywhere_in_the_url_is_refused(place: str, blank: str) -> None:
    request = requests.Request("GET", URL).prepare()
    request.url = f"http://api.example.com{place.format(blank)}"

    with pytest.raises(InvalidURL, match="a tab or a line break"):
        OAuthHook("t", "ts", "k", "cs")(request)


@pytest.mark.parametrize("method", ["M-SEARCH", "!#$%&'*+-.^_`|~9"])
def test_any_token_is_a_method(method: str) -> None:
    request = requests.Request(method, URL).prepare()
    assert "oauth_signature" in (OAuthHook("t", "ts", "k", "cs")(request).url or "")


def test_no_name_is_no_method() -> None:
    request = requests.Request("GET", URL).prepare()
    request.method = ""
    with pytest.raises(UnsignableRequest, match="method"):
        OAuthHook("t", "ts", "k", "cs")(request)


@pytest.mark.parametrize(
    ("authority", "named"),
    [
        ("a.example:00080", "a.example"),
        ("a.example:0008080", "a.example:8080"),
        ("a.example:000", "a.example:0"),
        ("u:0080@a.example", "a.example"),
        ("[fe80::0001]:080", "[fe80::0001]"),
        ("[fe80::0001]", "[fe80::0001]"),
        ("a%7eb.example", "a%7eb.example"),
    ],
)
def test_zeros_go_from_the_port_alone(authority: str, named: str) -> None:
    request = requests.Request("GET", URL).prepare()
    request.url = f"http://{authority}/x"
    hook = OAuthHook("t", "ts", "k", "cs")
    assert hook.explain(request).base_string_uri == f"http://{named}/x"


def test_no_long_authority_of_a_location_takes_long() -> None:
    hook = OAuthHook("t", "ts", "k", "cs")

    def seconds(number: int) -> float:
        request = requests.Request("GET", URL).prepare()
        request.url = f"http://x:{'0' * number}@api.example.com/"
        begin = time.process_time()
        hook(request)
        return time.process_time() - begin

    # 16 times as many: in quadratic time 256 times as long.
    assert seconds(32_000) < 80 * min(seconds(2_000) for _ in range(5))


def test_a_copy_with_a_broken_port_is_refused_and_never_sent_unsigned() -> None:
    hook = OAuthHook("t", "ts", "k", "cs")
    copied = hook(requests.Request("GET", URL).prepare()).copy()
    copied.url = "http://api.example.com:a/"
    with pytest.raises(InvalidURL, match="no valid host or port"):
        hook(copied)


def test_a_request_of_a_class_of_ones_own_stays_one() -> None:
    class Own(requests.PreparedRequest):
        pass

    request = Own()
    request.prepare("GET", "http://provider.example/", auth=OAuthHook("t", "ts", "k", "cs"))

    assert type(request) is Own
