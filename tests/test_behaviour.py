"""The behaviour that users get, case by case, in both modes.

Over real sockets, against the sandbox, which verifies each message with oauthlib and answers with
what it received. Redirects, streams and threads have files of their own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.structures import CaseInsensitiveDict
from servers import Provider, redirect

from oauth_hook import InvalidURL, OAuthHook, UnreadableForm
from oauth_hook.sandbox import Sandbox

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def in_mode(provider: Sandbox, header_auth: bool) -> OAuthHook:
    consumer = provider.consumer_key, provider.consumer_secret
    return OAuthHook(*provider.issue_token(), *consumer, header_auth)


@pytest.fixture(params=[True, False], ids=["header", "query"])
def hook(request: pytest.FixtureRequest, provider: Sandbox) -> OAuthHook:
    return in_mode(provider, request.param)


@pytest.fixture
def consumer_hook(hook: OAuthHook) -> OAuthHook:
    """The same without a token."""
    hook.token = None
    return hook


def send(hook: OAuthHook, method: str, url: str, **given: Any) -> dict[str, Any]:
    """What the provider received and verified."""
    response = requests.request(method, url, hooks={"pre_request": hook}, timeout=30, **given)
    assert response.status_code == 200, response.text
    received: dict[str, Any] = response.json()
    return received


def header(received: dict[str, Any], name: str) -> str | None:
    values = [value for key, value in received["headers"] if key.lower() == name.lower()]
    assert len(values) < 2, f"{name} came {len(values)} times"
    return values[0] if values else None


def without_oauth(query: str) -> str:
    """A raw query without what query mode appended to it."""
    return re.sub(r"(^|&)oauth_consumer_key=.*$", "", query)


OAUTH_NAMES = {
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_token",
    "oauth_version",
}


# Where the parameters go


def test_all_oauth_parameters_come_once_and_in_one_place(
    provider: Sandbox, hook: OAuthHook
) -> None:
    received = send(hook, "GET", provider.resource_url, params={"a": "1"})

    assert sorted(name for name, _ in received["oauth"]) == sorted(OAUTH_NAMES)


def test_header_mode_sends_one_authorization_header_in_the_oauth_scheme(provider: Sandbox) -> None:
    hook = in_mode(provider, True)
    received = send(hook, "GET", provider.resource_url)

    assert re.fullmatch(
        r'OAuth (oauth_\w+="[A-Za-z0-9\-._~%]*", )+oauth_signature="[A-Za-z0-9%]*"',
        header(received, "Authorization") or "",
    )


def test_query_mode_sends_no_authorization_header(provider: Sandbox) -> None:
    hook = in_mode(provider, False)
    received = send(hook, "POST", provider.resource_url, data={"a": "1"})

    assert header(received, "Authorization") is None


def test_query_mode_appends_to_the_query_and_keeps_the_fragment_last(provider: Sandbox) -> None:
    hook = in_mode(provider, False)
    request = requests.Request("GET", "http://api.example.com/x?b=2&a=1#top", auth=hook).prepare()

    assert re.fullmatch(r"http://api\.example\.com/x\?b=2&a=1&oauth_[^#]*#top", request.url or "")


@pytest.mark.parametrize("rest", ["?b=2&a=1#top?c=3", "?", "?#", "?&#top", "#", ""])
def test_header_mode_leaves_the_url_with_its_fragment_alone(provider: Sandbox, rest: str) -> None:
    hook = in_mode(provider, True)
    request = requests.Request("GET", "http://api.example.com/x").prepare()
    request.url = url = f"http://api.example.com/x{rest}"  # prepare() itself drops an empty "?"

    assert hook(request).url == url


def test_an_empty_query_of_an_assigned_url_is_signed_as_none(
    provider: Sandbox, session: requests.Session, header_auth: bool
) -> None:
    hook = in_mode(provider, header_auth)
    request = requests.Request("GET", provider.resource_url).prepare()
    request.url = f"{provider.resource_url}?"

    assert session.send(hook(request)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "b=2&a=1",
        "a=1&a=1&a=0",
        "a",
        "a=&b",
        "&&a=1&&",
        "a=b=c",
        "=1",
        "a=1;b=2",
        "q=hello+world%21&q=hello%20world!",
        "list[]=1&list[]=2&x=$y",
        "email=a@b.example,c/d?e:f",
        "lower=%c3%a9&upper=%C3%A9",
        "queries=%7B%22a%22%3A%20%22%25%22%7D",
        "oauthx=1&xoauth_token=2&x=oauth_token",
    ],
)
def test_what_stood_in_the_query_stays_byte_for_byte(
    provider: Sandbox, hook: OAuthHook, query: str
) -> None:
    sent = requests.Request("GET", f"{provider.resource_url}?{query}").prepare().url or ""

    received = send(hook, "GET", f"{provider.resource_url}?{query}")

    assert without_oauth(received["query"]) == sent.partition("?")[2]


def test_params_the_urls_query_and_the_sessions_params_are_all_signed(
    provider: Sandbox, hook: OAuthHook
) -> None:
    with requests.session(hooks={"pre_request": hook}, params={"c": "\u00e9"}) as client:
        received = client.get(f"{provider.resource_url}?a=1", params={"b": ["2", "3"]}).json()

    assert [pair for pair in received["args"] if pair[0] in "abc"] == [
        ["a", "1"],
        ["c", "\u00e9"],
        ["b", "2"],
        ["b", "3"],
    ]


# Form bodies


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize(
    ("data", "content_type", "form"),
    [
        ({"a": "1", "b": "x y"}, None, [["a", "1"], ["b", "x y"]]),
        ([("a", "2"), ("a", "1"), ("a", "2")], None, [["a", "2"], ["a", "1"], ["a", "2"]]),
        ({"a": ["2", "1"]}, None, [["a", "2"], ["a", "1"]]),
        ("a=1&b", FORM, [["a", "1"], ["b", ""]]),
        (b"a=1&b", FORM, [["a", "1"], ["b", ""]]),
        (b"a=1", "Application/X-WWW-Form-URLEncoded", [["a", "1"]]),
        ("a=%C3%A9", FORM + "; charset=utf-8", [["a", "\u00e9"]]),
        ("a=1", FORM.upper() + ";CHARSET=UTF-8", [["a", "1"]]),
    ],
    ids=["dict", "pairs", "lists", "str", "bytes", "mixed case", "charset", "upper case"],
)
def test_a_form_is_signed_on_every_method(
    provider: Sandbox,
    hook: OAuthHook,
    method: str,
    data: Any,
    content_type: str | None,
    form: list[list[str]],
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    received = send(hook, method, provider.resource_url, data=data, headers=headers)

    assert received["form"] == form


def test_the_content_type_goes_out_as_it_was_given(provider: Sandbox, hook: OAuthHook) -> None:
    given = "Application/x-www-form-urlencoded;charset=UTF-8"

    received = send(
        hook, "POST", provider.resource_url, data="a=1", headers={"Content-Type": given}
    )

    assert header(received, "Content-Type") == given


def test_a_content_type_given_as_bytes_is_read(provider: Sandbox, hook: OAuthHook) -> None:
    headers = {"Content-Type": FORM.encode()}

    received = send(hook, "POST", provider.resource_url, data="a=1", headers=headers)

    assert received["form"] == [["a", "1"]]


@pytest.mark.parametrize("data", ["a=1&b=2", b"a=1&b=2"], ids=["str", "bytes"])
def test_a_body_without_content_type_is_no_form(
    provider: Sandbox, hook: OAuthHook, data: Any
) -> None:
    received = send(hook, "POST", provider.resource_url, data=data)

    assert (received["form"], received["body"]) == ([], "a=1&b=2")
    # urllib3 2.8 gives a str a type of its own, which is no form's.
    assert header(received, "Content-Type") in (None, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "body",
    [
        "name=Ren\u00e9&x=\u00df".encode(),
        b"a[]=1&b=$x!&c={y}",
        b"a=1;b=2",
        b"a=caf%C3%A9&b=caf\xc3\xa9",
        b"a=100%&b=%zz",
    ],
    ids=["raw utf-8", "brackets", "semicolon", "escaped and raw", "no escapes"],
)
def test_a_raw_form_is_signed_and_sent_as_it_is(
    provider: Sandbox, hook: OAuthHook, body: bytes
) -> None:
    received = send(hook, "POST", provider.resource_url, data=body, headers={"Content-Type": FORM})

    assert received["body"].encode() == body


def test_a_str_form_with_other_than_ascii_is_signed_as_it_is_sent(
    provider: Sandbox, hook: OAuthHook
) -> None:
    """urllib3 1 would send it as Latin-1 where it can, so only what it can't is looked at here."""
    received = send(
        hook,
        "POST",
        provider.resource_url,
        data="a=\u20ac&b=\u672c",
        headers={"Content-Type": FORM},
    )

    assert received["form"] == [["a", "\u20ac"], ["b", "\u672c"]]


