"""One request for a token: sent and answered within bounds of time and size, and read as a form.

It knows neither which token is asked for nor what else the exchange consists of. Where it raises,
no local variable holds a consumer's or token's secret: Sentry and its kind show them.
"""

from __future__ import annotations

import codecs
import contextvars
import io
import threading
import time
from collections.abc import Callable, Mapping
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from requests.sessions import SessionRedirectMixin

from . import problem_reporting
from .body import FORM
from .errors import (
    InvalidURL,
    OAuthError,
    TokenRequestDenied,
    TokenRequestFailed,
    TokenRequestTimeout,
    UnsignableRequest,
)
from .failure import TIMEOUTS, TRANSPORT_ERRORS, is_cut_short, reason
from .hook import OAuthHook, called

_MOST = 64 * 1024  # bytes of an answer; a token takes some hundred
_STEP = 0.2  # seconds


def token_fields(
    what: str,
    method: str,
    url: str,
    params: Mapping[str, str],
    hook: OAuthHook,
    session: requests.Session | None,
    timeout: float,
) -> tuple[dict[str, str], requests.Response]:
    """Asks ``url`` for a token; gives the answer's fields, ``oauth_token`` and its secret included.

    Args:
        what: is asked for, as the messages call it: "request token".
        method: "POST" or "GET".
        url: of the provider's endpoint.
        params: further parameters, in the form of a POST or the query of a GET; the OAuth
            parameters among them go to where the hook puts its own.
        hook: signs.
        session: sends, a requests.Session; None: one of its own.
        timeout: seconds until all of the answer must be there.

    Raises:
        ExchangeError: (or a subclass) there is no such answer.
        UnsignableRequest: (or a subclass) nothing was sent.
        SignatureMethodError: a signature method of the user's own failed.
    """
    if not isinstance(method, str) or method.upper() not in ("POST", "GET"):
        raise UnsignableRequest("method must be 'POST' or 'GET'")
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise UnsignableRequest("timeout must be one number of seconds, for all of the answer")
    if not 0 < timeout <= threading.TIMEOUT_MAX:  # nor is it NaN then
        raise UnsignableRequest("timeout must be a positive, finite number of seconds")
    # (Not requests.Session, in whose place others put classes of their own.)
    if session is not None and not isinstance(session, SessionRedirectMixin):
        kind = f"{type(session).__module__}.{type(session).__name__}"
        raise UnsignableRequest(f"session must be a requests.Session or None, not {kind}")
    response = _response(what, method, url, params, hook, session, timeout)
    problem = _problem(response, hook, params)
    status = response.status_code
    if problem or not 200 <= status < 300:
        denied = 400 <= status < 500 or "oauth_problem" in problem
        verb = "refuses the" if denied else "failed on the request for the"
        # Some refuse with a status that says the contrary.
        said = "" if 200 <= status < 300 else f": {status} {responses.get(status, '')}".rstrip()
        words = [f"the provider {verb} {what}{said}"]
        words += [problem_reporting.in_words(problem)] if problem else []
        error = TokenRequestDenied if denied else TokenRequestFailed
        raise error("; ".join(words), response=response, problem=problem)
    fields, wrong = _fields(response)
    if wrong:
        raise TokenRequestFailed(
            f"the provider's answer to the request for the {what} {wrong}", response=response
        )
    return fields, response


def _problem(
    response: requests.Response, hook: OAuthHook, params: Mapping[str, str]
) -> dict[str, str]:
    secrets = [hook.consumer.secret]
    secrets += [params.get(name, "") for name in ("oauth_verifier", "oauth_session_handle")]
    if hook.token is not None:
        secrets.append(hook.token.secret)
    return problem_reporting.problem(response, secrets, in_page=True)


# Reading


