"""No secret, signature, nonce or form content in any text of ours: log, exception, repr, pickle.

The same is looked for after every test of the suite (``eavesdropper.py``); here every way in which
things go wrong is gone through with it, and the eavesdropper itself is put to the test.
"""

from __future__ import annotations

import copy
import logging
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import requests
from eavesdropper import Ears, leaks, shown
from servers import Provider, redirect

from oauth_hook import OAuthError, OAuthHook

HERE = "http://provider.example"
AS_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SURROGATE = "\ud800"


class Unreadable:
    """A form that says what is in it when it is asked for anything."""

    def __iter__(self) -> Any:
        return iter([b"a=hush-form"])

    def __repr__(self) -> str:
        return "hush-form"

    def read(self, *_: int) -> Any:
        raise OSError("hush-form")

    def tell(self) -> int:
        raise OSError("hush-form")


def meddled(**changes: Any) -> Callable[[OAuthHook], Any]:
    def sign(hook: OAuthHook) -> None:
        form = {"a": "hush-form", "oauth_verifier": "hush-verifier"}
        prepared = requests.Request("POST", f"{HERE}/x?b=hush-query", data=form).prepare()
        for name, value in changes.items():
            if name == "headers":
                prepared.headers.update(value)
            else:
                setattr(prepared, name, value)
        hook(prepared)

    return sign


def again(**changes: Any) -> Callable[[OAuthHook], Any]:
    """The same to a request that has been signed before."""

    def sign(hook: OAuthHook) -> None:
        prepared = requests.Request("POST", f"{HERE}/x", data={"a": "hush-form"}).prepare()
        prepared = hook(prepared)
        for name, value in changes.items():
            setattr(prepared, name, value)
        hook(prepared)

    return sign