def test_a_get_with_a_form_content_type_and_no_body(provider: Sandbox, hook: OAuthHook) -> None:
    received = send(
        hook, "GET", provider.resource_url, params={"a": "1"}, headers={"Content-Type": FORM}
    )

    assert received["length"] == 0


def test_a_form_file_is_read_and_rewound(
    provider: Sandbox, hook: OAuthHook, tmp_path: Path
) -> None:
    path = tmp_path / "form"
    path.write_bytes(b"skipped&a=1&b=x+y")

    with path.open("rb") as file:
        file.seek(len("skipped&"))
        received = send(
            hook, "POST", provider.resource_url, data=file, headers={"Content-Type": FORM}
        )

    assert received["body"] == "a=1&b=x+y"


class _Unseekable(io.RawIOBase):
    def __init__(self) -> None:
        self.was_read = False

    def read(self, size: int = -1) -> bytes:
        self.was_read = True
        return b""

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        self.was_read = True
        return iter([b""])


def test_a_form_file_that_cannot_be_rewound_is_refused_unread(
    provider: Sandbox, hook: OAuthHook
) -> None:
    file = _Unseekable()

    with pytest.raises(UnreadableForm, match=r"can't be rewound.*give it as dict"):
        send(hook, "POST", provider.resource_url, data=file, headers={"Content-Type": FORM})

    assert not file.was_read


