#!/bin/sh
# up.sh LISTEN: builds, starts Fixpoint in the background and waits until it answers.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1
listen=${1:-127.0.0.1:${PORT:-8080}}
mkdir -p .data
if [ -f .data/fixpoint.pid ] && kill -0 "$(cat .data/fixpoint.pid)" 2>/dev/null; then
    stop "Fixpoint already runs as process $(cat .data/fixpoint.pid): make down"
fi
sh scripts/need.sh demo
say "building"
cargo build --workspace --bin fixpoint
say "starting on http://$listen, data and log in .data"
nohup target/debug/fixpoint up --listen "$listen" --data .data >.data/fixpoint.log 2>&1 &
echo $! >.data/fixpoint.pid
tries=0
while ! python3 - "$listen" 2>/dev/null <<'EOF'
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
opener.open(f"http://{sys.argv[1]}/health", timeout=2).read()
EOF
do
    tries=$((tries + 1))
    if ! kill -0 "$(cat .data/fixpoint.pid)" 2>/dev/null || [ "$tries" -gt 60 ]; then
        tail -n 15 .data/fixpoint.log >&2
        sh scripts/down.sh
        stop "Fixpoint did not come up; the whole log is in .data/fixpoint.log"
    fi
    sleep 0.5
done
say "up: http://$listen/health answers; follow it with tail -f .data/fixpoint.log, stop it with make down"
