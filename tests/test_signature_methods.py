"""The signature methods beside HMAC-SHA1, and what else providers ask for: realm, body hash, form.

Against the sandbox, which verifies with oauthlib, and for the body hash by a digest of our own.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import io
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import pytest
import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from eavesdropper import locals_shown

from oauth_hook import (
    CredentialError,
    CredentialTypeError,
    OAuthHook,
    SignatureMethodError,
    UnreadableBody,
    UnsignableRequest,
)
from oauth_hook import rsa as rsa_room
from oauth_hook.sandbox import Sandbox

MODES = pytest.mark.parametrize("header_auth", [True, False], ids=["header", "query"])
HMAC = ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"]
RSA = ["RSA-SHA1", "RSA-SHA256", "RSA-SHA512"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def pem(key: Any, passphrase: bytes | None = None) -> bytes:
    encryption: Any = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    return encoded


def openssh(key: Any) -> bytes:
    encoded: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return encoded


def openssh_of_a_new_kind() -> bytes:
    """As of a security key, whose private half stays in the device."""
    first, *lines, last = openssh(rsa_key()).splitlines(keepends=True)
    content = base64.b64decode(b"".join(lines)).replace(b"ssh-rsa", b"ssh-new")
    return first + base64.encodebytes(content) + last


def pem_of_a_new_kind() -> bytes:
    first, *lines, last = pem(rsa_key()).splitlines(keepends=True)
    rsa_encryption = bytes.fromhex("2a864886f70d010101")
    content = base64.b64decode(b"".join(lines)).replace(rsa_encryption, rsa_encryption[:-1] + b"?")
    return first + base64.encodebytes(content) + last


def public_pem() -> str:
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    return rsa_key().public_key().public_bytes(serialization.Encoding.PEM, public).decode()


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox(rsa_public_key=public_pem()) as running:
        yield running


def make(provider: Sandbox, header_auth: bool = True, **options: Any) -> OAuthHook:
    consumer = provider.consumer_key, provider.consumer_secret
    return OAuthHook(*provider.issue_token(), *consumer, header_auth, **options)


def send(hook: OAuthHook, method: str, url: str, **given: Any) -> dict[str, Any]:
    response = requests.request(method, url, hooks={"pre_request": hook}, timeout=30, **given)
    assert response.status_code == 200, response.text
    received: dict[str, Any] = response.json()
    return received


def options_of(method: str) -> dict[str, Any]:
    options: dict[str, Any] = {"signature_method": method}
    if method in RSA:
        options["rsa_key"] = rsa_key()
    if method == "PLAINTEXT":
        options["plaintext_over_http"] = True
    return options


# The methods


@MODES
@pytest.mark.parametrize("method", [*HMAC, *RSA, "PLAINTEXT"])
def test_each_method_is_accepted(provider: Sandbox, header_auth: bool, method: str) -> None:
    hook = make(provider, header_auth, **options_of(method))

    received = send(hook, "POST", provider.resource_url, params={"q": "\u00e9"}, data={"a": "b c"})

    assert received["signature_method"] == method


@pytest.mark.parametrize("method", [*HMAC, *RSA, "PLAINTEXT"])
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda hook: pickle.loads(pickle.dumps(hook))], ids=["copy", "pickle"]
)
def test_a_copy_signs_by_the_same_method(provider: Sandbox, method: str, copied: Any) -> None:
    hook = copied(make(provider, **options_of(method)))

    assert send(hook, "GET", provider.resource_url)["signature_method"] == method


def test_the_method_can_be_the_classs(provider: Sandbox) -> None:
    class NetSuite(OAuthHook):
        signature_method = "HMAC-SHA256"
        consumer_key = provider.consumer_key
        consumer_secret = provider.consumer_secret
        header_auth = True

    received = send(NetSuite(*provider.issue_token()), "GET", provider.resource_url)

    assert received["signature_method"] == "HMAC-SHA256"


def test_the_key_and_its_passphrase_can_be_the_classs() -> None:
    class Jira(OAuthHook):
        signature_method = "RSA-SHA1"
        rsa_key = pem(rsa_key(), b"hush")
        rsa_key_passphrase = "hush"

    Jira("t", "s", "k")

    with pytest.raises(CredentialError, match=r"can't be read.* or its passphrase is another"):
        Jira("t", "s", "k", rsa_key_passphrase="another")


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        SignatureMethodError, match=r"'HMAC-MD5' is not one of HMAC-SHA1, .*PLAINTEXT"
    ):
        OAuthHook("t", "s", "k", "s", signature_method="HMAC-MD5")


def test_a_method_that_is_one_of_a_class_is_none() -> None:
    own = type("Own", (OAuthHook,), {"signature_method": lambda *_: ""})

    with pytest.raises(SignatureMethodError, match="of type method is not one of HMAC-SHA1"):
        own("t", "s", "k", "s")


@pytest.mark.parametrize(
    "name",
    [
        "signature_method",
        "realm",
        "oauth_version",
        "body_hash",
        "form_auth",
        "plaintext_over_http",
        "rsa_key",
        "rsa_key_passphrase",
    ],
)
def test_what_is_settled_when_the_hook_is_made_can_not_be_set_later(name: str) -> None:
    hook = OAuthHook("t", "s", "k", "s")

    with pytest.raises(AttributeError, match="make a new OAuthHook"):
        setattr(hook, name, "HMAC-SHA256")


def test_a_signature_as_of_version_0_4_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    signature: Any = SimpleNamespace(name="HMAC-SHA256", sign=hmac_sha384)
    hook = OAuthHook("t", "s", "k", "s")
    with pytest.raises(SignatureMethodError, match="give signature_method"):
        hook.signature = signature

    monkeypatch.setattr(OAuthHook, "signature", signature, raising=False)

    for made in (OAuthHook, type("Jira", (OAuthHook,), {})):
        with pytest.raises(SignatureMethodError, match="give signature_method"):
            made("t", "s", "k", "s")


def test_without_sha_1_the_package_imports_and_uses_other_methods() -> None:
    code = """
