"""signing.py against the RFC said plainly, with urllib.parse: each shortcut gives the same.

What is small enough is tried whole; the rest is left to Hypothesis.
"""

from __future__ import annotations

import base64
import hmac
import string
from itertools import product
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauth_hook import signing

PLAIN = settings(max_examples=200, deadline=None, derandomize=True, database=None)

Pair = tuple[bytes, bytes]

UNRESERVED = f"{string.ascii_letters}{string.digits}-._~"


# The RFC said plainly


def encoded(text: str | bytes) -> str:
    """Section 3.6."""
    raw = text.encode() if isinstance(text, str) else text
    return "".join(chr(byte) if chr(byte) in UNRESERVED else f"%{byte:02X}" for byte in raw)


def decoded_pairs(form: bytes) -> list[Pair]:
    """Section 3.4.1.3.1. In latin-1 each character stands for a byte."""
    pairs = parse_qsl(form.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def canonical(form: bytes) -> str:
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in decoded_pairs(form))


def normalized(pairs: list[Pair]) -> str:
    """Section 3.4.1.3.2."""
    ordered = sorted((encoded(name), encoded(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in ordered)


def signature(hash_name: str, base_string: str, *secrets: str) -> str:
    """Section 3.4.2, percent-encoded as it is sent."""
    key = "&".join(encoded(secret) for secret in secrets)
    digest = hmac.new(key.encode(), base_string.encode(), hash_name).digest()
    return encoded(base64.b64encode(digest))


# 3.6 Percent encoding


def test_every_byte_is_encoded_by_section_3_6() -> None:
    everything = bytes(range(256))
    assert signing.percent_encode(everything) == encoded(everything)


@PLAIN
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_encoded_as_its_utf_8(text: str) -> None:
    assert signing.percent_encode(text) == encoded(text)


def test_a_lone_surrogate_has_no_encoding() -> None:
    with pytest.raises(UnicodeEncodeError):
        signing.percent_encode("\ud800")


# 3.4.1.3.1 What a form says: canonical forms are recognised, all others decoded and encoded


def canonical_form(form: str | bytes) -> str:
    """And where the shortcut takes the form as it is written, it must give the same parameters."""
    read = signing.canonical_form(form)
    assert signing.parameters_as_written(form) in (None, signing.form_parameters(read)), form
    return read


@pytest.mark.parametrize("escape", ["%{:02X}", "%{:02x}"], ids=["upper case", "lower case"])
@pytest.mark.parametrize("place", ["a=1{}2", "1{}2=a", "{}", "a=%2B{}"])
def test_every_escape_is_read_and_written_as_the_rfc_has_it(escape: str, place: str) -> None:
    forms = [place.format(escape.format(byte)) for byte in range(256)]
    assert list(map(canonical_form, forms)) == [canonical(form.encode()) for form in forms]


@pytest.mark.parametrize("place", [b"a=1\0002", b"1\0002=a", b"\000", b"a=%2B\000"])
def test_every_raw_byte_is_read_and_written_as_the_rfc_has_it(place: bytes) -> None:
    forms = [place.replace(b"\0", bytes([byte])) for byte in range(256)]
    assert list(map(canonical_form, forms)) == list(map(canonical, forms))


def test_every_short_form_of_separators_plus_and_percent_is_read_as_the_rfc_has_it() -> None:
    """Pairs with no "=", with several, empty ones, "+", and "%" before all of these."""
    forms = [bytes(form) for length in range(6) for form in product(b"a2=&+%", repeat=length)]
    assert list(map(canonical_form, forms)) == list(map(canonical, forms))


@PLAIN
@given(pieces=st.lists(st.sampled_from([*"ab=&+~é;%", "%20", "%2b", "%C3%A9", "%c3%a9", "%7E"])))
def test_a_form_reads_the_same_as_text_and_as_bytes(pieces: list[str]) -> None:
    form = "".join(pieces)
    assert canonical_form(form) == canonical(form.encode())
    assert canonical_form(form.encode()) == canonical(form.encode())


@PLAIN
@given(form=st.binary(max_size=40))
def test_any_bytes_are_a_form(form: bytes) -> None:
    assert canonical_form(form) == canonical(form)


@PLAIN
@given(pairs=st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5))
def test_what_requests_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    pairs = [tuple(part.encode("utf-8", "replace").decode() for part in pair) for pair in pairs]  # type: ignore[misc]
    assert canonical_form(urlencode(pairs)) == "&".join(
        f"{encoded(name)}={encoded(value)}" for name, value in pairs
    )


def test_what_requests_writes_is_not_decoded_and_encoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its whole point is time; that it gives the same is for the tests above."""
    monkeypatch.delattr(signing, "unquote_to_bytes")
    everything = bytes(range(256))
    form = urlencode({everything: everything, "a b": "~ +"})
    assert canonical_form(form) == canonical(form.encode())
    assert signing.parameters_as_written(form) is not None
    assert signing.parameters_as_written(form.encode()) is not None


@pytest.mark.parametrize("form", ["oauth_a=1", "a=1&oauth_a=1", b"oauth_=1", "oauth%5Fa=1"])
def test_where_an_oauth_parameter_may_be_the_shortcut_is_not_taken(form: str | bytes) -> None:
    assert signing.parameters_as_written(form) is None


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000, 2500])
def test_a_form_of_many_pairs_loses_none(count: int) -> None:
    form = "&".join(f"{number}=%c3%a9" for number in range(count))
    assert canonical_form(form) == canonical(form.encode())


def test_a_lone_surrogate_in_a_form_is_the_three_bytes_of_it() -> None:
    assert canonical_form("a=\ud800") == "a=%ED%A0%80"


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("repeated", ["%c3%a9", "%%41", "+%", "%2", "é"])
def test_a_huge_value_reads_the_same_wherever_it_is_cut(before: int, repeated: str) -> None:
    form = f"a={'x' * before}{repeated * (150_000 // len(repeated))}"
    assert canonical_form(form) == canonical(form.encode())


# 3.4.1.3.2 and 3.4.1.1 Sorting what is encoded twice, and encoding it all by replacement

#: Names of which one begins with another, and what comes after it sorts before or after "=".
PREFIXES = [
    b"",
    b"a",
    b"a-",
    b"a.",
    b"a b",
    b"a%",
    b"a=",
    b"a&",
    b"a0",
    b"aA",
    b"a_",
    b"a~",
    b"a\xe9",
]


def base_string(pairs: list[Pair]) -> str:
    parameters = [
        signing.parameter(signing.percent_encode(name), signing.percent_encode(value))
        for name, value in pairs
    ]
    return signing.signature_base_string("GET&x", parameters)


@pytest.mark.parametrize("value", [b"", b"1", b"~", b" ", b"%"])
def test_a_name_that_begins_with_another_sorts_behind_it(value: bytes) -> None:
    for one, two in product(PREFIXES, repeat=2):
        pairs = [(one, b"-"), (two, value), (one, value)]
        assert base_string(pairs) == f"GET&x&{encoded(normalized(pairs))}", pairs


@PLAIN
@given(pairs=st.lists(st.tuples(st.binary(max_size=3), st.binary(max_size=3)), max_size=8))
def test_parameters_are_normalized_and_encoded_as_the_rfc_has_it(pairs: list[Pair]) -> None:
    assert base_string(pairs) == f"GET&x&{encoded(normalized(pairs))}"


@PLAIN
@given(form=st.lists(st.sampled_from([*"ab=&&+-~_.", "%20", "%26", "%3D", "%25", "%C3%A9"])))
def test_the_parameters_of_a_form_are_normalized_as_the_rfc_has_it(form: list[str]) -> None:
    parameters = signing.form_parameters(signing.canonical_form("".join(form)))
    pairs = decoded_pairs("".join(form).encode())
    assert signing.normalized_parameters(parameters) == normalized(pairs)
    assert signing.signature_base_string("x", parameters) == f"x&{encoded(normalized(pairs))}"


@PLAIN
@given(name=st.binary(), value=st.binary())
def test_a_parameter_is_shown_as_it_was_given(name: bytes, value: bytes) -> None:
    parameter = signing.parameter(encoded(name), encoded(value))
    assert signing.name_and_value(parameter) == (encoded(name), encoded(value))


def test_a_form_without_parameters_has_none() -> None:
    assert signing.form_parameters(signing.canonical_form("&&")) == []


# 3.4.1.2 Base string URI


@pytest.mark.parametrize("scheme", ["http", "https", "HTTP", "Https"])
@pytest.mark.parametrize("user", ["", "user@", "User:P%40ss@"])
@pytest.mark.parametrize("host", ["example.com", "EXAMPLE.com", "127.0.0.1", "[::1]", "[FE80::A]"])
@pytest.mark.parametrize("port", ["", ":", ":80", ":443", ":8080"])
def test_the_base_string_uri_is_that_of_section_3_4_1_2(
    scheme: str, user: str, host: str, port: str
) -> None:
    suffix = port
    if port in (":", {"http": ":80", "https": ":443"}[scheme.lower()]):
        suffix = ""
    for path in ("", "/", "/Path;x/%7e//..", "/?a=/b", "?a=b", "/a#b", "#a?b"):
        uri = signing.base_string_uri(f"{scheme}://{user}{host}{port}{path}")
        kept = urlsplit(f"//x{path}").path or "/"
        assert uri == f"{scheme.lower()}://{host.lower()}{suffix}{kept}"


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("Other.example", "other.example"),
        ("other.example:80", "other.example"),
        ("other.example:8080", "other.example:8080"),
        ("[::1]:80", "[::1]"),
    ],
)
def test_the_host_header_has_the_last_word(host: str, named: str) -> None:
    assert signing.base_string_uri("http://a.example:81/p", host) == f"http://{named}/p"


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "//a.example", "a.example", "http://", "http:/a"]
)
def test_what_is_no_http_url_has_no_base_string_uri(url: str) -> None:
    with pytest.raises(ValueError, match=r"http|host"):
        signing.base_string_uri(url)


@pytest.mark.parametrize("method", ["GET", "get", "X-METHOD", "!#$%&'*+-.^_`|~"])
@pytest.mark.parametrize("uri", ["http://example.com/", "https://a:8080/é%20%7e;x=~"])
def test_method_and_uri_are_encoded(method: str, uri: str) -> None:
    assert signing.method_and_uri(method, uri) == f"{encoded(method.upper())}&{encoded(uri)}"


# 3.4.2 HMAC, begun with the key once

HASHES = ["sha1", "sha256", "sha512"]


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 65, 126, 127, 128, 129, 1000])
def test_secrets_of_any_length_sign_as_hmac_does(hash_name: str, length: int) -> None:
    """Shorter than a block of the hash (64 or 128 bytes), as long, and longer."""
    sign = signing.hmac_signer(hash_name, "s" * length, "")
    assert sign("base string") == signature(hash_name, "base string", "s" * length, "")


@PLAIN
@given(
    secrets=st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]))] * 2),
    hash_name=st.sampled_from(HASHES),
)
def test_any_secrets_sign_as_hmac_does(secrets: tuple[str, str], hash_name: str) -> None:
    sign = signing.hmac_signer(hash_name, *secrets)
    assert sign("base string") == signature(hash_name, "base string", *secrets)


def test_a_signer_signs_again_and_again() -> None:
    sign = signing.hmac_signer("sha1", "a", "b")
    texts = ["", "one", "two", "one", "x" * 10_000]
    assert [sign(text) for text in texts] == [signature("sha1", text, "a", "b") for text in texts]


@PLAIN
@given(raw=st.binary(max_size=64))
def test_base64_is_percent_encoded(raw: bytes) -> None:
    assert signing.encoded_base64(raw) == quote(base64.b64encode(raw), safe="")


def test_every_character_of_base64_is_percent_encoded() -> None:
    everything = f"{string.ascii_letters}{string.digits}+/"
    assert signing.encoded_base64(base64.b64decode(everything)) == encoded(everything)


# 3.4.4 PLAINTEXT


@pytest.mark.parametrize("secrets", [("a", "b"), ("a", ""), ("", ""), ("a&b %é", "~/+=")])
def test_plaintext_is_both_secrets_encoded_and_then_encoded_again(secrets: tuple[str, str]) -> None:
    text = "&".join(map(encoded, secrets))
    assert signing.plaintext_signer(*secrets)("whatever") == encoded(text)
