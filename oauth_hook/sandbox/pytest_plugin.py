"""The pytest fixture ``oauth_sandbox``, for tests of whoever has requests-oauth installed.

pytest imports this module in every run, and with it the package and Requests; what the provider
needs is imported when a test uses the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from oauth_hook.sandbox import Sandbox


@pytest.fixture
def oauth_sandbox() -> Iterator[Sandbox]:
    """A running OAuth 1.0a provider on loopback, new and empty for each test."""
    try:
        from oauth_hook.sandbox import Sandbox
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    with Sandbox() as provider:
        yield provider
