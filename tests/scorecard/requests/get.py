import sys

import requests

timeout = float(sys.argv[2]) if len(sys.argv) > 2 else None
try:
    response = requests.get(sys.argv[1], timeout=timeout)
    response.raise_for_status()
    print(response.text)
except requests.RequestException as error:
    sys.exit(f"{type(error).__name__}: {error}")
