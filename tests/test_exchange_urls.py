"""The two URLs of the exchange, where the user is sent and comes back; and what the calls give."""

from __future__ import annotations

import copy
import enum
import pickle
from typing import Any

import pytest

from oauth_hook import (
    AuthorizationDenied,
    InvalidCallback,
    OAuthHook,
    Token,
    UnsignableRequest,
    three_legged,
)

# The authorization URL


@pytest.mark.parametrize(
    ("url", "params", "expected"),
    [
        ("https://p.example/a", None, "https://p.example/a?oauth_token=t%26%20k"),
        ("https://p.example/a?", None, "https://p.example/a?oauth_token=t%26%20k"),
        ("https://p.example/a?b=%2f+c", None, "https://p.example/a?b=%2f+c&oauth_token=t%26%20k"),
        ("https://p.example/a?b&", None, "https://p.example/a?b&oauth_token=t%26%20k"),
        ("https://p.example/a?b#c?d", None, "https://p.example/a?b&oauth_token=t%26%20k#c?d"),
        (
            "https://p.example/a",
            {"perms": "read&write", "näme": "ü"},
            "https://p.example/a?perms=read%26write&n%C3%A4me=%C3%BC&oauth_token=t%26%20k",
        ),
    ],
)
def test_the_authorization_url(url: str, params: dict[str, str] | None, expected: str) -> None:
    assert three_legged.authorization_url(url, Token("t& k", ""), params) == expected


def test_parameters_may_be_pairs_numbers_and_none() -> None:
    class Perms(str, enum.Enum):
        READ = "read"

    pairs: Any = [("perms", Perms.READ), ("days", 30), ("hours", 1.5), ("name", None)]
    url = three_legged.authorization_url("https://p.example/", ("t", "s"), pairs)
    assert url == "https://p.example/?perms=read&days=30&hours=1.5&oauth_token=t"


@pytest.mark.parametrize("params", ["abc", 5, [5], {"a": ["\ud800"]}, {"a": b"b"}, {5: "a"}])
def test_parameters_that_are_none_are_refused(params: Any) -> None:
    with pytest.raises(UnsignableRequest, match="params must be a dict of str"):
        three_legged.authorization_url("https://p.example/", ("t", "s"), params)


# The callback URL

TOKEN = three_legged.RequestToken("the token", "hush-secret", {"login_url": "hush-url"})


@pytest.mark.parametrize(
    "url",
    [
        "https://client.example/ready?a=b&oauth_token=the%20token&oauth_verifier=v%26w",
        "http://127.0.0.1:8000/?oauth_verifier=v%26w&oauth_token=the+token#_=_",
        "/ready?oauth_token=the+token&oauth_verifier=v%26w",
        "?oauth_token=the+token&oauth_verifier=v%26w&oauth_token=the+token",
        "/ready?tag=a&tag=b&oauth_token=the+token&oauth_verifier=v%26w",  # the client's own
    ],
)
def test_the_verifier_is_read_from_the_callback_url(url: str) -> None:
    assert three_legged.verifier(url, TOKEN) == "v&w"


