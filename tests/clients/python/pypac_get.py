"""Fetches one URL with requests; PyPAC takes the proxy from the PAC file."""

import os
import sys

from pypac import PACSession, get_pac

target = sys.argv[1] if len(sys.argv) > 1 else os.environ["BADPROXY_TARGET"]
timeout = float(os.environ.get("BADPROXY_TIMEOUT") or 5)

try:
    pac = get_pac(url=os.environ["BADPROXY_PAC"], timeout=timeout)
    response = PACSession(pac).get(target, timeout=timeout)
    if response.status_code >= 400:
        sys.exit(f"HTTP status {response.status_code}")
    sys.stdout.buffer.write(response.content)
except Exception as error:
    said = f"{type(error).__name__}: {error}"
    while error := error.__cause__ or error.__context__:
        if str(error) not in said:
            said += f" <- {type(error).__name__}: {error}"
    sys.exit(" ".join(said.split()))
