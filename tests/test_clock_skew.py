"""A wrong clock, over sockets: learnt from the provider's refusal, the request sent once more."""

from __future__ import annotations

import gzip
import io
import logging
import pickle
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import requests
from misbehaving import form, is_silent, misbehaving, sends
from servers import Answer, Provider, redirect
from urllib3.util import Retry

from oauth_hook import (
    CredentialError,
    OAuthHook,
    TokenRequestDenied,
    clock,
    message,
    three_legged,
)
from oauth_hook import hook as hook_module
from oauth_hook.retries import SigningAdapter
from oauth_hook.sandbox import Sandbox

HERE = "http://provider.example"
WAYS = ["pre_request", "auth", "session.hooks"]


@pytest.fixture(params=[-3600, 7200], ids=["an hour behind", "two hours ahead"])
def skew(request: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Our clock is wrong by this many seconds; the provider's is right."""
    ours = SimpleNamespace(time=lambda: time.time() + request.param)
    monkeypatch.setattr(clock, "time", ours)
    monkeypatch.setattr(hook_module, "time", ours)
    monkeypatch.setattr(message, "time", ours)
    return int(request.param)


def given(way: str, session: requests.Session, hook: OAuthHook) -> dict[str, Any]:
    if way == "session.hooks":
        session.hooks["pre_request"] = [hook]
        return {}
    return {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}


def problems(strict: Provider) -> list[str | None]:
    """Of each message, why it was refused, in the provider's word."""
    return [message.problem and message.problem.partition(":")[0] for message in strict.messages]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"method": "GET", "params": {"a": "b c"}}, id="GET"),
        pytest.param({"method": "POST", "data": {"a": "1", "oauth_verifier": "x"}}, id="form"),
        pytest.param({"method": "POST", "json": {"a": 1}}, id="JSON"),
    ],
)
def test_a_refused_timestamp_teaches_the_clock_and_the_request_is_sent_once_more(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    skew: int,
    way: str,
    arguments: dict[str, Any],
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)

    response = session.request(url=f"{HERE}/x", **arguments, **given(way, session, hook))

    first, second = strict.messages
    assert problems(strict) == ["timestamp_refused", None]
    assert response.status_code == 200
    assert [earlier.status_code for earlier in response.history] == [401]
    assert (first.method, first.query, first.body) == (second.method, second.query, second.body)
    assert first.oauth.get("oauth_verifier") == second.oauth.get("oauth_verifier")
    assert first.oauth["oauth_nonce"] != second.oauth["oauth_nonce"]
    assert "timestamp_refused" in response.history[0].headers["WWW-Authenticate"]


@pytest.mark.parametrize("form_auth", [True, False], ids=["form_auth", ""])
@pytest.mark.parametrize("kind", [bytes, bytearray, io.BytesIO, dict])
def test_a_timestamp_in_a_form_teaches_the_clock_too(
    strict: Provider, session: requests.Session, skew: int, kind: Any, form_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), form_auth=form_auth)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = {"a": "b c"} if kind is dict else kind(b"a=b+c")

    response = session.post(f"{HERE}/x", body, headers=headers, auth=hook)

    assert problems(strict) == ["timestamp_refused", None]
    assert response.status_code == 200


REFUSED = "oauth_problem=timestamp_refused&oauth_acceptable_timestamps"
ACCEPTED = f"{REFUSED}={{}}-{{}}"


def refusal(status: int = 401, ahead: int = 0) -> Answer:
    """For a timestamp that is a minute away from a clock that is ``ahead`` of the true one."""
    now = int(time.time()) + ahead
    return Answer(status, {}, ACCEPTED.format(now - 60, now + 60).encode())


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{HERE}/x", f"<p>Nothing found for {REFUSED}=1-3"),  # for which a user has searched
        (f"{HERE}/x#?oauth_timestamp=5", f"{REFUSED}=1000000000-9000000000"),
    ],
    ids=["a page", "a fragment"],
)
def test_what_others_wrote_does_not_move_the_clock(
    strict: Provider, session: requests.Session, url: str, body: str
) -> None:
    strict.once("/x", Answer(401, {"Date": formatdate(time.time() + 9000)}, body.encode()))
    hook = OAuthHook(*strict.credentials())

    assert session.get(url, auth=hook).status_code == 401

    assert len(strict.messages) == 1
    assert hook._ahead == 0


