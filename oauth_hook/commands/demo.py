"""``demo``: the whole exchange and two signed requests, in both modes, against the sandbox.

The requests are written out as users write them, and shown as they went over the wire.
"""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import requests

from .. import OAuthHook, __version__
from .terminal import WIDTH, broken, painted

if TYPE_CHECKING:
    from ..sandbox import Sandbox

_REQUESTS = 8  # four in each mode
_INDENT = "   "
_SECRET = re.compile(r"(oauth_token_secret=)[^&]*")


def add_to(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="watch OAuth 1.0a at work, with no account and no network",
        description="Starts a sandbox provider on this machine, gets an access token from it in "
        "three legs, and signs a GET and a POST: first in the header, then in the URL. Shows what "
        "was sent and what the provider answered. Exit status 0 if it accepted all of it.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; gives its exit status."""
    from ..sandbox import Sandbox

    os.environ["no_proxy"] = "127.0.0.1"  # where there is a proxy, it is not for this
    with Sandbox() as provider:
        print(f"requests-oauth {__version__}: OAuth 1.0a with a sandbox at {provider.url}")
        accepted = 0
        for header_auth in (True, False):
            place = "the Authorization header" if header_auth else "the URL"
            print(f"\n{painted(_rule(f'The signature in {place}'), 'bold')}")
            accepted += _exchange_and_call(provider, header_auth)
    all_accepted = accepted == _REQUESTS
    text = f"The provider accepted {accepted} of {_REQUESTS} requests."
    print(f"\n{painted(text, 'green' if all_accepted else 'red')}")
    return 0 if all_accepted else 1


def _exchange_and_call(provider: Sandbox, header_auth: bool) -> int:
    """Gives the number of requests that the provider accepted, four at best."""
    consumer = provider.consumer_key, provider.consumer_secret

    _step("1. Ask for a request token")
    hooks: dict[str, Any] = {"pre_request": OAuthHook(None, None, *consumer, header_auth)}
    response = requests.post(provider.request_token_url, {"oauth_callback": "oob"}, hooks=hooks)
    if not _show(response):
        return 0
    qs = parse_qs(response.text)
    oauth_token, oauth_secret = qs["oauth_token"][0], qs["oauth_token_secret"][0]

    _step("2. The user opens the page, allows, and gets a PIN")
    oauth_verifier = provider.authorize(oauth_token)
    print(f"{_INDENT}{provider.authorize_url}?oauth_token={oauth_token}")
    print(f"{_INDENT}{painted(f'PIN {oauth_verifier}', 'green')}")

    _step("3. Trade both for an access token")
    hooks = {"pre_request": OAuthHook(oauth_token, oauth_secret, *consumer, header_auth)}
    data = {"oauth_verifier": oauth_verifier}
    response = requests.post(provider.access_token_url, data, hooks=hooks)
    if not _show(response):
        return 1
    qs = parse_qs(response.text)
    access_token, access_token_secret = qs["oauth_token"][0], qs["oauth_token_secret"][0]

    hook = OAuthHook(access_token, access_token_secret, *consumer, header_auth)
    client = requests.session(hooks={"pre_request": hook})  # type: ignore[call-arg]

    _step("4. A signed GET")
    response = client.get(provider.resource_url, params={"q": "naïve & café"})
    accepted = 2 + _show(response)

    _step("5. A signed POST")
    response = client.post(provider.resource_url, {"status": "Yay! It works!", "wrap_links": True})
    return accepted + _show(response)


def _rule(title: str) -> str:
    return f"── {title} {'─' * (WIDTH - 4 - len(title))}"


def _step(title: str) -> None:
    print(f"\n{painted(title, 'bold')}")


def _show(response: requests.Response) -> bool:
    """Prints what was sent and answered; tells whether it was accepted."""
    request = response.request
    url = re.split(r"(?<=[?&])", f"{request.method} {request.url}")
    _print(url)
    if "Authorization" in request.headers:
        _print(re.split(r"(?<=, )", f"Authorization: {request.headers['Authorization']!s}"))
    if isinstance(request.body, str):
        _print(re.split(r"(?<=&)", request.body))
    style = "green" if response.ok else "red"
    answer = f"{response.status_code} {response.reason}: {_answer(response)}"
    _print(re.split(r"(?<=[& ])", answer), style)
    return response.ok


def _print(pieces: list[str], style: str | None = None) -> None:
    for line in broken([_INDENT, *pieces], f"{_INDENT}    "):
        print(painted(line, style) if style else line)


def _answer(response: requests.Response) -> str:
    """What the provider said, at a glance: the token, or what it has verified, or its refusal."""
    if response.headers["Content-Type"].startswith("application/json"):
        report = response.json()
        received = [*report["args"], *report["form"]]
        pairs = [f"{name}={value!r}" for name, value in received if name[:6] != "oauth_"]
        return f"the signature is right; received {', '.join(pairs)}"
    return _SECRET.sub(r"\1***", response.text.partition("\n")[0])
