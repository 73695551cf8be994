"""Measures what signing adds to a request: ``python tests/bench_signing.py [SECTION ...]``.

Everything that is compared is measured in one run, in turns, and the median of many rounds is
taken; where no network is in it, of the processor's time, so that other programs disturb less. The
tables are Markdown. The exit status is 1 where a target is missed.

It needs ``pip install requests-oauthlib Authlib`` and no network.
"""

from __future__ import annotations

import argparse
import base64
import gc
import hashlib
import hmac
import math
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from inspect import unwrap
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import requests
from authlib.integrations.requests_client import OAuth1Auth
from requests.adapters import BaseAdapter
from requests_oauthlib import OAuth1

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent.parent))  # this checkout's, whatever is installed

from oauth_hook import OAuthHook  # noqa: E402

TOKEN, TOKEN_SECRET = (
    "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
)
KEY, SECRET = "xvz1evFS4wEEPTGEFPHBog", "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"
URL = "https://api.x.example/1.1/statuses/update.json"

Hook = Callable[..., Any]


# What is sent


class Case(NamedTuple):
    name: str
    method: str
    header_auth: bool
    settings: dict[str, Any]  # of requests.Request
    times: float | None  # how often ours must fit into requests-oauthlib's
    has_floor: bool = False
    url: str = URL


def fields(count: int) -> dict[str, str]:
    """Names and values as APIs have them, in no order, some of which need encoding."""
    names = [f"field_{number}" for number in range(count)]
    random.Random(5849).shuffle(names)
    values = ("Hello Ladies + Gentlemen, a signed OAuth request!", "true", "20", "São Paulo")
    return {name: values[number % len(values)] for number, name in enumerate(names)}


JSON = {"entries": [{"id": number, "text": "x" * 80} for number in range(90)]}  # 10 KiB
THREE, FIVE = {"params": fields(3)}, {"data": fields(5)}
CASES = [
    Case("GET, 3 parameters, header", "GET", True, THREE, 20, True),
    Case("GET, 3 parameters, query", "GET", False, THREE, 20, True),
    Case("POST, 5 form fields, header", "POST", True, FIVE, 20, True),
    Case("POST, 5 form fields, query", "POST", False, FIVE, 20, True),
    Case("GET, 100 parameters, header", "GET", True, {"params": fields(100)}, 12, True),
    Case("POST, 1,000 form fields, header", "POST", True, {"data": fields(1000)}, 12),
    Case("POST, 10 KiB of JSON, header", "POST", True, {"json": JSON}, None),
]


# Who signs


def peers(header_auth: bool) -> dict[str, Any]:
    names = (KEY, SECRET, TOKEN, TOKEN_SECRET)
    return {
        "requests-oauthlib": OAuth1(
            *names, signature_type="auth_header" if header_auth else "query"
        ),
        "Authlib": OAuth1Auth(*names, signature_type="HEADER" if header_auth else "QUERY"),
    }


def ours(header_auth: bool) -> OAuthHook:
    return OAuthHook(TOKEN, TOKEN_SECRET, KEY, SECRET, header_auth)


