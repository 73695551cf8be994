"""Random requests, built as users build them: what is on the wire is verified by others.

A few hundred of them, the same each time. ``OAUTH_HOOK_FUZZ=100000`` tries that many new ones.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from eavesdropper import EARS, leaks
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st
from verifiers import VERIFIERS, Message, not_asked, pairs_of
from wire import FORM, Recorder, ToLoopback, Wire

from oauth_hook import OAuthError, OAuthHook

FUZZ = int(os.environ.get("OAUTH_HOOK_FUZZ", "0"))

EXAMPLES = settings(
    max_examples=FUZZ or 400,
    derandomize=not FUZZ,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What people send

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "REPORT", "get"]
SPECIAL = "aZ09-._~ +%&=;/?:@!$'()*,[]{}|\\^`\"<>#\x00\té€😀"
text = st.text(
    st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_categories=["Cs"])), max_size=6
)
words = st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd"]), max_size=4)
names = st.one_of(
    st.sampled_from(
        ["a", "a-b", "a b", "b", "a[]", "ä", "realm", "size", "oauth", "oauth-a", "oauths"]
    ),
    text,
)
values: st.SearchStrategy[Any] = st.one_of(text, text.map(str.encode), st.integers())
ESCAPES = ["%20", "%2B", "%26", "%3D", "%25", "%2525", "%7E", "%7e", "%41", "%c3%a9", "%C3%A9"]
BAD_ESCAPES = ["%FF", "%fe%ff", "%00", "%", "%4", "%zz"]
pieces = st.sampled_from(
    ["a", "b", "realm", "=", "=", "&", "&", "&&", "+", *ESCAPES, *BAD_ESCAPES, *SPECIAL]
)
#: A query or form as somebody has put it together by hand.
raw = st.lists(pieces, max_size=12).map("".join)


def named_values(names: Any, values: Any) -> Any:
    """In all the types that ``params`` and ``data`` take."""
    several = st.one_of(values, st.lists(values, max_size=3), st.none())
    return st.one_of(
        st.dictionaries(names, several, max_size=6),
        st.lists(st.tuples(names, values), max_size=6),
    )


extras = st.dictionaries(
    st.sampled_from(["oauth_callback", "oauth_verifier", "oauth_x_more"]),
    st.one_of(st.just("oob"), st.just("https://a.example/cb?next=%2Fhome&x=y z"), text),
    max_size=2,
)


@dataclass
class Sent:
    """One request, as the arguments of ``Session.request``, and how it is signed."""

    method: str
    url: str
    params: Any
    data: Any
    headers: dict[str, str]
    oauth: dict[str, str]
    oauth_in_data: bool
    is_file: bool
    json: Any
    files: Any
    hook: OAuthHook
    place: str

    def arguments(self) -> dict[str, Any]:
        """For one request: a file is read but once."""
        params, data = self.params, self.data
        if self.oauth and self.oauth_in_data:
            data = together(data, self.oauth)
        elif self.oauth:
            params = together(params, self.oauth)
        if self.is_file and isinstance(data, bytes):
            data = io.BytesIO(data)
        arguments = {"params": params, "data": data, "headers": self.headers}
        return {**arguments, "json": self.json, "files": self.files}


def together(given: Any, oauth: dict[str, str]) -> Any:
    if not given:
        return oauth
    return {**given, **oauth} if isinstance(given, dict) else [*given, *oauth.items()]


scheme_and_host = st.tuples(
    st.sampled_from(["http://", "https://", "HTTP://", "Https://"]),
    st.sampled_from(["", "", "", "user:pass@", "u%40x@"]),
    st.sampled_from(
        [
            "api.example.com",
            "API.Example.COM",
            "127.0.0.1",
            "[::1]",
            "bücher.example",
            "a_b.example",
        ]
    ),
    st.sampled_from(["", "", ":80", ":443", ":8080", ":"]),
).map("".join)
in_path = [piece for piece in [*ESCAPES, *BAD_ESCAPES, *SPECIAL] if piece not in "?#\\"]
path_pieces = st.one_of(st.sampled_from(["a", "..", "items.json", ";x", *in_path]), words)
path = st.lists(path_pieces, max_size=5).map(lambda parts: "/" + "/".join(parts))
urls = st.tuples(
    scheme_and_host,
    st.one_of(st.just(""), path),
    st.one_of(st.just(""), raw.map(lambda query: "?" + query.replace("#", "%23"))),
    st.sampled_from(["", "", "#part", "#a?b=c"]),
).map("".join)
form_types = st.sampled_from(
    [FORM, FORM, f"{FORM}; charset=UTF-8", "Application/X-WWW-Form-URLencoded;charset=utf-8"]
)
other_headers = st.fixed_dictionaries(
    {},
    optional={
        "X-Thing": st.just("oauth_nonce=1"),
        "Host": st.sampled_from(["other.example", "Other.Example:8080", "other.example:80"]),
        "Authorization": st.sampled_from(["Basic YTpi", "Bearer abc"]),
        "Accept": st.just("*/*"),
    },
)


by_name = named_values(names, values)
form_in_bytes = st.one_of(raw.map(str.encode), st.binary(max_size=12))

bodies = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"data": by_name}),
    st.fixed_dictionaries({"data": by_name}),
    st.fixed_dictionaries({"data": raw, "type": form_types}),
    st.fixed_dictionaries({"data": form_in_bytes, "type": form_types, "is_file": st.booleans()}),
    st.fixed_dictionaries({"json": st.dictionaries(text, text, max_size=3)}),
    # These look like forms, and are none by their type.
    st.fixed_dictionaries(
        {"data": st.just("a=1&b=2"), "type": st.sampled_from([None, "text/plain"])}
    ),
    st.just({"data": {"a": "1"}, "files": {"f": ("n", b"a=1&b=2")}}),
)
queries = st.one_of(st.none(), by_name, raw, raw.map(str.encode))
methods = st.sampled_from(METHODS)
places = st.sampled_from(["hooks", "auth", "session"])
key = text.filter(bool)
# The suite's secrets all begin so.
secret = st.one_of(*[text.map(lambda secret: f"hush-{secret}")] * 4, st.just(""))
consumers = st.tuples(key, secret)
tokens = st.one_of(st.just((None, None)), st.tuples(key, secret))


options = st.fixed_dictionaries(
    {},
    optional={
        "realm": st.text(
            st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=9
        ),
        "oauth_version": st.just(False),
        "form_auth": st.just(True),
    },
)


@st.composite
def requests_to_send(draw: Any) -> Sent:
    body = draw(bodies)
    headers = draw(other_headers)
    if body.get("type"):
        headers["Content-Type"] = body["type"]
    params, data = draw(queries), body.get("data")
    by_hand = "type" in body or "json" in body or "files" in body
    oauth_in_data = not by_hand and data is not None and draw(st.booleans())
    oauth = draw(extras) if oauth_in_data or not isinstance(params, (str, bytes)) else {}
    return Sent(
        method=draw(methods),
        url=draw(urls),
        params=params,
        data=data,
        headers=headers,
        oauth=oauth,
        oauth_in_data=oauth_in_data,
        is_file=body.get("is_file", False),
        json=body.get("json"),
        files=body.get("files"),
        hook=OAuthHook(*draw(tokens), *draw(consumers), draw(st.booleans()), **draw(options)),
        place=draw(places),
    )


# What they get


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


def client(recorder: Recorder) -> requests.Session:
    client = requests.Session()
    client.trust_env = False
    client.mount("http://", ToLoopback(recorder.port))
    client.mount("https://", ToLoopback(recorder.port))
    return client


def on_the_wire(sent: Sent, client: requests.Session, recorder: Recorder) -> tuple[str, Wire]:
    """The scheme and the message, signed."""
    hooked: dict[str, Any] = {}
    if sent.place == "hooks":
        hooked = {"hooks": {"pre_request": sent.hook}}
    elif sent.place == "auth":
        hooked = {"auth": sent.hook}
    client.hooks["pre_request"] = [sent.hook] if sent.place == "session" else []
    try:
        response = client.request(sent.method, sent.url, **sent.arguments(), **hooked)
    except OAuthError:
        raise
    except (requests.RequestException, UnicodeError, ValueError):
        unsigned(sent, client, recorder)  # rejects it if it can't be sent at all
        raise
    return str(response.request.url).partition(":")[0].lower(), recorder.taken()


def unsigned(sent: Sent, client: requests.Session, recorder: Recorder) -> Wire:
    client.hooks["pre_request"] = []
    try:
        client.request(sent.method, sent.url, **sent.arguments())
    except (requests.RequestException, UnicodeError, ValueError):
        reject()
    return recorder.taken()


def others(form: str) -> list[tuple[bytes, bytes]]:
    """The parameters that are none of OAuth."""
    return [pair for pair in pairs_of(form) if not pair[0].startswith(b"oauth_")]


@pytest.fixture(scope="module")
def loopback(recorder: Recorder) -> Iterator[requests.Session]:
    with client(recorder) as session:
        yield session


@EXAMPLES
@given(sent=requests_to_send())
def test_what_goes_out_is_verified_by_others(
    sent: Sent, loopback: requests.Session, recorder: Recorder
) -> None:
    plain = unsigned(sent, loopback, recorder)
    scheme, wire = on_the_wire(sent, loopback, recorder)
    token = sent.hook.token
    message = Message(wire, scheme, sent.hook.consumer.secret, token.secret if token else "")

    excused = not_asked(message)
    refused = [
        name for name, accepts in VERIFIERS.items() if name not in excused and not accepts(message)
    ]
    for name, reason in excused.items():
        event(f"{name} {reason}")
    assert not refused

    assert sent.oauth.items() <= {k.decode(): v.decode() for k, v in wire.oauth.items()}.items()
    # Requests 2.28 sends a stream's URL past urllib3, which would have encoded such a "%" and all
    # of the others; signed, they always are.
    if not re.search("%(?![0-9A-Fa-f]{2})", plain.query):
        assert others(wire.query) == others(plain.query)
    if plain.is_form:
        assert others(message.form) == others(plain.body.decode("latin-1"))
    elif "multipart" not in (plain.header("content-type") or ""):  # with a boundary of its own
        assert wire.body == plain.body
    assert not leaks(EARS.texts(), EARS.secrets, EARS.sent)
    EARS.clear()


# Where one of them is wrong


@pytest.mark.parametrize(
    ("url", "params", "consumer_secret", "wrong"),
    [
        pytest.param(
            "/", "a=%FF%fe", "hush-", {"oauthlib", "Authlib"}, id="bytes that are no UTF-8"
        ),
        pytest.param("/a;", None, "hush-", {"oauthlib", "Authlib"}, id="a path that ends in ';'"),
        pytest.param("/a;b=c", None, "hush-", set(), id="a path with a parameter"),
        pytest.param("/", {"realm": "1"}, "hush-", {"Authlib"}, id="a parameter called realm"),
        pytest.param("/", None, "", {"Authlib"}, id="a consumer without a secret"),
        pytest.param(
            "/", {"oauth_callback": "a%2Fb"}, "hush-", {"Authlib"}, id="an escape in a callback"
        ),
        pytest.param("/", "a=[]&b=%zz", "hush-", set(), id="raw characters and a bad escape"),
    ],
)
def test_what_one_verifier_has_wrong_the_others_have_right(
    url: str,
    params: Any,
    consumer_secret: str,
    wrong: set[str],
    header_auth: bool,
    loopback: requests.Session,
    recorder: Recorder,
) -> None:
    hook = OAuthHook("token", "hush-token", "key", consumer_secret, header_auth)
    loopback.get(f"http://a.example{url}", params=params, hooks={"pre_request": hook})
    message = Message(recorder.taken(), "http", consumer_secret, "hush-token")
    assert not_asked(message).keys() == wrong
    assert all(accepts(message) for name, accepts in VERIFIERS.items() if name not in wrong)


@pytest.mark.parametrize("name", VERIFIERS)
def test_each_verifier_refuses_what_is_signed_with_another_secret(
    name: str, header_auth: bool, loopback: requests.Session, recorder: Recorder
) -> None:
    hook = OAuthHook("token", "hush-token", "key", "hush-secret", header_auth)
    loopback.get("http://a.example/", hooks={"pre_request": hook})
    message = Message(recorder.taken(), "http", "hush-other", "hush-token")
    assert not VERIFIERS[name](message)
