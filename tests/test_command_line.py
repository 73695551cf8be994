"""The command line as a process: what holds for every command, ``demo`` and ``sandbox``."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from base64 import b64decode, encodebytes
from pathlib import Path
from typing import Any

import pytest
import requests
import terminal
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from terminal import at_terminal, environment, run

from oauth_hook import OAuthHook, __version__
from oauth_hook.__main__ import main
from oauth_hook.commands import explain
from oauth_hook.commands.sandbox import commands_to_try
from oauth_hook.providers import PROVIDERS
from oauth_hook.sandbox import Sandbox

COMMANDS = ("authorize", "request", "explain", "sandbox", "demo")
CONSUMER = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "hush-secret"}

ENDPOINTS = ("request-token-url", "authorize-url", "access-token-url")
WRONG_ENDPOINTS = [
    ([f"--{name}={url if name == wrong else 'http://a.example'}" for name in ENDPOINTS], wrong)
    for wrong in ENDPOINTS
    for url in (
        "a.example",
        "ftp://a.example",
        "http://",
        "http:///a",
        "http://[a",
        "http://a:x",
        "http://a:0",
    )
]
WRONG_ENDPOINTS.append((["--provider=sandbox", "--base-url=localhost:80"], ENDPOINTS[0]))


# Help and usage


@pytest.mark.parametrize("arguments", [[], *([command] for command in COMMANDS)], ids=str)
def test_help_stands_on_its_own(arguments: list[str]) -> None:
    helped = run(*arguments, "--help")
    assert helped.returncode == 0
    assert helped.stderr == ""
    words = helped.stdout.split()
    assert words[:2] == ["usage:", "oauth-hook"]
    assert len(words) > 40
    assert max(map(len, helped.stdout.splitlines())) <= 80


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_certificates_that_are_not_there_are_said_to_be_the_cause(variable: str) -> None:
    env = {**CONSUMER, variable: "/nonexistent"}
    ended = run("request", "GET", "https://127.0.0.1:1/", env=env)
    assert ended.returncode == 1
    assert ended.stderr == (
        "oauth-hook: the CA certificates that REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or verify names "
        "are not there\n"
    )


@pytest.mark.parametrize("content", ["", "rubbish"])
def test_a_file_of_ca_certificates_that_holds_none_is_said_to_be_the_cause(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "ca.pem").write_text(content)
    env = {**CONSUMER, "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        ended = run("request", "GET", url, env=env)
    assert ended.returncode == 1
    assert ended.stderr == (
        "oauth-hook: the file of CA certificates (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or verify) "
        "holds none\n"
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", ["--help", "--version", "request --help"])
def test_help_that_nobody_reads_is_no_traceback(arguments: str, unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for stdout, err in (
        (writing, ""),
        (os.open("/dev/full", os.O_WRONLY), "oauth-hook: No space left on device\n"),
    ):
        ended = subprocess.run(
            [sys.executable, "-m", "oauth_hook", *arguments.split()],
            env=environment(PYTHONUNBUFFERED=unbuffered),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(stdout)
        expected = [(1, err)]
        if unbuffered:  # argparse of 3.12 and later passes over it
            expected.append((0, ""))
        assert (ended.returncode, ended.stderr) in expected


def test_the_version() -> None:
    assert run("--version").stdout == f"requests-oauth {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["demo", "--fast"], "unrecognized arguments: --fast"),
        (["demo", "fast"], "unrecognized arguments: fast"),
        (["request", "GET"], "the following arguments are required: URL"),
        (["request", "GET", "http://a.example", "a"], "'a' is not of the form name=value"),
        (["request", "GET", "http://a.example", "=b"], "'=b' is not of the form name=value"),
        (["request", "POST", "http://a.example", "--json", "{"], "--json: this is not valid JSON"),
        (
            ["request", "POST", "http://a.example", "--json", '{"a": NaN}'],
            "--json: this is not valid JSON: NaN is no number there",
        ),
        (["request", "POST", "http://a.example", "a=b", "--json", "1"], "--json is the body"),
        (["request", "POST", "http://a.example", "a@b", "--json", "1"], "--json is the body"),
        (["request", "GET", "http://a.example", "a@b"], "GET has no body"),
        (["request", "POST", "http://a.example", "a@"], "'a@' is not of the form name=value or"),
        (["explain", "GET", "http://a.example/", "--signature-method", "ROT13"], "'ROT13'"),
        (["sandbox", "--port", "70000"], "argument --port: invalid port value: '70000'"),
        (["authorize"], "give --provider, or all of"),
        (["authorize", "--authorize-url", "http://a.example"], "give --provider, or all of"),
        (["authorize", "--provider", "nonsense"], "invalid choice: 'nonsense'"),
        (["authorize", "--provider", "jira"], "--provider jira needs --base-url"),
        (
            ["authorize", "--provider", "x", "--base-url", "http://a.example"],
            "--provider x has no use for --base-url",
        ),
        *(
            (["authorize", *endpoints], f"the {wrong} is not http(s)://HOST...")
            for endpoints, wrong in WRONG_ENDPOINTS
        ),
        (["authorize", "--provider", "x", "perms"], "'perms' is not of the form name=value"),
        (["authorize", "--provider", "x", "a=1", "b=2", "a=3"], "'a' is given twice"),
        (["authorize", "--provider", "x", "=read"], "'' is not of the form name=value"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_said_in_a_line_with_status_2(arguments: list[str], says: str) -> None:
    ended = run(*arguments, env=CONSUMER)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert says in ended.stderr.splitlines()[-1]


def test_what_may_be_left_out_is_not_said_to_be_missing() -> None:
    assert run("request", "GET").stderr.endswith("arguments are required: URL\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["request", "GET", "http://127.0.0.1:1/"], "Connection refused"),
        (["request", "GET", "http://nowhere.invalid/"], "there is no such host"),
        (["request", "GET", "nowhere"], "the URL does not begin with http:// or https://"),
        (["request", "GET", "ftp://a.example/"], "does not begin with http:// or https://"),
        (["request", "POST", "http://127.0.0.1:1/", "a@/none"], "/none: No such file or directory"),
        (
            ["request", "GET", "http://127.0.0.1:1/", "--credentials", "/none"],
            "/none: No such file or directory",
        ),
        (["explain", "GET", "ftp://a.example/"], "does not begin with http:// or https://"),
        (
            ["explain", "GET", "http://a.example/", "--signature-method", "PLAINTEXT"],
            "this URL is not https: give an https URL, or --plaintext-over-http",
        ),
        (
            ["explain", "GET", "http://a.example/", "--signature-method", "RSA-SHA1"],
            "oauth-hook: --rsa-key is missing: RSA-SHA1 signs with",
        ),
        (
            ["explain", "GET", "http://a.example/", "--rsa-key", terminal.__file__],
            "oauth-hook: --rsa-key can't be read: give the private key in PEM",
        ),
        (
            ["explain", "GET", "http://a.example/", "--realm", "é"],
            "oauth-hook: --realm must be",
        ),
        (["explain", "GET", "http://a.example/", "--rsa-key", "/none"], "/none: No such file"),
        (
            ["authorize", "--provider", "jira", "--base-url", "http://127.0.0.1:1"],
            "oauth-hook: --rsa-key is missing: RSA-SHA1 signs with",
        ),
        (["sandbox", "--database", "/none/database"], "/none/database: No such file"),
        (["sandbox", "--database", __file__], "is not a database of the sandbox"),
        (
            ["authorize", "--provider", "sandbox", "--base-url", "http://127.0.0.1:1", "--pin"],
            "there is no terminal to type the PIN at",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_failure_is_one_line_with_status_1(arguments: list[str], says: str) -> None:
    ended = run(*arguments, env=CONSUMER)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("oauth-hook: ")
    assert says in ended.stderr
    assert "hush" not in ended.stderr
    assert "oauth_signature" not in ended.stderr


def test_a_database_that_is_a_pipe_is_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    ended = run("sandbox", "--database", str(tmp_path / "pipe"))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"oauth-hook: {tmp_path / 'pipe'} can't be opened as a database")
    assert ended.stderr.count("\n") == 1


def test_a_database_that_another_program_keeps_locked_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "database")
    Sandbox(path).stop()
    connect = sqlite3.connect
    with contextlib.closing(connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def impatient(name: str, **settings: Any) -> sqlite3.Connection:
            return connect(name, **{**settings, "timeout": 0})

        monkeypatch.setattr(sqlite3, "connect", impatient)
        assert main(["sandbox", "--database", path]) == 1
    assert capsys.readouterr().err == f"oauth-hook: {path}: database is locked\n"


# Bytes that are no UTF-8, and what is no text


BYTE = os.fsdecode(b"\xff")
URL = "http://a.example/"


@pytest.mark.parametrize(
    "arguments",
    [
        ["request", "GET", URL, f"a={BYTE}"],
        ["request", "POST", URL, f"a={BYTE}"],
        ["request", "POST", URL, f"{BYTE}@{__file__}"],
        ["request", "GET", URL + BYTE],
        ["explain", "GET", URL, f"{BYTE}=a"],
        ["explain", "GET", URL, "--header", f"a={BYTE}"],
        ["explain", "GET", URL, "--compare", BYTE],
        ["explain", "POST", URL, "--json", f'"{BYTE}"'],
        ["sandbox", "--host", BYTE],
        ["authorize", "--provider", "x", f"a={BYTE}"],
        ["authorize", "--provider", "sandbox", "--base-url", URL + BYTE],
    ],
    ids=ascii,
)
def test_an_argument_that_is_not_utf_8_is_wrong_usage(arguments: list[str]) -> None:
    ended = run(*arguments, env=CONSUMER)
    assert ended.returncode == 2
    assert "error: this is not UTF-8: " in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8:surrogateescape", "cp1252"])
def test_json_on_stdin_that_is_not_utf_8_is_no_json(encoding: str) -> None:
    env = {**CONSUMER, "PYTHONIOENCODING": encoding}
    ended = run("explain", "POST", URL, "--json", "-", env=env, text=f'"{BYTE}"')
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "oauth-hook: --json: this is not valid JSON: 'utf-8' codec can't"
    )
    assert ended.stderr.count("\n") == 1


def test_json_that_is_nested_too_deeply_is_no_json() -> None:
    ended = run("explain", "POST", URL, "--json", "[" * 100_000, env=CONSUMER)
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1].lower()  # CPython's words, which 3.14 has changed
    assert re.search("--json: this is not valid json: (maximum recursion|stack overflow)", last)


def test_a_hidden_answer_that_is_not_utf_8_is_one_line() -> None:
    with at_terminal("explain", "GET", URL) as terminal:
        terminal.until("Consumer key .*: ")
        terminal.type(f"{BYTE}\n")
        assert terminal.end() == 1
    assert terminal.shown.endswith("\noauth-hook: the consumer key is not UTF-8\n")


def test_what_else_can_not_be_encoded_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(explain, "run", lambda arguments: BYTE.encode())
    assert main(["explain", "GET", URL]) == 1
    assert capsys.readouterr().err.startswith("oauth-hook: 'utf-8' codec can't encode character")


# A parameter's name that begins with "-"


@pytest.mark.parametrize(
    "arguments",
    [["--", "-a=b"], ["--header", "--", "-a=b"], ["c=d", "--header", "e=f", "--", "-a=b"]],
    ids=" ".join,
)
def test_what_stands_behind_two_hyphens_is_no_option(arguments: list[str]) -> None:
    ended = run("explain", "GET", URL, *arguments, env=CONSUMER)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "-a = 'b'" in ended.stdout


def test_what_stands_before_two_hyphens_is_an_option_as_ever() -> None:
    ended = run("explain", "GET", URL, "--header", "-c=d", "--", "-a=b", env=CONSUMER)
    assert ended.returncode == 2
    assert "unrecognized arguments: -c=d" in ended.stderr


# Standard streams that are closed


@pytest.mark.parametrize(
    ("arguments", "closed", "status", "err"),
    [
        (["demo"], ">&-", 0, ""),
        (["explain", "GET", URL], ">&-", 0, ""),
        (["--version"], ">&-", 0, ""),
        (["request", "GET", "http://127.0.0.1:1/"], ">&-", 1, "oauth-hook: Connection refused\n"),
        (["explain", "GET", URL], "<&- >&- 2>&-", 0, ""),
        (["request", "GET", "http://127.0.0.1:1/"], "<&- >&- 2>&-", 1, ""),
        (
            ["authorize", "--provider", "x", "--pin"],
            "<&-",
            1,
            "oauth-hook: there is no terminal to type the PIN at: run this at one\n",
        ),
        (
            ["explain", "POST", URL, "--json", "-"],
            "<&-",
            1,
            "oauth-hook: --json: this is not valid JSON: Expecting value: line 1 column 1 (char 0)"
            "\n",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_closed_stream_is_no_traceback(
    arguments: list[str], closed: str, status: int, err: str
) -> None:
    strict = ["-W", "error", "-X", "warn_default_encoding"]
    command = [sys.executable, *strict, "-m", "oauth_hook", *arguments]
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {closed}', *command],
        env=environment(**CONSUMER),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (status, err)


def test_without_stdin_credentials_are_asked_for_by_name() -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m oauth_hook explain GET {URL} <&-'],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("oauth-hook: the consumer key is missing: ")


def test_credentials_that_nobody_gave_are_asked_for_by_name() -> None:
    ended = run("request", "GET", "http://a.example")
    assert ended.returncode == 1
    assert ended.stderr == (
        "oauth-hook: the consumer key is missing: "
        "set OAUTH_CONSUMER_KEY, or run this at a terminal\n"
    )


def test_secrets_are_no_arguments() -> None:
    for command in COMMANDS:
        assert not re.search(r"--\S*(secret|password)", run(command, "--help").stdout)


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "oauth_hook", "demo"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_secrets_typed_at_a_terminal_are_not_echoed() -> None:
    with at_terminal("explain", "GET", "http://a.example/") as terminal:
        terminal.until("Consumer key .*: ")
        terminal.type(" typed-key \n")
        terminal.until("Consumer secret .*: ")
        terminal.type("hush-typed\n")
        assert terminal.end() == 0
    assert "oauth_consumer_key = 'typed-key'" in terminal.shown
    assert "hush-typed" not in terminal.shown
    assert terminal.shown.count("typed-key") == terminal.shown.count("oauth_consumer_key")


@pytest.mark.parametrize("command", ["explain GET", "request GET", "authorize"])
@pytest.mark.parametrize("asked_for", ["consumer key", "consumer secret"])
def test_ctrl_d_at_a_hidden_question_is_one_line(command: str, asked_for: str) -> None:
    arguments = [*command.split(), "http://a.example/"]
    if command == "authorize":
        arguments = ["authorize", "--provider", "x", "--pin"]
    key = {"OAUTH_CONSUMER_KEY": "key"} if asked_for == "consumer secret" else {}
    with at_terminal(*arguments, env=key) as terminal:
        terminal.until(f"{asked_for.capitalize()} .*: ")
        terminal.type("\x04")
        assert terminal.end() == 1
    assert terminal.shown.splitlines()[1:] == [f"oauth-hook: no {asked_for} was given"]


# An encrypted RSA key


def rsa_key_option(
    directory: Path,
    encryption: KeySerializationEncryption,
    form: PrivateFormat = PrivateFormat.PKCS8,
    bits: int = 2048,
) -> list[str]:
    key = rsa.generate_private_key(65537, bits)
    pem = key.private_bytes(Encoding.PEM, form, encryption)
    (directory / "key.pem").write_bytes(pem)
    return ["--rsa-key", str(directory / "key.pem")]


@pytest.fixture
def encrypted_key(tmp_path: Path) -> list[str]:
    encryption = BestAvailableEncryption(b" hush ")
    return ["--signature-method", "RSA-SHA1", *rsa_key_option(tmp_path, encryption)]


def test_the_passphrase_of_an_encrypted_key_is_asked_for_without_echo(
    encrypted_key: list[str],
) -> None:
    with at_terminal("explain", "GET", "http://a.example/", *encrypted_key, env=CONSUMER) as at:
        at.until("Passphrase of the RSA key .*: ")
        at.type(" hush \n")
        assert at.end() == 0
    assert "oauth_signature=" in at.shown
    assert "hush" not in at.shown


@pytest.mark.parametrize("typed", ["\n", "\x04", "wrong\n"])
def test_a_wrong_passphrase_is_one_line(encrypted_key: list[str], typed: str) -> None:
    with at_terminal("explain", "GET", "http://a.example/", *encrypted_key, env=CONSUMER) as at:
        at.until("Passphrase of the RSA key .*: ")
        at.type(typed)
        assert at.end() == 1
    (line,) = at.shown.splitlines()[1:]
    assert line.startswith("oauth-hook: ")
    assert "passphrase" in line
    assert "rsa_key_passphrase" not in line


def test_the_passphrase_of_an_encrypted_key_is_taken_from_the_environment(
    encrypted_key: list[str],
) -> None:
    env = {**CONSUMER, "OAUTH_RSA_KEY_PASSPHRASE": " hush "}
    ended = run("explain", "GET", "http://a.example/", *encrypted_key, env=env)
    assert (ended.returncode, ended.stderr) == (0, "")


def ssh_strings(*strings: bytes) -> bytes:
    return b"".join(len(string).to_bytes(4, "big") + string for string in strings)


def test_the_passphrase_of_an_encrypted_key_of_openssh_is_asked_for_too(tmp_path: Path) -> None:
    public = rsa.generate_private_key(65537, 2048).public_key()
    blob = b64decode(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    key = b"openssh-key-v1\0" + ssh_strings(
        b"aes256-ctr", b"bcrypt", ssh_strings(b"s" * 16) + (16).to_bytes(4, "big")
    )
    key += (1).to_bytes(4, "big") + ssh_strings(blob, bytes(64))
    pem = b"".join([b"-----BEGIN OPENSSH PRIVATE KEY-----\n", encodebytes(key)])
    (tmp_path / "key").write_bytes(pem + b"-----END OPENSSH PRIVATE KEY-----\n")
    arguments = ["--signature-method", "RSA-SHA1", "--rsa-key", str(tmp_path / "key")]
    with at_terminal("explain", "GET", "http://a.example/", *arguments, env=CONSUMER) as at:
        at.until("Passphrase of the RSA key .*: ")
        at.type("hush\n")
        assert at.end() == 1
    wants_bcrypt = "oauth-hook: --rsa-key is encrypted as OpenSSH does it, and that needs: "
    is_wrong = "oauth-hook: --rsa-key can't be read: "
    assert at.shown.splitlines()[1].startswith(
        is_wrong if importlib.util.find_spec("bcrypt") else wants_bcrypt
    )


def test_an_open_key_of_openssh_asks_for_no_passphrase(tmp_path: Path) -> None:
    key = rsa_key_option(tmp_path, NoEncryption(), PrivateFormat.OpenSSH)
    arguments = ["explain", "GET", "http://a.example/", "--signature-method", "RSA-SHA1", *key]
    ended = run(*arguments, env=CONSUMER)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_short_key_is_told_in_one_line(tmp_path: Path) -> None:
    key = rsa_key_option(tmp_path, NoEncryption(), bits=1024)
    arguments = ["explain", "GET", "http://a.example/", "--signature-method", "RSA-SHA1", *key]
    ended = subprocess.run(  # where warnings are no errors
        [sys.executable, "-m", "oauth_hook", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment(**CONSUMER),
    )
    assert ended.stderr == (
        "oauth-hook: --rsa-key has 1024 bits, fewer than 2048: ask for a longer one\n"
    )


def test_without_a_terminal_the_passphrase_s_variable_is_named(encrypted_key: list[str]) -> None:
    ended = run("explain", "GET", "http://a.example/", *encrypted_key, env=CONSUMER)
    assert ended.returncode == 1
    assert ended.stderr == (
        "oauth-hook: the passphrase of the RSA key is missing: "
        "set OAUTH_RSA_KEY_PASSPHRASE, or run this at a terminal\n"
    )


def test_a_key_that_the_method_has_no_use_for_is_refused_by_the_option_s_name(
    tmp_path: Path,
) -> None:
    arguments = ["explain", "GET", "http://a.example/", *rsa_key_option(tmp_path, NoEncryption())]
    assert run(*arguments, env=CONSUMER).stderr == (
        "oauth-hook: --rsa-key is of no use to HMAC-SHA1: "
        "give --signature-method RSA-SHA1 or the like\n"
    )


def test_an_rsa_method_asks_for_no_consumer_secret(tmp_path: Path) -> None:
    key = rsa_key_option(tmp_path, NoEncryption())
    arguments = ["explain", "GET", "http://a.example/", "--signature-method", "RSA-SHA1", *key]
    ended = run(*arguments, env={"OAUTH_CONSUMER_KEY": "key"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "(private RSA key)" in ended.stdout


def test_ctrl_c_leaves_cleanly() -> None:
    with at_terminal("explain", "GET", "http://a.example/") as terminal:
        terminal.until("Consumer key .*: ")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


def test_named_providers_have_endpoints_over_tls_or_at_a_base_url() -> None:
    for provider in PROVIDERS.values():
        for url in provider[:3]:
            assert url.startswith("{base_url}" if provider.needs_base_url else "https://")


# demo


def test_the_demo_shows_both_modes_and_that_all_was_accepted() -> None:
    shown = run("demo")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "accepted 8 of 8" in shown.stdout
    assert shown.stdout.count("200 OK") == 8
    assert shown.stdout.count("Authorization: OAuth ") == 4
    assert "\x1b" not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_where_it_is_wanted(more: dict[str, str], coloured: bool) -> None:
    with at_terminal("demo", env=more) as terminal:
        assert terminal.end() == 0
    assert ("\x1b[" in terminal.shown) is coloured


def test_the_demo_needs_no_proxy_and_no_unicode() -> None:
    more = {"http_proxy": "http://127.0.0.1:1", "PYTHONIOENCODING": "ascii"}
    assert run("demo", env=more).returncode == 0


# sandbox


def test_the_sandbox_prints_what_one_needs_and_serves_until_interrupted(tmp_path: Path) -> None:
    more = ("--database", str(tmp_path / "database"), "--application", "A garden")
    with at_terminal("sandbox", *more) as terminal:
        terminal.until("Serving until interrupted")
        found = dict(re.findall(r"^  (\w.*\w)  +(\S+)$", terminal.shown, re.MULTILINE))
        hook = OAuthHook(None, None, found["consumer key"], found["consumer secret"], True)
        answer = requests.post(found["request token"], {"oauth_callback": "oob"}, auth=hook)
        assert answer.status_code == 200
        page = requests.get(f"{found['authorization page']}?{answer.text}")
        assert "A garden" in page.text
        hook.consumer = found["consumer key"], "wrong"
        assert requests.post(found["request token"], auth=hook).status_code == 401
        terminal.until("POST /request_token: 401")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert re.findall(r"^\d\d:\d\d:\d\d (.*)", terminal.shown, re.MULTILINE) == [
        "POST /request_token: 200 OK",
        "GET /authorize: 200 OK",
        "refused: signature_invalid: The signature is not the one that this request should have.",
        "POST /request_token: 401 UNAUTHORIZED",
    ]


def test_what_the_sandbox_tells_to_try_is_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(consumer_key="it's a key", consumer_secret="s") as provider:
        exports = "\n".join([*commands_to_try(provider, False)][:2])
        key = 'printf %s "$OAUTH_CONSUMER_KEY"'
        assert subprocess.check_output(["/bin/sh", "-c", f"{exports}\n{key}"]) == b"it's a key"

        monkeypatch.setattr(shutil, "which", lambda _: None)
        monkeypatch.setattr(sys, "executable", r"C:\A B\python.exe")
        assert [*commands_to_try(provider, True)] == [
            "$env:OAUTH_CONSUMER_KEY='it''s a key'",
            "$env:OAUTH_CONSUMER_SECRET='s'",
            r"& 'C:\A B\python.exe' -m oauth_hook authorize --provider sandbox "
            f"--base-url '{provider.url}' `",
            "  --save sandbox.json",
            rf"& 'C:\A B\python.exe' -m oauth_hook request GET '{provider.resource_url}' q=hello `",
            "  --credentials sandbox.json",
        ]


def test_the_sandbox_s_consumer_survives_in_its_database(tmp_path: Path) -> None:
    keys = set()
    for _ in range(2):
        with at_terminal("sandbox", "--database", str(tmp_path / "database")) as terminal:
            keys.add(terminal.until(r"consumer key +(\S+)")[1])
            terminal.until("Serving")
            os.kill(terminal.process.pid, signal.SIGINT)
            assert terminal.end() == 130
    assert len(keys) == 1