def floor(method: str, header_auth: bool, url: str = URL) -> Hook:
    """The least that Python must do, to sign just such a request, written out in a straight line.

    It knows the URL without its query, the credentials, that Requests has encoded query and form
    canonically but for the "+", that no OAuth parameter, fragment or Host header is there, and that
    nobody sends the request twice. It doesn't know names and values of the parameters before they
    come, so it must sort.
    """
    method_and_uri = f"{method}&{quote(url, safe='')}&"
    # The OAuth parameters, which sort together where no other begins with "oauth_".
    before_nonce = f"oauth_consumer_key {KEY}%26oauth_nonce "
    before_timestamp = "%26oauth_signature_method HMAC-SHA1%26oauth_timestamp "
    after_timestamp = f"%26oauth_token {TOKEN}%26oauth_version 1.0"
    fixed = (
        f'OAuth oauth_consumer_key="{KEY}", oauth_token="{TOKEN}", '
        'oauth_signature_method="HMAC-SHA1", oauth_version="1.0", oauth_nonce="'
    )
    fixed_query = (
        f"oauth_consumer_key={KEY}&oauth_token={TOKEN}"
        "&oauth_signature_method=HMAC-SHA1&oauth_version=1.0&oauth_nonce="
    )
    # The quickest HMAC of the standard library: hmac.digest takes twice the time, hmac.new(...)
    # copied one and a half.
    padded = f"{SECRET}&{TOKEN_SECRET}".encode()
    padded = (hashlib.sha1(padded).digest() if len(padded) > 64 else padded).ljust(64, b"\0")
    inner_keyed = hashlib.sha1(bytes(byte ^ 0x36 for byte in padded))
    outer_keyed = hashlib.sha1(bytes(byte ^ 0x5C for byte in padded))
    urandom, now = os.urandom, time.time
    query_at = len(url) + 1

    def get_in_header(request: Any, **_: Any) -> None:
        nonce = urandom(15).hex()
        timestamp = int(now())
        query = request.url[query_at:]
        parameters = query.replace("+", "%20").replace("%", "%25").replace("=", " ").split("&")
        parameters.append(f"{before_nonce}{nonce}{before_timestamp}{timestamp}{after_timestamp}")
        parameters.sort()
        text = method_and_uri + "%26".join(parameters).replace(" ", "%3D")
        inner = inner_keyed.copy()
        inner.update(text.encode())
        outer = outer_keyed.copy()
        outer.update(inner.digest())
        signature = b2a_base64(outer.digest(), newline=False).decode()
        signature = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        request.headers["Authorization"] = (
            f'{fixed}{nonce}", oauth_timestamp="{timestamp}", oauth_signature="{signature}"'
        )

    def get_in_query(request: Any, **_: Any) -> None:
        nonce = urandom(15).hex()
        timestamp = int(now())
        unsigned = request.url
        query = unsigned[query_at:]
        parameters = query.replace("+", "%20").replace("%", "%25").replace("=", " ").split("&")
        parameters.append(f"{before_nonce}{nonce}{before_timestamp}{timestamp}{after_timestamp}")
        parameters.sort()
        text = method_and_uri + "%26".join(parameters).replace(" ", "%3D")
        inner = inner_keyed.copy()
        inner.update(text.encode())
        outer = outer_keyed.copy()
        outer.update(inner.digest())
        signature = b2a_base64(outer.digest(), newline=False).decode()
        signature = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        request.url = (
            f"{unsigned}&{fixed_query}{nonce}&oauth_timestamp={timestamp}"
            f"&oauth_signature={signature}"
        )

    def post_in_header(request: Any, **_: Any) -> None:
        nonce = urandom(15).hex()
        timestamp = int(now())
        form = request.body
        parameters = form.replace("+", "%20").replace("%", "%25").replace("=", " ").split("&")
        parameters.append(f"{before_nonce}{nonce}{before_timestamp}{timestamp}{after_timestamp}")
        parameters.sort()
        text = method_and_uri + "%26".join(parameters).replace(" ", "%3D")
        inner = inner_keyed.copy()
        inner.update(text.encode())
        outer = outer_keyed.copy()
        outer.update(inner.digest())
        signature = b2a_base64(outer.digest(), newline=False).decode()
        signature = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        request.headers["Authorization"] = (
            f'{fixed}{nonce}", oauth_timestamp="{timestamp}", oauth_signature="{signature}"'
        )

    def post_in_query(request: Any, **_: Any) -> None:
        nonce = urandom(15).hex()
        timestamp = int(now())
        form = request.body
        parameters = form.replace("+", "%20").replace("%", "%25").replace("=", " ").split("&")
        parameters.append(f"{before_nonce}{nonce}{before_timestamp}{timestamp}{after_timestamp}")
        parameters.sort()
        text = method_and_uri + "%26".join(parameters).replace(" ", "%3D")
        inner = inner_keyed.copy()
        inner.update(text.encode())
        outer = outer_keyed.copy()
        outer.update(inner.digest())
        signature = b2a_base64(outer.digest(), newline=False).decode()
        signature = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        request.url = (
            f"{request.url}?{fixed_query}{nonce}&oauth_timestamp={timestamp}"
            f"&oauth_signature={signature}"
        )

    if method == "GET":
        return get_in_header if header_auth else get_in_query
    return post_in_header if header_auth else post_in_query


