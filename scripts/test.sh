#!/bin/sh
# Every test. With CI set, a test that skips for want of a database is a failure; here it is always set.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
sh scripts/need.sh test

folder=''
finish() {
    code=$?
    trap - EXIT INT TERM
    if [ -n "$folder" ]; then
        say "stopping the private Postgres"
        sh scripts/postgres.sh stop "$folder" || true
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "${FIXPOINT_TEST_POSTGRES_URL:-}" ]; then
    say "using the Postgres of FIXPOINT_TEST_POSTGRES_URL"
else
    say "starting a private Postgres"
    started=$(sh scripts/postgres.sh start)
    folder=${started%% *}
    FIXPOINT_TEST_POSTGRES_URL=${started#* }
    export FIXPOINT_TEST_POSTGRES_URL
fi

# The test of the layers reads the manifests of every platform, also of those that are not built here.
say "cargo fetch"
cargo fetch --locked
say "cargo test --workspace"
CI=${CI:-1} cargo test --workspace
