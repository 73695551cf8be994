"""``authorize``: gets an access token in three legs, with the browser and a callback or a PIN."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from ..errors import AuthorizationDenied, ExchangeError
from ..failure import reason
from ..hook import OAuthHook
from ..providers import PROVIDERS, Provider
from ..showing import printable
from . import CommandFailed, is_utf8, port
from .client import client
from .consumer import (
    ENVIRONMENT,
    add_signing_options,
    check_realm_is_sent,
    consumer,
    signing_settings,
)
from .refusal import in_its_words
from .terminal import painted

if TYPE_CHECKING:
    from ..credentials import Token
    from .callback import CallbackListener

    #: Asks for a request token with this callback; gives it and the page for the user.
    _AskedFor = Callable[[str], tuple[Token, str]]

_ENDPOINTS = ("request_token_url", "authorize_url", "access_token_url")


def add_to(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "authorize",
        help="get an access token for an account, with the browser",
        description="Gets an access token in three legs (RFC 5849 section 2): asks the provider "
        "for a request token, opens its page in the browser, where the user allows or denies it, "
        f"and trades what comes back for an access token. {ENVIRONMENT}",
        epilog="Exit status: 0 authorized, 1 denied or failed, 2 wrong usage, 130 interrupted.",
    )
    where = parser.add_argument_group("the provider, by name or by its three endpoints")
    where.add_argument(
        "--provider", metavar="NAME", choices=PROVIDERS, help=f"one of {', '.join(PROVIDERS)}"
    )
    where.add_argument(
        "--base-url",
        metavar="URL",
        help="where it is installed; needed for "
        + ", ".join(name for name, provider in PROVIDERS.items() if provider.needs_base_url),
    )
    for name in _ENDPOINTS:
        where.add_argument(f"--{name.replace('_', '-')}", metavar="URL")
    where.add_argument(
        "--allow-unconfirmed",
        action="store_true",
        help="accept a provider of OAuth 1.0, which leaves out oauth_callback_confirmed and the "
        "verifier (or PIN), against RFC 5849, and takes the callback from its page's URL",
    )
    where.add_argument(
        "items",
        nargs="*",
        default=[],
        metavar="name=value",
        help="further parameters of the authorization page, such as perms=read",
    )
    way = parser.add_argument_group("the way back from the browser")
    way.add_argument(
        "--pin",
        action="store_true",
        help="type the PIN that the page shows, or paste the URL that the browser ends at (the "
        "default where there is no browser). Otherwise this listens on loopback for the browser "
        "to come back",
    )
    way.add_argument(
        "--port",
        type=port,
        default=0,
        help="port of the callback, http://127.0.0.1:PORT/callback, for a provider that must know "
        "it beforehand (default: any free one)",
    )
    add_signing_options(parser)
    parser.add_argument(
        "--save",
        metavar="FILE",
        help="write the credentials to a file that only its owner can read. Without it, token and "
        "secret are printed. What else the provider gives, such as a user_id, is printed anyway",
    )
    parser.set_defaults(run=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; gives its exit status."""
    from .. import three_legged

    provider = _provider(arguments)
    _check_endpoints(arguments, provider)
    page_parameters = _pairs(arguments)
    if arguments.save is not None:
        from .. import credential_file

        credential_file.check(arguments.save)  # the token is given once
    settings = {
        "header_auth": provider.header_auth,
        "signature_method": provider.signature_method,
        **signing_settings(arguments),
    }
    check_realm_is_sent(arguments, settings["header_auth"])
    hook = OAuthHook(**consumer(settings), **settings)

    def asked_for(callback: str) -> tuple[Token, str]:
        with client() as session, in_its_words(hook.consumer.secret):
            token = three_legged.request_token(
                provider.request_token_url,
                hook,
                callback,
                require_confirmation=not arguments.allow_unconfirmed,
                method=provider.request_token_method,
                session=session,
            )
        page = provider.authorize_url.replace("{consumer_key}", quote(hook.consumer.key, safe=""))
        of_1_0 = arguments.allow_unconfirmed and callback != "oob"  # OAuth Core 1.0 section 6.2.1
        back = {"oauth_callback": callback} if of_1_0 else {}
        return token, three_legged.authorization_url(page, token, {**back, **page_parameters})

    require_verifier = not arguments.allow_unconfirmed
    if arguments.pin or not _has_browser():
        token, verifier = _by_pin(asked_for, require_verifier)
    else:
        token, verifier = _by_callback(asked_for, arguments.port, require_verifier)
    with client() as session, in_its_words(hook.consumer.secret, token.secret):
        authorized, fields = three_legged.access_token(
            provider.access_token_url,
            hook,
            token,
            verifier,
            require_verifier=require_verifier,
            method=provider.access_token_method,
            session=session,
        )
    _report(authorized, fields, arguments.save)
    return 0


# The arguments


def _provider(arguments: argparse.Namespace) -> Provider:
    given = {name: getattr(arguments, name) for name in _ENDPOINTS}
    given = {name: url for name, url in given.items() if url is not None}
    if arguments.provider is None:
        if len(given) != len(_ENDPOINTS):
            arguments.usage_error(
                "give --provider, or all of --request-token-url, --authorize-url and "
                "--access-token-url"
            )
        return Provider(**given)
    provider = PROVIDERS[arguments.provider]
    if provider.needs_base_url != (arguments.base_url is not None):
        arguments.usage_error(
            f"--provider {arguments.provider} "
            + ("needs --base-url" if provider.needs_base_url else "has no use for --base-url")
        )
    base_url = (arguments.base_url or "").rstrip("/")
    urls = {name: getattr(provider, name).replace("{base_url}", base_url) for name in _ENDPOINTS}
    return provider._replace(**{**urls, **given})


