"""The request that a command line describes: METHOD URL [name=value ...] [--json ...].

Knows no credentials.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any, NoReturn

import requests

from . import CommandFailed, is_utf8

#: Their name=value go into the query; those of all other methods into a form.
_IN_QUERY = ("GET", "HEAD", "OPTIONS", "DELETE")
_ITEM = re.compile(r"([^=@]+)(=|@(?=.))(.*)", re.DOTALL).fullmatch


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that describe a request."""
    parser.add_argument("method", metavar="METHOD", help="GET, POST, PUT, DELETE and the like")
    parser.add_argument("url", metavar="URL", help="http or https; may have a query")
    parser.add_argument(
        "items",
        nargs="*",
        default=[],  # else argparse names them where only the URL is missing
        metavar="name=value",
        help=f"parameters: in the query for {', '.join(_IN_QUERY)}, in a form for all other "
        "methods. name@FILE uploads a file (multipart/form-data)",
    )
    parser.add_argument(
        "--json", metavar="TEXT", help="a JSON document as the body; - reads it from stdin"
    )
    parser.set_defaults(usage_error=parser.error)


def described(arguments: argparse.Namespace) -> requests.Request:
    """The request, not prepared. A file to be uploaded is read when it is sent.

    Raises:
        OSError: there is no such file.
        CommandFailed: stdin holds no JSON.
    """
    method = arguments.method.upper()
    values, files = _items(arguments)
    settings: dict[str, Any] = {}
    if arguments.json is not None:
        if files or (values and method not in _IN_QUERY):
            arguments.usage_error("--json is the body: it can't go with a form or a file")
        from .upload import Document

        settings["data"] = Document(_json(arguments))
        settings["headers"] = {"Content-Type": "application/json"}
    if files:
        if method in _IN_QUERY:
            arguments.usage_error(f"{method} has no body to upload a file in")
        from .upload import Multipart

        body = Multipart(values, files)
        settings["data"] = body
        settings["headers"] = {"Content-Type": body.content_type}
    elif values:
        settings["params" if method in _IN_QUERY else "data"] = values
    return requests.Request(method, arguments.url, **settings)


def _items(
    arguments: argparse.Namespace,
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    values: list[tuple[str, str]] = []
    files: list[tuple[str, str]] = []
    for item in arguments.items:
        match = _ITEM(item)
        if match is None:
            arguments.usage_error(f"{item!r} is not of the form name=value or name@FILE")
        elif not is_utf8(item if match[2] == "=" else match[1]):  # a file's name may be any bytes
            arguments.usage_error(f"this is not UTF-8: {item!a}")
        else:
            (values if match[2] == "=" else files).append((match[1], match[3]))
    return values, files


def _json(arguments: argparse.Namespace) -> bytes:
    try:
        # Bytes, whatever encoding stdin has here: JSON's is UTF-8 (RFC 8259 section 8.1).
        encoded: bytes = (
            sys.stdin.buffer.read() if arguments.json == "-" else arguments.json.encode()
        )
        json.loads(encoded.decode(), parse_constant=_not_json, parse_int=str)  # of any length
    except (ValueError, RecursionError) as error:
        reason = f"--json: this is not valid JSON: {error}"
        if arguments.json != "-":
            arguments.usage_error(reason)
        raise CommandFailed(reason) from None
    return encoded


def _not_json(constant: str) -> NoReturn:
    """What only Python's own reader takes: NaN, Infinity and -Infinity."""
    raise ValueError(f"{constant} is no number there")