def _fields(response: requests.Response) -> tuple[dict[str, str], str]:
    """RFC 5849 sections 2.1 and 2.3: a form with ``oauth_token`` and ``oauth_token_secret``.

    Or none, and what is wrong with it.
    """
    wrong = ""
    fields: dict[str, str] = {}
    body = response.content.removeprefix(codecs.BOM_UTF8).strip()
    if not body:
        wrong = "is empty"
    elif body[:5] == b"<?xml":
        wrong = "is XML, not a form: is this the right URL?"
    elif body[:1] == b"<":
        wrong = "is a web page, not a form: is this the right URL?"
    elif body[:1] in (b"{", b"["):
        wrong = "is JSON, not a form: is this the right URL?"
    else:
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:  # not UTF-8
            wrong = "can't be read as a form"
        else:
            fields = dict(pairs)
            if len({*pairs}) != len(fields):
                wrong = "names a field twice"
            elif not fields.get("oauth_token"):
                wrong = "holds no oauth_token"
            elif "oauth_token_secret" not in fields:
                wrong = "holds no oauth_token_secret"
    return ({}, wrong) if wrong else (fields, "")


# Sending


def _response(
    what: str,
    method: str,
    url: str,
    params: Mapping[str, str],
    hook: OAuthHook,
    session: requests.Session | None,
    timeout: float,
) -> requests.Response:
    """The answer, all of it read."""
    deadline = time.monotonic() + timeout
    in_form = method.upper() == "POST"
    answers: list[requests.Response] = []

    def send(session: requests.Session) -> requests.Response:
        bounded = _Bounded(session, what, deadline, answers)
        hooks: Any = {
            # The session's own go on, but for one that would sign with other credentials.
            "pre_request": [*_others(session, "pre_request"), hook, bounded.begin],
            "response": [bounded, *_others(session, "response")],
        }
        return session.request(
            method,
            url,
            params=None if in_form else params,
            data=params if in_form else None,
            # The session's own headers may name another type, by which it would be no form; and
            # no cache of theirs is to keep a token, or to give one out again.
            headers={"Cache-Control": "no-store", **({"Content-Type": FORM} if in_form else {})},
            # A hook here signs when the request is prepared, and the other would find it signed.
            auth=_unchanged if isinstance(session.auth, OAuthHook) else None,
            hooks=hooks,
            timeout=timeout,
            stream=True,
        )

    def work() -> requests.Response:
        if session is not None:
            return send(session)
        with requests.Session() as own:
            return send(own)

    outcome = _within(timeout, work)
    if outcome is None or isinstance(outcome, TIMEOUTS):
        raise TokenRequestTimeout(
            f"the provider did not answer the request for the {what} within {timeout:g} seconds"
        )
    if isinstance(outcome, requests.Response):
        return outcome
    if not isinstance(outcome, BaseException):  # as of requests-futures
        raise UnsignableRequest(
            f"session gave a {type(outcome).__name__}, not a response: give a requests.Session"
        )
    if isinstance(outcome, TRANSPORT_ERRORS) and not isinstance(outcome, OAuthError):
        if _is_about_the_url(outcome) and not answers:
            raise InvalidURL(f"the request for the {what} can't be sent: {reason(outcome)}")
        answer = _answer_in(outcome, answers)
        if answer is not None and _is_raised_status(outcome, answer):
            return answer
        raise TokenRequestFailed(
            f"the request for the {what} failed: {reason(outcome)}", response=answer
        )
    raise outcome


def _answer_in(error: BaseException, answers: list[requests.Response]) -> requests.Response | None:
    """The answer that ``error`` is about, with those before it as its history.

    Not where a hook of the session's failed on a request of its own: that is no answer to ours.
    """
    about: object = getattr(error, "response", None)
    for count, answer in enumerate(answers):
        if answer is about:
            # Requests writes the history once the hooks are through. What they sent is masked.
            answer.history = [*answers[:count], *answer.history]
            return answer
    return None


def _is_about_the_url(error: BaseException) -> bool:
    """Whether Requests found it to be none. (The hook itself says so of one that is not http.)"""
    if isinstance(error, requests.exceptions.InvalidProxyURL):
        return False
    return isinstance(error, (requests.exceptions.MissingSchema, requests.exceptions.InvalidURL))


def _is_raised_status(error: BaseException, answer: requests.Response) -> bool:
    """Whether a hook of the session's called ``raise_for_status()``: the answer says more."""
    return isinstance(error, requests.exceptions.HTTPError) and answer.status_code >= 400


