"""Each way in which a provider can answer a token request wrongly is one clear exception, in time.

The provider here is a socket that sends what the test says.
"""

from __future__ import annotations

import contextvars
import gzip
import io
import re
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from eavesdropper import locals_shown
from hypothesis import given, settings
from hypothesis import strategies as st
from misbehaving import (
    Behaviour,
    form,
    is_silent,
    misbehaving,
    never_ends,
    resets,
    sends,
    trickles,
)
from urllib3.util import Retry

from oauth_hook import (
    ExchangeError,
    InvalidURL,
    OAuthHook,
    Token,
    TokenRequestFailed,
    TokenRequestTimeout,
    UnsignableRequest,
    three_legged,
)
from oauth_hook.failure import reason
from oauth_hook.retries import SigningAdapter
from oauth_hook.sandbox import Sandbox

GOOD = "oauth_token=t&oauth_token_secret=hush-s&oauth_callback_confirmed=true"
CONSUMER_SECRET = "hush-consumer/secret"
TOKEN = Token("r", "hush-token-secret")
VERIFIER = "hush-v/w"


@pytest.fixture
def hook(header_auth: bool) -> OAuthHook:
    return OAuthHook(None, None, "key", CONSUMER_SECRET, header_auth)


def refused(hook: OAuthHook, *behaviours: Behaviour, timeout: float = 10) -> ExchangeError:
    with misbehaving(*behaviours) as server, pytest.raises(ExchangeError) as caught:
        three_legged.request_token(server.url, hook, timeout=timeout)
    assert caught.value.__context__ is None, "a message of Requests' own shows the signature"
    assert [text for text in locals_shown(caught.value) if "hush" in text] == []
    return caught.value


# Good, though not pretty


@pytest.mark.parametrize(
    "answer",
    [
        form(GOOD),
        form(f"\r\n{GOOD}\n"),
        form(GOOD.replace("true", "TRUE")),
        form(GOOD.replace("true", "True") + "&oauth_expires_in=3600"),
        form(GOOD).replace(b"application/x-www-form-urlencoded", b"text/html; charset=utf-8"),
        form(f"{GOOD}&padding=".ljust(65536, "a")),  # the most that is read
        form(GOOD, "201 Created"),
        form(GOOD, "299 Own"),
        form("\ufeff" + GOOD),
        form(gzip.compress(GOOD.encode()), headers="Content-Encoding: gzip\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (len(GOOD), GOOD.encode()),
        b"HTTP/1.0 200 OK\r\n\r\n" + GOOD.encode(),
    ],
)
def test_what_is_right_in_substance_is_taken(hook: OAuthHook, answer: bytes) -> None:
    with misbehaving(sends(answer)) as server:
        token = three_legged.request_token(server.url, hook)
    assert (token.key, token.secret) == ("t", "hush-s")


def test_an_empty_token_secret_is_one(hook: OAuthHook) -> None:
    with misbehaving(sends(form(GOOD.replace("hush-s", "")))) as server:
        assert three_legged.request_token(server.url, hook).secret == ""


def test_what_trickles_but_is_there_in_time_is_taken(hook: OAuthHook) -> None:
    with misbehaving(trickles(form(GOOD), 0.001)) as server:
        assert three_legged.request_token(server.url, hook).key == "t"


# No answer


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (lambda connection: None, "closed without an answer"),
        (resets, "reset by peer|closed without an answer"),
        (sends(b"HTTP/1.1 200"), "is empty|not HTTP"),
        (sends(b"\0\1\2 garbage\r\n\r\n"), "not HTTP"),
        (sends(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), "not HTTP"),
        (sends(form(GOOD)[:-5]), "cut short"),
        (sends(form(GOOD).partition(b"h-s")[0]), "cut short"),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf"), "cut short"),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "cut short"),
        (sends(form(b"not gzip", headers="Content-Encoding: gzip\r\n")), "compression is broken"),
    ],
    ids=[
        "drops the connection",
        "resets the connection",
        "cuts the status line",
        "garbage",
        "endless headers",
        "cuts the body",
        "cuts the body in the secret",
        "cuts a chunk",
        "garbage for a chunk",
        "broken compression",
    ],
)
def test_an_answer_that_is_none(hook: OAuthHook, behaviour: Behaviour, says: str) -> None:
    error = refused(hook, behaviour)
    assert type(error) is TokenRequestFailed
    assert re.search(says, str(error)), error


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (form(GOOD)[:-5], GOOD[:-5]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nff\r\n", "half"),
        (form(b"not gzip", headers="Content-Encoding: gzip\r\n"), ""),
    ],
    ids=["cut", "cut between chunks", "broken compression"],
)
def test_what_came_of_an_answer_that_breaks_off_is_attached(
    hook: OAuthHook, answer: bytes, content: str
) -> None:
    error = refused(hook, sends(answer))

    assert error.response is not None
    assert error.response.text == content


