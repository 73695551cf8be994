"""niquests: its own pre_request event, sync and async, HTTP/1.1 and HTTP/2, and its redirects.

In an environment of its own: niquests puts another urllib3 in the place of Requests' own.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import hashlib
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import niquests
import pytest
import trustme
from conftest import run
from servers import Answer, Provider, redirect

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox
from oauth_hook.sandbox.received import Received, new_hashes

FORM = {"status": "Yay! It works! é", "wrap_links": "true"}


@pytest.fixture(params=["sync", "async"])
def send(request: Any) -> Callable[..., niquests.Response]:
    """Sends one request after another, by a Session or by an AsyncSession, and gives the last
    response.

    ``settings`` are the session's arguments; each of ``calls`` is of its ``request``.
    """

    def by_session(*calls: dict[str, Any], **settings: Any) -> niquests.Response:
        with niquests.Session(**settings) as client:
            return [client.request(**call) for call in calls][-1]

    def by_async_session(*calls: dict[str, Any], **settings: Any) -> niquests.Response:
        async def sent() -> niquests.Response:
            async with niquests.AsyncSession(**settings) as client:
                return [await client.request(**call) for call in calls][-1]

        return asyncio.run(sent())

    return by_session if request.param == "sync" else by_async_session


def report(response: niquests.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.mark.parametrize(
    "body",
    [
        {"data": FORM},
        {"data": list(FORM.items())},
        {"json": FORM},
        {"files": {"image": ("hommer.gif", b"GIF89a")}},
        {"data": b"raw bytes"},
        {},
    ],
    ids=["form", "pairs", "JSON", "multipart", "bytes", "nothing"],
)
def test_a_request_is_signed(
    send: Any, body: dict[str, Any], provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    call = {"method": "POST", "url": provider.resource_url, "params": {"a": "1 2"}}
    found = report(send({**call, **body, **signed}))

    assert found["place"] == place
    assert ["a", "1 2"] in found["args"]
    if body.get("data") not in (None, b"raw bytes"):
        assert found["form"] == [list(pair) for pair in FORM.items()]


@pytest.mark.parametrize("in_list", [True, False], ids=["a list", "the hook itself"])
def test_the_hook_may_stand_in_a_list(
    send: Any, in_list: bool, provider: Sandbox, hook: OAuthHook, place: str
) -> None:
    hooks = {"pre_request": [hook] if in_list else hook}

    assert report(send({"method": "GET", "url": provider.resource_url, "hooks": hooks}))[
        "place"
    ] == (place)


def test_a_session_signs_each_of_its_requests(
    send: Any, provider: Sandbox, hook: OAuthHook, way: str, place: str
) -> None:
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    call = {"method": "GET", "url": provider.resource_url}

    assert report(send(call, call, call, **settings))["place"] == place


def test_a_hook_signs_for_both_libraries(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    import requests

    answers = [
        library.post(provider.resource_url, data=FORM, **signed)
        for library in (requests, niquests, requests)
    ]

    assert [answer.json()["place"] for answer in answers] == [place] * 3


def test_a_prepared_request_that_is_sent_twice_is_signed_anew(
    telling: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    with niquests.Session() as client:
        request = niquests.Request("POST", f"{telling.url}/", data=FORM, **signed)
        prepared = client.prepare_request(request)
        for _ in range(3):
            client.send(prepared)

    assert [message.problem for message in telling.messages] == [None] * 3


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_signed_anew(
    send: Any, status: int, telling: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    telling.always("/from", redirect(status, "/to?b=2"))

    send({"method": "POST", "url": f"{telling.url}/from?a=1", "data": FORM, **signed})

    assert [message.problem for message in telling.messages] == [None, None]
    assert telling.messages[1].query == "b=2"


def test_a_redirect_in_query_mode_that_repeats_the_query_is_signed_once(
    send: Any, telling: Provider, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), False)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    telling.always("/from", redirect(307, "/to?{query}"))

    send({"method": "GET", "url": f"{telling.url}/from?a=1", **signed})

    assert [message.problem for message in telling.messages] == [None, None]
    assert telling.messages[1].query == "a=1"


@pytest.fixture
def elsewhere() -> Iterator[Provider]:
    """Another origin: another port."""
    provider = Provider()
    yield provider
    provider.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_does_not_leak(
    send: Any, status: int, telling: Provider, elsewhere: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    telling.always("/from", redirect(status, f"{elsewhere.url}/there?{{query}}"))
    elsewhere.always("/there", redirect(status, "/further"))
    elsewhere.always("/further", redirect(status, f"{telling.url}/back"))
    telling.always("/back", Answer(200))

    form = {**FORM, "oauth_verifier": "hush-verifier"}
    send({"method": "POST", "url": f"{telling.url}/from?a=1", "data": form, **signed})

    assert telling.messages[0].problem is None
    assert len(elsewhere.messages) == 2
    for message in [*elsewhere.messages, telling.messages[-1]]:
        assert b"oauth" not in message.raw.lower()


# HTTP/2

#: niquests leaves some of its sockets to the garbage collector: a test collects, and forgives it.
LEAVES_SOCKETS = pytest.mark.filterwarnings(
    "ignore:(Exception ignored in|.*ssl.SSLSocket|.*StreamWriter|.*Transport)"
    ":pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: Any) -> tuple[trustme.CA, str]:
    certificates = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    certificates.cert_pem.write_to_path(str(path))
    return certificates, str(path)


@pytest.fixture
def http2(
    telling: Provider,
    authority: tuple[trustme.CA, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The URL at which ``telling`` receives HTTP/2."""
    # Seconds that the server waits for a client's goodbye, else 30; niquests doesn't always say it.
    monkeypatch.setattr("asyncio.constants.SSL_SHUTDOWN_TIMEOUT", 0.1)
    certificate = authority[0].issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(tmp_path / "cert.pem"), append=True)
    config = hypercorn.config.Config()
    config.bind = ["localhost:0"]
    config.keyfile, config.certfile = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    config.alpn_protocols = ["h2"]
    config.accesslog = config.errorlog = None
    listening = config.create_sockets()
    [bound] = listening.secure_sockets
    bound.listen()
    port = bound.getsockname()[1]
    config.create_sockets = lambda: listening  # type: ignore[method-assign]
    loops: list[asyncio.AbstractEventLoop] = []
    stop = asyncio.Event()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        names = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        head = b"HTTP/" + scope["http_version"].encode()
        received = Received(
            method=scope["method"],
            scheme=scope["scheme"],
            target=scope["raw_path"].partition(b"?")[0] + query,
            headers=names,
            length=len(body),
            digests={name: hashlib.new(name, body).digest() for name in new_hashes()},
            body=body,
        )
        answer = telling.take(received, head, telling.messages)
        headers = [(k.lower().encode(), v.encode()) for k, v in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await hypercorn.asyncio.serve(
            application,
            config,  # type: ignore[arg-type]
            shutdown_trigger=stop.wait,
        )

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    yield f"https://localhost:{port}"
    loops[0].call_soon_threadsafe(stop.set)
    thread.join()


def test_http_2_with_multiplexing(
    http2: str, telling: Provider, authority: tuple[trustme.CA, str], header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    with niquests.Session(multiplexed=True, **settings) as client:
        client.verify = authority[1]
        responses = [client.post(f"{http2}/{number}", data=FORM) for number in range(20)]
        client.gather()

        assert [response.http_version for response in responses] == [20] * 20
        assert [response.status_code for response in responses] == [200] * 20
    assert [message.problem for message in telling.messages] == [None] * 20
    assert {message.head for message in telling.messages} == {b"HTTP/2"}


@pytest.fixture(params=["sync", "async"])
def multiplexed(request: Any, authority: tuple[trustme.CA, str]) -> Callable[..., list[int]]:
    """POSTs a form to a URL some times over at once, and gives the statuses of the answers."""

    def by_session(url: str, form: dict[str, str], times: int, **settings: Any) -> list[int]:
        with niquests.Session(multiplexed=True, **settings) as client:
            client.verify = authority[1]
            responses = [client.post(url, data=form) for _ in range(times)]
            client.gather()
            return [response.status_code or 0 for response in responses]

    def by_async_session(url: str, form: dict[str, str], times: int, **settings: Any) -> list[int]:
        async def sent() -> list[int]:
            async with niquests.AsyncSession(multiplexed=True, **settings) as client:
                client.verify = authority[1]
                responses = [await client.post(url, data=form) for _ in range(times)]
                await client.gather()
                return [response.status_code or 0 for response in responses]

        return asyncio.run(sent())

    return by_session if request.param == "sync" else by_async_session


PLACES: Any = {"header": {"header_auth": True}, "query": {}, "form": {"form_auth": True}}


@LEAVES_SOCKETS
@pytest.mark.parametrize("location", ["/to", "/to?{query}"], ids=["plain", "repeats the query"])
@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("where", PLACES)
def test_a_multiplexed_redirect_within_the_origin_is_signed_anew(
    multiplexed: Any,
    http2: str,
    telling: Provider,
    where: str,
    way: str,
    status: int,
    location: str,
) -> None:
    hook = OAuthHook(*telling.credentials(), **PLACES[where])
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    telling.always("/from", redirect(status, location))
    form = {**FORM, "oauth_verifier": "4711"}

    statuses = multiplexed(f"{http2}/from?a=1", form, 3, **settings)
    gc.collect()

    assert statuses == [200] * 3
    assert [message.problem for message in telling.messages] == [None] * 6
    assert {message.oauth["oauth_verifier"] for message in telling.messages} == {"4711"}


@LEAVES_SOCKETS
@pytest.mark.parametrize("location", ["/1", "/1?{query}"], ids=["plain", "repeats the query"])
@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("where", PLACES)
def test_a_multiplexed_redirect_to_another_origin_does_not_leak(
    multiplexed: Any,
    http2: str,
    telling: Provider,
    where: str,
    way: str,
    status: int,
    location: str,
) -> None:
    """The other origin is the same provider by another name."""
    hook = OAuthHook(*telling.credentials(), **PLACES[where])
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    there = http2.replace("localhost", "127.0.0.1")
    telling.always("/from", redirect(status, there + location))
    telling.always("/1", redirect(status, "/2?{query}"))
    telling.always("/2", redirect(status, f"{http2}/3?{{query}}"))
    form = {**FORM, "oauth_verifier": "hush-verifier"}

    multiplexed(f"{http2}/from?a=1", form, 1, **settings)
    gc.collect()

    signed, *unsigned = telling.messages
    assert signed.problem is None
    assert [message.received.path for message in unsigned] == [b"/1", b"/2", b"/3"]
    for message in unsigned:
        received = message.received
        assert "oauth" not in f"{received.target!r} {received.headers} {message.body!r}"


@LEAVES_SOCKETS
def test_a_multiplexed_redirect_takes_the_cookie_along_that_it_sets(
    multiplexed: Any, http2: str, telling: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    telling.always("/from", Answer(302, {"Location": "/to", "Set-Cookie": "node=2; Path=/"}))

    multiplexed(f"{http2}/from", FORM, 1, **settings)
    gc.collect()

    assert [message.problem for message in telling.messages] == [None] * 2
    assert [message.header("Cookie") for message in telling.messages] == [None, "node=2"]


def test_http_2_with_multiplexing_and_redirects_that_one_follows_oneself(
    http2: str, telling: Provider, authority: tuple[trustme.CA, str], header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    telling.always("/from", redirect(307, "/to"))
    with niquests.Session(multiplexed=True, **settings) as client:
        client.verify = authority[1]
        first = [client.post(f"{http2}/from", data=FORM, allow_redirects=False) for _ in range(5)]
        client.gather()
        second = [client.send(response.next) for response in first if response.next]
        client.gather()

        assert [response.status_code for response in second] == [200] * 5
    assert [message.problem for message in telling.messages] == [None] * 10


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda request: pickle.loads(pickle.dumps(request))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_signed_request_can_be_copied_and_is_signed_anew(
    telling: Provider, header_auth: bool, way: str, copied: Any
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}
    with niquests.Session() as client:
        request = niquests.Request("POST", f"{telling.url}/", data=FORM, **signed)
        prepared = client.prepare_request(request)
        client.send(prepared)

        client.send(copied(prepared))

    assert [message.problem for message in telling.messages] == [None] * 2
    assert isinstance(prepared, niquests.PreparedRequest)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda request: pickle.loads(pickle.dumps(request))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_of_a_signed_request_is_one_of_niquests_own(hook: OAuthHook, copied: Any) -> None:
    plain = niquests.Request("GET", "http://provider.example/").prepare()
    signed = niquests.Request("GET", "http://provider.example/", auth=hook).prepare()

    copy_ = copied(signed)

    assert type(copy_) is niquests.PreparedRequest
    assert vars(copy_).keys() - vars(plain).keys() == {"oauth_hook_first"}


def test_signed_requests_are_of_one_class_that_is_named_as_niquests_own(hook: OAuthHook) -> None:
    kinds = {
        type(niquests.Request(method, "http://provider.example/", auth=hook).prepare())
        for method in ("GET", "POST")
    }

    assert {repr(kind) for kind in kinds} == {repr(niquests.PreparedRequest)}
    assert len(kinds) == 1


def test_a_signed_request_of_requests_stays_one_of_its_own(hook: OAuthHook) -> None:
    import requests

    request = requests.Request("GET", "http://provider.example/", auth=hook).prepare()

    assert type(request) is requests.PreparedRequest


@LEAVES_SOCKETS
def test_http_2_of_an_async_session(
    http2: str, telling: Provider, authority: tuple[trustme.CA, str], header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*telling.credentials(), header_auth)
    settings: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": [hook]}}

    async def sent() -> list[niquests.Response]:
        async with niquests.AsyncSession(**settings) as client:
            client.verify = authority[1]
            first = await client.get(f"{http2}/first")
            calls = [client.post(f"{http2}/{number}", data=FORM) for number in range(10)]
            return [first, *await asyncio.gather(*calls)]

    responses = asyncio.run(sent())
    gc.collect()

    assert [response.http_version for response in responses] == [20] * 11
    assert [message.problem for message in telling.messages] == [None] * 11


# The import


def test_oauth_hook_imports_no_niquests() -> None:
    assert run("import sys, oauth_hook; print('niquests' in sys.modules)") == "False\n"


@pytest.mark.parametrize(
    "imports", ["import niquests, oauth_hook", "import oauth_hook, niquests"], ids=str
)
def test_the_order_of_the_imports_does_not_matter(imports: str, provider: Sandbox) -> None:
    code = f"""
import sys
{imports}
hook = oauth_hook.OAuthHook(*sys.argv[2:], True)
hooks = {{"pre_request": [hook]}}
print(niquests.get(sys.argv[1], hooks=hooks).status_code)
import requests
print(requests.get(sys.argv[1], hooks=hooks).status_code)
"""
    credentials = *provider.issue_token(), provider.consumer_key, provider.consumer_secret

    assert run(code, provider.resource_url, *credentials) == "200\n200\n"


def test_niquests_keeps_its_own_event(provider: Sandbox) -> None:
    code = """
import niquests
before = niquests.Session.send, niquests.AsyncSession.send, list(niquests.hooks.HOOKS)
import oauth_hook
assert before == (niquests.Session.send, niquests.AsyncSession.send, niquests.hooks.HOOKS)
"""
    assert run(code) == ""