def test_a_generator_under_a_form_content_type_is_refused_unread(
    provider: Sandbox, hook: OAuthHook
) -> None:
    read = []

    def generate() -> Iterator[bytes]:
        read.append(1)
        yield b"a=1"

    with pytest.raises(UnreadableForm, match="is not a file"):
        send(hook, "POST", provider.resource_url, data=generate(), headers={"Content-Type": FORM})

    assert read == []


def test_a_form_file_in_text_mode_is_refused(provider: Sandbox, hook: OAuthHook) -> None:
    with pytest.raises(UnreadableForm, match="binary mode"):
        send(
            hook,
            "POST",
            provider.resource_url,
            data=io.StringIO("a=1"),
            headers={"Content-Type": FORM},
        )


# Bodies that are no forms


@pytest.mark.parametrize(
    "given",
    [
        {"json": {"a": "\u00e9"}},
        {"data": b"\xff\x00", "headers": {"Content-Type": "application/octet-stream"}},
        {"data": "a=1", "headers": {"Content-Type": "text/plain"}},
        {"files": {"photo": ("p.jpg", b"\xff\xd8", "image/jpeg")}, "data": {"title": "t"}},
    ],
    ids=["json", "octets", "text", "multipart"],
)
def test_another_body_is_sent_as_it_is_and_unsigned(
    provider: Sandbox, hook: OAuthHook, given: dict[str, Any]
) -> None:
    plain = requests.Request("POST", provider.resource_url, **given).prepare()

    response = requests.post(provider.resource_url, hooks={"pre_request": hook}, **given)

    received = response.json()
    length = received["length"] if plain.body is None else plain.headers["Content-Length"]
    assert (response.status_code, str(received["length"]), received["form"]) == (200, length, [])
    assert set(response.request.headers) - {"Authorization"} == set(plain.headers) | {
        "User-Agent",
        "Accept",
        "Accept-Encoding",
        "Connection",
    }


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}], ids=["no type", "type"])
def test_a_file_is_sent_as_it_is_and_unsigned(
    provider: Sandbox, hook: OAuthHook, headers: dict[str, str]
) -> None:
    received = send(
        hook, "PUT", provider.resource_url, data=io.BytesIO(b"a=1"), headers=dict(headers)
    )

    assert (received["body"], received["form"]) == ("a=1", [])
    assert header(received, "Content-Type") == headers.get("Content-Type")


