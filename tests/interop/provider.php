<?php
// PHP's OAuthProvider (PECL oauth), behind `php -S`: says of any request whether it finds it signed.
declare(strict_types=1);

$provider = new OAuthProvider();
// It takes the secrets as they stand in the key of the HMAC, already percent-encoded (RFC 5849 section
// 3.4.2), which its manual does not say.
$provider->consumerHandler(function (OAuthProvider $provider): int {
    $provider->consumer_secret = rawurlencode(getenv('CONSUMER_SECRET'));
    return $provider->consumer_key === getenv('CONSUMER_KEY') ? OAUTH_OK : OAUTH_CONSUMER_KEY_UNKNOWN;
});
$provider->timestampNonceHandler(fn (): int => OAUTH_OK);
$provider->tokenHandler(function (OAuthProvider $provider): int {
    $provider->token_secret = rawurlencode(getenv('TOKEN_SECRET'));
    return $provider->token === getenv('TOKEN') ? OAUTH_OK : OAUTH_TOKEN_REJECTED;
});
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$provider->setRequestTokenPath('/request_token');
if ($path === '/consumer') {
    $provider->is2LeggedEndpoint(true);
}
try {
    $provider->checkOAuthRequest();
    $problem = null;
} catch (OAuthException $error) {
    $problem = OAuthProvider::reportProblem($error, false);
}
header('Problems: ' . json_encode(['OAuthProvider' => $problem]));