import hashlib
new = hashlib.new
def fips(name, *args, **kwargs):
    if name.lower() == "sha1":
        raise ValueError("unsupported hash type")
    return new(name, *args, **kwargs)
def no_sha1(*args, **kwargs):
    raise ValueError("unsupported hash type")
hashlib.new, hashlib.sha1 = fips, no_sha1
import requests
from oauth_hook import OAuthHook, SignatureMethodError
hook = OAuthHook("t", "s", "k", "s", True, signature_method="HMAC-SHA256")
print(requests.Request("GET", "http://x.example", auth=hook).prepare().headers["Authorization"])
OAuthHook("t", "s", "k", "s", signature_method="PLAINTEXT")
for settings in ({}, {"signature_method": "PLAINTEXT", "body_hash": True}):
    try:
        OAuthHook("t", "s", "k", "s", **settings)
    except SignatureMethodError as error:
        print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert result.stderr == ""
    assert "HMAC-SHA256" in result.stdout
    assert "no sha1, as under FIPS: HMAC-SHA1 can't be used" in result.stdout
    assert "body_hash can't be used with PLAINTEXT" in result.stdout


# A method of one's own


def hmac_sha384(base_string: str, consumer_secret: str, token_secret: str) -> bytes:
    key = f"{consumer_secret}&{token_secret}".encode()
    return base64.b64encode(hmac.digest(key, base_string.encode(), "sha384"))


def test_a_method_of_ones_own_signs_under_its_name() -> None:
    hook = OAuthHook("t", "ts", "k", "cs", signature_method=("HMAC-SHA384", hmac_sha384))
    request = requests.Request("GET", "http://api.example.com/x?a=1", auth=hook).prepare()

    query = parse_qs((request.url or "").partition("?")[2])

    explained = hook.explain(request).signature_base_string
    assert query["oauth_signature_method"] == ["HMAC-SHA384"]
    assert query["oauth_signature"] == [hmac_sha384(explained, "cs", "ts").decode()]


def test_a_method_of_ones_own_may_have_a_known_name(provider: Sandbox) -> None:
    def sign(base_string: str, consumer_secret: str, token_secret: str) -> bytes:
        """As a key does that never leaves its module."""
        signature = rsa_key().sign(base_string.encode(), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signature)

    hook = make(provider, body_hash=True, signature_method=("RSA-SHA256", sign))

    received = send(hook, "POST", provider.resource_url, data=b"body")

    assert received["signature_method"] == "RSA-SHA256"
    assert dict(received["oauth"])["oauth_body_hash"] == expected_hash(b"body", "sha256")
    request = requests.Request("GET", provider.resource_url).prepare()
    assert hook.explain(request).signing_key.startswith("what your function for RSA-SHA256 makes")


