#!/bin/sh
# `npm ping` asks the registry for /-/ping, and takes any body with status 200.
node=$1 dir=$2
export npm_config_userconfig=/dev/null npm_config_update_notifier=false npm_config_logs_max=0
[ -z "$4" ] || export npm_config_fetch_timeout="${4%.*}000"
exec "$node" "$dir/node_modules/npm/bin/npm-cli.js" ping --registry "$3"
