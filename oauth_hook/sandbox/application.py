"""The provider as a WSGI application: which path answers what (RFC 5849 sections 2 and 3).

It joins the rooms beside it and judges nothing itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from oauth_hook.sandbox.pages import Pages
from oauth_hook.sandbox.received import Pairs, Received, encode, is_form, new_hashes
from oauth_hook.sandbox.refusal import Refusal
from oauth_hook.sandbox.store import Store
from oauth_hook.sandbox.validator import Policy
from oauth_hook.sandbox.verification import (
    issue_access_token,
    issue_request_token,
    verify_resource,
)
from oauth_hook.showing import printable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["ACCESS_TOKEN", "AUTHORIZE", "REQUEST_TOKEN", "RESOURCE", "Application"]

REQUEST_TOKEN = "/request_token"
AUTHORIZE = "/authorize"
ACCESS_TOKEN = "/access_token"
RESOURCE = "/resource"

log: logging.Logger = logging.getLogger("oauth_hook.sandbox")

_BLOCK = 256 * 1024  # bytes
_SMALL = 64 * 1024  # bytes of a body that is kept and shown though it is no form
_USER: Pairs = [("user_id", "1"), ("screen_name", "sandbox_user")]


class Application:
    """Answers every request; ``realm`` is what refusals name in WWW-Authenticate."""

    def __init__(self, store: Store, policy: Policy, application: str, realm: str) -> None:
        self._store = store
        self._policy = policy
        self._realm = realm
        self._pages = Pages(store, application, dict(_USER)["screen_name"])

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            received = _receive(environ)
            response = self._route(received)
        except ConnectionError:
            raise
        except Exception:
            log.exception("the sandbox failed")
            response = Response("The sandbox failed; its log says why.\n", 500)
        path = environ["REQUEST_URI"].partition("?")[0]  # the query may hold credentials
        log.info("%s: %s", printable(f"{environ['REQUEST_METHOD']} {path}"), response.status)
        return response(environ, start_response)

    def _route(self, received: Received) -> Response:
        path = received.path.decode("latin-1")
        if path == REQUEST_TOKEN:
            return self._token_endpoint(received, self._request_token)
        if path == ACCESS_TOKEN:
            return self._token_endpoint(received, self._access_token)
        if path == AUTHORIZE:
            return self._pages.authorize(received)
        if path in ("/", RESOURCE) or path.startswith(f"{RESOURCE}/"):
            return self._answer(received, self._resource)
        return Response(
            f"There is nothing at {path}. This is an OAuth 1.0a sandbox; it has\n"
            f"{REQUEST_TOKEN}, {AUTHORIZE}, {ACCESS_TOKEN}, and {RESOURCE} with all below it.\n",
            404,
            headers={"X-Content-Type-Options": "nosniff"},
        )

    def _answer(
        self,
        received: Received,
        answer: Callable[[Received], Response],
        *,
        parsable: bool = False,
    ) -> Response:
        try:
            return answer(received)
        except Refusal as refusal:
            # A warning, which pytest shows with a test that fails.
            log.warning("refused: %s: %s", refusal.problem, printable(refusal.advice))
            return refusal.response(self._realm, parsable=parsable)

    def _token_endpoint(
        self, received: Received, answer: Callable[[Received], Response]
    ) -> Response:
        if received.method not in ("GET", "POST"):
            return Response("Use POST or GET here.\n", 405, headers={"Allow": "GET, POST"})
        return self._answer(received, answer, parsable=True)

    def _request_token(self, received: Received) -> Response:
        return _form(issue_request_token(received, self._store, self._policy))

    def _access_token(self, received: Received) -> Response:
        return _form([*issue_access_token(received, self._store, self._policy), *_USER])

    def _resource(self, received: Received) -> Response:
        verified = verify_resource(received, self._store, self._policy)
        report: dict[str, Any] = {
            "method": received.method,
            "url": received.url,
            "query": received.query.decode("utf-8", "backslashreplace"),
            "headers": received.headers,
            "args": received.query_pairs,
            "form": received.form_pairs,
            "length": received.length,
            "sha256": received.sha256,
            "body": _readable(received.body),
            "consumer_key": verified.consumer_key,
            "oauth_token": verified.oauth_token,
            "signature_method": verified.signature_method,
            "place": verified.place,
            "oauth": received.oauth,
        }
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in report.items()]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        response = Response(text, mimetype="application/json")
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _receive(environ: WSGIEnvironment) -> Received:
    """Reads the whole request; of its body only a form, or what is small, stays in memory."""
    headers: Pairs = environ["oauth_hook.headers"]
    kept: list[bytes] | None = []
    hashes = new_hashes()
    length = 0
    while block := environ["wsgi.input"].read(_BLOCK):
        for one in hashes.values():
            one.update(block)
        length += len(block)
        if kept is not None:
            kept.append(block)
            if length > _SMALL and not is_form(headers):
                kept = None
    return Received(
        method=environ["REQUEST_METHOD"],
        scheme=environ["wsgi.url_scheme"],
        target=environ["REQUEST_URI"].encode("latin-1"),
        headers=headers,
        length=length,
        digests={name: one.digest() for name, one in hashes.items()},
        body=None if kept is None else b"".join(kept),
    )


def _readable(body: bytes | None) -> str | None:
    if body is None or len(body) > _SMALL:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _form(pairs: Pairs) -> Response:
    return Response(
        encode(pairs),
        mimetype="application/x-www-form-urlencoded",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
