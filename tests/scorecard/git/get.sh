#!/bin/sh
# Asks the target for its branches. The built-in origin is no git server: when git complains of
# what it got with status 200, the exchange was complete, and that is the success here.
said=$(GIT_TERMINAL_PROMPT=0 git ls-remote "$1" 2>&1) && exit 0
code=$?
printf '%s\n' "$said" >&2
case $said in *"not valid: is this a git repository?"*) exit 0 ;; *) exit "$code" ;; esac
