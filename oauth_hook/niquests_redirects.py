"""The redirects of niquests' multiplexed requests, which it follows without its ``pre_request``
event.

All that it calls there is ``copy()`` of the request that is redirected, and of the copy, once that
has its new method, URL and body, ``prepare_cookies()``: it has to do for an event. Knows nothing of
OAuth, and imports no niquests.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def follow(request: Any, sign_again: Callable[[Any], Any]) -> None:
    """Has the copies that niquests makes of ``request`` for redirects pass through ``sign_again``.

    That is given such a copy and gives it back as it is to go out, itself or another. A request of
    any other library stays what it is.
    """
    kind: Any = getattr(request, "_plain", type(request))
    if any(base.__module__.partition(".")[0] == "niquests" for base in kind.__mro__):
        request.__class__ = _mixed(_Followed, kind)
        request._sign_again = sign_again


class _Followed:
    """Mixed into niquests' ``PreparedRequest``."""

    _plain: Any  # niquests' own class
    _sign_again: Callable[[Any], Any]

    def copy(self) -> Any:
        copied = self._plain.copy(self)
        copied.__class__ = _mixed(_Redirected, self._plain)
        copied._sign_again = self._sign_again
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and pickles: one of niquests' own again, until it is sent."""
        state = {name: value for name, value in vars(self).items() if name != "_sign_again"}
        return _restored, (self._plain, state)


class _Redirected(_Followed):
    def prepare_cookies(self, cookies: Any) -> None:
        self._plain.prepare_cookies(self, cookies)
        signed = self._sign_again(self)
        vars(self).update(
            url=signed.url, headers=signed.headers, body=signed.body, hooks=signed.hooks
        )


@functools.cache
def _mixed(mixin: Any, plain: Any) -> Any:
    return type(plain.__name__, (mixin, plain), {"_plain": plain, "__module__": plain.__module__})


def _restored(plain: Any, state: dict[str, Any]) -> Any:
    request = plain.__new__(plain)
    vars(request).update(state)
    return request
