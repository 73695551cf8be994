"""A provider that refuses a token: by its status, and by OAuth Problem Reporting."""

from __future__ import annotations

import pickle
import socket
from typing import Any
from urllib.parse import quote, unquote

import pytest
import requests
from misbehaving import Behaviour, form, misbehaving, sends

from oauth_hook import (
    ExchangeError,
    OAuthHook,
    Token,
    TokenRequestDenied,
    TokenRequestFailed,
    problem_reporting,
    three_legged,
)

GOOD = "oauth_token=t&oauth_token_secret=hush-s&oauth_callback_confirmed=true"
CONSUMER_SECRET = "hush-consumer/sec+ret"
TOKEN = Token("r", "hush-token-secret")
VERIFIER = "hush-v/w"


@pytest.fixture
def hook(header_auth: bool) -> OAuthHook:
    return OAuthHook(None, None, "key", CONSUMER_SECRET, header_auth)


def refused(hook: OAuthHook, behaviour: Behaviour) -> ExchangeError:
    with misbehaving(behaviour) as server, pytest.raises(ExchangeError) as caught:
        three_legged.request_token(server.url, hook)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        ("400 Bad Request", TokenRequestDenied, "refuses the request token: 400 Bad Request"),
        ("401 Whatever", TokenRequestDenied, "refuses the request token: 401 Unauthorized"),
        ("499 Own", TokenRequestDenied, "refuses the request token: 499"),
        ("500 Oops", TokenRequestFailed, "failed on the request for the request token: 500 Int"),
        ("503 Busy", TokenRequestFailed, "503 Service Unavailable"),
        ("304 Not Modified", TokenRequestFailed, "304 Not Modified"),
        ("199 Own", TokenRequestFailed, "failed on the request for the request token: 199"),
        ("300 Whatever", TokenRequestFailed, "300 Multiple Choices"),
        ("399 Own", TokenRequestFailed, "failed on the request for the request token: 399"),
    ],
)
def test_another_status_than_success(
    hook: OAuthHook, status: str, kind: type[ExchangeError], says: str
) -> None:
    error = refused(hook, sends(form("" if status[0] in "13" else GOOD, status)))
    assert type(error) is kind
    assert says in str(error)
    assert error.response is not None
    assert error.response.status_code == int(status[:3])


@pytest.mark.parametrize(("status", "says"), [("499 Own", "499"), ("401 No", "401 Unauthorized")])
def test_a_refusal_without_a_reason_is_told_by_its_status_alone(
    hook: OAuthHook, status: str, says: str
) -> None:
    error = refused(hook, sends(form("no", status)))
    assert str(error) == f"the provider refuses the request token: {says}"


PROBLEM = {
    "oauth_problem": "timestamp_refused",
    "oauth_problem_advice": "Set your clock, please.",
    "oauth_acceptable_timestamps": "1-2",
    "oauth_acceptable_versions": "1.0-1.0",
    "oauth_parameters_absent": "oauth_nonce&oauth_token",
    "oauth_parameters_rejected": "a&b",
}
AS_FORM = "&".join(f"{name}={quote(value, safe='')}" for name, value in PROBLEM.items())
AS_CHALLENGE = ", ".join(f'{name}="{quote(value)}"' for name, value in PROBLEM.items())


@pytest.mark.parametrize(
    "answer",
    [
        form(AS_FORM, "401 Unauthorized"),
        form(AS_FORM),
        form(f"{AS_FORM}&\n\nand for people: a&b", "400 Bad Request"),
        form("no", "401 No", f'WWW-Authenticate: OAuth realm="r", {AS_CHALLENGE}\r\n'),
        form("<p>no", "401 No", f'WWW-Authenticate: Basic realm="r", OAuth {AS_CHALLENGE}\r\n'),
        form("no", "401 No", f"WWW-Authenticate: OAuth {AS_CHALLENGE}\r\n".replace('"', "")),
        form("no", "401 No", f"WWW-Authenticate: OAuth {AS_CHALLENGE}\r\n".replace("=", " = ")),
        form(
            "oauth_problem=timestamp_refused", "401", f"WWW-Authenticate: OAuth {AS_CHALLENGE}\r\n"
        ),
        form(AS_FORM, "500 Oops"),
        form(AS_FORM.replace("&", ","), "401 Unauthorized"),
    ],
)
def test_a_reported_problem_stands_in_the_message(hook: OAuthHook, answer: bytes) -> None:
    error = refused(hook, sends(answer))
    assert type(error) is TokenRequestDenied
    assert error.problem == PROBLEM
    for name, value in PROBLEM.items():
        assert f"{name}: {value}" in str(error)