def _within(
    timeout: float, work: Callable[[], requests.Response]
) -> requests.Response | BaseException | None:
    """What ``work`` gives or raises; None where it takes more than ``timeout`` seconds.

    It runs in a thread, since no timeout of a socket bounds an answer whose head comes byte by
    byte. Where time is up the thread is left to itself and ends with its connection. Where no
    thread can be started, as in a subinterpreter or at the process's end, it does without.
    """
    outcomes: list[requests.Response | BaseException] = []
    done = threading.Event()  # no queue: gevent may have patched queues but not threads
    context = contextvars.copy_context()

    def run() -> None:
        try:
            outcomes.append(context.run(work))
        except BaseException as error:
            outcomes.append(error)
        done.set()

    try:
        threading.Thread(target=run, name="oauth_hook token request", daemon=True).start()
    except RuntimeError:
        run()
    # In steps: on Windows, before Python 3.14, a Ctrl-C is seen between two of them only. They are
    # counted as well, since time.monotonic() may stand still, as under freezegun.
    end, left = time.monotonic() + timeout, timeout
    while left > 0 and not done.wait(min(_STEP, left)):
        left = min(left - _STEP, end - time.monotonic())
    return outcomes[0] if outcomes else None


def _others(session: requests.Session, event: str) -> list[Callable[..., Any]]:
    hooks: Any = session.hooks or {}
    return [hook for hook in called(hooks, event) if not isinstance(hook, OAuthHook)]


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Bounded:
    """A hook that reads a response, or a redirect, whole, but not more of it and not for longer.

    Requests itself reads the body of a redirect to its end, wherever that is. What was read goes
    to ``answers``. :meth:`begin` is for the ``pre_request`` event, after the signing.
    """

    def __init__(
        self,
        session: requests.Session,
        what: str,
        deadline: float,
        answers: list[requests.Response],
    ) -> None:
        self._session = session
        self._what = what
        self._deadline = deadline
        self._answers = answers

    def begin(self, request: requests.PreparedRequest, **_: Any) -> None:
        """Lets no message out once time is up, and sees each answer before the clock does."""
        if time.monotonic() > self._deadline:
            raise requests.exceptions.ReadTimeout()
        hooks = request.hooks["response"]
        if hooks[0] is not self:
            hooks.insert(0, self)

    def __call__(self, response: requests.Response, **_: Any) -> requests.Response:
        if response in self._answers:
            return response
        body = bytearray()
        broken: BaseException | None = None
        wrong = ""
        try:
            wrong = self._read(response, body)
        except TIMEOUTS:
            raise
        except TRANSPORT_ERRORS as error:
            broken = error
        finally:
            response.close()
        response.raw = io.BytesIO(body)
        del body
        self._answers.append(response)
        if broken is not None:
            raise TokenRequestFailed(
                f"the request for the {self._what} failed: {reason(broken)}", response=response
            )
        wrong = wrong or self._leaves(response)
        if wrong:
            raise TokenRequestFailed(
                f"the provider's answer to the request for the {self._what} {wrong}",
                response=response,
            )
        return response

    def _read(self, response: requests.Response, body: bytearray) -> str:
        """Adds what comes, decoded, to ``body``; says what is wrong with it, "" if nothing is."""
        raw = response.raw
        streams = hasattr(raw, "stream")  # an adapter that is not Requests' own may give any file
        # By the byte: asked for more, it waits until all of that is there.
        for piece in raw.stream(1, True) if streams else iter(lambda: raw.read(1), b""):
            body += piece
            if len(body) > _MOST:
                del body[_MOST:]
                return f"is longer than {_MOST // 1024} KiB"
            if time.monotonic() > self._deadline:
                raise requests.exceptions.ReadTimeout()
        return "was cut short" if streams and is_cut_short(response) else ""

    def _leaves(self, response: requests.Response) -> str:
        try:
            target = self._session.get_redirect_target(response)
            if target is None:
                return ""
            target = urljoin(response.url, target)
            leaves = self._session.should_strip_auth(response.url, target)
            there = urlsplit(target)
            port = "" if there.port is None else f":{there.port}"
            if not there.netloc.isprintable():
                raise ValueError
        except ValueError:
            return "redirects to an invalid URL"
        if not leaves:
            return ""
        return (
            f"redirects to another origin, {there.scheme}://{there.hostname}{port}, where the "
            "hook's credentials must not go: if that is the provider, give that URL"
        )
