"""The README's code: every block of it runs, in order, against the sandbox."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from oauth_hook import OAuthHook, credential_file
from oauth_hook.sandbox import Sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PYTHON = [code for language, code in BLOCKS if language == "python"]
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
        "HTTPAdapter": HTTPAdapter,
        "Retry": Retry,
        "credential_file": credential_file,
        "access_token": token,
        "access_token_secret": secret,
        "consumer_key": provider.consumer_key,
        "consumer_secret": provider.consumer_secret,
        "request_token_url": provider.request_token_url,
        "authorize_url": provider.authorize_url,
        "access_token_url": provider.access_token_url,
        "url": provider.resource_url,
        "key": provider.consumer_key,
        "secret": provider.consumer_secret,
        "t": token,
        "ts": secret,
        "input": answer,
        "print": opened,
        "function": lambda base_string, consumer_secret, token_secret: "signature",
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


# Those of other libraries' lines, which need them installed, are compiled only.
OURS = [code for code in PYTHON if "# before" not in code]


def test_the_python_blocks_run_from_top_to_bottom(provider: Sandbox, names: dict[str, Any]) -> None:
    kept = []
    for code in OURS:
        exec(runnable(code, provider), names)
        kept += [value for value in names.values() if isinstance(value, requests.Session)]

    names["test_my_client"](provider)
    for session in kept:
        session.close()
    assert names["hook"].token is not None


@pytest.mark.parametrize("code", [code for code in PYTHON if code not in OURS])
def test_the_lines_that_come_after_others_run(
    provider: Sandbox, names: dict[str, Any], code: str
) -> None:
    after = [line for line in code.splitlines() if line.endswith("# after")]
    results = [eval(line.partition("  # after")[0].strip(), names) for line in after]

    for result in results:
        if isinstance(result, requests.Session):
            with result:
                assert result.get(provider.resource_url).ok
        else:
            assert result.ok
    compile(code.replace(", ...", ""), "README.md", "exec")


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


def test_each_heading_with_a_command_has_exactly_one() -> None:
    for heading in ("Try it", "Run the tests"):
        section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        (command,) = re.findall(r"^```sh\n(.*?)\n```$", section, re.DOTALL | re.MULTILINE)
        assert "\n" not in command
