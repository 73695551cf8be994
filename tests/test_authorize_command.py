"""``authorize`` as a process: by callback and by PIN, allowed, denied and gone wrong.

The browser here only writes down what it was to open; test_authorize_pages.py has a real one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from misbehaving import form, misbehaving, resets, sends
from terminal import at_terminal, browser, environment, free_port, run, wait_for

from oauth_hook import OAuthHook, credential_file
from oauth_hook.commands.callback import CallbackListener
from oauth_hook.providers import PROVIDERS
from oauth_hook.sandbox import Sandbox
from oauth_hook.sandbox.user import press

GIVEN = sends(form("oauth_token=t&oauth_token_secret=hush-token&oauth_callback_confirmed=true"))
CONFIRMED = sends(form("oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=true"))


@pytest.fixture(scope="module")
def provider() -> Iterator[Sandbox]:
    with Sandbox() as provider:
        yield provider


@pytest.fixture
def consumer(provider: Sandbox) -> dict[str, str]:
    return {
        "OAUTH_CONSUMER_KEY": provider.consumer_key,
        "OAUTH_CONSUMER_SECRET": provider.consumer_secret,
    }


@pytest.fixture
def authorize(provider: Sandbox, header_auth: bool) -> list[str]:
    header = ["--header"] if header_auth else []
    return ["authorize", "--provider", "sandbox", "--base-url", provider.url, *header]


def verified(provider: Sandbox, saved: Path) -> dict[str, Any]:
    response = requests.get(provider.resource_url, auth=credential_file.load(saved))
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


def way_back(decision: Any, page: str) -> str:
    """Press a button on the page: where the browser would go then."""
    location, _ = press(decision, page)
    assert location is not None
    return location


def come_back(decision: Any, page: str) -> requests.Response:
    """Press a button on the page, and go where the browser would go then."""
    return requests.get(way_back(decision, page))


def endpoints(url: str) -> list[str]:
    """The options that name ``url`` as each of the three."""
    return [f"--{name}-url={url}" for name in ("request-token", "authorize", "access-token")]


# By callback


def test_allowed_in_the_browser(
    provider: Sandbox,
    consumer: dict[str, str],
    authorize: list[str],
    header_auth: bool,
    tmp_path: Path,
) -> None:
    env, opened = browser(tmp_path)
    saved = tmp_path / "saved.json"
    with at_terminal(*authorize, "--save", str(saved), env={**env, **consumer}) as terminal:
        page = wait_for(opened)
        answer = come_back("allow", page)
        assert terminal.end() == 0
    assert answer.status_code == 200
    assert "stroke: var(--good)" in answer.text
    assert "You can close this window" in answer.text
    assert page in terminal.shown
    assert "Authorized, screen_name sandbox_user, user_id 1." in terminal.shown
    assert f"The credentials are in {saved}." in terminal.shown
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert verified(provider, saved)["place"] == ("header" if header_auth else "query")
    for secret in ("consumer_secret", "access_token_secret"):
        assert json.loads(saved.read_text())[secret] not in terminal.shown


def test_denied_in_the_browser(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    saved = tmp_path / "saved.json"
    with at_terminal(*authorize, "--save", str(saved), env={**env, **consumer}) as terminal:
        answer = come_back("deny", wait_for(opened))
        assert terminal.end() == 1
    assert answer.status_code == 400
    assert "Access denied" in answer.text
    assert "stroke: var(--bad)" in answer.text
    assert "You can close this window" in answer.text
    assert terminal.shown.endswith("oauth-hook: the user did not allow it\n")
    assert not saved.exists()


def test_a_callback_for_another_token_is_refused_and_the_right_one_waited_for(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    with at_terminal(*authorize, env={**env, **consumer}) as terminal:
        location = way_back("allow", wait_for(opened))
        callback, _, query = location.partition("?")
        ours = parse_qs(query)
        for other in (
            {"oauth_token": "another", "oauth_verifier": "1"},
            {"oauth_token": "another", "oauth_problem": "user_refused"},
            {"denied": "another"},
            {"denied": ""},
            {"oauth_token": "", "oauth_verifier": "1"},
            {"oauth_token": [*ours["oauth_token"], "another"], "oauth_verifier": "1"},
        ):
            answer = requests.get(callback, params=other)
            assert answer.status_code == 400
            assert "about another request token" in answer.text
        assert requests.get(location).status_code == 200
        assert terminal.end() == 0
    assert terminal.shown.count("came back for another request token: still waiting") == 6


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "the callback URL has no oauth_verifier"),
        ("?oauth_problem=permission_denied", "the user did not allow it"),
    ],
)
def test_a_callback_that_names_no_token_ends_it(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path, query: str, says: str
) -> None:
    env, opened = browser(tmp_path)
    with at_terminal(*authorize, env={**env, **consumer}) as terminal:
        location = way_back("deny", wait_for(opened))
        answer = requests.get(location.partition("?")[0] + query)
        assert terminal.end() == 1
    assert answer.status_code == 400
    assert terminal.shown.endswith(f"oauth-hook: {says}\n")


def test_what_a_page_asks_for_by_itself_is_no_callback(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    with at_terminal(*authorize, env={**env, **consumer}) as terminal:
        location = way_back("allow", wait_for(opened))
        for kind in ("image", "iframe", "empty"):
            headers = {"Sec-Fetch-Dest": kind}
            assert requests.get(location, headers=headers).status_code == 404
        assert requests.get(location, headers={"Sec-Fetch-Dest": "document"}).status_code == 200
        assert terminal.end() == 0


def test_what_is_no_callback_does_not_count(
    provider: Sandbox, consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    with at_terminal(*authorize, env={**env, **consumer}) as terminal:
        page = wait_for(opened)
        location = way_back("allow", page)
        origin = location.partition("/callback")[0]
        assert requests.get(f"{origin}/favicon.ico").status_code == 404
        assert requests.post(location).status_code == 501
        answer = requests.get(location)
        assert terminal.end() == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(location)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Server"].strip() == "oauth-hook"
    for directive in ("default-src 'none'", "frame-ancestors 'none'"):
        assert directive in answer.headers["Content-Security-Policy"]


def test_to_listen_for_the_callback_asks_for_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver may take half a minute to say that 127.0.0.1 has none."""
    asked: list[str] = []
    monkeypatch.setattr(socket, "getfqdn", asked.append)
    with CallbackListener():
        assert asked == []


