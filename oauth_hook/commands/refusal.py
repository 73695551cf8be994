"""What a provider says where it gives no token, for the terminal, and no secret with it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .. import problem_reporting
from ..errors import TokenRequestDenied, TokenRequestFailed
from . import CommandFailed

if TYPE_CHECKING:
    import requests


@contextlib.contextmanager
def in_its_words(*secrets: str) -> Iterator[None]:
    """Tells what the provider says of a refusal where it is no problem report."""
    try:
        yield
        return
    except (TokenRequestDenied, TokenRequestFailed) as error:
        if error.problem or error.response is None:
            raise
        words, said = str(error), problem_reporting.plain_words(error.response, secrets)
        if isinstance(error, TokenRequestFailed) and not _is_refusal(error.response, words, said):
            raise
    raise CommandFailed(f"{words}; it says: {said}" if said else words)


def _is_refusal(response: requests.Response, words: str, said: str) -> bool:
    """Whether an answer that is no refusal by its status is one in plain words, read to its end.

    MediaWiki's comes with status 200 and begins with "Error: ", WordPress's with status 500. All
    else may be a token in some form, or end in the middle of a secret, which is not masked then.
    """
    if response.status_code >= 500:
        expected = words.startswith("the provider failed on the request")
    else:
        expected = words.endswith(" holds no oauth_token") and said.startswith("Error: ")
    is_prose = re.fullmatch(r"""(Error: )?[\w .,;!?'"()-]+""", said) is not None
    return expected and is_prose and "secret" not in said.lower()
