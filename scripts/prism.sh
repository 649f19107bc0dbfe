#!/bin/sh
# GitHub's description as a proxy in front of an upstream.
#
#   prism.sh start CUT.js UPSTREAM  installs what is missing, starts; prints "<folder> <url>"
#   prism.sh stop FOLDER            stops that one (the folder keeps its log)
#
# The packages land in target/conformance/npm and stay there. The description names every endpoint of GitHub; CUT.js keeps
# those that Fixpoint uses and mends what OpenAPI cannot say.
set -eu
. "$(dirname "$0")/say.sh"
STOP_CODE=1
root=$(cd "$(dirname "$0")/.." && pwd)
home=$root/target/conformance
openapi=23.0.2
prism=5.14.2

start() {
    cut=$1
    upstream=$2
    mkdir -p "$home/npm"
    stamp=$home/npm/installed-$openapi-$prism
    if [ ! -f "$stamp" ]; then
        say "installing @octokit/openapi@$openapi and @stoplight/prism-cli@$prism with npm"
        npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix "$home/npm" \
            "@octokit/openapi@$openapi" "@stoplight/prism-cli@$prism" >&2 || stop "npm could not install the packages"
        # 370 MB of descriptions of other GitHub versions.
        find "$home/npm/node_modules/@octokit/openapi/generated" -name '*.json' ! -name api.github.com.json -delete
        touch "$stamp"
    fi
    folder=$home/run-$$
    rm -rf "$folder"
    mkdir -p "$folder"
    node "$cut" "$home/npm/node_modules/@octokit/openapi/generated/api.github.com.json" "$folder/github.json" >&2
    port=$(free_port)
    node "$home/npm/node_modules/@stoplight/prism-cli/dist/index.js" proxy -h 127.0.0.1 -p "$port" "$folder/github.json" "$upstream" \
        >"$folder/prism.log" 2>&1 &
    pid=$!
    echo "$pid" >"$folder/pid"
    tries=0
    until grep -q 'Prism is listening' "$folder/prism.log"; do
        tries=$((tries + 1))
        if ! kill -0 "$pid" 2>/dev/null || [ "$tries" -gt 240 ]; then
            kill "$pid" 2>/dev/null || true
            tail -n 5 "$folder/prism.log" >&2
            stop "Prism did not start"
        fi
        sleep 0.25
    done
    echo "$folder http://127.0.0.1:$port"
}

halt() {
    folder=${1:?prism.sh stop needs the folder that start printed}
    kill "$(cat "$folder/pid")" 2>/dev/null || true
}

case ${1:-} in
start) start "${2:?prism.sh start needs the cut script}" "${3:?prism.sh start needs an upstream}" ;;
stop) halt "${2:-}" ;;
*) stop "usage: prism.sh start CUT.js UPSTREAM | stop FOLDER" ;;
esac
