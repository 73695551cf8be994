"""Several hooks and one request, over sockets: whose signature goes out, and where."""

from __future__ import annotations

import _thread
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from servers import Answer, Provider, assert_each_verified, redirect
from urllib3.util import Retry

from oauth_hook import OAuthHook, UnsignableRequest
from oauth_hook.retries import SigningAdapter

HERE = "http://provider.example"


def key(hook: OAuthHook) -> str:
    """Of its token, by which it is known."""
    assert hook.token is not None
    return hook.token.key


def signed_by(provider: Provider) -> list[str]:
    """The token of each message."""
    return [message.oauth["oauth_token"] for message in provider.messages]


# Auth after auth


@pytest.mark.parametrize("sent", [False, True], ids=["never sent", "sent before"])
@pytest.mark.parametrize("way", ["auth", "pre_request", "session.auth", "nothing"])
def test_the_auth_that_is_given_last_signs(
    strict: Provider, session: requests.Session, header_auth: bool, sent: bool, way: str
) -> None:
    """As with Requests' own: a loop over the accounts, with one prepared request."""
    first = OAuthHook(*strict.credentials(), header_auth)
    request = requests.Request("POST", f"{HERE}/x", data={"a": "1"})
    if way == "session.auth":
        session.auth = first
    elif way == "auth":
        request.auth = first
    elif way == "pre_request":
        session.hooks["pre_request"] = [first]
    prepared = session.prepare_request(request)
    if sent:
        session.send(prepared)
        strict.messages.clear()
    given = [OAuthHook(*strict.credentials(), header_auth) for _ in range(3)]
    for hook in given:
        prepared.prepare_auth(hook)
        session.send(prepared)
        session.send(prepared)

    assert_each_verified(strict.messages, 6)
    assert signed_by(strict) == [key(hook) for hook in given for _ in "12"]


@pytest.mark.parametrize("way", ["auth", "pre_request", "function", "bound method"])
def test_the_auth_that_is_given_last_signs_though_others_were_there_before(
    strict: Provider, session: requests.Session, header_auth: bool, way: str
) -> None:
    first, *others = (OAuthHook(*strict.credentials(), header_auth) for _ in range(3))
    if way == "auth":
        session.auth = first
    else:
        signs: Any = {
            "pre_request": first,
            "function": lambda request, **_: first(request),
            "bound method": first.__call__,
        }[way]
        session.hooks["pre_request"] = [signs]
    prepared = session.prepare_request(requests.Request("POST", f"{HERE}/x", data={"a": "1"}))
    given = [*others, first, others[0], others[0], first]

    for hook in given:
        prepared.prepare_auth(hook)
        session.send(prepared)

    assert_each_verified(strict.messages, len(given))
    assert signed_by(strict) == [key(hook) for hook in given]