def test_the_body_wins_where_it_and_the_challenge_differ(hook: OAuthHook) -> None:
    challenge = (
        'WWW-Authenticate: OAuth oauth_problem="token_used", oauth_problem_advice="wait"\r\n'
    )
    error = refused(hook, sends(form("oauth_problem=token_expired", "401 No", challenge)))
    assert error.problem == {"oauth_problem": "token_expired", "oauth_problem_advice": "wait"}


def test_no_secret_is_shown_in_plain_words() -> None:
    hook = OAuthHook("t", "hush-ts/1", "k", "hush-cs+2")
    told = "hush-cs+2 or hush-ts/1 is wrong, and so is hush-v"
    with misbehaving(sends(form(told, "401 No"))) as server:
        response = requests.get(server.url, {"oauth_verifier": "hush-v"}, auth=hook)
    assert (
        problem_reporting.plain_words(response, ["hush-cs+2", "hush-ts/1"])
        == "*** or *** is wrong, and so is ***"
    )


def test_an_advice_alone_does_not_make_a_failure_a_refusal(hook: OAuthHook) -> None:
    error = refused(hook, sends(form("oauth_problem_advice=wait", "500 Oops")))
    assert type(error) is TokenRequestFailed
    assert "oauth_problem_advice: wait" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        "<html><h1>HTTP Status 401 - oauth_problem=timestamp_refused</h1>",  # as E*TRADE does
        '{"messages":{"error":[{"code":401,"message":"oauth_problem=timestamp_refused"}]}}',
        '[{"message":"oauth_problem=timestamp_refused"}]',
    ],
)
def test_a_problem_in_a_page_or_in_json_stands_in_the_message(hook: OAuthHook, body: str) -> None:
    error = refused(hook, sends(form(body, "401 Unauthorized")))
    assert error.problem == {"oauth_problem": "timestamp_refused"}
    assert str(error).endswith("401 Unauthorized; oauth_problem: timestamp_refused")


@pytest.mark.parametrize(
    "word",
    [
        "additional_authorization_required",
        "consumer_key_refused",
        "consumer_key_rejected",
        "consumer_key_unknown",
        "nonce_used",
        "parameter_absent",
        "parameter_rejected",
        "permission_denied",
        "permission_unknown",
        "signature_invalid",
        "signature_method_rejected",
        "timestamp_refused",
        "token_expired",
        "token_rejected",
        "token_revoked",
        "token_used",
        "user_refused",
        "version_rejected",
    ],
)
def test_each_word_of_the_extension_is_taken_from_a_page(word: str) -> None:
    hook = OAuthHook(None, None, "key", CONSUMER_SECRET)
    error = refused(hook, sends(form(f"\n <p>oauth_problem={word}</p>", "400 No")))
    assert error.problem == {"oauth_problem": word}


def test_a_page_that_comes_with_a_redirect_s_status_is_not_looked_into(hook: OAuthHook) -> None:
    error = refused(hook, sends(form("<p>oauth_problem=token_used", "399 Own")))
    assert error.problem == {}


def test_a_report_that_is_not_utf_8_is_read_all_the_same(hook: OAuthHook) -> None:
    error = refused(hook, sends(form(b"oauth_problem=token_used&a=\xff", "401 No")))
    assert error.problem == {"oauth_problem": "token_used"}


def test_a_problem_of_blanks_is_none(hook: OAuthHook) -> None:
    assert refused(hook, sends(form("oauth_problem=+%0a", "401 No"))).problem == {}


