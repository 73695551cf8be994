"""Requests' pre_request event, as importing oauth_hook restores it. No OAuth here: any callable."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from oauth_hook import pre_request


class _Echo(BaseHTTPRequestHandler):
    """Answers with the X-Mark header it got; redirects /from to /to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = (self.headers.get("X-Mark") or "").encode()
        self.send_response(302 if self.path == "/from" else 200)
        self.send_header("Location", "/to")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def mark(text: str) -> Any:
    """A hook that appends to the X-Mark header of the request."""

    def hook(request: requests.PreparedRequest) -> None:
        request.headers["X-Mark"] = f"{request.headers.get('X-Mark', '')}{text}"

    return hook


def ignore(response: requests.Response, **_: Any) -> None:
    """A response hook."""


# The event


def test_a_hook_changes_the_request_before_it_is_sent(url: str) -> None:
    assert requests.get(url, hooks={"pre_request": mark("a")}).text == "a"


def test_several_hooks_run_in_order(url: str) -> None:
    assert requests.get(url, hooks={"pre_request": [mark("a"), mark("b")]}).text == "ab"


def test_what_a_hook_returns_is_sent_instead(url: str) -> None:
    def replace(request: requests.PreparedRequest) -> requests.PreparedRequest:
        other = request.copy()
        other.headers["X-Mark"] = "other"
        return other

    response = requests.get(url, hooks={"pre_request": replace})

    assert (response.text, response.request.headers["X-Mark"]) == ("other", "other")


def test_it_runs_once_for_each_hop_of_a_redirect(url: str) -> None:
    response = requests.get(url + "from", hooks={"pre_request": mark("a")})

    assert [hop.text for hop in [*response.history, response]] == ["a", "aa"]


def test_it_runs_each_time_a_prepared_request_is_sent(client: requests.Session, url: str) -> None:
    prepared = requests.Request("GET", url, hooks={"pre_request": mark("a")}).prepare()

    assert [client.send(prepared).text, client.send(prepared).text] == ["a", "aa"]


def test_it_runs_before_the_adapter_is_chosen(client: requests.Session) -> None:
    def leave(request: requests.PreparedRequest) -> None:
        request.url = "nowhere://x"

    with pytest.raises(requests.exceptions.InvalidSchema, match="nowhere"):
        client.get("http://127.0.0.1:1/", hooks={"pre_request": leave})


def test_an_error_in_a_hook_stops_the_request(client: requests.Session, url: str) -> None:
    def fail(request: requests.PreparedRequest) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        client.get(url, hooks={"pre_request": fail})


def test_a_request_that_is_not_prepared_is_refused_as_ever(client: requests.Session) -> None:
    with pytest.raises(ValueError, match="You can only send PreparedRequests"):
        client.send(requests.Request("GET", "http://127.0.0.1:1/"))  # type: ignore[arg-type]


RESPONSE_HOOKS = [None, [], ignore, [ignore]]
RESPONSE_HOOK_IDS = ["none given", "none", "a callable", "a list"]


# Which hooks run: the request's own, else the session's, whatever the response event holds


@pytest.mark.parametrize("own_response", RESPONSE_HOOKS, ids=RESPONSE_HOOK_IDS)
@pytest.mark.parametrize("session_response", RESPONSE_HOOKS, ids=RESPONSE_HOOK_IDS)
@pytest.mark.parametrize("own", [None, "r"])
@pytest.mark.parametrize("sessions", [None, "s"])
def test_the_requests_own_hooks_run_else_the_sessions(
    client: requests.Session,
    url: str,
    own: str | None,
    sessions: str | None,
    own_response: Any,
    session_response: Any,
) -> None:
    client.hooks = _hooks(sessions, session_response)

    response = client.get(url, hooks=_hooks(own, own_response))

    assert response.text == (own or sessions or "")


@pytest.mark.parametrize("count", [1, 2])
def test_the_prepared_request_has_lists_of_its_own(client: requests.Session, count: int) -> None:
    hooks = [mark(str(number)) for number in range(count)]
    client.hooks["pre_request"] = hooks

    prepared = client.prepare_request(requests.Request("GET", "http://a.example/"))

    assert prepared.hooks == {"response": [], "pre_request": hooks}
    assert client.hooks == {"response": [], "pre_request": hooks}
    prepared.hooks["pre_request"].clear()
    assert len(client.hooks["pre_request"]) == count


