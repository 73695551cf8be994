"""The same request sent more than once, over sockets: by hand, from threads, and by urllib3."""

from __future__ import annotations

import base64
import copy
import hashlib
import io
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from misbehaving import form, is_silent, misbehaving, sends
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from servers import RESET, Answer, Message, Provider, assert_each_verified, redirect
from terminal import free_port
from urllib3.util import Retry

from oauth_hook import OAuthHook, UnsignableRequest
from oauth_hook.retries import SigningAdapter

HERE = "http://provider.example"
ON_503 = Retry(3, status_forcelist=[503], backoff_factor=0, allowed_methods=None)
REQUESTS = [
    pytest.param({"method": "GET", "params": {"q": "a b"}}, id="GET"),
    pytest.param({"method": "POST", "data": [("a", "2"), ("a", "1")]}, id="form"),
    pytest.param({"method": "POST", "data": {"a": "1", "oauth_verifier": "4 7"}}, id="verifier"),
    pytest.param({"method": "POST", "data": {"oauth_callback": "oob"}}, id="form of OAuth only"),
    pytest.param({"method": "PUT", "json": {"a": 1}}, id="JSON"),
]


def alike(messages: list[Message]) -> bool:
    """Whether they are the same but for nonce, timestamp and signature."""
    changing = {"oauth_nonce", "oauth_timestamp", "oauth_signature"}

    def unchanging(message: Message) -> tuple[Any, ...]:
        oauth = {name: value for name, value in message.oauth.items() if name not in changing}
        return message.method, message.resource, message.query, message.body, oauth

    return all(unchanging(message) == unchanging(messages[0]) for message in messages)


@pytest.fixture(params=["pre_request", "auth"])
def prepared(
    request: Any, strict: Provider, header_auth: bool, arguments: dict[str, Any]
) -> requests.PreparedRequest:
    hook = OAuthHook(*strict.credentials(), header_auth)
    given = {"auth": hook} if request.param == "auth" else {"hooks": {"pre_request": hook}}
    return requests.Request(url=f"{HERE}/x", **arguments, **given).prepare()


@pytest.mark.parametrize("arguments", REQUESTS)
def test_a_prepared_request_sent_twice_is_two_messages(
    strict: Provider, session: requests.Session, prepared: requests.PreparedRequest
) -> None:
    session.send(prepared)
    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert alike(strict.messages)


@pytest.mark.parametrize("arguments", REQUESTS)
def test_a_prepared_request_sent_from_two_sessions_is_two_messages(
    strict: Provider, prepared: requests.PreparedRequest
) -> None:
    for _ in range(2):
        with requests.Session() as session:
            session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert alike(strict.messages)


@pytest.mark.parametrize("arguments", REQUESTS)
def test_sending_it_again_leaves_it_to_other_threads_as_it_is(
    session: requests.Session, prepared: requests.PreparedRequest
) -> None:
    session.send(prepared)
    before = prepared.url, dict(prepared.headers), prepared.body

    response = session.send(prepared)

    assert (prepared.url, dict(prepared.headers), prepared.body) == before
    assert response.request is not prepared


@pytest.mark.parametrize("arguments", REQUESTS)
def test_a_prepared_request_sent_from_many_threads_at_once_is_that_many_messages(
    strict: Provider, prepared: requests.PreparedRequest, eager_threads: None
) -> None:
    at_once = threading.Barrier(8)

    def send(_: int) -> None:
        with requests.Session() as session:
            at_once.wait()
            for _ in range(3):
                session.send(prepared)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, range(8)))

    assert_each_verified(strict.messages, 24)
    assert alike(strict.messages)


@pytest.mark.parametrize("arguments", REQUESTS)
@pytest.mark.parametrize(
    "duplicate",
    [
        pytest.param(lambda prepared: prepared.copy(), id="PreparedRequest.copy"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda prepared: pickle.loads(pickle.dumps(prepared)), id="pickle"),
    ],
)
@pytest.mark.parametrize("after", ["before it was sent", "after it was sent"])
def test_a_copy_of_a_prepared_request_is_a_message_of_its_own(
    strict: Provider,
    session: requests.Session,
    prepared: requests.PreparedRequest,
    duplicate: Any,
    after: str,
) -> None:
    if after == "before it was sent":
        second = duplicate(prepared)
        session.send(prepared)
    else:
        session.send(prepared)
        second = duplicate(prepared)

    session.send(second)

    assert_each_verified(strict.messages, 2)
    assert alike(strict.messages)


