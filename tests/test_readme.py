"""The README's code: every block of it runs, in order, against the sandbox."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from authlib.integrations.requests_client import OAuth1Auth
from misbehaving import is_silent, misbehaving
from oauthlib.oauth1.rfc5849.signature import verify_hmac_sha1
from requests_oauthlib import OAuth1, OAuth1Session
from servers import Answer, Provider

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
#: But for the block that configures other packages, which tests/ecosystem/test_mocks.py runs.
PYTHON = [code for language, code in BLOCKS if language == "python" and "import vcr" not in code]
(RECORDING,) = [text for language, text in BLOCKS if language == "text"]
SHELL = [code for language, code in BLOCKS if language == "sh"]


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def names(provider: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the blocks take for given, with the sandbox in place of a real provider."""
    for name in ("consumer_key", "consumer_secret", "header_auth"):
        monkeypatch.setattr(OAuthHook, name, getattr(OAuthHook, name))
    issued: list[str] = []

    def answer(prompt: str) -> str:
        """The user, who opens the page that was printed last, allows, and types the PIN."""
        return provider.authorize(issued[-1])

    def opened(*texts: object) -> None:
        issued.extend(re.findall(r"oauth_token=([^&\s]+)", " ".join(map(str, texts))))

    token, secret = provider.issue_token()
    found: dict[str, Any] = {
        "requests": requests,
        "OAuthHook": OAuthHook,
        "OAuth1": OAuth1,
        "OAuth1Auth": OAuth1Auth,
        "OAuth1Session": OAuth1Session,
        "access_token": token,
        "access_token_secret": secret,
        "consumer_key": provider.consumer_key,
        "consumer_secret": provider.consumer_secret,
        "request_token_url": provider.request_token_url,
        "authorize_url": provider.authorize_url,
        "access_token_url": provider.access_token_url,
        "url": provider.resource_url,
        "upload_url": provider.resource_url,
        "fields": {"title": "a photo", "tags": "a&b caf\u00e9"},
        "photo": b"\xff\xd8",
        "key": provider.consumer_key,
        "secret": provider.consumer_secret,
        "t": token,
        "ts": secret,
        "input": answer,
        "print": opened,
        "function": lambda base_string, consumer_secret, token_secret: "signature",
        "save_for_user": lambda key, token_secret: None,
    }
    yield found
    for value in found.values():
        if isinstance(value, requests.Session):
            value.close()


def runnable(code: str, provider: Sandbox) -> str:
    """The block with the sandbox's address, and without what stands for the reader's own."""
    code = re.sub(r"https://api\.example\.com/[^']*", provider.resource_url, code)
    # Lines that show an argument with "..." for the rest are checked by their own test.
    return "\n".join(line for line in code.splitlines() if "(..., " not in line)


OURS = [code for code in PYTHON if "# before" not in code]


