"""``sandbox``: serves the local provider until it is interrupted."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import CommandFailed, port
from .consumer import KEY, SECRET
from .terminal import painted

if TYPE_CHECKING:
    from ..sandbox import Sandbox


def add_to(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "sandbox",
        help="run an OAuth 1.0a provider on this machine, to develop and test against",
        description="Serves an OAuth 1.0a provider on this machine until it is interrupted "
        "(Ctrl-C), prints its endpoints and a consumer, and logs each request with its status.",
    )
    parser.add_argument(
        "--database",
        metavar="FILE",
        help="keeps consumer and tokens, so that they survive a restart (default: in memory)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, which only this machine reaches)",
    )
    parser.add_argument(
        "--port", type=port, default=0, help="port to listen on (default: any free one)"
    )
    parser.add_argument(
        "--application",
        metavar="NAME",
        default="Your application",
        help="what the authorization page calls the one who asks (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; gives its exit status."""
    import sqlite3

    from ..sandbox import Sandbox

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("oauthlib").setLevel(logging.WARNING)  # its steps on the way to a verdict
    try:
        sandbox = Sandbox(
            arguments.database,
            host=arguments.host,
            port=arguments.port,
            application=arguments.application,
        )
    except ValueError as error:  # the file is something else
        raise CommandFailed(str(error)) from None
    except sqlite3.Error as error:  # another program keeps it locked
        raise CommandFailed(f"{arguments.database}: {error}") from None
    with sandbox as provider:
        print(painted(f"OAuth 1.0a sandbox at {provider.url}", "bold"))
        for name, value in {
            "request token": provider.request_token_url,
            "authorization page": provider.authorize_url,
            "access token": provider.access_token_url,
            "resource": provider.resource_url,
            "consumer key": provider.consumer_key,
            "consumer secret": provider.consumer_secret,
        }.items():
            print(f"  {name:18}  {value}")
        power_shell = os.name == "nt"
        print(f"\nIn another terminal{', in PowerShell' if power_shell else ''}:\n")
        for line in commands_to_try(provider, power_shell):
            print(f"  {line}")
        print(f"\n{painted('Serving until interrupted (Ctrl-C).', 'dim')}")
        sys.stdout.flush()
        provider.serve_forever()
    return 0


def commands_to_try(provider: Sandbox, power_shell: bool) -> Iterator[str]:
    """Lines for a POSIX shell, or for Windows' PowerShell."""

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'" if power_shell else shlex.quote(text)

    for name, value in ((KEY, provider.consumer_key), (SECRET, provider.consumer_secret)):
        yield f"{'$env:' if power_shell else 'export '}{name}={quoted(value)}"
    command = "oauth-hook"
    if shutil.which(command) is None:  # a virtual environment that is not activated
        command = f"{'& ' if power_shell else ''}{quoted(sys.executable)} -m oauth_hook"
    goes_on = "`" if power_shell else "\\"
    yield f"{command} authorize --provider sandbox --base-url {quoted(provider.url)} {goes_on}"
    yield "  --save sandbox.json"
    yield f"{command} request GET {quoted(provider.resource_url)} q=hello {goes_on}"
    yield "  --credentials sandbox.json"
