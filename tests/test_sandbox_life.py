"""The sandbox's life: its database, its socket, the extra and the pytest fixture."""

from __future__ import annotations

import gc
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from misbehaving import resets
from oauthlib.oauth1 import Client
from sandbox_client import Wire, authorization

import oauth_hook
from oauth_hook.sandbox import Sandbox, server

pytest_plugins = ["pytester"]


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def test_a_database_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite"
    with Sandbox(path) as first:
        token = first.issue_token()
        signer: Any = Client(first.consumer_key, first.consumer_secret, *token)
        headers = signer.sign("http://host/resource")[1] | {"Host": "host"}
        assert requests.get(first.resource_url, headers=headers, timeout=10).status_code == 200
    with Sandbox(path) as second:
        assert second.consumer_key == first.consumer_key
        replayed = requests.get(second.resource_url, headers=headers, timeout=10)
        assert "nonce_used" in replayed.headers["WWW-Authenticate"]
        headers = signer.sign("http://host/resource")[1] | {"Host": "host"}
        assert requests.get(second.resource_url, headers=headers, timeout=10).status_code == 200


def test_a_database_is_its_owners_alone(tmp_path: Path) -> None:
    Sandbox(tmp_path / "sandbox.sqlite").stop()
    assert (tmp_path / "sandbox.sqlite").stat().st_mode & 0o777 == 0o600


def test_given_consumer_replaces_the_stored_one(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite"
    Sandbox(path).stop()
    given = Sandbox(path, consumer_key="key & more", consumer_secret="")
    given.stop()
    again = Sandbox(path)
    again.stop()
    assert (again.consumer_key, again.consumer_secret) == ("key & more", "")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "letter.txt"
    text.write_text("Dear Sir or Madam, " * 99)
    foreign = tmp_path / "foreign.sqlite"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE song (title)")
    connection.close()
    of_another_application = tmp_path / "numbered.sqlite"
    connection = sqlite3.connect(of_another_application)
    connection.executescript("CREATE TABLE song (title); PRAGMA user_version = 1")
    connection.close()
    damaged = tmp_path / "damaged.sqlite"
    Sandbox(damaged).stop()
    pages = damaged.read_bytes()
    damaged.write_bytes(pages[:4096] + b"\xaa" * (len(pages) - 4096))
    before = of_another_application.read_bytes()
    for path in (text, foreign, of_another_application, damaged):
        with pytest.raises(ValueError, match=f"{path.name} is not a database"):
            Sandbox(path)
    assert of_another_application.read_bytes() == before


@pytest.mark.parametrize("key", ["junk", "", "-----BEGIN PUBLIC KEY-----", b"junk", 5])
def test_a_public_key_that_is_none_is_refused_at_once(key: Any) -> None:
    with pytest.raises(ValueError, match="rsa_public_key must be a public RSA key in PEM"):
        Sandbox(rsa_public_key=key)


def test_sandboxes_that_start_together_share_a_database(tmp_path: Path) -> None:
    consumers = []
    with ThreadPoolExecutor(8) as pool:
        for path in (tmp_path / f"{number}.sqlite" for number in range(50)):
            opened = [*pool.map(lambda _, path=path: Sandbox(path), range(8))]
            consumers.append({sandbox.consumer_key for sandbox in opened})
            for sandbox in opened:
                sandbox.stop()
    assert [len(keys) for keys in consumers] == [1] * 50


def test_stop_is_prompt_with_connections_open() -> None:
    provider = Sandbox()
    provider.start()
    with Wire(provider) as idle, requests.Session() as session:
        session.get(provider.url, timeout=10)
        began = time.monotonic()
        provider.stop()
        assert time.monotonic() - began < 1
        assert idle.is_closed()
        with pytest.raises(requests.ConnectionError):
            session.get(provider.url, timeout=10)
    provider.stop()


def test_a_connection_that_comes_just_before_the_stop_is_closed_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finish, come, stopped = server._Threaded.finish_request, threading.Event(), threading.Event()

    def finish_late(*arguments: Any) -> None:
        come.set()
        assert stopped.wait(10)
        finish(*arguments)

    monkeypatch.setattr(server._Threaded, "finish_request", finish_late)
    provider = Sandbox()
    provider.start()
    with Wire(provider) as wire:
        assert come.wait(10)
        provider.stop()
        stopped.set()
        assert wire.is_closed()


@contextmanager
def answering(answer: Callable[[], None]) -> Iterator[tuple[server.Server, socket.socket]]:
    """A server whose answer is under way, which calls ``answer`` after the stop; and its client."""
    begun = threading.Event()

    def answer_after_the_stop(*_: Any) -> list[bytes]:
        begun.set()
        while not serving._server._stopping:
            pass
        answer()
        raise ConnectionError

    with socket.create_server(("127.0.0.1", 0)) as bound:
        serving = server.Server(bound, answer_after_the_stop, None)
        serving.start()
        with socket.create_connection(bound.getsockname()) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert begun.wait(10)
            yield serving, client


def test_stop_does_not_mind_a_client_that_has_gone() -> None:
    with answering(lambda: None) as (serving, client):
        resets(client)
        client.close()
        serving.stop()


def test_stop_waits_for_the_answers_under_way() -> None:
    stopped = threading.Event()
    waited: list[bool] = []
    with answering(lambda: waited.append(not stopped.wait(0.2))) as (serving, _):
        serving.stop()
        stopped.set()
    assert waited == [True]


def test_a_program_that_forgets_to_stop_it_ends() -> None:
    code = "from oauth_hook.sandbox import Sandbox; Sandbox().start()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@pytest.mark.parametrize("end", ["sys.exit()", "provider.stop()", "pass"])
def test_a_process_forked_from_it_ends_and_leaves_it_serving(end: str) -> None:
    code = f"""
import os, sys, requests
from oauth_hook.sandbox import Sandbox
with Sandbox() as provider:
    child = os.fork()
    if not child:
        {end}
    else:
        _, status = os.waitpid(child, 0)
        print(status, requests.get(provider.url, timeout=10).status_code)
"""
    command = [sys.executable, "-W", "ignore", "-c", code]  # 3.12 warns of a fork beside threads
    ended = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert ended.stdout == "0 401\n"
    assert "Traceback" not in ended.stderr


def test_a_start_without_threads_left_fails_each_time_and_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    provider = Sandbox()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="can't start new thread"):
            provider.start()
        with pytest.raises(RuntimeError, match="before it is started"):
            print(provider.url)
    provider.stop()


