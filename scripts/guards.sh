#!/bin/sh
# Every guard against a fault is worth what its test is worth: each patch in services/fixpoint/tests/guards takes one guard out of
# a copy of the sources, and the test that its header names has to fail there.
#
#   guards.sh            all of them
#   guards.sh NAME…      those whose files begin so: guards.sh 07 12-database
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1

patches=services/fixpoint/tests/guards
# A test that has not ended by then hangs.
LONGEST=120
target=$(readlink -m "${CARGO_TARGET_DIR:-target}")
work=$target/guards
source=$work/source

sh scripts/need.sh test
mkdir -p "$source"

# The dependencies are those of the repository's own builds. Everything of ours has another profile here, and with it other file
# names: nothing that was built from a patched source is ever taken for the real one. What is meant to be run goes elsewhere, too.
export CARGO_BUILD_BUILD_DIR="$target" CARGO_TARGET_DIR="$work/out" CARGO_INCREMENTAL=1
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
# No test may be skipped.
export CI=1 CARGO_TERM_COLOR=never

# A copy of what git knows or would add. Only what differs is written, so that only that is compiled.
sync() {
    git ls-files --cached --others --exclude-standard | sort -u | while IFS= read -r file; do
        [ -f "$file" ] || continue
        # They take long to compile, and no patch needs them.
        case $file in services/fixpoint/tests/*) continue ;; esac
        printf '%s\n' "$file"
    done >"$work/files"
    while IFS= read -r file; do
        cmp -s "$file" "$source/$file" && continue
        mkdir -p "$source/$(dirname "$file")"
        cp "$file" "$source/$file"
    done <"$work/files"
    (cd "$source" && find . -type f | sed 's|^\./||' | sort) | comm -13 "$work/files" - | while IFS= read -r file; do
        rm "$source/$file"
    done
}

# Only the copy is patched, although it lies within a repository.
patch_copy() {
    (cd "$source" && GIT_CEILING_DIRECTORIES="$work" git apply "$@")
}

header() { # header <key> <patch>
    sed -n "s/^# $1: //p" "$2"
}

# The package and the kind of a test: "planner --test it".
suite_of() { header Test "$1" | sed 's/^-p //; s/ [^ ]*$//'; }
test_of() { header Test "$1" | sed 's/.* //'; }
touched() { sed -n 's|^+++ b/||p' "$1"; }

# Compiles the tests of a suite and prints where they are. Their package is built beside the one that names all services, so that
# the dependencies have the features that they have in every build of the workspace.
build() { # build <suite> <log>
    # shellcheck disable=SC2086
    (cd "$source" && cargo test --offline -p fixpoint -p $1 --no-run) >"$2" 2>&1 || return 1
    case $1 in *--lib) name=${1%% *} ;; *) name=it ;; esac
    sed -n 's/^ *Executable .* (\(.*\))$/\1/p' "$2" | grep "/$name-[0-9a-f]*$"
}

# run <seconds> <suite> <program> <log> <test…>: as cargo runs them, but for cargo, which may have to wait for another one.
run() {
    seconds=$1 place=$(dirname "$(ls -d "$source"/*/"${2%% *}"/Cargo.toml)") program=$3 log=$4
    shift 4
    (cd "$place" && exec timeout "$seconds" "$program" --nocapture --exact "$@") >"$log" 2>&1 </dev/null
}