def test_a_request_without_any_hooks_has_the_sessions(client: requests.Session) -> None:
    hook = mark("s")
    client.hooks["pre_request"] = [hook]
    request: Any = requests.Request("GET", "http://a.example/")
    request.hooks = None

    assert client.prepare_request(request).hooks["pre_request"] == [hook]


def _hooks(text: str | None, response: Any) -> Any:
    hooks: dict[str, Any] = {}
    if text is not None:
        hooks["pre_request"] = mark(text)
    if response is not None:
        hooks["response"] = response
    return hooks


def test_the_response_event_keeps_its_own_rule(client: requests.Session, url: str) -> None:
    seen = []
    client.hooks["response"].append(lambda response, **_: seen.append("session"))
    client.hooks["pre_request"].append(mark("a"))

    client.get(url)
    client.get(url, hooks={"response": lambda response, **_: seen.append("request")})

    assert seen == ["session", "request"]


def test_a_session_without_any_hooks_works(client: requests.Session, url: str) -> None:
    client.hooks = None  # type: ignore[assignment]

    assert client.get(url, hooks={"pre_request": mark("a")}).text == "a"


def test_an_unknown_event_is_refused_as_ever() -> None:
    with pytest.raises(ValueError, match="Unsupported event"):
        requests.Request("GET", "http://x.example", hooks={"post_request": ignore})


# requests.session()


def test_session_takes_its_settings_by_name(url: str) -> None:
    settings: dict[str, Any] = {
        "auth": ("user", "password"),
        "params": {"a": "1"},
        "stream": True,
        "verify": False,
        "cert": "client.pem",
        "max_redirects": 3,
        "trust_env": False,
    }

    with requests.session(**settings) as client:
        assert {name: getattr(client, name) for name in settings} == settings


@pytest.mark.parametrize("hooks", [ignore, [ignore], "pre_request"])
def test_hooks_that_map_no_event_are_refused(hooks: Any) -> None:
    with pytest.raises(TypeError, match="hooks must map an event"):
        requests.session(hooks=hooks)  # type: ignore[call-arg]


@pytest.mark.parametrize("hook", [None, 5, "hook", [ignore, None]])
def test_a_hook_that_can_not_be_called_is_refused(hook: Any) -> None:
    with pytest.raises(TypeError, match="pre_request hook must be callable"):
        requests.session(hooks={"pre_request": hook})  # type: ignore[call-arg]


def test_session_adds_headers_proxies_and_cookies_to_its_own(url: str) -> None:
    with requests.session(
        headers={"X-Mark": "a"}, proxies={"ftp": "http://p.example"}, cookies={"c": "1"}
    ) as client:
        assert client.headers["X-Mark"] == "a"
        assert client.headers["User-Agent"].startswith("python-requests/")
        assert (client.proxies, client.cookies.get_dict()) == (
            {"ftp": "http://p.example"},
            {"c": "1"},
        )


@pytest.mark.parametrize("several", [False, True], ids=["a callable", "a list"])
def test_session_takes_hooks_that_can_be_added_to(url: str, several: bool) -> None:
    hook = mark("a")
    with requests.session(hooks={"pre_request": [hook] if several else hook}) as client:
        client.hooks["pre_request"].append(mark("b"))

        assert client.get(url).text == "ab"


def test_a_hook_that_is_iterable_too_is_one_hook(url: str) -> None:
    class Pool(list[Any]):
        __call__ = staticmethod(mark("a"))

    with requests.session(hooks={"pre_request": Pool([mark("b")])}) as client:
        assert client.get(url).text == "a"


def test_session_without_arguments_is_a_session_as_ever() -> None:
    with requests.session() as client:
        assert (type(client), client.hooks) == (
            requests.Session,
            {"response": [], "pre_request": []},
        )


