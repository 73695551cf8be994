"""``request``: one signed call; its body goes to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import requests

from .. import problem_reporting
from ..failure import is_cut_short
from . import CommandFailed
from .consumer import add_credentials_option, add_signing_options, hook_for
from .described import add_request_arguments, described
from .progress import Progress
from .terminal import painted, printable

_TIMEOUT = 60  # seconds for which the provider may say nothing
_BLOCK = 64 * 1024  # bytes


def add_to(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "request",
        help="send one signed request",
        description="Signs a request, sends it, and writes the body of the response to stdout.",
        epilog="Exit status: 0 for a status below 400, 1 for all others and where there is no "
        "answer, 2 wrong usage, 130 interrupted.",
    )
    add_request_arguments(parser)
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="status and headers too, on stderr"
    )
    add_credentials_option(parser)
    add_signing_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; gives its exit status."""
    request = described(arguments)
    hooks: Any = {"pre_request": hook_for(arguments)}
    with requests.Session() as session, _closed(request.data):
        response = session.request(
            request.method or "",
            request.url or "",
            params=request.params,
            data=_with_progress(request.data),
            headers=request.headers,
            hooks=hooks,
            stream=True,
            timeout=_TIMEOUT,
        )
        with response:
            if arguments.verbose:
                _show_head(response)
            if response.status_code < 400:
                _write(response)
                return 0
            sys.stdout.buffer.write(response.content)
            _end_line(response.content)
            raise CommandFailed(_refusal(response))


@contextlib.contextmanager
def _closed(body: Any) -> Iterator[None]:
    """An upload that breaks off leaves its file open."""
    try:
        yield
    finally:
        if hasattr(body, "close"):
            body.close()


def _with_progress(body: Any) -> Any:
    from .upload import Multipart

    if isinstance(body, Multipart):
        progress = Progress("sent", len(body))

        def on_read(count: int) -> None:
            progress.at(count)
            if count == len(body):
                progress.done()

        body.on_read = on_read
    return body


def _show_head(response: requests.Response) -> None:
    style = "green" if response.ok else "red"
    status = f"{response.status_code} {printable(response.reason or '')}"
    print(painted(status, style, sys.stderr), file=sys.stderr)
    for name, value in response.headers.items():
        print(f"{painted(name, 'bold', sys.stderr)}: {printable(value)}", file=sys.stderr)
    print(file=sys.stderr, flush=True)


def _write(response: requests.Response) -> None:
    announced = response.headers.get("Content-Length", "")
    compressed = "Content-Encoding" in response.headers
    total = int(announced) if announced.isdecimal() and not compressed else None
    progress = None if sys.stdout.isatty() else Progress("received", total)
    count, block = 0, b""
    for block in response.iter_content(_BLOCK):
        sys.stdout.buffer.write(block)
        count += len(block)
        if progress is not None:
            progress.at(count)
    if progress is not None:
        progress.done()
    _end_line(block)
    if is_cut_short(response):
        raise CommandFailed("the answer was cut short")


def _end_line(body: bytes) -> None:
    """So that the shell's prompt has a line of its own."""
    if sys.stdout.isatty() and body and not body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def _refusal(response: requests.Response) -> str:
    text = f"{response.status_code} {printable(response.reason or '')}".rstrip()
    problem = problem_reporting.problem(response)
    return f"{text}; {problem_reporting.in_words(problem)}" if problem else text