def test_the_last_answer_of_a_redirect_without_end_is_attached(hook: OAuthHook) -> None:
    error = refused(hook, redirect("/token"))

    assert error.response is not None
    assert error.response.status_code == 302


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), None, (3, 10), "5", True])
def test_a_timeout_that_is_none_is_refused_before_anything_is_sent(
    hook: OAuthHook, timeout: Any
) -> None:
    with misbehaving(sends(form(GOOD))) as server:
        with pytest.raises(UnsignableRequest, match="timeout must be"):
            three_legged.request_token(server.url, hook, timeout=timeout)

        assert server.requests == []


def test_the_longest_timeout_that_python_knows_is_one(hook: OAuthHook) -> None:
    with misbehaving(sends(form(GOOD))) as server:
        token = three_legged.request_token(server.url, hook, timeout=threading.TIMEOUT_MAX)
    assert token.key == "t"


def test_a_clock_that_stands_still_does_not_keep_the_timeout_from_coming(
    hook: OAuthHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)  # as freezegun does it
    with misbehaving(is_silent) as server, pytest.raises(TokenRequestTimeout):
        three_legged.request_token(server.url, hook, timeout=0.5)


@pytest.mark.parametrize(
    "argument", [{"method": None}, {"method": "PUT"}, {"params": "a=b"}, {"params": 5}]
)
def test_a_wrong_argument_is_refused_by_name(hook: OAuthHook, argument: dict[str, Any]) -> None:
    (name,) = argument
    with misbehaving(sends(form(GOOD))) as server:
        with pytest.raises(UnsignableRequest, match=f"^{name} must be"):
            three_legged.request_token(server.url, hook, **argument)
        assert server.requests == []


def test_nothing_is_sent_once_time_is_up(hook: OAuthHook) -> None:
    """By what a session repeats, that is: the verifier might be used up, unknown to its user."""
    busy = sends(form("", "503 Busy", "Retry-After: 1\r\n"))
    tried = threading.Event()

    def gone(request: requests.PreparedRequest, **_: Any) -> None:
        if server.requests:
            tried.set()

    with misbehaving(busy, sends(form(GOOD))) as server, requests.Session() as session:
        session.mount("http://", SigningAdapter(max_retries=Retry(2, allowed_methods=None)))
        session.hooks["pre_request"] = [gone]
        with pytest.raises(TokenRequestTimeout):
            three_legged.access_token(
                server.url, hook, TOKEN, VERIFIER, session=session, timeout=0.5
            )
        assert tried.wait(10)
        for thread in threading.enumerate():
            if thread.name == "oauth_hook token request":
                thread.join(10)
        assert len(server.requests) == 1


def test_the_caller_s_context_holds_in_a_session_s_hooks(hook: OAuthHook) -> None:
    kept: contextvars.ContextVar[str] = contextvars.ContextVar("kept", default="lost")
    kept.set("kept")
    seen = []
    with misbehaving(sends(form(GOOD))) as server, requests.Session() as session:
        session.hooks["response"] = [lambda response, **_: seen.append(kept.get())]
        three_legged.request_token(server.url, hook, session=session)
    assert seen == ["kept"]


