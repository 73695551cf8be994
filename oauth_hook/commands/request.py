"""``request``: one signed call; its body goes to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import requests
import urllib3.exceptions

from .. import problem_reporting
from ..failure import announced_length, is_cut_short, reason
from ..showing import printable
from . import CommandFailed
from .client import client
from .consumer import add_credentials_option, add_signing_options, check_realm_is_sent, hook_for
from .described import add_request_arguments, described
from .progress import Progress
from .terminal import painted

_TIMEOUT = 60  # seconds for which the provider may say nothing
_BLOCK = 64 * 1024  # bytes
_READ_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)


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
    if arguments.credentials is None:  # before anything is asked for
        check_realm_is_sent(arguments, bool(arguments.header))
    hook = hook_for(arguments)
    check_realm_is_sent(arguments, hook.header_auth)
    hooks: Any = {"pre_request": hook}
    with client() as session:
        with _upload(request.data):
            response = session.request(
                request.method or "",
                request.url or "",
                params=request.params,
                data=request.data,
                headers=request.headers,
                hooks=hooks,
                stream=True,
                timeout=_TIMEOUT,
            )
        with response:
            if arguments.verbose:
                _show_head(response)
            beginning, wrong = _write(response)
        failure = [words for words in (_refusal(response, beginning), wrong) if words]
        if failure:
            raise CommandFailed("; ".join(failure))
        return 0


@contextlib.contextmanager
def _upload(body: Any) -> Iterator[None]:
    """Shows how far it is, and leaves nothing behind where it breaks off: no line and no open file.

    It does so where the provider has answered before all was sent, too.
    """
    from .upload import Document, Multipart

    if not isinstance(body, (Document, Multipart)):
        yield
        return
    progress = Progress("sent", len(body))

    def on_read(count: int) -> None:
        progress.at(count)
        if count == len(body):
            progress.done()

    body.on_read = on_read
    try:
        yield
    finally:
        body.close()
        progress.done()


def _show_head(response: requests.Response) -> None:
    style = "green" if response.ok else "red"
    status = f"{response.status_code} {printable(response.reason or '')}"
    print(painted(status, style, sys.stderr), file=sys.stderr)
    for name, value in response.headers.items():
        print(f"{painted(name, 'bold', sys.stderr)}: {printable(value)}", file=sys.stderr)
    print(file=sys.stderr, flush=True)


def _write(response: requests.Response) -> tuple[bytes, str]:
    """Writes the body as it comes. Gives its beginning, and why the rest did not come, if so."""
    compressed = "Content-Encoding" in response.headers
    total = None if compressed else announced_length(response)
    progress = None if sys.stdout.isatty() else Progress("received", total)
    count, block, beginning, wrong = 0, b"", b"", ""
    try:
        for block in _blocks(response):
            sys.stdout.buffer.write(block)
            count += len(block)
            beginning += block[: problem_reporting.LONGEST_REPORT - len(beginning)]
            if progress is not None:
                progress.at(count)
    except _READ_ERRORS as error:
        wrong = reason(error)
    finally:
        if progress is not None:
            progress.done()
    _end_line(block)
    return beginning, wrong or ("the answer was cut short" if is_cut_short(response) else "")


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, and what there is of one that is cut short.

    ``iter_content`` waits until a block is whole, and urllib3 2 keeps it back if it never is.
    """
    raw = response.raw
    if raw.closed:  # the hook has read it, to know why it is refused: it is short
        yield from response.iter_content(1)
    elif not hasattr(raw, "read1"):  # urllib3 1
        yield from response.iter_content(_BLOCK)
    else:
        while block := raw.read1(_BLOCK, decode_content=True):
            yield block


def _end_line(body: bytes) -> None:
    """So that the shell's prompt has a line of its own."""
    if sys.stdout.isatty() and body and not body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.flush()


def _refusal(response: requests.Response, beginning: bytes) -> str:
    if response.status_code < 400:
        return ""
    text = f"{response.status_code} {printable(response.reason or '')}".rstrip()
    problem = problem_reporting.problem(response, body=beginning)
    return f"{text}; {problem_reporting.in_words(problem)}" if problem else text