def test_a_generator_is_sent_in_chunks_and_unsigned(provider: Sandbox, hook: OAuthHook) -> None:
    received = send(hook, "PUT", provider.resource_url, data=iter([b"a=", b"1"]))

    assert (received["body"], header(received, "Transfer-Encoding")) == ("a=1", "chunked")
    assert header(received, "Content-Type") is None


# The user's own OAuth parameters


PLACES = pytest.mark.parametrize("place", ["params", "data"])


@PLACES
def test_an_oauth_parameter_moves_to_the_others(
    provider: Sandbox, hook: OAuthHook, place: str
) -> None:
    given = {place: {"oauth_verifier": "a b/%41", "x": "1"}}

    received = send(hook, "POST", provider.resource_url, **given)

    assert dict(received["oauth"])["oauth_verifier"] == "a b/%41"
    left = received["args"] if place == "params" else received["form"]
    assert [pair for pair in left if not pair[0].startswith("oauth_")] == [["x", "1"]]
    assert received["place"] == ("header" if hook.header_auth else "query")


@pytest.mark.parametrize(
    "name",
    ["oauth", "oauth-x", "oauth.", "oauth~", "oautha", "oauth%", "oaut", "OAUTH_x", "xoauth_"],
)
@PLACES
def test_a_parameter_whose_name_is_nearly_oauths_is_signed_in_its_place_among_them(
    provider: Sandbox, hook: OAuthHook, place: str, name: str
) -> None:
    given = {place: {name: "1", "z": "2", "a": "3"}}

    received = send(hook, "POST", provider.resource_url, **given)

    assert [name, "1"] in received["args" if place == "params" else "form"]


def test_an_oauth_parameter_in_the_url_moves_to_the_others(
    provider: Sandbox, hook: OAuthHook
) -> None:
    received = send(
        hook, "GET", f"{provider.resource_url}?a=1&%6Fauth_callback=oob&b=2&oauth_foo=x"
    )

    assert {"oauth_callback", "oauth_foo"} <= set(dict(received["oauth"]))
    assert without_oauth(received["query"]) == "a=1&b=2"


def test_an_oauth_parameter_given_twice_goes_out_once_from_the_form(
    provider: Sandbox, hook: OAuthHook
) -> None:
    received = send(
        hook,
        "POST",
        provider.resource_url,
        params={"oauth_verifier": "general"},
        data={"oauth_verifier": "nearer"},
    )

    values = [value for name, value in received["oauth"] if name == "oauth_verifier"]
    assert values == ["nearer"]


@PLACES
def test_what_the_hook_sets_itself_replaces_the_users(
    provider: Sandbox, hook: OAuthHook, place: str
) -> None:
    given = {place: dict.fromkeys(sorted(OAUTH_NAMES), "mine")}

    received = send(hook, "POST", provider.resource_url, **given)

    assert sorted(name for name, _ in received["oauth"]) == sorted(OAUTH_NAMES)
    assert "mine" not in dict(received["oauth"]).values()


def test_content_length_follows_a_form_that_lost_a_parameter(
    provider: Sandbox, hook: OAuthHook
) -> None:
    received = send(
        hook, "POST", provider.resource_url, data={"oauth_verifier": "v", "a": "x y", "b": "\u00e9"}
    )

    assert received["body"] == "a=x+y&b=%C3%A9"
    assert header(received, "Content-Length") == str(len("a=x+y&b=%C3%A9"))


