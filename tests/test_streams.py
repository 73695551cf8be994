"""Bodies of any size, over sockets: not read by us, not copied, the same at the provider.

``OAUTH_HOOK_TEST_SIZE`` scales the bodies that aren't signed: 1 is 1 GiB, the default is quick.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests_toolbelt import MultipartEncoder
from servers import Message, Provider

from oauth_hook import OAuthHook

HERE = "http://provider.example"
MIB = 2**20
SIZE = MIB * max(int(1024 * float(os.environ.get("OAUTH_HOOK_TEST_SIZE", "0.02"))), 1)
#: In which urllib3 sends a str.
ENCODING = "latin-1" if urllib3.__version__.startswith("1.") else "utf-8"
needs_proc = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks are read from Linux's /proc"
)


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of ``SIZE`` bytes, of which no two MiB are the same."""
    path = tmp_path_factory.mktemp("streams") / "big"
    with open(path, "wb") as file:
        file.writelines(
            hashlib.sha256(str(number).encode()).digest() * (MIB // 32)
            for number in range(SIZE // MIB)
        )
    return path


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while block := file.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def blocks_of(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(MIB):
            yield block


def problems(messages: list[Message]) -> list[str | None]:
    return [message.problem for message in messages]


# What arrives is what was given


@pytest.mark.parametrize(
    "content_type", [None, "application/octet-stream"], ids=["untyped", "typed"]
)
def test_a_file_arrives_as_it_is(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    big_file: Path,
    content_type: str | None,
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    headers = {"Content-Type": content_type} if content_type else {}

    with open(big_file, "rb") as file:
        session.put(f"{HERE}/x", file, headers=headers, hooks={"pre_request": hook})

    (message,) = strict.messages
    assert message.problem is None
    assert (message.received.length, message.received.sha256) == (SIZE, sha256_of(big_file))
    assert message.header("Content-Type") == content_type
    assert message.header("Content-Length") == str(SIZE)


@pytest.mark.parametrize("content_type", [None, "text/plain"], ids=["untyped", "typed"])
def test_a_generator_arrives_in_chunks_as_it_is(
    strict: Provider,
    session: requests.Session,
    header_auth: bool,
    big_file: Path,
    content_type: str | None,
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    headers = {"Content-Type": content_type} if content_type else {}

    session.post(f"{HERE}/x", blocks_of(big_file), headers=headers, auth=hook)

    (message,) = strict.messages
    assert message.problem is None
    assert message.received.sha256 == sha256_of(big_file)
    assert message.header("Transfer-Encoding") == "chunked"
    assert message.header("Content-Type") == content_type


def test_a_multipart_encoder_arrives_as_it_encodes(
    strict: Provider, session: requests.Session, header_auth: bool, big_file: Path
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)

    with open(big_file, "rb") as file:
        encoder = MultipartEncoder({"a": "1", "photo": ("photo.jpg", file, "image/jpeg")}, "b")
        headers = {"Content-Type": encoder.content_type}
        session.post(f"{HERE}/x", encoder, headers=headers, hooks={"pre_request": hook})

    (message,) = strict.messages
    with open(big_file, "rb") as file:
        encoder = MultipartEncoder({"a": "1", "photo": ("photo.jpg", file, "image/jpeg")}, "b")
        expected = hashlib.sha256()
        while block := encoder.read(MIB):
            expected.update(block)
    assert message.problem is None
    assert message.received.sha256 == expected.hexdigest()
    assert message.header("Content-Type") == encoder.content_type


def test_a_multipart_upload_is_what_requests_made_of_it(
    strict: Provider, session: requests.Session, header_auth: bool, big_file: Path
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    with open(big_file, "rb") as file:
        request = requests.Request(
            "POST", f"{HERE}/x", data={"oauth_callback": "a form's"}, files={"photo": file}
        )
        prepared = session.prepare_request(request)
    expected = hashlib.sha256(prepared.body).hexdigest()
    prepared.hooks["pre_request"] = [hook]

    session.send(prepared)

    (message,) = strict.messages
    assert message.problem is None
    assert message.received.sha256 == expected
    assert message.oauth.get("oauth_callback") is None


class OnlyOnce:
    """A body that tells whether anybody touched it before it was sent."""

    def __init__(self) -> None:
        self.touched: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__"):
            self.touched.append(name)
        raise AttributeError(name)

    def __iter__(self) -> Iterator[bytes]:
        self.touched.append("__iter__")
        return iter([b"a", b"b"])


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json"])
def test_a_body_that_can_be_sent_only_once_is_never_touched_by_us(
    header_auth: bool, content_type: str | None
) -> None:
    hook = OAuthHook("token", "hush-token", "consumer", "hush-consumer", header_auth)
    headers = {"Content-Type": content_type} if content_type else {}
    body = OnlyOnce()
    prepared = requests.Request("POST", f"{HERE}/x", data=body, headers=headers).prepare()
    body.touched.clear()

    hook(prepared)

    assert body.touched == []
    assert prepared.body is body


# Memory

CLIENT = """
import gc, json, re, sys, requests
from oauth_hook import OAuthHook
url, path, kind, header_auth, *credentials = sys.argv[1:]

def peak():  # in KiB
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

def send(auth, path):
    with requests.Session() as session, open(path, "rb") as file:
        body, headers = file, {}
        if kind == "generator":
            body = iter(lambda: file.read(65536), b"")
        elif kind == "MultipartEncoder":
            from requests_toolbelt import MultipartEncoder
            body = MultipartEncoder({"photo": ("photo.jpg", file, "image/jpeg")})
            headers = {"Content-Type": body.content_type}
        if kind == "multipart":
            response = session.post(url, {"a": "1"}, files={"photo": file}, auth=auth)
        else:
            response = session.post(url, body, headers=headers, auth=auth)
    return response.status_code

def peak_of(auth):
    gc.collect()
    open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
    return send(auth, path), peak()

hook = OAuthHook(*credentials, header_auth=header_auth == "header")
nobody = lambda request: request
for _ in range(2):  # what is imported and allocated once is no matter
    send(hook, __file__), send(nobody, __file__)
_, unsigned = peak_of(nobody)
status, signed = peak_of(hook)
_, unsigned_again = peak_of(nobody)
print(json.dumps([status, signed - max(unsigned, unsigned_again), unsigned]))
"""


@needs_proc
@pytest.mark.parametrize("kind", ["file", "generator", "MultipartEncoder", "multipart"])
def test_signing_adds_no_more_than_1_mib_to_the_peak_of_memory(
    strict: Provider, header_auth: bool, big_file: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "client.py").write_text(CLIENT)
    mode = "header" if header_auth else "query"
    arguments = [strict.url, big_file, kind, mode, *strict.credentials()]

    status, added, _ = in_a_process(tmp_path / "client.py", *arguments)

    assert status == 200
    assert added <= 1024


def in_a_process(script: Path, *arguments: object) -> Any:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    out = subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return json.loads(out)


FORM_CLIENT = """
import json, re, sys, requests
from urllib.parse import urlencode
from oauth_hook import OAuthHook
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
kind, header_auth = sys.argv[1:]
value = {"text": "x" * 1000, "escapes": "%C3%BC+%2f" * 100}[kind]
form = "&".join(f"name{i}={value}" for i in range(50 * 2**20 // len(value)))
prepared = requests.Request("POST", "http://provider.example/x", data=form,
    headers={"Content-Type": "application/x-www-form-urlencoded"}).prepare()
hook = OAuthHook("token", "hush-token", "consumer", "hush-consumer", header_auth == "header")
open("/proc/self/clear_refs", "w").write("5")
before = peak()
hook(prepared)
print(json.dumps([len(form), peak() - before]))
"""


@needs_proc
@pytest.mark.parametrize(
    ("kind", "mode"), [("text", "header"), ("text", "query"), ("escapes", "header")]
)
def test_a_form_of_50_mib_is_signed_with_300_mib_more_memory_at_most(
    tmp_path: Path, kind: str, mode: str
) -> None:
    (tmp_path / "client.py").write_text(FORM_CLIENT)

    length, added = in_a_process(tmp_path / "client.py", kind, mode)

    assert length >= 49 * MIB
    assert added <= 300 * 1024


# Number


def test_ten_thousand_parameters_are_signed_rightly(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    form = [(f"n{number % 97}", f"v {number * 7919 % 10007}") for number in range(10_000)]

    session.post(f"{HERE}/x", form, hooks={"pre_request": hook})

    assert problems(strict.messages) == [None]


def test_a_query_of_1_mib_is_signed_rightly(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    query = "&".join(f"n{number}=%C3%BC+{'x' * 80}" for number in range(MIB // 96))

    session.get(f"{HERE}/x?{query}", hooks={"pre_request": hook})

    assert problems(strict.messages) == [None]
    assert strict.messages[0].query == query


def test_a_form_of_2_mib_is_signed_rightly(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)
    form = {"small": "1", "big": os.urandom(MIB).decode("latin-1")}

    session.post(f"{HERE}/x", form, hooks={"pre_request": hook})

    assert problems(strict.messages) == [None]
    assert strict.messages[0].received.length > 2 * MIB


def test_the_work_grows_no_faster_than_the_number_of_parameters_and_its_logarithm() -> None:
    hook = OAuthHook("token", "hush-token", "consumer", "hush-consumer", True)

    def seconds(number: int) -> float:
        form = [(f"n{index * 7919 % 10007}", "a b") for index in range(number)]
        prepared = requests.Request("POST", f"{HERE}/x", data=form).prepare()
        best = 1e9
        for _ in range(5):
            request = prepared.copy()
            request.hooks = {"pre_request": [hook]}
            gc.collect()
            started = time.process_time()
            hook(request)
            best = min(best, time.process_time() - started)
        return best

    # 16 times as many: n log n is 21 times the work, n squared 256 times. A busy machine is slow.
    assert seconds(64_000) < 80 * seconds(4_000)


def test_the_memory_does_not_depend_on_a_body_that_is_not_signed(header_auth: bool) -> None:
    hook = OAuthHook("token", "hush-token", "consumer", "hush-consumer", header_auth)
    prepared = requests.Request("POST", f"{HERE}/x", data=bytes(64 * MIB)).prepare()
    hook(requests.Request("POST", f"{HERE}/x", data=b"warm").prepare())

    tracemalloc.start()
    hook(prepared)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < MIB // 8


# The small print


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
def test_text_arrives_in_the_encoding_in_which_it_arrives_unsigned(
    strict: Provider, session: requests.Session, header_auth: bool, content_type: str
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth, body_hash=True)
    headers = {"Content-Type": content_type}
    encoded = "a=\u00e9".encode(ENCODING)

    session.post(f"{HERE}/x", "a=\u00e9", headers=headers, auth=hook)
    unsigned = session.post(f"{HERE}/x", "a=\u00e9", headers=headers).request

    signed, arrived = strict.messages
    assert signed.problem is None
    assert (signed.body, signed.header("Content-Length")) == (encoded, str(len(encoded)))
    # With urllib3 2 Requests 2.30 and 2.31 announce less than they send.
    if unsigned.headers["Content-Length"] == str(len(encoded)):
        assert arrived.body == encoded


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
def test_text_whose_content_length_counts_characters_arrives_whole(
    strict: Provider, session: requests.Session, header_auth: bool, content_type: str
) -> None:
    """So Requests counts with urllib3 1, and Requests 2.30 and 2.31 with urllib3 2."""
    hook = OAuthHook(*strict.credentials(), header_auth, body_hash=True)
    headers = {"Content-Type": content_type}
    for text in ("a=\u00e9", "a=\u20ac"):
        prepared = requests.Request("POST", f"{HERE}/x", headers, data=text).prepare()
        prepared.headers["Content-Length"] = "3"
        session.send(hook(prepared))

    assert [message.problem for message in strict.messages] == [None, None]
    first, second = (message.body for message in strict.messages)
    assert first == "a=\u00e9".encode(ENCODING)
    assert second == b"a=\xe2\x82\xac"  # which Latin-1 can't hold
