"""Redirects, over sockets: each hop is signed anew at its own origin, and unsigned elsewhere."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import requests
from servers import Message, Provider, assert_each_verified, redirect

from oauth_hook import OAuthHook

HERE = "http://provider.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# The ways in which one gives the hook to Requests.


def as_pre_request(session: requests.Session, hook: OAuthHook) -> dict[str, Any]:
    return {"hooks": {"pre_request": hook}}


def as_session_hook(session: requests.Session, hook: OAuthHook) -> dict[str, Any]:
    session.hooks["pre_request"] = hook
    return {}


def as_auth(session: requests.Session, hook: OAuthHook) -> dict[str, Any]:
    return {"auth": hook}


def as_session_auth(session: requests.Session, hook: OAuthHook) -> dict[str, Any]:
    session.auth = hook
    return {}


WAYS = [
    pytest.param(as_pre_request, id="pre_request"),
    pytest.param(as_session_hook, id="session.hooks"),
    pytest.param(as_auth, id="auth"),
    pytest.param(as_session_auth, id="session.auth"),
]

# The requests that get redirected: method, arguments, and the body that they have on the wire.

FILE = bytes(range(256)) * 40


def get() -> tuple[str, dict[str, Any]]:
    return "GET", {"params": {"q": "a b&c", "q2": "ü"}}


def form() -> tuple[str, dict[str, Any]]:
    return "POST", {"data": [("status", "Yay! It works!"), ("a", "2"), ("a", "1")]}


def json() -> tuple[str, dict[str, Any]]:
    return "POST", {"json": {"status": "ü"}}


def file() -> tuple[str, dict[str, Any]]:
    return "PUT", {"data": io.BytesIO(FILE)}


def multipart() -> tuple[str, dict[str, Any]]:
    return "POST", {"data": {"a": "1"}, "files": {"photo": ("photo.jpg", io.BytesIO(FILE))}}


REQUESTS = [
    pytest.param(get, id="GET"),
    pytest.param(form, id="POST form"),
    pytest.param(json, id="POST JSON"),
    pytest.param(file, id="PUT file"),
    pytest.param(multipart, id="POST multipart"),
]


def assert_nothing_of_oauth(message: Message, hook: OAuthHook) -> None:
    raw = message.raw.decode("latin-1").lower()
    assert "oauth" not in raw
    for credentials in (hook.consumer, hook.token):
        assert credentials is not None
        assert credentials.key not in raw
        assert credentials.secret not in raw


@pytest.mark.parametrize("location", ["/new?from=old", f"{HERE}/new?from=old"], ids=["path", "URL"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_of", REQUESTS)
@pytest.mark.parametrize("way", [WAYS[0], WAYS[2]])
def test_each_hop_at_the_same_origin_is_signed_for_itself(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    way: Any,
    request_of: Any,
    status: int,
    location: str,
) -> None:
    strict.once("/old", redirect(status, location))
    hook = OAuthHook(*strict.credentials(), header_auth)
    method, arguments = request_of()

    response = session.request(method, f"{HERE}/old", **way(session, hook), **arguments)

    first, second = strict.messages
    assert_each_verified(strict.messages, 2)
    assert response.status_code == 200
    assert second.resource == f"{HERE}/new"
    assert second.query == "from=old"
    assert list(second.received.places) == ["header" if header_auth else "query"]
    if status in (307, 308):
        assert (second.method, second.received.sha256) == (method, first.received.sha256)
        assert second.header("Content-Type") == first.header("Content-Type")
        assert second.received.length == first.received.length
    else:
        becomes_get = status != 301 or method == "POST"
        assert (second.method, second.body) == ("GET" if becomes_get else method, b"")


@pytest.mark.parametrize("way", WAYS)
def test_a_chain_of_hops_is_signed_hop_by_hop(
    strict: Provider, session: requests.Session, header_auth: bool, way: Any
) -> None:
    strict.once("/1", redirect(307, "/2?x=%2f"))
    strict.once("/2", redirect(308, "3?x=%7E&y=ü".encode().decode("latin-1")))
    strict.once("/3", redirect(302, "//provider.example:80/4/../5"))
    strict.once("/4/../5", redirect(302, "HTTP://PROVIDER.example"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.post(f"{HERE}/1", {"a": "1"}, **way(session, hook))

    assert_each_verified(strict.messages, 5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", WAYS)
def test_http_to_https_on_default_ports_is_signed_as_requests_keeps_credentials_there(
    strict: Provider, session: requests.Session, header_auth: bool, way: Any, status: int
) -> None:
    strict.once("/old", redirect(status, "https://provider.example/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.post(f"{HERE}/old", {"a": "1"}, **way(session, hook))

    assert_each_verified(strict.messages, 2)
    assert strict.messages[1].resource == "https://provider.example/new"


def test_once_on_https_the_way_back_to_http_goes_unsigned(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/1", redirect(302, "https://provider.example/2"))
    strict.once("/2", redirect(302, f"{HERE}/3"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/1", hooks={"pre_request": hook})

    assert [message.problem is None for message in strict.messages] == [True, True, False]
    assert_nothing_of_oauth(strict.messages[2], hook)


@pytest.mark.parametrize("status", [302, 303, 307, 308])
@pytest.mark.parametrize("place", ["params", "data"])
@pytest.mark.parametrize("way", WAYS)
def test_callback_and_verifier_survive_the_hop(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    way: Any,
    place: str,
    status: int,
) -> None:
    strict.once("/old", redirect(status, "/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    own = {"oauth_callback": "http://consumer.example/cb?a=b&c=ü d%20", "oauth_verifier": "47 11%"}

    session.post(f"{HERE}/old", **{place: own}, **way(session, hook))

    assert_each_verified(strict.messages, 2)
    assert own.items() <= strict.messages[1].oauth.items()


@pytest.mark.parametrize("rest", ["{query}", "{query}&new=1", "new=1&{query}"])
@pytest.mark.parametrize("way", WAYS)
def test_a_location_that_repeats_the_query_has_one_set_of_oauth_parameters(
    strict: Provider, session: requests.Session, header_auth: bool, way: Any, rest: str
) -> None:
    strict.once("/old", redirect(307, f"/new?{rest}"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/old", params={"q": "a b", "oauth_verifier": "1 2"}, **way(session, hook))

    assert_each_verified(strict.messages, 2)
    assert "q=a+b" in strict.messages[1].query
    assert strict.messages[1].oauth["oauth_verifier"] == "1 2"


def test_a_location_that_repeats_a_query_of_another_token_is_signed_with_the_hooks_own(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    stale = urlencode({"oauth_token": "stale", "oauth_nonce": "x", "oauth_signature": "y"})
    strict.once("/old", redirect(302, f"/new?{stale}"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/old", hooks={"pre_request": hook})

    assert_each_verified(strict.messages, 2)


@pytest.mark.parametrize("way", WAYS)
def test_what_response_next_holds_is_signed_when_it_is_sent(
    strict: Provider, session: requests.Session, header_auth: bool, way: Any
) -> None:
    strict.once("/old", redirect(307, "/new?{query}"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    response = session.post(f"{HERE}/old", {"a": "1"}, allow_redirects=False, **way(session, hook))

    session.send(response.next)

    assert_each_verified(strict.messages, 2)
    assert strict.messages[1].body == b"a=1"


def test_response_next_can_be_sent_twice(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/old", redirect(307, "/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    response = session.post(f"{HERE}/old", {"a": "1"}, allow_redirects=False, auth=hook)

    session.send(response.next)
    session.send(response.next)

    assert_each_verified(strict.messages, 3)


def test_a_response_hook_of_the_users_leaves_each_hop_signed(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/old", redirect(302, "/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    session.hooks["pre_request"] = [hook]
    seen = []

    session.get(f"{HERE}/old", hooks={"response": lambda response, **_: seen.append(response.url)})

    assert_each_verified(strict.messages, 2)
    assert len(seen) == 2


def test_a_file_left_empty_by_its_oauth_parameters_survives_the_hop(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/1", redirect(307, "/2"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.post(f"{HERE}/1", data=io.BytesIO(b"oauth_callback=oob"), headers=FORM, auth=hook)

    assert_each_verified(strict.messages, 2)


# Other origins

ELSEWHERE = {
    "other host": "http://other.example",
    "subdomain": "http://sub.provider.example",
    "other port": "http://provider.example:8080",
    "https on another port": "https://provider.example:8443",
}


class KeepsEverything(requests.Session):
    """As people write it who want their headers to follow every redirect."""

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        pass


@pytest.fixture(params=[requests.Session, KeepsEverything], ids=["Session", "overrides"])
def careless(request: Any, session: requests.Session) -> requests.Session:
    subclass = request.param()
    subclass.verify = session.verify
    return subclass


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("origin", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_oauth_reaches_another_origin_nor_any_later_hop(
    strict: Provider,
    careless: requests.Session,
    header_auth: bool,
    way: Any,
    origin: str,
    status: int,
) -> None:
    strict.once("/1", redirect(status, f"{origin}/2?{{query}}"))
    strict.once("/2", redirect(status, f"{origin}/3?{{query}}"))
    strict.once("/3", redirect(status, f"{HERE}/4?{{query}}"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    data = {"a": "1", "oauth_verifier": "4711", "oauth_callback": "oob"}

    careless.post(f"{HERE}/1?b=2", data, **way(careless, hook))

    first, *later = strict.messages
    assert first.problem is None
    assert len(later) == 3
    for message in later:
        assert_nothing_of_oauth(message, hook)
        assert message.query == "b=2"
        assert message.body == (b"a=1" if status == 307 else b"")


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_oauth_goes_from_https_to_http(
    strict: Provider, careless: requests.Session, header_auth: bool, way: Any
) -> None:
    strict.once("/1", redirect(307, f"{HERE}/2?{{query}}"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    careless.post("https://provider.example/1", {"oauth_verifier": "1"}, **way(careless, hook))

    first, second = strict.messages
    assert first.problem is None
    assert_nothing_of_oauth(second, hook)


@pytest.mark.parametrize("way", WAYS)
def test_response_next_at_another_origin_goes_unsigned(
    strict: Provider, careless: requests.Session, header_auth: bool, way: Any
) -> None:
    strict.once("/1", redirect(307, "http://other.example/2?{query}"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    response = careless.get(f"{HERE}/1", allow_redirects=False, **way(careless, hook))

    careless.send(response.next)

    assert_nothing_of_oauth(strict.messages[1], hook)


def test_the_same_prepared_request_is_signed_again_though_it_led_elsewhere_before(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.always("/1", redirect(302, "http://other.example/2"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = session.prepare_request(
        requests.Request("GET", f"{HERE}/1", hooks={"pre_request": hook})
    )

    session.send(prepared)
    session.send(prepared)

    assert [message.problem is None for message in strict.messages] == [True, False] * 2


@pytest.mark.parametrize("body", [io.BytesIO, bytearray, bytes], ids=lambda kind: kind.__name__)
def test_a_form_that_holds_the_oauth_parameters_loses_them_at_another_origin(
    strict: Provider, session: requests.Session, body: Any
) -> None:
    strict.once("/1", redirect(307, "http://other.example/2"))
    hook = OAuthHook(*strict.credentials(), form_auth=True)

    session.post(f"{HERE}/1", data=body(b"a=1"), headers=FORM, auth=hook)

    assert strict.messages[-1].body == b"a=1"


@pytest.mark.parametrize("where", [HERE, "http://other.example"], ids=["same origin", "another"])
@pytest.mark.parametrize("status", [302, 307])
def test_a_form_without_fields_is_redirected_as_any_other(
    strict: Provider, session: requests.Session, where: str, status: int
) -> None:
    strict.once("/1", redirect(status, f"{where}/2"))
    hook = OAuthHook(*strict.credentials(), form_auth=True)

    session.post(f"{HERE}/1", headers=FORM, hooks={"pre_request": hook})

    first, second = strict.messages
    assert (first.problem, b"oauth_signature" in first.body) == (None, True)
    if where == HERE:
        assert_each_verified(strict.messages, 2)
        assert (b"oauth_signature" in second.body) == (status == 307)
    else:
        assert (second.oauth, second.body, second.header("Content-Length")) in (
            ({}, b"", "0"),
            ({}, b"", None),
        )


def test_cookies_of_the_providers_follow_as_ever(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    answer = redirect(302, "/new")
    answer.headers["Set-Cookie"] = "visit=1"
    strict.once("/old", answer)
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/old", hooks={"pre_request": hook})

    assert_each_verified(strict.messages, 2)
    assert strict.messages[1].header("Cookie") == "visit=1"


# Others who want the Authorization header

BASIC = "Basic dXNlcjpwYXNz"


def in_netrc(session: requests.Session, tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine provider.example login user password pass\n")
    patch.setenv("NETRC", str(netrc))
    return HERE


def in_url(session: requests.Session, tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    return HERE.replace("//", "//user:pass@")


def in_session(session: requests.Session, tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    session.auth = ("user", "pass")
    return HERE


def in_headers(session: requests.Session, tmp_path: Path, patch: pytest.MonkeyPatch) -> str:
    session.headers["Authorization"] = BASIC
    return HERE


OTHERS = [in_netrc, in_url, in_session, in_headers]


@pytest.mark.parametrize("others", OTHERS, ids=["netrc", "URL", "session.auth", "headers"])
def test_oauth_wins_the_header_and_leaves_it_alone_where_it_needs_none(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    others: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = others(session, tmp_path, monkeypatch)
    strict.once("/old", redirect(307, f"{url}/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{url}/old", hooks={"pre_request": hook})

    assert_each_verified(strict.messages, 2)
    for message in strict.messages:
        authorization = message.header("Authorization")
        assert authorization is not None
        assert authorization.startswith("OAuth ") if header_auth else authorization == BASIC


@pytest.mark.parametrize("others", OTHERS, ids=["netrc", "URL", "session.auth", "headers"])
def test_auth_given_with_the_request_is_signed_whoever_else_wants_the_header(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    others: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = others(session, tmp_path, monkeypatch)
    strict.once("/old", redirect(307, f"{url}/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{url}/old", auth=hook)

    assert_each_verified(strict.messages, 2)


@pytest.mark.parametrize("way", [as_auth, as_session_auth], ids=["auth", "session.auth"])
@pytest.mark.parametrize("other_header_auth", [True, False], ids=["", "beside a query's"])
@pytest.mark.parametrize("travels", [lambda it: it, copy.deepcopy], ids=["", "deepcopy"])
def test_auth_signs_and_not_the_session_s_own_hook(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    way: Any,
    other_header_auth: bool,
    travels: Any,
) -> None:
    strict.always("/old", redirect(307, "/new"))
    app = OAuthHook(*strict.credentials(), header_auth=other_header_auth)
    session.hooks["pre_request"].append(app)
    user = OAuthHook(*strict.credentials(), header_auth=header_auth)
    settings = way(session, user)
    prepared = session.prepare_request(
        requests.Request("POST", f"{HERE}/old", data={"a": "1"}, auth=settings.get("auth"))
    )

    prepared = travels(prepared)
    session.send(prepared)
    session.send(prepared)

    assert_each_verified(strict.messages, 4)
    assert user.token is not None
    for message in strict.messages:
        assert message.oauth["oauth_token"] == user.token.key
        assert (message.header("Authorization") is not None) is header_auth


def test_auth_signs_after_a_redirect_to_https_too(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    app, user = (OAuthHook(*strict.credentials(), header_auth) for _ in range(2))
    session.hooks["pre_request"].append(app)
    strict.once("/old", redirect(302, "https://provider.example/new"))

    session.get(f"{HERE}/old", auth=user)

    assert_each_verified(strict.messages, 2)
    assert user.token is not None
    assert {message.oauth["oauth_token"] for message in strict.messages} == {user.token.key}


def test_a_hook_that_takes_the_place_of_auth_s_signs(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    app, user = (OAuthHook(*strict.credentials(), header_auth) for _ in range(2))
    request = requests.Request("GET", f"{HERE}/x", auth=user).prepare()
    hooks: Any = request.hooks
    hooks["pre_request"] = app

    session.send(request)

    assert_each_verified(strict.messages, 1)
    assert app.token is not None
    assert strict.messages[0].oauth["oauth_token"] == app.token.key


def test_a_netrc_entry_of_the_other_host_is_used_there(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine other.example login user password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    strict.once("/old", redirect(302, "http://other.example/new"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/old", hooks={"pre_request": hook})

    assert strict.messages[1].header("Authorization") == BASIC
    assert strict.messages[1].oauth == {}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_gets_its_own_credentials_and_the_provider_ours(
    strict: Provider, session: requests.Session, header_auth: bool, scheme: str
) -> None:
    strict.once("/old", redirect(307, "/new"))
    session.proxies = {scheme: "http://user:pass@proxy.example:3128"}
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.post(f"{scheme}://provider.example/old", {"a": "1"}, hooks={"pre_request": hook})

    messages = [message for message in strict.messages if message.method != "CONNECT"]
    assert_each_verified(messages, 2)
    if scheme == "http":
        assert [message.header("Proxy-Authorization") for message in messages] == [BASIC] * 2
    else:
        # On the hop, Requests before 2.31 sends it to the provider, ours or no (CVE-2023-32681).
        assert messages[0].header("Proxy-Authorization") is None
        assert strict.messages[0].header("Proxy-Authorization") == BASIC
        assert strict.messages[0].oauth == {}


def test_what_is_signed_of_the_query_is_what_the_location_said_byte_for_byte(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    query = "a=%7e&b=c+d&b=%C3%BC&e=[1]&f=a/b?c"
    strict.once("/old", redirect(302, f"/new?{query}"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"{HERE}/old", hooks={"pre_request": hook})

    assert_each_verified(strict.messages, 2)
    assert parse_qsl(strict.messages[1].query) == parse_qsl(query)


# The small print


def test_a_query_loses_its_oauth_parameters_and_nothing_else_at_another_origin(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/1", redirect(302, "http://other.example/2?{query}&c=3?oauth_d"))
    hook = OAuthHook(*strict.credentials())

    session.get(f"{HERE}/1?a=1", auth=hook)

    assert "oauth_signature" in strict.messages[0].oauth
    assert strict.messages[1].received.target == b"/2?a=1&c=3?oauth_d"


def test_a_query_of_oauth_parameters_alone_goes_at_another_origin(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/1", redirect(302, "http://other.example/2?{query}"))

    session.get(f"{HERE}/1", auth=OAuthHook(*strict.credentials()))

    assert "oauth_signature" in strict.messages[0].oauth
    assert strict.messages[1].received.target == b"/2"


def test_a_location_that_repeats_a_token_that_was_taken_away_is_signed_without_it(
    strict: Provider, session: requests.Session
) -> None:
    strict.once("/old", redirect(302, "/new?{query}"))
    hook = OAuthHook(*strict.credentials())
    given = {"hooks": {"pre_request": hook}, "allow_redirects": False}
    response = session.get(f"{HERE}/old", **given)

    hook.token = None
    session.send(response.next)

    assert "oauth_token" in strict.messages[0].oauth
    assert "oauth_token" not in strict.messages[1].oauth


@pytest.mark.parametrize("form_auth", [False, True], ids=["", "form_auth"])
def test_a_token_of_the_location_s_own_is_signed_where_the_hook_has_none(
    strict: Provider, session: requests.Session, header_auth: bool, form_auth: bool
) -> None:
    token, *_, key, secret = strict.credentials()
    hook = OAuthHook(None, None, key, secret, header_auth, form_auth=form_auth)
    strict.once("/login", redirect(307, f"/authorize?oauth_token={token}&oauth_verifier=1"))

    session.post("http://provider.example/login", {"a": "1"}, hooks={"pre_request": hook})

    assert strict.messages[1].oauth["oauth_token"] == token
    assert strict.messages[1].oauth["oauth_verifier"] == "1"


def test_a_body_that_is_no_form_is_the_same_at_another_origin(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/1", redirect(307, "http://other.example/2"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    headers = {"Content-Type": "text/plain"}

    session.post(f"{HERE}/1", "oauth_a=1&b=2", headers=headers, auth=hook)

    assert strict.messages[1].body == b"oauth_a=1&b=2"


def test_the_path_of_an_assigned_url_is_signed_as_it_is_sent(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    prepared = requests.Request("GET", f"{HERE}/x", hooks={"pre_request": hook}).prepare()
    prepared.url = f"{HERE}/\u00fc|!$&'()*+,;=:@~/%7e"

    session.send(prepared)

    assert_each_verified(strict.messages, 1)
