#!/bin/sh
# need.sh demo|test|gauntlet|bench|conformance|up: installs what is missing with apt; where it cannot, prints the exact command and exits 2.
set -eu
. "$(dirname "$0")/say.sh"

missing=''
want() { # want <package> <command that proves it>
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has() { command -v "$1"; }
postgres_bin() { sh "$(dirname "$0")/postgres.sh" where; }
rabbitmq_bin() { sh "$(dirname "$0")/rabbitmq.sh" where; }
# Where servers are, which not everybody's PATH has.
PATH=$PATH:/usr/sbin:/sbin

[ -n "${BINARIES:-}" ] || has cargo >/dev/null ||
    stop "cargo is not installed: install Rust 1.95 or newer with rustup, then run this again"
want git has git
want "gcc libc6-dev" has cc
want python3 has python3
want python3-venv python3 -c 'import ensurepip, venv'
want python3-pip python3 -m pip --version
want bubblewrap has bwrap
case ${1:-demo} in
demo) ;;
test)
    # Also where the environment names servers: some tests kill and freeze some of their own.
    want postgresql postgres_bin
    want postgresql-client has psql
    want rabbitmq-server rabbitmq_bin
    ;;
gauntlet)
    want postgresql postgres_bin
    want postgresql-client has psql
    want rabbitmq-server rabbitmq_bin
    ;;
bench) want rabbitmq-server rabbitmq_bin ;;
conformance)
    want nodejs has node
    want npm has npm
    ;;
up)
    want nginx has nginx
    [ -n "${DATABASE_URL:-}" ] || want postgresql postgres_bin
    [ -n "${AMQP_URL:-}" ] || want rabbitmq-server rabbitmq_bin
    ;;
*) stop "need.sh knows demo, test, gauntlet, bench, conformance and up, not $1" ;;
esac

if [ -n "$missing" ]; then
    install="apt-get update && apt-get install -y --no-install-recommends$missing"
    if ! has apt-get >/dev/null; then
        stop "missing:$missing (names of Debian packages). This machine has no apt-get: please install them, then run this again"
    elif [ "$(id -u)" = 0 ]; then
        as=''
    elif has sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        as=sudo
    else
        stop "missing:$missing. Please run as root: $install"
    fi
    say "installing$missing"
    # Debian starts a server with its package. Ours are started when they are needed, on ports of their own.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap '$as rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM
        printf '#!/bin/sh\nexit 101\n' | $as tee "$policy" >/dev/null
        $as chmod 755 "$policy"
    fi
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    { $as apt-get -qq update && $as apt-get -qq install -y --no-install-recommends $missing >/dev/null; } ||
        stop "apt could not install$missing. Please run as root: $install"
fi

# Installed is not enough: a kernel or a container may forbid the name spaces that the sandbox is made of.
bwrap --ro-bind / / --proc /proc --dev /dev --unshare-all true 2>/dev/null || {
    say "bubblewrap cannot make its name spaces here: $(bwrap --ro-bind / / --proc /proc --dev /dev --unshare-all true 2>&1 | head -n 1)"
    if [ -f /.dockerenv ] || [ -n "${container:-}" ]; then
        stop "this looks like a container: start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    fi
    stop "please run as root: sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"
}
say "everything that ${1:-demo} needs is here"
