import sys

import httpx

options = {"timeout": float(sys.argv[2])} if len(sys.argv) > 2 else {}
try:
    response = httpx.get(sys.argv[1], **options)
    response.raise_for_status()
    print(response.text)
except httpx.HTTPError as error:
    sys.exit(f"{type(error).__name__}: {error}")
