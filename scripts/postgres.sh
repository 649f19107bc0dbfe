#!/bin/sh
# A private Postgres for one run of the tests; it touches no server that it did not start.
#
#   postgres.sh where        prints the folder of its programs, or fails
#   postgres.sh start        starts one in a new temporary folder; prints "<folder> <url>"
#   postgres.sh stop FOLDER  stops that one and removes its folder
set -eu
. "$(dirname "$0")/say.sh"

where() {
    for folder in "$(dirname "$(command -v initdb 2>/dev/null || echo none)")" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr); do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pg_ctl" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

# initdb refuses root: whoever runs this as root lends the server another user.
as_owner() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif id postgres >/dev/null 2>&1; then
        runuser -u postgres -- "$@"
    else
        runuser -u nobody -- "$@"
    fi
}

start() {
    bin=$(where) || stop "no Postgres programs found: install the package postgresql or set FIXPOINT_TEST_POSTGRES_URL"
    umask 077
    folder=$(mktemp -d "${TMPDIR:-/tmp}/fixpoint-postgres.XXXXXX")
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "$password" >"$folder/password"
    if [ "$(id -u)" = 0 ]; then
        owner=$(id -u postgres 2>/dev/null || id -u nobody)
        chown -R "$owner" "$folder"
    fi
    cd "$folder"
    # Data that lives for one run needs no fsync; the password crosses nothing but the loopback interface.
    as_owner "$bin/initdb" -D "$folder/data" -U fixpoint -A password --pwfile="$folder/password" -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; rm -rf "$folder"; stop "initdb failed"; }
    for try in 1 2 3; do
        port=$(free_port)
        # pg_ctl keeps its standard output open in the server: it must not be the pipe that our caller reads.
        if as_owner "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/data/server.log" -o "-c listen_addresses=127.0.0.1 -c port=$port \
            -c unix_socket_directories=$folder -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200" \
            start >/dev/null 2>&1; then
            echo "$folder postgres://fixpoint:$password@127.0.0.1:$port/postgres"
            return
        fi
    done
    tail -n 20 "$folder/data/server.log" >&2
    rm -rf "$folder"
    stop "Postgres did not start"
}

halt() {
    folder=${1:?postgres.sh stop needs the folder that start printed}
    [ -f "$folder/data/PG_VERSION" ] || stop "$folder is not a folder that postgres.sh made"
    bin=$(where)
    cd "$folder"
    as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    cd /
    rm -rf "$folder"
}

case ${1:-} in
where) where ;;
start) start ;;
stop) halt "${2:-}" ;;
*) stop "usage: postgres.sh where | start | stop FOLDER" ;;
esac
