"""HTTPie: ``http --auth-type=oauth1``, as a command, with the credentials from all three places."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from servers import Provider, redirect

from oauth_hook import OAuthHook, credential_file
from oauth_hook.sandbox import Sandbox

VARIABLES = ("OAUTH_TOKEN", "OAUTH_TOKEN_SECRET", "OAUTH_CONSUMER_KEY", "OAUTH_CONSUMER_SECRET")

#: HTTPie warns of a plugin that can't be loaded.
HTTP = [sys.executable, "-W", "error::UserWarning", "-m", "httpie"]
Http = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def http(tmp_path: Path) -> Http:
    """Runs the command ``http --auth-type=oauth1`` with these arguments, as a pipe sees it."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*HTTP, "--ignore-stdin", "--auth-type=oauth1", *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "HTTPIE_CONFIG_DIR": str(tmp_path / "httpie"), **environment},
        )

    return run


@pytest.fixture
def saved(tmp_path: Path, hook: OAuthHook) -> str:
    """A file of credentials."""
    credential_file.save(hook, tmp_path / "credentials.json")
    return str(tmp_path / "credentials.json")


def report(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_package_brings_the_plugin() -> None:
    [plugin] = entry_points(group="httpie.plugins.auth.v1", name="requests-oauth")

    assert plugin.load().auth_type == "oauth1"


def test_the_help_names_it() -> None:
    shown = subprocess.run([*HTTP, "--help"], capture_output=True, text=True, check=True)
    assert "oauth1" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["GET", "{url}", "a==1 2"], {"args": [["a", "1 2"]], "length": 0}),
        (["--form", "POST", "{url}", "status=Yay! é"], {"form": [["status", "Yay! é"]]}),
        (["POST", "{url}", "a=1"], {"body": '{"a": "1"}'}),
        (["--multipart", "--boundary=b", "POST", "{url}", "a=1"], {"form": []}),
        (["--form", "POST", "{url}", "file@{file}"], {"form": []}),
        (["--raw=raw", "PUT", "{url}"], {"body": "raw"}),
        (["--chunked", "POST", "{url}", "a=1"], {"body": '{"a": "1"}'}),
        (["--compress", "--compress", "POST", "{url}", "a=1"], {}),
        (["--path-as-is", "GET", "{url}/../resource/a"], {}),
        (["DELETE", "{url}"], {"length": 0}),
        (["GET", "{url}", "X-Same:1", "X-Same:2"], {}),
    ],
    ids=[
        "query",
        "form",
        "JSON",
        "multipart",
        "upload",
        "raw",
        "chunked",
        "compressed",
        "path as is",
        "DELETE",
        "repeated header",
    ],
)
def test_a_request_is_signed(
    http: Http,
    saved: str,
    provider: Sandbox,
    place: str,
    arguments: list[str],
    found: dict[str, Any],
) -> None:
    values = {"url": provider.resource_url, "file": saved}
    received = report(http("-a", saved, *(text.format(**values) for text in arguments)))

    assert received["place"] == place
    ours = [pair for pair in received["args"] if not pair[0].startswith("oauth_")]
    assert {**received, "args": ours}.items() >= found.items()


def test_a_form_in_chunks_can_not_be_signed_and_is_not_sent(
    http: Http, saved: str, telling: Provider
) -> None:
    result = http("-a", saved, "--form", "--chunked", "POST", telling.url, "a=hush-form")

    assert result.returncode == 1
    assert "must be signed" in result.stderr
    assert telling.messages == []


def test_what_it_shows_is_what_it_sent(http: Http, saved: str, provider: Sandbox) -> None:
    shown = http("-a", saved, "--verbose", "--pretty=none", "GET", provider.resource_url).stdout
    nonces = re.findall(r'oauth_nonce(?:="|=|",\s*")([0-9a-f]+)', shown)

    assert len(nonces) >= 2
    assert len(set(nonces)) == 1


def test_offline_it_shows_a_signed_request(http: Http, saved: str) -> None:
    result = http("-a", saved, "--offline", "GET", "http://api.example/")

    assert (result.returncode, result.stderr) == (0, "")
    assert "oauth_signature=" in result.stdout


def test_a_redirect_within_the_origin_is_signed_anew(
    http: Http, telling: Provider, header_auth: bool, tmp_path: Path
) -> None:
    file = tmp_path / "credentials.json"
    credential_file.save(OAuthHook(*telling.credentials(), header_auth), file)
    telling.always("/from", redirect(307, "/to"))

    http("-a", str(file), "--follow", "--form", "POST", f"{telling.url}/from", "a=1")

    assert [message.problem for message in telling.messages] == [None, None]


def test_a_redirect_to_another_origin_does_not_leak(
    http: Http, telling: Provider, header_auth: bool, tmp_path: Path
) -> None:
    file = tmp_path / "credentials.json"
    credential_file.save(OAuthHook(*telling.credentials(), header_auth), file)
    there = telling.url.replace("127.0.0.1", "localhost")
    telling.always("/from", redirect(307, f"{there}/there?{{query}}"))

    http("-a", str(file), "--follow", "--form", "POST", f"{telling.url}/from", "a=1")

    signed, unsigned = telling.messages
    assert signed.problem is None
    assert b"oauth" not in unsigned.raw


