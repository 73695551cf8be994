"""``authorize`` itself with a real browser, headless Chromium: Allow, Deny, PIN, the last page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from browser import find, wait_for_title
from misbehaving import form, misbehaving, sends
from terminal import Terminal, at_terminal, free_port, wait_for
from terminal import browser as written_down

from oauth_hook import credential_file
from oauth_hook.sandbox import Sandbox

pytestmark = pytest.mark.browser

PIXELS = {"phone": (360, 740), "desktop": (1200, 800)}


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox(application="Photo printer") as provider:
        yield provider


@pytest.fixture
def command(provider: Sandbox, tmp_path: Path) -> dict[str, Any]:
    """What `authorize` is started with; its browser writes down the page for Chromium."""
    env, opened = written_down(tmp_path)
    consumer = {
        "OAUTH_CONSUMER_KEY": provider.consumer_key,
        "OAUTH_CONSUMER_SECRET": provider.consumer_secret,
    }
    arguments = ["authorize", "--provider", "sandbox", "--base-url", provider.url, "--save"]
    return {
        "arguments": [*arguments, str(tmp_path / "saved.json")],
        "env": {**env, **consumer},
        "opened": opened,
        "saved": tmp_path / "saved.json",
    }


def open_page(chromium: Any, command: dict[str, Any]) -> None:
    chromium.get(wait_for(command["opened"]))
    assert "Photo printer" in find(chromium, "h1").text


def picture(chromium: Any, name: str) -> None:
    """Kept where OAUTH_HOOK_PICTURES says, for people to look at."""
    if directory := os.environ.get("OAUTH_HOOK_PICTURES"):
        for kind, size in PIXELS.items():
            chromium.set_window_size(*size)
            chromium.save_screenshot(f"{directory}/{name}-{kind}.png")


def check_page(chromium: Any) -> None:
    """It reads well on a phone, loads nothing from elsewhere, and breaks no rule of its own."""
    chromium.set_window_size(*PIXELS["phone"])
    width = "return document.documentElement.scrollWidth <= window.innerWidth"
    assert chromium.execute_script(width)
    assert find(chromium, "html").get_attribute("lang") == "en"
    assert len(chromium.find_elements("css selector", "h1")) == 1
    loaded = "return performance.getEntriesByType('resource').map(entry => entry.name)"
    assert [url for url in chromium.execute_script(loaded) if not url.startswith("data:")] == []
    messages = [entry["message"] for entry in chromium.get_log("browser")]
    assert [text for text in messages if "400 (Bad Request)" not in text] == []


def ended(terminal: Terminal) -> int:
    status = terminal.end()
    assert "Traceback" not in terminal.shown
    return status


def test_allow(provider: Sandbox, chromium: Any, command: dict[str, Any]) -> None:
    with at_terminal(*command["arguments"], env=command["env"]) as terminal:
        open_page(chromium, command)
        find(chromium, "button.allow").click()
        wait_for_title(chromium, "Access allowed")
        assert ended(terminal) == 0
    text = find(chromium, "main").text
    assert "You can close this window" in text
    assert "The rest is done at the terminal" in text
    check_page(chromium)
    picture(chromium, "allowed")
    hook = credential_file.load(command["saved"])
    assert requests.get(provider.resource_url, auth=hook).status_code == 200


def test_deny(chromium: Any, command: dict[str, Any]) -> None:
    with at_terminal(*command["arguments"], env=command["env"]) as terminal:
        open_page(chromium, command)
        find(chromium, "button.deny").click()
        wait_for_title(chromium, "Access denied")
        assert ended(terminal) == 1
    assert "You can close this window" in find(chromium, "main").text
    check_page(chromium)
    picture(chromium, "denied")
    assert terminal.shown.endswith("oauth-hook: the user did not allow it\n")
    assert not command["saved"].exists()


def test_pin(provider: Sandbox, chromium: Any, command: dict[str, Any]) -> None:
    with at_terminal(*command["arguments"], "--pin", env=command["env"]) as terminal:
        open_page(chromium, command)
        find(chromium, "button.allow").click()
        wait_for_title(chromium, "PIN")
        picture(chromium, "pin")
        terminal.until("The PIN that it shows, .*: ")
        terminal.type(f"{find(chromium, '#pin').text}\n")
        assert ended(terminal) == 0
    hook = credential_file.load(command["saved"])
    assert requests.get(provider.resource_url, auth=hook).status_code == 200


def test_a_callback_that_is_no_answer(
    chromium: Any,
    command: dict[str, Any],
) -> None:
    port = free_port()
    arguments = [*command["arguments"], "--port", str(port)]
    callback = f"http://127.0.0.1:{port}/callback"
    with at_terminal(*arguments, env=command["env"]) as terminal:
        wait_for(command["opened"])
        chromium.get(f"{callback}?oauth_token=other&oauth_verifier=1")
        assert chromium.title == "Not this one"
        check_page(chromium)
        picture(chromium, "other")
        chromium.get(callback)
        assert chromium.title == "This did not work"
        assert ended(terminal) == 1
    check_page(chromium)
    picture(chromium, "wrong")


def test_another_page_of_the_browser_does_not_come_back_for_the_user(
    provider: Sandbox, chromium: Any, command: dict[str, Any]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/callback?oauth_problem=user_refused"
    script = f"fetch('{url}', {{mode: 'no-cors'}}).finally(() => document.title = 'tried')"
    page = f'<img src="{url}"><iframe src="{url}"></iframe><script>{script}</script>'
    answer = form(page).replace(b"application/x-www-form-urlencoded", b"text/html")
    arguments = [*command["arguments"], "--port", str(port)]
    with (
        misbehaving(sends(answer)) as evil,
        at_terminal(*arguments, env=command["env"]) as terminal,
    ):
        wait_for(command["opened"])
        chromium.get(evil.url)
        wait_for_title(chromium, "tried")
        open_page(chromium, command)
        find(chromium, "button.allow").click()
        wait_for_title(chromium, "Access allowed")
        assert ended(terminal) == 0


def test_the_page_is_readable_in_the_dark(
    chromium: Any,
    command: dict[str, Any],
) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        with at_terminal(*command["arguments"], env=command["env"]) as terminal:
            open_page(chromium, command)
            find(chromium, "button.allow").click()
            wait_for_title(chromium, "Access allowed")
            assert ended(terminal) == 0
        picture(chromium, "allowed-dark")
        colours = "const s = getComputedStyle(document.querySelector(arguments[0])); return s.{}"
        ground = chromium.execute_script(colours.format("backgroundColor"), "main")
        text = chromium.execute_script(colours.format("color"), "h1")
        assert (ground, text) == ("rgb(28, 34, 43)", "rgb(232, 236, 242)")
    finally:
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
