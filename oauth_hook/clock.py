"""The provider's clock: learnt where it refuses a timestamp, and the request sent once more by it.

It knows what a refusal looks like and how Requests sends a request again, and nothing of signing:
it has the request signed by its own ``pre_request`` hooks, as any other message.
"""

from __future__ import annotations

import io
import logging
import re
import time
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.cookies import extract_cookies_to_jar, get_cookie_header
from requests.exceptions import RequestException
from requests.hooks import dispatch_hook

from . import message
from .body import rewound
from .failure import announced_length
from .problem_reporting import LONGEST_REPORT, problem

log: logging.Logger = logging.getLogger("oauth_hook")

_RANGE = re.compile(r"(\d{1,11})-(\d{1,11})").fullmatch
#: A timestamp. A clock that is said to stand in the year 9999 makes one of twelve digits.
_DIGITS = re.compile(r"[0-9]{1,12}").fullmatch


def ahead(response: Response, tolerance: int | None, *, streamed: bool) -> int | None:
    """By how many seconds the provider's clock is ahead of ours, if that is why it refused.

    ``tolerance``: by how many seconds the Date of a 401 without any reason may differ from our
    timestamp. None: it is not looked at, and only ``timestamp_refused`` counts. ``streamed``: the
    user reads the body, which is then looked into only if it is short.
    """
    timestamp = _timestamp(response.request)
    if timestamp is None:
        return None
    read_body = not streamed or _is_short(response)
    broken: RequestException | None = None
    try:
        fields = problem(response, body=None if read_body else b"")
    except RequestException as error:  # cut short, say: the header may tell all the same
        broken = error
        fields = problem(response, body=b"")
    provider_time = _provider_time(response, fields, timestamp, tolerance)
    if provider_time is None:
        if broken is not None and not streamed:
            raise broken  # Requests would, and can't find out any more
        return None
    offset = provider_time - int(time.time())
    log.debug("the provider's clock is %+d seconds from ours", offset)
    return offset


def sent_once_more(response: Response, **how: Any) -> Response:
    """The response to the same request signed anew, as Requests' own ``HTTPDigestAuth`` does it.

    The first response is in the second's ``history``. A body that can't be sent a second time
    isn't, and ``response`` stays the answer.
    """
    request = response.request
    # niquests' adapters have rules of their own, and a mock may have none.
    connection = getattr(response, "connection", None)
    if not isinstance(connection, BaseAdapter) or not rewound(request):
        return response
    response.close()  # :func:`ahead` has read the body, if short: Requests does so for history
    again: Any = request.copy()
    _take_cookies(again, response)
    again = dispatch_hook("pre_request", again.hooks, again)
    second: Response = connection.send(again, **how)
    second.history = [*response.history, response]
    return second


def _take_cookies(again: Any, response: Response) -> None:
    """The cookies that the refusal has set, unless the ``Cookie`` header is the user's own."""
    jar, present = again._cookies, again.headers.pop("Cookie", None)
    if jar is not None and present in (None, get_cookie_header(jar, again)):
        extract_cookies_to_jar(jar, response.request, response.raw)
        again.prepare_cookies(jar)
    elif present is not None:
        again.headers["Cookie"] = present


def _provider_time(
    response: Response, fields: dict[str, str], timestamp: int, tolerance: int | None
) -> int | None:
    """What the provider's clock shows, if that is why it refused ``timestamp``."""
    date = _date(response)
    if fields.get("oauth_problem") == "timestamp_refused":
        acceptable = _RANGE(fields.get("oauth_acceptable_timestamps", ""))
        if acceptable:
            first, last = int(acceptable[1]), int(acceptable[2])
            if first <= timestamp <= last:
                return None  # it is refused for something else
            # The range alone doesn't say where in it the clock stands.
            middle = (first + last) // 2
            # RFC 5849 section 3.3: a timestamp is a positive number.
            return date if date and first <= date <= last else middle or None
        return date if date != timestamp else None
    no_reason = response.status_code == 401 and "oauth_problem" not in fields
    if not no_reason or tolerance is None or date is None:
        return None
    return date if abs(date - timestamp) > tolerance else None


def _timestamp(request: PreparedRequest) -> int | None:
    """The timestamp that the request was signed with; None: it went out unsigned."""
    places = map(dict, message.carried(request))
    sent = (_DIGITS(found.get("oauth_timestamp", "")) for found in places)
    return next((int(digits[0]) for digits in sent if digits), None)


def _is_short(response: Response) -> bool:
    if isinstance(response.raw, io.BytesIO):  # somebody has read it before us, for all others
        return True
    # Compressed, a few hundred bytes may become gigabytes; in chunks, Content-Length means nothing.
    if "Content-Encoding" in response.headers or "Transfer-Encoding" in response.headers:
        return False
    length = announced_length(response)
    return length is not None and length <= LONGEST_REPORT


def _date(response: Response) -> int | None:
    try:
        date = parsedate_to_datetime(response.headers["Date"])
        if date.tzinfo is None:  # asctime's form and "-0000" are UTC too (RFC 9110 section 5.6.7)
            date = date.replace(tzinfo=timezone.utc)
        seconds = int(date.timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return seconds if seconds > 0 else None