@pytest.mark.parametrize("name", ["timeout", "config", "hook"])
def test_session_refuses_an_unknown_name(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        requests.session(**{name: 1})


def test_session_refuses_an_unknown_event() -> None:
    with pytest.raises(ValueError, match="no event 'pre_send'"):
        requests.session(hooks={"pre_send": ignore})


# What is left of Requests


def test_names_docstrings_and_signatures_are_kept() -> None:
    send: Any = requests.Session.send
    assert (send.__name__, send.__qualname__) == ("send", "Session.send")
    assert "Send a given PreparedRequest" in send.__doc__
    assert list(inspect.signature(send).parameters) == ["self", "request", "kwargs"]
    assert requests.sessions.merge_hooks.__name__ == "merge_hooks"
    assert requests.session.__name__ == "session"
    docstring = requests.session.__doc__ or ""  # its own: Requests' knows no arguments
    assert "None leaves it as it is" in docstring
    assert requests.session is requests.sessions.session


def test_a_second_install_changes_nothing() -> None:
    before = requests.Session.send, requests.sessions.merge_hooks, list(requests.hooks.HOOKS)

    pre_request.install()

    assert before == (
        requests.Session.send,
        requests.sessions.merge_hooks,
        requests.hooks.HOOKS,
    )


def run(code: str) -> subprocess.CompletedProcess[str]:
    """In a fresh interpreter: what happens before the import can't be undone in this one."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def test_a_requests_that_has_the_event_is_left_alone() -> None:
    code = """
import requests
requests.hooks.HOOKS.append("pre_request")
original = requests.Session.send
def send(self, request, **kwargs):
    request = requests.hooks.dispatch_hook("pre_request", request.hooks, request)
    return original(self, request, **kwargs)
requests.Session.send = send
del requests.sessions.session  # it may well lack what is deprecated, and nothing is missing then
before = requests.Session.send, requests.sessions.merge_hooks, requests.session
import oauth_hook
assert before == (requests.Session.send, requests.sessions.merge_hooks, requests.session)
"""
    assert run(code).stderr == ""


def test_an_event_that_is_named_but_never_dispatched_stops_the_import() -> None:
    code = """
import requests
requests.hooks.HOOKS.append("pre_request")
try:
    import oauth_hook
except ImportError as error:
    print(error)
"""
    result = run(code)

    assert result.stderr == ""
    assert "Session.send does not dispatch it" in result.stdout


@pytest.mark.parametrize(
    "seam",
    ["hooks.HOOKS", "sessions.dispatch_hook", "sessions.merge_hooks", "sessions.Session.send"],
)
def test_a_missing_seam_stops_the_import_and_is_named(seam: str) -> None:
    code = f"""
import requests
del requests.{seam}
hooks = list(getattr(requests.hooks, "HOOKS", []))
try:
    import oauth_hook
except ImportError as error:
    print(error)
assert hooks == list(getattr(requests.hooks, "HOOKS", []))
"""
    result = run(code)

    assert result.stderr == ""
    assert f"{seam.rpartition('.')[2]}. Install a Requests" in result.stdout


def test_a_session_made_before_the_import_gets_the_event_of_its_requests(url: str) -> None:
    code = f"""
import requests
client = requests.Session()
import oauth_hook
def hook(request):
    request.headers["X-Mark"] = "a"
assert client.get({url!r}, hooks={{"pre_request": hook}}).text == "a"
client.hooks["pre_request"] = [hook]
assert client.get({url!r}).text == "a"
client.close()
"""
    assert run(code).stderr == ""


# The small print


@pytest.mark.parametrize("hooks", [None, {}])
def test_neither_the_session_nor_the_request_needs_hooks(
    client: requests.Session, url: str, hooks: Any
) -> None:
    client.hooks = hooks

    assert client.get(url).ok


def test_what_session_is_not_given_is_what_it_ever_was() -> None:
    with requests.session() as session, requests.Session() as ever:
        names = ["auth", "params", "stream", "verify", "cert", "max_redirects", "trust_env"]
        assert [getattr(session, name) for name in names] == [getattr(ever, name) for name in names]


def test_the_settings_of_session_are_in_its_signature() -> None:
    parameters = inspect.signature(requests.session).parameters
    assert {"headers", "hooks", "trust_env"} <= parameters.keys()


@pytest.mark.parametrize("seam", ["sessions.PreparedRequest", "sessions.session"])
def test_any_missing_seam_stops_the_import_and_is_named(seam: str) -> None:
    code = f"import requests; del requests.{seam}; import oauth_hook"

    assert f"has no requests.{seam}" in run(code).stderr


def test_a_send_that_was_replaced_stops_the_import() -> None:
    code = "import requests; requests.Session.send = lambda *_, **__: None; import oauth_hook"

    assert "while requests.Session.send is replaced" in run(code).stderr


def test_a_session_that_is_mocked_stops_the_import() -> None:
    code = """
from unittest import mock
with mock.patch("requests.sessions.Session"):
    import oauth_hook
"""
    assert "while requests.sessions.Session is replaced" in run(code).stderr