@pytest.mark.parametrize(
    "data", [{"oauth_verifier": "v"}, "oauth_verifier=v&", b"&oauth_verifier="]
)
def test_a_form_left_empty_goes_out_as_no_body(
    provider: Sandbox, hook: OAuthHook, data: Any
) -> None:
    received = send(hook, "POST", provider.resource_url, data=data, headers={"Content-Type": FORM})

    assert (received["length"], header(received, "Content-Length")) == (0, "0")
    assert header(received, "Content-Type") is None
    assert "oauth_verifier" in dict(received["oauth"])


def test_a_get_whose_form_is_left_empty_has_no_content_length(
    provider: Sandbox, hook: OAuthHook
) -> None:
    received = send(hook, "GET", provider.resource_url, data={"oauth_verifier": "v"})

    assert header(received, "Content-Length") is None


def test_a_form_file_loses_an_oauth_parameter_and_stays_a_file(
    provider: Sandbox, hook: OAuthHook
) -> None:
    file = io.BytesIO(b"a=1&oauth_verifier=v&b=2")

    received = send(hook, "POST", provider.resource_url, data=file, headers={"Content-Type": FORM})

    assert received["body"] == "a=1&b=2"
    assert dict(received["oauth"])["oauth_verifier"] == "v"


# auth=hook


def test_with_auth_the_prepared_request_is_signed_already(
    provider: Sandbox, hook: OAuthHook
) -> None:
    request = requests.Request("GET", provider.resource_url, auth=hook).prepare()

    assert "oauth_signature" in (request.headers.get("Authorization") or request.url)


def test_with_auth_sending_it_first_signs_nothing_twice(provider: Sandbox, hook: OAuthHook) -> None:
    request = requests.Request("POST", provider.resource_url, auth=hook, data={"a": "1"}).prepare()
    signed = request.url, dict(request.headers)

    with requests.Session() as client:
        response = client.send(request)

    assert (response.request.url, dict(response.request.headers)) == signed
    assert response.status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda request: setattr(request, "method", "PUT"),
        lambda request: request.prepare_url(request.url, {"more": "1"}),
        lambda request: request.prepare_body({"a": "2"}, None),
        lambda request: request.headers.update({"Content-Type": "text/plain"}),
    ],
    ids=["method", "url", "body", "content type"],
)
def test_with_auth_a_request_that_was_changed_since_is_signed_anew(
    provider: Sandbox, hook: OAuthHook, change: Any
) -> None:
    request = requests.Request("POST", provider.resource_url, auth=hook, data={"a": "1"}).prepare()
    change(request)

    with requests.Session() as client:
        assert client.send(request).status_code == 200


# The URL in the base string


@pytest.mark.parametrize(
    ("url", "base_string_uri"),
    [
        ("http://user:pass@api.example.com/x", "http://api.example.com/x"),
        ("http://api.example.com:80/x", "http://api.example.com/x"),
        ("https://api.example.com:443/x", "https://api.example.com/x"),
        ("https://api.example.com:80/x", "https://api.example.com:80/x"),
        ("HTTP://API.Example.COM:8080/X", "http://api.example.com:8080/X"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://b\u00fccher.example/x", "http://xn--bcher-kva.example/x"),
        ("http://api.example.com", "http://api.example.com/"),
        ("http://api.example.com?a=1", "http://api.example.com/"),
        ("http://api.example.com/caf\u00e9 x", "http://api.example.com/caf%C3%A9%20x"),
    ],
)
def test_the_base_string_uri_is_what_rfc_5849_wants(
    hook: OAuthHook, url: str, base_string_uri: str
) -> None:
    request = requests.Request("GET", url).prepare()

    assert hook.explain(request).base_string_uri == base_string_uri


def test_a_host_header_of_the_user_is_the_host_that_is_signed(
    provider: Sandbox, hook: OAuthHook
) -> None:
    received = send(hook, "GET", provider.resource_url, headers={"Host": "API.example.com:8080"})

    assert received["url"].lower().startswith("http://api.example.com:8080/")


class _Headers(CaseInsensitiveDict[str]):
    """Of the user's own."""


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (CaseInsensitiveDict, ("hOST", "CONTENT-type")),
        (_Headers, ("hOST", "CONTENT-type")),
        (dict, ("hOST", "CONTENT-type")),
        (dict, ("Host", "Content-Type")),
    ],
)
def test_host_and_content_type_are_read_whatever_mapping_the_headers_are(
    provider: Sandbox, hook: OAuthHook, kind: Any, names: tuple[str, str]
) -> None:
    headers = dict(zip(names, ("api.example.com:8080", FORM), strict=True))
    request = requests.Request("POST", provider.resource_url, headers, data="a=1").prepare()
    request.headers = kind(request.headers)
    request.hooks["pre_request"] = [hook]

    received = requests.Session().send(request).json()

    assert received["url"].startswith("http://api.example.com:8080/")
    assert ["a", "1"] in received["form"]


