"""Credentials stored and loaded: whole, private, and silent about secrets."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from eavesdropper import locals_shown

from oauth_hook import (
    CredentialError,
    CredentialTypeError,
    OAuthHook,
    SignatureMethodError,
    credential_file,
)

CREDENTIALS = ("token", "hush-token-secret", "key", "hush-consumer-secret")
HOOK = OAuthHook(*CREDENTIALS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "credentials.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_what_was_saved_is_loaded(path: Path, header_auth: bool) -> None:
    hook = OAuthHook("tökén", "hush-&%", "kéy", "", header_auth)
    credential_file.save(hook, path)
    loaded = credential_file.load(path)
    assert loaded.consumer == hook.consumer
    assert loaded.token == hook.token
    assert loaded.header_auth is header_auth


def test_a_hook_without_token_is_loaded_without(path: Path) -> None:
    credential_file.save(OAuthHook(consumer_key="key", consumer_secret="hush-secret"), path)
    assert credential_file.load(path).token is None


def test_the_file_is_json_for_anyone_to_read(path: Path) -> None:
    credential_file.save(OAuthHook(*CREDENTIALS, header_auth=True), path)
    assert json.loads(path.read_text()) == {
        "consumer_key": "key",
        "consumer_secret": "hush-consumer-secret",
        "access_token": "token",
        "access_token_secret": "hush-token-secret",
        "header_auth": True,
        "signature_method": "HMAC-SHA1",
        "oauth_version": True,
        "body_hash": False,
        "form_auth": False,
        "plaintext_over_http": False,
    }


def test_each_field_stands_on_a_line_of_its_own(path: Path) -> None:
    credential_file.save(HOOK, path)
    first, *fields, last = path.read_text().splitlines(keepends=True)
    assert (first, last) == ("{\n", "}\n")
    assert all(line.startswith('  "') for line in fields)
    assert len(fields) == len(json.loads(path.read_text()))


def test_all_of_it_is_on_the_disk_before_it_takes_the_file_s_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor)))
    credential_file.save(HOOK, path)
    status = path.stat()
    assert [(one.st_ino, one.st_size) for one in synced] == [(status.st_ino, status.st_size)]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777], ids=oct)
def test_only_the_owner_can_read_it_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        credential_file.save(OAuthHook(*CREDENTIALS), path)
    finally:
        os.umask(before)
    assert mode(path) == 0o600 & ~umask


def test_a_file_that_others_could_read_is_replaced_by_one_that_they_can_not(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0o644)
    credential_file.save(OAuthHook(*CREDENTIALS), path)
    assert mode(path) == 0o600


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    credential_file.save(OAuthHook(*CREDENTIALS), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert credential_file.load(path).consumer.key == "key"
    assert credential_file.load(tmp_path / "link").consumer.key == "key"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "Ctrl-C"]
)
def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    credential_file.save(OAuthHook(*CREDENTIALS), path)
    before = path.read_bytes()

    def fails(_: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(type(error), match=r"No space left|^$"):
        credential_file.save(OAuthHook("other", "", "key", ""), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("act", [credential_file.check, partial(credential_file.save, HOOK)])
def test_a_file_system_that_keeps_no_permissions_is_told_before_anything_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None]
) -> None:
    """As of WSL's /mnt/c, or a USB stick: what was saved there would never be loaded."""
    make = tempfile.mkstemp

    def mkstemp(*arguments: Any, **settings: Any) -> tuple[int, str]:
        descriptor, name = make(*arguments, **settings)
        os.fchmod(descriptor, 0o777)
        return descriptor, name

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    with pytest.raises(PermissionError, match="keeps no permissions") as caught:
        act(path)
    assert caught.value.filename == str(path)
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("act", [credential_file.check, partial(credential_file.save, HOOK)])
@pytest.mark.parametrize("name", ["none/credentials.json", ".", "", "x" * 300])
def test_a_file_that_can_not_be_written_is_named_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[str], None], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"\[Errno") as caught:
        act(name)
    assert caught.value.filename == name
    assert caught.value.filename2 is None
    assert ".oauth-hook-" not in "".join(traceback.format_exception(caught.value))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("act", [credential_file.check, partial(credential_file.save, HOOK)])
def test_a_name_of_a_directory_that_is_not_there_is_none(tmp_path: Path, act: Any) -> None:
    with pytest.raises(OSError, match="has no name"):
        act(f"{tmp_path}/new/")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("act", [credential_file.check, partial(credential_file.save, HOOK)])
def test_a_device_or_a_pipe_is_not_replaced(path: Path, act: Callable[[Path], None]) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        act(path)
    assert path.is_fifo()
    assert os.listdir(path.parent) == [path.name]


