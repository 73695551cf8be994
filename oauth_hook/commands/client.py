"""The session with which the commands ask, which says who asks."""

from __future__ import annotations

import requests
from requests.utils import default_user_agent

from .. import __version__


def client() -> requests.Session:
    """A session with a ``User-Agent`` of ours, as Discogs and Tumblr ask for one."""
    session = requests.Session()
    session.headers["User-Agent"] = f"requests-oauth/{__version__} {default_user_agent()}"
    return session