MISTAKES = {
    "no consumer key": lambda hook: OAuthHook("t", "hush-t", None, "hush-consumer"),
    "no consumer secret": lambda hook: OAuthHook("t", "hush-t", "hush-key", None),
    "empty consumer key": lambda hook: OAuthHook("t", "hush-t", "", "hush-consumer"),
    "secret of bytes": lambda hook: OAuthHook("t", b"hush-\xff", "key", "hush-consumer"),
    "secret in a list": lambda hook: OAuthHook("t", ["hush-t"], "key", "hush-consumer"),
    "secret in an object": lambda hook: OAuthHook("t", Unreadable(), "key", "hush-consumer"),
    "secret with a surrogate": lambda hook: OAuthHook("t", f"hush-{SURROGATE}", "k", "hush-c"),
    "no token": lambda hook: OAuthHook(None, "hush-t", "key", "hush-consumer"),
    "consumer that is a str": lambda hook: setattr(hook, "consumer", "hush-consumer"),
    "token of three": lambda hook: setattr(hook, "token", ("t", "hush-t", "hush-t")),
    "token with no key": lambda hook: setattr(hook, "token", (None, "hush-t")),
    "no URL": meddled(url=None),
    "URL of bytes": meddled(url=b"http://a/?hush-query"),
    "URL of another scheme": meddled(url="ftp://user:hush-password@a/hush-path?hush-query"),
    "URL with no host": meddled(url="http:///x?hush-query"),
    "URL with a bad port": meddled(url="http://user:hush-password@a:b/?hush-query"),
    "URL with half an address": meddled(url="http://hush-user:hush-password@[::1/?hush-query"),
    "bad method": meddled(method="GET /hush-path"),
    "bad Host": meddled(headers={"Host": "hush host"}),
    "form with a surrogate": meddled(body=f"a=hush-form{SURROGATE}"),
    "form of an iterator": meddled(body=iter([b"a=hush-form"])),
    "form of an object": meddled(body=Unreadable()),
    "bad port after signing": again(url="http://provider.example:hush/?hush-query"),
    "bad method after signing": again(method="GET /hush-path"),
    "bad body after signing": again(body=Unreadable()),
    "no request": lambda hook: hook("hush-request"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_no_mistake_makes_us_talk(
    strict: Provider, header_auth: bool, mistake: Any, nothing_leaks: Ears
) -> None:
    hook = OAuthHook(*strict.credentials(), header_auth)

    with pytest.raises(OAuthError) as caught:
        mistake(hook)

    assert leaks(shown(caught.value), nothing_leaks.secrets, set()) == set()
    assert caught.value in nothing_leaks.errors


def test_a_pickled_exception_keeps_what_it_says(strict: Provider) -> None:
    hook = OAuthHook(*strict.credentials())
    with pytest.raises(OAuthError) as caught:
        meddled(url="ftp://a/")(hook)

    error = pickle.loads(pickle.dumps(caught.value))

    assert type(error) is type(caught.value)
    assert str(error) == str(caught.value)
    assert caught.value.request is not None
    assert error.request is None


def test_no_log_line_shows_anything_of_a_request_that_goes_well(
    strict: Provider, session: requests.Session, header_auth: bool, nothing_leaks: Ears
) -> None:
    strict.once("/1", redirect(307, "/2?{query}"))
    strict.once("/2", redirect(307, "http://other.example/3?{query}"))
    hook = OAuthHook(*strict.credentials(), header_auth)
    form = {"a": "hush-form", "oauth_verifier": "hush-verifier"}

    session.post(f"{HERE}/1?b=hush-query", form, auth=hook)

    logged = [record.getMessage() for record in nothing_leaks.records]
    assert len(nothing_leaks.sent) >= 4
    assert len([line for line in logged if "signed" in line]) >= 3
    assert leaks(nothing_leaks.texts(), nothing_leaks.secrets, nothing_leaks.sent) == set()


def test_a_provider_that_repeats_our_form_makes_us_repeat_nothing(
    strict: Provider, session: requests.Session, header_auth: bool, nothing_leaks: Ears
) -> None:
    strict.once("/x", redirect(302, "http://provider.example:port/?a=hush-form&{query}"))
    hook = OAuthHook(*strict.credentials(), header_auth)

    # ValueError is Requests' own here, where it looks after an Authorization header.
    with pytest.raises((requests.RequestException, ValueError)):
        session.post(f"{HERE}/x", {"a": "hush-form"}, hooks={"pre_request": hook})

    assert leaks(nothing_leaks.texts(), nothing_leaks.secrets, nothing_leaks.sent) == set()


def test_no_repr_shows_a_secret(strict: Provider) -> None:
    hook = OAuthHook(*strict.credentials())
    prepared = hook(requests.Request("POST", HERE, data={"a": "hush-form"}).prepare())

    objects = [hook, hook.consumer, hook.token, prepared, prepared.hooks, copy.copy(hook)]
    texts = {f"{text(item)}" for item in objects for text in (str, repr, "{!r:.9999}".format)}

    assert leaks(texts, set(), set()) == set()


# Whether the eavesdropper hears at all


def test_a_secret_in_a_log_line_would_be_heard(nothing_leaks: Ears) -> None:
    logging.getLogger("oauth_hook").debug("the key is %s", "whispered")
    logging.getLogger("oauth_hook.sandbox").info("signed with %s", "whispered too")
    OAuthHook("token", "whispered", "consumer", "whispered too")

    found = leaks(nothing_leaks.texts(), nothing_leaks.secrets, set())
    nothing_leaks.clear()

    assert len(found) == 2


def test_a_secret_in_an_exception_would_be_heard(nothing_leaks: Ears) -> None:
    OAuthHook("token", "whispered", "consumer", "whispered too")
    OAuthError("the secret is %77hispered")
    OAuthError("the secret is", ["whispered"])

    found = leaks(nothing_leaks.texts(), nothing_leaks.secrets, set())
    nothing_leaks.clear()

    assert any("%77hispered" in text for text in found)
    assert any("['whispered']" in text for text in found)


def test_a_signature_and_a_nonce_in_a_text_would_be_heard(
    strict: Provider, session: requests.Session, header_auth: bool, nothing_leaks: Ears
) -> None:
    session.get(f"{HERE}/x", auth=OAuthHook(*strict.credentials(), header_auth))
    sent = strict.messages[0].oauth

    found = leaks({f"({sent['oauth_nonce']})", sent["oauth_signature"]}, set(), nothing_leaks.sent)

    assert len(found) == 2