def test_one_that_nobody_keeps_serves_on() -> None:
    provider = Sandbox()
    provider.start()
    url, somewhere = provider.resource_url, weakref.ref(provider)
    headers = {"Authorization": authorization(provider, "GET", url)}
    del provider
    gc.collect()
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    again = somewhere()
    assert again is not None
    again.stop()


def test_clients_that_speak_no_tls_are_closed_without_a_word(
    authority: trustme.CA, capfd: pytest.CaptureFixture[str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    provider = Sandbox(ssl_context=context)
    provider.start()
    with Wire(provider) as silent, Wire(provider) as wrong:
        with suppress(OSError):  # it may be closed already
            wrong.break_off(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            while not wrong.is_closed():  # it may be told so in TLS
                pass
        provider.stop()
        assert silent.is_closed()
    assert capfd.readouterr().err == ""


def test_url_before_the_start_and_start_after_the_stop_are_mistakes() -> None:
    provider = Sandbox()
    with pytest.raises(RuntimeError, match="before it is started"):
        print(provider.resource_url)
    provider.stop()
    with pytest.raises(RuntimeError, match="make another one"):
        provider.start()


def test_port_in_use_is_an_oserror(provider: Sandbox) -> None:
    second = Sandbox(port=int(provider.url.rpartition(":")[2]))
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()


def test_serve_forever_ends_with_stop() -> None:
    provider = Sandbox()
    thread = threading.Thread(target=provider.serve_forever)
    thread.start()
    provider.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_listens_on_ipv6() -> None:
    with Sandbox(host="::1") as provider:
        signature = authorization(provider, "GET", provider.resource_url)
        headers = {"Authorization": signature}
        assert requests.get(provider.resource_url, headers=headers, timeout=10).status_code == 200


def test_https(tmp_path: Path) -> None:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1 -out certificate.pem -keyout key.pem"
    )
    made = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
    if made.returncode:
        pytest.skip("openssl is missing")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with Sandbox(ssl_context=context) as provider, Wire(provider):  # Wire: a client that only waits
        answer = requests.get(
            provider.resource_url,
            headers={"Authorization": authorization(provider, "GET", provider.resource_url)},
            verify=str(tmp_path / "certificate.pem"),
            timeout=10,
        )
        assert answer.json()["url"].startswith("https://127.0.0.1:")


# -- the extra and the fixture --------------------------------------------------------------------

WITHOUT = """\
import sys
class NotInstalled:
    def find_spec(name, path=None, target=None):
        if name == {0!r}:
            raise ModuleNotFoundError("No module named {0}", name=name)
sys.meta_path.insert(0, NotInstalled)
"""


@pytest.mark.parametrize("missing", ["oauthlib", "werkzeug", "jinja2"])
def test_import_without_the_extra_names_the_remedy(missing: str) -> None:
    code = WITHOUT.format(missing) + "from oauth_hook.sandbox import Sandbox"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"ImportError: The sandbox needs {missing}" in done.stderr
    assert "pip install 'requests-oauth[sandbox]'" in done.stderr


def test_it_runs_out_of_a_zip_file(tmp_path: Path) -> None:
    package = Path(oauth_hook.__file__).parent
    zipped = shutil.make_archive(str(tmp_path / "all"), "zip", package.parent, package.name)
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import oauth_hook.sandbox
from oauth_hook import three_legged
assert oauth_hook.__file__.startswith(sys.argv[1])
with oauth_hook.sandbox.Sandbox() as provider:
    hook = oauth_hook.OAuthHook(None, None, provider.consumer_key, provider.consumer_secret)
    token = three_legged.request_token(provider.request_token_url, hook)
    three_legged.access_token(
        provider.access_token_url, hook, token, provider.authorize(token.key)
    )
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code, zipped], check=True, cwd=tmp_path)


def test_plugin_loads_nothing_heavy() -> None:
    code = (
        "import sys, oauth_hook.sandbox.pytest_plugin\n"
        "assert not {'oauthlib', 'werkzeug', 'jinja2', 'sqlite3'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("installed", [True, False])
def test_fixture(pytester: pytest.Pytester, installed: bool) -> None:
    pytester.makeconftest("" if installed else WITHOUT.format("werkzeug"))
    pytester.makepyfile(
        """
        import requests
        def test_provider(oauth_sandbox):
            assert requests.get(oauth_sandbox.resource_url, timeout=10).status_code == 401
        """
    )
    plugin = [] if _is_installed() else ["-p", "oauth_hook.sandbox.pytest_plugin"]
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugin)
    result.assert_outcomes(passed=int(installed), errors=int(not installed))
    if not installed:
        result.stdout.fnmatch_lines(["*pip install 'requests-oauth?sandbox?'*"])


def _is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.name == "oauth_hook" for point in entry_points(group="pytest11"))
