"""Listens to the whole suite: each log record and exception of ours, and each secret in use.

What it hears of a secret, signature, nonce or form in a text of ours fails the test that said it.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from oauth_hook import OAuthError, credentials

#: Begins secrets and form contents of tests: it may stand in no text of ours at all.
HUSH = "hush-"
#: Secrets that are words of the English language, or too short to be told from one.
_SHORTEST = 8
_NAMES = {"consumer_secret", "access_token_secret", "token_secret", "oauth_token_secret"}
_SENT = re.compile(r"\b(oauth_(?:signature|nonce))=\"?([^&\",\s]+)")
_WORDS = re.compile(r"[A-Za-z0-9+/=._~-]{8,}")
_OURS = os.path.dirname(credentials.__file__)


class Ears(logging.Handler):
    """What was heard since the last time that anyone asked."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.records: list[logging.LogRecord] = []
        self.errors: list[OAuthError] = []
        self.secrets: set[str] = set()
        self.sent: set[str] = set()
        #: Of the whole suite: the words of our texts, and what may not be among them.
        self.words: set[str] = set()
        self.unspeakable: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def texts(self) -> set[str]:
        """Whatever people or a log file might get to see."""
        texts = {f"{record.getMessage()} {record.args!r}" for record in self.records}
        for record in self.records:
            if record.exc_info and record.exc_info[1]:
                texts |= shown(record.exc_info[1])
        for error in self.errors:
            texts |= shown(error)
        return texts

    def clear(self) -> None:
        self.records, self.errors = [], []
        self.secrets, self.sent = set(), set()


def shown(error: BaseException) -> set[str]:
    """All that an exception shows, with those that its traceback shows before it.

    But for the traceback's lines of source, which are the tests' own.
    """
    texts = {repr(error), repr(error.args), pickled(error)}
    texts |= set(traceback.format_exception_only(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return texts | shown(before) if before else texts


def locals_shown(error: BaseException) -> set[str]:
    """Our own local variables in its traceback, which Sentry and its kind show."""
    summary = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in summary.stack if frame.filename.startswith(_OURS)]
    assert ours, "it was not raised by us"
    return {f"{name} = {text}" for frame in ours for name, text in (frame.locals or {}).items()}


def pickled(error: BaseException) -> str:
    """What ``pickle`` of an exception shows; nothing where it can't be pickled."""
    try:
        return pickle.dumps(error, protocol=0).decode("latin-1")
    except (pickle.PicklingError, TypeError, AttributeError):
        return ""


def leaks(texts: set[str], secrets: set[str], sent: set[str]) -> set[str]:
    """Those of ``texts`` that show a secret, or a signature or nonce that was sent."""
    found = set()
    for text in texts:
        plain = f"{text} {unquote(text)}"
        if (
            HUSH in plain
            or any(secret in plain for secret in secrets)
            or not sent.isdisjoint(_WORDS.findall(plain))
        ):
            found.add(text)
    return found


EARS = Ears()


@pytest.fixture(scope="session", autouse=True)
def listening() -> Iterator[None]:
    log = logging.getLogger("oauth_hook")
    level = log.level
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(credentials.Credentials, "__init__", _hearing_secrets())
        patch.setattr(OAuthError, "__init__", _hearing_errors())
        patch.setattr(requests.adapters.HTTPAdapter, "send", _hearing_messages())
        log.addHandler(EARS)
        log.setLevel(logging.DEBUG)
        yield
        log.setLevel(level)
        log.removeHandler(EARS)
    # No test has said a secret of another's either.
    assert EARS.words.isdisjoint(EARS.unspeakable)


@pytest.fixture(autouse=True)
def nothing_leaks(listening: None) -> Iterator[Ears]:
    """Every test is one of this too: what it made us say shows none of its secrets."""
    EARS.clear()
    yield EARS
    texts = EARS.texts()
    found = leaks(texts, EARS.secrets, EARS.sent)
    EARS.words.update(*(_WORDS.findall(f"{text} {unquote(text)}") for text in texts))
    EARS.unspeakable |= EARS.secrets | EARS.sent
    EARS.clear()
    assert not found, f"secrets, signatures, nonces or form contents in: {sorted(found)}"


def _hearing_secrets() -> Any:
    make = credentials.Credentials.__init__

    def __init__(self: Any, key: Any, secret: Any) -> None:
        make(self, key, secret)
        if len(self.secret) >= _SHORTEST and self.secret not in _NAMES:
            EARS.secrets.add(self.secret)

    return __init__


def _hearing_errors() -> Any:
    make = OAuthError.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        EARS.errors.append(self)

    return __init__


def _hearing_messages() -> Any:
    send = requests.adapters.HTTPAdapter.send

    def send_heard(self: Any, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        for text in (request.headers.get("Authorization"), request.url):
            shown = text.decode("latin-1") if isinstance(text, bytes) else text or ""
            EARS.sent.update(unquote(value) for _, value in _SENT.findall(shown))
        return send(self, request, *args, **kwargs)

    return send_heard
