"""What we send is verified by providers in other languages: PHP's OAuthProvider and two of Node's.

``tests/interop/install`` installs what they need. Where one is wrong by the RFC, the case says why,
and only the others are asked.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from oauth_hook import OAuthHook

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent / "interop"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
NODE_PACKAGES = Path(os.environ.get("OAUTH_HOOK_INTEROP") or _CACHE / "requests-oauth/interop")

CONSUMER = ("consumer key", "hush-consumer & secret~")
TOKEN = ("to:ken/%41", "hush-token/sécret+%41")

PHP, PASSPORT, CONNECT = "OAuthProvider", "passport-http-oauth", "connect-auth"


@dataclass
class Case:
    name: str
    method: str
    settings: dict[str, Any] = field(default_factory=dict)
    #: Who is not asked, and what it does wrong.
    wrong: dict[str, str] = field(default_factory=dict)
    #: The same, where the OAuth parameters are in the header.
    wrong_in_header: dict[str, str] = field(default_factory=dict)


def params(name: str, params: Any, **wrong: Any) -> Case:
    return Case(name, "GET", {"params": params}, **wrong)


def form(name: str, data: Any, **wrong: Any) -> Case:
    return Case(name, "POST", {"data": data}, **wrong)


RESERVED = "!*'();:@&=+$,/?#[]% \"<>\\^`{|}~-._"
TYPE = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}

ONCE = {PHP: "PHP keeps one value for a name: $_GET and $_POST have no place for two"}
ONCE_EACH = {PASSPORT: "joins the values of a name by commas if one source has several (3.4.1.3.2)"}
ONCE_IN_ALL = {CONNECT: "lets the form's value replace the query's of the same name (3.4.1.3.1)"}
NO_FORM = {PHP: "PHP reads forms on POST alone, whatever the Content-Type (3.4.1.3.1)"}

CASES = [
    Case("nothing", "GET"),
    Case("POST without a body", "POST"),
    Case("PUT without a body", "PUT"),
    Case("DELETE", "DELETE"),
    Case("HEAD", "HEAD"),
    Case("OPTIONS", "OPTIONS"),
    params("a query", {"b": "1 2", "a": "x&y=z", "c": ""}),
    params("reserved characters", {"a": RESERVED}),
    params("an encoded value", {"a": "%41%25 %zz"}),
    params("unicode", {"a": "日本 é€😀"}),
    params("a unicode name", {"é": "1"}, wrong={PHP: "leaves out names that are not ASCII"}),
    params(
        "a name with a point and a space",
        {"a.b": "1", "c d": "2"},
        wrong={PHP: "PHP writes '_' for them, and it signs both spellings (3.4.1.3.1)"},
    ),
    params("a name in brackets", {"a[]": "1"}, wrong={PHP: "PHP makes an array of it"}),
    params("names without values", "a&b"),
    params("names that begin with one another", {"ab": "1", "a-b": "2", "a": "3", "A": "4"}),
    params("a name twice", [("a", "2"), ("a", "1")], wrong={**ONCE, **ONCE_EACH}),
    Case("PUT with a query", "PUT", {"params": {"a": "1"}}),
    Case("DELETE with a query", "DELETE", {"params": {"a": "1"}}),
    form("a form", {"b": "1 2", "a": "x&y=z/~", "c": ""}),
    form("a form with reserved characters", {"a": RESERVED}),
    form("a form in unicode", {"a": "日本 é€😀"}),
    form("a form with a name twice", [("a", "2"), ("a", "1")], wrong={**ONCE, **ONCE_EACH}),
    Case(
        "a form with a charset",
        "POST",
        {"data": "a=1&b=%7E", "headers": TYPE},
        wrong={CONNECT: "knows the Content-Type without parameters alone"},
    ),
    Case("a query and a form", "POST", {"params": {"a": "1"}, "data": {"b": "2"}}),
    Case(
        "a query and a form with the same name",
        "POST",
        {"params": {"a": "2"}, "data": {"a": "1"}},
        wrong={**ONCE, **ONCE_IN_ALL},
    ),
    Case("PUT with a form", "PUT", {"data": {"a": "1 2"}}, wrong=NO_FORM),
    Case("PATCH with a form", "PATCH", {"data": {"a": "1 2"}}, wrong=NO_FORM),
    Case("DELETE with a form", "DELETE", {"data": {"a": "1 2"}}, wrong=NO_FORM),
    Case("JSON", "POST", {"json": {"a": 1}}),
    Case("PUT with JSON", "PUT", {"json": {"a": 1}}),
    Case(
        "multipart",
        "POST",
        {"files": {"f": b"1"}, "data": {"a": "1"}},
        wrong={PHP: "signs the fields of multipart bodies too (3.4.1.3.1)"},
    ),
    params("a callback", {"oauth_callback": "https://client.example/cb?next=%2Fhome&a=b c"}),
    form("a callback in a form", {"oauth_callback": "oob"}),
    params(
        "an empty callback",
        {"oauth_callback": ""},
        wrong_in_header={PASSPORT: "skips empty values in the header (3.5.1)"},
    ),
    form("a verifier in a form", {"oauth_verifier": "12 %41/+"}),
    form(
        "a verifier in unicode",
        {"oauth_verifier": "é€"},
        wrong_in_header={CONNECT: "decodes the header as Latin-1 (3.6)"},
    ),
]


# The providers


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "CONSUMER_KEY": CONSUMER[0],
        "CONSUMER_SECRET": CONSUMER[1],
        "TOKEN": TOKEN[0],
        "TOKEN_SECRET": TOKEN[1],
        "NODE_PACKAGES": str(NODE_PACKAGES),
    }
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def php() -> Iterator[str]:
    php = shutil.which("php")
    if not php or "OAuth" not in subprocess.check_output([php, "-m"], text=True).split():
        pytest.skip("needs PHP's OAuthProvider: tests/interop/install (php-cli, php-oauth)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(php, "-S", f"127.0.0.1:{port}", str(HERE / "provider.php")):
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < until, "php -S does not listen"
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    node = shutil.which("node")
    wanted = [NODE_PACKAGES / "node_modules" / name for name in (PASSPORT, CONNECT)]
    if not node or not all(path.is_dir() for path in wanted):
        pytest.skip(f"needs Node with {PASSPORT} and {CONNECT}: tests/interop/install")
    with running(node, str(HERE / "provider.js")) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"


# What they find

VERIFIERS = (PHP, PASSPORT, CONNECT)


def asked(case: Case, header_auth: bool) -> list[str]:
    wrong = {**case.wrong, **(case.wrong_in_header if header_auth else {})}
    return [verifier for verifier in VERIFIERS if verifier not in wrong]


PLACES = {True: "header", False: "query"}


@pytest.mark.parametrize("token", [TOKEN, None], ids=["token", "no token"])
@pytest.mark.parametrize(
    ("case", "in_header", "verifier"),
    [
        pytest.param(case, in_header, verifier, id=f"{case.name}-{place}-{verifier}")
        for case in CASES
        for in_header, place in PLACES.items()
        for verifier in asked(case, in_header)
    ],
)
def test_a_provider_in_another_language_finds_it_signed(
    case: Case,
    in_header: bool,
    verifier: str,
    token: tuple[str, str] | None,
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue("php" if verifier == PHP else "node")
    hook = OAuthHook(*(token or (None, None)), *CONSUMER, in_header)
    path = "/token" if token else "/consumer"
    with requests.Session() as session:
        session.trust_env = False
        response = session.request(
            case.method, url + path, hooks={"pre_request": hook}, **case.settings
        )
    assert json.loads(response.headers["Problems"])[verifier] is None


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_provider_in_another_language_refuses_a_wrong_secret(
    verifier: str, header_auth: bool, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("php" if verifier == PHP else "node")
    hook = OAuthHook(TOKEN[0], "hush-another", *CONSUMER, header_auth)
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(f"{url}/token", hooks={"pre_request": hook})
    assert json.loads(response.headers["Problems"])[verifier]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_someone_is_asked_of_every_case(case: Case, header_auth: bool) -> None:
    assert asked(case, header_auth)