def test_a_key_that_stands_in_the_class_is_read_once_for_all_hooks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load, loaded = serialization.load_pem_private_key, []

    def counted(*arguments: Any) -> Any:
        loaded.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(serialization, "load_pem_private_key", counted)

    class Jira(OAuthHook):
        consumer_key = "k"
        signature_method = "RSA-SHA1"
        rsa_key = pem(rsa.generate_private_key(65537, 2048))

    for _ in range(3):
        Jira("t", "s")

    assert len(loaded) == 1


def test_a_key_that_was_read_opens_to_its_passphrase_only() -> None:
    encrypted = pem(rsa_key(), b"right")
    settings: dict[str, Any] = {"signature_method": "RSA-SHA1", "rsa_key": encrypted}
    OAuthHook("t", "s", "k", "s", rsa_key_passphrase="right", **settings)

    for wrong in (None, "wrong"):
        with pytest.raises(CredentialError):
            OAuthHook("t", "s", "k", "s", rsa_key_passphrase=wrong, **settings)


def test_of_what_a_key_was_read_from_nothing_is_kept() -> None:
    encrypted = pem(rsa_key(), b"hush-passphrase")
    OAuthHook(
        *("t", "s", "k", "s"),
        signature_method="RSA-SHA1",
        rsa_key=encrypted,
        rsa_key_passphrase="hush-passphrase",
    )

    kept = repr(rsa_room._read)

    assert "RSAPrivateKey object" in kept
    assert "hush" not in kept
    assert encrypted.decode().splitlines()[1] not in kept


def test_a_key_is_known_by_its_bytes_and_not_by_how_it_shows_itself() -> None:
    class Secret(bytes):
        def __repr__(self) -> str:
            return "Secret('***')"

        def __bytes__(self) -> bytes:
            return b"***"

    keys = [rsa_key(), rsa.generate_private_key(65537, 2048)]
    request = requests.Request("GET", "http://api.example.com/x").prepare()
    for key in keys:
        hook = OAuthHook("t", "s", "k", signature_method="RSA-SHA1", rsa_key=Secret(pem(key)))
        text = hook.explain(request.copy()).signature_base_string.encode()
        assert hook._signer.sign(text.decode()) == encoded(
            key.sign(text, padding.PKCS1v15(), hashes.SHA1())
        )
    encrypted, method = Secret(pem(rsa_key(), b"right")), "RSA-SHA1"
    for passphrase in (b"right", b"wrong"):
        with nullcontext() if passphrase == b"right" else pytest.raises(CredentialError):
            OAuthHook(
                "t",
                "s",
                "k",
                "s",
                signature_method=method,
                rsa_key=encrypted,
                rsa_key_passphrase=Secret(passphrase),
            )


def encoded(signature: bytes) -> str:
    return quote(base64.b64encode(signature), safe="")


def test_no_more_than_some_keys_are_kept() -> None:
    key = pem(rsa_key())
    for number in range(rsa_room._MOST + 2):
        OAuthHook("t", "s", "k", "s", signature_method="RSA-SHA1", rsa_key=key + b"\n" * number)
        assert len(rsa_room._read) <= rsa_room._MOST


@pytest.mark.parametrize(
    ("name", "hash_name"),
    [
        ("HMAC-SHA224", "sha224"),
        ("X-SHA-256", "sha256"),
        ("HMAC-SHA384", "sha384"),
        ("hmac_sha_512", "sha512"),
        ("HMAC-SHA3-256", "sha1"),
        ("HMAC-SHA512/256", "sha1"),
        ("MD5", "sha1"),
    ],
)
def test_the_body_is_hashed_by_what_the_name_of_ones_own_ends_in(name: str, hash_name: str) -> None:
    hook = OAuthHook("t", "s", "k", "s", body_hash=True, signature_method=(name, hmac_sha384))

    signed = requests.Request("PUT", "http://e.example/", data=b"body", auth=hook).prepare()

    query = parse_qs((signed.url or "").partition("?")[2])
    assert query["oauth_body_hash"] == [expected_hash(b"body", hash_name)]


@pytest.mark.parametrize(("given", "taken"), [(None, ""), ("", ""), ("c", "c")])
def test_an_rsa_method_of_ones_own_needs_no_consumer_secret_but_gets_it(
    given: str | None, taken: str
) -> None:
    method = ("RSA-PSS", lambda *texts: repr(texts[1:]))
    hook = OAuthHook("t", "s", "k", given, signature_method=method)

    signed = requests.Request("GET", "http://e.example/", auth=hook).prepare()

    query = parse_qs((signed.url or "").partition("?")[2])
    assert query["oauth_signature"] == [f"('{taken}', 's')"]