def test_a_look_whether_it_can_be_written_leaves_the_file_as_it_is(path: Path) -> None:
    credential_file.save(HOOK, path)
    before = path.read_bytes()
    opened = set(os.listdir("/dev/fd"))
    credential_file.check(path)
    assert set(os.listdir("/dev/fd")) <= opened
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    "others", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666], ids=oct
)
def test_a_file_that_others_can_read_or_change_is_refused_with_a_warning(
    path: Path, others: int
) -> None:
    credential_file.save(OAuthHook(*CREDENTIALS), path)
    path.chmod(others)
    with pytest.raises(CredentialError, match=r"other than its owner .* chmod 600"):
        credential_file.load(path)


def test_a_file_of_another_user_is_refused_with_a_warning(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential_file.save(HOOK, path)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(CredentialError, match="belongs to another user") as caught:
        credential_file.load(path)
    assert "hush" not in str(caught.value)


def test_a_read_only_file_is_fine(path: Path) -> None:
    credential_file.save(OAuthHook(*CREDENTIALS), path)
    path.chmod(0o400)
    assert credential_file.load(path).token is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a JSON object"),
        ("hush-secret", "not a JSON object"),
        ('{"consumer_secret": "hush-secret"', "not a JSON object"),
        ('["hush-secret"]', "not a JSON object"),
        ("[" * 10_000, "not a JSON object"),
        ('"' + "x" * 100_000 + '"', "not a JSON object"),
        ('{"consumer_secret": "hush-secret"}', "it has no consumer_key"),
        ('{"consumer_key": "key"}', "it has no consumer_secret"),
        (
            '{"consumer_key": ["hush-secret"], "consumer_secret": ""}',
            "consumer_key is not a string",
        ),
        ('{"consumer_key": "", "consumer_secret": "hush-secret"}', "consumer_key is empty"),
        (
            '{"consumer_key": "key", "consumer_secret": "", "access_token": "token"}',
            "access_token_secret is missing",
        ),
        (
            '{"consumer_key": "key", "consumer_secret": "", "access_token_secret": "hush-secret"}',
            "access_token is missing",
        ),
        (
            '{"consumer_key": "key", "consumer_secret": "hush-secret\\ud800"}',
            "consumer_secret holds a lone surrogate",
        ),
        (
            '{"consumer_key": "key", "consumer_secret": "", "password": ""}',
            "an unknown field 'password'",
        ),
        (  # of a name of any length, which may be the secret itself, no more than is needed
            json.dumps({"x" * 40 + "hush": ""}),
            "an unknown field 'x{40}'$",
        ),
        (
            '{"consumer_key": "key", "consumer_secret": "hush-secret", "header_auth": "yes"}',
            "header_auth is not true or false",
        ),
        (
            '{"consumer_key": "key", "consumer_secret": "", "clock_tolerance": true}',
            "clock_tolerance is not a whole number",
        ),
    ],
)
def test_a_file_that_holds_no_credentials_is_refused(path: Path, text: str, says: str) -> None:
    with pytest.raises(CredentialError, match=says) as caught:
        credential_file.load(write(path, text))
    assert str(caught.value).startswith(f"{path} holds no credentials: ")
    assert "hush" not in f"{caught.value!r} {caught.value.__context__!r}"
    assert [text for text in locals_shown(caught.value) if "hush" in text] == []


def test_a_file_of_other_bytes_than_text_is_refused(path: Path) -> None:
    path.write_bytes(b'{"consumer_key": "\xff"}')
    path.chmod(0o600)
    with pytest.raises(CredentialError, match="not a JSON object"):
        credential_file.load(path)


def test_a_file_of_64_kib_is_read_and_a_longer_one_is_not(path: Path) -> None:
    text = '{"consumer_key": "key", "consumer_secret": ""}'.ljust(64 * 1024)
    assert credential_file.load(write(path, text)).consumer.key == "key"
    with pytest.raises(CredentialError, match="not a JSON object"):
        credential_file.load(write(path, f"{text} "))
    os.truncate(path, 1 << 40)  # of which no more is read than that
    with pytest.raises(CredentialError, match="not a JSON object"):
        credential_file.load(path)


def test_the_class_s_consumer_never_fills_a_gap(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OAuthHook, "consumer_key", "of the class")
    with pytest.raises(CredentialError, match="it has no consumer_key"):
        credential_file.load(write(path, '{"consumer_secret": ""}'))


