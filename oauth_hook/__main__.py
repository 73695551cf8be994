"""``python -m oauth_hook``, also installed as ``oauth-hook``: picks the command and ends cleanly.

What a command does is its own file's affair, in ``commands/``.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from oauth_hook import __version__
from oauth_hook.commands import demo

_COMMANDS = (demo,)

_INTERRUPTED = 130  # what a shell reports for a process that SIGINT ended


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (without the program's name; None: the process's own).

    Gives the exit status: 0 done, 1 failed, 130 interrupted. A command line that can't be read
    leaves with SystemExit(2), as argparse does.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the terminal can't show is no failure
            stream.reconfigure(errors="backslashreplace")
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(file=sys.stderr)  # the terminal's cursor stands behind ^C
        return _INTERRUPTED
    return status


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
