"""What others have written, made fit to be shown: it steers no terminal and forges no line."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""``text`` with each character that can't be seen as Python writes it: ``\x1b``, ``\n`` ..."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
