"""OpenTelemetry and Sentry, on before and after the import of oauth_hook, and off again.

In each of these states a request is signed, once, in both ways; and off is off.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import run

#: Each state in which requests are sent: what is done before it, by name.
CODE = """
import json
from typing import Any
import requests
{setup}
states = {{}}
def send(state):
    for header_auth in (True, False):
        for way in ("pre_request", "auth", "session"):
            hook = OAuthHook(*credentials, header_auth)
            before = count()
            if way == "session":
                with requests.session(hooks={{"pre_request": hook}}) as client:
                    response = client.post(provider.resource_url, {{"a": "1"}})
            elif way == "auth":
                response = requests.post(provider.resource_url, {{"a": "1"}}, auth=hook)
            else:
                response = requests.post(
                    provider.resource_url, {{"a": "1"}}, hooks={{"pre_request": hook}}
                )
            report = response.json() if response.ok else response.text
            place = report["place"] if response.ok else report
            sent = [] if not response.ok else [name.lower() for name, _ in report["headers"]]
            states[f"{{state}} {{header_auth}} {{way}}"] = [
                place, count() - before, {propagated!r} in sent
            ]
{sequence}
print(json.dumps(states))
"""

OTEL = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.instrumentation.requests import RequestsInstrumentor
exporter = InMemorySpanExporter()
tracer_provider = TracerProvider()
tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(tracer_provider)
def count():
    return len(exporter.get_finished_spans())
def on():
    RequestsInstrumentor().instrument()
def off():
    RequestsInstrumentor().uninstrument()
"""

SENTRY = """
import sentry_sdk
from sentry_sdk.transport import Transport
events = []
class Kept(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            for span in (item.payload.json or {}).get("spans", []):
                if span["op"] == "http.client":
                    events.append(span)
transaction = None
def count():
    global transaction
    if transaction is not None:
        transaction.__exit__(None, None, None)
        transaction = None
    found = len(events)
    if sentry_sdk.get_client().is_active():
        transaction = sentry_sdk.start_transaction(name="a test")
        transaction.__enter__()
    return found
def on():
    sentry_sdk.init(
        dsn="http://key@127.0.0.1:1/1", transport=Kept, traces_sample_rate=1.0,
        trace_propagation_targets=[".*"],
    )
def off():
    count()
    sentry_sdk.get_client().close()
    sentry_sdk.init(default_integrations=False)
"""

IMPORT = """
from oauth_hook import OAuthHook
from oauth_hook.sandbox import Sandbox
provider = Sandbox()
provider.start()
credentials = *provider.issue_token(), provider.consumer_key, provider.consumer_secret
"""

#: Whether the tracer is on, for each state.
SEQUENCES = {
    "on after the import, off, on again": [
        ("import", None),
        ("on", True),
        ("off", False),
        ("on", True),
        ("off", False),
    ],
    "on before the import, off, on again": [
        ("on", None),
        ("import", True),
        ("off", False),
        ("on", True),
        ("off", False),
    ],
    "on and off before the import, on again": [
        ("on", None),
        ("off", None),
        ("import", False),
        ("on", True),
        ("off", False),
    ],
}


def states(tracer: str, propagated: str, sequence: list[tuple[str, bool | None]]) -> dict[str, Any]:
    """For each state, mode and way: the place of the signature, the spans, and whether the
    tracer's own header went out."""
    lines = []
    for number, (step, traced) in enumerate(sequence):
        lines.append(IMPORT if step == "import" else f"{step}()")
        if traced is not None:
            lines.append(f"send('{number} {traced}')")
    code = CODE.format(setup=tracer, propagated=propagated, sequence="\n".join(lines))
    found: dict[str, Any] = json.loads(run(code))
    return found


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
@pytest.mark.parametrize(
    ("tracer", "propagated"),
    [(OTEL, "traceparent"), (SENTRY, "sentry-trace")],
    ids=["OpenTelemetry", "Sentry"],
)
def test_requests_are_signed_and_traced_once_while_it_is_on(
    tracer: str, propagated: str, sequence: list[tuple[str, bool | None]]
) -> None:
    found = states(tracer, propagated, sequence)

    expected = {}
    for state in found:
        _, traced, header_auth, _ = state.split()
        place = "header" if header_auth == "True" else "query"
        expected[state] = [place, int(traced == "True"), traced == "True"]
    assert len(found) == 6 * sum(traced is not None for _, traced in sequence)
    assert found == expected


ONE_SESSION = (
    OTEL
    + IMPORT
    + """
import requests
hook = OAuthHook(*credentials)
with requests.Session() as client:
    client.hooks["pre_request"].append(hook)
    RequestsInstrumentor().instrument()
    print(client.get(provider.resource_url).status_code, count())
    RequestsInstrumentor.uninstrument_session(client)
    print(client.get(provider.resource_url).status_code, count())
"""
)


def test_opentelemetry_can_be_taken_off_one_session() -> None:
    assert run(ONE_SESSION) == "200 1\n200 1\n"


SPANS = (
    OTEL
    + """
import requests
{first}
{second}
hook = OAuthHook(*credentials)
requests.get(provider.resource_url, params={{"a": "1"}}, hooks={{"pre_request": hook}})
[span] = exporter.get_finished_spans()
print(span.attributes["http.url"].partition("?")[2])
"""
)


@pytest.mark.parametrize("steps", [("on()", IMPORT), (IMPORT, "on()")], ids=["before", "after"])
def test_opentelemetrys_spans_show_the_url_before_it_was_signed(steps: tuple[str, str]) -> None:
    assert run(SPANS.format(first=steps[0], second=steps[1])) == "a=1\n"


SEEN = """
import json
import sentry_sdk
from sentry_sdk.transport import Transport
events = []
class Kept(Transport):
    def capture_envelope(self, envelope):
        events.extend(item.payload.json for item in envelope.items)
sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Kept, traces_sample_rate={rate})
import requests
{provider}
hook = OAuthHook(*credentials, {header_auth})
with sentry_sdk.start_transaction(name="a test"):
    assert requests.get(provider.resource_url, params={{"a": "1"}}, {way}).ok
sentry_sdk.capture_message("later")
seen = json.dumps(events)
print("/resource" in seen, "oauth_" in seen)
"""


@pytest.mark.parametrize("rate", [0.0, 1.0], ids=["breadcrumbs", "spans"])
@pytest.mark.parametrize("way", ["auth=hook", "hooks={'pre_request': hook}"])
@pytest.mark.parametrize("header_auth", [True, False], ids=["header", "query"])
def test_sentry_sees_the_url_as_it_is_sent(rate: float, way: str, header_auth: bool) -> None:
    """As the README warns: it keeps the signature out of header mode's events alone."""
    code = SEEN.format(rate=rate, provider=IMPORT, header_auth=header_auth, way=way)
    assert run(code) == f"True {not header_auth}\n"
