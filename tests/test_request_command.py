"""``request`` and ``explain`` as processes: what is sent, what is shown, how they end."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from misbehaving import form, is_silent, misbehaving, never_ends, resets, sends, trickles
from terminal import at_terminal, run

from oauth_hook import OAuthHook, credential_file
from oauth_hook.__main__ import main
from oauth_hook.commands import request
from oauth_hook.commands.upload import Multipart
from oauth_hook.sandbox import Sandbox


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox() as provider:
        yield provider


@pytest.fixture
def credentials(provider: Sandbox, tmp_path: Path) -> list[str]:
    hook = OAuthHook(*provider.issue_token(), provider.consumer_key, provider.consumer_secret)
    credential_file.save(hook, tmp_path / "credentials.json")
    return ["--credentials", str(tmp_path / "credentials.json")]


def answered(*arguments: str, **settings: Any) -> Any:
    ended = run("request", *arguments, **settings)
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


# What is sent


@pytest.mark.parametrize("method", ["GET", "DELETE", "get", "OPTIONS"])
def test_parameters_go_into_the_query(
    provider: Sandbox, credentials: list[str], method: str
) -> None:
    url = f"{provider.resource_url}/a%20b?c=%26"
    report = answered(method, url, "q=é & =@", "q=2", *credentials, "--header")
    assert report["method"] == method.upper()
    assert report["args"] == [["c", "&"], ["q", "é & =@"], ["q", "2"]]
    assert report["place"] == "header"


def test_parameters_of_head_go_into_the_query(credentials: list[str]) -> None:
    with misbehaving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")) as server:
        ended = run("request", "head", server.url, "q=é", *credentials, "--header")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert server.requests[0].startswith(b"HEAD /token?q=%C3%A9 HTTP/1.1\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_parameters_go_into_a_form(provider: Sandbox, credentials: list[str], method: str) -> None:
    report = answered(method, provider.resource_url, "q=é & =", "q=2", *credentials)
    assert report["form"] == [["q", "é & ="], ["q", "2"]]
    assert report["place"] == "query"


def test_options_may_stand_between(provider: Sandbox, credentials: list[str]) -> None:
    report = answered("POST", provider.resource_url, "--header", "a=1", *credentials, "b=2")
    assert report["form"] == [["a", "1"], ["b", "2"]]


def test_it_says_to_the_provider_who_it_is(provider: Sandbox, credentials: list[str]) -> None:
    report = answered("GET", provider.resource_url, *credentials)
    [sent] = [value for name, value in report["headers"] if name.lower() == "user-agent"]
    assert re.fullmatch(r"requests-oauth/[\d.]+ python-requests/[\d.]+", sent)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("from_stdin", [True, False])
def test_json_is_the_body(
    provider: Sandbox, credentials: list[str], from_stdin: bool, encoding: str
) -> None:
    document = '{"a": [1, "é"]}'
    given, text = ("-", document) if from_stdin else (document, "")
    url, env = provider.resource_url, {"PYTHONIOENCODING": encoding}
    report = answered("POST", url, "--json", given, *credentials, text=text, env=env)
    assert report["body"] == document
    assert ["content-type", "application/json"] in [
        [name.lower(), value] for name, value in report["headers"]
    ]


def test_json_goes_beside_parameters_in_the_query(
    provider: Sandbox, credentials: list[str]
) -> None:
    given = ["a=b", "--json", "[1]", "--header"]
    report = answered("DELETE", provider.resource_url, *given, *credentials)
    assert (report["args"], report["body"]) == ([["a", "b"]], "[1]")


def test_a_file_is_uploaded(provider: Sandbox, credentials: list[str], tmp_path: Path) -> None:
    (tmp_path / "ä.txt").write_text("in the file")
    report = answered(
        "POST", provider.resource_url, "a=b", f"file@{tmp_path / 'ä.txt'}", *credentials
    )
    assert 'name="a"\r\n\r\nb\r\n' in report["body"]
    assert "Content-Type: text/plain\r\n\r\nin the file\r\n" in report["body"]
    assert report["form"] == []
    boundary = report["body"].partition("\r\n")[0].removeprefix("--")
    assert ["content-type", f"multipart/form-data; boundary={boundary}"] in [
        [name.lower(), value] for name, value in report["headers"]
    ]


def test_an_upload_that_is_redirected_is_sent_again_whole(
    credentials: list[str], tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1 << 20))
    bodies = []

    def body_of(connection: socket.socket) -> bytes:
        head, _, body = server.requests[-1].partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split()[0])
        while len(body) < length:
            body += connection.recv(1 << 20)
        return body

    def redirects(connection: socket.socket) -> None:
        bodies.append(body_of(connection))
        connection.sendall(form("", "307 Elsewhere", f"Location: {server.url}/elsewhere\r\n"))

    def thanks(connection: socket.socket) -> None:
        bodies.append(body_of(connection))
        connection.sendall(form("thanks"))

    with misbehaving(redirects, thanks) as server:
        ended = run("request", "POST", server.url, f"f@{tmp_path / 'big'}", *credentials)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "thanks", "")
    assert (tmp_path / "big").read_bytes() in bodies[0]
    assert bodies[0] == bodies[1]


def test_a_file_whose_name_is_not_utf_8_is_uploaded(credentials: list[str], tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    with open(path, "w") as file:
        file.write("in the file")
    with misbehaving(sends(form("thanks"))) as server:
        ended = run("request", "POST", server.url, f"a@{os.fsdecode(path)}", *credentials)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(server.requests) == 1


def test_an_upload_is_what_requests_would_send(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(os.urandom(200_000))
    (tmp_path / "more.txt").write_text("more")
    paths = [("f", str(tmp_path / "data")), ("g", str(tmp_path / "more.txt"))]
    body = Multipart([("a", "é"), ("b", "2")], paths)
    boundary = body.content_type.partition("=")[2]
    content = (tmp_path / "data").read_bytes()
    files = {
        "a": (None, "é"),
        "b": (None, "2"),
        "f": ("data", content, "application/octet-stream"),
        "g": ("more.txt", "more", "text/plain"),
    }
    other = requests.Request("POST", "http://a.example", files=files).prepare()
    assert isinstance(other.body, bytes)
    its_boundary = str(other.headers["Content-Type"]).partition("=")[2]
    expected = other.body.replace(its_boundary.encode(), boundary.encode())
    assert b"".join(body) == expected
    assert body.read() == b""
    assert body.seek(0) == 0
    assert body.read(10) == expected[:10]
    assert body.tell() == 10
    with pytest.raises(OSError, match="to its beginning only"):
        body.seek(5)
    assert body.read() == expected[10:]
    assert body.tell() == len(body) == len(expected)
    body.seek(0)
    assert [body.read(1), body.read(1)] == [expected[:1], expected[1:2]]
    body.seek(0)
    assert body.read() == expected
    body.close()


def test_the_environment_says_who_signs(provider: Sandbox) -> None:
    token, secret = provider.issue_token()
    env = {
        "OAUTH_CONSUMER_KEY": provider.consumer_key,
        "OAUTH_CONSUMER_SECRET": provider.consumer_secret,
        "OAUTH_TOKEN": token,
        "OAUTH_TOKEN_SECRET": secret,
    }
    assert answered("GET", provider.resource_url, env=env)["oauth_token"] == token


@pytest.mark.parametrize("token", [{}, {"OAUTH_TOKEN": ""}, {"OAUTH_TOKEN": "t"}], ids=str)
def test_a_token_s_secret_in_the_environment_may_be_empty(token: dict[str, str]) -> None:
    consumer = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "", "OAUTH_TOKEN_SECRET": ""}
    ended = run("explain", "GET", "http://a.example/", env={**consumer, **token})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ("oauth_token = 't'" in ended.stdout) is bool(token.get("OAUTH_TOKEN"))
    assert ("(token secret)" in ended.stdout) is bool(token.get("OAUTH_TOKEN"))


@pytest.mark.parametrize(
    ("half", "missing"),
    [("OAUTH_TOKEN", "OAUTH_TOKEN_SECRET"), ("OAUTH_TOKEN_SECRET", "OAUTH_TOKEN")],
)
def test_half_a_token_in_the_environment_is_refused(half: str, missing: str) -> None:
    consumer = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "hush"}
    ended = run("request", "GET", "http://nowhere.invalid/", env={**consumer, half: "hush-half"})
    assert ended.returncode == 1
    assert f"{half} is set, but not {missing}" in ended.stderr
    assert "hush" not in ended.stderr


@pytest.mark.parametrize(("option", "place"), [("--header", "header"), ("--no-header", "query")])
def test_an_option_overrides_what_the_file_says(
    provider: Sandbox, credentials: list[str], option: str, place: str
) -> None:
    hook = credential_file.load(credentials[1], header_auth=place != "header")
    credential_file.save(hook, credentials[1])
    report = answered("GET", provider.resource_url, option, *credentials)
    assert report["place"] == place


def test_the_signature_method_is_as_asked_for(provider: Sandbox, credentials: list[str]) -> None:
    options = ["--signature-method", "HMAC-SHA256", "--header", "--realm", "here"]
    report = answered("GET", provider.resource_url, *credentials, *options)
    assert report["signature_method"] == "HMAC-SHA256"
    authorization = dict(map(str.lower, pair) for pair in report["headers"])["authorization"]
    assert authorization.startswith('oauth realm="here", ')


def test_a_realm_goes_into_the_header_that_the_file_says(
    provider: Sandbox, credentials: list[str]
) -> None:
    credential_file.save(credential_file.load(credentials[1], header_auth=True), credentials[1])
    report = answered("GET", provider.resource_url, *credentials, "--realm", "here")
    assert 'realm="here"' in str(report["headers"])


def test_a_realm_that_would_go_nowhere_is_refused(
    provider: Sandbox, credentials: list[str]
) -> None:
    options = ["--no-header", "--realm", "here"]
    ended = run("request", "GET", provider.resource_url, *credentials, *options)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "oauth-hook: --realm goes into the Authorization header only: give --header too\n"
    )


def test_a_realm_that_would_go_nowhere_is_refused_before_anything_is_asked_for() -> None:
    with at_terminal("request", "GET", "http://a.example/", "--realm", "here") as at:
        assert at.end() == 1
    assert at.shown.startswith("oauth-hook: --realm goes into the Authorization header only")


@pytest.mark.parametrize("command", ["request", "explain"])
def test_plaintext_over_http_must_be_asked_for(
    command: str, provider: Sandbox, credentials: list[str]
) -> None:
    options = [*credentials, "--header", "--signature-method", "PLAINTEXT"]
    refused = run(command, "GET", provider.resource_url, *options)
    assert refused.returncode == 1
    assert "or --plaintext-over-http" in refused.stderr

    sent = run(command, "GET", provider.resource_url, *options, "--plaintext-over-http")
    assert "PLAINTEXT" in sent.stdout
    assert sent.stderr == ""


def test_what_the_file_allows_need_not_be_allowed_again(
    provider: Sandbox, credentials: list[str]
) -> None:
    plaintext = {"signature_method": "PLAINTEXT", "plaintext_over_http": True}
    credential_file.save(credential_file.load(credentials[1], **plaintext), credentials[1])
    report = answered("GET", provider.resource_url, "--header", *credentials)
    assert report["signature_method"] == "PLAINTEXT"


def test_credentials_that_others_can_read_are_refused(credentials: list[str]) -> None:
    os.chmod(credentials[1], 0o644)
    ended = run("request", "GET", "http://127.0.0.1:1/", *credentials)
    assert ended.returncode == 1
    assert "users other than its owner can read" in ended.stderr
    assert ended.stderr.count("\n") == 1


# What is shown


def test_verbose_shows_status_and_headers_on_stderr(
    provider: Sandbox, credentials: list[str]
) -> None:
    ended = run("request", "-v", "GET", provider.resource_url, *credentials)
    assert ended.returncode == 0
    assert ended.stderr.startswith("200 OK\n")
    assert "Content-Type: application/json\n" in ended.stderr
    assert ended.stderr.endswith("\n\n")
    json.loads(ended.stdout)


def test_no_header_steers_the_terminal(credentials: list[str]) -> None:
    head = b"HTTP/1.1 200 \x1b[2JOK\r\nX-A: \x1b]0;x\x07\x9b\r\nContent-Length: 0\r\n\r\n"
    with misbehaving(sends(head)) as server:
        ended = run("request", "-v", "GET", server.url, *credentials)
    assert ended.stderr.splitlines()[:2] == [r"200 \x1b[2JOK", r"X-A: \x1b]0;x\x07\x9b"]


@pytest.mark.parametrize(("status", "colour"), [("200 OK", 32), ("404 Not Found", 31)])
def test_at_a_terminal_the_status_has_its_colour(
    credentials: list[str], status: str, colour: int
) -> None:
    with (
        misbehaving(sends(form("body", status))) as server,
        at_terminal("request", "-v", "GET", server.url, *credentials) as terminal,
    ):
        assert terminal.end() == (0 if status == "200 OK" else 1)
    lines = terminal.shown.splitlines()
    assert lines[0] == f"\x1b[{colour}m{status}\x1b[0m"
    assert "\x1b[1mContent-Length\x1b[0m: 4" in lines
    assert "body" in lines


@pytest.mark.parametrize(
    ("body", "shown"), [("body", "body\n"), ("body\n", "body\n"), ("", "")], ids=ascii
)
def test_at_a_terminal_the_prompt_gets_a_line_of_its_own(
    credentials: list[str], body: str, shown: str
) -> None:
    with (
        misbehaving(sends(form(body))) as server,
        at_terminal("request", "GET", server.url, *credentials) as terminal,
    ):
        assert terminal.end() == 0
    assert terminal.shown == shown


def test_a_status_below_400_is_no_failure(credentials: list[str]) -> None:
    with misbehaving(sends(form("moved, to nowhere", "399 Odd"))) as server:
        assert run("request", "GET", server.url, *credentials).returncode == 0


def test_a_refusal_ends_with_status_1_its_body_and_its_reason(
    provider: Sandbox, credentials: list[str]
) -> None:
    wrong = {"OAUTH_CONSUMER_KEY": provider.consumer_key, "OAUTH_CONSUMER_SECRET": "hush-wrong"}
    ended = run("request", "GET", provider.resource_url, env=wrong)
    assert ended.returncode == 1
    assert "signature base string:" in ended.stdout
    assert ended.stderr.startswith("oauth-hook: 401 UNAUTHORIZED; oauth_problem: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (sends(form("no such thing", "404 Not Found")), "404 Not Found"),
        (sends(form("", "400 Bad Request")), "oauth-hook: 400 Bad Request\n"),
        (sends(b"HTTP/1.1 500\r\n\r\n"), "oauth-hook: 500\n"),
        (sends(b"HTTP/1.1 500 \x1b[2J\r\n\r\nx"), r"500 \x1b[2J"),
        (sends(form("all of it")[:-3]), "the answer was cut short"),
        (resets, "reset by peer"),
        (sends(b"garbage\r\n\r\n"), "the answer is not HTTP"),
    ],
    ids=["404", "400", "no reason", "500", "cut", "reset", "garbage"],
)
def test_a_failure_is_one_line(credentials: list[str], answer: Any, says: str) -> None:
    with misbehaving(answer) as server:
        ended = run("request", "GET", server.url, *credentials)
    assert ended.returncode == 1
    assert ended.stderr.startswith("oauth-hook: ")
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "oauth_" not in ended.stderr


@pytest.mark.parametrize("compressed", [False, True])
def test_a_long_download_shows_how_far_it_is(
    credentials: list[str], tmp_path: Path, compressed: bool
) -> None:
    target = tmp_path / "target"
    size = 30 << 16
    content = os.urandom(size)
    body = gzip.compress(content) if compressed else content
    coding = "Content-Encoding: gzip\r\n" if compressed else ""

    def sends_slowly(connection: Any) -> None:
        head = f"HTTP/1.1 200 OK\r\n{coding}Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        for at in range(0, len(body), 1 << 16):
            connection.sendall(body[at : at + (1 << 16)])
            time.sleep(0.06)

    with (
        misbehaving(sends_slowly) as server,
        at_terminal("request", "GET", server.url, *credentials, stdout=target) as terminal,
    ):
        # How many bytes a compressed body has when it is unpacked nobody has said.
        how_far = r"\r\d\.\d MiB received\s" if compressed else r"of 1.9 MiB received \([1-9]\d%\)"
        terminal.until(how_far)
        assert terminal.end() == 0
    assert target.read_bytes() == content


TRICKLE = trickles(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20, 0.06)


def test_a_body_that_comes_to_the_terminal_has_no_progress_in_it(credentials: list[str]) -> None:
    with (
        misbehaving(TRICKLE) as server,
        at_terminal("request", "GET", server.url, *credentials) as terminal,
    ):
        assert terminal.end() == 0
    assert terminal.shown == "x" * 20 + "\n"


def test_where_there_is_no_terminal_no_progress_is_shown(credentials: list[str]) -> None:
    with misbehaving(TRICKLE) as server:
        ended = run("request", "GET", server.url, *credentials)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "x" * 20, "")


@pytest.mark.parametrize("as_json", [False, True], ids=["file", "JSON"])
def test_a_long_upload_shows_how_far_it_is(
    credentials: list[str], tmp_path: Path, as_json: bool
) -> None:
    (tmp_path / "big").write_bytes(b'"'.ljust((48 << 20) - 1) + b'"')

    def reads_slowly(connection: Any) -> None:
        head, _, begun = server.requests[-1].partition(b"\r\n\r\n")
        left = int(head.partition(b"Content-Length: ")[2].split()[0]) - len(begun)
        while left > 0:
            received = len(connection.recv(1 << 20))
            time.sleep(received / (20 << 20))
            left -= received
        gone.wait(30)
        connection.sendall(form("thanks"))

    gone = threading.Event()
    with misbehaving(reads_slowly) as server:
        upload = ["--json", "-"] if as_json else [f"f@{tmp_path / 'big'}"]
        stdin = tmp_path / "big" if as_json else None
        command = ("request", "POST", server.url, *upload, *credentials)
        with at_terminal(*command, stdin=stdin) as terminal:
            terminal.until(r"of 48.0 MiB sent \([1-9]\d%\)")
            terminal.until(r"\r +\r")
            gone.set()
            assert terminal.end() == 0
    assert terminal.shown.endswith("thanks\n")


def refuses(connection: socket.socket) -> None:
    connection.sendall(form("too much", "413 Too Large"))
    connection.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    ("breaks_off", "says"),
    [
        (
            resets,
            "Connection reset by peer|Broken pipe|the connection was closed without an answer",
        ),
        (refuses, "413 Too Large"),
    ],
    ids=["reset", "early answer"],
)
def test_the_line_of_an_upload_that_breaks_off_goes_away(
    credentials: list[str], tmp_path: Path, breaks_off: Any, says: str
) -> None:
    (tmp_path / "big").write_bytes(bytes(64 << 20))
    shown = threading.Event()

    def reads_some(connection: socket.socket) -> None:
        while not shown.is_set():
            connection.recv(1 << 16)
            time.sleep(0.01)
        breaks_off(connection)

    with misbehaving(reads_some) as server:
        upload = f"f@{tmp_path / 'big'}"
        with at_terminal("request", "POST", server.url, upload, *credentials) as terminal:
            terminal.until(r"of 64.0 MiB sent \(\d+%\)")
            shown.set()
            assert terminal.end() == 1
    assert re.search(rf"\r(too much\s+)?oauth-hook: ({says})\s*$", terminal.shown)


def test_the_line_of_a_download_that_breaks_off_goes_away(
    credentials: list[str], tmp_path: Path
) -> None:
    def sends_some(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")
        for _ in range(15):
            connection.sendall(b"x" * (1 << 16))
            time.sleep(0.1)

    stdout = tmp_path / "target"
    with (
        misbehaving(sends_some) as server,
        at_terminal("request", "GET", server.url, *credentials, stdout=stdout) as terminal,
    ):
        terminal.until(r"of 8.6 MiB received \(\d+%\)")
        assert terminal.end() == 1
    assert re.search(r"\roauth-hook: the answer was cut short\s*$", terminal.shown)
    assert stdout.stat().st_size == 15 << 16


# An error's body


def test_the_body_of_an_error_is_written_as_it_comes(
    credentials: list[str], tmp_path: Path
) -> None:
    stdout = tmp_path / "target"
    endless = never_ends(b"HTTP/1.1 500 No\r\n\r\n", b"x" * (1 << 16))
    with (
        misbehaving(endless) as server,
        at_terminal("request", "GET", server.url, *credentials, stdout=stdout) as terminal,
    ):
        end = time.monotonic() + 30
        while not (stdout.exists() and stdout.stat().st_size > 1 << 20):
            assert time.monotonic() < end, "nothing is written before the end"
            time.sleep(0.02)
        terminal.type("\x03")
        assert terminal.end() == 130


def test_a_length_of_more_digits_than_python_reads_is_one_line(credentials: list[str]) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {'1' * 5000}\r\n\r\nhello"
    with misbehaving(sends(answer.encode())) as server:
        ended = run("request", "GET", server.url, *credentials)
    assert ended.stdout.startswith("hello")
    assert ended.stderr == "oauth-hook: the answer was cut short\n"


CHUNKED = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body", "status"),
    [
        (form("half of it", "503 No")[:-3], "half of", "503 No"),
        (form("half of it", "401 No")[:-3], "half of", "401 No"),  # the hook has tried to read it
        (CHUNKED + b"8\r\nhalf of \r\n8\r\nit", "half of ", "503 No"),
    ],
    ids=["503", "401", "chunked"],
)
def test_an_error_that_is_cut_short_shows_its_status_and_what_there_is_of_its_body(
    credentials: list[str], answer: bytes, body: str, status: str
) -> None:
    with misbehaving(sends(answer)) as server:
        ended = run("request", "GET", server.url, *credentials)
    assert ended.returncode == 1
    assert ended.stdout.startswith(body)
    assert ended.stderr == f"oauth-hook: {status}; the answer was cut short\n"


@pytest.mark.parametrize(
    ("before", "found"), [("", True), ("x=1&" * 10_000, True), ("x=1&" * 20_000, False)]
)
def test_a_problem_is_looked_for_in_the_first_64_kib_of_an_error(
    credentials: list[str], before: str, found: bool
) -> None:
    answer = form(f"{before}oauth_problem=token_expired", "403 No")
    with misbehaving(sends(answer)) as server:
        ended = run("request", "GET", server.url, *credentials)
    problem = "; oauth_problem: token_expired" if found else ""
    assert ended.stderr == f"oauth-hook: 403 No{problem}\n"
    assert ended.stdout.endswith("oauth_problem=token_expired")


@pytest.mark.parametrize("name", ["", "pipe"])
def test_what_is_no_file_is_not_uploaded(credentials: list[str], tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = str(tmp_path / name)
    with misbehaving(sends(form("thanks"))) as server:
        ended = run("request", "POST", server.url, f"a@{path}", *credentials)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"oauth-hook: {path}: it is not a regular file, so it can't be uploaded\n"
    )
    assert server.requests == []


def test_what_names_no_size_is_not_uploaded(credentials: list[str]) -> None:
    with misbehaving(sends(form("thanks"))) as server:
        ended = run("request", "POST", server.url, "a@/proc/version", *credentials)
    assert ended.returncode == 1
    assert "/proc/version: its size is not known" in ended.stderr
    assert server.requests == []


def test_a_file_that_grows_is_uploaded_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * 100_000)
    body = Multipart([], [("f", str(path)), ("g", str(path))])
    beginning = body.read(50_000)
    with path.open("ab") as file:
        file.write(b"Z" * 1000)

    whole = beginning + body.read()

    assert len(whole) == len(body)
    assert whole.count(b"a" * 100_000) == 2
    assert b"Z" not in whole


def test_a_file_that_shrinks_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a" * 100_000)
    body = Multipart([], [("f", str(path))])
    body.read(50_000)
    os.truncate(path, 60_000)

    with pytest.raises(OSError, match="has become shorter"):
        body.read()


def test_of_a_long_body_no_more_is_kept_than_may_tell_a_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with misbehaving(sends(form(bytes(1 << 20)))) as server, (tmp_path / "body").open("w+") as out:
        monkeypatch.setattr(sys, "stdout", out)
        with requests.get(server.url, stream=True, timeout=10) as response:
            beginning, wrong = request._write(response)
    assert (len(beginning), wrong) == (1 << 16, "")
    assert (tmp_path / "body").stat().st_size == 1 << 20


def test_a_provider_that_says_nothing_is_not_waited_for_for_ever(
    credentials: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(request, "_TIMEOUT", 0.2)
    with misbehaving(is_silent) as server:
        assert main(["request", "GET", server.url, *credentials]) == 1
    assert capsys.readouterr().err == "oauth-hook: no answer in time\n"


def test_ctrl_c_while_waiting(credentials: list[str]) -> None:
    with (
        misbehaving(trickles(form("x" * 600), 0.05)) as server,
        at_terminal("request", "-v", "GET", server.url, *credentials) as terminal,
    ):
        terminal.until("200 OK")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


# explain


def test_explain_shows_each_step_and_no_secret(provider: Sandbox, credentials: list[str]) -> None:
    shown = run("explain", "POST", "http://a.example/b?c=d", "e=f", *credentials)
    assert (shown.returncode, shown.stderr) == (0, "")
    for text in ("c = 'd'", "e = 'f'", "http://a.example/b\n", "POST&http%3A%2F%2Fa.example%2Fb&c"):
        assert text in shown.stdout
    assert provider.consumer_secret not in shown.stdout


def test_explain_opens_no_connection_and_reads_no_upload(
    credentials: list[str], tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(b"hush-content")
    shown = run("explain", "POST", "http://127.0.0.1:1/", f"f@{tmp_path / 'big'}", *credentials)
    assert shown.returncode == 0
    assert "not signed and not read" in shown.stdout


def test_explain_compares_with_what_the_provider_expected(
    provider: Sandbox, credentials: list[str]
) -> None:
    wrong = credential_file.load(credentials[1])
    assert wrong.token is not None
    wrong.token = (wrong.token.key, "hush-wrong")
    answer = requests.get(provider.resource_url, params={"a": "b c"}, auth=wrong)
    expected = answer.text.partition("signature base string:\n")[2].strip()
    same = run(
        "explain", "GET", provider.resource_url, "a=b c", "--compare", expected, *credentials
    )
    assert same.returncode == 0
    assert "The base strings are the same. So the secrets differ" in same.stdout
    quoted = run(
        "explain",
        "GET",
        provider.resource_url,
        "a=b c",
        "--compare",
        f' "{expected}"\n',
        *credentials,
    )
    assert quoted.stdout == same.stdout
    wrapped = "\r\n ".join([expected[:40], expected[40:90], expected[90:]])
    compare = ("--compare", wrapped, *credentials)
    assert run("explain", "GET", provider.resource_url, "a=b c", *compare).stdout == same.stdout
    other = run("explain", "GET", provider.resource_url, "a=b", "--compare", expected, *credentials)
    assert other.returncode == 1
    assert "a has another value, 'b c' and not 'b'" in other.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GET&http%3A%2F%2F%5Bx&a", "The provider's URI is not a URL: http://[x."),
        ("GET&\x1b[2J&\x1b]0;x\x07", r"The provider's URI is not a URL: \x1b[2J."),
        ("GET&http%3a%2f%2fa.example%2f&a", "escapes are in lower case"),
        (
            "GET&http%3A%2F%2Fa.example%2F&oauth_nonce%3D\x1bcx%26oauth_timestamp%3D1\x9b",
            r"&oauth_nonce%3D\x1bcx%26oauth",
        ),
    ],
    ids=ascii,
)
def test_explain_compares_with_whatever_a_provider_says(
    credentials: list[str], text: str, says: str
) -> None:
    ended = run("explain", "GET", "http://a.example/", "--compare", text, *credentials)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert says in ended.stdout
    assert ended.stdout.replace("\n", "").isprintable()


def test_explain_shows_a_name_that_would_steer_the_terminal(credentials: list[str]) -> None:
    ended = run("explain", "GET", "http://a.example/?%1Bc=1", *credentials)
    assert r"  URL query  \x1bc = '1'" in ended.stdout.splitlines()
