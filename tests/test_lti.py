"""LTI 1.1, which signs launches in a form (RFC 5849 section 3.5.2) and grades by a body hash.

What we send over HTTP is what LTI's own libraries take: ``lti`` as the tool that is launched, and
Open edX's LTI consumer as the platform that is told the grade. ``tests/interop/install`` installs
the latter.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import lti
import pytest
import requests
from lti.outcome_request import REPLACE_REQUEST
from oauthlib.oauth1 import RequestValidator
from verifiers import Message, oauthlib_accepts
from wire import Recorder, Wire

from oauth_hook import OAuthHook

KEY, SECRET = "consumer key", "hush-consumer & secret~"

LAUNCH = {
    "lti_message_type": "basic-lti-launch-request",
    "lti_version": "LTI-1p0",
    "resource_link_id": "88391-e1919-bb3456",
    "user_id": "0ae836b9/7fc9",
    "roles": "Instructor,urn:lti:sysrole:ims/lis/Administrator",
    "lis_person_name_full": "Zoë Q. Öffentlich",
    "custom_note": "a+b & c=d\r\n100%",
    "oauth_callback": "about:blank",
}


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


def hook(**settings: Any) -> OAuthHook:
    return OAuthHook(consumer_key=KEY, consumer_secret=SECRET, header_auth=True, **settings)


def post(url: str, hook: OAuthHook, **given: Any) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.post(url, hooks={"pre_request": hook}, timeout=30, **given)


# The launch: a form that brings its own credentials


class Validator(RequestValidator):
    """What ``lti`` asks of a tool: whom it trusts."""

    enforce_ssl = False

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def check_client_key(self, client_key: str) -> bool:
        return client_key == KEY

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == KEY

    def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self._secret


def tool(wire: Wire) -> lti.ToolProvider:
    """The tool, as a web framework would make it of the launch."""
    parameters = dict(parse_qsl(wire.body.decode("ascii"), keep_blank_values=True))
    url = f"http://{wire.header('host')}{wire.target}"
    headers = {"Content-Type": wire.header("content-type")}
    return lti.ToolProvider.from_unpacked_request(SECRET, parameters, url, headers)


@pytest.mark.parametrize("path", ["/launch", "/launch?course=1&name=%C3%A9+x"])
def test_a_tool_takes_the_launch(path: str, recorder: Recorder) -> None:
    post(f"http://127.0.0.1:{recorder.port}{path}", hook(form_auth=True), data=LAUNCH)
    wire = recorder.taken()

    launched = tool(wire)

    assert launched.is_valid_request(Validator(SECRET))
    assert launched.is_launch_request()
    assert launched.lis_person_name_full == LAUNCH["lis_person_name_full"]
    assert (wire.header("authorization"), wire.target) == (None, path)


def test_a_tool_refuses_a_launch_by_another_secret(recorder: Recorder) -> None:
    post(f"http://127.0.0.1:{recorder.port}/launch", hook(form_auth=True), data=LAUNCH)

    assert not tool(recorder.taken()).is_valid_request(Validator("hush-another"))


# The outcome: XML, signed by its hash


def outcome() -> bytes:
    """A grade, as ``lti`` writes it."""
    request = lti.OutcomeRequest(
        {"operation": REPLACE_REQUEST, "lis_result_sourcedid": "3124567/é", "score": 0.92}
    )
    request.message_identifier = "999999123"
    written: bytes = request.generate_request_xml()
    return written


def send_outcome(recorder: Recorder) -> Wire:
    post(
        f"http://127.0.0.1:{recorder.port}/outcomes",
        hook(body_hash=True),
        data=outcome(),
        headers={"Content-Type": "application/xml"},
    )
    return recorder.taken()


def test_an_outcome_is_signed_with_the_hash_of_its_body(recorder: Recorder) -> None:
    # lti reads outcomes but verifies none: the signature is oauthlib's part, the hash hashlib's.
    wire = send_outcome(recorder)

    read = lti.OutcomeRequest.from_post_request(wire)
    digest = base64.b64encode(hashlib.sha1(wire.body).digest())
    assert (read.is_replace_request(), read.score) == (True, "0.92")
    assert wire.oauth[b"oauth_body_hash"] == digest
    assert oauthlib_accepts(Message(wire, "http", SECRET, ""))


# The same place as in tests/interop/install.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PACKAGES = Path(os.environ.get("OAUTH_HOOK_INTEROP") or _CACHE / "requests-oauth/interop")


@pytest.fixture
def open_edx(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module in which lti-consumer-xblock verifies what tools send.

    Without the package around it, which wants Django and all of Open edX.
    """
    folder = PACKAGES / "python" / "lti_consumer"
    if not folder.is_dir():
        pytest.skip("needs lti-consumer-xblock: tests/interop/install")
    package = ModuleType("lti_consumer")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "lti_consumer", package)
    return importlib.import_module("lti_consumer.lti_1p1.oauth")


def as_webob(wire: Wire, body: bytes) -> Any:
    return SimpleNamespace(
        method=wire.method,
        url=f"http://{wire.header('host')}{wire.target}",
        headers={"Authorization": wire.header("authorization")},
        content_type=wire.header("content-type"),
        body=body,
    )


@pytest.mark.interop
def test_open_edx_takes_the_outcome(recorder: Recorder, open_edx: Any) -> None:
    request = as_webob(wire := send_outcome(recorder), wire.body)

    assert open_edx.verify_oauth_body_signature(request, SECRET, request.url)


@pytest.mark.interop
@pytest.mark.parametrize(
    ("secret", "score", "says"),
    [(SECRET, b"1.00", "body hash"), ("hush-another", b"0.92", "signature")],
    ids=["another body", "another secret"],
)
def test_open_edx_refuses_an_outcome_with(
    secret: str, score: bytes, says: str, recorder: Recorder, open_edx: Any
) -> None:
    wire = send_outcome(recorder)
    request = as_webob(wire, wire.body.replace(b"0.92", score))

    with pytest.raises(open_edx.Lti1p1Error, match=says):
        open_edx.verify_oauth_body_signature(request, secret, request.url)
