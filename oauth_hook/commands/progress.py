"""How far an upload or a download is, on the terminal, where it takes longer than a moment."""

from __future__ import annotations

import sys
import time

_AFTER = 1.0  # seconds before anything is shown
_EVERY = 0.1  # seconds

_MIB = 1 << 20


class Progress:
    """One line on stderr that is written over and goes away in the end.

    ``what`` is done with the bytes ("sent"); ``total`` is their number, None if it isn't known.
    Where stderr is no terminal nothing is shown.
    """

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._next = time.monotonic() + _AFTER
        self._shown = 0
        self._wanted = sys.stderr.isatty()

    def at(self, count: int) -> None:
        """``count`` bytes are done."""
        now = time.monotonic()
        if not self._wanted or now < self._next:
            return
        self._next = now + _EVERY
        text = f"{count / _MIB:.1f} MiB {self._what}"
        if self._total:
            share = min(count / self._total, 1)
            text = f"{count / _MIB:.1f} of {self._total / _MIB:.1f} MiB {self._what} ({share:.0%})"
        self._write(text)

    def done(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        print(f"\r{text:{self._shown}}", end="\r" if not text else "", file=sys.stderr, flush=True)
        self._shown = len(text)
