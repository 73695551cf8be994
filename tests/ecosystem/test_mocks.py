"""responses, requests-mock, vcrpy, pytest-httpserver: what tests of signed clients are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import requests_cache
import requests_mock
import responses
import vcr
from conftest import OAUTH_PARAMETERS, run, verified
from pytest_httpserver import HTTPServer
from servers import Answer, Provider

from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox

URL = "http://api.example/statuses"


def assert_signed(request: requests.PreparedRequest, header_auth: bool) -> None:
    authorization = request.headers.get("Authorization", "")
    query = parse_qs(urlsplit(request.url).query)
    if header_auth:
        assert authorization.startswith("OAuth ")
        assert all(f'{name}="' in authorization for name in OAUTH_PARAMETERS)
        assert not OAUTH_PARAMETERS & query.keys()
    else:
        assert authorization == ""
        assert query.keys() >= OAUTH_PARAMETERS


# responses


@responses.activate
def test_responses_answers_and_keeps_the_signed_request(
    signed: dict[str, Any], header_auth: bool
) -> None:
    responses.get(URL, json={"id": 1})

    assert requests.get(URL, **signed).json() == {"id": 1}
    assert_signed(responses.calls[0].request, header_auth)


@responses.activate
def test_responses_matches_the_query_in_header_mode(
    signed: dict[str, Any], hook: OAuthHook
) -> None:
    hook.header_auth = True
    responses.get(URL, match=[responses.matchers.query_param_matcher({"a": "1"})])

    assert requests.get(URL, params={"a": "1"}, **signed).status_code == 200


@responses.activate
def test_responses_matches_the_query_loosely_in_query_mode(
    signed: dict[str, Any], hook: OAuthHook
) -> None:
    hook.header_auth = False
    loosely = responses.matchers.query_param_matcher({"a": "1"}, strict_match=False)
    responses.get(URL, match=[loosely])

    assert requests.get(URL, params={"a": "1"}, **signed).status_code == 200


@responses.activate
def test_responses_matches_a_form(signed: dict[str, Any]) -> None:
    form = {"status": "Yay! It works!"}
    responses.post(URL, match=[responses.matchers.urlencoded_params_matcher(form)])

    assert requests.post(URL, form, **signed).status_code == 200


@responses.activate
def test_responses_lets_a_request_through_to_the_provider(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    responses.add_passthru(provider.url)

    assert verified(requests.get(provider.resource_url, **signed))["place"] == place


# requests-mock, which pytest has imported as a plugin before anything imports oauth_hook


def test_requests_mock_answers_and_keeps_the_signed_request(
    signed: dict[str, Any], header_auth: bool
) -> None:
    with requests_mock.Mocker() as mocker:
        mocker.get(URL, json={"id": 1})

        assert requests.get(URL, **signed).json() == {"id": 1}
        assert_signed(mocker.last_request, header_auth)


def test_requests_mock_as_a_fixture_keeps_the_signed_request(
    requests_mock: requests_mock.Mocker, signed: dict[str, Any], header_auth: bool
) -> None:
    requests_mock.post(URL)

    requests.post(URL, {"status": "Yay! It works!"}, **signed)

    assert_signed(requests_mock.last_request, header_auth)


def test_requests_mock_as_an_adapter_keeps_the_signed_request(
    sign: Callable[[Any], Any], header_auth: bool
) -> None:
    adapter = requests_mock.Adapter()
    adapter.register_uri("GET", URL)
    with sign(requests.Session()) as client:
        client.mount("http://", adapter)
        client.get(URL)

    assert_signed(adapter.last_request, header_auth)


def test_requests_mock_lets_a_request_through_to_the_provider(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    with requests_mock.Mocker(real_http=True):
        response = requests.get(provider.resource_url, **signed)

    assert verified(response)["place"] == place


def test_requests_mock_leaves_signing_as_it_was(
    provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    with requests_mock.Mocker() as mocker:
        mocker.get(URL)
        requests.get(URL, **signed)

    assert verified(requests.get(provider.resource_url, **signed))["place"] == place


@pytest.mark.parametrize(
    "imports",
    ["import oauth_hook, requests_mock", "import requests_mock, oauth_hook"],
    ids=["imported after", "imported before"],
)
def test_requests_mock_sees_the_signature_whichever_is_imported_first(imports: str) -> None:
    code = f"""
{imports}
import requests
hook = oauth_hook.OAuthHook("t", "s", "k", "s", True)
with requests_mock.Mocker() as mocker:
    mocker.get({URL!r})
    requests.get({URL!r}, hooks={{"pre_request": hook}})
    print(mocker.last_request.headers["Authorization"][:6])
"""
    assert run(code) == "OAuth \n"


def test_an_import_while_requests_is_mocked_is_refused_since_it_could_not_last() -> None:
    code = """
