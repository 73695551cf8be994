"""``explain --compare``: each usual cause of another base string is named."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import requests

from oauth_hook import OAuthHook
from oauth_hook.commands.comparison import compared

OURS = (
    OAuthHook("token", "hush-secret", "key", "hush-secret")
    .explain(
        requests.Request(
            "POST", "https://a.example:8080/b%20c/d?q=x%20y&%C3%A9=1", data={"f": "é+ü"}
        ).prepare()
    )
    .signature_base_string
)


MOJIBAKE = "f%3D%25C3%2583%25C2%25A9%252B%25C3%2583%25C2%25BC"


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("ours", "theirs", "cause"),
    [
        ("POST&", "GET&", "saw the method GET, not POST"),
        ("https%3A", "http%3A", "saw http, not https. Usually a proxy"),
        ("%3A8080", "", "saw the host a.example, not a.example:8080"),
        ("a.example", "inside", "saw the host inside:8080, not a.example:8080"),
        ("%2Fb%2520c%2Fd", "%2Fd", "saw the path /d, not /b%20c/d. Usually a proxy"),
        ("c%2Fd&", "c%2Fd%2F&", "differ by a slash at the end"),
        ("%2520c%2F", "+c%2F", "saw the path"),
        ("b%2520c", "%2562%2520c", "the same but percent-encoded otherwise: /%62%20c/d"),
        ("%2Fd&", "%2Fd%3Fq%3D1&", "has a query in it"),
        ("%2Fd&", "%2Fd%23f&", "has a query in it"),
        ("https%3A%2F%2Fa", "https%3a%2f%2fa", "escapes are in lower case, such as %3a"),
        ("q%3Dx", "q%3dx", "escapes are in lower case, such as %3d: they must be in upper case"),
        ("%26oauth_nonce", "%26oauth_nonc%65", "The third part is the same but percent-encoded"),
        ("a.example", "a.e%78ample", "The URI is the same but percent-encoded otherwise"),
        ("https%3A", "HTTPS%3A", "The URI is the same but written otherwise: HTTPS:"),
        (
            "https%3A%2F%2Fa.example%3A8080%2F",
            "https://a.example:8080/",
            "not percent-encoded: https://a.example:8080/b%2520c%2Fd, and not https%3A%2F%2Fa.",
        ),
        ("https%3A%2F%2Fa.example%3A8080", "HTTPS://a.example:8080", "not percent-encoded: HTTPS:"),
        ("a.example%3A8080%2Fb%2520c", "%5Bx", "URI is not a URL: https://[x/d."),
        ("https%3A%2F%2Fa.example%3A8080", "", "URI is not a URL: /b%20c/d."),
        ("https%3A%2F%2Fa.example%3A8080", "https%3A", "URI is not a URL: https:/b%20c/d."),
        ("https%3A%2F%2Fa", "%2F%2Fa", "URI is not a URL: //a.example:8080/b%20c/d."),
        ("q%3Dx%2520y", "q%3Dx%252520y", "encoded twice: something on the way"),
        ("q%3Dx%2520y", "q%3Dx%252By", "A space became a plus sign"),
        ("q%3Dx%2520y", "q%3Dx+y", "A space became a plus sign"),
        ("q%3Dx%2520y", "q%3Dx", "q has another value, 'x' and not 'x y'. It was changed on"),
        ("%25C3%25A9%3D1", "%25C3%25A9%3D2", "é has another value, '2' and not '1'"),
        ("q%3Dx%2520y", "q%3D%2578%2520y", "q is the same but percent-encoded otherwise: %78%20y"),
        (
            "%25C3%25A9%3D1",
            "%25c3%25a9%3D1",
            "é is the same but percent-encoded otherwise: %c3%a9=1",
        ),
        ("q%3Dx", "%2571%3D%2578", "q is the same but percent-encoded otherwise: %71=%78%20y"),
        ("%25C3%25A9%3D1", "%3D%26%25C3%25A9%3D1", "counts a parameter without a name"),
        ("%25C3%25A9%3D1", "%26%25C3%25A9%3D1", "counts a parameter without a name"),
        ("%25C3%25A9%3D1", "%25c3%25a9%3D2", "percent-encoded otherwise: %c3%a9=2"),
        ("f%3D%25C3%25A9%252B%25C3%25BC", MOJIBAKE, "took its UTF-8 for Latin-1"),
        ("f%3D%25C3%25A9%252B%25C3%25BC", "f%3D%25E9%252B%25FC", "encoded it as Latin-1"),
        ("POST&", "post&", "method is post: it must be in upper case"),
        ("oauth_token%3Dtoken", "oauth_token%3Dother", "oauth_token is another: other, not token"),
        ("oauth_token%3Dtoken", "oauth_token%3D%25C3%25A9", "oauth_token is another: é, not token"),
        ("key%3Dkey", "key%3Dother", "oauth_consumer_key is another: other, not key"),
        ("%26oauth_token%3Dtoken", "", "did not count oauth_token. All OAuth parameters but"),
        ("f%3D%25C3%25A9%252B%25C3%25BC%26", "", "did not count f. Usually a form was sent"),
        ("&%25C3", "&added%3D1%26%25C3", "saw a parameter added that this request does not have"),
        (
            "&%25C3",
            "&oauth_body_hash%3D1%26%25C3",
            "saw oauth_body_hash, which is not sent here. Sign with body_hash=True",
        ),
        ("&%25C3", "&%25C3%25BC%3D1%26%25C3", "saw a parameter ü that this request does not have"),
        ("f%3D", "g%3D", "saw a parameter g that this request does not have"),
        ("&%25C3", "&realm%3D1%26%25C3", "signs realm, which must not be"),
        ("&%25C3", "&oauth_signature%3D1%26%25C3", "signs oauth_signature, which must not be"),
        ("&%25C3%25A9%3D1%26f", "&f", "did not count é"),
        ("%26q%3Dx%2520y", "", "did not count q"),
    ],
)
def test_the_cause_of_a_difference(ours: str, theirs: str, cause: str) -> None:
    assert ours in OURS
    same, text = compared(OURS, OURS.replace(ours, theirs, 1))
    assert not same
    assert cause in flat(text)
    assert max(map(len, text.splitlines())) <= 80


def test_a_slash_at_the_end_that_is_here_alone() -> None:
    request = requests.Request("GET", "https://a.example/b/").prepare()
    ours = OAuthHook("t", "s", "k", "s").explain(request).signature_base_string
    text = compared(ours, ours.replace("b%2F&", "b&"))[1]
    assert "differ by a slash at the end: /b, not /b/" in flat(text)


def test_a_method_of_other_characters_than_letters_is_no_reason_not_to_compare() -> None:
    request = requests.Request("VERSION_2", "https://a.example/").prepare()
    ours = OAuthHook("t", "s", "k", "s").explain(request).signature_base_string
    assert "saw http, not https" in flat(compared(ours, ours.replace("https", "http"))[1])


def test_an_unencoded_uri_is_said_to_be_one_though_the_parameters_are_missing() -> None:
    assert "URI is not percent-encoded" in flat(compared(OURS, "POST&https://a.example/b")[1])


def test_one_that_was_cut_off() -> None:
    begins, last = OURS.index("oauth_version"), OURS.rindex("%26")
    for at in (begins - 2, begins - 1, begins, begins + 5, last + 1, last + 2, last + 3):
        text = flat(compared(OURS, OURS[:at])[1])
        assert f"and ends {len(OURS) - at} characters early: it was cut off" in text


@pytest.mark.parametrize("parts", [1, 2])
def test_one_that_the_shell_has_cut_off(parts: int) -> None:
    theirs = "&".join(OURS.split("&")[:parts])
    assert "If the shell cut it at an '&', put it in quotes" in flat(compared(OURS, theirs)[1])


def test_one_without_parameters() -> None:
    theirs = OURS[: OURS.rindex("&") + 1]
    assert "The provider did not count" in flat(compared(OURS, theirs)[1])


def test_another_order() -> None:
    start, _, parameters = OURS.rpartition("&")
    reversed_ = "%26".join(reversed(parameters.split("%26")))
    assert "in another order" in flat(compared(OURS, f"{start}&{reversed_}")[1])


@pytest.mark.parametrize("text", ["", "POST", "nonsense", OURS[:40], f"{OURS}&x", "%", "&&", "&"])
def test_what_is_no_base_string_is_said_to_be_none(text: str) -> None:
    same, shown = compared(OURS, text)
    assert not same
    assert shown


@pytest.mark.parametrize(
    "text",
    [
        OURS.replace("&", "&amp;"),
        quote(OURS, safe=""),
        f"Expected base string: {OURS}",
        f"base_string={OURS}",
    ],
    ids=["HTML", "URL-encoded", "words before it", "a name before it"],
)
def test_a_base_string_that_was_copied_with_more_is_said_to_be_none(text: str) -> None:
    assert "is not a signature base string" in flat(compared(OURS, text)[1])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("POST", "\x1b[2JGET"),
        ("https%3A%2F%2F", "https://\x1b[2J\x07\x9b"),
        ("a.example", "%1B%5B2J"),
        ("oauth_nonce", "\x1b]0;%07%1B"),
        ("oauth_token%3D", "oauth_token%3D%1B%5B2J%251B"),
        ("q%3Dx", "q%3D%1Bx\r\x00"),
    ],
    ids=ascii,
)
def test_nothing_of_the_provider_s_text_steers_the_terminal(ours: str, theirs: str) -> None:
    text = compared(OURS, OURS.replace(ours, theirs, 1))[1]
    assert "".join(text.split("\n")).isprintable()


def test_the_same() -> None:
    same, text = compared(OURS, OURS)
    assert same
    assert "the secrets differ" in flat(text)
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("at", [0, 10, 50, 100, len(OURS) - 1, len(OURS)])
def test_a_caret_stands_under_the_first_difference(at: int) -> None:
    theirs = f"{OURS[:at]}!{OURS[at + 1 :]}"
    lines = compared(OURS, theirs)[1].splitlines()
    assert lines[0] == f"The base strings part at character {at + 1}:"
    assert lines[2][lines[3].index("^")] == "!"
    assert max(map(len, lines[:4])) <= 80


def test_what_stands_before_an_early_difference_is_shown_whole() -> None:
    lines = compared(OURS, f"{OURS[:40]}!{OURS[41:]}")[1].splitlines()
    assert lines[1].startswith(f"  here      {OURS[:41]}")
    assert lines[2].startswith(f"  provider  {OURS[:40]}!")


def test_a_parameter_encoded_here_already() -> None:
    request = requests.Request("GET", "https://a.example/?q=x%2520y").prepare()
    ours = OAuthHook("t", "s", "k", "s").explain(request).signature_base_string
    theirs = ours.replace("x%252520y", "x%2520y")
    assert "encoded twice here: give the plain value" in flat(compared(ours, theirs)[1])
