"""gevent: monkey-patching, of all or a part, before and after the imports of Requests and of us."""

from __future__ import annotations

import pytest
from conftest import run

from oauth_hook.sandbox import Sandbox

#: Patching late, gevent warns that ssl is there already.
PATCH = """
import warnings
from gevent import monkey
warnings.simplefilter("ignore", monkey.MonkeyPatchWarning)
monkey.patch_all()
"""
REQUESTS = "import requests"
OAUTH_HOOK = "from oauth_hook import OAuthHook"

CODE = """
import sys
{steps}
import gevent
url, *credentials = sys.argv[1:]
def send(header_auth, way, number):
    hook = OAuthHook(*credentials, header_auth)
    signed = {{"auth": hook}} if way == "auth" else {{"hooks": {{"pre_request": hook}}}}
    report = requests.post(f"{{url}}/{{number}}", {{"a": "1"}}, **signed).json()
    assert report["place"] == ("header" if header_auth else "query"), report
    return dict(report["oauth"])["oauth_nonce"]
jobs = [
    gevent.spawn(send, header_auth, way, number)
    for header_auth in (True, False) for way in ("pre_request", "auth") for number in range(10)
]
gevent.joinall(jobs, raise_error=True)
print(len({{job.value for job in jobs}}))

# One prepared request and one hook, in many greenlets at once.
hook = OAuthHook(*credentials)
with requests.Session() as client:
    prepared = requests.Request("POST", url, data={{"a": "1"}}, auth=hook).prepare()
    jobs = [gevent.spawn(client.send, prepared) for _ in range(20)]
    gevent.joinall(jobs, raise_error=True)
    print({{job.value.status_code for job in jobs}})
"""


@pytest.mark.parametrize(
    "steps",
    [
        (PATCH, REQUESTS, OAUTH_HOOK),
        (REQUESTS, PATCH, OAUTH_HOOK),
        (REQUESTS, OAUTH_HOOK, PATCH),
        (PATCH, OAUTH_HOOK, REQUESTS),
    ],
    ids=[
        "before Requests and oauth_hook",
        "between Requests and oauth_hook",
        "after both",
        "before oauth_hook and Requests",
    ],
)
def test_requests_of_many_greenlets_are_signed(
    steps: tuple[str, str, str], provider: Sandbox
) -> None:
    code = CODE.format(steps="\n".join(steps))
    credentials = *provider.issue_token(), provider.consumer_key, provider.consumer_secret

    assert run(code, provider.resource_url, *credentials) == "40\n{200}\n"


EXCHANGE = """
import warnings
from gevent import monkey
warnings.simplefilter("ignore", monkey.MonkeyPatchWarning)
if {early}: monkey.patch_all({parts})
import sys
import requests
from oauth_hook import OAuthHook, three_legged
if not {early}: monkey.patch_all({parts})
import gevent
url, *consumer = sys.argv[1:]
hook = OAuthHook(None, None, *consumer)
def ask():
    return three_legged.request_token(url, hook, timeout=30).fields
print(ask())
jobs = [gevent.spawn(ask) for _ in range(3)]
gevent.joinall(jobs, raise_error=True)
print(len(jobs))
"""


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("parts", ["", "thread=False, select=False", "queue=False"])
def test_the_exchange_works_whatever_is_patched(provider: Sandbox, parts: str, early: bool) -> None:
    """As grequests leaves threads unpatched."""
    code = EXCHANGE.format(early=early, parts=parts)
    consumer = provider.consumer_key, provider.consumer_secret
    printed = run(code, provider.request_token_url, *consumer)
    assert printed == "{'oauth_callback_confirmed': 'true'}\n3\n"
