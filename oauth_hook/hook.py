"""OAuthHook: the credentials, and what must be remembered of a request that it has signed.

It has ``message.py`` sign, asks ``pre_request.py`` who calls it where that is in doubt, and knows
Requests' public ``AuthBase``, ``PreparedRequest`` and ``Session.should_strip_auth`` and nothing of
Requests' insides: niquests' requests serve as well.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn, overload

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase

from . import message, pre_request
from .credentials import Consumer, Pair, Token, key_and_secret
from .errors import CredentialError, InvalidURL, SignatureMethodError, UnsignableRequest
from .signer import OwnMethod, Signer, Style, signature_method_of

if TYPE_CHECKING:
    from .explanation import Explanation

log: logging.Logger = logging.getLogger("oauth_hook")

#: The key in ``request.hooks`` under which the hook keeps what it must remember of a request. That
#: mapping is the one thing that the copies made for redirects share with the first request, on
#: Requests and on niquests.
_MEMORY = "oauth_hook"

#: The attribute of a request that its user holds, which its ``copy()`` doesn't have: a redirect is
#: always such a copy.
_FIRST = "oauth_hook_first"

# Held for the moment in which a request is changed or copied, so that one request that is sent
# from several threads at once is signed in place by one of them and copied whole by the others.
# Taken twice where a finalizer or a signal handler, run in that moment, signs a request too.
_lock = threading.RLock()

#: Another in each forked process: what was signed before the fork is the parent's to send.
_process = object()


def _after_fork() -> None:
    global _lock, _process
    _lock = threading.RLock()
    _process = object()


if hasattr(os, "register_at_fork"):  # another thread, not there in the child, may have held it
    os.register_at_fork(after_in_child=_after_fork)


class _Memory:
    """What the hook remembers of a request, for when it meets it or a copy of it again."""

    #: Whether a refused timestamp has had it sent once more, it or one of its redirects. (A retry
    #: by an adapter counts by itself.)
    sent_once_more = False
    #: The request as it was signed ahead of time, until that signature goes out.
    unsent: tuple[Any, ...] | None = None

    def __init__(
        self, url: str | None, extras: message.Extras, auth: OAuthHook | None = None
    ) -> None:
        #: The URL at which it was signed; None once it has left for another origin.
        self.url = url
        #: The user's own OAuth parameters, taken out of the request when it was first signed.
        self.extras = extras
        #: The hook that is its ``auth``: the session's own hook leaves the request to it.
        self.auth = auth

    def __reduce__(self) -> tuple[Any, ...]:
        """For copies and pickles. A signature that waits to go out is of one request alone, so that
        they don't have it: ``()`` says that they were never sent either.
        """
        state = None if self.unsent is None else {"unsent": ()}
        return _Memory, (self.url, self.extras, self.auth), state

    def but(self, **changes: Any) -> _Memory:
        """Another with these ``changes``, for one request of those that share this one."""
        other = _Memory(self.url, self.extras, self.auth)
        other.sent_once_more = self.sent_once_more
        vars(other).update(changes)
        return other


#: The arguments of OAuthHook that can't be changed later. A hook shows with which of them it was
#: made, but for the RSA key and its passphrase: there it shows the class's.
_SETTLED = {
    "signature_method",
    "realm",
    "oauth_version",
    "body_hash",
    "form_auth",
    "plaintext_over_http",
    "rsa_key",
    "rsa_key_passphrase",
}
#: And those that are changed together, by another attribute.
_BY_HALVES = {
    "consumer_key": "consumer",
    "consumer_secret": "consumer",
    "access_token": "token",
    "access_token_secret": "token",
}


class OAuthHook(AuthBase):
    """Signs Requests' requests with OAuth 1.0a (RFC 5849), by HMAC-SHA1 unless told otherwise.

    One object serves as ``hooks={'pre_request': hook}`` of a request or a session, as ``auth=hook``
    and as ``session.auth``, for any number of requests and threads::

        hook = OAuthHook(access_token, access_token_secret, consumer_key, consumer_secret)
        client = requests.session(hooks={'pre_request': hook})
    """

    #: Defaults for all hooks: set them on the class, or on a class of your own derived from it.
    consumer_key: str | bytes | None = None
    consumer_secret: str | bytes | None = None
    #: True: one ``Authorization`` header (RFC 5849 section 3.5.1). False: the URL's query (3.5.3).
    header_auth: bool = False
    #: The rest of the defaults: see the arguments of these names.
    signature_method: str | tuple[str, OwnMethod] = "HMAC-SHA1"
    rsa_key: Any = None
    rsa_key_passphrase: str | bytes | None = None
    realm: str | None = None
    oauth_version: bool = True
    body_hash: bool = False
    form_auth: bool = False
    plaintext_over_http: bool = False
    clock_tolerance: int | None = None

    #: How far the provider's clock is ahead of ours, in seconds, as far as it has told.
    _ahead = 0

    def __init__(
        self,
        access_token: str | bytes | None = None,
        access_token_secret: str | bytes | None = None,
        consumer_key: str | bytes | None = None,
        consumer_secret: str | bytes | None = None,
        header_auth: bool | None = None,
        *,
        signature_method: str | tuple[str, OwnMethod] | None = None,
        rsa_key: Any = None,
        rsa_key_passphrase: str | bytes | None = None,
        realm: str | None = None,
        oauth_version: bool | None = None,
        body_hash: bool | None = None,
        form_auth: bool | None = None,
        plaintext_over_http: bool | None = None,
        clock_tolerance: int | None = None,
    ) -> None:
        """All credentials are str, or bytes in UTF-8, as the provider gave them (not encoded).

        None for an argument takes the class's attribute of that name; the token's have none.

        Args:
            access_token: the token, or the request token of an exchange under way. None: the
                consumer signs alone.
            access_token_secret: its secret; "" if it has none.
            consumer_key: the consumer's key.
            consumer_secret: its secret; "" if there is none. An RSA method needs none.
            header_auth: whether the OAuth parameters go into the header, not into the query.
            signature_method: a name (HMAC-SHA1, HMAC-SHA256, HMAC-SHA512, RSA-SHA1, RSA-SHA256,
                RSA-SHA512, PLAINTEXT), or a pair of a name and a function of your own: from the
                signature base string, the consumer secret and the token secret, all str, to the
                signature, str or bytes, before percent-encoding. The name may be a known one, for a
                key that is made or kept in another way.
            rsa_key: for an RSA method, the private key: PEM (str or bytes), a path to it, or a key
                of ``cryptography``. Needs ``requests-oauth[rsa]``.
            rsa_key_passphrase: opens an encrypted PEM.
            realm: goes with the header, and with it only, outside the signature (section 3.5.1).
            oauth_version: whether ``oauth_version="1.0"`` is sent (section 3.1: it may).
            body_hash: whether bodies that are no forms are signed by ``oauth_body_hash`` (OAuth
                Request Body Hash 1.0, draft 4), by the hash of the signature method; SHA-1 for one
                of your own, unless its name ends in SHA224, SHA256, SHA384 or SHA512 (or SHA-224,
                SHA_224 ...).
            form_auth: whether the OAuth parameters go into the body where it is a form (section
                3.5.2); all other requests go by ``header_auth``.
            plaintext_over_http: whether PLAINTEXT may send the secrets over plain http.
            clock_tolerance: seconds by which the ``Date`` of a 401 that gives no reason may differ
                from the timestamp sent, before the hook takes the provider's time and sends once
                more. None: it does so only where the provider says ``timestamp_refused``.

        Raises:
            CredentialError: a credential is missing, empty where it can't be, or not usable.
            CredentialTypeError: a credential is of a wrong type.
            SignatureMethodError: the signature method is unknown or can't be used here.
        """

        # (Not by getattr, which would run a property of the user's own.)
        classes = (vars(cls) for cls in type(self).__mro__)
        _check_signature(next((names["signature"] for names in classes if "signature" in names), 0))

        def chosen(name: str, given: Any) -> Any:
            return getattr(self, name) if given is None else given

        key = chosen("rsa_key", rsa_key)
        if key is not None:
            from .rsa import private_key

            key = private_key(key, chosen("rsa_key_passphrase", rsa_key_passphrase))
        method = chosen("signature_method", signature_method)
        flags = {
            "oauth_version": chosen("oauth_version", oauth_version),
            "body_hash": chosen("body_hash", body_hash),
            "form_auth": chosen("form_auth", form_auth),
            "plaintext_over_http": chosen("plaintext_over_http", plaintext_over_http),
        }
        for name, flag in flags.items():
            _check_flag(name, flag)
        settled = {"realm": chosen("realm", realm), **flags}
        vars(self).update(settled, signature_method=method)
        style = Style(signature_method_of(method, key), **settled)
        consumer_secret = chosen("consumer_secret", consumer_secret)
        if consumer_secret is None and style.method.name.startswith("RSA-"):
            consumer_secret = ""
        consumer = Consumer(chosen("consumer_key", consumer_key), consumer_secret)
        token = None
        if access_token is not None or access_token_secret is not None:
            token = Token(access_token, access_token_secret)  # type: ignore[arg-type]
        if header_auth is not None:
            self.header_auth = header_auth
        if clock_tolerance is not None:
            self.clock_tolerance = clock_tolerance
        _check_flag("header_auth", type(self).header_auth)
        check_tolerance(self.clock_tolerance)  # the class's own
        self._signer = Signer(consumer, token, style)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SETTLED:
            raise AttributeError(
                f"{name} can't be changed once the hook is made: make a new OAuthHook"
            )
        if name in _BY_HALVES:
            raise AttributeError(
                f"{name} can't be set by itself: give it to OAuthHook(...), "
                f"or set hook.{_BY_HALVES[name]}"
            )
        if name == "header_auth":
            _check_flag(name, value)
        if name == "clock_tolerance":
            check_tolerance(value)
        if name == "signature":
            _check_signature(value)
        super().__setattr__(name, value)

    @property
    def consumer(self) -> Consumer:
        """The consumer's ``key`` and ``secret``. Set it to a ``Consumer`` or to a pair.

        Raises CredentialError, or CredentialTypeError below it, for anything else.
        """
        return self._signer.consumer

    @consumer.setter
    def consumer(self, consumer: Consumer | Pair) -> None:
        new = Consumer(*key_and_secret(consumer, "consumer"))
        with _lock:
            self._signer = Signer(new, self._signer.token, self._signer.style)

    @property
    def token(self) -> Token | None:
        """The token's ``key`` and ``secret``, or None. Set it to a ``Token``, a pair or None.

        Raises CredentialError, or CredentialTypeError below it, for anything else.
        """
        return self._signer.token

    @token.setter
    def token(self, token: Token | Pair | None) -> None:
        new = None if token is None else Token(*key_and_secret(token, "token"))
        with _lock:
            self._signer = Signer(self._signer.consumer, new, self._signer.style)

    def __repr__(self) -> str:
        place = "header" if self.header_auth else "query"
        return f"<{type(self).__name__} {self.consumer!r} {self.token!r} in the {place}>"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_signer"]  # a keyed HMAC can't be copied out of the process
        signer = self._signer
        # The class's own may be others where it is restored, and a URL is no place for a surprise.
        state["header_auth"] = self.header_auth
        state["clock_tolerance"] = self.clock_tolerance
        return {**state, "made of": (signer.consumer, signer.token, signer.style)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = state.copy()
        self._signer = Signer(*state.pop("made of"))
        self.__dict__.update(state)

    # The way of a request

    @overload
    def __call__(self, r: PreparedRequest, **_: Any) -> PreparedRequest: ...
    @overload  # For Requests' annotations, whose hooks all take a response: never called with one.
    def __call__(self, r: Response, **_: Any) -> NoReturn: ...
    def __call__(self, r: Any, **_: Any) -> PreparedRequest:
        """Signs a prepared request that is about to be sent, and gives it back.

        The first time that it meets a request it signs it in place. When the request, or a copy of
        it made for a redirect, is sent again, the hook gives back a copy, signed with a new nonce
        and timestamp; or, at another origin, the request without any OAuth parameter.

        Raises:
            UnsignableRequest: (or a subclass) it can't be signed. It is as it was.
            SignatureMethodError: a signature method of the user's own failed, or gave no signature.
        """
        if type(r) is not PreparedRequest or type(r.hooks) is not dict:
            message.check_prepared(r)
        request: PreparedRequest = r
        hooks: dict[str, Any] = r.hooks
        if _MEMORY in hooks:
            memory: _Memory = hooks[_MEMORY]
            if memory.auth is self:
                return self._sign_again(request, memory)
            if pre_request.caller(request) == pre_request.AUTH:
                return self._become_auth(request, memory)
            if memory.auth is not None and memory.auth in called(hooks, "pre_request"):
                return request  # which its auth signs, and not the session's hook
            return self._sign_again(request, memory)
        others = called(hooks, "pre_request")
        caller = None
        if others != [self]:  # else it is hardly one that a function made in the place of another
            caller = pre_request.caller(request)
            if caller == pre_request.EVENT and _is_led_away(request):
                return _left_unsigned(request)
        try:
            signed = message.sign(request, None, self._signer, self.header_auth, self._ahead)
        except UnsignableRequest:
            with _lock:  # another thread may have been changing this very request
                if request.hooks is hooks:
                    raise
            return self(request)
        memory = _Memory(signed[0], signed[3])
        # The request gets a mapping of its own: the present one may be shared, with a session even.
        own = {**hooks, "response": [self._answer, *called(hooks, "response")], _MEMORY: memory}
        with _lock:
            first = request.hooks is hooks
            if first:
                message.put(signed, request)
                r.hooks = own
                setattr(r, _FIRST, True)
        if not first:  # another thread was faster, with this very request
            return self(request)
        if type(request) is not PreparedRequest:
            self._follow(request)
        if self not in others and (caller == pre_request.AUTH or not others):
            # It is auth=hook, or the event's, with a request that some function made in the place
            # of another: be there when the request is sent, and sent again. Last, since what the
            # others change must be signed.
            own["pre_request"] = [*others, self]
            memory.auth = self
            if caller != pre_request.EVENT:  # ahead of the sending, therefore
                parts = (_process, *message.signed_parts(request))
                memory.unsent = () if pre_request.event_goes_on() else parts
        return request

    def _become_auth(self, request: PreparedRequest, memory: _Memory) -> PreparedRequest:
        """By ``prepare_auth(hook)``, of a request that another hook has signed."""
        hooks: Any = request.hooks
        those = (memory.auth, self)
        others = [hook for hook in called(hooks, "pre_request") if hook not in those]
        answers = [
            hook
            for hook in called(hooks, "response")
            if getattr(hook, "__func__", None) is not OAuthHook._answer
        ]
        unsent = None if memory.unsent is None else ()  # the signature that waits is the other's
        memory = memory.but(auth=self, unsent=unsent)
        _remember(request, memory, pre_request=[*others, self], response=[self._answer, *answers])
        try:
            return self._sign_again(request, memory)
        except BaseException:
            request.hooks = hooks
            raise

    def _sign_again(self, request: PreparedRequest, memory: _Memory) -> PreparedRequest:
        """A request that was signed before. What it is shows in what it has:

        * ``memory.unsent``: its signature was made ahead of time (``auth=``) and waits to go out;
        * :data:`_FIRST`: its user holds it, and sends it again;
        * neither: it is a redirect, or a copy, of one that was sent. ``memory.url`` None: one that
          has left its origin.
        """
        unsent = memory.unsent
        if unsent is not None:
            if memory.auth is self and unsent == (_process, *message.signed_parts(request)):
                with _lock:  # one thread only may send it
                    first, memory.unsent = memory.unsent is unsent, None
                if first:
                    return request
            else:  # nothing went out yet: it is the user who changed it, or led it elsewhere
                memory = memory.but(url=request.url)
                _remember(request, memory)
                setattr(request, _FIRST, True)
        is_first = getattr(request, _FIRST, False)
        if memory.url is None or not _same_origin(memory.url, request.url, request):
            if is_first:  # no redirect has led it there
                raise UnsignableRequest(
                    "the URL of a request that was sent has moved to another origin: "
                    "prepare a new request for that",
                    request=request,
                )
            # For good, as with Requests' own credentials: it drops the Authorization header when a
            # redirect leaves the origin, and a later hop that leads back goes without. Else another
            # site could have us sign what it likes. This hop gets a mapping of its own, for itself
            # and the copies made of it; the request that the user holds can still be sent again.
            return _left_unsigned(request)
        if memory.url[:6].lower() != (request.url or "")[:6].lower():  # https from here on
            memory = memory.but(url=request.url)
            _remember_of_hop(request, memory)
        signed = message.sign(request, memory.extras, self._signer, self.header_auth, self._ahead)
        with _lock:
            request = request.copy()
        if is_first:  # each time that its user sends it, it may be sent once more
            _remember(request, memory.but(extras=signed[3], sent_once_more=False))
        elif signed[3] != memory.extras:  # of its user's, or a redirect's Location brought some
            _remember(request, memory.but(extras=signed[3]))
        message.put(signed, request)
        if type(request) is not PreparedRequest:
            self._follow(request)
        return request

    def _follow(self, request: PreparedRequest) -> None:
        from .niquests_redirects import follow

        follow(request, self._sign_redirected)

    def _sign_redirected(self, request: PreparedRequest) -> PreparedRequest:
        """As a redirect's copy must be: see ``niquests_redirects``."""
        hooks: Any = request.hooks
        return self._sign_again(request, hooks[_MEMORY])

    def _answer(self, response: Response, **how: Any) -> Response:
        """A ``response`` hook: where the provider refuses the timestamp, its clock is learnt, and
        the request signed by it and sent once more.
        """
        hooks: Any = getattr(response.request, "hooks", {})  # an adapter may have left it out
        memory: _Memory | None = hooks.get(_MEMORY)
        if memory is None:
            return response
        memory.unsent = None  # it has gone out, whether the event was called for it or not
        if response.status_code not in (400, 401, 403):
            return response
        if memory.url is None:  # another origin's clock is none of ours
            return response
        from . import clock

        ahead = clock.ahead(response, self.clock_tolerance, streamed=bool(how.get("stream")))
        if ahead is None:
            return response
        self._ahead = ahead
        if memory.sent_once_more:
            return response
        memory.sent_once_more = True
        return clock.sent_once_more(response, **how)

    def explain(self, request: PreparedRequest) -> Explanation:
        """How ``request`` is signed, step by step, to be printed. Changes and sends nothing.

        A request that carries a signature already (``response.request``) is explained with the
        nonce and timestamp of that one, so that its signature base string can be laid beside the
        one that the provider says it expected. Secrets don't appear.

        Raises:
            UnsignableRequest: (or a subclass) it can't be signed.
            SignatureMethodError: a signature method of the user's own failed, or gave no signature.
        """
        from .explanation import explain

        message.check_prepared(request)
        hooks: Any = request.hooks
        memory = hooks.get(_MEMORY)
        if memory is not None and memory.url is None:
            raise UnsignableRequest(
                "this request goes unsigned: a redirect led it to another origin", request=request
            )
        known = None if memory is None else memory.extras
        timestamp = str(int(time.time()) + self._ahead)
        return explain(request, known, self._signer, bool(self.header_auth), timestamp)


