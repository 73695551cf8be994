"""Listens on loopback for the one request by which the browser comes back from the provider.

It answers with a page that says how it went, and knows nothing of tokens but the verdict it is
given. Any page in the browser can send requests here: what is not a page that the user was led to
is none of the provider's.
"""

from __future__ import annotations

import html
import http.server
import os
import socketserver
import string
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

PATH = "/callback"
_TIMEOUT = 10  # seconds for which a connection may say nothing
_POLL = 0.05  # seconds within which an answer is seen

_PAGE = string.Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="icon" href="data:,">
<style>
:root { --ground: #eef1f5; --card: #fff; --text: #1b2430; --quiet: #566273; --line: #d5dbe3;
  --good: #1c7a43; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1c222b; --text: #e8ecf2;
  --quiet: #a6b1c0; --line: #39424f; --good: #6fd394; --bad: #ff9a91; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 1rem; display: grid; place-items: center;
  background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2.25rem 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; text-align: center; }
svg { width: 3.5rem; height: 3.5rem; fill: none; stroke: var(--$tone); stroke-width: 2;
  stroke-linecap: round; stroke-linejoin: round; }
h1 { margin: 1rem 0 .5rem; font-size: 1.375rem; line-height: 1.3; }
p { margin: 0; }
p + p { margin-top: .75rem; color: var(--quiet); }
</style>
</head>
<body>
<main>
<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="$mark"/></svg>
<h1>$title</h1>
<p>$text</p>
<p>You can close this window.</p>
</main>
</body>
</html>
""")
_MARKS = {"good": "M7.5 12.5l3 3 6-6.5", "bad": "M8.5 8.5l7 7m0-7l-7 7"}


class Verdict:
    """How it went, in words for the page; ``final`` unless another request may still be the one."""

    def __init__(self, good: bool, title: str, text: str, final: bool = True) -> None:
        self.good = good
        self.title = title
        self.text = text
        self.final = final

    def page(self) -> bytes:
        """The page in UTF-8."""
        tone = "good" if self.good else "bad"
        words = {"title": html.escape(self.title), "text": html.escape(self.text)}
        return _PAGE.substitute(words, tone=tone, mark=_MARKS[tone]).encode()


class CallbackListener:
    """Waits for one request to :data:`PATH` at ``url``. What else comes gets 404 and is no answer.

    ``port`` 0 takes any that is free. Raises OSError where it can't listen.
    """

    def __init__(self, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self.url: str = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> CallbackListener:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.server_close()

    def wait(self, judge: Callable[[str], Verdict]) -> None:
        """Serves until a request has come on which the verdict is final, and its page has gone out.

        ``judge`` is called with the path and query of a request, in a thread of its own; not again
        once its verdict was final.
        """
        self._server.judge = judge
        # No thread of its own: a Ctrl-C as that begins would leave it behind, or be lost.
        while not self._server.answered.is_set():
            self._server.handle_request()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True  # a browser opens connections on which it then says nothing
    # After a run its port is in TIME_WAIT for a minute. On Windows others could listen on it too.
    allow_reuse_address = os.name == "posix"
    allow_reuse_port = False
    timeout = _POLL
    judge: Callable[[str], Verdict]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.answered = threading.Event()
        self.judging = threading.Lock()
        self.came_back = False

    def server_bind(self) -> None:
        # http.server's own asks a resolver for the name of 127.0.0.1, which may take half a minute.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT
    server_version = "oauth-hook"
    sys_version = ""

    def do_GET(self) -> None:
        verdict = self._verdict()
        if verdict is None:
            self.send_error(404)
            return
        try:
            self._send(verdict)
        finally:
            if verdict.final:
                self.server.answered.set()

    def _verdict(self) -> Verdict | None:
        """None: this is not how the browser comes back, or it has already come."""
        # Browsers say "image", "iframe", "empty" ... of what a page asks for by itself.
        led_here = self.headers.get("Sec-Fetch-Dest", "document") == "document"
        if not led_here or self.path.partition("?")[0] != PATH:
            return None
        with self.server.judging:
            if self.server.came_back:
                return None
            verdict = self.server.judge(self.path)
            self.server.came_back = verdict.final
            return verdict

    def _send(self, verdict: Verdict) -> None:
        page = verdict.page()
        self.send_response(200 if verdict.good else 400)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        )
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: the request holds the verifier."""