def _check_endpoints(arguments: argparse.Namespace, provider: Provider) -> None:
    """All three before the first is used: the user is not to allow what can't be completed then."""
    for name in _ENDPOINTS:
        url = getattr(provider, name)
        if not _is_http(url):
            arguments.usage_error(f"the {name.replace('_', '-')} is not http(s)://HOST...: {url!r}")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no IPv6 address, or no port
        return False


def _pairs(arguments: argparse.Namespace) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in arguments.items:
        name, equals, value = text.partition("=")
        if not (name and equals):
            arguments.usage_error(f"{name!r} is not of the form name=value")
        if name in pairs:
            arguments.usage_error(f"{name!r} is given twice")
        if not is_utf8(text):
            arguments.usage_error(f"this is not UTF-8: {text!a}")
        pairs[name] = value
    return pairs


# The two ways back


def _has_browser() -> bool:
    import webbrowser

    try:
        webbrowser.get()
    except (webbrowser.Error, ValueError):  # ValueError: quotes in BROWSER that don't match
        return False
    return True


def _by_pin(asked_for: _AskedFor, require_verifier: bool) -> tuple[Token, str | None]:
    if not sys.stdin.isatty():
        raise CommandFailed("there is no terminal to type the PIN at: run this at one")
    token, url = asked_for("oob")
    _show("Open this page, and allow it:", url)
    if _has_browser():
        _open(url, "open the page yourself")
    print(
        "The PIN that it shows, or the URL that it ends at: ", end="", file=sys.stderr, flush=True
    )
    pin = _line()
    if not pin:
        if require_verifier:
            raise AuthorizationDenied("no PIN was given")
        return token, None
    if "oauth_verifier=" in pin or "://" in pin:  # some providers show it in the address alone
        from ..three_legged import verifier

        return token, verifier(pin.strip("'\"<>"), token, require_verifier=require_verifier)
    return token, pin


def _line() -> str:
    """What is typed up to the end of the line, or before Ctrl-D."""
    try:
        line = sys.stdin.readline()
        line.encode()
    except UnicodeError:
        raise CommandFailed("the PIN is not UTF-8") from None
    if not line.endswith("\n"):
        print(file=sys.stderr)  # the cursor stands behind the question
    return line.strip()


def _by_callback(
    asked_for: _AskedFor, port: int, require_verifier: bool
) -> tuple[Token, str | None]:
    from ..three_legged import verifier
    from .callback import Verdict

    with _listener(port) as listener:
        token, url = asked_for(listener.url)
        came_back: list[str | ExchangeError | None] = []

        def judge(callback_url: str) -> Verdict:
            query = parse_qsl(urlsplit(callback_url).query, keep_blank_values=True)
            named = [value for name, value in query if name == "oauth_token"]
            named = named or [value for name, value in query if name == "denied"]
            if {*named} - {token.key}:
                _say("the browser came back for another request token: still waiting")
                text = "This is about another request token: the terminal is still waiting."
                return Verdict(False, "Not this one", text, final=False)
            try:
                came_back.append(verifier(callback_url, token, require_verifier=require_verifier))
            except AuthorizationDenied as error:
                came_back.append(error)
                return Verdict(False, "Access denied", "Nothing was allowed.")
            except ExchangeError as error:
                came_back.append(error)
                return Verdict(False, "This did not work", "The terminal says why.")
            return Verdict(True, "Access allowed", "The rest is done at the terminal.")

        _show("Opening this page in the browser; allow it there:", url)
        _open(url, "open the page yourself, or use --pin")
        print("Waiting for the browser to come back (Ctrl-C gives up) ...", file=sys.stderr)
        listener.wait(judge)
    (answer,) = came_back
    if isinstance(answer, ExchangeError):
        raise answer
    return token, answer


def _listener(port: int) -> CallbackListener:
    from .callback import CallbackListener

    try:
        return CallbackListener(port)
    except OSError as error:
        raise CommandFailed(f"can't listen on port {port}: {reason(error)}") from None


def _show(text: str, url: str) -> None:
    print(f"{text}\n\n  {painted(url, 'cyan', sys.stderr)}\n", file=sys.stderr)


def _open(url: str, otherwise: str) -> None:
    """In a thread: a browser for the terminal comes back only when it is left."""
    import threading
    import webbrowser

    def work() -> None:
        if not webbrowser.open(url):
            _say(f"could not open a browser: {otherwise}")

    threading.Thread(target=work, daemon=True).start()


def _say(text: str) -> None:
    """From a thread, and so past Python's own buffer: if one holds that when Python ends, by a
    Ctrl-C just then, Python aborts.
    """
    os.write(sys.stderr.fileno(), f"\n{text}\n".encode())


# The result


def _report(hook: OAuthHook, fields: dict[str, str], save: str | None) -> None:
    known = [name for name in ("screen_name", "user_id") if name in fields]
    who = printable("".join(f", {name} {fields[name]}" for name in known))
    print(painted(f"Authorized{who}.", "green", sys.stderr), file=sys.stderr)
    assert hook.token is not None
    token = {"oauth_token": hook.token.key, "oauth_token_secret": hook.token.secret}
    if save is None:
        _print({**token, **fields})
        return
    from .. import credential_file

    try:
        credential_file.save(hook, save)
    except OSError:
        _print({**token, **fields})  # or they would be lost
        raise
    print(f"The credentials are in {save}.", file=sys.stderr)
    _print(fields)


def _print(fields: dict[str, str]) -> None:
    for name, value in fields.items():
        print(printable(f"{name}={value}"))
