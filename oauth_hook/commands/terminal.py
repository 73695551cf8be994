"""How things look on the terminal: colour where it is wanted, long lines broken where they read
well.

It knows no command.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable
from typing import TextIO

WIDTH = 80  # columns

_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "cyan": "36"}


def painted(text: str, style: str, stream: TextIO | None = None) -> str:
    """``text`` in bold, dim, red, green or cyan, if ``stream`` (None: stdout) shows colours.

    It does on a terminal, unless NO_COLOR is set (https://no-color.org) or the terminal is dumb;
    Windows' own console shows the codes themselves, and names no TERM.
    """
    stream = stream or sys.stdout
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    bare = os.name == "nt" and not {"TERM", "WT_SESSION", "ANSICON"} & os.environ.keys()
    if plain or bare or not stream.isatty():
        return text
    return f"\033[{_SGR[style]}m{text}\033[0m"


def broken(pieces: Iterable[str], indent: str, width: int = WIDTH) -> list[str]:
    """Lines of at most ``width`` columns, broken between the pieces; all but the first indented.

    A piece that is longer than a line is broken where the line ends.
    """
    lines = [""]
    for piece in pieces:
        if len(lines[-1]) + len(piece.rstrip()) > width and lines[-1].strip():
            lines.append(indent)
        lines[-1] += piece
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], indent + lines[-1][width:]]
    return [line.rstrip() for line in lines]


def wrapped(text: str) -> str:
    """A paragraph in lines of at most ``WIDTH`` columns; what has no spaces stays whole."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
