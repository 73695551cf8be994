"""A program that uses every public name and every way of giving a request the hook, as users write
it: type checkers pass it as it stands, and it runs, against the sandbox."""

from __future__ import annotations

import os
import sys
import tempfile

import requests

from oauth_hook import (
    AuthorizationDenied,
    Consumer,
    CredentialError,
    CredentialTypeError,
    ExchangeError,
    InvalidCallback,
    InvalidURL,
    OAuthError,
    OAuthHook,
    SignatureMethodError,
    Token,
    TokenRequestDenied,
    TokenRequestFailed,
    TokenRequestTimeout,
    UnreadableBody,
    UnreadableForm,
    UnsignableRequest,
    credential_file,
    three_legged,
)
from oauth_hook.providers import PROVIDERS, Provider
from oauth_hook.retries import SigningAdapter
from oauth_hook.sandbox import Sandbox
from oauth_hook.three_legged import AccessToken, RequestToken


class Program(OAuthHook):
    """One consumer for all hooks of a program."""

    consumer_key = "dpf43f3p2l4k3l03"
    consumer_secret = "kd94hf93k423kf44"
    header_auth = True


def ways_of_one_request(url: str, hook: OAuthHook) -> list[requests.Response]:
    return [
        requests.get(url, hooks={"pre_request": hook}),
        requests.get(url, hooks={"pre_request": [hook]}),
        requests.post(url, {"status": "Yay!"}, hooks={"pre_request": hook, "response": seen}),
        requests.post(url, json={"status": "Yay!"}, auth=hook),
        requests.request("PUT", url, files={"image": b"GIF89a"}, auth=hook),
    ]


def seen(response: requests.Response, **how: object) -> None:
    print(response.status_code, file=sys.stderr)


def ways_of_a_session(url: str, hook: OAuthHook) -> list[requests.Response]:
    responses: list[requests.Response] = []
    with requests.Session() as client:
        client.hooks["pre_request"].append(hook)
        responses.append(client.get(url, params={"a": "1"}))
    with requests.Session() as client:
        client.hooks["pre_request"] = [hook]
        responses.append(client.delete(url))
    with requests.Session() as client:
        client.hooks = {"pre_request": [hook], "response": []}
        responses.append(client.get(url))
    with requests.Session() as client:
        client.hooks.update(pre_request=[hook])
        responses.append(client.get(url))
    with requests.Session() as client:
        client.auth = hook
        client.mount("http://", SigningAdapter(max_retries=3))
        responses.append(client.get(url))
    return responses


def ways_of_a_prepared_request(url: str, hook: OAuthHook) -> list[requests.Response]:
    with requests.Session() as client:
        by_hook = requests.Request("GET", url, hooks={"pre_request": hook}).prepare()
        by_auth = client.prepare_request(requests.Request("GET", url, auth=hook))
        registered = requests.Request("GET", url).prepare()
        registered.register_hook("pre_request", hook)
        by_hand: requests.PreparedRequest = hook(requests.Request("GET", url).prepare())
        return [client.send(prepared) for prepared in (by_hook, by_auth, registered, by_hand)]


def credentials(hook: OAuthHook) -> None:
    consumer: Consumer = hook.consumer
    token: Token | None = hook.token
    hook.consumer = Consumer(consumer.key, consumer.secret)
    hook.consumer = (consumer.key, consumer.secret)
    if token is not None:
        hook.token = Token(key=token.key, secret=token.secret)
        hook.token = (token.key, token.secret)
    hook.header_auth = not hook.header_auth


def kinds_of_hooks() -> list[OAuthHook]:
    def own(base_string: str, consumer_secret: str, token_secret: str) -> str:
        return base_string[:20]

    return [
        Program(),
        Program("token", "secret"),
        OAuthHook(b"token", b"secret", b"key", b"secret", True),
        OAuthHook(consumer_key="key", consumer_secret="", signature_method="HMAC-SHA256"),
        OAuthHook(
            consumer_key="key",
            consumer_secret="secret",
            header_auth=True,
            signature_method=("OWN", own),
            realm="Photos",
            oauth_version=False,
            body_hash=True,
        ),
    ]


def explained(hook: OAuthHook, request: requests.PreparedRequest) -> str:
    explanation = hook.explain(request)
    shown = [f"{parameter.source} {parameter.name}" for parameter in explanation.parameters]
    return f"{explanation.method} {shown} {explanation.signature_base_string}\n{explanation}"


def exchanged(provider: Sandbox) -> AccessToken:
    hook = OAuthHook(consumer_key=provider.consumer_key, consumer_secret=provider.consumer_secret)
    token: RequestToken = three_legged.request_token(provider.request_token_url, hook)
    print(three_legged.authorization_url(provider.authorize_url, token), file=sys.stderr)
    return three_legged.access_token(
        provider.access_token_url, hook, token, provider.authorize(token.key)
    )


def returned(callback_url: str, token: Token) -> str:
    try:
        return three_legged.verifier(callback_url, token)
    except AuthorizationDenied as error:
        return error.problem.get("oauth_problem", "denied")
    except InvalidCallback as error:
        return str(error)


def kept(hook: OAuthHook) -> OAuthHook:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "credentials.json")
        credential_file.save(hook, path)
        return credential_file.load(path)


def said(error: requests.RequestException) -> str:
    if isinstance(error, (TokenRequestDenied, TokenRequestTimeout, TokenRequestFailed)):
        return f"no token: {error.problem}"
    if isinstance(error, ExchangeError):
        return f"no exchange: {error.response}"
    if isinstance(error, (CredentialError, CredentialTypeError, SignatureMethodError)):
        return f"no hook: {error}"
    if isinstance(error, (InvalidURL, UnreadableForm, UnreadableBody, UnsignableRequest)):
        return f"not signed: {error.request}"
    return "OAuth" if isinstance(error, OAuthError) else "not OAuth"


def main() -> None:
    with Sandbox() as provider:
        user = exchanged(provider)
        hook, fields = user
        assert user.token.key
        for header_auth in (True, False):
            hook.header_auth = header_auth
            for ways in (ways_of_one_request, ways_of_a_session, ways_of_a_prepared_request):
                for response in ways(provider.resource_url, kept(hook)):
                    response.raise_for_status()
                    assert "oauth_nonce" in explained(hook, response.request)
        credentials(hook)
    print(len(kinds_of_hooks()), len(fields) > 0)
    try:
        Program("token")
    except CredentialError as error:
        print(said(error))
    provider_of_photos: Provider = next(iter(PROVIDERS.values()))
    print(provider_of_photos.authorize_url.partition(":")[0])
    print(returned("https://photos.example/ready?denied=token", Token("token", "")))


if __name__ == "__main__":
    main()
