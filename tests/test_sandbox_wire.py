"""The sandbox's HTTP: exact bytes, bodies of any size and connections."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator

import pytest
import requests
from sandbox_client import FORM, Wire, authorization

from oauth_hook.sandbox import Sandbox


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def request(
    provider: Sandbox,
    target: bytes,
    signed_as: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    form: str | None = None,
    headers: bytes = b"",
) -> bytes:
    """Sign the URL that ends in `signed_as`, and write the request for `target` byte by byte."""
    host = provider.url.partition("://")[2].encode()
    signature = authorization(provider, method, provider.url + signed_as, form).encode()
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return (
        b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (method.encode(), target, host)
        + b"Authorization: %b\r\n" % signature
        + length
        + headers
        + b"\r\n"
        + body
    )


@pytest.mark.parametrize(
    ("target", "signed_as"),
    [
        (b"/resource?a[]=1&b=$!*'(),;:@", "/resource?a%5B%5D=1&b=%24%21%2A%27%28%29%2C%3B%3A%40"),
        ("/resource?ä=ö\u00e0\u0085".encode(), "/resource?%C3%A4=%C3%B6%C3%A0%C2%85"),
        (b"/resource?a=%zz&b=%&&c", "/resource?a=%25zz&b=%25&c="),
        (b"/resource?a=%7e%2f&b=a+b", "/resource?a=~%2F&b=a%20b"),
        (b"/resource?realm=x", "/resource?realm=x"),
        (b"/resource?xoauth_a=x&Oauth_b=y", "/resource?xoauth_a=x&Oauth_b=y"),
        (b"/resource/a%2Fb/%7e/..;v=1", "/resource/a%2Fb/%7e/..;v=1"),
        (b"/", "/"),
        (b"/resource?", "/resource"),
    ],
    ids=[
        "reserved",
        "raw UTF-8",
        "no escapes",
        "other escapes",
        "realm",
        "near names",
        "path",
        "/",
        "an empty query",
    ],
)
def test_verifies_the_very_bytes(provider: Sandbox, target: bytes, signed_as: str) -> None:
    with Wire(provider) as wire:
        status, answer = wire.ask(request(provider, target, signed_as))
    assert status == 200, answer.decode()
    assert json.loads(answer)["url"] == provider.url + target.decode()


@pytest.mark.parametrize(
    "content_type",
    [FORM, "Application/X-WWW-Form-URLEncoded", f"{FORM}; charset=utf-8", f"{FORM} ;charset=UTF-8"],
)
def test_form_is_signed_whatever_its_type_looks_like(provider: Sandbox, content_type: str) -> None:
    raw = request(
        provider,
        b"/resource",
        "/resource",
        method="POST",
        body="a[]=ü+1".encode(),
        form="a%5B%5D=%C3%BC+1",
        headers=f"Content-Type: {content_type}\r\n".encode(),
    )
    with Wire(provider) as wire:
        status, answer = wire.ask(raw)
    assert status == 200, answer.decode()
    assert json.loads(answer)["form"] == [["a[]", "ü 1"]]


@pytest.mark.parametrize("headers", [b"", b"Content-Type: text/plain\r\n"])
def test_other_body_is_not_signed(provider: Sandbox, headers: bytes) -> None:
    raw = request(
        provider, b"/resource", "/resource", method="POST", body=b"a=\xff", headers=headers
    )
    with Wire(provider) as wire:
        status, answer = wire.ask(raw)
    assert (status, json.loads(answer)["form"], json.loads(answer)["body"]) == (200, [], None)


def test_bytes_that_are_not_utf8_are_refused_with_the_reason(provider: Sandbox) -> None:
    with Wire(provider) as wire:
        status, answer = wire.ask(request(provider, b"/resource?a=%ff%fe", "/resource"))
    assert status == 400
    assert b"not UTF-8" in answer


def test_host_header_is_the_host_that_is_verified(provider: Sandbox) -> None:
    signature = authorization(provider, "GET", "http://api.example.org/resource")
    answer = requests.get(
        provider.resource_url,
        headers={"Authorization": signature, "Host": "API.example.org:80"},
        timeout=10,
    )
    assert answer.json()["url"] == "http://API.example.org:80/resource"


@pytest.mark.parametrize(
    ("target", "signed_as"),
    [
        (b"http://api.example.org/resource", "http://api.example.org/resource"),
        (b"HTTP://api.example.org/resource?a=b", "http://api.example.org/resource?a=b"),
        (b"http://api.example.org", "http://api.example.org/"),
    ],
    ids=["", "upper case", "no path"],
)
def test_absolute_target_is_the_host_that_is_verified(
    provider: Sandbox, target: bytes, signed_as: str
) -> None:
    raw = request(provider, target, "")
    signature = authorization(provider, "GET", signed_as)
    old = raw.partition(b"Authorization: ")[2].partition(b"\r\n")[0]
    with Wire(provider) as wire:
        status, answer = wire.ask(raw.replace(old, signature.encode()))
    assert (status, json.loads(answer)["url"]) == (200, signed_as)


def test_fragment_in_the_target_is_refused_with_the_reason(provider: Sandbox) -> None:
    with Wire(provider) as wire:
        status, answer = wire.ask(request(provider, b"/resource?a=b#c", "/resource?a=b"))
    assert status == 400
    assert b"the fragment is never sent" in answer


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"Host: a\r\nHost: b\r\n",
        b"Host: a/b\r\n",
        b"Host: a:0\r\n",
        b"Host: a:99999\r\n",
        b"Host: a:%b\r\n" % (b"8" * 5000),
    ],
    ids=["none", "two", "path", "port 0", "port", "long port"],
)
def test_bad_host_is_refused(provider: Sandbox, host: bytes) -> None:
    raw = request(provider, b"/resource", "/resource")
    before, _, after = raw.partition(b"Host: ")
    with Wire(provider) as wire:
        assert wire.ask(before + host + after.partition(b"\r\n")[2])[0] == 400


def test_a_request_can_not_steer_the_terminal_that_shows_the_log(
    provider: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "oauth_hook.sandbox")
    with Wire(provider) as wire:
        assert wire.ask(b"G\x1bcT /\x1b]0;x\x07 HTTP/1.1\r\nHost: a\r\n\r\n")[0] == 404
    assert r"G\x1bcT /\x1b]0;x\x07: 404 NOT FOUND" in caplog.messages
    assert {record.name for record in caplog.records} == {"oauth_hook.sandbox"}


@pytest.mark.parametrize("realm", [b"realm", b"Realm"])
def test_header_may_be_written_otherwise(provider: Sandbox, realm: bytes) -> None:
    raw = request(provider, b"/resource", "/resource")
    begins = b'authorization:  oauth %b="a, \\"b\\"",\t' % realm
    raw = raw.replace(b"Authorization: OAuth ", begins)
    raw = raw.replace(b'oauth_version="1.0"', rb'oauth_version="1\.\0"')
    with Wire(provider) as wire:
        assert wire.ask(raw.replace(b'", oauth_', b'" ,oauth_'))[0] == 200


def test_spaces_and_commas_at_the_end_of_a_header_count_for_nothing(provider: Sandbox) -> None:
    host, _, rest = request(provider, b"/resource", "/resource").partition(b"\r\nAuthorization: ")
    signature, _, end = rest.partition(b"\r\n")
    with Wire(provider) as wire:
        raw = b"%b \t\r\nAuthorization: %b, ,\r\n%b" % (host, signature, end)
        assert wire.ask(raw)[0] == 200


def test_parameter_in_the_header_is_signed_whatever_its_name(provider: Sandbox) -> None:
    raw = request(provider, b"/resource", "/resource?a=b%20c")
    with Wire(provider) as wire:
        assert wire.ask(raw.replace(b"OAuth ", b'OAuth a="b%20c", '))[0] == 200


def test_header_that_cannot_be_read_is_refused(provider: Sandbox) -> None:
    raw = request(provider, b"/resource", "/resource").replace(b"OAuth oauth", b'OAuth "x" oauth')
    with Wire(provider) as wire:
        status, answer = wire.ask(raw)
    assert status == 400
    assert b'can\'t be read from here: "x" oauth' in answer


def test_no_header_takes_long_to_read(provider: Sandbox) -> None:
    def seconds(number: int) -> float:
        fields = b"Authorization: OAuth a=" + b" " * number + b'"\r\n'
        with Wire(provider) as wire:
            begin = time.process_time()
            assert wire.ask(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n")[0] == 400
            return time.process_time() - begin

    # 16 times as many: in quadratic time 256 times as long.
    assert seconds(32_000) < 80 * min(seconds(2_000) for _ in range(5))


def test_header_without_a_value_is_an_empty_one(provider: Sandbox) -> None:
    raw = request(provider, b"/resource", "/resource").replace(b"OAuth oauth", b"OAuth a= , oauth")
    with Wire(provider) as wire:
        status, answer = wire.ask(raw)
    assert status == 401
    assert b"signature" in answer


def test_another_schemes_header_is_left_alone(provider: Sandbox) -> None:
    raw = request(provider, b"/resource", "/resource", headers=b"Authorization: Basic YTpi\r\n")
    with Wire(provider) as wire:
        assert wire.ask(raw)[0] == 200


@pytest.mark.parametrize(
    ("target", "signed_as", "method", "cause"),
    [
        (b"/resource?a=1", "/resource", "GET", "without the query's parameters"),
        (b"/resource", "/resource/", "GET", "with a slash at its end"),
        (b"/resource?a=b%20c", "/resource?a=b%2Bc", "GET", 'with "+" where the query'),
        (b"/resource?a=%2B", "/resource?a=%252B", "GET", "not decoded before they were encoded"),
    ],
)
def test_wrong_signature_is_explained(
    provider: Sandbox, target: bytes, signed_as: str, method: str, cause: str
) -> None:
    with Wire(provider) as wire:
        status, answer = wire.ask(request(provider, target, signed_as, method=method))
    assert status == 401
    assert cause in answer.decode()


def test_form_signed_under_another_type_is_explained(provider: Sandbox) -> None:
    raw = request(provider, b"/resource", "/resource", method="PUT", body=b"a=1", form="a=1")
    with Wire(provider) as wire:
        status, answer = wire.ask(raw)
    assert status == 401
    assert b"Content-Type does not say that it is a form" in answer


def test_connection_stays_in_step(provider: Sandbox) -> None:
    with Wire(provider) as wire:
        for body in (b"x" * 300_000, b"", b"GET / HTTP/1.1\r\n\r\n"):
            # Unsigned, unknown and right: whatever is answered, the body is out of the way.
            wire.ask(
                b"POST /resource HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            wire.ask(
                b"POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            raw = request(provider, b"/resource", "/resource", method="POST", body=body)
            status, answer = wire.ask(raw)
            assert (status, json.loads(answer)["length"]) == (200, len(body))


def test_chunks_with_extensions_and_trailers(provider: Sandbox) -> None:
    raw = request(
        provider,
        b"/resource",
        "/resource",
        method="POST",
        headers=b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
    )
    with Wire(provider) as wire:
        assert wire.ask(raw) == (100, b"")
        status, answer = wire.ask(b'3;a="b"\r\nabc\r\n0002\r\nde\r\n0\r\nDigest: x\r\n\r\n')
        assert (status, json.loads(answer)["body"]) == (200, "abcde")
        assert wire.ask(request(provider, b"/resource", "/resource"))[0] == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 1_0\r\n\r\n",
        b"Content-Length: 1x\r\n\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_body_without_a_certain_end_closes_the_connection(
    provider: Sandbox, framing: bytes
) -> None:
    with Wire(provider) as wire:
        assert wire.ask(b"POST /resource HTTP/1.1\r\nHost: a\r\n" + framing)[0] == 400
        assert wire.is_closed()


def test_body_that_breaks_off_is_not_answered(provider: Sandbox) -> None:
    raw = request(provider, b"/resource", "/resource", method="POST", body=b"abcdef")
    with Wire(provider) as wire:
        wire.break_off(raw[:-3])
        assert wire.is_closed()


def test_streams_64_mib_in_chunks(provider: Sandbox) -> None:
    block = bytes(range(256)) * 256
    digest = hashlib.sha256()
    for _ in range(1024):
        digest.update(block)
    signature = authorization(provider, "PUT", provider.resource_url)
    answer = requests.put(
        provider.resource_url,
        data=(block for _ in range(1024)),
        headers={"Authorization": signature},
        timeout=60,
    ).json()
    assert (answer["length"], answer["sha256"]) == (64 * 2**20, digest.hexdigest())
    assert answer["body"] is None


def test_unknown_path_names_the_right_ones(provider: Sandbox) -> None:
    answer = requests.get(f"{provider.url}/resources", timeout=10)
    assert (answer.status_code, answer.headers["Server"]) == (404, "oauth-hook-sandbox")
    assert "/request_token" in answer.text


@pytest.mark.parametrize("path", ["/request_token", "/access_token"])
def test_token_endpoints_take_get_and_post_only(provider: Sandbox, path: str) -> None:
    answer = requests.delete(provider.url + path, timeout=10)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
