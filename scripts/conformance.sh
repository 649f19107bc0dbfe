#!/bin/sh
# Judges of our tests, of our requests and of the simulator. Each that cannot run here prints "SKIPPED <count>: <reason>"; a violation
# fails.
#
# Our tests: each guard against a fault is taken out, and its test has to fail (scripts/guards.sh).
#
# Our requests and the simulator's answers against GitHub's own description: Prism stands between the two as a proxy and
# checks both directions. The tests whose names contain `conformance` start the simulator on
# FIXPOINT_CONFORMANCE_LISTEN and talk to it through FIXPOINT_CONFORMANCE_PROXY.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1

sh scripts/guards.sh

oracles=${FIXPOINT_ORACLES:-../shared/oracles}
if [ ! -f "$oracles/cut-github-spec.js" ]; then
    echo "SKIPPED 1: GitHub's description (no cut-github-spec.js in $oracles; set FIXPOINT_ORACLES)"
    exit 0
fi

sh scripts/need.sh conformance
say "cargo test --no-run"
cargo test --quiet --workspace --no-run
tests=$(cargo test --quiet --workspace --test it -- --ignored --list conformance 2>/dev/null | grep -c ': test$' || true)
if [ "$tests" = 0 ]; then
    echo "SKIPPED 1: GitHub's description (no ignored test has conformance in its name)"
    exit 0
fi

export FIXPOINT_CONFORMANCE_LISTEN="127.0.0.1:$(free_port)"
started=$(sh scripts/prism.sh start "$oracles/cut-github-spec.js" "http://$FIXPOINT_CONFORMANCE_LISTEN")
folder=${started%% *}
export FIXPOINT_CONFORMANCE_PROXY="${started#* }"
finish() {
    code=$?
    trap - EXIT INT TERM
    sh scripts/prism.sh stop "$folder" || true
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "$tests conformance tests through $FIXPOINT_CONFORMANCE_PROXY"
# One at a time: they share one address for the simulator.
cargo test --workspace --test it -- --ignored --test-threads=1 conformance

requests=$(grep -c 'Request received' "$folder/prism.log" || true)
[ "$requests" -gt 0 ] || stop "the tests passed without one request through the proxy: nothing was checked"
if grep -q 'Violation:' "$folder/prism.log"; then
    grep -E 'Request received|Violation:' "$folder/prism.log" | grep -B1 'Violation:' | sed 's/^.*› */  /' >&2
    stop "GitHub's description objects to the requests or answers above"
fi
say "$requests requests and their answers agree with GitHub's description"