@pytest.mark.parametrize("port", ["08080", "080"])
def test_a_port_with_zeros_is_signed_as_the_host_header_says_it(
    strict: Provider, session: requests.Session, header_auth: bool, port: str
) -> None:
    strict.once("/from", redirect(302, f"http://provider.example:{port}/to"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get(f"http://provider.example:{int(port)}/from", auth=hook)

    assert [message.problem for message in strict.messages] == [None, None]


def test_an_ipv6_zone_needs_a_host_header() -> None:
    hook = OAuthHook("t", "ts", "k", "cs")
    url = "http://[fe80::1%25eth0]:8080/x"

    with pytest.raises(InvalidURL, match="give the Host header"):
        requests.Request("GET", url, auth=hook).prepare()
    prepared = requests.Request("GET", url, auth=hook, headers={"Host": "[fe80::1]:8080"}).prepare()

    assert hook.explain(prepared).base_string_uri == "http://[fe80::1]:8080/x"


def test_user_information_in_the_url_is_not_signed(provider: Sandbox, hook: OAuthHook) -> None:
    url = provider.resource_url.replace("://", "://user:pass@")

    assert send(hook, "GET", url)["method"] == "GET"


def test_a_path_that_begins_with_two_slashes_is_signed_as_it_is_sent(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)

    session.get("http://provider.example//a//b", auth=hook)

    assert strict.messages[0].problem is None


@pytest.mark.parametrize("url", ["ftp://example.com/x", "mailto:a@b.example", "file:///etc/motd"])
def test_a_url_that_is_not_http_is_refused(hook: OAuthHook, url: str) -> None:
    with pytest.raises(InvalidURL, match="http:// or https://"):
        requests.get(url, hooks={"pre_request": hook})


def test_escapes_that_are_not_utf_8_are_signed_as_the_bytes_they_are(hook: OAuthHook) -> None:
    """oauthlib can't decode these; that the base string is right is seen by the vectors."""
    request = requests.Request("GET", "http://api.example.com/x?a=%FF%FE").prepare()

    signed = hook(request)

    assert "a%3D%25FF%25FE%26oauth_" in hook.explain(signed).signature_base_string
    assert "?a=%FF%FE" in (signed.url or "")


# Nonces and timestamps


def test_nonces_are_120_random_bits_in_lower_case_hex(provider: Sandbox, hook: OAuthHook) -> None:
    nonces = {dict(send(hook, "GET", provider.resource_url)["oauth"])["oauth_nonce"] for _ in "123"}

    assert len(nonces) == 3
    assert all(re.fullmatch("[0-9a-f]{30}", nonce) for nonce in nonces)


# The credentials


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "with space",
        "a&b=c%20",
        "caf\u00e9",
        "\u672c+/\U0001f600",
        '"quo,ted"',
        "~-._",
        "{}",
    ],
)
def test_any_text_is_good_for_a_credential(text: str, hook: OAuthHook) -> None:
    with Sandbox(consumer_key=text, consumer_secret=text) as provider:
        hook.consumer = (text, text)
        hook.token = provider.issue_token()

        assert send(hook, "POST", provider.resource_url, data={"a": "1"})["consumer_key"] == text


def test_a_request_without_token_is_signed_by_the_consumer_alone(
    provider: Sandbox, consumer_hook: OAuthHook
) -> None:
    received = send(consumer_hook, "POST", provider.resource_url, data={"a": "1"})

    assert received["oauth_token"] is None


