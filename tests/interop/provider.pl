#!/usr/bin/env perl
# Perl's Net::OAuth, behind HTTP::Daemon: says of any request whether it finds it signed.
use strict;
use warnings;

use Crypt::OpenSSL::RSA;
use HTTP::Daemon;
use JSON::PP;
use Net::OAuth;

# RSA with SHA-2 is Net::OAuth's own RSA-SHA1 (RFC 5849 section 3.4.3), under the name by which
# Net::OAuth looks for a method; the key brings the hash.
for my $name (qw(RSA_SHA256 RSA_SHA512)) {
    no strict 'refs';
    require Net::OAuth::SignatureMethod::RSA_SHA1;
    @{"Net::OAuth::SignatureMethod::${name}::ISA"} = ('Net::OAuth::SignatureMethod::RSA_SHA1');
    $INC{"Net/OAuth/SignatureMethod/$name.pm"} = __FILE__;
}

sub public_key {
    my ($method) = @_;
    return undef unless $method =~ /^RSA-(SHA\d+)$/;
    my $key = Crypt::OpenSSL::RSA->new_public_key($ENV{RSA_PUBLIC_KEY});
    $key->use_pkcs1_padding;
    my $use_hash = 'use_' . lc($1) . '_hash';
    $key->$use_hash;
    return $key;
}

# Section 3.4.1.3.1, with Perl's own decoding of forms.
sub parameters {
    my ($request) = @_;
    my @pairs = $request->uri->query_form;
    if (($request->content_type // '') eq 'application/x-www-form-urlencoded') {
        my $form = URI->new;
        $form->query($request->content);
        push @pairs, $form->query_form;
    }
    if (($request->header('Authorization') // '') =~ /^OAuth (.*)/) {
        push @pairs, map { URI::Escape::uri_unescape($_) } $1 =~ /(oauth_\w+)="([^"]*)"/g;
    }
    utf8::decode($_) for @pairs;
    return {@pairs};
}

sub problem {
    my ($daemon, $request) = @_;
    my $parameters = parameters($request);
    my $method = $parameters->{oauth_signature_method} // '';
    my $url = URI->new($daemon->url)->canonical;
    $url->path($request->uri->path);
    my %settings = (
        request_method => $request->method,
        request_url => $url,
        consumer_secret => $ENV{CONSUMER_SECRET},
        signature_key => public_key($method),
    );
    my $kind = 'consumer';
    if (exists $parameters->{oauth_token}) {
        $kind = 'protected resource';
        $settings{token_secret} = $ENV{TOKEN_SECRET};
    }
    my $message = Net::OAuth->request($kind)->from_hash($parameters, %settings);
    return 'another consumer' if $message->consumer_key ne $ENV{CONSUMER_KEY};
    return 'another token' if $kind ne 'consumer' && $message->token ne $ENV{TOKEN};
    return $message->verify ? undef : 'another signature: ' . $message->signature_base_string;
}

utf8::decode($ENV{$_}) for qw(CONSUMER_KEY CONSUMER_SECRET TOKEN TOKEN_SECRET);
my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1') or die $!;
$| = 1;
print $daemon->sockport, "\n";
while (my $connection = $daemon->accept) {
    while (my $request = $connection->get_request) {
        my $problem = eval { problem($daemon, $request) };
        $problem = $@ if $@;
        my $answer = encode_json({'Net::OAuth' => $problem});
        $connection->send_response(HTTP::Response->new(200, 'OK', ['Problems', $answer], ''));
    }
    $connection->close;
}
