"""A local OAuth 1.0a provider (RFC 5849) to try things on and to test against: an extra.

It must know nothing of how ``oauth_hook`` signs: it verifies with oauthlib, so that it can
disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oauth_hook.sandbox.provider import Sandbox

__all__ = ["Sandbox"]

_EXTRA = ("jinja2", "oauthlib", "werkzeug")


if not TYPE_CHECKING:  # a type checker would take it to have any name

    def __getattr__(name: str) -> Any:
        # Loaded on first use: pytest imports this package in every run to reach the fixture's
        # plugin, also where the extra isn't installed.
        if name != "Sandbox":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from oauth_hook.sandbox.provider import Sandbox
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _EXTRA:
                raise
            raise ImportError(
                f"The sandbox needs {error.name}, which is not installed: "
                "pip install 'requests-oauth[sandbox]'",
                name=error.name,
            ) from error
        globals()["Sandbox"] = Sandbox
        return Sandbox


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