def test_a_method_of_ones_own_has_no_use_for_an_rsa_key() -> None:
    with pytest.raises(CredentialError, match="rsa_key is of no use to a method of your own"):
        OAuthHook("t", "s", "k", "s", signature_method=("X", hmac_sha384), rsa_key=rsa_key())


def test_a_method_of_ones_own_that_gives_no_text_is_told() -> None:
    hook = OAuthHook("t", "ts", "k", "cs", signature_method=("X", lambda *_: 5))  # type: ignore

    with pytest.raises(SignatureMethodError, match="'X' gave int"):
        requests.Request("GET", "http://api.example.com/x", auth=hook).prepare()


def test_a_method_of_ones_own_that_fails_is_told() -> None:
    def fail(*_: str) -> str:
        raise KeyError("hush")

    hook = OAuthHook("t", "hush-ts", "k", "hush-cs", signature_method=("X", fail))

    with pytest.raises(SignatureMethodError, match="'X' failed with KeyError") as caught:
        requests.Request("GET", "http://api.example.com/x", auth=hook).prepare()
    assert [text for text in locals_shown(caught.value) if "hush" in text] == []


@pytest.mark.parametrize("method", [("X",), ("X", "no function"), (5, hmac_sha384)])
def test_a_pair_that_is_none_is_refused(method: Any) -> None:
    with pytest.raises(SignatureMethodError, match="a name and a function"):
        OAuthHook("t", "s", "k", "s", signature_method=method)


@pytest.mark.parametrize(
    ("name", "says"), [("PLAINTEXT", "is known here"), ("\ud800", "surrogate")]
)
def test_a_name_that_is_none_of_ones_own_is_refused(name: str, says: str) -> None:
    with pytest.raises(SignatureMethodError, match=says):
        OAuthHook("t", "s", "k", "s", signature_method=(name, hmac_sha384))


# RSA


def test_the_key_is_taken_in_every_form(provider: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(rsa_key()))
    encrypted = pem(rsa_key(), b"open sesame")

    for key, passphrase in [
        (pem(rsa_key()), None),
        (pem(rsa_key()).decode(), None),
        (path, None),
        (str(path), None),
        (rsa_key(), None),
        (encrypted, "open sesame"),
        (encrypted, b"open sesame"),
        (openssh(rsa_key()), None),
    ]:
        hook = make(
            provider, signature_method="RSA-SHA256", rsa_key=key, rsa_key_passphrase=passphrase
        )
        assert send(hook, "GET", provider.resource_url)["signature_method"] == "RSA-SHA256"


def test_rsa_needs_no_consumer_secret(provider: Sandbox) -> None:
    hook = OAuthHook(
        *provider.issue_token(),
        provider.consumer_key,
        header_auth=True,
        signature_method="RSA-SHA1",
        rsa_key=rsa_key(),
    )

    assert send(hook, "GET", provider.resource_url)["signature_method"] == "RSA-SHA1"


SECRET_LINE = "MIIsecretsecretsecret"