def test_what_was_learnt_serves_all_later_requests(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    session.auth = OAuthHook(*strict.credentials(), header_auth)
    session.get(f"{HERE}/x")

    session.get(f"{HERE}/y")
    session.auth = pickle.loads(pickle.dumps(session.auth))
    session.get(f"{HERE}/z")

    assert problems(strict) == ["timestamp_refused", None, None, None]


@pytest.mark.parametrize("as_auth", [True, False], ids=["auth", "pre_request"])
def test_a_retry_counts_by_itself(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int, as_auth: bool
) -> None:
    session.mount("http://", SigningAdapter(max_retries=Retry(3, status_forcelist=[503])))
    hook = OAuthHook(*strict.credentials(), header_auth)
    hooks: Any = {} if as_auth else {"pre_request": hook}
    request = requests.Request("GET", f"{HERE}/a", hooks=hooks, auth=hook if as_auth else None)
    strict.once("/a", Answer(503), refusal(), redirect(302, "/b"))
    strict.always("/b", refusal(ahead=9000))

    response = session.send(request.prepare())

    paths = [message.received.path for message in strict.messages]
    assert (paths, response.status_code) == ([b"/a"] * 3 + [b"/b"] * 2, 401)


def test_what_was_sent_once_more_learns_again_when_its_user_sends_it_again(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    first = session.get(f"{HERE}/x", hooks={"pre_request": hook})
    hook._ahead = 0  # the clock has been set, say

    statuses = [session.send(first.request).status_code for _ in range(3)]

    assert statuses == [401, 200, 200]


def test_what_another_thread_has_learnt_meanwhile_stays(
    strict: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = OAuthHook(None, None, "key", "secret", True)

    def answers(connection: socket.socket) -> None:
        hook._ahead = 5000
        connection.sendall(form("oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"))

    with misbehaving(answers) as server:
        three_legged.request_token(server.url, hook)

    assert hook._ahead == 5000


def test_what_a_refused_request_for_a_token_has_taught_is_known_too(skew: int) -> None:
    with Sandbox() as provider:
        consumer = provider.consumer_key, provider.consumer_secret
        hook = OAuthHook(None, None, *consumer, True)
        token = three_legged.request_token(provider.request_token_url, hook)
        hook._ahead = 0
        with pytest.raises(TokenRequestDenied):
            three_legged.access_token(provider.access_token_url, hook, token, "wrong")

    assert hook._ahead == pytest.approx(-skew, abs=30)


def test_what_a_request_for_a_token_is_told_in_a_body_of_no_known_length_is_read(
    skew: int,
) -> None:
    now = int(time.time())
    refused = f"HTTP/1.1 401 No\r\n\r\n{ACCEPTED.format(now - 60, now + 60)}".encode()
    token = form("oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true")
    hook = OAuthHook(None, None, "key", "secret", True)

    with misbehaving(sends(refused), sends(token)) as server:
        assert three_legged.request_token(server.url, hook).key == "t"

    assert hook._ahead == pytest.approx(-skew, abs=30)


def test_what_a_request_for_a_token_has_taught_serves_the_rest_of_the_exchange(skew: int) -> None:
    with Sandbox() as provider:
        consumer = provider.consumer_key, provider.consumer_secret
        hook = OAuthHook(None, None, *consumer, True)
        token = three_legged.request_token(provider.request_token_url, hook)
        learnt = [hook._ahead]
        pin = provider.authorize(token.key)
        hook._ahead = 0
        user_hook, _ = three_legged.access_token(provider.access_token_url, hook, token, pin)

    learnt += [hook._ahead, user_hook._ahead]
    assert learnt == pytest.approx([-skew] * 3, abs=30)


@pytest.mark.parametrize(
    ("headers", "cookies", "sent"),
    [
        pytest.param({}, None, [None, "node=2"], id="none"),
        pytest.param({}, {"a": "1"}, ["a=1", "a=1; node=2"], id="in the jar"),
        pytest.param({"Cookie": "b=1"}, None, ["b=1", "b=1"], id="a header of the user's own"),
    ],
)
def test_a_cookie_that_the_refusal_sets_is_sent_the_second_time(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    skew: int,
    headers: dict[str, str],
    cookies: dict[str, str] | None,
    sent: list[str | None],
) -> None:
    refusal = {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"', "Date": formatdate()}
    strict.once("/x", Answer(401, {**refusal, "Set-Cookie": "node=2"}))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/x", auth=hook, headers=headers, cookies=cookies)

    assert [message.header("Cookie") for message in strict.messages] == sent
    assert session.cookies.get_dict()["node"] == "2"


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
def test_a_file_is_rewound_and_sent_once_more(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int, stream: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    file = io.BytesIO(b"skipped" + b"content" * 1000)
    file.seek(7)

    session.put(f"{HERE}/x", file, auth=hook, stream=stream)

    assert problems(strict) == ["timestamp_refused", None]
    assert [message.body for message in strict.messages] == [b"content" * 1000] * 2


def test_a_body_that_can_not_be_rewound_is_never_sent_again_but_the_clock_is_right_then(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    session.auth = OAuthHook(*strict.credentials(), header_auth)

    response = session.post(f"{HERE}/x", (block for block in [b"a", b"b"]))

    assert response.status_code == 401
    assert problems(strict) == ["timestamp_refused"]
    session.post(f"{HERE}/x", (block for block in [b"a", b"b"]))
    assert problems(strict) == ["timestamp_refused", None]


@pytest.mark.parametrize("way", WAYS)
def test_a_request_is_sent_once_more_and_no_more(
    strict: Provider, session: requests.Session, header_auth: bool, way: str
) -> None:
    refusal = 'OAuth oauth_problem="timestamp_refused", oauth_acceptable_timestamps="1-2"'
    strict.always("/x", Answer(401, {"WWW-Authenticate": refusal}))
    hook = OAuthHook(*strict.credentials(), header_auth)

    response = session.get(f"{HERE}/x", **given(way, session, hook))

    assert response.status_code == 401
    assert len(strict.messages) == 2


def test_a_redirect_after_it_is_signed_by_the_same_clock(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    strict.once("/old", redirect(302, "/new"))

    response = session.get(f"{HERE}/old", hooks={"pre_request": hook})

    assert problems(strict) == ["timestamp_refused", "timestamp_refused", None]
    assert response.status_code == 200


@pytest.mark.parametrize("location", ["/2", "https://provider.example/2"], ids=["", "https"])
def test_a_request_is_sent_once_more_for_all_its_redirects(
    strict: Provider, session: requests.Session, skew: int, location: str
) -> None:
    strict.once("/1", refusal(), redirect(307, location))
    strict.always("/2", refusal(ahead=9060))
    hook = OAuthHook(*strict.credentials(), True)

    session.get(f"{HERE}/1", auth=hook)

    assert [message.received.path for message in strict.messages] == [b"/1", b"/1", b"/2"]


@pytest.mark.parametrize("odd", ["0-0", "0-1"])
def test_a_range_without_a_positive_time_teaches_nothing(
    strict: Provider, session: requests.Session, odd: str
) -> None:
    report = f"oauth_problem=timestamp_refused&oauth_acceptable_timestamps={odd}"
    strict.once("/x", Answer(401, {}, report.encode()))
    hook = OAuthHook(*strict.credentials(), True)

    session.get(f"{HERE}/x", auth=hook)

    assert len(strict.messages) == 1


def test_the_users_own_response_hooks_see_the_accepted_response_only(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    seen: list[int] = []

    def see(response: requests.Response, **_: Any) -> None:
        response.raise_for_status()
        seen.append(response.status_code)

    session.get(f"{HERE}/x", hooks={"pre_request": hook, "response": see})
    session.get(f"{HERE}/x", hooks={"response": [see, see]}, auth=hook)

    assert seen == [200, 200, 200]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_report_in_the_body_counts_as_well(
    strict: Provider, session: requests.Session, skew: int, status: int
) -> None:
    now = int(time.time())
    report = ACCEPTED.format(now - 60, now + 60).encode()
    strict.once("/x", Answer(status, {}, report))
    hook = OAuthHook(*strict.credentials(), True)

    response = session.get(f"{HERE}/x", auth=hook, stream=True)

    assert response.status_code == 200
    assert response.history[0].content == report


@pytest.mark.parametrize("status", [400, 401, 403])
def test_the_date_tells_the_time_where_the_report_names_no_range(
    strict: Provider, session: requests.Session, skew: int, status: int
) -> None:
    headers = {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"', "Date": formatdate()}
    strict.once("/x", Answer(status, headers))
    hook = OAuthHook(*strict.credentials(), True)

    response = session.get(f"{HERE}/x", auth=hook)

    assert response.status_code == 200


# Two hours ahead would be within it.
@pytest.mark.parametrize("skew", [-3600], indirect=True, ids=["an hour behind"])
def test_a_one_sided_range_is_read_with_the_date(
    strict: Provider, session: requests.Session, skew: int
) -> None:
    now = int(time.time())
    report = ACCEPTED.format(now - 60, 9999999999)
    strict.once("/x", Answer(401, {"Date": formatdate()}, report.encode()))
    hook = OAuthHook(*strict.credentials(), True)

    response = session.get(f"{HERE}/x", auth=hook)

    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Date": formatdate()},
        {"Date": formatdate(), "WWW-Authenticate": 'OAuth oauth_problem="nonce_used"'},
        {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"'},
        {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"', "Date": "yesterday"},
        {
            "WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"',
            "Date": "Mon, 1 Jan 99999999999 00:00:00 GMT",
        },
        {"WWW-Authenticate": "OAuth oauth_problem=timestamp_refused, oauth_acceptable_timestamps"},
    ],
    ids=["Date", "another problem", "no time", "no date", "no year", "no range"],
)
def test_anything_less_is_an_answer_like_any_other(
    strict: Provider, session: requests.Session, skew: int, headers: dict[str, str]
) -> None:
    strict.once("/x", Answer(401, headers))
    hook = OAuthHook(*strict.credentials(), True)

    response = session.get(f"{HERE}/x", auth=hook)

    assert response.status_code == 401
    assert len(strict.messages) == 1


def test_a_timestamp_that_is_in_the_range_was_refused_for_something_else(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/x", refusal())
    hook = OAuthHook(*strict.credentials(), True)

    session.get(f"{HERE}/x", auth=hook)

    assert len(strict.messages) == 1


@pytest.mark.parametrize(("tolerance", "times"), [(60, 2), (10_000, 1)])
def test_the_date_of_a_401_counts_for_those_who_ask_for_it(
    strict: Provider, session: requests.Session, skew: int, tolerance: int, times: int
) -> None:
    strict.once("/x", Answer(401, {"Date": formatdate()}))
    hook = OAuthHook(*strict.credentials(), True, clock_tolerance=tolerance)

    response = session.get(f"{HERE}/x", auth=hook)

    assert len(strict.messages) == times
    assert response.status_code == (200 if times == 2 else 401)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (400, {"Date": formatdate()}),
        (403, {"Date": formatdate()}),
        (401, {"Date": formatdate(), "WWW-Authenticate": "OAuth oauth_problem=nonce_used"}),
        (401, {}),
    ],
    ids=["400", "403", "another problem", "no date"],
)
def test_the_date_of_anything_else_counts_for_nobody(
    strict: Provider, session: requests.Session, skew: int, status: int, headers: dict[str, str]
) -> None:
    strict.once("/x", Answer(status, headers))
    hook = OAuthHook(*strict.credentials(), True, clock_tolerance=60)

    response = session.get(f"{HERE}/x", auth=hook)

    assert response.status_code == status
    assert len(strict.messages) == 1


def test_another_origin_can_not_set_the_clock(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    refusal = f"OAuth oauth_problem=timestamp_refused, oauth_acceptable_timestamps={quote('1-2')}"
    strict.once("/old", redirect(302, "http://other.example/new"))
    strict.once("/new", Answer(401, {"WWW-Authenticate": refusal}))
    hook = OAuthHook(*strict.credentials(), header_auth)
    session.get(f"{HERE}/old", auth=hook)

    session.get(f"{HERE}/x", auth=hook)

    assert len(strict.messages) == 3
    assert strict.messages[2].problem is None


@pytest.mark.parametrize("way", ["/#oauth_timestamp=123", "/?x-oauth_timestamp=5"])
def test_another_origin_can_not_set_the_clock_by_its_url(
    strict: Provider, session: requests.Session, way: str
) -> None:
    report = ACCEPTED.format(1900000000, 1900000600).encode()
    strict.once("/old", redirect(302, f"http://other.example{way}"))
    strict.once("/", Answer(401, {}, report))
    hook = OAuthHook(*strict.credentials(), True)
    session.get(f"{HERE}/old", auth=hook)

    session.get(f"{HERE}/x", auth=hook)

    assert strict.messages[-1].problem is None


@pytest.mark.parametrize("tolerance", ["300", -1, 1.5, True])
def test_a_tolerance_that_is_not_in_seconds_is_refused_where_it_is_given(tolerance: Any) -> None:
    class Ours(OAuthHook):
        clock_tolerance = tolerance

    hook = OAuthHook("t", "ts", "k", "cs")

    with pytest.raises(CredentialError, match="clock_tolerance"):
        OAuthHook("t", "ts", "k", "cs", clock_tolerance=tolerance)
    with pytest.raises(CredentialError, match="clock_tolerance"):
        Ours("t", "ts", "k", "cs")
    with pytest.raises(CredentialError, match="clock_tolerance"):
        hook.clock_tolerance = tolerance


# The small print


@pytest.mark.parametrize("acceptable", ["{}-9999999999", "1-{}"])
def test_a_timestamp_at_the_edge_of_the_range_is_in_it(
    strict: Provider, session: requests.Session, monkeypatch: pytest.MonkeyPatch, acceptable: str
) -> None:
    now = int(time.time())
    monkeypatch.setattr(message, "time", SimpleNamespace(time=lambda: now))
    report = f"{REFUSED}={acceptable.format(now)}"
    strict.once("/x", Answer(401, {}, report.encode()))

    session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))

    assert len(strict.messages) == 1


@pytest.mark.parametrize(("tolerance", "times"), [(60, 1), (59, 2), (0, 2)])
def test_a_date_that_differs_by_the_tolerance_is_within_it(
    strict: Provider,
    session: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
    tolerance: int,
    times: int,
) -> None:
    now = int(time.time())
    monkeypatch.setattr(message, "time", SimpleNamespace(time=lambda: now - 60))
    strict.once("/x", Answer(401, {"Date": formatdate(now)}))
    hook = OAuthHook(*strict.credentials(), True, clock_tolerance=tolerance)

    session.get(f"{HERE}/x", auth=hook)

    assert len(strict.messages) == times


@pytest.mark.parametrize("as_auth", [True, False], ids=["auth", "pre_request"])
def test_of_one_prepared_request_in_several_threads_each_sending_is_sent_once_more(
    strict: Provider, skew: int, header_auth: bool, as_auth: bool
) -> None:
    count = 6
    all_signed = threading.Barrier(count)
    waited = set()

    def wait(request: requests.PreparedRequest, **_: Any) -> None:
        if threading.get_ident() not in waited:
            waited.add(threading.get_ident())
            all_signed.wait(30)

    hook = OAuthHook(*strict.credentials(), header_auth)
    hooks = [wait] if as_auth else [hook, wait]
    request = requests.Request("GET", f"{HERE}/x", hooks={"pre_request": hooks})
    request.auth = hook if as_auth else None
    prepared = request.prepare()

    def send(_: int) -> int:
        with requests.Session() as session:
            session.trust_env = False
            return session.send(prepared).status_code

    with ThreadPoolExecutor(count) as threads:
        statuses = list(threads.map(send, range(count)))

    assert statuses == [200] * count
    assert sorted(map(str, problems(strict))) == ["None"] * count + ["timestamp_refused"] * count


def test_a_copy_of_a_request_that_was_sent_once_more_teaches_the_clock_all_the_same(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x", auth=hook).prepare()
    session.send(prepared)
    hook._ahead = 0  # as if our clock had been set anew

    statuses = [session.send(prepared.copy()).status_code for _ in range(2)]

    assert statuses == [401, 200]


@pytest.mark.parametrize("zone", ["EST5", "IST-5:30"])
@pytest.mark.parametrize(
    "form",
    ["%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S -0000"],
    ids=["IMF-fixdate", "asctime", "-0000"],
)
def test_a_date_is_utc_in_whichever_form_and_wherever_we_are(
    strict: Provider,
    session: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
    zone: str,
    skew: int,
) -> None:
    date = time.strftime(form, time.gmtime())
    problem = 'OAuth oauth_problem="timestamp_refused"'
    strict.once("/x", Answer(401, {"WWW-Authenticate": problem, "Date": date}))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials()))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert response.status_code == 200
    assert problems(strict)[-1] is None


@pytest.mark.parametrize("date", [0, -1])
def test_a_date_that_is_no_timestamp_teaches_nothing(
    strict: Provider, session: requests.Session, date: int
) -> None:
    headers = {
        "WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"',
        "Date": formatdate(date),
    }
    strict.once("/x", Answer(401, headers))

    session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))

    assert len(strict.messages) == 1


def test_a_date_of_the_year_9999_does_not_stop_the_hook_from_learning_the_right_one(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    headers = {
        "WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"',
        "Date": "Fri, 31 Dec 9999 23:59:59 GMT",
    }
    strict.once("/x", Answer(401, headers), Answer(401))
    hook = OAuthHook(*strict.credentials(), header_auth)

    statuses = [session.get(f"{HERE}/x", auth=hook).status_code for _ in range(3)]

    assert statuses == [401, 200, 200]


@pytest.mark.parametrize("digits", [12, 400])
def test_a_range_beyond_all_time_does_not_stop_the_hook_from_learning_the_right_one(
    strict: Provider, session: requests.Session, header_auth: bool, digits: int
) -> None:
    headers = {
        "WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused", '
        f'oauth_acceptable_timestamps="{"8" * digits}-{"9" * digits}"',
    }
    strict.once("/x", Answer(401, headers), Answer(401))
    hook = OAuthHook(*strict.credentials(), header_auth)

    statuses = [session.get(f"{HERE}/x", auth=hook).status_code for _ in range(3)]

    assert statuses == [401, 401, 200]


def test_a_refusal_of_what_went_out_unsigned_teaches_nothing(
    strict: Provider, session: requests.Session
) -> None:
    def take_it_out(request: requests.PreparedRequest, **_: Any) -> None:
        del request.headers["Authorization"]

    hook = OAuthHook(*strict.credentials(), True, clock_tolerance=300)
    strict.once("/x", Answer(401, {"Date": formatdate(time.time() + 9000)}))

    session.get(f"{HERE}/x", hooks={"pre_request": [hook, take_it_out]})

    assert len(strict.messages) == 1
    assert hook._ahead == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_prepared_request_that_its_user_sends_again_is_sent_once_more_again(
    strict: Provider, session: requests.Session, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    given_ = given(way, session, hook)
    prepared = session.prepare_request(requests.Request("GET", f"{HERE}/x", **given_))
    problem = 'OAuth oauth_problem="timestamp_refused"'

    for skew in (7200, -7200):
        date = formatdate(time.time() + skew)
        refusal = Answer(401, {"WWW-Authenticate": problem, "Date": date})
        strict.once("/x", refusal, Answer(200))
        assert session.send(prepared).status_code == 200

    assert len(strict.messages) == 4


@pytest.mark.parametrize(("stream", "times"), [(False, 2), (True, 1)])
def test_a_long_report_is_read_unless_the_user_is_to_read_it(
    strict: Provider, session: requests.Session, skew: int, stream: bool, times: int
) -> None:
    now = int(time.time())
    report = ACCEPTED.format(now - 60, now + 60) + "&oauth_problem_advice=" + "x" * (1 << 16)
    strict.once("/x", Answer(401, {}, report.encode()))
    hook = OAuthHook(*strict.credentials(), True)

    response = session.get(f"{HERE}/x", auth=hook, stream=stream)

    assert len(strict.messages) == times
    assert response.history or response.content == report.encode()


def test_a_refusal_whose_body_is_broken_counts_by_its_header(
    strict: Provider, session: requests.Session, skew: int
) -> None:
    headers = {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"', "Date": formatdate()}
    strict.once("/x", Answer(401, {**headers, "Content-Encoding": "gzip"}, b"no gzip"))

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))

    assert response.status_code == 200


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
def test_a_refusal_whose_body_is_cut_short_counts_by_its_header(
    stream: bool, skew: int, header_auth: bool
) -> None:
    problem = 'WWW-Authenticate: OAuth oauth_problem="timestamp_refused"\r\n'
    cut = form("no" * 50, "401 No", f"{problem}Date: {formatdate()}\r\n")[:-50]
    hook = OAuthHook("t", "hush-ts", "k", "hush-cs", header_auth)
    with misbehaving(sends(cut), sends(form("fine"))) as server, requests.Session() as session:
        session.trust_env = False
        response = session.get(server.url, auth=hook, stream=stream)

        assert response.text == "fine"


def test_the_response_names_the_request_that_it_answers(
    strict: Provider, session: requests.Session, skew: int, header_auth: bool
) -> None:
    """With an adapter that sends it once more in its turn, too."""
    retry = Retry(3, status_forcelist=[503], backoff_factor=0)
    session.mount(HERE, SigningAdapter(max_retries=retry))
    strict.once("/x", refusal(), Answer(503))
    hook = OAuthHook(*strict.credentials(), header_auth)

    response = session.get(f"{HERE}/x", auth=hook)

    assert (response.status_code, len(strict.messages)) == (200, 3)
    last = strict.messages[2].oauth["oauth_nonce"]
    assert last in str(response.request.headers) + str(response.request.url)


@pytest.mark.parametrize("status", [404, 429, 500])
def test_another_status_teaches_nothing(
    strict: Provider, session: requests.Session, skew: int, status: int
) -> None:
    strict.once("/x", refusal(status))

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials()))

    assert (response.status_code, len(strict.messages)) == (status, 1)


BROKEN = {
    "a broken chunk": ({"Transfer-Encoding": "chunked"}, requests.exceptions.ChunkedEncodingError),
    "no gzip": ({"Content-Encoding": "gzip"}, requests.exceptions.ContentDecodingError),
}


@pytest.mark.parametrize(("headers", "error"), BROKEN.values(), ids=BROKEN)
def test_an_answer_whose_body_is_broken_is_the_error_that_it_is_unsigned(
    strict: Provider, session: requests.Session, headers: dict[str, str], error: type[Exception]
) -> None:
    for auth in (None, OAuthHook(*strict.credentials(), True)):
        strict.once("/x", Answer(401, headers, b"zz\r\n"))
        with pytest.raises(error):
            session.get(f"{HERE}/x", auth=auth)


def test_a_stream_whose_body_is_broken_is_left_to_its_reader(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/x", Answer(401, {"Content-Encoding": "gzip"}, b"no gzip"))

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True), stream=True)

    assert response.status_code == 401
    with pytest.raises(requests.exceptions.ContentDecodingError):
        _ = response.content


def test_a_stream_that_is_cut_short_and_teaches_nothing_is_left_to_its_reader() -> None:
    cut = form("no" * 50, "401 No")[:-50]
    with misbehaving(sends(cut)) as server, requests.Session() as session:
        session.trust_env = False
        response = session.get(server.url, auth=OAuthHook("t", "ts", "k", "cs"), stream=True)

        assert response.status_code == 401
        response.close()


def test_a_compressed_body_that_the_user_streams_is_not_unpacked(
    strict: Provider, session: requests.Session
) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    strict.once("/x", Answer(401, {"Content-Encoding": "gzip"}, bomb))

    with session.get(
        f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True), stream=True
    ) as response:
        assert response.raw.tell() == 0


def test_what_was_learnt_is_logged(
    strict: Provider, session: requests.Session, skew: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "oauth_hook")

    session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))

    ours = [record.getMessage() for record in caplog.records if record.name == "oauth_hook"]
    (told,) = (line for line in ours if "clock" in line)
    difference = re.fullmatch("the provider's clock is ([+-][0-9]+) seconds from ours", told)
    assert difference
    assert abs(int(difference[1]) + skew) < 60


