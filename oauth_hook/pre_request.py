"""Gives Requests its ``pre_request`` event back, which it had until 1.0.

The only file that touches Requests' insides. It knows nothing of OAuth: any callable can be a
``pre_request`` hook. It is given the ``PreparedRequest``; what it returns, if not None, is sent.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import requests
import requests.hooks
import requests.sessions

EVENT = "pre_request"

_SEAMS = (
    (requests.hooks, "HOOKS"),
    (requests.hooks, "dispatch_hook"),
    (requests.sessions, "merge_hooks"),
    (requests.sessions, "session"),
    (requests.sessions.Session, "send"),
)


def install() -> None:
    """Restores the event, once: a second call, or a Requests that has it, changes nothing.

    Raises ``ImportError`` where a part of Requests that this rests on is missing: an unsigned
    request must never go out because a patch silently missed.
    """
    for owner, name in _SEAMS:
        if name not in vars(owner):
            version = getattr(requests, "__version__", "(of unknown version)")
            raise ImportError(
                f"oauth_hook can't restore the {EVENT} event: Requests {version} has "
                f"no {owner.__name__}.{name}. Install a Requests that it supports: "
                "pip install 'requests>=2.28,<3'"
            )
    if EVENT in requests.hooks.HOOKS:
        return
    requests.sessions.Session.send = _with_event(requests.sessions.Session.send)  # type: ignore[method-assign]
    requests.sessions.merge_hooks = _keeping_pre_request(requests.sessions.merge_hooks)
    requests.session = requests.sessions.session = _with_settings(requests.sessions.session)
    requests.hooks.HOOKS.append(EVENT)


def _with_event(send: Any) -> Any:
    # updated=(): the marks that a tracing library left on what it wrapped say what *it* may take
    # off again, and must not be found on ours.
    @functools.wraps(send, updated=())
    def send_with_event(
        self: requests.Session, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        if isinstance(request, requests.PreparedRequest):  # send() itself refuses all else
            request = requests.hooks.dispatch_hook(EVENT, request.hooks, request)  # type: ignore
        response: requests.Response = send(self, request, **kwargs)
        return response

    return send_with_event


def _keeping_pre_request(merge_hooks: Any) -> Any:
    @functools.wraps(merge_hooks, updated=())
    def merge_hooks_keeping_pre_request(
        request_hooks: Any, session_hooks: Any, *args: Any, **kwargs: Any
    ) -> Any:
        # Requests' own rule looks at the response event alone, and by it drops either side whole.
        merged = merge_hooks(request_hooks, session_hooks, *args, **kwargs)
        hooks = (request_hooks or {}).get(EVENT) or (session_hooks or {}).get(EVENT)
        return {**merged, EVENT: hooks} if hooks else merged

    return merge_hooks_keeping_pre_request


def _with_settings(session: Any) -> Any:
    @functools.wraps(session, updated=())
    def session_with_settings(
        *,
        headers: Mapping[str, Any] | None = None,
        cookies: Any = None,
        auth: Any = None,
        proxies: Mapping[str, str] | None = None,
        hooks: Mapping[str, Any] | None = None,
        params: Any = None,
        stream: bool | None = None,
        verify: bool | str | None = None,
        cert: Any = None,
        max_redirects: int | None = None,
        trust_env: bool | None = None,
    ) -> requests.Session:
        """A :class:`Session` with these of its attributes set, as Requests had it until 1.0.

        Each argument is the session's attribute of that name; None leaves it as it is. ``headers``,
        ``proxies`` and ``cookies`` (a dict or a cookie jar) are added to the session's own.
        ``hooks`` maps an event to a callable or several.

        Raises ``ValueError`` for an event that Requests doesn't have.
        """
        new: requests.Session = session()
        new.headers.update(headers or {})
        new.proxies.update(proxies or {})
        new.cookies.update(cookies or {})
        for event, hook in (hooks or {}).items():
            if event not in requests.hooks.HOOKS:
                raise ValueError(
                    f"hooks: Requests has no event {event!r}, only {requests.hooks.HOOKS}"
                )
            new.hooks[event] = list(hook) if isinstance(hook, Iterable) else [hook]
        settings = {
            "auth": auth,
            "params": params,
            "stream": stream,
            "verify": verify,
            "cert": cert,
            "max_redirects": max_redirects,
            "trust_env": trust_env,
        }
        for name, value in settings.items():
            if value is not None:
                setattr(new, name, value)
        return new

    # What it takes is its own, so inspect.signature() is to look no further.
    del session_with_settings.__wrapped__
    return session_with_settings
