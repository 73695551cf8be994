"""What the user sees: the authorization page, the PIN, and what went wrong (RFC 5849 section 2.2).

It knows request tokens and nothing of signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from werkzeug.http import dump_cookie, parse_cookie
from werkzeug.wrappers import Response

from oauth_hook.sandbox.received import Pairs, Received, encode
from oauth_hook.sandbox.refusal import Refusal
from oauth_hook.sandbox.store import RequestToken, Store

__all__ = ["Pages"]

_COOKIE_AGE = 3600  # seconds


def _template(name: str) -> str:
    """Out of a zip file as well."""
    return (files("oauth_hook.sandbox") / "templates" / name).read_text(encoding="utf-8")


_TEMPLATES = Environment(
    loader=FunctionLoader(_template),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class _Problem(Exception):
    """Why there is nothing to decide, for the user."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


class Pages:
    """The authorization page for one application; ``user`` is who is asked."""

    def __init__(self, store: Store, application: str, user: str) -> None:
        self._store = store
        self._names = {"application": application, "user": user}
        self._key = secrets.token_bytes(32)

    def authorize(self, received: Received) -> Response:
        """Shows the page (GET), or carries out the user's decision (POST)."""
        try:
            if received.method in ("GET", "HEAD"):
                return self._ask(received)
            if received.method == "POST":
                return self._decide(received)
        except Refusal as refusal:
            return self._problem(_Problem(400, "This link is broken", refusal.advice))
        except _Problem as problem:
            return self._problem(problem)
        return Response("Use GET or POST here.\n", 405, headers={"Allow": "GET, HEAD, POST"})

    def _ask(self, received: Received) -> Response:
        token = self._token(received.query_pairs)
        if token.state != "issued":
            raise _answered()
        # Kept where there is one already, so that the same page in a second tab spoils nothing.
        session = _session(received, token.key) or secrets.token_hex(16)
        response = self._page(
            "authorize.html",
            form_action=_form_action(token.callback),
            token=token.key,
            proof=self._proof(session, token.key),
            destination=_destination(token.callback),
        )
        cookie = dump_cookie(
            _cookie_name(token.key),
            session,
            max_age=_COOKIE_AGE,
            httponly=True,
            samesite="Strict",
            secure=received.scheme == "https",
            path="/authorize",
        )
        response.headers["Set-Cookie"] = cookie
        return response

    def _decide(self, received: Received) -> Response:
        fields = dict(received.form_pairs)
        self._check_origin(received, fields)
        token = self._token(received.form_pairs)
        if fields.get("decision") == "allow":
            return self._allow(token)
        if fields.get("decision") == "deny":
            return self._deny(token)
        raise _Problem(400, "Nothing was decided", "The form said neither Allow nor Deny.")

    def _check_origin(self, received: Received, fields: dict[str, str]) -> None:
        """Refuses a form that this browser did not get from this page.

        The Origin header tells nothing here: under the page's own no-referrer policy it is "null".
        """
        token = fields.get("oauth_token", "")
        session = _session(received, token)
        proof = self._proof(session or "", token)
        own_page = received.header("sec-fetch-site") in ([], ["same-origin"])
        same = hmac.compare_digest(fields.get("proof", "").encode(), proof.encode())
        if session is None or not own_page or not same:
            raise _Problem(
                403,
                "That did not come from this page",
                "Nothing was allowed or denied. Go back to the application and start anew; "
                "the page must be allowed to keep a cookie.",
            )

    def _allow(self, token: RequestToken) -> Response:
        verifier = secrets.token_urlsafe(24)
        if token.callback == "oob":
            verifier = f"{secrets.randbelow(10**8):08d}"
        self._store.decide(token.key, "authorized", verifier)
        # Somebody who presses twice, or comes back to see the PIN again, gets the first answer.
        decided = self._store.request_token(token.key)
        if decided is None or decided.state != "authorized" or decided.verifier is None:
            raise _answered()
        if token.callback == "oob":
            return self._page("pin.html", pin=decided.verifier)
        return _redirect(
            token.callback, [("oauth_token", token.key), ("oauth_verifier", decided.verifier)]
        )

    def _deny(self, token: RequestToken) -> Response:
        self._store.decide(token.key, "denied")
        decided = self._store.request_token(token.key)
        if decided is None or decided.state != "denied":
            raise _answered()
        if token.callback == "oob":
            return self._page("denied.html")
        return _redirect(
            token.callback, [("denied", token.key), ("oauth_problem", "permission_denied")]
        )

    def _token(self, pairs: Pairs) -> RequestToken:
        keys = [value for name, value in pairs if name == "oauth_token"]
        if len(keys) != 1:
            raise _Problem(
                400, "This link is incomplete", "It does not name the request that it is about."
            )
        token = self._store.request_token(keys[0])
        if token is None:
            raise _Problem(
                404,
                "This link is not known here",
                "Nobody has asked for access with it. Go back to the application and start anew.",
            )
        return token

    def _proof(self, session: str, token: str) -> str:
        return hmac.new(self._key, f"{session}&{token}".encode(), hashlib.sha256).hexdigest()

    def _problem(self, problem: _Problem) -> Response:
        response = self._page("problem.html", title=problem.title, text=problem.text)
        response.status_code = problem.status
        return response

    def _page(self, template: str, *, form_action: str = "'none'", **values: Any) -> Response:
        nonce = secrets.token_urlsafe(16)
        text = _TEMPLATES.get_template(template).render(nonce=nonce, **self._names, **values)
        response = Response(text, mimetype="text/html")
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; "
            f"form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
        )
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response


def _cookie_name(token: str) -> str:
    # One for each token: a page opened from another site doesn't get, and so would overwrite, the
    # SameSite=Strict cookie of an earlier page; and all ports of a host share their cookies.
    return f"oauth_sandbox_{hashlib.sha256(token.encode()).hexdigest()[:12]}"


def _session(received: Received, token: str) -> str | None:
    cookies = parse_cookie("; ".join(received.header("cookie")))
    session = cookies.get(_cookie_name(token), "")
    return session if re.fullmatch("[0-9a-f]{32}", session) else None


def _form_action(callback: str) -> str:
    """Gives CSP's form-action: Chromium applies it to every redirect after the form, too.

    So it names the callback's scheme, and no host: where the application redirects further is its
    own affair.
    """
    scheme = callback.partition(":")[0].lower()
    if callback == "oob":
        return "'self'"
    if scheme in ("http", "https"):
        return "'self' http: https:"
    return f"'self' {scheme}:"


def _destination(callback: str) -> str | None:
    """Says where the browser goes after the decision, for the user; None stays here."""
    if callback == "oob":
        return None
    return urlsplit(callback).netloc.rpartition("@")[2] or callback.partition(":")[0]


def _redirect(callback: str, pairs: Pairs) -> Response:
    url, hash_sign, fragment = callback.partition("#")
    if "?" not in url:
        url += "?"
    elif url[-1] not in "?&":
        url += "&"
    response = Response("", 303, mimetype="text/plain")
    response.headers["Location"] = f"{url}{encode(pairs)}{hash_sign}{fragment}"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _answered() -> _Problem:
    return _Problem(
        410,
        "This request was answered already",
        "Each link can be used once. Go back to the application and start anew.",
    )