def test_a_date_that_is_our_time_teaches_nothing(
    strict: Provider, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    monkeypatch.setattr(message, "time", SimpleNamespace(time=lambda: now))
    problem = 'OAuth oauth_problem="timestamp_refused"'
    strict.once("/x", Answer(401, {"WWW-Authenticate": problem, "Date": formatdate(now)}))

    session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))

    assert len(strict.messages) == 1


def test_a_date_outside_of_the_range_is_not_believed(
    strict: Provider, session: requests.Session, skew: int
) -> None:
    now = int(time.time())
    report = ACCEPTED.format(now - 60, now + 60).encode()
    strict.once("/x", Answer(401, {"Date": formatdate(now + 9000)}, report))

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))

    assert response.status_code == 200


REFUSAL = {"WWW-Authenticate": 'OAuth oauth_problem="timestamp_refused"'}


@pytest.mark.parametrize("length", ["", "Content-Length: 99999999\r\n", "Content-Length: x\r\n"])
def test_a_stream_that_is_refused_is_not_read_to_its_end(
    header_auth: bool, skew: int, length: str
) -> None:
    def refuses(connection: socket.socket) -> None:
        fields = "".join(f"{name}: {value}\r\n" for name, value in REFUSAL.items())
        head = f"HTTP/1.1 401 No\r\n{fields}Date: {formatdate()}\r\n{length}\r\n"
        connection.sendall(head.encode() + b"more to come")
        is_silent(connection)

    hook = OAuthHook("t", "hush-ts", "k", "hush-cs", header_auth)
    with misbehaving(refuses, sends(form("fine"))) as server, requests.Session() as session:
        session.trust_env = False
        response = session.get(server.url, auth=hook, stream=True, timeout=2)

        assert response.status_code == 200
        assert response.history[0].raw.closed