def test_a_seekable_file_sent_twice_is_signed_twice(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    file = io.BytesIO(b"content")
    prepared = requests.Request("PUT", f"{HERE}/x", data=file, auth=hook).prepare()

    session.send(prepared)
    file.seek(0)
    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert alike(strict.messages)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
@pytest.mark.parametrize("as_auth", [True, False], ids=["auth", "pre_request"])
@pytest.mark.parametrize("form_auth", [True, False], ids=["in the form", "taken out of the form"])
def test_a_form_that_the_hook_has_changed_is_sent_whole_each_time(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    kind: Any,
    as_auth: bool,
    form_auth: bool,
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth, form_auth=form_auth)
    given = {"auth": hook} if as_auth else {"hooks": {"pre_request": hook}}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = kind(b"a=1&b=2" if form_auth else b"a=1&oauth_callback=oob&b=2")
    prepared = requests.Request("POST", f"{HERE}/x", headers, data=body, **given).prepare()
    strict.once("/x", redirect(307, "/y"))

    response = session.send(prepared, timeout=5)
    assert "a%3D1%26b%3D2" in hook.explain(response.request).signature_base_string
    for again in (
        prepared,
        prepared.copy(),
        response.request,
        pickle.loads(pickle.dumps(prepared)),
    ):
        session.send(again, timeout=5)

    assert_each_verified(strict.messages, 6)
    for message in strict.messages:
        assert message.received.form_pairs[:2] == [("a", "1"), ("b", "2")]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, io.BytesIO])
def test_a_form_that_was_empty_has_a_length_and_no_chunks(
    strict: Provider, session: requests.Session, header_auth: bool, kind: Any
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth, form_auth=True)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    hooks: Any = {"pre_request": hook}
    prepared = requests.Request("POST", f"{HERE}/x", headers, data=kind(b""), hooks=hooks).prepare()

    session.send(prepared, timeout=5)
    session.send(prepared, timeout=5)

    assert_each_verified(strict.messages, 2)
    for message in strict.messages:
        assert message.header("Transfer-Encoding") is None
        assert message.header("Content-Length") == str(len(message.body or b""))


