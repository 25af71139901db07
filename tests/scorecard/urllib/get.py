import sys
import urllib.request

options = {"timeout": float(sys.argv[2])} if len(sys.argv) > 2 else {}
try:
    with urllib.request.urlopen(sys.argv[1], **options) as response:
        print(response.read().decode())
except OSError as error:
    sys.exit(f"{type(error).__name__}: {error}")
