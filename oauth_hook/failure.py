"""Why a transfer failed, in a few words, and whether an answer came whole.

Requests' and urllib3's own messages show the URL, which may hold a signature: these hold nothing of
the request.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import requests.exceptions
import urllib3.exceptions

#: What raises when a request can't be sent or its answer can't be read.
TRANSPORT_ERRORS: tuple[type[Exception], ...] = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
)

TIMEOUTS: tuple[type[Exception], ...] = (
    requests.exceptions.Timeout,
    urllib3.exceptions.TimeoutError,
)

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.IncompleteRead, "the answer was cut short"),
    (urllib3.exceptions.IncompleteRead, "the answer was cut short"),
    (urllib3.exceptions.InvalidChunkLength, "the answer was cut short, or is not HTTP"),
    (http.client.HTTPException, "the answer is not HTTP"),
    (urllib3.exceptions.HeaderParsingError, "the answer is not HTTP"),
    (urllib3.exceptions.DecodeError, "the answer's compression is broken"),
    (requests.exceptions.TooManyRedirects, "it redirects too many times"),
    (requests.exceptions.RetryError, "it went on failing, however often it was tried"),
    (requests.exceptions.InvalidProxyURL, "the proxy's URL is not valid"),
    (requests.exceptions.SSLError, "TLS failed"),
    *((kind, "no answer in time") for kind in (*TIMEOUTS, TimeoutError)),
    (requests.exceptions.MissingSchema, "the URL does not begin with http:// or https://"),
    (requests.exceptions.InvalidSchema, "the URL does not begin with http:// or https://"),
    (requests.exceptions.InvalidURL, "the URL is not valid"),
    (urllib3.exceptions.LocationParseError, "the URL is not valid"),
    (requests.exceptions.InvalidHeader, "a header is not valid"),
    (requests.exceptions.ChunkedEncodingError, "the answer was cut short"),
)


#: OSErrors of Requests' own have no strerror but a text, which may end in a path.
_BEGINNINGS: tuple[tuple[str, str], ...] = (
    ("Missing dependencies for SOCKS", "a SOCKS proxy needs more: pip install 'requests[socks]'"),
    (
        "Could not find a suitable TLS CA certificate bundle",
        "the CA certificates that REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or verify names are not there",
    ),
    (
        "Could not find the TLS certificate file",
        "the file of the client's certificate is not there",
    ),
    ("Could not find the TLS key file", "the file of the client's key is not there"),
)


_NO_CERTIFICATES = (
    "the file of CA certificates (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or verify) holds none"
)

#: What OpenSSL says, version by version, where plain text comes back.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")


def reason(error: BaseException) -> str:
    """What went wrong, as a clause: "Connection refused", "the answer was cut short" ..."""
    chain = list(_chain(error))
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in chain):
        return "the proxy can't be reached"
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message}"
        # (Python's own alone have a reason: pyOpenSSL's, in their place, have none.)
        if isinstance(cause, ssl.SSLError):
            said = getattr(cause, "reason", None)
            if said in _NO_TLS:
                return "the server does not speak TLS there: is it http?"
            return _NO_CERTIFICATES if said == "NO_CERTIFICATE_OR_CRL_FOUND" else "TLS failed"
        if isinstance(cause, socket.gaierror):
            return "there is no such host"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        for beginning, words in _BEGINNINGS:
            if isinstance(cause, OSError) and str(cause).startswith(beginning):
                return words
    # An adapter names the request: then it was prepared, and its URL read.
    if isinstance(error, requests.exceptions.InvalidURL) and error.request is not None:
        return "the URL, or that of the proxy, is not valid"
    for kind, words in _WORDS:
        if any(isinstance(cause, kind) for cause in chain):
            return words
    return type(error).__name__


def announced_length(response: requests.Response) -> int | None:
    """The bytes that the body has on the wire, if ``Content-Length`` says it."""
    announced = response.headers.get("Content-Length", "")
    # Python reads no number of thousands of digits; more bytes than these digits say can't come.
    return int(announced[:20]) if announced.isdecimal() else None


def is_cut_short(response: requests.Response) -> bool:
    """Whether a body that was read to its end is shorter than announced.

    urllib3 1 takes it for the whole one.
    """
    raw = response.raw
    without_body = response.request.method == "HEAD" or response.status_code in (204, 304)
    if without_body or not hasattr(raw, "tell") or "Transfer-Encoding" in response.headers:
        return False
    announced = announced_length(response)
    return announced is not None and announced > raw.tell()


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of, the outermost first."""
    met: list[BaseException] = []
    waiting = [error]
    while waiting:
        error = waiting.pop(0)
        if error in met:
            continue
        met.append(error)
        yield error
        parts = (*error.args, getattr(error, "reason", None), error.__cause__, error.__context__)
        waiting += [part for part in parts if isinstance(part, BaseException)]
