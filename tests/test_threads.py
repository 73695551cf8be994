"""One hook and one session for many threads and processes, over sockets: no nonce twice.

``OAUTH_HOOK_TEST_SIZE`` scales it: 1 is the whole of what is promised, the default is quick.
"""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from servers import Provider

from oauth_hook import OAuthHook, UnsignableRequest, message
from oauth_hook import hook as hook_module

SIZE = float(os.environ.get("OAUTH_HOOK_TEST_SIZE", "0.02"))
THREADS = 32
REQUESTS = max(int(100_000 * SIZE), THREADS)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[list[str]]]]:
    """A provider in a process of its own: its URL, and the credentials of two hooks."""
    server = Path(__file__).parent / "servers.py"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, server],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdin
        assert process.stdout
        url, *credentials = json.loads(process.stdout.readline())
        yield url, credentials
        process.stdin.close()


def test_threads_share_a_hook_that_another_thread_keeps_changing(
    elsewhere: tuple[str, list[list[str]]], session: requests.Session, eager_threads: None
) -> None:
    url, (first, second) = elsewhere
    hook = OAuthHook(*first)
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    session.hooks["pre_request"] = [hook]
    finished = threading.Event()

    def keep_changing() -> None:
        while not finished.wait(0.0005):
            hook.header_auth = not hook.header_auth
            hook.token = (second if hook.token.key == first[0] else first)[:2]

    def send(number: int) -> tuple[int, str]:
        if number % 2:
            response = session.get(f"{url}/x", params={"n": number})
        else:
            response = session.post(f"{url}/x", {"n": number, "status": "Yay! It works!"})
        sent = response.request.headers.get("Authorization") or response.request.url
        return response.status_code, sent.partition("oauth_nonce=")[2].strip('"')[:30]

    changing = threading.Thread(target=keep_changing)
    changing.start()
    with ThreadPoolExecutor(THREADS) as threads:
        statuses, nonces = zip(*threads.map(send, range(REQUESTS)), strict=True)
    finished.set()
    changing.join()

    assert Counter(statuses) == {200: REQUESTS}
    assert len(set(nonces)) == REQUESTS


