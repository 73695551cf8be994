"""Gives Requests its ``pre_request`` event back, which it had until 1.0.

The only file that knows Requests' insides, and changes them. It knows nothing of OAuth: any
callable can be a ``pre_request`` hook. It is given the ``PreparedRequest``; what it returns, if not
None, is sent. A hook that serves as a request's ``auth``, too, may ask here who calls it.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, no_type_check

import requests
import requests.adapters
import requests.hooks
import requests.sessions

if TYPE_CHECKING:
    from requests import PreparedRequest

    # What _send_with_event finds in requests.sessions. Requests' own types don't know the event.
    dispatch_hook: Any = None
    _send_without_event: Any = None

EVENT = "pre_request"
#: And the other way in which Requests calls a hook.
AUTH = "auth"


def _replaced(name: str, by: Any) -> ImportError:
    return ImportError(
        f"oauth_hook can't restore the {EVENT} event while {name} is replaced, "
        f"by {by!r}: import oauth_hook before that"
    )


if not isinstance(requests.sessions.Session, type):  # a mock, say
    raise _replaced("requests.sessions.Session", requests.sessions.Session)

#: Requests' own class, also where a subclass stands in its place, as by requests-cache.
_SESSION = next(
    (
        cls
        for cls in requests.sessions.Session.__mro__
        if (cls.__module__, cls.__name__) == (requests.sessions.__name__, "Session")
    ),
    requests.sessions.Session,
)

_SEAMS = (
    (requests.hooks, "HOOKS"),
    (requests.sessions, "PreparedRequest"),
    (requests.sessions, "dispatch_hook"),
    (requests.sessions, "merge_hooks"),
    (requests.sessions, "session"),
    (_SESSION, "send"),
)


def install() -> None:
    """Restores the event, once: a second call, or a Requests that has it, changes nothing.

    Raises ``ImportError`` where a part of Requests that this rests on is missing: an unsigned
    request must never go out because a patch silently missed.
    """
    if EVENT in getattr(requests.hooks, "HOOKS", ()):
        if not _is_dispatched():
            raise ImportError(
                f"oauth_hook can't rely on the {EVENT} event: requests.hooks.HOOKS names it, but "
                "requests.Session.send does not dispatch it. Remove whatever put the name there"
            )
        return
    for owner, name in _SEAMS:
        if name not in vars(owner):
            version = getattr(requests, "__version__", "(of unknown version)")
            raise ImportError(
                f"oauth_hook can't restore the {EVENT} event: Requests {version} has "
                f"no {owner.__name__}.{name}. Install a Requests that it supports: "
                "pip install 'requests>=2.28,<3'"
            )
    _give_event(_own_send())
    requests.sessions.merge_hooks = _keeping_pre_request(requests.sessions.merge_hooks)
    requests.session = requests.sessions.session = _with_settings(requests.sessions.session)
    requests.hooks.HOOKS.append(EVENT)


def _is_dispatched() -> bool:
    """Whether ``Session.send`` calls the hooks of the event; nothing is sent to find out."""
    if "_send_without_event" in vars(requests.sessions):
        return True

    class Called(Exception):
        pass

    class Nowhere(requests.adapters.BaseAdapter):
        def send(self, *_: Any, **__: Any) -> requests.Response:
            raise ConnectionError

        def close(self) -> None:
            pass

    def hook(request: Any, **_: Any) -> None:
        raise Called

    with _SESSION() as session:
        session.trust_env = False
        session.mount("http://", Nowhere())
        url = "http://event.invalid/"
        try:
            session.send(requests.Request("GET", url, hooks={EVENT: hook}).prepare())
        except Called:
            return True
        except ConnectionError:
            pass
    return False


def _own_send() -> Any:
    """Requests' own ``Session.send``, beneath whatever was wrapped around it."""
    send = vars(_SESSION)["send"]
    while hasattr(send, "__wrapped__"):
        send = send.__wrapped__
    if getattr(send, "__globals__", None) is vars(requests.sessions):
        return send
    raise _replaced("requests.Session.send", send)


def _give_event(send: Any) -> None:
    """Gives ``send`` other code, which runs its present one.

    The function stays the object that it is, because others hold it: what wraps or replaces it
    (OpenTelemetry, requests-mock, ...), came before or comes after, puts back what it found, and
    would take the event away with it, or would never see a wrapper of ours.
    """
    vars(requests.sessions)["_send_without_event"] = types.FunctionType(
        send.__code__, send.__globals__, send.__name__, send.__defaults__, send.__closure__
    )
    send.__code__ = _send_with_event.__code__


