"""Retries that a strict provider accepts: an adapter that has each attempt signed anew.

It knows urllib3's ``Retry``, which decides, and the ``pre_request`` event; nothing of OAuth.
"""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

import urllib3.exceptions
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import (
    ConnectionError,
    InvalidHeader,
    RequestException,
    RetryError,
    Timeout,
)
from requests.hooks import dispatch_hook
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from .body import rewound

__all__ = ["SigningAdapter"]


class SigningAdapter(HTTPAdapter):
    """Requests' ``HTTPAdapter``, whose retries are messages of their own.

    ``HTTPAdapter(max_retries=...)`` has urllib3 repeat the request byte for byte, nonce included,
    which a provider that has seen the first one must refuse. This one asks the same ``Retry`` when
    and how often, and before each attempt but the first it dispatches the ``pre_request`` event::

        session.mount("https://", SigningAdapter(max_retries=Retry(3, status_forcelist=[503])))
    """

    #: What pickle keeps.
    __attrs__: list[str] = [*HTTPAdapter.__attrs__, "retries"]  # noqa: RUF012

    #: What is asked when and how often: ``max_retries``, as a ``Retry``.
    retries: Retry

    @property
    def max_retries(self) -> Retry:
        """For urllib3, which is to repeat nothing itself. Assigning to it sets :attr:`retries`."""
        return Retry(0, read=False)

    @max_retries.setter
    def max_retries(self, retries: Retry | int) -> None:
        self.retries = Retry.from_int(retries)

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends the request, again as long as ``max_retries`` says and its body can be rewound.

        Raises what ``HTTPAdapter.send`` raises, of the last attempt; ``RetryError`` after the last
        status that was to be tried again, unless ``raise_on_status`` is False; ``InvalidHeader``
        for a ``Retry-After`` that can't be read; and what a ``pre_request`` hook raises.
        """
        retries = self.retries
        while True:
            outcome: Response | RequestException
            try:
                outcome = super().send(request, *args, **kwargs)
            except (ConnectionError, Timeout) as error:
                outcome = error
            response = outcome if isinstance(outcome, Response) else None
            if response is not None and not retries.is_retry(
                request.method or "", response.status_code, "Retry-After" in response.headers
            ):
                return response
            if not rewound(request):
                return _settled(outcome)
            raw: Any = None if response is None else response.raw
            # urllib3's error shows these two, and they are all of the URL that is no secret.
            parts = urlsplit(request.url or "")
            host: Any = parts.hostname
            try:
                retries = retries.increment(
                    request.method, parts.path, raw, _cause(outcome), _pool=host
                )
            except HTTPError as refusal:  # no more
                if response is None or not retries.raise_on_status:
                    return _settled(outcome)
                _free_connection(response)
                raise RetryError(refusal, request=request) from None
            if response is not None:
                _free_connection(response)
            _sleep(retries, raw)
            again: Any = dispatch_hook("pre_request", request.hooks, request)  # type: ignore[arg-type]
            request = again


def _settled(outcome: Response | RequestException) -> Response:
    """What came of the last attempt is what comes of all."""
    if isinstance(outcome, RequestException):
        raise outcome from None
    return outcome


def _free_connection(response: Response) -> None:
    with contextlib.suppress(RequestException, HTTPError):  # whatever is wrong with the rest of it
        response.raw.drain_conn()
    response.close()


def _sleep(retries: Retry, raw: Any) -> None:
    try:
        retries.sleep(raw)
        return
    except urllib3.exceptions.InvalidHeader as error:  # a Retry-After that is none
        reason = str(error)
    raise InvalidHeader(reason)


def _cause(outcome: Response | RequestException) -> Exception | None:
    """urllib3's own error, by which ``Retry`` tells whether anything was sent."""
    if isinstance(outcome, Response):
        return None
    cause = outcome.args[0] if outcome.args else outcome
    reason = getattr(cause, "reason", cause)
    return reason if isinstance(reason, Exception) else outcome
