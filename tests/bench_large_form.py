"""A form of 50 MiB: the CPU time and memory that signing it takes, here and in requests-oauthlib.

    pip install requests-oauthlib && python tests/bench_large_form.py

Each measurement is a process of its own. Linux only: the peak of memory is read from /proc.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

FORMS = {
    "one field": "a=" + "x" * (50 << 20),
    "50,000 fields": "&".join(f"name{number}={'x' * 1000}" for number in range(52_000)),
    "500,000 fields": "&".join(f"name{number}={'x' * 90}" for number in range(525_000)),
    "five million fields": "&".join(f"{number:07}=1" for number in range(5_200_000)),
    "escapes": "&".join(f"name{number}={'%C3%BC+%2f' * 100}" for number in range(52_000)),
}


def peak() -> int:
    """The most memory that this process has used since the peak was last reset, in KiB."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def measure(library: str, form: str) -> dict[str, float]:
    import requests

    if library == "requests-oauthlib":
        from requests_oauthlib import OAuth1

        auth = OAuth1("consumer", "consumer secret", "token", "token secret")
    else:
        from oauth_hook import OAuthHook

        auth = OAuthHook("token", "token secret", "consumer", "consumer secret", True)

    def prepared(body: str) -> requests.PreparedRequest:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return requests.Request("POST", "http://a.example/", headers=headers, data=body).prepare()

    auth(prepared("a=1"))
    request = prepared(FORMS[form])
    Path("/proc/self/clear_refs").write_text("5")
    before, started = peak(), time.process_time()
    auth(request)
    return {"seconds": time.process_time() - started, "MiB": (peak() - before) / 1024}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(*sys.argv[1:])))
        raise SystemExit
    print(f"{'':22}{'requests-oauth':>24}{'requests-oauthlib':>24}{'CPU time':>12}")
    for form in FORMS:
        ours, theirs = (
            json.loads(subprocess.check_output([sys.executable, __file__, library, form]))
            for library in ("requests-oauth", "requests-oauthlib")
        )
        shown = [f"{one['seconds']:.2f} s, +{one['MiB']:.0f} MiB" for one in (ours, theirs)]
        ratio = theirs["seconds"] / ours["seconds"]
        print(f"{form:22}{shown[0]:>24}{shown[1]:>24}{f'1 : {ratio:.0f}':>12}")
