#!/bin/sh
# Reads a list of requirements from the target. The built-in origin sends one name that no package has:
# when pip says so, the exchange was complete, and that is the success here.
said=$(python3 -m pip --isolated --cert "$SSL_CERT_FILE" --proxy "$HTTPS_PROXY" ${2:+--timeout "$2"} \
  --disable-pip-version-check download --no-index --no-deps -d "${TMPDIR:-/tmp}" -r "$1" 2>&1) && exit 0
code=$?
printf '%s\n' "$said" >&2
case $said in *"No matching distribution found"*) exit 0 ;; *) exit "$code" ;; esac
