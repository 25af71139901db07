#!/bin/sh
# Loads a page in headless Chromium as a user would, and writes what it shows: the page, or the code of
# its own error page, with exit code 1.
#
# Usage: get.sh DIRECTORY URL      an empty directory for the profile; the rest is in the environment
#
# The run's CA is trusted through the NSS database in HOME, as an administrator does it: no check is
# switched off. What Chromium asks for by itself is, or is sent to a port where nobody is, because each
# such request would be an attempt: https://peter.sh/experiments/chromium-command-line-switches/
set -eu

dir=$1 url=$2
nss=sql:$dir/.pki/nssdb
export HOME="$dir"

mkdir -p "$dir/.pki/nssdb" "$dir/Default"
certutil -d "$nss" -N --empty-password
# certutil takes one certificate of a file.
awk -v dir="$dir" '/BEGIN/ { n++ } { print > (dir "/ca" n ".pem") }' "$BADPROXY_CACERT"
for pem in "$dir"/ca*.pem; do
  certutil -d "$nss" -A -t C,, -n "$(basename "$pem")" -i "$pem"
done

# No connections ahead of their use; no question whether this is a captive portal, after an error.
cat >"$dir/Default/Preferences" <<END
{
  "net": { "network_prediction_options": 2 },
  "alternate_error_pages": { "enabled": false },
  "safebrowsing": { "enabled": false }
}
END

here=
if [ "${BADPROXY_PAC:-}" = http://wpad/wpad.dat ]; then
  # As a user switches it on who has no URL.
  proxy=--proxy-auto-detect
  # That is the sandbox, where these names lead to badproxy.
  here=', EXCLUDE wpad, EXCLUDE target.badproxy.test'
elif [ -n "${BADPROXY_PAC:-}" ]; then
  proxy=--proxy-pac-url=$BADPROXY_PAC
else
  # Chromium takes no password here; it has the proxy look names up, and calls that socks5.
  proxy=--proxy-server=$(echo "$BADPROXY_PROXY" | sed 's/^socks5h:/socks5:/; s|//.*@|//|')
fi

# The last three: where it looks for updates and sign-ins nobody is, and no name is looked up here.
chromium --headless --no-sandbox --disable-gpu --no-first-run --no-default-browser-check \
  --user-data-dir="$dir" "$proxy" \
  --disable-background-networking --disable-component-update --disable-default-apps \
  --disable-domain-reliability --disable-extensions --disable-sync --no-pings \
  --disable-features=HttpsUpgrades,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints \
  --component-updater=url-source=http://127.0.0.1:9/ --gaia-url=http://127.0.0.1:9/ \
  --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1$here" \
  --dump-dom "$url" >"$dir/page.html" 2>"$dir/stderr" || { cat "$dir/stderr" >&2; exit 2; }

# It ends with 0 either way.
error=$(sed -n 's/.*Page load failed: net:://p' "$dir/stderr" | head -n 1)
if [ -n "$error" ]; then
  echo "$error" >&2
  exit 1
fi
cat "$dir/page.html"