def test_another_schemes_authorization_header_stays_in_query_mode(provider: Sandbox) -> None:
    hook = in_mode(provider, False)
    received = send(hook, "GET", provider.resource_url, headers={"Authorization": "Bearer x"})

    assert header(received, "Authorization") == "Bearer x"


def test_an_authorization_header_of_the_user_gives_way_in_header_mode(provider: Sandbox) -> None:
    hook = in_mode(provider, True)
    received = send(hook, "GET", provider.resource_url, headers={"Authorization": "Bearer x"})

    assert (header(received, "Authorization") or "").startswith("OAuth ")


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("value", ["Bearer x", 'OAuth oauth_signature="stale"'])
def test_the_authorization_header_comes_once_where_the_headers_are_a_plain_dict(
    provider: Sandbox, hook: OAuthHook, name: str, value: str
) -> None:
    request = requests.Request("POST", provider.resource_url, data={"a": "1"}).prepare()
    headers: Any = {**{key.lower(): text for key, text in request.headers.items()}, name: value}
    request.headers = headers
    request.hooks["pre_request"] = [hook]

    received = requests.Session().send(request).json()

    assert ["a", "1"] in received["form"]
    authorization = header(received, "Authorization") or ""
    assert "stale" not in authorization
    if not hook.header_auth:
        assert authorization in ("", "Bearer x")


@pytest.mark.parametrize("value", ["100%", "%41", "%2541", "a+b c", "\u00e9&=?#", ""])
def test_an_oauth_parameter_is_neither_decoded_nor_encoded_twice(
    provider: Sandbox, hook: OAuthHook, value: str
) -> None:
    received = send(hook, "POST", provider.resource_url, params={"oauth_callback": value})

    assert dict(received["oauth"])["oauth_callback"] == value


# The small print


def test_a_get_whose_form_file_is_left_empty_goes_out_as_an_empty_body(
    provider: Sandbox, hook: OAuthHook
) -> None:
    file = io.BytesIO(b"oauth_verifier=v")

    received = send(hook, "GET", provider.resource_url, data=file, headers={"Content-Type": FORM})

    assert (received["length"], header(received, "Content-Length")) == (0, "0")
    assert header(received, "Transfer-Encoding") is None


def test_an_oauth_header_that_holds_no_oauth_parameter_stays_in_query_mode(
    provider: Sandbox,
) -> None:
    request = requests.Request("GET", provider.resource_url, {"Authorization": "OAuth abc"})

    signed = in_mode(provider, False)(request.prepare())

    assert signed.headers["Authorization"] == "OAuth abc"


@pytest.mark.parametrize("place", ["query", "form"])
def test_empty_pairs_beside_an_oauth_parameter_are_no_parameters(
    provider: Sandbox, hook: OAuthHook, place: str
) -> None:
    for pairs, left in [("&a=1&&oauth_callback=oob&", "&a=1&&"), ("&&oauth_callback=oob&", "")]:
        if place == "query":
            received = send(hook, "GET", f"{provider.resource_url}?{pairs}")
        else:
            headers = {"Content-Type": FORM}
            received = send(hook, "POST", provider.resource_url, data=pairs, headers=headers)

        assert "oauth_callback" in dict(received["oauth"])
        if place == "form":
            assert received["body"] == left
        else:
            before = received["query"].partition("oauth_")[0]
            assert before in ((left, f"{left}&") if left else ("",))


def test_a_response_hook_that_stands_by_itself_is_called(
    provider: Sandbox, session: requests.Session, hook: OAuthHook
) -> None:
    seen: list[int] = []
    prepared = requests.Request("GET", provider.resource_url).prepare()
    prepared.hooks["response"] = lambda response, **_: seen.append(response.status_code)

    session.send(hook(prepared))

    assert seen == [200]


def test_oauth_parameters_of_the_query_and_of_the_form_go_out_both(
    provider: Sandbox, hook: OAuthHook
) -> None:
    url = f"{provider.resource_url}?oauth_callback=oob"

    received = send(hook, "POST", url, data={"oauth_verifier": "v"})

    oauth = dict(received["oauth"])
    assert (oauth["oauth_callback"], oauth["oauth_verifier"]) == ("oob", "v")
