#!/bin/sh
# The four services as processes on the worst of days: what is missing, build, run. Ends with 0 only when every bound holds.
#
#   SEED=n          what is drawn by chance is drawn from this (1)
#   SHORT=1         a first look in two minutes, with the programs of a debug build
#   LONG=1          a thousand incidents in fifty minutes, instead of three hundred in fifteen
#   DELIVERIES=1    only webhooks, while the broker is stopped, frozen and killed
#   BINARIES=FOLDER uses the programs that are there
#   KEEP=1          keeps data and logs also when every bound holds
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
set -- --seed "${SEED:-1}"
[ -z "${SHORT:-}" ] || set -- "$@" --short
[ -z "${LONG:-}" ] || set -- "$@" --incidents 1000 --minutes 50
[ -z "${DELIVERIES:-}" ] || set -- deliveries
[ -z "${KEEP:-}" ] || set -- "$@" --keep

sh scripts/need.sh gauntlet
if [ -z "${BINARIES:-}" ]; then
    say "building"
    # --workspace keeps one set of features, so that others do not compile the dependencies again.
    programs='--bin ingest --bin planner --bin fixer --bin notifier --bin gauntlet'
    if [ -n "${SHORT:-}" ]; then
        cargo build --workspace $programs
        BINARIES=target/debug
    else
        cargo build --release --workspace $programs
        BINARIES=target/release
    fi
fi
say "gauntlet $*"
exec "$BINARIES/gauntlet" "$@" --binaries "$BINARIES"