def test_a_connection_that_breaks_off_is_no_callback_and_no_traceback(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    with at_terminal(*authorize, env={**env, **consumer}) as terminal:
        page = wait_for(opened)
        location = way_back("allow", page)
        parts = urlsplit(location)
        with socket.create_connection((parts.hostname, parts.port)) as broken:
            broken.sendall(b"GET /callback")
            resets(broken)
        assert requests.get(location).status_code == 200
        assert terminal.end() == 0
    assert "Traceback" not in terminal.shown


def test_a_second_callback_while_the_token_is_fetched_is_none(
    consumer: dict[str, str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    port = free_port()
    tried = threading.Event()

    def waits(connection: socket.socket) -> None:
        tried.wait(30)
        CONFIRMED(connection)

    def asked(connection: socket.socket) -> bytes:
        connection.sendall(b"GET /callback?oauth_token=t&oauth_verifier=1 HTTP/1.0\r\n\r\n")
        return connection.makefile("rb").readline()

    with misbehaving(CONFIRMED, waits) as server:
        more = ["--port", str(port), *endpoints(server.url)]
        with at_terminal("authorize", *more, env={**env, **consumer}) as terminal:
            wait_for(opened)
            with (
                socket.create_connection(("127.0.0.1", port)) as second,  # and accepted first
                socket.create_connection(("127.0.0.1", port)) as first,
            ):
                statuses = [asked(connection).split()[1] for connection in (first, second)]
            tried.set()
            assert terminal.end() == 0
    assert statuses == [b"200", b"404"]


def test_without_save_the_token_is_printed_alone_on_stdout(
    provider: Sandbox, consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "oauth_hook", *authorize],
        env=environment(**env, **consumer),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        come_back("allow", wait_for(opened))
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    fields = dict(line.split("=", 1) for line in out.decode().splitlines())
    assert list(fields) == ["oauth_token", "oauth_token_secret", "user_id", "screen_name"]


@pytest.mark.parametrize("name", ["none/saved.json", ".", "", "pipe"])
def test_a_file_that_can_not_be_saved_is_found_out_before_a_token_is_asked_for(
    consumer: dict[str, str], tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    env, _ = browser(tmp_path)
    save = str(tmp_path / name) if name else ""
    with misbehaving(sends(form("no", "403 Forbidden"))) as server:
        provider = ["--provider", "sandbox", "--base-url", server.url]
        ended = run("authorize", *provider, "--save", save, env={**env, **consumer})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"oauth-hook: {save or 'the file for the credentials'}")
    assert ended.stderr.count("\n") == 1
    assert server.requests == []


def test_credentials_that_can_not_be_saved_after_all_are_printed(
    provider: Sandbox, consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    saved = directory / "saved.json"
    with at_terminal(*authorize, "--pin", "--save", str(saved), env=consumer) as terminal:
        page = terminal.until(r"(http://\S+/authorize\?\S+?)(\x1b|\s)")[1]
        terminal.until("The PIN that it shows, .*: ")
        directory.rmdir()
        terminal.type(f"{press('allow', page)[1]}\n")
        assert terminal.end() == 1
    token, secret = re.findall(r"^oauth_token(?:_secret)?=(\S+)$", terminal.shown, re.MULTILINE)
    hook = OAuthHook(token, secret, provider.consumer_key, provider.consumer_secret)
    assert requests.get(provider.resource_url, auth=hook).status_code == 200
    assert terminal.shown.endswith(f"oauth-hook: {saved}: No such file or directory\n")


def test_the_port_and_the_page_s_parameters_are_as_asked_for(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    port = free_port()
    more = ["perms=read", "--port", str(port), "a=b c"]
    with at_terminal(*authorize, *more, env={**env, **consumer}) as terminal:
        page = wait_for(opened)
        location = way_back("deny", page)
        assert location.startswith(f"http://127.0.0.1:{port}/callback?")
        terminal.type("\x03")
        assert terminal.end() == 130
    query = parse_qs(urlsplit(page).query)
    assert (query["perms"], query["a"]) == (["read"], ["b c"])
    assert "Traceback" not in terminal.shown


def test_a_port_can_be_had_again_at_once(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    port = ["--port", str(free_port())]
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        env, opened = browser(tmp_path / attempt)
        with at_terminal(*authorize, *port, env={**env, **consumer}) as terminal:
            come_back("allow", wait_for(opened))
            assert terminal.end() == 0, terminal.shown


def test_a_port_on_which_somebody_listens_is_named(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    port = str(free_port())
    with at_terminal(*authorize, "--port", port, env={**env, **consumer}):
        wait_for(opened)
        ended = run(*authorize, "--port", port, env={**env, **consumer})
    assert ended.returncode == 1
    assert ended.stderr == f"oauth-hook: can't listen on port {port}: Address already in use\n"


def test_a_browser_s_name_that_is_none_is_as_no_browser(
    consumer: dict[str, str], authorize: list[str]
) -> None:
    env = {**consumer, "BROWSER": "firefox ' %s"}
    with at_terminal(*authorize, env=env) as terminal:
        terminal.until("The PIN that it shows, .*: ")
        terminal.type("\x04")
        assert terminal.end() == 1
    assert terminal.shown.endswith("\noauth-hook: no PIN was given\n")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"errors":[{"message":"Callback URL not\x1b approved"}]}', True),
        ("<html>Callback URL not approved", False),
        ("", False),
    ],
)
def test_what_a_refusal_says_in_plain_words_is_shown(body: str, says: bool) -> None:
    env = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "hush"}
    with (
        misbehaving(sends(form(body, "403 Forbidden"))) as server,
        at_terminal("authorize", "--pin", *endpoints(server.url), env=env) as terminal,
    ):
        assert terminal.end() == 1
    refused = "oauth-hook: the provider refuses the request token: 403 Forbidden"
    said = '; it says: {"errors":[{"message":"Callback URL not approved"}]}' if says else ""
    assert terminal.shown == f"{refused}{said}\n"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ('Error: oauth_callback must be set, to "oob" (case-sensitive).', "200 OK", True),
        ("oauth_token=t&oauth_token_secret=hush&a=b c", "200 OK", False),  # unconfirmed
        ('{"token": "t", "secret": "hush"}', "200 OK", False),
        ("oauth_token: t\noauth_token_secret: hush", "200 OK", False),
        ("Access token: t Secret: hush", "201 Created", False),
        ("ErrorCode=0&oauth_token=t&oauth_token_secret=hush", "200 OK", False),
        ("Error: none oauth_token: t oauth_token_secret: hush", "200 OK", False),
        ("Error: oauth_token t, oauth_token_secret hush", "200 OK", False),
        ("oauth_token=t&oauth_token_secret=hush", "500 Internal Server Error", False),
        ("Callback URL is invalid", "500 Internal Server Error", True),  # WordPress's
        ('{"token":"hush"}', "500 Internal Server Error", False),
    ],
)
def test_what_a_failure_says_in_plain_words_is_shown(body: str, status: str, says: bool) -> None:
    env = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "cs"}
    with (
        misbehaving(sends(form(body, status))) as server,
        at_terminal("authorize", "--pin", *endpoints(server.url), env=env) as terminal,
    ):
        assert terminal.end() == 1
    assert terminal.shown.endswith(f"; it says: {body}\n") is says
    assert "hush" not in terminal.shown
    assert len(terminal.shown.splitlines()) == 1