postgres='' rabbitmq='' applied='' folder=''
finish() {
    code=$?
    trap - EXIT INT TERM
    [ -z "$folder" ] || { sweep; rm -rf "$folder"; }
    [ -z "$applied" ] || patch_copy -R "$applied" 2>/dev/null || true
    [ -z "$postgres" ] || sh scripts/postgres.sh stop "$postgres" || true
    [ -z "$rabbitmq" ] || sh scripts/rabbitmq.sh stop "$rabbitmq" || true
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What a test that was ended in the middle had started.
sweep() {
    for broker in "$folder"/fixpoint-rabbitmq.*; do
        [ ! -f "$broker/ports" ] || sh scripts/rabbitmq.sh stop "$broker" || true
    done
}

servers() {
    if [ -z "${FIXPOINT_TEST_POSTGRES_URL:-}" ]; then
        say "starting a private Postgres"
        started=$(sh scripts/postgres.sh start)
        postgres=${started%% *}
        export FIXPOINT_TEST_POSTGRES_URL="${started#* }"
    fi
    if [ -z "${FIXPOINT_TEST_AMQP_URL:-}" ]; then
        say "starting a private RabbitMQ"
        started=$(sh scripts/rabbitmq.sh start)
        rabbitmq=${started%% *}
        export FIXPOINT_TEST_AMQP_URL="${started#* }"
    fi
    # From here on everything temporary is a test's.
    folder=$(mktemp -d "${TMPDIR:-/tmp}/fixpoint-guards.XXXXXX")
    export TMPDIR="$folder"
}

# The chosen patches. What most depends on comes last, so that taking a patch back there compiles nothing else anew.
choose() {
    for patch in "$patches"/*.patch; do
        [ $# -gt 0 ] || { printf '%s %s\n' "$(touched "$patch" | head -n 1)" "$patch"; continue; }
        for name in "$@"; do
            case $(basename "$patch") in "$name"*) printf '%s %s\n' "$(touched "$patch" | head -n 1)" "$patch" ;; esac
        done
    done | sort -r | sed 's/^[^ ]* //'
}

check_header() {
    for key in Row Fault Guard Test; do
        [ -n "$(header "$key" "$1")" ] || stop "$1 has no line '# $key: …'"
    done
    (cd "$source" && GIT_CEILING_DIRECTORIES="$work" git apply --check "$OLDPWD/$1") 2>"$work/apply.log" || {
        cat "$work/apply.log" >&2
        stop "$1 does not apply any more: the code of its guard has changed, so the patch has to follow it"
    }
}

# With every guard in its place each test passes.
unpatched() {
    for patch in $chosen; do printf '%s\n' "$(suite_of "$patch")"; done | sort -u >"$work/suites"
    while IFS= read -r suite; do
        names=$(for patch in $chosen; do
            [ "$(suite_of "$patch")" != "$suite" ] || test_of "$patch"
        done | sort -u)
        count=$(printf '%s\n' "$names" | wc -l)
        say "$count tests of -p $suite with their guards"
        program=$(build "$suite" "$work/build.log") || { cat "$work/build.log" >&2; stop "the sources do not compile"; }
        # shellcheck disable=SC2086
        run 600 "$suite" "$program" "$work/unpatched.log" $names || {
            cat "$work/unpatched.log" >&2
            stop "a test fails with all guards in their place"
        }
        passed=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$work/unpatched.log" | awk '{n += $1} END {print n + 0}')
        [ "$passed" = "$count" ] || stop "$passed tests of -p $suite have run, $count are named:
$names"
    done <"$work/suites"
}

# Without its guard: "fails without it", "hangs without it", "STILL PASSES", or "not tried here" where the machine has too little
# for the test, which has said so.
verdict() { # verdict <patch> <log>
    suite=$(suite_of "$1") code=0
    program=$(build "$suite" "$2") || { cat "$2" >&2; stop "with $1 the sources do not compile: its test has shown nothing"; }
    run "$LONGEST" "$suite" "$program" "$2" "$(test_of "$1")" || code=$?
    if [ "$code" = 124 ]; then
        sweep
        result="hangs without it"
    elif [ "$code" = 0 ] && grep -q '^SKIPPED' "$2"; then
        result="not tried here"
    elif [ "$code" = 0 ]; then
        result="STILL PASSES"
    elif grep -q '^test result: FAILED\. 0 passed; 1 failed' "$2"; then
        result="fails without it"
    else
        cat "$2" >&2
        stop "the test of $1 did not run to its end"
    fi
}

sync
chosen=$(choose "$@")
[ -n "$chosen" ] || stop "no guard is called so: see $patches"
for patch in $chosen; do check_header "$patch"; done
servers
began=$(date +%s)
unpatched
: >"$work/table"
failed=0
for patch in $chosen; do
    from=$(date +%s)
    patch_copy "$PWD/$patch"
    applied=$PWD/$patch
    verdict "$patch" "$work/$(basename "$patch" .patch).log"
    patch_copy -R "$applied"
    applied=''
    [ "$result" != "STILL PASSES" ] || failed=1
    name=$(basename "$patch" .patch)
    printf '%-4s %-32s %-17s %4d s  %s\n' "$(header Row "$patch")" "${name#*-}" "$result" $(($(date +%s) - from)) \
        "$(suite_of "$patch" | sed 's/ .*//') $(test_of "$patch")" >>"$work/table"
    say "$name: $result"
done
printf '\n%-4s %-32s %-17s %6s  %s\n' row guard result took test
sort -n "$work/table"
printf '%d guards in %d s\n' "$(wc -l <"$work/table")" $(($(date +%s) - began))
exit "$failed"
