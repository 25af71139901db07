"""Fetches one URL with requests and the proxy login by Digest of requests-toolbelt."""

import os
import sys
from urllib.parse import urlsplit

import requests
from requests_toolbelt.auth.http_proxy_digest import HTTPProxyDigestAuth

target = sys.argv[1] if len(sys.argv) > 1 else os.environ["BADPROXY_TARGET"]
timeout = float(os.environ.get("BADPROXY_TIMEOUT") or 5)

proxy = f"http://{urlsplit(os.environ['BADPROXY_PROXY']).netloc.rpartition('@')[2]}"
login = HTTPProxyDigestAuth(os.environ.get("BADPROXY_USER"), os.environ.get("BADPROXY_PASS"))
session = requests.Session()
session.trust_env = False
session.proxies = {"http": proxy, "https": proxy}
session.verify = os.environ["BADPROXY_CA_BUNDLE"]
try:
    response = session.get(target, timeout=timeout, auth=login)
    if response.status_code >= 400:
        sys.exit(f"HTTP status {response.status_code}")
    sys.stdout.buffer.write(response.content)
except Exception as error:
    said = f"{type(error).__name__}: {error}"
    while error := error.__cause__ or error.__context__:
        if str(error) not in said:
            said += f" <- {type(error).__name__}: {error}"
    sys.exit(" ".join(said.split()))