@no_type_check  # typeguard would have it look for names of typeguard's there
def _send_with_event(
    self: requests.Session, request: PreparedRequest, **kwargs: Any
) -> requests.Response:
    # It runs as a function of requests.sessions: there its global names are looked up.
    if isinstance(request, PreparedRequest):  # send() itself refuses all else
        request = dispatch_hook("pre_request", request.hooks, request)
    response: requests.Response = _send_without_event(self, request, **kwargs)
    return response


def _keeping_pre_request(merge_hooks: Any) -> Any:
    @functools.wraps(merge_hooks, updated=())
    def merge_hooks_keeping_pre_request(
        request_hooks: Any, session_hooks: Any, *args: Any, **kwargs: Any
    ) -> Any:
        # Requests' own rule looks at the response event alone, and by it drops either side whole.
        merged = merge_hooks(request_hooks, session_hooks, *args, **kwargs)
        hooks = (request_hooks or {}).get(EVENT) or (session_hooks or {}).get(EVENT)
        if not hooks:
            return merged
        # Requests registers what this gives anew for each request, and takes long over a list: one
        # hook goes without a list, and a response event without hooks not at all.
        if type(hooks) is list:
            hooks = hooks.copy()  # another thread may be changing it
            if len(hooks) == 1 and callable(hooks[0]):
                hooks = hooks[0]
        merged = {**(merged or {}), EVENT: hooks}
        if merged.get("response") == []:
            del merged["response"]
        return merged

    return merge_hooks_keeping_pre_request


def _with_settings(session: Any) -> Any:
    # All but its docstring, which says that it is deprecated and knows no arguments.
    names = [name for name in functools.WRAPPER_ASSIGNMENTS if name != "__doc__"]

    @functools.wraps(session, assigned=names, updated=())
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

        Raises ``ValueError`` for an event that Requests doesn't have, ``TypeError`` for what
        can't be called.
        """
        new: requests.Session = session()
        new.headers.update(headers or {})
        new.proxies.update(proxies or {})
        new.cookies.update(cookies or {})
        if not isinstance(hooks, (Mapping, type(None))):
            raise TypeError("hooks must map an event to a hook: {'pre_request': hook}")
        for event, hook in (hooks or {}).items():
            if event not in requests.hooks.HOOKS:
                raise ValueError(
                    f"hooks: Requests has no event {event!r}, only {requests.hooks.HOOKS}"
                )
            # As Requests does it: what can be called is one hook, even where it is iterable too.
            several = list(hook) if isinstance(hook, Iterable) and not callable(hook) else [hook]
            for one in several:
                if not callable(one):  # Requests would leave it away, and send unsigned
                    raise TypeError(
                        f"hooks: the {event} hook must be callable, not {type(one).__name__}"
                    )
            new.hooks[event] = several
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


# Who calls a hook. Only the stack tells, of Requests or niquests: there may be functions of the
# user's in between, and the request looks the same.

_CALLS_HOOKS = "dispatch_hook"  # async_dispatch_hook, too


def caller(request: PreparedRequest) -> str | None:
    """Who calls the hook that asks, with ``request``: :data:`EVENT`, which any event counts as, or
    :data:`AUTH` where it is being given its auth; None: neither, but its user.
    """
    for frame in _upwards():
        name = frame.f_code.co_name
        if name.endswith(_CALLS_HOOKS):
            return EVENT
        if name == "prepare_auth" and frame.f_locals.get("self") is request:
            return AUTH
    return None


def event_goes_on() -> bool:
    """Whether a hook of the event has a request prepared, a few calls up.

    It may be to go out in the place of another. Then the event is called for it at a retry only,
    which needs a new nonce.
    """
    for frame in islice(_upwards(), 12):
        if frame.f_code.co_name.endswith(_CALLS_HOOKS):
            return bool(frame.f_locals.get("key") == EVENT)
    return False


def being_sent() -> tuple[Any, list[requests.Response]]:
    """The request for which the event is called, and the responses that redirected to it, the
    first one first. None, and none, where it is another event.
    """
    sent: Any = None
    for frame in _upwards():
        name = frame.f_code.co_name
        if sent is None and name.endswith(_CALLS_HOOKS):
            if frame.f_locals.get("key") != EVENT or frame.f_back is None:
                break
            sent = frame.f_back.f_locals.get("request")
        elif name.endswith("resolve_redirects"):
            redirect = frame.f_locals
            # Else it waits for something else.
            return sent, redirect["hist"] if redirect.get("req") is sent else []
    return sent, []


def _upwards() -> Iterator[types.FrameType]:
    """The frames above the hook that asks: none where C code has called it, as in a greenlet."""
    frame = sys._getframe(2).f_back
    while frame is not None:
        yield frame
        frame = frame.f_back
