"""requests-toolbelt, requests-futures, requests-ratelimiter, CacheControl, tenacity and backoff."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from email.utils import formatdate
from multiprocessing import get_context
from pathlib import Path
from queue import Queue
from typing import Any

import backoff
import pytest
import requests
import tenacity
from cachecontrol import CacheControl, CacheControlAdapter
from cachecontrol.caches.file_cache import FileCache
from cachecontrol.heuristics import ExpiresAfter
from conftest import OAUTH_PARAMETERS, verified
from requests_futures.sessions import FuturesSession
from requests_ratelimiter import LimiterAdapter, LimiterSession
from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor, StreamingIterator
from requests_toolbelt.adapters.host_header_ssl import HostHeaderSSLAdapter
from requests_toolbelt.adapters.socket_options import SocketOptionsAdapter, TCPKeepAliveAdapter
from requests_toolbelt.adapters.source import SourceAddressAdapter
from requests_toolbelt.downloadutils.tee import tee
from requests_toolbelt.sessions import BaseUrlSession
from requests_toolbelt.threaded import pool
from requests_toolbelt.utils.dump import dump_all
from servers import RESET, Answer, Provider, redirect

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

# requests-toolbelt: sessions and adapters


def test_a_base_url_session(provider: Sandbox, sign: Callable[[Any], Any], place: str) -> None:
    with sign(BaseUrlSession(f"{provider.resource_url}/")) as client:
        report = verified(client.get("statuses", params={"a": "1"}))

    assert report["place"] == place
    assert report["url"].partition("?")[0] == f"{provider.resource_url}/statuses"


def test_a_base_url_session_prepares_and_sends(
    provider: Sandbox, sign: Callable[[Any], Any], place: str
) -> None:
    with sign(BaseUrlSession(f"{provider.resource_url}/")) as client:
        prepared = client.prepare_request(requests.Request("GET", "statuses"))

        assert verified(client.send(prepared))["place"] == place


@pytest.mark.parametrize(
    "adapter",
    [
        SourceAddressAdapter("127.0.0.1"),
        SocketOptionsAdapter(),
        TCPKeepAliveAdapter(),
        HostHeaderSSLAdapter(),
    ],
    ids=lambda adapter: type(adapter).__name__,
)
def test_an_adapter_of_the_toolbelt(
    adapter: Any, provider: Sandbox, sign: Callable[[Any], Any], place: str
) -> None:
    with sign(requests.Session()) as client:
        client.mount("http://", adapter)

        assert verified(client.post(provider.resource_url, {"a": "1"}))["place"] == place


@pytest.mark.parametrize("monitored", [False, True], ids=["encoder", "monitored encoder"])
def test_a_multipart_encoder_streams_as_it_is(
    monitored: bool, provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    content = bytes(range(256)) * 4000
    encoder = MultipartEncoder({"image": ("hommer.gif", io.BytesIO(content), "image/gif")})
    length, seen = encoder.len, []
    body = MultipartEncoderMonitor(encoder, lambda m: seen.append(m.bytes_read))
    response = requests.post(
        provider.resource_url,
        data=body if monitored else encoder,
        headers={"Content-Type": encoder.content_type},
        **signed,
    )

    report = verified(response)
    assert (report["place"], report["length"]) == (place, length)
    assert not monitored or seen[-1] == length


def test_a_streaming_iterator_streams_as_it_is(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    body = StreamingIterator(10_000, iter([b"1234567890"] * 1000))
    report = verified(requests.post(provider.resource_url, data=body, **signed))

    assert (report["place"], report["length"]) == (place, 10_000)


def test_a_dump_shows_the_request_as_it_was_sent(provider: Sandbox, signed: dict[str, Any]) -> None:
    response = requests.get(provider.resource_url, **signed)

    dump = dump_all(response).decode()

    assert verified(response)["oauth"]
    assert f"oauth_nonce={dict(verified(response)['oauth'])['oauth_nonce']}" in dump.replace(
        '"', ""
    )


def test_a_tee_reads_the_response(provider: Sandbox, signed: dict[str, Any]) -> None:
    copied = io.BytesIO()
    response = requests.get(provider.resource_url, stream=True, **signed)

    assert b"".join(tee(response, copied)) == copied.getvalue()
    assert response.status_code == 200


class HeldQueue(Queue[Any]):
    """Gives nothing until it is let: toolbelt's threads begin before they are whole."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def get_nowait(self) -> Any:
        self.let.wait()
        return super().get_nowait()


