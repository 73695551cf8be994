"""The commands of ``python -m oauth_hook``, one file each: its arguments, and what it does.

They use the library as any program would, and a few of its own rooms besides; the library knows
nothing of them. (HTTPie's plugin takes credentials from the same variables.)
"""

from __future__ import annotations


class CommandFailed(Exception):
    """What a command can't do, in one line for the user."""


def is_utf8(text: str) -> bool:
    """Whether ``text`` came as UTF-8: Python keeps other bytes in it as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def port(text: str) -> int:
    """A TCP port, from an argument; argparse words the message by this name."""
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError
    return number