def test_the_python_blocks_run_from_top_to_bottom(
    provider: Sandbox, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = []
    for code in OURS:
        exec(runnable(code, provider), names)
        if "def login(" in code:
            assert_the_web_application_works(provider, names["login"], names["callback"])
        kept += [value for value in names.values() if isinstance(value, requests.Session)]

    names["test_my_client"](provider)
    for session in kept:
        session.close()
    assert names["hook"].token is not None


def assert_the_web_application_works(provider: Sandbox, login: Any, callback: Any) -> None:
    users: list[dict[str, Any]] = [{}, {}, {}]
    keys = [login(user).partition("oauth_token=")[2] for user in users]
    back = f"https://app.example/callback?oauth_token={keys[0]}"

    assert callback(users[1], f"{back}&oauth_verifier=x") == "That did not work, try again."
    assert callback(users[2], provider.deny(keys[2])) == "You did not allow it."
    other = f"https://app.example/callback?oauth_token={keys[1]}&oauth_verifier=x"
    assert callback(users[0], other) == "That did not work, try again."
    verifier = provider.authorize(keys[0])
    assert callback(users[0], f"{back}&oauth_verifier={verifier}") == "Hello sandbox_user"
    assert callback(users[0], f"{back}&oauth_verifier={verifier}") == "Log in first."


def test_retrying_to_connect_changes_nothing_else(
    strict: Provider, session: requests.Session
) -> None:
    (code,) = (code for code in PYTHON if "connecting = " in code)
    exec(code, {"client": session})
    adapter = session.get_adapter("https://a.example/")
    session.mount("http://", adapter)
    strict.once("/x", Answer(503, {"Retry-After": "0"}), Answer(429, {"Retry-After": "0"}))

    for status in (503, 429, 200):
        response = session.get(f"{strict.url}/x", auth=OAuthHook(*strict.credentials()))
        assert response.status_code == status
    with misbehaving(is_silent) as server, pytest.raises(requests.ReadTimeout):
        session.get(server.url, timeout=0.2)
    assert len(strict.messages) == 3
    assert adapter.max_retries.connect == 3


def test_an_upload_to_flickr_is_signed_as_flickr_wants_it(
    strict: Provider, names: dict[str, Any]
) -> None:
    (code,) = [code for code in OURS if "upload_url" in code]
    url = f"http://127.0.0.1:{strict.port}/services/upload/"
    hook = OAuthHook(*strict.credentials(), True)
    assert hook.token is not None

    exec(code, {**names, "upload_url": url, "hook": hook})

    (message,) = strict.messages
    assert b'name="photo"' in (message.body or b"")
    oauth = dict(message.oauth)
    signature = oauth.pop("oauth_signature")
    parameters = [*oauth.items(), *names["fields"].items()]
    request = SimpleNamespace(
        http_method="POST", uri=url, params=parameters, signature=signature, headers={}
    )
    assert verify_hmac_sha1(request, hook.consumer.secret, hook.token.secret)


BEFORE_AND_AFTER = re.findall(r"^(.*\S) +# (before|after)$", README, re.MULTILINE)
#: Those of rauth, which is old, are run by tests/ecosystem/test_rauth.py.
OF_OTHERS = [
    line for line, _ in BEFORE_AND_AFTER if not line.startswith(("hook.token", "OAuth1Service"))
]


@pytest.mark.parametrize("line", OF_OTHERS)
def test_the_lines_of_other_libraries_and_ours_in_their_place_run(
    provider: Sandbox, names: dict[str, Any], line: str
) -> None:
    result = eval(line, names)

    if isinstance(result, requests.Session):
        with result:
            result = result.get(provider.resource_url)
    assert result.json()["oauth_token"] == names["t"]


def test_the_lines_of_version_0_4_that_differ_say_so(names: dict[str, Any]) -> None:
    before, after = [line for line, _ in BEFORE_AND_AFTER if line.startswith("hook.token")]
    names["hook"] = OAuthHook("a", "b", "c", "d")

    with pytest.raises(AttributeError, match="can't be set by itself"):
        exec(before, names)
    exec(after, names)

    assert (names["hook"].token.key, names["hook"].token.secret) == (names["t"], names["ts"])


def without_chance(text: str) -> str:
    """What the demo prints, without line breaks, ports, keys, nonces and the like."""
    text = re.sub(r"(127\.0\.0\.1:|PIN)\d+", r"\1", "".join(text.split()))
    values = r"(oauth_(?:consumer_key|token|nonce|timestamp|signature|verifier)=\"?)[\w%-]+"
    return re.sub(values, r"\1", text)


def test_the_recording_of_the_demo_is_what_it_prints() -> None:
    demo = (sys.executable, "-m", "oauth_hook", "demo")
    printed = subprocess.run(demo, capture_output=True, encoding="utf-8", check=True, cwd=ROOT)

    begin, end = map(without_chance, RECORDING.split("\n...\n"))

    assert without_chance(printed.stdout).startswith(begin)
    assert without_chance(printed.stdout).endswith(end)


ARGUMENTS = re.findall(r"^OAuthHook\(\.\.\., (.*?)\)(?:\s+#.*)?$", README, re.MULTILINE)


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_each_keyword_argument_shown_is_taken(
    names: dict[str, Any], arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from test_signature_methods import pem, rsa_key

    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.pem").write_bytes(pem(rsa_key()))

    hook = eval(f"OAuthHook(t, ts, key, secret, {arguments})", names)

    assert isinstance(hook, OAuthHook)


def test_the_command_lines_shown_are_understood() -> None:
    from oauth_hook import __main__

    shown = [
        shlex.split(line.partition("#")[0])[1:]
        for code in SHELL
        for line in code.splitlines()
        if line.startswith("oauth-hook ")
    ]
    assert shown
    for arguments in shown:
        assert callable(__main__._parsed(arguments).run), arguments


@pytest.mark.parametrize("heading", ["Try it", "Run the tests"])
def test_a_heading_with_a_command_has_it_alone_in_a_block(heading: str) -> None:
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]

    (command,) = re.findall(r"^```\w*\n(.*?)\n```$", section, re.DOTALL | re.MULTILINE)

    assert "\n" not in command


def test_the_files_that_the_shell_lines_name_are_there() -> None:
    named = [
        word
        for code in SHELL
        for word in re.split(r"[\s;&{}()]+", code)
        if re.fullmatch(r"(tests/)?test_\S+", word) and word != "test_settings.py"
    ]

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_page_is_read_in_five_minutes() -> None:
    """What is not folded, and no code: at 250 words a minute."""
    unfolded = re.sub(r"^<details>$.*?^</details>$", "", README, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```\w+$.*?^```$", "", unfolded, flags=re.DOTALL | re.MULTILINE)

    assert len(prose.split()) <= 5 * 250
