"""Runs the command line as a process: plainly, or at a pseudo-terminal where somebody types."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_ROOT = str(Path(__file__).parent.parent)
_KEPT = ("HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
_COMMAND = (sys.executable, "-W", "error", "-m", "oauth_hook")
# Gives the process the pseudo-terminal as its own, so that Ctrl-C and /dev/tty are what they are.
_AT_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(2, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


def environment(**more: str) -> dict[str, str]:
    """Of a process that finds no browser, no proxy and no credentials, but for ``more``."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {
        **kept,
        "PATH": "/nonexistent",
        "PYTHONPATH": _ROOT,
        "NETRC": os.devnull,
        "TERM": "xterm",
        **more,
    }


def run(
    *arguments: str, env: Mapping[str, str] | None = None, text: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs ``oauth-hook`` with these arguments to its end, ``text`` on stdin, at no terminal.

    A lone surrogate in an argument or in ``text`` stands for a byte, as Python has it.
    """
    return subprocess.run(
        [*_COMMAND, *arguments],
        env=environment(**(env or {})),
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=timeout,
        check=False,
    )


class Terminal:
    """A process at a pseudo-terminal, and all that it has shown there."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.shown = ""
        self._typed = ""
        self._master = master
        self._seen = 0

    def until(self, pattern: str, timeout: float = 30) -> re.Match[str]:
        """Reads until ``pattern`` stands there, after what was waited for before."""
        end = time.monotonic() + timeout
        while True:
            match = re.compile(pattern).search(self.shown, self._seen)
            if match:
                self._seen = match.end()
                return match
            if time.monotonic() > end or not self._read(end - time.monotonic()):
                raise AssertionError(f"{pattern!r} did not come:\n{self.shown}")

    def type(self, text: str) -> None:
        self._typed = text
        os.write(self._master, os.fsencode(text))

    def end(self, timeout: float = 30) -> int:
        """Reads to the end; gives the exit status.

        A Ctrl-C is typed once more where it has no effect, as people do: Python doesn't see one
        that comes in the moment before it begins to wait for input.
        """
        end = time.monotonic() + timeout
        again = time.monotonic() + 5
        while time.monotonic() < end:
            if self._read(0.5):
                continue
            if self.process.poll() is not None:
                break
            if self._typed == "\x03" and time.monotonic() > again:
                self.type("\x03")
                again = end
            time.sleep(0.02)
        return self.process.wait(max(end - time.monotonic(), 1))

    def _read(self, timeout: float) -> bool:
        if not select.select([self._master], [], [], max(timeout, 0))[0]:
            return False
        try:
            block = os.read(self._master, 65536)
        except OSError:  # nobody is at the other end
            block = b""
        self.shown += block.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(block)


@contextmanager
def at_terminal(
    *arguments: str,
    command: Sequence[str] = _COMMAND,
    env: Mapping[str, str] | None = None,
    stdin: Path | None = None,
    stdout: Path | None = None,
) -> Iterator[Terminal]:
    """``oauth-hook`` with these arguments at a terminal of its own, ended if it doesn't end.

    ``command`` is another program; ``stdin`` and ``stdout`` are files in place of the terminal.
    """
    master, slave = pty.openpty()
    into = slave if stdin is None else os.open(stdin, os.O_RDONLY)
    out = slave if stdout is None else os.open(stdout, os.O_CREAT | os.O_WRONLY)
    process = subprocess.Popen(
        [sys.executable, "-c", _AT_TERMINAL, *command, *arguments],
        env=environment(**(env or {})),
        stdin=into,
        stdout=out,
        stderr=slave,
        start_new_session=True,
    )
    for descriptor in {slave, into, out}:
        os.close(descriptor)
    try:
        yield Terminal(process, master)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(master)


def browser(directory: Path) -> tuple[dict[str, str], Path]:
    """The environment with a browser that only writes down what it was to open, and where to."""
    opened = directory / "opened"
    script = directory / "browser"
    there = shlex.quote(str(opened))
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {there}.part\n/bin/mv {there}.part {there}\n')
    script.chmod(0o755)
    return {"BROWSER": f"{shlex.quote(str(script))} %s"}, opened


def wait_for(path: Path, timeout: float = 30) -> str:
    """What stands in the file, as soon as it is there."""
    end = time.monotonic() + timeout
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.02)
    return path.read_text()


def free_port() -> int:
    """A TCP port of this machine that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