def check_tolerance(seconds: object) -> None:
    """Raises ``CredentialError`` for what is no ``clock_tolerance``."""
    if seconds is None or (type(seconds) is int and seconds >= 0):
        return
    raise CredentialError("clock_tolerance must be a whole number of seconds from 0 on, or None")


def _check_flag(name: str, value: object) -> None:
    """A text counts as true whatever it says, and comes of arguments in another library's order."""
    if isinstance(value, (str, bytes)):
        raise CredentialError(f"{name} must be True or False, not {type(value).__name__}")


def _check_signature(given: object) -> None:
    """Of one as version 0.4 took it, which would be passed over."""
    if hasattr(given, "sign"):
        raise SignatureMethodError(
            "signature was of version 0.4: give signature_method, a pair of a name and a function"
        )


def _is_led_away(request: PreparedRequest) -> bool:
    """Whether a redirect, or an earlier one of the same chain, leads ``request`` to another origin.

    Asked where nothing is remembered of it: a function of the event may have made it in the place
    of the one that was redirected, and left the memory behind. That one may have it still, and
    Requests itself knows the chain.
    """
    sent, redirected = pre_request.being_sent()
    memory = getattr(sent, "hooks", {}).get(_MEMORY)
    if memory is not None:
        is_first = getattr(sent, _FIRST, False)
        if memory.url is None or (not is_first and _leave([memory.url], sent, request)):
            return True
    return bool(redirected) and _leave([response.url for response in redirected], sent, request)


