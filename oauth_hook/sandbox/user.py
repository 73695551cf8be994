"""The user at the authorization page, for tests without a browser: opens it and presses a button.

It sees what a browser sees, HTTP and HTML, and nothing of the provider's insides.
"""

from __future__ import annotations

import http.client
import ssl
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

__all__ = ["press"]

_TIMEOUT = 30  # seconds


class _Page(HTMLParser):
    """The hidden fields of a page's form, its PIN, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.pin = ""
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "input":
            self.fields[attributes.get("name") or ""] = attributes.get("value") or ""
        elif tag in ("main", "output"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if "output" in self._open:
            self.pin += data.strip()
        if "main" in self._open and data.strip():
            self.text.append(" ".join(data.split()))


def press(button: Literal["allow", "deny"], authorize_url: str) -> tuple[str | None, str | None]:
    """Opens the page and presses one of its buttons; no redirect is followed.

    Gives the callback's URL to which the browser would go (None for a PIN), and the verifier (None
    if denied). Raises RuntimeError with the page's own words where there is nothing to press.
    """
    url = urlsplit(authorize_url)
    connection = _connection(url.scheme, url.hostname or "", url.port)
    try:
        connection.request("GET", f"{url.path}?{url.query}")
        answer = connection.getresponse()
        page = _Page(answer.read().decode())
        if answer.status != 200:
            raise _refusal(answer, page)
        cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        form = urlencode({**page.fields, "decision": button})
        connection.request("POST", url.path, form, headers)
        answer = connection.getresponse()
        page = _Page(answer.read().decode())
        if answer.status not in (200, 303):
            raise _refusal(answer, page)
    finally:
        connection.close()
    location = answer.getheader("Location")
    if location is None:
        return None, page.pin or None
    return location, parse_qs(urlsplit(location).query).get("oauth_verifier", [None])[-1]


def _refusal(answer: http.client.HTTPResponse, page: _Page) -> RuntimeError:
    says = ". ".join(page.text) or f"{answer.status} {answer.reason}"
    return RuntimeError(f"The authorization page says: {says}")


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    # A sandbox's certificate is hardly ever one that is trusted, and the peer is this very process.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)