def test_how_the_hook_signs_is_kept_too(path: Path) -> None:
    ways = {"realm": "1", "oauth_version": False, "body_hash": True, "form_auth": True}
    hook = OAuthHook(*CREDENTIALS, signature_method="HMAC-SHA512", **ways)
    credential_file.save(hook, path)
    url = "https://p.example/"
    made, loaded = (
        one.explain(requests.Request("POST", url, data="x").prepare())
        for one in (hook, credential_file.load(path))
    )
    assert {one.name for one in loaded.parameters} == {one.name for one in made.parameters}
    assert ("OAuth", "oauth_signature_method", "HMAC-SHA512") in loaded.parameters
    assert credential_file.load(path).realm == "1"


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("realm", "é", "realm must be"),
        ("clock_tolerance", -1, "clock_tolerance must be"),
        ("signature_method", "FOO", "its signature_method 'FOO' is not one of"),
    ],
)
def test_what_the_file_says_wrong_is_told_of_the_file(
    path: Path, field: str, value: str | int, says: str
) -> None:
    text = json.dumps({"consumer_key": "key", "consumer_secret": "hush", field: value})
    with pytest.raises(
        (CredentialError, SignatureMethodError), match=f"^{path} can't be used: {says}"
    ) as caught:
        credential_file.load(write(path, text), header_auth=True)
    assert [text for text in locals_shown(caught.value) if "hush" in text] == []


def test_what_is_wrong_in_the_file_may_be_replaced(path: Path) -> None:
    fields = {"realm": "é", "clock_tolerance": -1, "signature_method": "FOO"}
    text = json.dumps({"consumer_key": "key", "consumer_secret": "", **fields})
    replaced = {"realm": "r", "clock_tolerance": 5, "signature_method": "HMAC-SHA256"}
    hook = credential_file.load(write(path, text), **replaced)
    assert {name: getattr(hook, name) for name in replaced} == replaced
    hook = credential_file.load(path, **dict.fromkeys(replaced))
    assert (hook.realm, hook.clock_tolerance, hook.signature_method) == (None, None, "HMAC-SHA1")


def test_a_method_of_one_s_own_that_has_no_name_must_be_given_again(path: Path) -> None:
    text = '{"consumer_key": "key", "consumer_secret": "", "own_signature_method": true}'
    with pytest.raises(SignatureMethodError, match="no function"):
        credential_file.load(write(path, text))
    assert credential_file.load(path, signature_method="HMAC-SHA256").token is None


def test_a_key_that_the_file_can_not_hold_is_missed_in_the_call(path: Path) -> None:
    text = '{"consumer_key": "key", "consumer_secret": "", "signature_method": "RSA-SHA1"}'
    with pytest.raises(CredentialError, match=r"^rsa_key is missing"):
        credential_file.load(write(path, text))


@pytest.mark.parametrize("tolerance", [0, 300])
def test_the_clock_s_tolerance_is_kept_too(path: Path, tolerance: int) -> None:
    credential_file.save(OAuthHook(*CREDENTIALS, clock_tolerance=tolerance), path)
    assert credential_file.load(path).clock_tolerance == tolerance


def test_what_is_empty_is_kept_as_it_is(path: Path) -> None:
    hook = OAuthHook("token", "", "key", "", True, realm="")
    credential_file.save(hook, path)
    loaded = credential_file.load(path)
    assert (loaded.token, loaded.realm) == (hook.token, "")


def test_what_merely_counts_as_true_or_false_is_loaded_again(path: Path) -> None:
    either: Any = (1, 0)
    credential_file.save(OAuthHook(*CREDENTIALS, either[0], body_hash=either[1]), path)
    loaded = credential_file.load(path)
    assert (loaded.header_auth, loaded.body_hash) == (True, False)


def test_arguments_in_the_wrong_order_are_told(path: Path) -> None:
    swapped: Any = (str(path), HOOK)
    with pytest.raises(CredentialTypeError, match="hook must be an OAuthHook, not str"):
        credential_file.save(*swapped)


def test_what_is_given_goes_before_the_file(path: Path) -> None:
    credential_file.save(OAuthHook(*CREDENTIALS, True), path)
    assert credential_file.load(path, header_auth=False).header_auth is False


@pytest.mark.parametrize("name", ["own", "HMAC-SHA256"])
def test_a_method_of_one_s_own_must_be_given_again(path: Path, name: str) -> None:
    own = (name, lambda base_string, consumer_secret, token_secret: "signature")
    credential_file.save(OAuthHook(*CREDENTIALS, signature_method=own), path)
    with pytest.raises(SignatureMethodError, match=f"no function for .* '{name}'"):
        credential_file.load(path, signature_method=None)
    assert credential_file.load(path, signature_method=own).token is not None
    assert credential_file.load(path, signature_method="HMAC-SHA1").token is not None


def test_a_file_that_was_found_in_its_directory_is_named_as_it_is(path: Path) -> None:
    write(path, "{}")
    (entry,) = os.scandir(path.parent)
    with pytest.raises(CredentialError, match=f"^{path} holds no credentials"):
        credential_file.load(entry)


def test_a_missing_file_is_python_s_own_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        credential_file.load(path)


def test_a_name_may_be_as_long_as_the_disk_takes_it(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    credential_file.save(HOOK, path)
    assert credential_file.load(path).consumer == HOOK.consumer