def test_what_was_changed_between_two_sendings_is_signed_as_it_is_now(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("POST", f"{HERE}/x", data={"a": "1"}, auth=hook).prepare()
    session.send(prepared)
    prepared.prepare_body({"b": "2"}, None)
    prepared.prepare_method("PUT")

    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert (strict.messages[1].method, strict.messages[1].body) == ("PUT", b"b=2")


def test_a_request_led_elsewhere_by_its_user_before_it_was_sent_is_signed_there(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x", auth=hook).prepare()
    prepared.url = "http://other.example/y"

    session.send(prepared)

    assert_each_verified(strict.messages, 1)


def test_a_request_that_was_sent_can_not_be_led_elsewhere_unsigned(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    session.hooks["pre_request"] = [OAuthHook(*strict.credentials(), header_auth)]
    prepared = session.prepare_request(requests.Request("GET", f"{HERE}/x"))
    session.send(prepared)
    prepared.url = "http://other.example/x"
    with pytest.raises(UnsignableRequest, match="prepare a new request"):
        session.send(prepared)
    prepared.url = f"{HERE}/x"

    session.send(prepared)

    assert_each_verified(strict.messages, 2)


def test_requests_that_were_given_one_and_the_same_mapping_of_hooks_are_strangers(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hooks = {"response": [], "pre_request": [OAuthHook(*strict.credentials(), header_auth)]}
    first = requests.Request("POST", f"{HERE}/1", data={"oauth_verifier": "4711"}).prepare()
    second = requests.Request("POST", "http://other.example/2", data={"a": "1"}).prepare()
    first.hooks = second.hooks = hooks

    session.send(first)
    session.send(second)

    assert_each_verified(strict.messages, 2)
    assert "oauth_verifier" not in strict.messages[1].oauth
    assert hooks.keys() == {"response", "pre_request"}


def test_switching_the_mode_between_two_sendings_leaves_one_set_of_parameters(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x?a=1", auth=hook).prepare()
    session.send(prepared)
    hook.header_auth = not header_auth

    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert list(strict.messages[1].received.places) == ["query" if header_auth else "header"]


def test_a_new_token_signs_what_is_sent_again(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x", auth=hook).prepare()
    session.send(prepared)
    hook.token = strict.issue_token()

    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert strict.messages[1].oauth["oauth_token"] == hook.token.key


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, requests.PreparedRequest.copy])
def test_what_was_never_sent_is_a_template_for_any_number_of_places(
    strict: Provider, session: requests.Session, header_auth: bool, duplicate: Any
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    template = requests.Request("GET", f"{HERE}/x", auth=hook).prepare()
    for host in ("one.example", "two.example"):
        prepared = duplicate(template)
        prepared.url = f"http://{host}/x"
        session.send(prepared)

    session.send(template)

    assert_each_verified(strict.messages, 3)


def test_what_was_never_sent_is_signed_where_a_pickle_of_it_is_led(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x", auth=hook).prepare()
    restored = pickle.loads(pickle.dumps(prepared))
    restored.url = "http://other.example/x"

    session.send(restored)

    assert_each_verified(strict.messages, 1)


def test_what_was_never_sent_is_signed_where_it_is_led_by_the_auth_it_is_given(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    first, other = (OAuthHook(*strict.credentials(), header_auth) for _ in "12")
    prepared = requests.Request("GET", f"{HERE}/x", auth=first).prepare()
    prepared.url = "http://other.example/x"

    prepared.prepare_auth(other)
    session.send(prepared)

    assert_each_verified(strict.messages, 1)
    assert other.token is not None
    assert strict.messages[0].oauth["oauth_token"] == other.token.key


# OAuth parameters of the user's that come later than the first signature

LATER = {"oauth_verifier": "4711"}


@pytest.mark.parametrize("sent", [False, True], ids=["never sent", "sent before"])
@pytest.mark.parametrize("place", ["form", "query"])
@pytest.mark.parametrize("answer", [redirect(307, "/y"), Answer(503)], ids=["redirect", "503"])
def test_a_verifier_that_is_added_later_is_carried_along(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    sent: bool,
    place: str,
    answer: Answer,
) -> None:
    session.mount(HERE, SigningAdapter(max_retries=ON_503))
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("POST", f"{HERE}/x", auth=hook).prepare()
    if sent:
        session.send(prepared)
        strict.messages.clear()
    if place == "form":
        prepared.prepare_body(LATER, None)
    else:
        prepared.prepare_url(f"{HERE}/x", LATER)
    strict.once("/x", answer)

    response = session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert [message.oauth["oauth_verifier"] for message in strict.messages] == ["4711"] * 2
    assert "oauth_verifier%3D4711" in hook.explain(response.request).signature_base_string


@pytest.mark.parametrize("later", [False, True], ids=["", "given later"])
def test_a_body_hash_of_the_users_own_goes_along_each_time(
    strict: Provider, session: requests.Session, header_auth: bool, later: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    digest = base64.b64encode(hashlib.sha1(b"a").digest()).decode()
    url, own = f"{HERE}/x", {"oauth_body_hash": digest}
    request = requests.Request("POST", url, data=b"a", auth=hook, params={} if later else own)
    prepared = request.prepare()
    if later:
        prepared.prepare_url(url, own)

    session.send(prepared)
    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert [message.oauth["oauth_body_hash"] for message in strict.messages] == [digest] * 2


def test_a_verifier_that_is_corrected_later_is_the_one_that_is_sent(
    strict: Provider, session: requests.Session
) -> None:
    hook = OAuthHook(*strict.credentials(), form_auth=True)
    request = requests.Request("POST", f"{HERE}/x", data={"a": "1"}, auth=hook)
    request.params = {"oauth_verifier": "1111"}
    prepared = request.prepare()
    session.send(prepared)
    prepared.prepare_url(f"{HERE}/x", {"oauth_verifier": "2222"})

    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    verifiers = [message.oauth["oauth_verifier"] for message in strict.messages]
    assert verifiers == ["1111", "2222"]


def test_a_token_that_was_taken_away_leaves_the_form_in_which_it_was_sent(
    strict: Provider, session: requests.Session
) -> None:
    hook = OAuthHook(*strict.credentials(), form_auth=True)
    hooks: Any = {"pre_request": hook}
    prepared = requests.Request("POST", f"{HERE}/x", data={"a": "1"}, hooks=hooks).prepare()
    session.send(prepared)
    hook.token = None

    session.send(prepared)

    assert ["oauth_token" in message.oauth for message in strict.messages] == [True, False]


# What urllib3 and Requests' Digest do on their own, below the event: documented in the README.


@pytest.mark.parametrize("failure", [Answer(503), RESET], ids=["503", "reset"])
def test_urllib3_retries_with_the_very_same_message_and_a_strict_provider_refuses_it(
    strict: Provider, session: requests.Session, header_auth: bool, failure: Answer
) -> None:
    strict.once("/x", failure)
    session.mount(HERE, HTTPAdapter(max_retries=ON_503))
    hook = OAuthHook(*strict.credentials(), header_auth)

    response = session.post(f"{HERE}/x", {"a": "1"}, hooks={"pre_request": hook})

    first, second = strict.messages
    assert response.status_code == 401
    assert first.problem is None
    assert (second.problem or "").startswith("nonce_used")
    assert first.raw == second.raw


def test_a_retry_dispatches_the_request_that_its_user_holds(
    strict: Provider, session: requests.Session
) -> None:
    session.mount("http://", SigningAdapter(max_retries=ON_503))
    seen = []
    strict.once("/x", Answer(503))
    hooks: Any = {"pre_request": lambda request, **_: seen.append(request)}
    prepared = session.prepare_request(requests.Request("GET", f"{HERE}/x", hooks=hooks))

    response = session.send(prepared)

    assert [request is prepared for request in seen] == [True, True]
    assert response.request is prepared


def test_a_retry_that_a_function_leads_elsewhere_is_refused_and_not_sent_unsigned(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    session.mount("http://", SigningAdapter(max_retries=ON_503))
    mirrors = iter([f"{HERE}/x", "http://other.example/x"])

    def mirror(request: requests.PreparedRequest, **_: Any) -> None:
        request.url = next(mirrors)

    strict.once("/x", Answer(503))
    hook = OAuthHook(*strict.credentials(), header_auth)

    with pytest.raises(UnsignableRequest, match="moved to another origin"):
        session.get(f"{HERE}/x", hooks={"pre_request": [mirror, hook]})

    assert len(strict.messages) == 1


def test_digest_repeats_the_message_with_its_own_header(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    challenge = 'Digest realm="r", nonce="n", qop="auth"'
    strict.once("/x", Answer(401, {"WWW-Authenticate": challenge}))
    session.auth = HTTPDigestAuth("user", "password")
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/x", hooks={"pre_request": hook})

    first, second = strict.messages
    assert first.problem is None
    assert first.received.target == second.received.target
    assert (second.header("Authorization") or "").startswith("Digest ")


@pytest.mark.parametrize("failure", [Answer(503), RESET], ids=["503", "reset"])
def test_sending_the_prepared_request_again_is_the_retry_that_is_accepted(
    strict: Provider, session: requests.Session, header_auth: bool, failure: Answer
) -> None:
    strict.once("/x", failure, failure)
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = session.prepare_request(
        requests.Request("POST", f"{HERE}/x", data={"a": "1"}, hooks={"pre_request": hook})
    )

    for _ in range(3):
        try:
            response = session.send(prepared)
        except requests.ConnectionError:
            continue
        if response.status_code != 503:
            break

    assert response.status_code == 200
    assert_each_verified(strict.messages, 3)


# And the adapter that signs each attempt anew.


@pytest.mark.parametrize("way", ["pre_request", "auth"])
@pytest.mark.parametrize("failure", [Answer(503), RESET], ids=["503", "reset"])
@pytest.mark.parametrize("body", [{"a": "1"}, b"bytes", io.BytesIO], ids=["form", "bytes", "file"])
def test_the_signing_adapter_sends_each_attempt_with_a_nonce_of_its_own(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    failure: Answer,
    body: Any,
    way: str,
) -> None:
    strict.once("/x", failure, failure)
    session.mount(HERE, SigningAdapter(max_retries=ON_503))
    hook = OAuthHook(*strict.credentials(), header_auth)
    given: dict[str, Any] = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    data = io.BytesIO(b"content") if body is io.BytesIO else body

    response = session.post(f"{HERE}/x", data, **given)

    assert response.status_code == 200
    assert_each_verified(strict.messages, 3)
    assert alike(strict.messages)


def test_retries_that_are_assigned_to_the_signing_adapter_are_signed_too(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/x", Answer(503), Answer(503))
    adapter = SigningAdapter()
    adapter.max_retries = ON_503
    adapter.max_retries.total = 9  # of what urllib3 is told
    session.mount(HERE, adapter)

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials()))

    assert response.status_code == 200
    assert_each_verified(strict.messages, 3)


@pytest.mark.parametrize("raise_on_status", [True, False])
def test_the_signing_adapter_gives_up_as_requests_does(
    strict: Provider, session: requests.Session, raise_on_status: bool
) -> None:
    strict.always("/x", Answer(503))
    retry = ON_503.new(total=2, raise_on_status=raise_on_status)
    hook = OAuthHook(*strict.credentials())

    def outcome(adapter: HTTPAdapter) -> Any:
        session.mount(HERE, adapter)
        try:
            return session.get(f"{HERE}/x", auth=hook).status_code
        except requests.RequestException as error:
            return type(error)

    assert outcome(SigningAdapter(max_retries=retry)) == outcome(HTTPAdapter(max_retries=retry))
    assert [message.problem for message in strict.messages[:3]] == [None] * 3


def test_the_signing_adapter_waits_as_a_retry_after_says_and_signs_anew(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/x", Answer(503, {"Retry-After": "0"}), Answer(429, {"Retry-After": "0"}))
    session.mount(HERE, SigningAdapter(max_retries=3))

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), header_auth))

    assert response.status_code == 200
    assert_each_verified(strict.messages, 3)


def test_the_signing_adapter_takes_a_503_without_retry_after_for_the_answer(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/x", Answer(503))
    session.mount(HERE, SigningAdapter(max_retries=3))

    assert session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials())).status_code == 503
    assert_each_verified(strict.messages, 1)


def test_the_signing_adapter_repeats_what_was_not_answered_in_time(header_auth: bool) -> None:
    hook = OAuthHook("t", "hush-ts", "k", "hush-cs", header_auth)
    with misbehaving(is_silent, sends(form("fine"))) as server, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", SigningAdapter(max_retries=1))
        response = session.get(server.url, auth=hook, timeout=0.5)

        assert response.text == "fine"
        assert len({*server.requests}) == 2


def test_the_signing_adapter_takes_its_arguments_by_position_too() -> None:
    with misbehaving(is_silent) as server:
        request = requests.Request("GET", server.url).prepare()
        adapter = SigningAdapter()
        with pytest.raises(requests.ReadTimeout):
            adapter.send(request, False, 0.2)
        adapter.close()


def test_the_signing_adapter_keeps_to_its_connection(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/x", Answer(503, {}, b"busy"), Answer(503, {}, b"busy"))
    adapter = SigningAdapter(max_retries=ON_503)
    session.mount(HERE, adapter)

    session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials()))

    pools = adapter.poolmanager.pools
    (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 (it is no mapping)
    assert pool.num_connections == 1
    assert_each_verified(strict.messages, 3)


def test_the_signing_adapter_gives_up_on_resets_with_the_error_of_the_last(
    strict: Provider, session: requests.Session
) -> None:
    strict.always("/x", RESET)
    session.mount(HERE, SigningAdapter(max_retries=2))

    with pytest.raises(requests.ConnectionError):
        session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials()))

    assert_each_verified(strict.messages, 3)


BROKEN = {
    "a broken chunk": Answer(503, {"Transfer-Encoding": "chunked"}, b"zz\r\n"),
    "no gzip": Answer(503, {"Content-Encoding": "gzip"}, b"no gzip"),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_the_signing_adapter_repeats_after_an_answer_whose_body_is_broken(
    strict: Provider, session: requests.Session, answer: Answer
) -> None:
    strict.once("/x", answer)
    session.mount("http://", SigningAdapter(max_retries=Retry(2, status_forcelist=[503])))

    response = session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True), timeout=3)

    assert response.status_code == 200
    assert_each_verified(strict.messages, 2)


def test_the_signing_adapter_refuses_a_retry_after_that_is_none_as_requests_does(
    strict: Provider, session: requests.Session
) -> None:
    strict.always("/x", Answer(503, {"Retry-After": "xyz"}))
    session.mount("http://", SigningAdapter(max_retries=Retry(2, status_forcelist=[503])))

    with pytest.raises(requests.exceptions.InvalidHeader):
        session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), True))