def test_a_url_that_is_none_after_an_answer_does_not_say_that_nothing_was_sent(
    hook: OAuthHook,
) -> None:
    def look_up(response: requests.Response, **_: Any) -> None:
        raise requests.exceptions.InvalidURL("of something else")

    with misbehaving(sends(form(GOOD))) as server, requests.Session() as session:
        session.hooks["response"] = [look_up]
        with pytest.raises(TokenRequestFailed):
            three_legged.request_token(server.url, hook, session=session)


def test_a_header_of_the_session_s_that_is_none(hook: OAuthHook) -> None:
    with misbehaving(sends(form(GOOD))) as server, requests.Session() as session:
        session.headers["X-Mark"] = "a\nb"
        with pytest.raises(TokenRequestFailed, match="a header is not valid"):
            three_legged.request_token(server.url, hook, session=session)


def test_nobody_there(hook: OAuthHook) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(TokenRequestFailed, match="Connection refused"):
        three_legged.request_token(f"http://127.0.0.1:{port}/", hook)


def test_a_server_without_tls(hook: OAuthHook) -> None:
    with Sandbox() as provider:
        url = provider.request_token_url.replace("http://", "https://")
        with pytest.raises(TokenRequestFailed, match="does not speak TLS there: is it http"):
            three_legged.request_token(url, hook)


def test_an_error_of_tls_that_is_pyopenssl_s_has_no_reason() -> None:
    assert reason(ssl.SSLError("('SSL routines', '', 'wrong version number')")) == "TLS failed"


def test_a_socks_proxy_without_what_it_needs(
    hook: OAuthHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any, **__: Any) -> None:  # as Requests has it where PySocks is not installed
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", missing)
    session = requests.session(proxies={"http": "socks5://127.0.0.1:1"})
    with session, pytest.raises(TokenRequestFailed, match=r"pip install 'requests\[socks\]'"):
        three_legged.request_token("http://127.0.0.1:1/", hook, session=session)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "http://[::1"])
def test_a_proxy_that_is_no_url_may_be_what_is_not_valid(hook: OAuthHook, proxy: str) -> None:
    session = requests.session(proxies={"http": proxy})
    with session, pytest.raises(InvalidURL, match="the URL, or that of the proxy, is not valid"):
        three_legged.request_token("http://127.0.0.1:1/", hook, session=session)


@pytest.mark.parametrize(
    "behaviour",
    [
        is_silent,
        trickles(form(GOOD), 0.05),
        trickles(b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 500, 0.05),
        trickles(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 500, 0.05),
        never_ends(b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    ],
    ids=["silent", "byte by byte", "body byte by byte", "endless chunk size", "endless header"],
)
def test_an_answer_that_is_late_is_given_up_in_time(hook: OAuthHook, behaviour: Behaviour) -> None:
    begin = time.monotonic()
    error = refused(hook, behaviour, timeout=0.5)
    assert isinstance(error, TokenRequestFailed)
    assert time.monotonic() - begin < 2
    if "not HTTP" not in str(error):  # the endless header may be given up for its length first
        assert isinstance(error, TokenRequestTimeout)
        assert isinstance(error, requests.exceptions.Timeout)
        assert "within 0.5 seconds" in str(error)


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536),
        (b"HTTP/1.1 500 Oops\r\n\r\n", b"a" * 65536),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b"a" * 65536),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"a" * 65536),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\naaaa\r\n"),
    ],
    ids=["200", "500", "redirect", "announced", "chunked"],
)
def test_an_endless_answer_is_given_up_for_its_size(
    hook: OAuthHook, head: bytes, block: bytes
) -> None:
    error = refused(hook, never_ends(head, block), timeout=60)  # it takes a second or two
    assert type(error) is TokenRequestFailed
    assert "longer than 64 KiB" in str(error)
    assert error.response is not None
    assert len(error.response.content) == 65536