import requests_mock
with requests_mock.Mocker():
    try:
        import oauth_hook
    except ImportError as error:
        print(error)
import oauth_hook
"""
    assert "import oauth_hook before" in run(code)


# vcrpy: the README's filter and matcher

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CONFIGURATION = README.partition("```python\nimport requests_cache\n")[2].partition("\n```\n")[0]


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the README's lines make: a cache, and a recorder of cassettes."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"requests_cache": requests_cache}
    exec(CONFIGURATION, names)
    yield names
    names["client"].close()


@pytest.fixture
def recorder(configured: dict[str, Any], tmp_path: Path) -> vcr.VCR:
    recorder: vcr.VCR = configured["recorder"]
    recorder.cassette_library_dir = str(tmp_path)
    return recorder


def test_the_readmes_cache_stores_no_oauth_parameter(
    configured: dict[str, Any], telling: Provider, signed: dict[str, Any]
) -> None:
    telling.always("/", Answer(200, {}, b"{}"))
    client = configured["client"]

    client.get(f"{telling.url}/?a=1", **signed)

    (stored,) = client.cache.responses.values()
    assert "oauth_nonce" in telling.messages[0].oauth
    for name, value in telling.messages[0].oauth.items():
        if name not in ("oauth_version", "oauth_signature_method"):
            assert value not in f"{stored.request.url} {stored.request.headers}"


def test_a_cassette_replays(
    recorder: vcr.VCR, provider: Sandbox, signed: dict[str, Any], place: str
) -> None:
    with recorder.use_cassette("replayed.yaml"):
        first = requests.get(provider.resource_url, params={"a": "1"}, **signed)
    with recorder.use_cassette("replayed.yaml", record_mode="none") as cassette:
        second = requests.get(provider.resource_url, params={"a": "1"}, **signed)

    assert verified(first)["place"] == place
    assert (second.text, cassette.play_count) == (first.text, 1)


def test_a_cassette_does_not_replay_for_another_request(
    recorder: vcr.VCR, provider: Sandbox, signed: dict[str, Any]
) -> None:
    with recorder.use_cassette("other.yaml"):
        requests.get(provider.resource_url, params={"a": "1"}, **signed)

    with (
        recorder.use_cassette("other.yaml", record_mode="none"),
        pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException),
    ):
        requests.get(provider.resource_url, params={"a": "2"}, **signed)


@pytest.mark.parametrize("form_auth", [False, True], ids=["as it is", "in the form"])
def test_a_cassette_holds_no_credentials_in_its_requests(
    recorder: vcr.VCR,
    telling: Provider,
    hook: OAuthHook,
    way: str,
    tmp_path: Path,
    form_auth: bool,
) -> None:
    """Of what the client said. What a provider answers, its author must look through."""
    telling.always("/", Answer(200, {}, b"{}"))
    assert hook.token is not None
    hook = OAuthHook(
        *(hook.token.key, hook.token.secret, hook.consumer.key, hook.consumer.secret),
        hook.header_auth,
        form_auth=form_auth,
    )
    signed: Any = {"auth": hook} if way == "auth" else {"hooks": {"pre_request": hook}}
    with recorder.use_cassette("silent.yaml"):
        requests.post(f"{telling.url}/", {"status": "Yay!", "oauth_callback": "oob"}, **signed)

    cassette = (tmp_path / "silent.yaml").read_text()

    assert "status=Yay" in cassette
    assert "oauth_" not in cassette
    assert hook.token is not None
    assert hook.token.key not in cassette
    assert hook.consumer.key not in cassette


# pytest-httpserver


@pytest.fixture
def server(make_httpserver: HTTPServer) -> Iterator[HTTPServer]:
    make_httpserver.clear()
    yield make_httpserver
    make_httpserver.check_assertions()


def test_httpserver_receives_the_signed_request(
    server: HTTPServer, signed: dict[str, Any], header_auth: bool
) -> None:
    server.expect_request("/statuses", method="POST").respond_with_json({"id": 1})

    response = requests.post(server.url_for("/statuses"), {"status": "Yay!"}, **signed)
    [(received, _)] = server.log

    assert response.json() == {"id": 1}
    assert received.form["status"] == "Yay!"
    if header_auth:
        assert received.headers["Authorization"].startswith("OAuth ")
    else:
        assert received.args.keys() == OAUTH_PARAMETERS


def test_httpserver_expects_a_query_in_header_mode(
    server: HTTPServer, signed: dict[str, Any], hook: OAuthHook
) -> None:
    hook.header_auth = True
    server.expect_request("/statuses", query_string={"a": "1"}).respond_with_data("")

    assert requests.get(server.url_for("/statuses?a=1"), **signed).status_code == 200
