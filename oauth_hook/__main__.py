"""``python -m oauth_hook``, also installed as ``oauth-hook``: picks the command and ends cleanly.

What a command does is its own file's affair, in ``commands/``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from oauth_hook import OAuthError, __version__
from oauth_hook.commands import CommandFailed, authorize, demo, explain, is_utf8, request, sandbox
from oauth_hook.commands.consumer import as_options
from oauth_hook.failure import TRANSPORT_ERRORS, reason
from oauth_hook.showing import printable

_COMMANDS = (authorize, request, explain, sandbox, demo)

_FILES = ("credentials", "database", "rsa_key", "save")  # arguments; a file's name may be any bytes

#: What is told in one line.
_ONE_LINE: tuple[type[Exception], ...] = (
    CommandFailed,
    OAuthError,
    ImportError,
    UnicodeError,
    *TRANSPORT_ERRORS,
)

_INTERRUPTED = 130  # what a shell reports for a process that SIGINT ended


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (without the program's name; None: the process's own).

    Gives the exit status: 0 done, 1 failed, 130 interrupted. A command line that can't be read
    leaves with SystemExit(2), as argparse does.
    """
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the terminal can't show is no failure
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            arguments = _parsed(argv)
        except SystemExit:  # after --help, say
            sys.stdout.flush()
            raise
        with _warnings_in_one_line():
            status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(file=sys.stderr)  # the terminal's cursor stands behind ^C
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone: `oauth-hook ... | head`
        _discard_output()
        return 1
    except _ONE_LINE as error:
        print(f"oauth-hook: {_in_one_line(error)}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # the disk is full, say
            _discard_output()
        return 1
    return status


def _discard_output() -> None:
    """What can't be written: Python would try it once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _replace_closed_streams() -> None:
    """Python has None for one that was closed (``>&-``). What is written there goes nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            # Never closed, as Python's own are.
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Of a key that is short, say: without the line of the program that Python would show."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"oauth-hook: {printable(as_options(str(message)))}", file=sys.stderr)

    shown = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def _in_one_line(error: Exception) -> str:
    """What went wrong, without a traceback, and without a URL that could hold a signature."""
    if isinstance(error, TRANSPORT_ERRORS) and not isinstance(error, OAuthError):
        name = getattr(error, "filename", None)
        text = f"{name}: {reason(error)}" if name else reason(error)
    else:
        text = as_options(str(error))
    return printable(" ".join(text.split()))


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        # argparse takes all of a command's name=value from one place; people write options between.
        end = rest.index("--") if "--" in rest else len(rest)  # of the options
        if not hasattr(arguments, "items") or any(text.startswith("-") for text in rest[:end]):
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        arguments.items = [*arguments.items, *rest[:end], *rest[end + 1 :]]
    for name, value in vars(arguments).items():
        if isinstance(value, str) and name not in _FILES and not is_utf8(value):
            parser.error(f"this is not UTF-8: {value!a}")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oauth-hook", description="OAuth 1.0a (RFC 5849) from the command line."
    )
    parser.add_argument("--version", action="version", version=f"requests-oauth {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
