"""rauth: the README's line for it, in a process of its own, for it is old and full of warnings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from oauth_hook.sandbox import Sandbox

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
(LINE,) = re.findall(r"^(OAuth1Service.*\S) +# before$", README, re.MULTILINE)
PROGRAM = f"""
import sys
from rauth import OAuth1Service
url, t, ts, key, secret = sys.argv[1:]
session = {LINE}
assert session.get(url, params={{"a": "1"}}).json()["oauth_token"] == t
"""


def test_the_readmes_line_before_ours_runs(provider: Sandbox) -> None:
    consumer = provider.consumer_key, provider.consumer_secret
    arguments = (provider.resource_url, *provider.issue_token(), *consumer)

    subprocess.run([sys.executable, "-c", PROGRAM, *arguments], check=True)