@pytest.mark.parametrize(
    ("key", "passphrase", "message"),
    [
        (None, None, "rsa_key is missing"),
        ("no such file", None, "neither PEM nor the path"),
        ("nul\0", None, "neither PEM nor the path"),
        (f"-----BEGIN PRIVATE KEY-----\n{SECRET_LINE}", None, "can't be read"),
        (SECRET_LINE.encode(), None, "can't be read"),
        (rf"{SECRET_LINE}\n".encode(), None, "can't be read"),
        (lambda: public_pem(), None, "is a public key"),
        (lambda: public_pem().replace("PUBLIC KEY", "CERTIFICATE"), None, "is a public key"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), None, "private key of another kind"),
        (lambda: pem(rsa_key(), b"right"), None, "is encrypted: give rsa_key_passphrase"),
        (lambda: pem(rsa_key(), b"right"), b"wrong", "can't be read"),
        (lambda: pem(rsa_key(), b"right"), "", "is encrypted: give rsa_key_passphrase"),
        (lambda: pem(rsa_key(), b"right"), 5, "rsa_key_passphrase must be str or bytes, not int"),
        (lambda: pem(rsa_key(), b"right"), "\ud800", "rsa_key_passphrase holds a lone surrogate"),
        ("-----BEGIN \ud800", None, "can't be read"),
        (lambda: pem(rsa_key()), b"needless", "is not encrypted"),
        (
            lambda: pem(rsa_key()).replace(b"\n", rb"\n"),
            None,
            r"has \\n in place of its line breaks",
        ),
        (lambda: openssh(ed25519.Ed25519PrivateKey.generate()), None, "of another kind"),
        (lambda: openssh_of_a_new_kind(), None, "of a kind that cryptography can't read"),
        (lambda: pem_of_a_new_kind(), b"needless", "of a kind that cryptography can't read"),
        (object(), None, "must be PEM as str or bytes, a path"),
    ],
    ids=lambda value: value.replace(" ", "-")[:20] if isinstance(value, str) else "",
)
def test_a_bad_key_is_refused_when_the_hook_is_made(
    key: Any, passphrase: Any, message: str
) -> None:
    key = key() if callable(key) else key

    with pytest.raises(CredentialError, match=message) as caught:
        OAuthHook(
            "t", "s", "k", signature_method="RSA-SHA1", rsa_key=key, rsa_key_passphrase=passphrase
        )

    assert SECRET_LINE not in repr(caught.value)
    assert caught.value.__context__ is None  # an error that may hold the key or the passphrase


def test_a_key_of_the_wrong_type_is_a_type_error() -> None:
    with pytest.raises(CredentialTypeError):
        OAuthHook("t", "s", "k", "s", signature_method="RSA-SHA1", rsa_key=5)


def test_a_key_is_refused_where_it_is_of_no_use() -> None:
    with pytest.raises(CredentialError, match="of no use to HMAC-SHA1"):
        OAuthHook("t", "s", "k", "s", rsa_key=rsa_key())


#: By openssl genrsa 768: cryptography makes none so short any more.
SHORT_KEY = """
-----BEGIN PRIVATE KEY-----
MIIB5AIBADANBgkqhkiG9w0BAQEFAASCAc4wggHKAgEAAmEAt37e7B/wazg6L5Gr
iuFZw05Op6zuLe4pciZcrEuHOGovMSEtExjisji+eN6VUq0BqeRsKsXozMmAVIZi
R6ysmJPvtjry0d1npjnNT+4jFFLwCoJMZ+Ry5d277WAE4zzVAgMBAAECYDUWpsZo
IzXSKbtziM8AjejcshL/DFYLjsAw6yUKIRAoYIj1UUYyL/xiQHFV7Jvj45aDv0YF
zCmq4/IU8tdw3teBaW2P+AG/rdcBqXNo8y2Ipq8PCfuh3+NYFE9Qtk/PoQIxAOrR
uTSlIrQQzd8cW1hh1vdZIr+F/kOCMwtTqfq2iLkEcQVjbW5U/XXzdpX/NAVQXQIx
AMgMBMvof1tBccmOahVwCl/rhXXs1+jw/tw5uBA0xfI2zFwkDhJ47m8JuGUYZkC2
2QIwIddpzqmB79uAIAhxLbKkDW++L0X7V/Var+Y12BkYaTm3pCQpMD51bNtSmtl1
wNJNAjEAn4tWV/n5eKJdSc7XNHnDDHUeX8qg+BscaC9waRxtspuZqPLodjsUjmJG
OfqXso0hAjBl26NmqaXGTiYOi8C0PjvEhcey072mn49DMksDUDH7U7Ds2jSwSf4Q
7i0ZApNaooU=
-----END PRIVATE KEY-----
"""


def test_a_key_under_1024_bits_is_refused() -> None:
    with pytest.raises(CredentialError, match="has 768 bits, fewer than 1024"):
        OAuthHook("t", "s", "k", "s", signature_method="RSA-SHA1", rsa_key=SHORT_KEY)


def test_a_key_under_2048_bits_warns() -> None:
    with pytest.warns(UserWarning, match="1024 bits") as caught:
        OAuthHook("t", "s", "k", "s", signature_method="RSA-SHA1", rsa_key=rsa_key(1024))

    assert [warning.filename for warning in caught] == [__file__]


def test_without_cryptography_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(SignatureMethodError, match=r"pip install 'requests-oauth\[rsa\]'"):
        OAuthHook("t", "s", "k", "s", signature_method="RSA-SHA1", rsa_key=b"key")