def test_a_stream_in_chunks_is_not_read_whatever_length_it_announces(
    header_auth: bool, skew: int
) -> None:
    blocks = [b"10000\r\n" + b"x" * 65536 + b"\r\n"] * 500
    head = "".join(f"{name}: {value}\r\n" for name, value in REFUSAL.items())
    head += f"Date: {formatdate()}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"

    def refuses(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 401 No\r\n" + head.encode())
        while blocks:
            connection.sendall(blocks.pop())

    hook = OAuthHook("t", "hush-ts", "k", "hush-cs", header_auth)
    with misbehaving(refuses, sends(form("fine"))) as server, requests.Session() as session:
        session.trust_env = False
        response = session.get(server.url, auth=hook, stream=True, timeout=2)

        assert response.status_code == 200
        assert blocks


def test_the_second_time_waits_no_longer_than_the_first(header_auth: bool, skew: int) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in REFUSAL.items())
    refusal = form("", "401 No", f"{head}Date: {formatdate()}\r\n")
    hook = OAuthHook("t", "hush-ts", "k", "hush-cs", header_auth)
    with misbehaving(sends(refusal), is_silent) as server, requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.ReadTimeout):
            session.get(server.url, auth=hook, timeout=0.5)

        assert len(server.requests) == 2


@pytest.mark.parametrize("connection", [None, object()], ids=["nothing", "no adapter"])
def test_what_an_adapter_of_its_own_answered_is_not_sent_once_more(
    header_auth: bool, skew: int, connection: object
) -> None:
    answered = []

    class Refuses(requests.adapters.BaseAdapter):
        def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
            response = requests.Response()
            response.status_code = 401
            response.headers.update({**REFUSAL, "Date": formatdate()})
            response.raw = io.BytesIO()
            response.request, response.url = request, request.url or ""
            if connection is not None:
                response.connection = connection  # type: ignore[attr-defined]
            answered.append(response)
            return response

        def close(self) -> None:
            pass

    with requests.Session() as session:
        session.mount("http://", Refuses())
        hook = OAuthHook("t", "hush-ts", "k", "hush-cs", header_auth)
        response = session.get(f"{HERE}/x", auth=hook)

    assert response.status_code == 401
    assert len(answered) == 1


