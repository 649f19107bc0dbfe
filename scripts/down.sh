#!/bin/sh
# Stops the Fixpoint that `make up` started: asks first, insists after 30 seconds.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
if [ ! -f .data/fixpoint.pid ]; then
    say "nothing was started by make up"
    exit 0
fi
pid=$(cat .data/fixpoint.pid)
rm -f .data/fixpoint.pid
# A process id may have been given to somebody else since.
case $(readlink "/proc/$pid/exe" 2>/dev/null || true) in
*/fixpoint | */fixpoint\ \(deleted\)) ;;
*)
    say "it had already stopped"
    exit 0
    ;;
esac
say "stopping process $pid"
kill "$pid" 2>/dev/null || true
tries=0
while kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || kill -9 "$pid" 2>/dev/null || true
    [ "$tries" -le 70 ] || break
    sleep 0.5
done
say "stopped"