def test_without_sha_1_in_cryptography_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(*_: Any) -> bytes:
        raise UnsupportedAlgorithm("sha1 is not supported by this backend for RSA signing.")

    hook = OAuthHook("t", "s", "k", signature_method="RSA-SHA1", rsa_key=rsa_key())
    monkeypatch.setattr(rsa_room.PrivateKey, "_key", SimpleNamespace(sign=refuses))

    with pytest.raises(SignatureMethodError, match="no sha1 here, as under FIPS") as caught:
        hook(requests.Request("GET", "http://e.example/").prepare())

    assert caught.value.__context__ is None


# PLAINTEXT


def test_plaintext_over_http_is_refused_before_anything_is_sent(provider: Sandbox) -> None:
    hook = make(provider, signature_method="PLAINTEXT")

    with pytest.raises(UnsignableRequest, match="plaintext_over_http=True") as caught:
        send(hook, "GET", provider.resource_url)

    assert provider.consumer_secret not in str(caught.value)


def test_plaintext_over_https_needs_no_permission() -> None:
    hook = OAuthHook("t", "t&s", "k", "c s", True, signature_method="PLAINTEXT")
    request = requests.Request("GET", "https://api.example.com/x", auth=hook).prepare()

    signature = str(request.headers["Authorization"]).partition('oauth_signature="')[2][:-1]

    assert unquote(signature) == "c%20s&t%26s"


@MODES
def test_an_explanation_of_plaintext_masks_the_signature(header_auth: bool) -> None:
    hook = OAuthHook("t", "s3cr3t", "k", "s3cr3t", header_auth, signature_method="PLAINTEXT")
    request = requests.Request("GET", "https://api.example.com/x?a=1", auth=hook).prepare()

    assert "s3cr3t" not in str(hook.explain(request)) + repr(hook.explain(request))


# realm, oauth_version


def test_the_realm_stands_first_in_the_header_and_outside_the_signature(provider: Sandbox) -> None:
    received = send(make(provider, realm='1234567_"SB\\1"'), "GET", provider.resource_url)

    (header,) = [value for name, value in received["headers"] if name == "Authorization"]
    assert header.startswith('OAuth realm="1234567_\\"SB\\\\1\\"", oauth_consumer_key=')


def test_query_mode_sends_no_realm(provider: Sandbox) -> None:
    received = send(make(provider, False, realm="photos"), "GET", provider.resource_url)

    assert "realm" not in received["query"]


@pytest.mark.parametrize("realm", ["a\r\nb", "\0", "caf\u00e9", 5])
def test_a_realm_that_no_header_takes_is_refused(realm: Any) -> None:
    with pytest.raises(CredentialError, match="realm must be"):
        OAuthHook("t", "s", "k", "s", realm=realm)


@MODES
def test_oauth_version_can_be_left_out(provider: Sandbox, header_auth: bool) -> None:
    received = send(make(provider, header_auth, oauth_version=False), "GET", provider.resource_url)

    assert "oauth_version" not in dict(received["oauth"])


# oauth_body_hash


def test_a_text_without_utf_8_can_not_be_hashed() -> None:
    request = requests.Request("POST", "http://e.example/", headers={"Content-Type": "text/plain"})
    prepared = request.prepare()
    prepared.body = "\ud800"

    with pytest.raises(UnreadableBody, match="lone surrogate") as caught:
        OAuthHook("t", "ts", "k", "cs", body_hash=True)(prepared)

    assert type(caught.value) is UnreadableBody


def expected_hash(body: bytes, name: str = "sha1") -> str:
    return base64.b64encode(hashlib.new(name, body).digest()).decode()


