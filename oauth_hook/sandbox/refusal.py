"""How the provider says no: the OAuth Problem Reporting extension, and words for the person.

It knows what a refusal looks like on the wire, not what leads to one.
"""

from __future__ import annotations

from urllib.parse import quote

from werkzeug.wrappers import Response

__all__ = ["Refusal"]


class Refusal(Exception):
    """A request that the provider does not accept.

    ``problem`` is a word of the OAuth Problem Reporting extension, ``advice`` one sentence,
    ``details`` any number of lines for the person who looks for the mistake; ``fields`` are further
    fields of the extension, such as ``oauth_acceptable_timestamps``. ``status`` is 401, or 400
    where the message itself is malformed (RFC 5849 section 3.2).
    """

    def __init__(
        self,
        problem: str,
        advice: str,
        *,
        details: str = "",
        status: int = 401,
        fields: dict[str, str] | None = None,
    ) -> None:
        super().__init__(advice)
        self.problem = problem
        self.advice = advice
        self.details = details
        self.status = status
        self.fields: dict[str, str] = {
            "oauth_problem": problem,
            **(fields or {}),
            "oauth_problem_advice": advice,
        }

    def response(self, realm: str, *, parsable: bool = False) -> Response:
        """Gives the HTTP response; ``realm`` is what WWW-Authenticate names.

        With ``parsable`` the body's first line is a form with the same fields, for clients that
        parse a token endpoint's answer before they look at its status. It ends in "&", so that what
        follows spoils none of its values.
        """
        encoded = [(name, quote(value, safe="")) for name, value in self.fields.items()]
        challenge = ", ".join(
            [f'realm="{realm}"', *(f'{name}="{value}"' for name, value in encoded)]
        )
        text = f"{self.advice}\n"
        if self.details:
            text += f"\n{self.details.rstrip()}\n"
        if parsable:
            text = "&".join(f"{name}={value}" for name, value in encoded) + f"&\n\n{text}"
        response = Response(text, self.status, mimetype="text/plain")
        response.headers["WWW-Authenticate"] = f"OAuth {challenge}"
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