def _leave(urls: list[str], sent: Any, request: PreparedRequest) -> bool:
    """Whether the redirects over ``urls`` to ``sent`` leave the origin, and ``request``, which a
    function made of that, does not lead back to where the last of them came from.
    """
    if not all(_same_origin(*hop, request) for hop in pairwise(urls)):
        return True
    return not any(_same_origin(urls[-1], one.url, request) for one in (sent, request))


def called(hooks: dict[str, Any], event: str) -> Iterable[Any]:
    """What is called at ``event``: Requests takes one callable or several."""
    one_or_several: Any = hooks.get(event) or ()
    return (one_or_several,) if callable(one_or_several) else one_or_several


def _remember(request: PreparedRequest, memory: _Memory, **events: list[Any]) -> None:
    """For this request and the copies to be made of it, but not for those it was copied from.

    ``events`` are those at which others are called from now on.
    """
    hooks: Any = {**request.hooks, **events, _MEMORY: memory}
    request.hooks = hooks


def _remember_of_hop(request: PreparedRequest, memory: _Memory) -> None:
    """For the next hops as well: Requests copies those from the request for which the event is
    called, and a function of the user's may have put ``request``, a copy, in the place of that.
    """
    _remember(request, memory)
    sent, _ = pre_request.being_sent()
    is_first = getattr(sent, _FIRST, False)  # its user may send it again
    if sent is not request and not is_first and _MEMORY in getattr(sent, "hooks", {}):
        _remember(sent, memory)


def _left_unsigned(request: PreparedRequest) -> PreparedRequest:
    _remember_of_hop(request, _Memory(None, {}))
    message.take_out(request)
    log.debug("not signed: redirected to another origin")
    return request


def _same_origin(one: str, other: str | None, request: PreparedRequest) -> bool:
    """Requests' own rule, by which http may turn into https on the default ports.

    Raises ``InvalidURL``, about ``request``.
    """
    try:
        return not Session.should_strip_auth(Session, one, other)  # type: ignore[arg-type]
    except ValueError:
        pass
    raise InvalidURL("the URL can't be signed: it names no valid host or port", request=request)