def test_the_way_out_is_told_in_the_command_line_s_own_words() -> None:
    env = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "cs"}
    with (
        misbehaving(sends(form("oauth_token=t&oauth_token_secret=s"))) as server,
        at_terminal("authorize", "--pin", *endpoints(server.url), env=env) as terminal,
    ):
        assert terminal.end() == 1
    assert terminal.shown.endswith("accept one that leaves it out with --allow-unconfirmed\n")


@pytest.mark.parametrize(
    ("before", "said"),
    [([], "Neither *** nor hush-token"), ([GIVEN], "Neither *** nor ***")],
    ids=["request token", "access token"],
)
def test_no_secret_that_a_refusal_repeats_is_shown(before: list[Any], said: str) -> None:
    env = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "hush-consumer"}
    refuses = sends(form("Neither hush-consumer nor hush-token", "403 Forbidden"))
    with (
        misbehaving(*before, refuses) as server,
        at_terminal("authorize", "--pin", *endpoints(server.url), env=env) as terminal,
    ):
        if before:
            terminal.until("The PIN that it shows")
            terminal.type("1234\n")
        assert terminal.end() == 1
    assert terminal.shown.endswith(f"; it says: {said}\n")


def test_a_realm_that_would_go_nowhere_is_refused_before_anything_is_asked_for() -> None:
    options = ["--pin", "--no-header", "--realm", "here"]
    with at_terminal("authorize", *options, *endpoints("http://a.example/")) as terminal:
        assert terminal.end() == 1
    assert terminal.shown.startswith("oauth-hook: --realm goes into the Authorization header only")


