#!/bin/sh
# bench.sh [repair|ingest|planner]: one benchmark, or all of them.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1

# `fixpoint fix` on every bug of the demo shop and on the commit that turns its CI red, then on the thirty bugs of
# bench/corpus, whose fixes are judged by tests that Fixpoint never sees.
repair() {
    sh scripts/need.sh demo
    say "building with optimisation"
    cargo build --release --workspace --bin fixpoint
    if [ ! -x target/bench/venv/bin/pytest ]; then
        say "a Python environment with pytest and sentry-sdk in target/bench/venv"
        python3 -m venv target/bench/venv
        target/bench/venv/bin/python -m pip install --quiet --disable-pip-version-check 'pytest<9' sentry-sdk ||
            stop "pip could not install pytest and sentry-sdk"
    fi
    target/bench/venv/bin/python scripts/bench.py target/release/fixpoint
    FIXPOINT=$PWD/target/release/fixpoint target/bench/venv/bin/python bench/corpus/run.py
}

# Webhooks into RabbitMQ: what they cost, beside other servers with the same contract.
ingest() {
    sh scripts/need.sh bench
    say "building with optimisation"
    cargo build --release --workspace --bin ingest
    python3 bench/ingest/run.py
}

# Signals into Postgres, with its usual durability: how many in a second, and what a long history costs.
planner() {
    sh scripts/need.sh test
    folder=$(mktemp -d "${TMPDIR:-/tmp}/fixpoint-bench.XXXXXX")
    trap 'sh scripts/postgres.sh stop "$folder/postgres" || true; rm -rf "$folder"' EXIT
    chmod o+x "$folder"
    say "starting a private Postgres"
    started=$(sh scripts/postgres.sh start "$folder/postgres")
    say "building with optimisation"
    FIXPOINT_TEST_POSTGRES_URL=${started#* } cargo bench --workspace --bench signals
}

case ${1:-all} in
repair | ingest | planner) "$1" ;;
all)
    code=0
    for one in repair ingest planner; do
        sh scripts/bench.sh "$one" || code=1
    done
    exit "$code"
    ;;
*) stop "bench.sh knows repair, ingest and planner, not $1" ;;
esac