def is_rightly_signed(request: requests.PreparedRequest) -> bool:
    """RFC 5849 as plainly as can be: nobody's time is taken who does not sign."""
    url = urlsplit(request.url or "")
    header, content_type = (
        text.decode() if isinstance(text, bytes) else text or ""  # bytes by requests-oauthlib
        for text in map(request.headers.get, ("Authorization", "Content-Type"))
    )
    pairs = parse_qsl(url.query, keep_blank_values=True)
    pairs += [(name, unquote(value)) for name, value in re.findall(r'(oauth_\w+)="(.*?)"', header)]
    if content_type == "application/x-www-form-urlencoded":
        body = request.body
        body = body.decode() if isinstance(body, bytes) else str(body)
        pairs += parse_qsl(body, keep_blank_values=True)
    signature = dict(pairs)["oauth_signature"]
    parameters = sorted(
        (quote(name, safe=""), quote(value, safe=""))
        for name, value in pairs
        if name != "oauth_signature"
    )
    text = "&".join(
        quote(part, safe="")
        for part in (
            str(request.method),
            f"{url.scheme}://{url.netloc}{url.path}",
            "&".join(f"{name}={value}" for name, value in parameters),
        )
    )
    digest = hmac.digest(f"{SECRET}&{TOKEN_SECRET}".encode(), text.encode(), "sha1")
    return base64.b64encode(digest).decode() == signature


# How it is measured


class Nowhere(BaseAdapter):
    """Answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.response = requests.Response()
        self.response.status_code = 200
        self.response.url = URL
        self.response._content = b""
        self.last: Any = None

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        self.last = request
        return self.response

    def close(self) -> None:
        pass


@contextmanager
def requests_as_shipped(shipped: bool) -> Iterator[None]:
    """Without the event that importing oauth_hook gives Requests: what that costs is ours."""
    if not shipped:
        yield
        return
    sessions: Any = requests.sessions
    send, merge_hooks = sessions.Session.send, sessions.merge_hooks
    sessions.Session.send = sessions._send_without_event
    sessions.merge_hooks = unwrap(merge_hooks)
    try:
        yield
    finally:
        sessions.Session.send, sessions.merge_hooks = send, merge_hooks


class Contestant:
    """A session that signs in one way, or not at all, and the times that it took."""

    def __init__(self, case: Case, *, auth: Any = None, hook: Hook | None = None) -> None:
        self.case = case
        self.hook = hook
        self.session = requests.Session()
        # Requests looks for a netrc file only where there is no auth, so not with the peers.
        self.session.trust_env = False
        self.session.auth = auth
        if hook is not None:
            self.session.hooks["pre_request"] = [hook]
        self.adapter = Nowhere()
        self.session.mount("https://", self.adapter)
        self.times: list[float] = []

    def run(self, count: int) -> None:
        """Seconds that one request takes, the mean of ``count``."""
        prepare, send, request = self.session.prepare_request, self.session.send, requests.Request
        method, url, settings = self.case.method, self.case.url, self.case.settings
        with requests_as_shipped(self.hook is None):
            begin = time.process_time()
            for _ in range(count):
                send(prepare(request(method, url, **settings)))
            self.times.append((time.process_time() - begin) / count)

    def sends_right(self) -> bool:
        self.run(1)
        self.times.clear()
        return is_rightly_signed(self.adapter.last)


class Unsigned(Contestant):
    """Sends the same, unsigned.

    In query mode its URL becomes as long as a signed one, and as new: Requests parses the URL once
    more when it is sent, unless it has met it lately, and signs nothing with that.
    """

    def run(self, count: int) -> None:
        if self.case.header_auth:
            super().run(count)
            return
        prepare, send, request = self.session.prepare_request, self.session.send, requests.Request
        method, url, settings = self.case.method, self.case.url, self.case.settings
        mark = "&" if "params" in settings else "?"
        queries = [f"{mark}{os.urandom(150).hex()}" for _ in range(count)]
        with requests_as_shipped(True):
            begin = time.process_time()
            for query in queries:
                prepared = prepare(request(method, url, **settings))
                prepared.url = f"{prepared.url}{query}"
                send(prepared)
            self.times.append((time.process_time() - begin) / count)


def race(contestants: Sequence[Any], rounds: int, seconds: float) -> None:
    """Lets each run for ``rounds`` rounds of ``seconds`` for each.

    Their order is another in each round: who runs after a big one finds the processor's caches as
    that one left them.
    """
    order, shuffle = list(range(len(contestants))), random.Random(5849).shuffle
    counts = []
    for contestant in contestants:
        for _ in range(3):
            contestant.run(3)
        counts.append(max(1, round(seconds / min(contestant.times))))
        contestant.times.clear()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            shuffle(order)
            for chosen in order:
                contestants[chosen].run(counts[chosen])
            gc.collect(1)
    finally:
        gc.enable()


def added(contestant: Contestant, unsigned: Contestant) -> float:
    """Microseconds that signing adds: the median of each round's own difference."""
    pairs = zip(contestant.times, unsigned.times, strict=True)
    return 1e6 * median(signed - plain for signed, plain in pairs)


