"""Fetches one URL with urllib.request, which answers a proxy's Digest for requests that it forwards."""

import os
import sys
import urllib.error
import urllib.request

target = sys.argv[1] if len(sys.argv) > 1 else os.environ["BADPROXY_TARGET"]
timeout = float(os.environ.get("BADPROXY_TIMEOUT") or 5)

# The login goes into the handler and not into the proxy's URL. Digest looks it up by the target's URL.
proxies = urllib.request.getproxies()
proxies = {scheme: proxies[scheme].rpartition("@")[2] for scheme in ("http", "https")}
passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
user, password = os.environ.get("BADPROXY_USER"), os.environ.get("BADPROXY_PASS")
if user:
    passwords.add_password(None, target, user, password)
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler(proxies),
    urllib.request.ProxyDigestAuthHandler(passwords),
)
try:
    with opener.open(target, timeout=timeout) as response:
        sys.stdout.buffer.write(response.read())
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