@pytest.mark.parametrize("failure", [Answer(503), RESET], ids=["503", "reset"])
def test_the_signing_adapter_never_sends_a_body_twice_that_it_can_not_rewind(
    strict: Provider, session: requests.Session, failure: Answer
) -> None:
    strict.always("/x", failure)
    session.mount(HERE, SigningAdapter(max_retries=ON_503))
    hook = OAuthHook(*strict.credentials())

    def outcome() -> Any:
        try:
            return session.post(f"{HERE}/x", (part for part in [b"a"]), auth=hook).status_code
        except requests.RequestException as error:
            return type(error)

    assert outcome() == (requests.ConnectionError if failure is RESET else 503)
    assert_each_verified(strict.messages, 1)


def test_the_error_of_the_last_attempt_names_the_place_and_no_secret(
    strict: Provider, session: requests.Session
) -> None:
    strict.always("/x", Answer(503))
    session.mount("http://", SigningAdapter(max_retries=ON_503.new(total=0)))

    with pytest.raises(requests.exceptions.RetryError) as caught:
        session.get(
            "http://user:hush-pw@provider.example/x?q=1",
            hooks={"pre_request": OAuthHook(*strict.credentials())},
        )

    assert caught.value.request is not None
    assert caught.value.request.method == "GET"
    text = str(caught.value)
    assert text.startswith("provider.example: Max retries exceeded with url: /x (Caused by")
    assert "hush" not in text