def test_a_threaded_pool_shares_one_hook(provider: Sandbox, sign: Callable[[Any], Any]) -> None:
    jobs = HeldQueue()
    for number in range(20):
        jobs.put({"method": "GET", "url": f"{provider.resource_url}/{number}"})
    workers = pool.Pool(jobs, session=lambda: sign(requests.Session()), num_processes=4)
    jobs.let.set()
    workers.join_all()

    assert [error.exception for error in workers.exceptions()] == []
    statuses = [response.status_code for response in workers.responses()]
    assert statuses == [200] * 20


# requests-futures


@pytest.mark.parametrize("executor", [None, 4], ids=["its own executor", "given an executor"])
def test_futures_are_signed(
    executor: int | None, provider: Sandbox, sign: Callable[[Any], Any], place: str
) -> None:
    given: Executor | None = None if executor is None else ThreadPoolExecutor(executor)
    with sign(FuturesSession(executor=given)) as client:
        futures = [client.post(provider.resource_url, {"n": str(n)}) for n in range(20)]
        reports = [verified(future.result(10)) for future in futures]
    if given is not None:
        given.shutdown()

    assert {report["place"] for report in reports} == {place}
    assert len({dict(report["oauth"])["oauth_nonce"] for report in reports}) == 20


def test_futures_are_signed_by_the_request(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    with FuturesSession() as client:
        assert verified(client.get(provider.resource_url, **signed).result(10))["place"] == place


def test_futures_are_signed_in_other_processes(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    with (
        ProcessPoolExecutor(1, get_context("spawn")) as processes,
        FuturesSession(executor=processes, session=requests.Session()) as client,
    ):
        assert verified(client.get(provider.resource_url, **signed).result(60))["place"] == place


# requests-ratelimiter


def test_a_limiter_session_signs(provider: Sandbox, sign: Callable[[Any], Any], place: str) -> None:
    with sign(LimiterSession(per_second=1000)) as client:
        reports = [verified(client.get(provider.resource_url)) for _ in range(5)]

    assert {report["place"] for report in reports} == {place}


def test_a_limiter_adapter_sends_what_was_signed(
    provider: Sandbox, sign: Callable[[Any], Any], place: str
) -> None:
    with sign(requests.Session()) as client:
        client.mount("http://", LimiterAdapter(per_second=1000))

        assert verified(client.get(provider.resource_url))["place"] == place


# CacheControl, which looks at the signed request: it can only hit in header mode


@pytest.fixture
def cacheable(telling: Provider) -> Provider:
    headers = {"Cache-Control": "max-age=60", "Date": formatdate(usegmt=True)}
    telling.always("/", Answer(200, headers, b"an answer"))
    return telling


@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped session", "adapter"])
def test_cachecontrol_hits_in_header_mode(
    wrapped: bool, cacheable: Provider, way: str, tmp_path: Path
) -> None:
    hook = OAuthHook(*cacheable.credentials(), True)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    with requests.Session() as client:
        if wrapped:
            CacheControl(client, FileCache(tmp_path))
        else:
            client.mount("http://", CacheControlAdapter(FileCache(tmp_path)))
        texts = [client.get(f"{cacheable.url}/", **signed).text for _ in range(2)]

    assert texts == ["an answer", "an answer"]
    assert [message.problem for message in cacheable.messages] == [None]


def test_cachecontrol_keeps_no_credentials_in_header_mode(
    cacheable: Provider, way: str, tmp_path: Path
) -> None:
    hook = OAuthHook(*cacheable.credentials(), True)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    with CacheControl(requests.Session(), FileCache(tmp_path)) as client:
        client.get(f"{cacheable.url}/", **signed)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert files
    assert not [path for path in files if b"oauth_" in path.read_bytes()]


def test_cachecontrol_misses_in_query_mode_and_the_request_is_signed(
    cacheable: Provider, way: str
) -> None:
    hook = OAuthHook(*cacheable.credentials(), False)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    with CacheControl(requests.Session()) as client:
        for _ in range(2):
            client.get(f"{cacheable.url}/", **signed)

    assert [message.problem for message in cacheable.messages] == [None, None]


def test_cachecontrol_asks_again_with_a_new_signature(telling: Provider, way: str) -> None:
    telling.once("/", Answer(200, {"ETag": '"1"'}, b"an answer"), Answer(304, {"ETag": '"1"'}))
    hook = OAuthHook(*telling.credentials(), True)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    with CacheControl(requests.Session()) as client:
        texts = [client.get(f"{telling.url}/", **signed).text for _ in range(2)]

    assert texts == ["an answer", "an answer"]
    assert telling.messages[1].header("If-None-Match") == '"1"'
    assert [message.problem for message in telling.messages] == [None, None]


def test_cachecontrol_with_a_heuristic_hits_against_the_sandbox(
    provider: Sandbox, hook: OAuthHook
) -> None:
    hook.header_auth = True
    with CacheControl(requests.Session(), heuristic=ExpiresAfter(minutes=1)) as client:
        client.hooks["pre_request"] = [hook]
        first, second = [client.get(provider.resource_url) for _ in range(2)]

    assert verified(first) == verified(second)  # with the same nonce: it came from the cache


# tenacity and backoff: what is sent again is signed again


@pytest.fixture
def unsteady(telling: Provider) -> Provider:
    """Breaks the first connection, redirects the second request, and is out of order once."""
    telling.once("/", RESET, redirect(307, "/there"))
    telling.once("/there", Answer(503))
    return telling


def with_tenacity(send: Callable[[], requests.Response]) -> requests.Response:
    for attempt in tenacity.Retrying(stop=tenacity.stop_after_attempt(5), reraise=True):
        with attempt:
            response = send()
            response.raise_for_status()
    return response


def with_backoff(send: Callable[[], requests.Response]) -> requests.Response:
    @backoff.on_exception(
        backoff.constant, requests.RequestException, max_tries=5, interval=0, jitter=None
    )
    def sent() -> requests.Response:
        response = send()
        response.raise_for_status()
        return response

    return sent()


RETRYING = pytest.mark.parametrize(
    "retrying", [with_tenacity, with_backoff], ids=["tenacity", "backoff"]
)


@RETRYING
def test_a_retried_call_is_signed_anew(
    retrying: Any, unsteady: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*unsteady.credentials(), header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}

    response = retrying(lambda: requests.post(f"{unsteady.url}/", {"a": "1"}, **signed))

    assert response.status_code == 200
    assert_each_is_signed(unsteady)


@RETRYING
def test_a_prepared_request_that_is_retried_is_signed_anew(
    retrying: Any, unsteady: Provider, header_auth: bool, way: str
) -> None:
    hook = OAuthHook(*unsteady.credentials(), header_auth)
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    with requests.Session() as client:
        prepared = client.prepare_request(
            requests.Request("POST", f"{unsteady.url}/", data={"a": "1"}, **signed)
        )
        response = retrying(lambda: client.send(prepared))

    assert response.status_code == 200
    assert_each_is_signed(unsteady)


def assert_each_is_signed(provider: Provider) -> None:
    assert len(provider.messages) >= 4
    assert [message.problem for message in provider.messages] == [None] * len(provider.messages)
    assert {message.body and b"a=1" in message.body for message in provider.messages} == {True}


def test_every_oauth_parameter_is_named_here(hook: OAuthHook, provider: Sandbox) -> None:
    report = verified(requests.get(provider.resource_url, auth=hook))

    assert {name for name, _ in report["oauth"]} == OAUTH_PARAMETERS
