#!/bin/sh
# demo.sh [PROFILE]: what is missing, build, show.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
profile=${1:-embedded}
case $profile in
embedded)
    sh scripts/need.sh demo
    programs='--bin fixpoint'
    ;;
distributed)
    sh scripts/need.sh test
    programs='--bins'
    ;;
*) stop "the demo runs in the profile embedded or distributed, not $profile" ;;
esac
say "building (the first time takes some minutes)"
# --workspace keeps one set of features, so that the tests later do not compile the dependencies again.
cargo build --workspace $programs
say "fixpoint demo --profile $profile"
exec target/debug/fixpoint demo --profile "$profile"