def test_a_post_is_not_repeated_unless_the_retry_says_so(
    strict: Provider, session: requests.Session
) -> None:
    strict.always("/x", RESET)
    session.mount(HERE, SigningAdapter(max_retries=3))

    with pytest.raises(requests.ConnectionError):
        session.post(f"{HERE}/x", {"a": "1"}, auth=OAuthHook(*strict.credentials()))

    assert_each_verified(strict.messages, 1)


def test_a_redirect_after_a_retry_is_signed_too(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/x", Answer(503), redirect(307, "/y"))
    session.mount(HERE, SigningAdapter(max_retries=ON_503))

    session.post(f"{HERE}/x", {"a": "1"}, auth=OAuthHook(*strict.credentials(), header_auth))

    assert_each_verified(strict.messages, 3)


def test_a_signing_adapter_can_be_pickled_with_its_session(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/x", Answer(503))
    session.mount("http://", SigningAdapter(max_retries=ON_503))
    session.auth = OAuthHook(*strict.credentials())

    with pickle.loads(pickle.dumps(session)) as other:
        response = other.get(f"{HERE}/x")

    assert response.status_code == 200


# The small print


@pytest.mark.parametrize("adapter", [HTTPAdapter, SigningAdapter])
def test_an_answer_that_does_not_come_in_time_is_the_same_error_as_ever(adapter: Any) -> None:
    with misbehaving(is_silent) as server, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", adapter())
        with pytest.raises(requests.ReadTimeout):
            session.get(server.url, timeout=0.2, auth=OAuthHook("t", "ts", "k", "cs"))


def test_the_signing_adapter_tells_a_failed_connection_from_a_failed_answer() -> None:
    """By urllib3's own error, of which the one that it raises is only the wrapping."""
    port = free_port()
    attempts = []
    with requests.Session() as session:
        session.trust_env = False
        session.hooks["pre_request"] = [lambda request, **_: attempts.append(request)]
        session.mount("http://", SigningAdapter(max_retries=Retry(connect=2, read=0, other=0)))
        with pytest.raises(requests.ConnectionError):
            session.get(f"http://127.0.0.1:{port}/")
    assert len(attempts) == 3


def test_a_stale_header_goes_however_its_scheme_is_written(
    strict: Provider, session: requests.Session
) -> None:
    prepared = requests.Request("GET", f"{HERE}/x", auth=OAuthHook(*strict.credentials())).prepare()
    prepared.headers["Authorization"] = 'oauth oauth_nonce="1", oauth_signature="s"'

    session.send(prepared)

    assert_each_verified(strict.messages, 1)
    assert strict.messages[0].header("Authorization") is None


def test_a_token_of_the_users_own_is_there_each_time(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(None, None, "key", "hush-secret", header_auth)
    request = requests.Request("POST", f"{HERE}/x", data={"oauth_token": "own"}, auth=hook)
    prepared = request.prepare()

    session.send(prepared)
    session.send(prepared)

    assert [message.oauth.get("oauth_token") for message in strict.messages] == ["own", "own"]