@pytest.mark.parametrize("status", ["200 OK", "400 No", "401 No"])
@pytest.mark.parametrize("times", [1, 2])  # twice, 50 MB are fewer bytes than a report may have
def test_a_compressed_bomb_is_given_up_for_its_size(
    hook: OAuthHook, status: str, times: int
) -> None:
    bomb = b"a" * 50_000_000
    for _ in range(times):
        bomb = gzip.compress(bomb)
    encoding = ", ".join(["gzip"] * times)
    error = refused(hook, sends(form(bomb, status, f"Content-Encoding: {encoding}\r\n")))
    assert "longer than 64 KiB" in str(error)
    assert error.response is not None
    assert len(error.response.content) == 65536


@pytest.mark.parametrize("status", ["200 OK", "401 No"])
def test_a_length_of_more_digits_than_python_reads(hook: OAuthHook, status: str) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: {'1' * 5000}\r\n\r\n{GOOD}"
    assert "was cut short" in str(refused(hook, sends(answer.encode())))


# Another answer than a token


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("<!DOCTYPE html><a href='?a=b&oauth_token=x&oauth_token_secret=hush'>", "is a web page"),
        ("\ufeff<!DOCTYPE html>", "is a web page"),
        ('<?xml version="1.0"?><oauth_token>hush</oauth_token>', "is XML"),
        ('{"oauth_token": "x", "oauth_token_secret": "hush-s"}', "is JSON"),
        ('["oauth_token", "hush-s"]', "is JSON"),
        ("Failed to validate oauth signature and token", "holds no oauth_token$"),
        ("oauth_token_secret=hush-s", "holds no oauth_token$"),
        ("oauth_token=&oauth_token_secret=hush-s", "holds no oauth_token$"),
        ("oauth_token=hush-t", "holds no oauth_token_secret"),
        (f"oauth_token=other&{GOOD}", "names a field twice"),
        ("oauth_token=%ff&oauth_token_secret=hush-s", "can't be read as a form"),
        (b"oauth_token=\xff&oauth_token_secret=hush-s", "can't be read as a form"),
    ],
)
def test_an_answer_that_is_no_token(hook: OAuthHook, body: bytes | str, says: str) -> None:
    with (
        misbehaving(sends(form(body))) as server,
        pytest.raises(TokenRequestFailed, match=says) as caught,
    ):
        three_legged.request_token(server.url, hook)
    assert caught.value.response is not None
    assert caught.value.response.content == (body.encode() if isinstance(body, str) else body)


def test_a_callback_that_is_not_confirmed(hook: OAuthHook) -> None:
    error = refused(hook, sends(form("oauth_token=t&oauth_token_secret=hush-s")))
    assert type(error) is TokenRequestFailed
    assert "oauth_callback_confirmed=true" in str(error)
    assert "require_confirmation=False" in str(error)
    assert error.response is not None
    assert error.response.status_code == 200


def test_a_confirmation_that_is_left_out_can_be_accepted(hook: OAuthHook) -> None:
    with misbehaving(sends(form("oauth_token=t&oauth_token_secret=hush-s"))) as server:
        token = three_legged.request_token(server.url, hook, require_confirmation=False)
    assert token.key == "t"


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("value", ["", "false", "1", "yes"])
def test_a_confirmation_that_says_no_is_never_accepted(
    hook: OAuthHook, value: str, required: bool
) -> None:
    body = GOOD.replace("true", value)
    with (
        misbehaving(sends(form(body))) as server,
        pytest.raises(TokenRequestFailed, match="confirmed that is not 'true'") as caught,
    ):
        three_legged.request_token(server.url, hook, require_confirmation=required)
    assert "require_confirmation" not in str(caught.value)  # it would not help
    assert caught.value.response is not None
    assert caught.value.response.status_code == 200


