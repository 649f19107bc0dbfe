#!/bin/sh
# A private Postgres for one run of the tests; it touches no server that it did not start.
#
#   postgres.sh where          prints the folder of its programs, or fails
#   postgres.sh start [FOLDER] starts one, in a new temporary folder or again in that one; prints "<folder> <url>"
#   postgres.sh halt FOLDER    stops the server and keeps the folder, so that it can be started again
#   postgres.sh stop FOLDER    stops the server and removes the folder
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

# Makes a new database in a new temporary folder.
make_folder() {
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
}

start() {
    bin=$(where) || stop "no Postgres programs found: install the package postgresql or set FIXPOINT_TEST_POSTGRES_URL"
    tries='1 2 3'
    if [ -n "$folder" ]; then
        [ -f "$folder/port" ] || stop "$folder is not a folder that postgres.sh made"
        # Whoever was connected looks for it where it was.
        tries='again'
    else
        make_folder
    fi
    cd "$folder"
    for try in $tries; do
        [ "$try" = again ] || free_port >"$folder/port"
        port=$(cat "$folder/port")
        # pg_ctl keeps its standard output open in the server: it must not be the pipe that our caller reads.
        if as_owner "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/data/server.log" -o "-c listen_addresses=127.0.0.1 -c port=$port \
            -c unix_socket_directories=$folder -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200" \
            start >/dev/null 2>&1; then
            echo "$folder postgres://fixpoint:$(cat "$folder/password")@127.0.0.1:$port/postgres"
            return
        fi
    done
    tail -n 20 "$folder/data/server.log" >&2
    [ "$try" = again ] || rm -rf "$folder"
    stop "Postgres did not start"
}

# end MODE: stops the server the way that pg_ctl calls MODE.
end() {
    [ -f "$folder/data/PG_VERSION" ] || stop "$folder is not a folder that postgres.sh made"
    bin=$(where)
    cd "$folder"
    as_owner "$bin/pg_ctl" -D "$folder/data" -m "$1" -w stop >/dev/null 2>&1 || true
    cd /
}

folder=${2:-}
case ${1:-} in
where) where ;;
start) start ;;
halt) end fast ;;
stop)
    end immediate
    rm -rf "$folder"
    ;;
*) stop "usage: postgres.sh where | start [FOLDER] | halt FOLDER | stop FOLDER" ;;
esac
