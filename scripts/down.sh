#!/bin/sh
# Stops what `make up` started, and nothing else; all data stays.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh

nothing=yes
if [ -e .data/compose ]; then
    nothing=''
    say "stopping the containers; fixers get 35 seconds for their attempts"
    docker compose --profile second-ingest --profile observe down
    rm -f .data/compose
fi

if [ -e .data/run ]; then
    nothing=''
    sh scripts/direct.sh stop
fi

# The embedded profile: asks first, insists after 30 seconds.
if [ -f .data/fixpoint.pid ]; then
    nothing=''
    pid=$(cat .data/fixpoint.pid)
    rm -f .data/fixpoint.pid
    # A process id may have been given to somebody else since.
    case $(readlink "/proc/$pid/exe" 2>/dev/null || true) in
    */fixpoint | */fixpoint\ \(deleted\))
        say "stopping process $pid"
        kill "$pid" 2>/dev/null || true
        ;;
    *)
        say "it had already stopped"
        exit 0
        ;;
    esac
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le 60 ] || kill -9 "$pid" 2>/dev/null || true
        [ "$tries" -le 70 ] || break
        sleep 0.5
    done
fi
if [ -n "$nothing" ]; then say "nothing was started by make up"; else say "stopped"; fi