@MODES
@pytest.mark.parametrize(
    ("given", "body"),
    [
        ({"json": {"a": "\u00e9"}}, b'{"a": "\\u00e9"}'),
        ({"data": b"\xff\x00"}, b"\xff\x00"),
        ({"data": bytearray(b"\xff\x00")}, b"\xff\x00"),
        ({"data": "caf\u20ac"}, "caf\u20ac".encode()),
        ({"data": lambda: io.BytesIO(b"x" * 200_000)}, b"x" * 200_000),
        ({}, b""),
        ({"data": {"oauth_callback": "oob"}}, b""),
    ],
    ids=["json", "bytes", "bytearray", "str", "file", "no body", "a form of which nothing stays"],
)
def test_a_body_that_is_no_form_is_hashed(
    provider: Sandbox, header_auth: bool, given: dict[str, Any], body: bytes
) -> None:
    given = {name: value() if callable(value) else value for name, value in given.items()}

    received = send(
        make(provider, header_auth, body_hash=True), "POST", provider.resource_url, **given
    )

    assert dict(received["oauth"])["oauth_body_hash"] == expected_hash(body)
    assert received["sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("method", "hash_name"),
    [("HMAC-SHA256", "sha256"), ("RSA-SHA512", "sha512"), ("PLAINTEXT", "sha1")],
)
def test_the_body_is_hashed_by_the_methods_digest(
    provider: Sandbox, method: str, hash_name: str
) -> None:
    hook = make(provider, body_hash=True, **options_of(method))

    received = send(hook, "PUT", provider.resource_url, data=b"body")

    assert dict(received["oauth"])["oauth_body_hash"] == expected_hash(b"body", hash_name)


def test_no_hash_is_sent_of_a_form_that_carries_the_signature(provider: Sandbox) -> None:
    hook = make(provider, form_auth=True, body_hash=True)

    received = send(hook, "POST", provider.resource_url, data={"oauth_callback": "oob"})

    assert received["place"] == "body"
    assert "oauth_body_hash" not in dict(received["oauth"])


@MODES
def test_a_hash_of_the_users_own_is_replaced(provider: Sandbox, header_auth: bool) -> None:
    hook = make(provider, header_auth, body_hash=True)

    received = send(hook, "POST", f"{provider.resource_url}?oauth_body_hash=own", data=b"body")

    assert dict(received["oauth"])["oauth_body_hash"] == expected_hash(b"body")


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("GET", {}),
        ("HEAD", {}),
        ("POST", {"data": {"a": "1"}}),
        ("POST", {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
    ],
    ids=["GET without body", "HEAD without body", "a form", "an empty form"],
)
def test_no_hash_is_sent_of(provider: Sandbox, method: str, given: dict[str, Any]) -> None:
    hook = make(provider, body_hash=True)

    response = requests.request(
        method, provider.resource_url, hooks={"pre_request": hook}, timeout=30, **given
    )

    assert response.status_code == 200
    assert "oauth_body_hash" not in str(response.request.headers["Authorization"])


def test_a_body_that_can_be_sent_once_only_is_not_hashed_but_refused(provider: Sandbox) -> None:
    read = []

    def generate() -> Iterator[bytes]:
        read.append(1)
        yield b"x"

    with pytest.raises(UnreadableBody, match="must be hashed"):
        send(make(provider, body_hash=True), "POST", provider.resource_url, data=generate())

    assert read == []


def test_the_hash_is_that_of_the_body_that_is_sent_again(provider: Sandbox) -> None:
    hook = make(provider, False, body_hash=True)
    request = requests.Request(
        "POST", provider.resource_url, data=b"one", hooks={"pre_request": hook}
    ).prepare()
    with requests.Session() as client:
        client.send(request)
        request.prepare_body(b"two", None)
        received = client.send(request).json()

    assert dict(received["oauth"])["oauth_body_hash"] == expected_hash(b"two")


# In the form (RFC 5849 section 3.5.2)


@pytest.mark.parametrize(
    "given",
    [
        {"data": {"a": "b c"}},
        {"data": "a=b+c", "headers": FORM},
        {"data": b"a=b+c", "headers": FORM},
        {"data": lambda: io.BytesIO(b"a=b+c"), "headers": FORM},
    ],
    ids=["dict", "str", "bytes", "file"],
)
def test_form_auth_puts_the_parameters_at_the_end_of_a_form(
    provider: Sandbox, given: dict[str, Any]
) -> None:
    given = {name: value() if callable(value) else value for name, value in given.items()}

    received = send(make(provider, form_auth=True), "POST", provider.resource_url, **given)

    assert received["place"] == "body"
    assert received["body"].startswith("a=b+c&oauth_consumer_key=")
    assert not [name for name, _ in received["headers"] if name == "Authorization"]


def test_a_form_of_oauth_parameters_alone_stays_a_form(provider: Sandbox) -> None:
    received = send(
        make(provider, form_auth=True),
        "POST",
        provider.resource_url,
        data={"oauth_callback": "oob"},
    )

    assert (received["place"], dict(received["oauth"])["oauth_callback"]) == ("body", "oob")