@pytest.mark.parametrize("hook_is", ["session.auth", "session.hooks"])
def test_one_request_of_a_session_can_go_unsigned(
    strict: Provider, session: requests.Session, header_auth: bool, hook_is: str
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    unsigned: dict[str, Any]
    if hook_is == "session.auth":
        session.auth, unsigned = hook, {"auth": lambda request: request}
    else:
        session.hooks["pre_request"] = [hook]
        unsigned = {"hooks": {"pre_request": lambda request: None}}

    session.get(f"{HERE}/x", **unsigned)
    session.get(f"{HERE}/x")

    assert [len(message.oauth) > 0 for message in strict.messages] == [False, True]


@pytest.mark.parametrize("event", ["request", "session"])
def test_a_session_s_auth_signs_whatever_the_hooks_of_the_event_are(
    strict: Provider, session: requests.Session, header_auth: bool, event: str
) -> None:
    auth, other = (OAuthHook(*strict.credentials(), header_auth) for _ in "12")
    session.auth = auth
    hooks: Any = {"pre_request": other} if event == "request" else None
    if event == "session":
        session.hooks["pre_request"] = [other]

    session.get(f"{HERE}/x", hooks=hooks)

    assert_each_verified(strict.messages, 1)
    assert signed_by(strict) == [key(auth)]


def test_an_auth_that_can_not_sign_leaves_the_request_as_it_was(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    first = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x", auth=first).prepare()
    with pytest.raises(UnsignableRequest, match="is not https"):
        prepared.prepare_auth(OAuthHook("t", "ts", "k", "cs", signature_method="PLAINTEXT"))

    session.send(prepared)

    assert_each_verified(strict.messages, 1)


def test_a_copy_with_another_auth_leaves_the_first_to_its_own(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    first, other = (OAuthHook(*strict.credentials(), header_auth) for _ in "12")
    prepared = requests.Request("GET", f"{HERE}/x", auth=first).prepare()
    duplicate = prepared.copy()
    duplicate.prepare_auth(other)

    session.send(duplicate)
    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert signed_by(strict) == [key(other), key(first)]


def test_a_body_hash_of_the_hook_before_does_not_go_along(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hashing = OAuthHook(*strict.credentials(), header_auth, body_hash=True)
    prepared = requests.Request("POST", f"{HERE}/x", data=b"a", auth=hashing).prepare()
    session.send(prepared)
    prepared.prepare_body(b"b", None)
    prepared.prepare_auth(OAuthHook(*strict.credentials(), header_auth))

    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert ["oauth_body_hash" in message.oauth for message in strict.messages] == [True, False]


def test_the_clock_that_is_learnt_is_that_of_the_hook_that_signs(
    strict: Provider, session: requests.Session
) -> None:
    now = int(time.time()) + 9000
    report = f"oauth_problem=timestamp_refused&oauth_acceptable_timestamps={now - 9}-{now + 9}"
    strict.once("/x", Answer(401, {}, report.encode()))
    first, other = (OAuthHook(*strict.credentials()) for _ in "12")
    prepared = requests.Request("GET", f"{HERE}/x", auth=first).prepare()
    prepared.prepare_auth(other)

    session.send(prepared)

    then = [int(message.oauth["oauth_timestamp"]) for message in strict.messages]
    assert then[1] - then[0] > 8000
    prepared.prepare_auth(first)
    session.send(prepared)
    assert_each_verified(strict.messages[2:], 1)


def noted(request: Any, **_: Any) -> None:
    """A hook of the user's that has nothing to do with OAuth."""


@pytest.mark.parametrize("form_auth", [False, True], ids=["", "form_auth"])
def test_an_auth_given_to_a_request_with_other_hooks_signs_all_its_messages(
    strict: Provider, session: requests.Session, header_auth: bool, form_auth: bool
) -> None:
    session.hooks["pre_request"] = [noted]
    hook = OAuthHook(*strict.credentials(), header_auth, form_auth=form_auth)
    prepared = session.prepare_request(requests.Request("POST", f"{HERE}/x", data={"a": "1"}))
    prepared.prepare_auth(hook)
    session.send(prepared)
    strict.once("/x", redirect(307, "/y"))
    strict.once("/y", redirect(307, "http://other.example/z"))

    session.send(prepared)

    *here, elsewhere = strict.messages
    assert_each_verified(here, 3)
    assert not elsewhere.oauth
    assert b"oauth_" not in elsewhere.raw


# Functions of the user's that call a hook


def test_a_function_of_the_users_that_signs_signs_each_message(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    session.hooks["pre_request"] = [lambda request, **_: hook(request)]
    prepared = session.prepare_request(
        requests.Request("POST", f"{HERE}/x", data={"oauth_verifier": "4711"})
    )
    session.send(prepared)
    strict.once("/x", redirect(307, "/y"))
    strict.once("/y", redirect(307, "http://other.example/z"))
    strict.once("/z", redirect(307, f"{HERE}/back"))

    session.send(prepared)

    *here, elsewhere, back = strict.messages
    assert_each_verified(here, 3)
    assert [message.oauth["oauth_verifier"] for message in here] == ["4711"] * 3
    assert b"oauth_" not in elsewhere.raw + back.raw


@pytest.mark.parametrize("way", ["auth", "session.auth", "the last of two"])
def test_a_function_of_the_users_that_signs_gives_way_to_an_auth_and_to_the_last(
    strict: Provider, session: requests.Session, header_auth: bool, way: str
) -> None:
    hook, other = (OAuthHook(*strict.credentials(), header_auth) for _ in "12")
    session.hooks["pre_request"] = [lambda request, **_: other(request)]
    strict.once("/x", redirect(307, "/y"))
    if way == "session.auth":
        session.auth = hook
    elif way == "the last of two":
        session.hooks["pre_request"].append(hook)

    session.post(f"{HERE}/x", {"a": "1"}, auth=hook if way == "auth" else None)

    assert_each_verified(strict.messages, 2)
    assert signed_by(strict) == [key(hook)] * 2


@pytest.mark.parametrize("by", ["a call", "auth", "auth in a thread", "the hook after it"])
@pytest.mark.parametrize("form_auth", [False, True], ids=["", "form_auth"])
def test_a_request_that_a_function_makes_in_the_place_of_another_does_not_leak(
    strict: Provider, session: requests.Session, header_auth: bool, form_auth: bool, by: str
) -> None:
    session.mount(
        HERE,
        SigningAdapter(
            max_retries=Retry(3, status_forcelist=[503], backoff_factor=0, allowed_methods=None)
        ),
    )
    hook = OAuthHook(*strict.credentials(), header_auth, form_auth=form_auth)

    def another(request: requests.PreparedRequest, **_: Any) -> requests.PreparedRequest:
        made = requests.Request(request.method, request.url, data={"a": "1"})
        made.auth = hook if by.startswith("auth") else None
        if by == "auth in a thread":
            with ThreadPoolExecutor() as threads:
                return threads.submit(made.prepare).result()
        return hook(made.prepare()) if by == "a call" else made.prepare()

    unavailable = [] if by == "auth in a thread" else [Answer(503)]
    strict.once("/x", *unavailable, redirect(307, "/y"))
    strict.once("/y", redirect(307, "http://other.example/z"))

    session.post(
        f"{HERE}/x",
        hooks={"pre_request": [another, hook] if by == "the hook after it" else [another]},
    )

    *here, elsewhere = strict.messages
    assert_each_verified(here, 2 + len(unavailable))
    assert b"oauth_" not in elsewhere.raw


def test_a_request_that_was_prepared_before_and_takes_the_place_of_another_does_not_leak(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    spare = requests.Request("GET", f"{HERE}/x", auth=hook).prepare()
    strict.once("/x", redirect(307, "http://other.example/z"))
    hooks: Any = {"pre_request": lambda request, **_: spare}

    session.get(f"{HERE}/y", hooks=hooks)

    here, elsewhere = strict.messages
    assert here.problem is None
    assert b"oauth_" not in elsewhere.raw


@pytest.mark.parametrize("way", ["request", "session"])
@pytest.mark.parametrize("status", [302, 307])
def test_a_copy_in_the_place_of_a_redirect_that_leaves_is_not_signed_on_its_way_back(
    strict: Provider, session: requests.Session, header_auth: bool, way: str, status: int
) -> None:
    def copied(request: requests.PreparedRequest, **_: Any) -> requests.PreparedRequest:
        request = request.copy()
        request.headers["X-Trace"] = "1"
        return request

    hooks: Any = {"pre_request": [copied, OAuthHook(*strict.credentials(), header_auth)]}
    session.hooks["pre_request"] = hooks["pre_request"]
    strict.once("/1", redirect(status, "/2"))
    strict.once("/2", redirect(status, "http://other.example/3"))
    strict.once("/3", redirect(status, f"{HERE}/4"))
    strict.once("/4", redirect(status, "/5"))
    prepared = session.prepare_request(
        requests.Request(
            "POST", f"{HERE}/1", data={"a": "1"}, hooks=hooks if way == "request" else {}
        )
    )

    session.send(prepared)

    assert_each_verified(strict.messages[:2], 2)
    assert [b"oauth_" in message.raw for message in strict.messages[2:]] == [False] * 3
    session.send(prepared)
    assert_each_verified([*strict.messages[:2], strict.messages[5]], 3)


def rebuilt(request: requests.PreparedRequest, **_: Any) -> requests.PreparedRequest:
    """With the hooks of the events that Requests knows, and so without our memory."""
    hooks = {event: request.hooks[event] for event in requests.hooks.HOOKS}  # type: ignore[index]
    again = requests.Request(request.method, request.url, request.headers, data=request.body)
    again.hooks.update(hooks)
    return again.prepare()


def stripped(request: requests.PreparedRequest, **_: Any) -> None:
    request.hooks = {"response": [], "pre_request": request.hooks["pre_request"]}  # type: ignore[typeddict-item]


@pytest.mark.parametrize("function", [rebuilt, stripped])
@pytest.mark.parametrize("order", ["it, hook", "hook, it", "auth", "by a call in it"])
@pytest.mark.parametrize("status", [302, 307])
def test_a_function_that_leaves_the_memory_behind_does_not_leak(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    function: Any,
    order: str,
    status: int,
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    strict.once("/x", redirect(status, "/y"))
    strict.once("/y", redirect(status, "http://other.example/1"))
    strict.once("/1", redirect(status, "/2"))
    strict.once("/2", redirect(status, f"{HERE}/z"))

    def by_a_call(request: requests.PreparedRequest, **_: Any) -> requests.PreparedRequest:
        return hook(function(request) or request)

    given = {"it, hook": [function, hook], "hook, it": [hook, function], "auth": [function]}
    response = session.post(
        f"{HERE}/x",
        {"a": "1"},
        auth=hook if order == "auth" else None,
        hooks={"pre_request": given.get(order, [by_a_call])},
    )

    assert response.status_code == 401  # the last of them, which came from elsewhere
    here, elsewhere = strict.messages[:2], strict.messages[2:]
    assert_each_verified(here, 2)
    assert len(elsewhere) == 3
    assert b"oauth_" not in b"".join(message.raw for message in elsewhere)


@pytest.mark.parametrize("way", ["a retry", "response.next", "a copy"])
def test_a_function_that_leaves_the_memory_behind_does_not_leak_by(
    strict: Provider, session: requests.Session, header_auth: bool, way: str
) -> None:
    class Copies(requests.Session):
        def send(self, request: Any, **how: Any) -> requests.Response:
            return super().send(request.copy(), **how)

    hook = OAuthHook(*strict.credentials(), header_auth)
    strict.once("/x", redirect(302, "http://other.example/y"))
    strict.once("/y", Answer(503), Answer(503))
    hooks: Any = {"pre_request": [rebuilt, hook]}
    client = Copies() if way == "a copy" else session
    client.trust_env, client.proxies = False, session.proxies
    if way == "a retry":
        client.mount("http://", SigningAdapter(max_retries=Retry(3, status_forcelist=[503])))

    with client:
        response = client.get(f"{HERE}/x", hooks=hooks, allow_redirects=way != "response.next")
        if way == "response.next":
            client.send(response.next)

    here, *elsewhere = strict.messages
    assert here.problem is None
    assert len(elsewhere) == (3 if way == "a retry" else 1)
    assert b"oauth_" not in b"".join(message.raw for message in elsewhere)


def test_a_function_may_lead_a_redirect_back_to_where_it_came_from(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    """As one does that has all requests go through a gateway, whose provider names itself."""
    hook = OAuthHook(*strict.credentials(), header_auth)
    strict.once("/x", redirect(302, "http://other.example/y"))

    def by_the_gateway(request: requests.PreparedRequest, **_: Any) -> requests.PreparedRequest:
        again = rebuilt(request)
        again.url = str(again.url).replace("other.example", "provider.example")
        return again

    session.get(f"{HERE}/x", hooks={"pre_request": [by_the_gateway, hook]})

    assert_each_verified(strict.messages, 2)


@pytest.mark.parametrize("place", ["pre_request", "by hand", "response", "an adapter"])
def test_what_is_asked_for_while_a_redirect_is_followed_is_no_redirect(
    strict: Provider, session: requests.Session, header_auth: bool, place: str
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    strict.once("/x", redirect(302, "/y"))

    def asks(*_: Any, **__: Any) -> None:
        url, others = "http://other.example/in", [lambda request: None]
        if place == "by hand":
            elsewhere.send(hook(requests.Request("GET", url).prepare()))
        else:
            elsewhere.get(url, hooks={"pre_request": [*others, hook]})

    class Asks(requests.adapters.HTTPAdapter):
        def send(self, *arguments: Any, **how: Any) -> requests.Response:
            asks()
            return super().send(*arguments, **how)

    with requests.Session() as elsewhere:
        elsewhere.trust_env, elsewhere.proxies = False, session.proxies
        if place == "an adapter":
            session.mount("http://", Asks())
        before = [asks] if place in ("pre_request", "by hand") else []
        hooks: Any = {"pre_request": [*before, hook], "response": [asks] * (place == "response")}
        session.get(f"{HERE}/x", hooks=hooks)

    assert_each_verified(strict.messages, 4)


@pytest.mark.parametrize("sent", [False, True], ids=["never sent", "sent before"])
def test_an_auth_that_is_given_later_signs_what_the_functions_change(
    strict: Provider, session: requests.Session, header_auth: bool, sent: bool
) -> None:
    def changes(request: requests.PreparedRequest, **_: Any) -> None:
        request.url = f"{HERE}/x?changed=1"

    first, second = (OAuthHook(*strict.credentials(), header_auth) for _ in "12")
    hooks: Any = {"pre_request": [changes]}
    request = requests.Request("GET", f"{HERE}/x", hooks=hooks, auth=first if sent else None)
    prepared = request.prepare()
    if sent:
        prepared.prepare_auth(first)
        session.send(prepared)
        strict.messages.clear()
    prepared.prepare_auth(second)

    session.send(prepared)
    session.send(prepared)

    assert_each_verified(strict.messages, 2)
    assert signed_by(strict) == [key(second)] * 2
    assert [message.query for message in strict.messages] == ["changed=1"] * 2


@pytest.mark.parametrize("copied", [False, True], ids=["", "copied"])
def test_what_a_function_prepares_beside_the_event_is_signed_wherever_it_is_led(
    strict: Provider, session: requests.Session, header_auth: bool, copied: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)

    def prefetch(request: requests.PreparedRequest, **_: Any) -> None:
        prepared = requests.Request("GET", f"{HERE}/in", auth=hook).prepare()
        prepared = prepared.copy() if copied else prepared
        prepared.url = "http://other.example/in"
        session.send(prepared)

    session.get(f"{HERE}/x", hooks={"pre_request": [prefetch, hook]})

    assert_each_verified(strict.messages, 2)


def test_a_function_of_the_users_that_chooses_a_hook_chooses_it_each_time(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hooks = [OAuthHook(*strict.credentials(), header_auth) for _ in range(3)]
    turns = iter(hooks)
    session.hooks["pre_request"] = [lambda request, **_: next(turns)(request)]
    prepared = session.prepare_request(requests.Request("GET", f"{HERE}/x"))

    for _ in hooks:
        session.send(prepared)

    assert_each_verified(strict.messages, 3)
    assert signed_by(strict) == [key(hook) for hook in hooks]


def test_a_hook_that_no_python_code_calls_signs_too(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    """As in a greenlet, whose stack begins with itself."""
    hook = OAuthHook(*strict.credentials(), header_auth)
    request = requests.Request("GET", f"{HERE}/1").prepare()
    unsigned = request.url, request.headers.copy()

    _thread.start_new_thread(hook, (request,))
    until = time.monotonic() + 10
    while (request.url, request.headers) == unsigned and time.monotonic() < until:
        time.sleep(0.01)
    session.send(request)

    assert_each_verified(strict.messages, 1)
