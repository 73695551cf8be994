"""mypy --strict and pyright on a program that uses every public name, and on the package itself."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import run

import oauth_hook
from oauth_hook.sandbox import Sandbox

ROOT = Path(oauth_hook.__file__).parent.parent
PROGRAM = Path(__file__).with_name("typed_program.py")
MODULES = ("", ".three_legged", ".credential_file", ".providers", ".sandbox")


def check(command: list[str], directory: Path) -> None:
    """Runs a type checker that finds the package where this test has found it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if ROOT.name != "site-packages":  # mypy refuses that one: it looks there anyway
        environment["MYPYPATH"] = str(ROOT)
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "command",
    [["mypy", "--strict", "--cache-dir=."], ["pyright"]],
    ids=["mypy --strict", "pyright"],
)
def test_the_program_checks(command: list[str], tmp_path: Path) -> None:
    if command == ["pyright"]:
        settings = '{"typeCheckingMode": "strict", "reportUnknownMemberType": false}'
        (tmp_path / "pyrightconfig.json").write_text(settings)
        command = ["pyright", "--pythonpath", sys.executable]
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.read_text())

    check([*command, str(program)], tmp_path)


def test_the_program_needs_no_crutch() -> None:
    assert re.findall(r"\bAny\b|ignore|cast\(", PROGRAM.read_text()) == []


def test_the_program_uses_every_public_name() -> None:
    text = PROGRAM.read_text()
    modules = [importlib.import_module(f"oauth_hook{name}") for name in MODULES]
    names = {name for module in modules for name in module.__all__}

    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", text)] == []


def test_the_program_runs() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "5 True",
        "no hook: access_token_secret is missing: a token needs both its key and its secret",
        "https",
        "permission_denied",
    ]


def test_typeguard_finds_nothing_wrong_while_requests_are_signed(provider: Sandbox) -> None:
    code = """
import sys
from typeguard import install_import_hook
install_import_hook("oauth_hook")  # as pytest --typeguard-packages does
import requests
from oauth_hook import OAuthHook, three_legged
url, token_url, *credentials = sys.argv[1:]
hook = OAuthHook(*credentials)
print(three_legged.request_token(token_url, hook).fields)
print(requests.post(url, {"a": "1"}, hooks={"pre_request": hook}).status_code)
print(requests.get(url).status_code)
"""
    credentials = *provider.issue_token(), provider.consumer_key, provider.consumer_secret
    urls = provider.resource_url, provider.request_token_url
    assert run(code, *urls, *credentials) == "{'oauth_callback_confirmed': 'true'}\n200\n401\n"


def test_every_public_type_is_known_to_pyright(tmp_path: Path) -> None:
    pyright = ["pyright", "--pythonpath", sys.executable]

    check([*pyright, "--ignoreexternal", "--verifytypes", "oauth_hook"], tmp_path)
