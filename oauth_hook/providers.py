"""Where named providers have their endpoints, as their own documentation says.

Only what was found documented stands here, with its source. Knows no request.

Not here, for they have no exchange that ``authorize`` could do: MAAS, WooCommerce, HERE, Mastercard
and LTI, which hand out their keys; NetSuite, whose endpoints are on two hosts of each account;
Launchpad, which gives no verifier; Magento, which sends its verifier by itself. Of Garmin no public
documentation was found.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PROVIDERS", "Provider"]


class Provider(NamedTuple):
    """The three endpoints of RFC 5849 section 2, and what the provider demands beside the RFC.

    ``{base_url}`` in them stands for where an installation of one's own is, without a slash at the
    end; ``{consumer_key}`` for the consumer's key, percent-encoded.
    """

    request_token_url: str
    authorize_url: str
    access_token_url: str
    #: The OAuth parameters must be in the Authorization header.
    header_auth: bool = False
    signature_method: str = "HMAC-SHA1"
    #: "GET" where the provider asks for that.
    request_token_method: str = "POST"
    access_token_method: str = "POST"

    @property
    def needs_base_url(self) -> bool:
        return "{base_url}" in self.request_token_url


PROVIDERS = {
    # The request token by GET, the access token by POST, both shown in the header only:
    # https://www.discogs.com/developers/#page:authentication,header:authentication-oauth-flow
    "discogs": Provider(
        "https://api.discogs.com/oauth/request_token",
        "https://www.discogs.com/oauth/authorize",
        "https://api.discogs.com/oauth/access_token",
        header_auth=True,
        request_token_method="GET",
    ),
    # All three by GET, HMAC-SHA1 only; authorize wants perms=read, write or delete:
    # https://www.flickr.com/services/api/auth.oauth.html
    "flickr": Provider(
        "https://www.flickr.com/services/oauth/request_token",
        "https://www.flickr.com/services/oauth/authorize",
        "https://www.flickr.com/services/oauth/access_token",
        request_token_method="GET",
        access_token_method="GET",
    ),
    # Jira Data Center; signs with RSA-SHA1:
    # https://developer.atlassian.com/server/jira/platform/oauth/
    "jira": Provider(
        "{base_url}/plugins/servlet/oauth/request-token",
        "{base_url}/plugins/servlet/oauth/authorize",
        "{base_url}/plugins/servlet/oauth/access-token",
        signature_method="RSA-SHA1",
    ),
    # The base URL ends in index.php, and so as https://meta.wikimedia.org/w/index.php:
    # https://www.mediawiki.org/wiki/OAuth/For_Developers, and for that base URL mwoauth,
    # https://github.com/mediawiki-utilities/python-mwoauth/blob/master/mwoauth/functions.py
    "mediawiki": Provider(
        "{base_url}?title=Special:OAuth/initiate",
        "{base_url}?title=Special:OAuth/authorize&oauth_consumer_key={consumer_key}",
        "{base_url}?title=Special:OAuth/token",
        header_auth=True,
    ),
    # This package's own: python -m oauth_hook sandbox
    "sandbox": Provider(
        "{base_url}/request_token", "{base_url}/authorize", "{base_url}/access_token"
    ),
    # https://developer.atlassian.com/cloud/trello/guides/rest-api/authorization/
    "trello": Provider(
        "https://trello.com/1/OAuthGetRequestToken",
        "https://trello.com/1/OAuthAuthorizeToken",
        "https://trello.com/1/OAuthGetAccessToken",
    ),
    # Header only, HMAC-SHA1 only: https://github.com/tumblr/docs/blob/master/api.md
    # It names GET for the access token; Tumblr's own client takes POST, which is the RFC's way:
    # https://github.com/tumblr/pytumblr/blob/master/interactive_console.py
    "tumblr": Provider(
        "https://www.tumblr.com/oauth/request_token",
        "https://www.tumblr.com/oauth/authorize",
        "https://www.tumblr.com/oauth/access_token",
        header_auth=True,
    ),
    # With the plugin rest-api-oauth1, "typically" there: https://github.com/WP-API/OAuth1
    "wordpress": Provider(
        "{base_url}/oauth1/request", "{base_url}/oauth1/authorize", "{base_url}/oauth1/access"
    ),
    # https://docs.x.com/fundamentals/authentication/api-reference
    "x": Provider(
        "https://api.x.com/oauth/request_token",
        "https://api.x.com/oauth/authorize",
        "https://api.x.com/oauth/access_token",
        header_auth=True,
    ),
}