@pytest.mark.parametrize("sendings", [1, 2])
def test_a_form_without_fields_is_a_form(provider: Sandbox, sendings: int) -> None:
    """Requests makes no body of it. A token request may be one."""
    hook = make(provider, form_auth=True, body_hash=True)
    request = requests.Request(
        "POST", provider.resource_url, data={}, headers=FORM, hooks={"pre_request": hook}
    ).prepare()
    assert "OAuth parameters at its end" in str(hook.explain(request))

    with requests.Session() as client:
        for _ in range(sendings):
            received = client.send(request).json()

    assert received["place"] == "body"
    assert received["body"].startswith("oauth_consumer_key=")
    assert "oauth_body_hash" not in dict(received["oauth"])


@pytest.mark.parametrize("method", ["GET", "HEAD", "get"])
def test_a_get_of_a_form_s_type_gets_no_body(provider: Sandbox, method: str) -> None:
    request = requests.Request(method, provider.resource_url, headers=FORM).prepare()
    signed = make(provider, False, form_auth=True)(request)

    assert (signed.body, "oauth_signature=" in str(signed.url)) == (None, True)


@MODES
@pytest.mark.parametrize("given", [{}, {"json": {"a": 1}}], ids=["no body", "json"])
def test_what_is_no_form_goes_by_header_auth(
    provider: Sandbox, header_auth: bool, given: dict[str, Any]
) -> None:
    hook = make(provider, header_auth, form_auth=True)

    received = send(hook, "POST", provider.resource_url, **given)

    assert received["place"] == ("header" if header_auth else "query")


def test_a_form_sent_again_holds_the_parameters_once(provider: Sandbox) -> None:
    hook = make(provider, form_auth=True)
    request = requests.Request(
        "POST", provider.resource_url, data={"a": "1"}, hooks={"pre_request": hook}
    ).prepare()

    with requests.Session() as client:
        nonces = [dict(client.send(request).json()["oauth"])["oauth_nonce"] for _ in "12"]

    assert nonces[0] != nonces[1]


# One-legged, two-legged


@MODES
def test_one_legged_the_consumer_signs_alone(provider: Sandbox, header_auth: bool) -> None:
    hook = OAuthHook(None, None, provider.consumer_key, provider.consumer_secret, header_auth)

    assert send(hook, "GET", provider.resource_url)["oauth_token"] is None


@MODES
def test_two_legged_with_an_empty_token(provider: Sandbox, header_auth: bool) -> None:
    hook = OAuthHook("", "", provider.consumer_key, provider.consumer_secret, header_auth)

    received = send(hook, "GET", provider.resource_url)

    assert ["oauth_token", ""] in received["oauth"]


def test_what_is_settled_can_be_read(provider: Sandbox) -> None:
    hook = make(provider, signature_method="HMAC-SHA256", realm="photos", body_hash=True)

    assert (hook.signature_method, hook.realm, hook.body_hash, hook.form_auth) == (
        "HMAC-SHA256",
        "photos",
        True,
        False,
    )


# The small print


class _SeeksUntilItIsRead(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        self.seek = _fails  # type: ignore[method-assign]
        return super().read(size)


def _fails(*_: Any) -> Any:
    raise OSError("hush")


def test_a_body_that_can_not_be_rewound_once_it_was_read_is_refused(provider: Sandbox) -> None:
    body = _SeeksUntilItIsRead(b"content")
    request = requests.Request("PUT", provider.resource_url, data=body).prepare()

    with pytest.raises(UnreadableBody, match="can't be rewound"):
        make(provider, True, body_hash=True)(request)


def test_plaintext_takes_https_in_any_case() -> None:
    request = requests.Request("GET", "https://api.example.com/x").prepare()
    request.url = "HTTPS://api.example.com/x"
    hook = OAuthHook("t", "s", "k", "s", True, signature_method="PLAINTEXT")

    assert "oauth_signature" in hook(request).headers["Authorization"]


def test_a_lone_surrogate_is_no_signature() -> None:
    hook = OAuthHook("t", "s", "k", "s", signature_method=("OWN", lambda *_: "\ud800"))

    with pytest.raises(SignatureMethodError, match="'OWN' gave a lone surrogate"):
        hook(requests.Request("GET", "http://api.example.com/x").prepare())


def test_a_method_of_ones_own_without_a_name_is_refused() -> None:
    with pytest.raises(SignatureMethodError, match="empty name"):
        OAuthHook("t", "s", "k", "s", signature_method=("", lambda *_: "x"))