def test_a_session_of_httpie_remembers_the_file_and_no_secret(
    http: Http, saved: str, provider: Sandbox, hook: OAuthHook, place: str, tmp_path: Path
) -> None:
    session = tmp_path / "session.json"
    report(http("-a", saved, f"--session={session}", "GET", provider.resource_url))
    second = subprocess.run(
        [*HTTP, "--ignore-stdin", f"--session={session}", "GET", provider.resource_url],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(second.stdout)["place"] == place
    assert saved in session.read_text()
    assert hook.consumer.secret not in session.read_text()


def test_the_environment_serves_without_a_file(
    http: Http, provider: Sandbox, hook: OAuthHook
) -> None:
    assert hook.token is not None
    values = (hook.token.key, hook.token.secret, hook.consumer.key, hook.consumer.secret)
    received = report(
        http("GET", provider.resource_url, **dict(zip(VARIABLES, values, strict=True)))
    )

    assert (received["place"], received["oauth_token"]) == ("header", hook.token.key)


@pytest.mark.parametrize("half", ["OAUTH_TOKEN", "OAUTH_TOKEN_SECRET"])
def test_half_a_token_in_the_environment_is_refused(http: Http, half: str) -> None:
    consumer = {"OAUTH_CONSUMER_KEY": "key", "OAUTH_CONSUMER_SECRET": "secret"}
    result = http("GET", "http://nowhere.invalid/", **consumer, **{half: "half"})

    assert result.returncode == 1
    other = next(name for name in ("OAUTH_TOKEN_SECRET", "OAUTH_TOKEN") if name != half)
    assert result.stderr.startswith(f"http: error: {half} is set, but not {other}")


def test_a_consumer_without_a_secret_in_the_environment_is_refused(http: Http) -> None:
    result = http("GET", "http://nowhere.invalid/", OAUTH_CONSUMER_KEY="key")

    assert result.returncode == 1
    assert result.stderr.startswith(
        "http: error: OAUTH_CONSUMER_KEY is set, but not OAUTH_CONSUMER_SECRET"
    )


def test_a_file_whose_credentials_need_an_rsa_key_is_told(
    http: Http, saved: str, hook: OAuthHook
) -> None:
    values = json.loads(Path(saved).read_text())
    Path(saved).write_text(json.dumps({**values, "signature_method": "RSA-SHA1"}))
    result = http("-a", saved, "GET", "http://nowhere.invalid/")

    assert result.returncode == 1
    assert result.stderr.startswith("http: error: this file's credentials need an RSA key")


def test_at_a_terminal_the_user_is_asked_without_echo(
    provider: Sandbox, hook: OAuthHook, tmp_path: Path
) -> None:
    assert hook.token is not None
    answers = {
        "Consumer key": hook.consumer.key,
        "Consumer secret": hook.consumer.secret,
        "Access token,": hook.token.key,
        "Access token secret": hook.token.secret,
    }
    command = [*HTTP, "--auth-type=oauth1", "--pretty=none", "--body"]
    shown = at_terminal([*command, "GET", provider.resource_url], answers, tmp_path)

    dialogue, _, answer = shown.partition("{")
    assert [question for question in answers if question not in dialogue] == []
    assert [secret for secret in answers.values() if secret in dialogue] == []
    assert json.loads("{" + answer)["oauth_token"] == hook.token.key


def test_with_stdin_closed_one_line_says_what_is_missing(telling: Provider) -> None:
    command = [*HTTP, "--ignore-stdin", "--auth-type=oauth1", "GET", telling.url]
    ended = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" "$@" <&-', *command],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("http: error: no credentials: give -a FILE")


def test_ctrl_d_instead_of_an_answer_is_one_line(telling: Provider, tmp_path: Path) -> None:
    command = [*HTTP, "--auth-type=oauth1", "GET", telling.url]
    shown = at_terminal(command, {"Consumer key": "key", "secret": "\x04"}, tmp_path, status=1)

    assert shown.strip().splitlines()[2:] == [
        "http: error: the credentials were not given to their end, or not in UTF-8"
    ]
    assert telling.messages == []


def at_terminal(command: list[str], answers: dict[str, str], config: Path, status: int = 0) -> str:
    """All that a terminal shows of ``command``, whose questions get these answers in turn."""
    child, terminal = pty.fork()
    if child == 0:
        environment = {**os.environ, "HTTPIE_CONFIG_DIR": str(config), "TERM": "dumb"}
        os.execve(command[0], command, environment)
    shown, waiting = "", list(answers.items())
    try:
        while select.select([terminal], [], [], 30)[0]:
            shown += os.read(terminal, 65536).decode()
            if waiting and waiting[0][0] in shown and shown.endswith(": "):
                os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
    except OSError:  # the end
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == status, shown
    return shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no credentials: give -a FILE, or set OAUTH_CONSUMER_KEY"),
        (("-a", "no-such-file"), "-a must name a file of credentials"),
        (("-a", "key:hush-secret"), "-a must name a file of credentials"),
        (("-a", os.devnull), "is not used: users other than its owner"),
    ],
    ids=["nothing", "no file", "a key and a secret", "a file that others can read"],
)
def test_without_credentials_nothing_is_sent_and_one_line_says_why(
    http: Http, telling: Provider, arguments: tuple[str, ...], message: str
) -> None:
    result = http(*arguments, "GET", telling.url)

    assert result.returncode == 1
    assert result.stderr.startswith("http: error: ")
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "hush-secret" not in result.stderr
    assert telling.messages == []


def test_http_without_oauth_works_as_ever(provider: Sandbox) -> None:
    result = subprocess.run(
        [*HTTP, "--ignore-stdin", "--check-status", "GET", provider.resource_url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 4  # 401: it is not signed
