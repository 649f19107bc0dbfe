#!/bin/sh
# `fixpoint fix` on every bug of the demo shop and on the commit that turns its CI red, then on the thirty bugs of
# bench/corpus, whose fixes are judged by tests that Fixpoint never sees.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1
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
