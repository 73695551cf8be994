"""The functional tests with a test_settings.py, whose exchange asks for the PIN at the terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import at_terminal, environment

from oauth_hook.sandbox import Sandbox

TESTS = Path(__file__).parent
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")


@pytest.fixture
def provider() -> Sandbox:
    return Sandbox()


@pytest.fixture
def checkout(provider: Sandbox, tmp_path: Path) -> Iterator[Path]:
    """What of a checkout these tests need, with a test_settings.py that names ``provider``."""
    (tmp_path / "tests").mkdir()
    shutil.copy(TESTS / "test_functional.py", tmp_path / "tests")
    shutil.copy(TESTS.parent / "pyproject.toml", tmp_path)
    with provider:
        token, secret = provider.issue_token()
        settings = {
            "name": "real",
            "consumer_key": provider.consumer_key,
            "consumer_secret": provider.consumer_secret,
            "access_token": token,
            "access_token_secret": secret,
            "get": {"url": provider.resource_url},
            "post": {"url": provider.resource_url, "data": {"a": "1"}},
            "request_token_url": provider.request_token_url,
            "authorize_url": provider.authorize_url,
            "access_token_url": provider.access_token_url,
            "places": ["header"],
        }
        (tmp_path / "test_settings.py").write_text(f"PROVIDERS = [{settings!r}]\n")
        yield tmp_path


def test_the_exchange_with_a_provider_of_the_settings_asks_for_the_pin(
    provider: Sandbox, checkout: Path
) -> None:
    tests = str(checkout / "tests/test_functional.py")
    with at_terminal(
        "-s", "-n", "0", "--rootdir", str(checkout), tests, command=PYTEST
    ) as terminal:
        token = terminal.until(r"Open \S+oauth_token=(\S+)")[1]
        terminal.until("PIN: ")
        terminal.type(f"{provider.authorize(token)}\n")

        assert terminal.end() == 0, terminal.shown

    assert "4 passed" in terminal.shown


def printed(checkout: Path, *arguments: str) -> str:
    """What the functional tests say where there is no terminal."""
    tests = str(checkout / "tests/test_functional.py")
    done = subprocess.run(
        [*PYTEST, "-n", "0", "--rootdir", str(checkout), tests, *arguments],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stdout


def test_where_nobody_can_type_the_pin_it_says_how_to_run(checkout: Path) -> None:
    assert "run this at a terminal, pytest -s -n 0" in printed(checkout, "-k", "exchange")


def test_a_copied_template_says_what_to_fill_in(checkout: Path) -> None:
    shutil.copy(TESTS.parent / "test_settings.py.template", checkout / "test_settings.py")

    said = printed(checkout)

    assert "test_settings.py: fill in consumer_key of 'X', or remove it" in said
    assert "Traceback" not in said