def test_a_request_that_was_put_together_by_hand_is_sent_once_more_without_cookies(
    strict: Provider, session: requests.Session, header_auth: bool, skew: int
) -> None:
    request = requests.PreparedRequest()
    request.prepare_method("GET")
    request.prepare_url(f"{HERE}/x", None)
    request.prepare_headers({})
    request.prepare_hooks({"pre_request": [OAuthHook(*strict.credentials(), header_auth)]})

    session.send(request)

    assert problems(strict) == ["timestamp_refused", None]
    assert [message.header("Cookie") for message in strict.messages] == [None, None]


def test_what_was_learnt_is_explained_too(
    strict: Provider, session: requests.Session, skew: int
) -> None:
    hook = OAuthHook(*strict.credentials())
    session.get(f"{HERE}/x", auth=hook)

    explanation = hook.explain(requests.Request("GET", f"{HERE}/x").prepare())

    parameters = {name: value for _, name, value in explanation.parameters}
    assert abs(int(parameters["oauth_timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("skew", [-3600], indirect=True, ids=["an hour behind"])
@pytest.mark.parametrize("acceptable", ["{}-9999999999", "1-{}"])
def test_a_date_at_the_edge_of_the_range_is_in_it(
    strict: Provider, session: requests.Session, skew: int, acceptable: str
) -> None:
    date = int(time.time()) - (7000 if acceptable.startswith("1-") else 0)
    report = f"{REFUSED}={acceptable.format(date)}".encode()
    strict.once("/x", Answer(401, {"Date": formatdate(date)}, report))
    hook = OAuthHook(*strict.credentials(), True)

    session.get(f"{HERE}/x", auth=hook)

    assert abs(hook._ahead - (date - time.time() - skew)) < 5


class _KeepsEverything(requests.Session):
    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        pass


def test_another_origin_can_not_set_the_clock_by_a_header_that_is_kept(strict: Provider) -> None:
    report = ACCEPTED.format(1900000000, 1900000600).encode()
    strict.once("/old", redirect(302, "http://other.example/new"))
    strict.once("/new", Answer(401, {}, report))
    hook = OAuthHook(*strict.credentials())

    with _KeepsEverything() as session:
        session.trust_env = False
        headers = {"Authorization": 'Other oauth_timestamp="5"'}
        session.get(f"{HERE}/old", headers=headers, auth=hook)

    assert hook._ahead == 0
