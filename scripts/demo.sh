#!/bin/sh
# demo.sh [PROFILE]: what is missing, build, show.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
profile=${1:-embedded}
[ "$profile" = embedded ] || stop "the demo runs in the profile embedded, not $profile"
sh scripts/need.sh demo
say "building (the first time takes some minutes)"
# --workspace keeps one set of features, so that the tests later do not compile the dependencies again.
cargo build --workspace --bin fixpoint
say "fixpoint demo"
exec target/debug/fixpoint demo