@pytest.mark.parametrize("value", ["hush_consumer", "timestamp_refused2", "1-2", ""])
def test_what_is_not_the_extension_s_word_is_not_taken_from_a_page(
    hook: OAuthHook, value: str
) -> None:
    assert refused(hook, sends(form(f"<p>oauth_problem={value}", "401 No"))).problem == {}


def test_a_page_that_tells_of_problems_is_no_refusal(hook: OAuthHook) -> None:
    error = refused(hook, sends(form("<p>oauth_problem=timestamp_refused means ...")))
    assert type(error) is TokenRequestFailed
    assert error.problem == {}


# A session whose hook calls raise_for_status()


def raises_for_status(response: requests.Response, **_: Any) -> None:
    response.raise_for_status()


def refused_where_it_is_raised(
    hook: OAuthHook, *behaviours: Behaviour, by: Any = raises_for_status
) -> ExchangeError:
    with misbehaving(*behaviours) as server, requests.Session() as session:
        session.hooks["response"] = [by]
        with pytest.raises(ExchangeError) as caught:
            three_legged.request_token(server.url, hook, session=session)
    assert caught.value.__context__ is None, "a message of Requests' own shows the signature"
    return caught.value


@pytest.mark.parametrize("status", ["400 Bad Request", "401 No", "500 Oops"])
@pytest.mark.parametrize("body", [AS_FORM, "no"])
def test_a_session_that_raises_for_status_loses_nothing(
    hook: OAuthHook, status: str, body: str
) -> None:
    plain = refused(hook, sends(form(body, status)))
    error = refused_where_it_is_raised(hook, sends(form(body, status)))
    assert (type(error), str(error), error.problem) == (type(plain), str(plain), plain.problem)
    assert error.response is not None
    assert error.response.content == body.encode()


def test_what_is_repeated_of_a_redirect_is_masked_where_it_is_raised(hook: OAuthHook) -> None:
    nonces = []

    def redirects(connection: socket.socket) -> None:
        connection.sendall(form("", "302 Found", "Location: /token\r\n"))

    def repeats(connection: socket.socket) -> None:
        with_nonce = (request.split(b"oauth_nonce=")[1] for request in server.requests)
        nonces.extend(after.lstrip(b'"')[:30].decode() for after in with_nonce)
        connection.sendall(form(f"oauth_problem_advice=not+{'+'.join(nonces)}", "401 No"))

    with misbehaving(redirects, repeats) as server, requests.Session() as session:
        session.hooks["response"] = [raises_for_status]
        with pytest.raises(TokenRequestDenied) as caught:
            three_legged.request_token(server.url, hook, session=session)
    assert len({*nonces}) == 2
    assert caught.value.problem == {"oauth_problem_advice": "not *** ***"}


def test_a_hook_that_refuses_what_came_is_heeded(hook: OAuthHook) -> None:
    def raises(response: requests.Response, **_: Any) -> None:
        raise requests.exceptions.HTTPError("not like this", response=response)

    error = refused_where_it_is_raised(hook, sends(form(GOOD)), by=raises)
    assert type(error) is TokenRequestFailed
    assert error.response is not None
    assert error.response.content == GOOD.encode()


def test_a_hook_s_own_request_that_fails_is_not_the_provider_s_answer(hook: OAuthHook) -> None:
    def asks_another(response: requests.Response, **_: Any) -> None:
        with misbehaving(sends(form(AS_FORM, "401 No"))) as other:
            requests.get(other.url, timeout=10).raise_for_status()

    error = refused_where_it_is_raised(hook, sends(form(GOOD)), by=asks_another)
    assert type(error) is TokenRequestFailed
    assert error.response is None
    assert error.problem == {}


# What must not be shown