@pytest.mark.parametrize("way", ["length", "chunked", "gzip"])
def test_a_refused_timestamp_is_learnt_however_the_refusal_is_sent(
    hook: OAuthHook, way: str
) -> None:
    now = int(time.time()) + 9000
    report = f"oauth_problem=timestamp_refused&oauth_acceptable_timestamps={now - 60}-{now + 60}"
    if way == "chunked":
        head = b"HTTP/1.1 401 No\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        refusal = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(report), report.encode())
    elif way == "gzip":
        refusal = form(gzip.compress(report.encode()), "401 No", "Content-Encoding: gzip\r\n")
    else:
        refusal = form(report, "401 No")
    with misbehaving(sends(refusal), sends(form(GOOD))) as server:
        token = three_legged.request_token(server.url, hook)

    assert token.key == "t"
    first, second = (
        int(found[1])
        for found in (re.search(rb'oauth_timestamp="?(\d+)', sent) for sent in server.requests)
        if found
    )
    assert second - first > 8000


def test_an_access_token_needs_no_confirmation(hook: OAuthHook) -> None:
    with misbehaving(sends(form("oauth_token=t&oauth_token_secret=hush-s&user_id=7"))) as server:
        new, fields = three_legged.access_token(server.url, hook, TOKEN, VERIFIER)
    assert new.token == Token("t", "hush-s")
    assert fields == {"user_id": "7"}


# Redirects


def redirect(location: str, status: str = "302 Found") -> Behaviour:
    return sends(form("", status, f"Location: {location}\r\n"))


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_a_redirect_within_the_origin_is_signed_anew(hook: OAuthHook, status: str) -> None:
    with misbehaving(redirect("/elsewhere", f"{status} Go"), sends(form(GOOD))) as server:
        assert three_legged.request_token(server.url, hook).key == "t"
    first, second = server.requests
    assert b" /elsewhere" in second.split(b"\r\n")[0]
    for request in (first, second):
        assert request.count(b"oauth_callback=") == 1
        assert request.count(b"oauth_nonce=") == 1
    assert first.split(b"oauth_nonce=")[1][:31] != second.split(b"oauth_nonce=")[1][:31]


def test_a_redirect_to_another_origin_is_not_followed(hook: OAuthHook) -> None:
    with misbehaving(sends(form(GOOD))) as other:
        error = refused(hook, redirect(other.url))
        assert other.requests == []
        origin = other.url.removesuffix("/token")
    assert type(error) is TokenRequestFailed
    assert f"redirects to another origin, {origin}," in str(error)


@pytest.mark.parametrize(
    "location", ["http://[", "http://a:b/", "http://user:hush-p@x:y/", "http://a\x1bc/"]
)
def test_a_redirect_to_nowhere(hook: OAuthHook, location: str) -> None:
    assert "redirects to an invalid URL" in str(refused(hook, redirect(location)))


def test_a_redirect_without_end(hook: OAuthHook) -> None:
    assert "redirects too many times" in str(refused(hook, redirect("/token")))


# Anything at all


class Says(requests.adapters.BaseAdapter):
    """An adapter that is not Requests' own: its responses are plain files."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__()
        self._answer = status, headers, body

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, headers, body = self._answer
        response.headers.update(headers)
        response.raw = io.BytesIO(body)
        response.request = request
        response.url = request.url or ""
        return response

    def close(self) -> None:
        pass


@settings(deadline=None, derandomize=True, database=None)  # a busy machine is no wrong answer
@given(
    status=st.sampled_from([200, 201, 302, 400, 401, 500, 999]),
    header=st.text(st.characters(min_codepoint=1, max_codepoint=255)),
    body=st.one_of(
        st.binary(),
        st.lists(st.tuples(st.sampled_from(["oauth_token", "oauth_problem", "a"]), st.text())).map(
            lambda pairs: urlencode(pairs, errors="surrogatepass").encode()
        ),
    ),
)
def test_no_answer_leads_to_another_exception(status: int, header: str, body: bytes) -> None:
    headers = {"WWW-Authenticate": header, "Location": header}
    with requests.Session() as session:
        session.mount("https://", Says(status, headers, body))
        hook = OAuthHook(None, None, "k", "s")
        with pytest.raises(ExchangeError) as caught:
            three_legged.request_token("https://provider.example/", hook, session=session)
    assert str(caught.value).isprintable()
