#!/bin/sh
# Asks a sparse registry for its config.json. What the built-in origin sends is none: when cargo
# complains of that text, the exchange was complete, and that is the success here.
# It always asks for config.json below its index, so it cannot ask for any other path: 77 says that.
case $1 in */) ;; *) exit 77 ;; esac
home=$(mktemp -d) && trap 'rm -rf "$home"' EXIT
[ -z "$2" ] || export CARGO_HTTP_TIMEOUT="${2%.*}"
said=$(CARGO_HOME=$home cargo search --index "sparse+$1" anything 2>&1) && exit 0
code=$?
printf '%s\n' "$said" >&2
# Which complaint it is depends on the text: one that begins with a digit is an "invalid number".
case $said in *"error: "*" at line 1 column "*) exit 0 ;; *) exit "$code" ;; esac