@pytest.mark.parametrize(
    "query",
    [
        "denied=the+token",
        "denied=the+token&oauth_problem=permission_denied",
        "oauth_token=the+token&denied=true",
        "oauth_problem=permission_denied&oauth_token=the+token",
        "oauth_problem=permission_denied",
        "oauth_problem=user_refused&oauth_token=the+token",
        "oauth_token=the+token&oauth_verifier=v&denied=",
        "oauth_token=the+token&oauth_verifier=denied",  # by Jira
    ],
)
def test_a_user_who_denied_is_an_exception_of_its_own(query: str) -> None:
    with pytest.raises(AuthorizationDenied, match="did not allow"):
        three_legged.verifier(f"https://client.example/?{query}", TOKEN)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "no oauth_verifier"),
        ("oauth_token=the+token", "no oauth_verifier"),
        ("oauth_token=the+token&oauth_verifier=", "no oauth_verifier"),
        ("oauth_token=the+token&oauth_verifier=+", "no oauth_verifier"),
        ("oauth_verifier=v", "no oauth_token"),
        ("oauth_token=other&oauth_verifier=hush-v", "another request token"),
        ("oauth_token=the+token+&oauth_verifier=hush-v", "another request token"),
        ("oauth_token=&oauth_verifier=hush-v", "another request token"),
        ("denied=other", "another request token"),
        ("oauth_token=other&denied=the+token", "another request token"),
        ("oauth_token=the+token&oauth_verifier=a&oauth_verifier=b", "a parameter twice"),
        ("oauth_token=other&oauth_token=the+token&oauth_verifier=a", "a parameter twice"),
        (
            "oauth_token=the+token&oauth_problem=token_expired",
            "reports a problem to the callback URL: token_expired",
        ),
        ("oauth_token=the+token&oauth_problem=%1b%5b2J", r"URL: \[2J$"),
    ],
)
def test_a_callback_url_that_is_no_answer_is_refused(query: str, says: str) -> None:
    with pytest.raises(InvalidCallback, match=says):
        three_legged.verifier(f"https://client.example/?{query}", TOKEN)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("denied=the+token", "permission_denied"),
        ("oauth_problem=user_refused", "user_refused"),
        ("oauth_problem=token_expired", "token_expired"),
        ("oauth_problem=" + "x" * 501, "x" * 500 + "..."),
        ("oauth_token=the+token&oauth_verifier=denied", "permission_denied"),
    ],
)
def test_the_problem_that_came_to_the_callback_url_is_told(query: str, problem: str) -> None:
    with pytest.raises((AuthorizationDenied, InvalidCallback)) as caught:
        three_legged.verifier(f"/ready?{query}", TOKEN)
    assert caught.value.problem == {"oauth_problem": problem}


@pytest.mark.parametrize(
    "query", ["oauth_token=the+token", "oauth_token=the+token&oauth_verifier="]
)
def test_a_verifier_that_is_not_there_is_none_where_it_need_not_be(query: str) -> None:
    assert three_legged.verifier(f"/ready?{query}", TOKEN, require_verifier=False) is None


@pytest.mark.parametrize("before", ["https://client.example/?", "/ready?a=b&", "?", ""])
@pytest.mark.parametrize("after", ["", "&next=/x?y", "#top"])
def test_a_callback_url_may_be_given_whole_or_from_its_path_on_or_by_its_query(
    before: str, after: str
) -> None:
    for query in (
        "oauth_token=the+token&oauth_verifier=v/w?",
        "oauth_verifier=v/w?&oauth_token=the+token",
    ):
        assert three_legged.verifier(f"{before}{query}{after}", TOKEN) == "v/w?"


@pytest.mark.parametrize(
    "before",
    ["a/b=1&", "a/b&", "a:b=1&", "a:1&", "app:cb?", "app:cb;k=v?", "cb?", " https://a/cb;x=1?"],
)
def test_what_stands_before_the_query_may_be_odd(before: str) -> None:
    query = "oauth_token=the+token&oauth_verifier=v"
    assert three_legged.verifier(before + query, TOKEN) == "v"


@pytest.mark.parametrize(
    "url", ["http://[x/cb?oauth_verifier=hush", "http://x\u2100/cb?a=b", None, b"http://x/?a=b"]
)
def test_a_callback_url_that_can_not_be_read_is_refused(url: Any) -> None:
    with pytest.raises(InvalidCallback, match="not a valid URL"):
        three_legged.verifier(url, TOKEN)


# What is given


def test_a_request_token_says_what_else_came_and_hides_its_secret() -> None:
    assert TOKEN.fields == {"login_url": "hush-url"}
    assert repr(TOKEN) == "RequestToken(key='the token', secret=***)"


@pytest.mark.parametrize("copied", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_request_token_can_be_copied_and_kept(copied: Any) -> None:
    assert copied(TOKEN) == TOKEN
    assert copied(TOKEN).fields == TOKEN.fields


def test_a_request_token_made_of_key_and_secret_has_no_fields() -> None:
    assert three_legged.RequestToken("key", "hush-secret").fields == {}


def test_an_access_token_s_repr_names_the_fields_only() -> None:
    hook = OAuthHook("token", "hush-secret", "key", "hush-secret")
    access = three_legged.AccessToken(hook, {"oauth_session_handle": "hush-handle"})
    assert repr(access).endswith("fields of oauth_session_handle)")
    assert "hush" not in repr(access)