def test_what_a_provider_repeats_of_our_secrets_is_masked(hook: OAuthHook) -> None:
    def repeats(connection: socket.socket) -> None:
        request = server.requests[-1].decode()
        sent = request.replace('"', "").replace(",", "&").replace(" ", "&")
        told = [part for part in sent.split("&") if "signature=" in part or "nonce=" in part]
        raw = unquote(told[-1].partition("=")[2])  # a signature with a "+", say
        verifier = quote(VERIFIER, safe="")
        advice = (
            f"not {CONSUMER_SECRET} {TOKEN.secret} {verifier} {verifier.lower()} {' '.join(told)}"
        )
        advice = f"oauth_problem_advice={quote(advice)}+{CONSUMER_SECRET}+{raw}"
        connection.sendall(form(f"oauth_problem=x&{advice}", "401 No"))

    with misbehaving(repeats) as server, pytest.raises(TokenRequestDenied) as caught:
        three_legged.access_token(server.url, hook, TOKEN, VERIFIER)
    advice = caught.value.problem["oauth_problem_advice"]
    assert advice.startswith("not *** *** *** *** oauth_")
    assert advice.endswith(" *** ***")
    assert "oauth_signature=***" in advice
    assert "oauth_nonce=***" in advice


def test_what_a_redirect_only_calls_a_nonce_is_not_masked(hook: OAuthHook) -> None:
    query = "a=,oauth_nonce=one&b=x?oauth_nonce=two&oauth_nonce=three"
    location = form("", "302 Found", f"Location: /token?{query}\r\n")
    answer = form("oauth_problem=x&oauth_problem_advice=one+two+three", "401 No")
    with (
        misbehaving(sends(location), sends(answer)) as server,
        pytest.raises(TokenRequestDenied) as caught,
    ):
        three_legged.request_token(server.url, hook)
    assert caught.value.problem["oauth_problem_advice"] == "one two three"


def test_a_quotation_within_a_challenge_is_read_whole(hook: OAuthHook) -> None:
    challenge = r'WWW-Authenticate: OAuth oauth_problem_advice="say \"hi\" to us", realm="r"'

    error = refused(hook, sends(form("no", "401 No", f"{challenge}\r\n")))

    assert error.problem == {"oauth_problem_advice": 'say "hi" to us'}


def test_a_problem_can_not_steer_the_terminal_nor_fill_it(hook: OAuthHook) -> None:
    advice = quote("\x1b[2Jone\r\n two" + "x" * 10_000)
    error = refused(hook, sends(form(f"oauth_problem_advice={advice}", "401 No")))
    assert error.problem["oauth_problem_advice"].startswith("[2Jone two")
    assert str(error).isprintable()
    assert len(str(error)) < 700


@pytest.mark.parametrize(("length", "kept"), [(500, "x" * 500), (501, "x" * 500 + "...")])
def test_of_a_long_field_500_characters_are_kept(hook: OAuthHook, length: int, kept: str) -> None:
    error = refused(hook, sends(form(f"oauth_problem_advice={'x' * length}", "401 No")))
    assert error.problem == {"oauth_problem_advice": kept}


@pytest.mark.parametrize(
    ("secret", "told"), [("s3cret7", "a-s3cret7s-***"), ("s3cret88", "a-***s-***")]
)
def test_a_secret_of_up_to_7_characters_is_masked_as_a_word_only(secret: str, told: str) -> None:
    hook = OAuthHook(None, None, "key", secret)
    error = refused(hook, sends(form(f"oauth_problem_advice=a-{secret}s-{secret}", "401 No")))
    assert error.problem == {"oauth_problem_advice": told}


def test_a_secret_that_was_encoded_twice_is_masked(hook: OAuthHook) -> None:
    thrice = quote(quote(quote(CONSUMER_SECRET, safe=""), safe=""), safe="")
    error = refused(hook, sends(form(f"oauth_problem_advice=not+{thrice}", "401 No")))
    assert error.problem == {"oauth_problem_advice": "not ***"}


def test_of_a_secret_that_begins_with_another_nothing_is_left(hook: OAuthHook) -> None:
    longer = f"{TOKEN.secret}-and-more"
    answer = form(f"oauth_problem_advice=not+{longer}", "401 No")
    with misbehaving(sends(answer)) as server, pytest.raises(TokenRequestDenied) as caught:
        three_legged.access_token(server.url, hook, TOKEN, longer)
    assert caught.value.problem == {"oauth_problem_advice": "not ***"}


def test_the_response_stays_behind_when_an_exception_is_pickled(hook: OAuthHook) -> None:
    error = refused(hook, sends(form(AS_FORM, "401 No")))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.problem) == (type(error), str(error), PROBLEM)
    assert copy.response is None