@pytest.mark.parametrize("status", ["400 Bad Request", "500 Internal Server Error"])
def test_no_beginning_of_a_secret_is_shown(status: str) -> None:
    env = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "hush-hush"}
    cut_short = form("The consumer is hush-hush", status)[:-3]
    with (
        misbehaving(sends(cut_short)) as server,
        at_terminal("authorize", "--pin", *endpoints(server.url), env=env) as terminal,
    ):
        assert terminal.end() == 1
    assert terminal.shown.endswith(" was cut short\n")


@pytest.mark.parametrize("pin", [[], ["--pin"]], ids=["callback", "PIN"])
def test_a_browser_that_does_not_open_is_said(
    consumer: dict[str, str], authorize: list[str], pin: list[str]
) -> None:
    with at_terminal(*authorize, *pin, env={"BROWSER": "/bin/false %s", **consumer}) as terminal:
        terminal.until("could not open a browser: open the page yourself")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert ("or use --pin" in terminal.shown) is not bool(pin)


def test_a_browser_that_is_not_left_does_not_hold_the_command_up(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    with (tmp_path / "browser").open("a") as script:
        script.write("exec /bin/sleep 60\n")
    with at_terminal(*authorize, env={**env, **consumer}) as terminal:
        come_back("allow", wait_for(opened))
        assert terminal.end() == 0


# By PIN


@pytest.mark.parametrize("has_browser", [True, False])
def test_by_pin(
    provider: Sandbox,
    consumer: dict[str, str],
    authorize: list[str],
    has_browser: bool,
    tmp_path: Path,
) -> None:
    env, opened = browser(tmp_path) if has_browser else ({}, tmp_path)
    saved = tmp_path / "saved.json"
    pin = ["--pin"] if has_browser else []
    with at_terminal(*authorize, *pin, "--save", str(saved), env={**env, **consumer}) as terminal:
        page = terminal.until(r"(http://\S+/authorize\?\S+?)(\x1b|\s)")[1]
        if has_browser:
            assert wait_for(opened) == page
        terminal.until("The PIN that it shows, .*: ")
        terminal.type(f" {press('allow', page)[1]} \n")
        assert terminal.end() == 0
    assert "could not open" not in terminal.shown
    verified(provider, saved)


def test_by_pin_too_the_token_is_alone_on_stdout(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    stdout = tmp_path / "stdout"
    with at_terminal(*authorize, "--pin", env=consumer, stdout=stdout) as terminal:
        page = terminal.until(r"(http://\S+/authorize\?\S+?)(\x1b|\s)")[1]
        terminal.until("The PIN that it shows, .*: ")
        terminal.type(f"{press('allow', page)[1]}\n")
        assert terminal.end() == 0
    names = [line.partition("=")[0] for line in stdout.read_text().splitlines()]
    assert names == ["oauth_token", "oauth_token_secret", "user_id", "screen_name"]


@pytest.mark.parametrize(
    ("token", "url", "status"),
    [
        (None, "https://a.example/oob?{}", 0),
        (None, "'a.example/oob?{}'", 0),
        (None, "{}", 0),
        ("another", "https://a.example/oob?{}", 1),
    ],
)
def test_the_url_that_the_browser_ended_at_serves_as_the_pin(
    consumer: dict[str, str], authorize: list[str], token: str | None, url: str, status: int
) -> None:
    with at_terminal(*authorize, "--pin", env=consumer) as terminal:
        page = terminal.until(r"(http://\S+/authorize\?\S+?)(\x1b|\s)")[1]
        sent = page.partition("oauth_token=")[2]
        verifier = press("allow", page)[1]
        terminal.until("The PIN that it shows, .*: ")
        query = f"oauth_token={token or sent}&oauth_verifier={verifier}"
        terminal.type(url.format(query) + "\n")
        assert terminal.end() == status
    assert ("about another request token" in terminal.shown) is bool(status)


def test_the_url_of_a_denial_serves_as_the_pin_too(
    consumer: dict[str, str], authorize: list[str]
) -> None:
    with at_terminal(*authorize, "--pin", env=consumer) as terminal:
        terminal.until("The PIN that it shows, .*: ")
        terminal.type("<https://a.example/oob?oauth_problem=user_refused>\n")
        assert terminal.end() == 1
    assert terminal.shown.endswith("\noauth-hook: the user did not allow it\n")


HOSTILE = "screen_name=%1B%5D0;x%07bob%0Aoauth-hook:%20a%20lie&user_id=1"


@pytest.mark.parametrize("save", [True, False])
def test_what_the_provider_says_of_the_account_steers_no_terminal_and_forges_no_line(
    consumer: dict[str, str], tmp_path: Path, save: bool
) -> None:
    answers = [
        sends(form(f"oauth_token=t&oauth_token_secret=s&{more}"))
        for more in ("oauth_callback_confirmed=true", HOSTILE)
    ]
    more = ["--save", str(tmp_path / "saved.json")] if save else []
    with misbehaving(*answers) as server:
        env = {**consumer, "NO_COLOR": "1"}
        with at_terminal("authorize", *endpoints(server.url), "--pin", *more, env=env) as terminal:
            terminal.until("The PIN that it shows, .*: ")
            terminal.type("1\n")
            assert terminal.end() == 0
    name = r"\x1b]0;x\x07bob\noauth-hook: a lie"
    lines = terminal.shown.splitlines()
    assert all(map(str.isprintable, lines))
    assert f"Authorized, screen_name {name}, user_id 1." in lines
    assert f"screen_name={name}" in lines
    assert ("oauth_token=t" in lines) is not save


def test_what_the_provider_gives_beside_the_token_is_printed_even_if_that_is_saved(
    consumer: dict[str, str], tmp_path: Path
) -> None:
    token = "oauth_token=t&oauth_token_secret=s&"
    more = ("oauth_callback_confirmed=true", "userID=4711&oauth_session_handle=h")
    stdout, saved = tmp_path / "stdout", str(tmp_path / "saved.json")
    with misbehaving(*[sends(form(token + fields)) for fields in more]) as server:
        command = ("authorize", *endpoints(server.url), "--pin", "--save", saved)
        with at_terminal(*command, env=consumer, stdout=stdout) as terminal:
            terminal.until("The PIN that it shows, .*: ")
            terminal.type("1\n")
            assert terminal.end() == 0
    assert stdout.read_text() == "userID=4711\noauth_session_handle=h\n"


@pytest.mark.parametrize("typed", ["", "https://a.example/oob?oauth_token=t"])
def test_a_provider_of_oauth_1_0_gives_no_pin(consumer: dict[str, str], typed: str) -> None:
    with misbehaving(sends(form("oauth_token=t&oauth_token_secret=s"))) as server:
        command = ("authorize", *endpoints(server.url), "--allow-unconfirmed", "--pin")
        with at_terminal(*command, env=consumer) as terminal:
            terminal.until("The PIN that it shows, .*: ")
            terminal.type(f"{typed}\n")
            assert terminal.end() == 0
    assert b"oauth_verifier" not in server.requests[-1]
    assert "oauth_token=t\n" in terminal.shown.replace("\r", "")


def test_a_provider_of_oauth_1_0_calls_back_without_a_verifier(
    consumer: dict[str, str], tmp_path: Path
) -> None:
    env, opened = browser(tmp_path)
    port = free_port()
    with misbehaving(sends(form("oauth_token=t&oauth_token_secret=s"))) as server:
        more = ["--port", str(port), *endpoints(server.url)]
        command = ("authorize", *more, "--allow-unconfirmed")
        with at_terminal(*command, env={**env, **consumer}) as terminal:
            page = wait_for(opened)
            answer = requests.get(f"http://127.0.0.1:{port}/callback?oauth_token=t")
            assert terminal.end() == 0
    assert answer.status_code == 200
    # OAuth Core 1.0 section 6.2.1: from there such a provider takes it.
    given = {"oauth_callback": [f"http://127.0.0.1:{port}/callback"], "oauth_token": ["t"]}
    assert parse_qs(urlsplit(page).query) == given
    assert b"oauth_verifier" not in server.requests[-1]


def test_a_wrong_pin_is_one_line(consumer: dict[str, str], authorize: list[str]) -> None:
    with at_terminal(*authorize, "--pin", env=consumer) as terminal:
        page = terminal.until(r"(http://\S+/authorize\?\S+?)(\x1b|\s)")[1]
        press("allow", page)
        terminal.until("The PIN that it shows, .*: ")
        terminal.type("1234\n")
        assert terminal.end() == 1
    assert "the provider refuses the access token: 401 Unauthorized" in terminal.shown
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize(("typed", "status"), [("\n", 1), ("\x04", 1), ("\x03", 130)])
def test_no_pin(consumer: dict[str, str], authorize: list[str], typed: str, status: int) -> None:
    with at_terminal(*authorize, "--pin", env=consumer) as terminal:
        terminal.until("The PIN that it shows, .*: ")
        terminal.type(typed)
        assert terminal.end() == status
    assert "Traceback" not in terminal.shown
    if status == 1:
        assert terminal.shown.endswith(" ends at: \noauth-hook: no PIN was given\n")


def test_a_pin_that_is_not_utf_8_is_one_line(
    consumer: dict[str, str], authorize: list[str], tmp_path: Path
) -> None:
    with at_terminal(*authorize, "--pin", env=consumer) as terminal:
        terminal.until("The PIN that it shows, .*: ")
        terminal.type(os.fsdecode(b"\xff\n"))
        assert terminal.end() == 1
    assert terminal.shown.endswith("\noauth-hook: the PIN is not UTF-8\n")


# The provider


def test_a_wrong_consumer_secret_is_one_line(
    provider: Sandbox, authorize: list[str], tmp_path: Path
) -> None:
    env, _ = browser(tmp_path)
    wrong = {"OAUTH_CONSUMER_KEY": provider.consumer_key, "OAUTH_CONSUMER_SECRET": "hush-wrong"}
    ended = run(*authorize, env={**env, **wrong})
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "oauth-hook: the provider refuses the request token: 401 Unauthorized; oauth_problem: "
    )
    assert ended.stderr.count("\n") == 1


def test_it_says_to_the_provider_who_it_is(consumer: dict[str, str]) -> None:
    with misbehaving(CONFIRMED) as server:
        command = ("authorize", *endpoints(server.url), "--pin")
        with at_terminal(*command, env=consumer) as terminal:
            terminal.until("The PIN that it shows, .*: ")
            terminal.type("1\n")
            assert terminal.end() == 0
    assert len(server.requests) == 2
    for request in server.requests:
        assert re.search(rb"\r\nUser-Agent: requests-oauth/[\d.]+ ", request)


@pytest.mark.parametrize(
    ("name", "methods", "in_header"),
    [
        ("discogs", [b"GET", b"POST"], True),
        ("flickr", [b"GET", b"GET"], False),
        ("trello", [b"POST", b"POST"], False),
        ("x", [b"POST", b"POST"], True),
    ],
)
def test_a_named_provider_is_asked_in_its_way_also_at_other_endpoints(
    consumer: dict[str, str], name: str, methods: list[bytes], in_header: bool
) -> None:
    with misbehaving(CONFIRMED) as server:
        urls = [f"--{which}-token-url={server.url}" for which in ("request", "access")]
        with at_terminal("authorize", "--provider", name, *urls, "--pin", env=consumer) as terminal:
            terminal.until("The PIN that it shows, .*: ")
            terminal.type("1\n")
            assert terminal.end() == 0
    assert PROVIDERS[name].authorize_url in terminal.shown
    assert [request.split()[0] for request in server.requests] == methods
    assert {b"Authorization: OAuth " in request for request in server.requests} == {in_header}


def test_the_consumer_key_stands_percent_encoded_in_a_page_that_wants_it(
    consumer: dict[str, str],
) -> None:
    key = {**consumer, "OAUTH_CONSUMER_KEY": "a/b&é"}
    with misbehaving(CONFIRMED) as server:
        base_url = f"{server.url}/index.php"
        provider = ["--provider", "mediawiki", "--base-url", f"{base_url}/"]
        with at_terminal("authorize", *provider, "--pin", env=key) as terminal:
            page = terminal.until(r"(http://\S+?)(\x1b|\s)")[1]
    assert page == (
        f"{base_url}?title=Special:OAuth/authorize&oauth_consumer_key=a%2Fb%26%C3%A9&oauth_token=t"
    )


@pytest.mark.parametrize(("more", "status"), [([], 1), (["--allow-unconfirmed"], 130)])
def test_a_provider_that_does_not_confirm_the_callback(
    consumer: dict[str, str], more: list[str], status: int
) -> None:
    with misbehaving(sends(form("oauth_token=t&oauth_token_secret=s"))) as server:
        command = ("authorize", *endpoints(server.url), "--pin", *more)
        with at_terminal(*command, env=consumer) as terminal:
            if more:
                terminal.until("The PIN that it shows, .*: ")
                terminal.type("\x03")
            assert terminal.end() == status
    assert ("oauth_callback_confirmed" in terminal.shown) is not bool(more)
