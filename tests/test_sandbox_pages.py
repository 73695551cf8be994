"""The sandbox's authorization page in headless Chromium."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from browser import find, wait_for_title
from sandbox_client import page_url

from oauth_hook.sandbox import Sandbox

NAME = 'Ann & Bob\'s <b>"Photo"</b> Printer'


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox(application=NAME) as sandbox:
        yield sandbox


browser = pytest.mark.browser


class _Arrived(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Arrived</title>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def callback() -> Iterator[str]:
    """The consumer's own page, to which the browser comes back."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Arrived) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/callback?state=a%20b"
        server.shutdown()
        thread.join()


def complaints(chromium: Any) -> list[str]:
    return [entry["message"] for entry in chromium.get_log("browser")]


@browser
def test_allow_in_the_browser_leads_to_the_callback(
    provider: Sandbox, chromium: Any, callback: str
) -> None:
    chromium.get(page_url(provider, callback))
    assert NAME in find(chromium, "h1").text
    assert urlsplit(callback).netloc in find(chromium, "main").text
    find(chromium, "button[value=allow]").click()
    wait_for_title(chromium, "Arrived")
    query = dict(parse_qsl(urlsplit(chromium.current_url).query))
    assert set(query) == {"state", "oauth_token", "oauth_verifier"}
    assert query["state"] == "a b"


@browser
def test_allow_after_coming_from_another_site(
    provider: Sandbox, chromium: Any, callback: str
) -> None:
    url = page_url(provider, callback)
    chromium.get(callback.replace("127.0.0.1", "localhost"))
    chromium.execute_script("location.href = arguments[0]", url)
    wait_for_title(chromium, "Allow")
    find(chromium, "button[value=allow]").click()
    wait_for_title(chromium, "Arrived")
    assert "oauth_verifier=" in chromium.current_url


@browser
def test_deny_in_the_browser_leads_to_the_callback(
    provider: Sandbox, chromium: Any, callback: str
) -> None:
    chromium.get(page_url(provider, callback))
    find(chromium, "button[value=deny]").click()
    wait_for_title(chromium, "Arrived")
    query = dict(parse_qsl(urlsplit(chromium.current_url).query))
    assert set(query) == {"state", "denied", "oauth_problem"}


@browser
def test_pin_in_the_browser_is_large(provider: Sandbox, chromium: Any) -> None:
    chromium.get(page_url(provider))
    find(chromium, "button[value=allow]").click()
    wait_for_title(chromium, "PIN")
    shown = find(chromium, "#pin")
    assert re.fullmatch(r"\d{8}", shown.text)
    assert float(shown.value_of_css_property("font-size").removesuffix("px")) >= 32


@browser
def test_pin_is_still_there_after_a_reload(provider: Sandbox, chromium: Any) -> None:
    chromium.get(page_url(provider))
    find(chromium, "button[value=allow]").click()
    wait_for_title(chromium, "PIN")
    shown = find(chromium, "#pin").text
    chromium.refresh()
    assert find(chromium, "#pin").text == shown


@browser
@pytest.mark.parametrize(("tabs", "title"), [(1, "PIN"), (2, "Denied")])
def test_keyboard_alone_decides(provider: Sandbox, chromium: Any, tabs: int, title: str) -> None:
    from selenium.webdriver import ActionChains, Keys

    chromium.get(page_url(provider))
    ActionChains(chromium).send_keys(*[Keys.TAB] * tabs).perform()
    focused = chromium.switch_to.active_element
    assert focused.value_of_css_property("outline-style") == "solid"
    ActionChains(chromium).send_keys(Keys.ENTER).perform()
    wait_for_title(chromium, title)


@browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_pages_fit_any_width(provider: Sandbox, chromium: Any, width: int, scheme: str) -> None:
    device = {"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": width < 500}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    complaints(chromium)
    chromium.get(page_url(provider, f"https://{'long-' * 20}name.example/callback"))
    assert overflow(chromium) == 0
    chromium.get(page_url(provider))
    assert overflow(chromium) == 0
    find(chromium, "button[value=allow]").click()
    wait_for_title(chromium, "PIN")
    assert overflow(chromium) == 0
    assert complaints(chromium) == []


def overflow(chromium: Any) -> int:
    script = "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
    return int(chromium.execute_script(script))


@browser
def test_page_cannot_be_framed(provider: Sandbox, chromium: Any, tmp_path: Path) -> None:
    outer = tmp_path / "outer.html"
    outer.write_text(f'<title>Outer</title><iframe src="{page_url(provider)}"></iframe>')
    complaints(chromium)
    chromium.get(outer.as_uri())
    assert any("frame-ancestors" in line for line in complaints(chromium))