# The tables

missed: list[str] = []


def verdict(what: str, reached: bool) -> str:
    if not reached:
        missed.append(what)
    return "reached" if reached else "**missed**"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    rule = ["---", *["---:"] * (len(head) - 1)]
    for row in (head, rule, *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def signing(rounds: int) -> None:
    """What signing adds to Session.prepare_request and Session.send."""
    rows, floor_rows = [], []
    for case in CASES:
        unsigned = Unsigned(case)
        signers = {
            name: Contestant(case, auth=auth) for name, auth in peers(case.header_auth).items()
        }
        signers["ours"] = Contestant(case, hook=ours(case.header_auth))
        if case.has_floor:
            signers["floor"] = Contestant(case, hook=floor(case.method, case.header_auth))
        for name, signer in signers.items():
            assert signer.sends_right(), f"{name}: {case.name}"
        race([unsigned, *signers.values()], rounds, 0.002)
        cost = {name: added(signer, unsigned) for name, signer in signers.items()}
        ratio = cost["requests-oauthlib"] / cost["ours"]
        row = [case.name, f"{1e6 * median(unsigned.times):.0f} µs"]
        row += [f"{cost[name]:.1f} µs" for name in ("requests-oauthlib", "Authlib", "ours")]
        row += [f"**{ratio:.1f}**", f"{cost['Authlib'] / cost['ours']:.1f}"]
        if case.times is None:
            row += ["", ""]
        else:
            row += [f"≥ {case.times}", verdict(case.name, ratio >= case.times)]
        rows.append(row)
        if case.has_floor:
            ratio = cost["ours"] / cost["floor"]
            row = [case.name, f"{cost['ours']:.2f} µs", f"{cost['floor']:.2f} µs"]
            row += [f"**{ratio:.2f}**", "≤ 1.2", verdict(f"floor: {case.name}", ratio <= 1.2)]
            floor_rows.append(row)
    table(
        [
            *("what signing adds", "unsigned request", "requests-oauthlib", "Authlib", "ours"),
            *("requests-oauthlib / ours", "Authlib / ours", "target", ""),
        ],
        rows,
    )
    table(["against the floor", "ours", "floor", "ours / floor", "target", ""], floor_rows)


class Call:
    """A hook by itself, called with prepared requests that are fresh each time."""

    def __init__(self, hook: Hook, case: Case) -> None:
        self.hook = hook
        self.prepared = requests.Request(case.method, case.url, **case.settings).prepare()
        self.times: list[float] = []

    def run(self, count: int) -> None:
        fresh = [self.prepared.copy() for _ in range(count)]
        hook = self.hook
        begin = time.process_time()
        for request in fresh:
            hook(request)
        self.times.append((time.process_time() - begin) / count)


def call(rounds: int) -> None:
    """The hook's call alone, without what the event adds: the strictest look at the floor."""
    rows = []
    for case in [case for case in CASES if case.has_floor]:
        calls = [
            Call(hook, case)
            for hook in (ours(case.header_auth), floor(case.method, case.header_auth))
        ]
        race(calls, rounds, 0.002)
        mine, least = (1e6 * median(each.times) for each in calls)
        row = [case.name, f"{mine:.2f} µs", f"{least:.2f} µs", f"**{mine / least:.2f}**"]
        rows.append([*row, "≤ 1.2", verdict(f"call: {case.name}", mine / least <= 1.2)])
    table(["the call alone", "ours", "floor", "ours / floor", "target", ""], rows)


def growth(rounds: int) -> None:
    """The exponent of the cost's growth with the number of parameters."""
    rows = []
    for method, setting in (("GET", "params"), ("POST", "data")):
        sizes = (100, 1000, 10_000)
        calls = [
            Call(ours(True), Case("", method, True, {setting: fields(size)}, None))
            for size in sizes
        ]
        race(calls, max(20, rounds // 5), 0.002)
        costs = [median(each.times) for each in calls]
        exponent = math.log(costs[-1] / costs[0]) / math.log(sizes[-1] / sizes[0])
        name = f"growth, {method} with 100 to 10,000 parameters"
        row = [name, *(f"{1e6 * cost:.0f} µs" for cost in costs), f"**{exponent:.2f}**"]
        rows.append([*row, "≤ 1.1", verdict(name, exponent <= 1.1)])
    table(["", "100", "1,000", "10,000", "exponent", "target", ""], rows)


# Whole requests over a socket

_SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    received = b""
    while block := connection.recv(1 << 16):
        received += block
        if received.endswith(b"\\r\\n\\r\\n"):
            received = b""
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
"""


class Client:
    """Whole requests, one after another, over a connection that is kept.

    ``make_hook`` makes the hook for a URL.
    """

    def __init__(self, *, auth: Any = None, make_hook: Callable[[str], Hook] | None = None) -> None:
        self.server = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout is not None
        self.url = f"http://127.0.0.1:{self.server.stdout.readline().strip()}/"
        self.hook = None if make_hook is None else make_hook(self.url)
        # As everybody has it: it looks into the environment for proxies and certificates, and for
        # a netrc file where there is no auth.
        self.session = requests.Session()
        self.session.auth = auth
        if self.hook is not None:
            self.session.hooks["pre_request"] = [self.hook]
        self.times: list[float] = []

    def run(self, count: int) -> None:
        get, url, params = self.session.get, self.url, fields(3)
        is_ours = self.hook is not None or isinstance(self.session.auth, OAuthHook)
        with requests_as_shipped(not is_ours):
            begin = time.perf_counter()
            for _ in range(count):
                get(url, params=params)
            self.times.append((time.perf_counter() - begin) / count)

    def close(self) -> None:
        self.session.close()
        self.server.kill()
        self.server.communicate()


def throughput(rounds: int) -> None:
    """Signed over unsigned requests per second."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # the servers are on this machine
    unsigned = Client()
    signers = {name: Client(auth=auth) for name, auth in peers(True).items()}
    for place, header_auth in (("header", True), ("query", False)):
        signers[f"ours, {place}"] = Client(make_hook=lambda _, place=header_auth: ours(place))
        signers[f"ours as auth, {place}"] = Client(auth=ours(header_auth))
        signers[f"floor, {place}"] = Client(
            make_hook=lambda url, place=header_auth: floor("GET", place, url)
        )
    try:
        race([unsigned, *signers.values()], rounds, 0.02)
    finally:
        for client in (unsigned, *signers.values()):
            client.close()
    rows = [["unsigned", f"{1 / median(unsigned.times):.0f}", "", "", ""]]
    for name, client in signers.items():
        pairs = zip(unsigned.times, client.times, strict=True)
        ratio = median(plain / signed for plain, signed in pairs)
        row = [name, f"{1 / median(client.times):.0f}", f"**{ratio:.3f}**"]
        if name.startswith("ours"):
            row += ["≥ 0.95", verdict(f"requests per second, {name}", ratio >= 0.95)]
        rows.append([*row, "", ""][:5])
    table(["GET, keep-alive", "requests/s", "signed / unsigned", "target", ""], rows)


# Import

_IMPORT = """
import sys, time
sys.path.insert(0, {root!r})
import requests
before = set(sys.modules)
begin = time.process_time()
import oauth_hook
print(time.process_time() - begin, len(set(sys.modules) - before))
"""


def imports(rounds: int) -> None:
    """What ``import requests, oauth_hook`` takes over ``import requests``."""
    program = _IMPORT.format(root=str(HERE.parent.parent))
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        outputs = [
            subprocess.check_output(
                [sys.executable, "-c", program], text=True, env=environment
            ).split()
            for _ in range(max(10, rounds // 8))
        ]
    milliseconds = 1e3 * median(float(seconds) for seconds, _ in outputs[1:])  # the first compiles
    modules = int(outputs[-1][1])
    table(
        ["import requests, oauth_hook", "over import requests", "target", ""],
        [
            ["time", f"{milliseconds:.1f} ms", "≤ 5 ms", verdict("import", milliseconds <= 5)],
            ["modules", str(modules), "≤ 10", verdict("modules", modules <= 10)],
        ],
    )


SECTIONS = {section.__name__: section for section in (signing, call, throughput, imports, growth)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section", nargs="*", help=f"of {', '.join(SECTIONS)}; none: all")
    parser.add_argument("--rounds", type=int, default=150)
    arguments = parser.parse_args()
    releases = ", ".join(
        f"{name} {version(name)}"
        for name in ("requests", "requests-oauthlib", "oauthlib", "Authlib")
    )
    print(f"CPython {platform.python_version()}, {releases}, {arguments.rounds} rounds\n")
    for name in arguments.section or SECTIONS:
        SECTIONS[name](arguments.rounds)
    print(f"missed: {'; '.join(missed)}" if missed else "every target reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