# Copies

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda original: pickle.loads(pickle.dumps(original)),
}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_hook_signs_as_the_hook_does(
    strict: Provider, session: requests.Session, header_auth: bool, duplicate: Any
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get("http://provider.example/x", auth=duplicate(hook))
    session.get("http://provider.example/x", auth=hook)

    first, second = strict.messages
    assert (first.problem, second.problem) == (None, None)
    assert first.received.places.keys() == second.received.places.keys()


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_hook_is_changed_by_itself(header_auth: bool, duplicate: Any) -> None:
    hook = OAuthHook("token", "hush-token", "consumer", "hush-consumer", header_auth)
    other = duplicate(hook)

    other.token, other.header_auth = ("other", "hush-other"), not header_auth

    assert (hook.token, hook.header_auth) != (other.token, other.header_auth)
    assert hook.token.key == "token"


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("way", ["session.hooks", "session.auth"])
def test_a_copy_of_a_session_signs_as_the_session_does(
    strict: Provider, header_auth: bool, way: str, duplicate: Any
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    with requests.Session() as session:
        if way == "session.auth":
            session.auth = hook
        else:
            session.hooks["pre_request"] = [hook]
        with duplicate(session) as other:
            other.get("http://provider.example/x")
        session.get("http://provider.example/x")

    assert [message.problem for message in strict.messages] == [None, None]


class Subclassed(OAuthHook):
    consumer_key = "of the class"
    consumer_secret = "hush-of-the-class"


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_subclass_is_of_the_subclass(duplicate: Any) -> None:
    hook = Subclassed("token", "hush-token")
    hook.note = "kept"

    other = duplicate(hook)

    assert (type(other), other.note, other.consumer, other.token) == (
        Subclassed,
        "kept",
        hook.consumer,
        hook.token,
    )


# Processes


def nonces_of(hook: OAuthHook, url: str, times: int) -> list[str]:
    """What a worker does: ``times`` signed requests, and their nonces if they are accepted."""
    nonces = []
    with requests.Session() as session:
        for _ in range(times):
            response = session.get(url, auth=hook)
            assert response.status_code == 200, response.text
            nonces.append(str(response.request.headers["Authorization"]).partition("nonce=")[2])
    return nonces


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_share_no_sequence_of_nonces(
    elsewhere: tuple[str, list[list[str]]], method: str
) -> None:
    url, (credentials, _) = elsewhere
    hook = OAuthHook(*credentials, True)
    here = nonces_of(hook, url, 1)  # so that whatever state there is has been set up before

    with multiprocessing.get_context(method).Pool(3) as workers:
        theirs = workers.starmap(nonces_of, [(hook, url, 20)] * 3)

    nonces = here + [nonce for some in theirs for nonce in some] + nonces_of(hook, url, 20)
    assert len(set(nonces)) == 81


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_process_that_is_forked_while_another_thread_signs_can_sign() -> None:
    hook = OAuthHook(consumer_key="consumer", consumer_secret="hush-consumer", header_auth=True)
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:  # as this thread could not: to the one that holds it, it is open
        with hook_module._lock:
            held.set()
            forked.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    child = os.fork()
    if not child:
        import signal

        signal.alarm(5)  # ends a child that waits for a thread that it doesn't have
        prepared = requests.Request("GET", "http://provider.example/x", auth=hook).prepare()
        os._exit(0 if "oauth_signature" in prepared.headers["Authorization"] else 1)
    forked.set()
    thread.join(30)

    assert os.waitpid(child, 0) == (child, 0)


def sends(prepared: requests.PreparedRequest) -> None:
    with requests.Session() as session:
        response = session.send(prepared)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("way", ["auth", "pre_request"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_request_that_was_prepared_before_a_fork_is_signed_by_each_process(
    elsewhere: tuple[str, list[list[str]]], header_auth: bool, way: str
) -> None:
    url, (credentials, _) = elsewhere
    hook = OAuthHook(*credentials, header_auth)
    given: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    prepared = requests.Request("POST", url, data={"a": "1"}, **given).prepare()

    fork = multiprocessing.get_context("fork").Process
    children = [fork(target=sends, args=(prepared,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)
    sends(prepared)

    assert [child.exitcode for child in children] == [0, 0, 0]


# The small print


def test_a_request_is_changed_and_copied_while_no_other_thread_does_so(
    strict: Provider, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Races that are lost too rarely for the tests above."""
    locked: list[bool] = []

    def noting(function: Any) -> Any:
        def noted(*args: Any) -> Any:
            locked.append(hook_module._lock._is_owned())
            return function(*args)

        return noted

    hook = OAuthHook(*strict.credentials())
    request = requests.Request("GET", "http://provider.example/x", hooks={"pre_request": hook})
    prepared = request.prepare()
    with monkeypatch.context() as patch:
        patch.setattr(message, "put", noting(message.put))
        session.send(prepared)
    with monkeypatch.context() as patch:
        patch.setattr(requests.PreparedRequest, "copy", noting(requests.PreparedRequest.copy))
        session.send(prepared)
    with monkeypatch.context() as patch:
        patch.setattr(hook_module, "Signer", noting(hook_module.Signer))
        hook.token, hook.consumer = hook.token, hook.consumer

    assert locked == [True] * 4


def test_what_is_signed_in_the_midst_of_a_copy_waits_for_nobody(
    strict: Provider, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a finalizer, say, that gives a lease back, or by a signal handler."""
    copy, other = requests.PreparedRequest.copy, OAuthHook(*strict.credentials())

    def interrupted(request: requests.PreparedRequest) -> requests.PreparedRequest:
        requests.Request("DELETE", "http://provider.example/lease", auth=other).prepare()
        return copy(request)

    hook = OAuthHook(*strict.credentials())
    prepared = requests.Request("GET", "http://provider.example/x", auth=hook).prepare()
    session.send(prepared)
    monkeypatch.setattr(requests.PreparedRequest, "copy", interrupted)
    thread = threading.Thread(target=session.send, args=[prepared], daemon=True)
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    assert [message.problem for message in strict.messages] == [None, None]


def test_a_request_that_another_thread_signs_while_it_is_read_is_signed_again(
    strict: Provider, session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = OAuthHook(*strict.credentials())
    sign = message.sign

    def overtaken(request: Any, *rest: Any) -> Any:
        monkeypatch.setattr(message, "sign", sign)
        hook(request)
        raise UnsignableRequest("it was being changed")

    monkeypatch.setattr(message, "sign", overtaken)

    session.get("http://provider.example/x", hooks={"pre_request": hook})

    assert [sent.problem for sent in strict.messages] == [None]
