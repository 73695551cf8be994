"""The sandbox's authorization page as HTTP: its headers, its forms, forged ones too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl

import pytest
import requests
from misbehaving import form, misbehaving, sends
from sandbox_client import page_url

from oauth_hook.sandbox import Sandbox, user

NAME = 'Ann & Bob\'s <b>"Photo"</b> Printer'
CALLBACK = "http://127.0.0.1:1/callback"


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    with Sandbox(application=NAME) as sandbox:
        yield sandbox


def fields(page: requests.Response) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', page.text))


def press(
    session: requests.Session, page: requests.Response, decision: str = "allow", **headers: str
) -> requests.Response:
    form = {**fields(page), "decision": decision}
    url = page.url.partition("?")[0]
    return session.post(url, form, headers=headers, timeout=10, allow_redirects=False)


@pytest.mark.parametrize("known", [True, False])
def test_page_can_be_neither_framed_nor_kept_nor_told_to_others(
    provider: Sandbox, known: bool
) -> None:
    url = page_url(provider) if known else f"{provider.authorize_url}?oauth_token=x"
    headers = requests.get(url, timeout=10).headers
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";")
    )
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")


def test_page_keeps_its_session_from_scripts_and_other_sites(provider: Sandbox) -> None:
    cookie = requests.get(page_url(provider), timeout=10).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/authorize"} <= set(cookie.split("; "))


def test_page_escapes_the_applications_name(provider: Sandbox) -> None:
    text = requests.get(page_url(provider), timeout=10).text
    assert "Ann &amp; Bob&#39;s &lt;b&gt;" in text
    assert "<b>&#34;Photo" not in text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("oauth_token=", 404),
        ("oauth_token=x", 404),
        ("oauth_token=%ff", 400),
        ("oauth_token=x&oauth_token=y", 400),
    ],
)
def test_link_that_is_wrong_gets_a_page_that_says_so(
    provider: Sandbox, query: str, status: int
) -> None:
    answer = requests.get(f"{provider.authorize_url}?{query}", timeout=10)
    assert (answer.status_code, "<h1>This link is" in answer.text) == (status, True)


@pytest.mark.parametrize("first", ["allow", "deny"])
def test_decision_is_made_once(provider: Sandbox, first: str) -> None:
    with requests.Session() as session:
        page = session.get(page_url(provider), timeout=10)
        assert press(session, page, first).status_code == 200
        assert session.get(page.url, timeout=10).status_code == 410
        assert press(session, page, {"allow": "deny", "deny": "allow"}[first]).status_code == 410


def test_allow_pressed_twice_gives_the_same_pin(provider: Sandbox) -> None:
    with requests.Session() as session:
        page = session.get(page_url(provider), timeout=10)
        assert pin(press(session, page).text) == pin(press(session, page).text)


def pin(html: str) -> str:
    match = re.search(r'<output id="pin"[^>]*>(\d{8})</output>', html)
    assert match, html
    return match[1]


def test_only_a_post_decides(provider: Sandbox) -> None:
    with requests.Session() as session:
        page = session.get(page_url(provider), timeout=10)
        session.get(f"{page.url}&decision=allow&proof={fields(page)['proof']}", timeout=10)
        assert session.put(page.url, timeout=10).status_code == 405
        assert session.get(page.url, timeout=10).status_code == 200


def _without_cookie(
    session: requests.Session, page: requests.Response, _: str
) -> requests.Response:
    session.cookies.clear()
    return press(session, page)


def _without_proof(session: requests.Session, page: requests.Response, _: str) -> requests.Response:
    form = {"oauth_token": fields(page)["oauth_token"], "decision": "allow"}
    return session.post(page.url, form, timeout=10)


def _for_another_token(
    session: requests.Session, page: requests.Response, other: str
) -> requests.Response:
    form = {**fields(page), "oauth_token": other.rpartition("=")[2], "decision": "allow"}
    return session.post(page.url, form, timeout=10)


def _from_another_browser(
    session: requests.Session, page: requests.Response, other: str
) -> requests.Response:
    session.cookies.clear()
    session.get(other, timeout=10)
    return press(session, page)


def _from_another_site(
    session: requests.Session, page: requests.Response, _: str
) -> requests.Response:
    return press(session, page, **{"Sec-Fetch-Site": "same-site"})


@pytest.mark.parametrize(
    "forge",
    [
        _without_cookie,
        _without_proof,
        _for_another_token,
        _from_another_browser,
        _from_another_site,
    ],
)
def test_forged_form_decides_nothing(
    provider: Sandbox,
    forge: Callable[[requests.Session, requests.Response, str], requests.Response],
) -> None:
    with requests.Session() as session:
        page = session.get(page_url(provider), timeout=10)
        assert forge(session, page, page_url(provider)).status_code == 403
        assert session.get(page.url, timeout=10).status_code == 200


@pytest.mark.parametrize("same", [True, False])
def test_second_tab_does_not_spoil_the_first(provider: Sandbox, same: bool) -> None:
    with requests.Session() as session:
        first = session.get(page_url(provider), timeout=10)
        session.get(first.url if same else page_url(provider), timeout=10)
        assert press(session, first).status_code == 200


@pytest.mark.parametrize(
    ("callback", "before", "after"),
    [
        (CALLBACK, f"{CALLBACK}?", ""),
        (f"{CALLBACK}?", f"{CALLBACK}?", ""),
        (f"{CALLBACK}?a=%2F&b=+c#d", f"{CALLBACK}?a=%2F&b=+c&", "#d"),
        ("app:done", "app:done?", ""),
    ],
)
def test_allow_adds_to_the_callback_and_changes_nothing(
    provider: Sandbox, callback: str, before: str, after: str
) -> None:
    with requests.Session() as session:
        page = session.get(page_url(provider, callback), timeout=10)
        answer = press(session, page)
    location = answer.headers["Location"]
    added = location.removeprefix(before).removesuffix(after)
    assert answer.status_code == 303
    assert location == before + added + after
    assert [name for name, _ in parse_qsl(added)] == ["oauth_token", "oauth_verifier"]


@pytest.mark.parametrize("method", ["authorize", "deny"])
def test_pressing_a_button_where_there_is_none_says_why(provider: Sandbox, method: str) -> None:
    with pytest.raises(RuntimeError, match=r"This link is not known here\. Nobody"):
        getattr(provider, method)("unknown & strange")


def test_a_page_that_says_nothing_is_named_by_its_status() -> None:
    with (
        misbehaving(sends(form("", "503 Later"))) as server,
        pytest.raises(RuntimeError, match="The authorization page says: 503 Later"),
    ):
        user.press("allow", f"{server.url}?oauth_token=t")
