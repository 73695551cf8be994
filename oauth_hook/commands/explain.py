"""``explain``: how a request is signed, step by step, beside what the provider says it expected."""

from __future__ import annotations

import argparse
import re
from typing import Any
from urllib.parse import unquote

from requests import PreparedRequest

from .consumer import add_credentials_option, add_signing_options, hook_for
from .described import add_request_arguments, described


def add_to(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "explain",
        help="show how a request is signed, and where the provider's view of it differs",
        description="Shows every step from a request to its signature (RFC 5849 section 3.4.1), "
        "with the secrets masked. Sends nothing.",
        epilog="Exit status: 0 shown (and with --compare, the same), 1 another base string, or it "
        "can't be signed, 2 wrong usage, 130 interrupted.",
    )
    add_request_arguments(parser)
    parser.add_argument(
        "--compare",
        metavar="TEXT",
        help="the signature base string that the provider says it expected: points at the first "
        "difference and says what usually causes it. In quotes, for the shell",
    )
    add_credentials_option(parser)
    add_signing_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; gives its exit status."""
    request = described(arguments).prepare()
    expected = None if arguments.compare is None else _unwrapped(arguments.compare)
    if expected is not None:
        _sign_as_then(request, expected)
    explanation = hook_for(arguments).explain(request)
    print(explanation)
    if expected is None:
        return 0
    from .comparison import compared

    same, text = compared(explanation.signature_base_string, expected)
    print(f"\n{text}")
    return 0 if same else 1


def _unwrapped(text: str) -> str:
    """A base string that was copied with quotes around it, or over the lines of a terminal."""
    return re.sub(r"[ \t]*[\r\n]+[ \t]*", "", text).strip(" \t\"'")


def _sign_as_then(request: PreparedRequest, base_string: str) -> None:
    """Puts nonce and timestamp of ``base_string`` where a signed request has them.

    ``OAuthHook.explain`` explains it with these then, so that they are no difference.
    """
    parameters = unquote(base_string)
    nonce = re.search(r"\boauth_nonce=([\w.~%-]*)", parameters, re.ASCII)
    timestamp = re.search(r"\boauth_timestamp=([\w.~%-]*)", parameters, re.ASCII)
    if nonce and timestamp:
        request.headers["Authorization"] = (
            f'OAuth oauth_nonce="{nonce[1]}", oauth_timestamp="{timestamp[1]}", oauth_signature=""'
        )
