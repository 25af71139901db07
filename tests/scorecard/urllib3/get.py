# urllib3 reads no variable: its users hand it the proxy and, for a private CA, the file.
import os
import sys

import urllib3

timeout = float(sys.argv[2]) if len(sys.argv) > 2 else None
http = urllib3.ProxyManager(os.environ["HTTPS_PROXY"], ca_certs=os.environ["SSL_CERT_FILE"])
try:
    response = http.request("GET", sys.argv[1], timeout=timeout)
    if response.status >= 400:
        sys.exit(f"HTTP status {response.status}")
    print(response.data.decode())
except urllib3.exceptions.HTTPError as error:
    sys.exit(f"{type(error).__name__}: {error}")
