"""What a reviewer who came fresh to the code found wrong, each as the script that showed it."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
from servers import Answer, Provider, redirect

from oauth_hook import CredentialError, OAuthHook, SignatureMethodError, UnsignableRequest

HERE, ELSEWHERE = "http://provider.example", "http://other.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def hook_of(strict: Provider, header_auth: bool = True, **options: Any) -> OAuthHook:
    return OAuthHook(*strict.credentials(), header_auth, **options)


@pytest.mark.parametrize("body", [io.BytesIO, bytearray, bytes], ids=lambda kind: kind.__name__)
def test_a_form_that_holds_the_parameters_loses_them_at_another_origin(
    strict: Provider, session: requests.Session, body: Any
) -> None:
    strict.once("/x", redirect(307, f"{ELSEWHERE}/y"))

    session.post(f"{HERE}/x", data=body(b"a=1"), headers=FORM, auth=hook_of(strict, form_auth=True))

    assert strict.messages[-1].body == b"a=1"


@pytest.mark.parametrize("way", ["/#oauth_timestamp=123", "/?x-oauth_timestamp=5"])
def test_another_origin_can_not_set_the_clock_by_its_url(
    strict: Provider, session: requests.Session, way: str
) -> None:
    report = b"oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1900000000-1900000600"
    strict.once("/x", redirect(302, ELSEWHERE + way))
    strict.once("/", Answer(401, {}, report))
    hook = hook_of(strict)

    session.get(f"{HERE}/x", auth=hook)

    assert hook._ahead == 0


def test_a_path_that_begins_with_two_slashes_is_signed_as_it_is_sent(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    response = session.get(f"{HERE}//a//b", auth=hook_of(strict, header_auth))

    assert response.status_code == 200


def test_a_request_that_was_sent_can_not_be_moved_to_another_origin_unsigned(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    session.hooks["pre_request"] = [hook_of(strict, header_auth)]
    request = session.prepare_request(requests.Request("GET", f"{HERE}/x"))
    session.send(request)
    request.url = f"{ELSEWHERE}/x"
    with pytest.raises(UnsignableRequest, match="prepare a new request"):
        session.send(request)
    request.url = f"{HERE}/x"

    assert session.send(request).status_code == 200


def test_a_file_left_empty_survives_a_redirect(
    strict: Provider, session: requests.Session, header_auth: bool
) -> None:
    strict.once("/x", redirect(307, "/y"))
    data = io.BytesIO(b"oauth_callback=oob")

    response = session.post(f"{HERE}/x", data=data, headers=FORM, auth=hook_of(strict, header_auth))

    assert response.status_code == 200


def fail(*_: str) -> str:
    raise KeyError("hush")


def test_a_method_of_ones_own_that_fails_is_told() -> None:
    hook = OAuthHook("t", "ts", "k", "cs", signature_method=("X", fail))

    with pytest.raises(SignatureMethodError, match="'X' failed with KeyError"):
        requests.Request("GET", "http://api.example.com/x", auth=hook).prepare()


@pytest.mark.parametrize("tolerance", ["300", -1, 1.5])
def test_a_clock_tolerance_that_is_none_is_refused_when_the_hook_is_made(tolerance: Any) -> None:
    with pytest.raises(CredentialError, match="clock_tolerance"):
        OAuthHook("t", "ts", "k", "cs", clock_tolerance=tolerance)


def test_the_consumer_of_a_hook_is_not_changed_by_halves() -> None:
    hook = OAuthHook("t", "ts", "k", "cs")

    with pytest.raises(AttributeError, match=r"set hook\.consumer"):
        hook.consumer_key = "other"
