#!/bin/sh
# A private Postgres on the loopback interface; it touches no server that it did not start.
#
#   postgres.sh where          prints the folder of its programs, or fails
#   postgres.sh start          starts one in a new temporary folder, for one run of the tests; prints "<folder> <url>"
#   postgres.sh start FOLDER   starts one in that folder, made when it is missing, whose data is to last; prints the same
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

make_folder() {
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "$password" >"$folder/password"
    if [ "$(id -u)" = 0 ]; then
        chown -R "$(id -u postgres 2>/dev/null || id -u nobody)" "$folder"
    fi
    cd "$folder"
    as_owner test -r "$folder/password" ||
        stop "the user that Postgres runs as cannot reach $folder: let others pass through the folders above it (chmod o+x)"
    # The password crosses nothing but the loopback interface.
    as_owner "$bin/initdb" -D "$folder/data" -U fixpoint -A password --pwfile="$folder/password" -E UTF8 --locale=C.UTF-8 \
        $(lasting || echo --no-sync) >"$folder/initdb.log" 2>&1 || {
        cat "$folder/initdb.log" >&2
        rm -rf "$folder"
        stop "initdb failed"
    }
}

lasting() { [ "$folder" = "$given" ]; }

start() {
    bin=$(where) || stop "no Postgres programs found: install the package postgresql or set FIXPOINT_TEST_POSTGRES_URL"
    umask 077
    given=${1:-}
    folder=${given:-$(mktemp -d "${TMPDIR:-/tmp}/fixpoint-postgres.XXXXXX")}
    if [ ! -f "$folder/data/PG_VERSION" ]; then
        # What is left of a start that was cut off holds nothing.
        ! lasting || [ ! -e "$folder" ] || [ -f "$folder/password" ] || stop "$folder is not a folder that postgres.sh made"
        rm -rf "$folder"
        mkdir "$folder"
        make_folder
    elif server >/dev/null; then
        stop "the Postgres in $folder runs already"
    elif pid=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null) && [ -e "/proc/$pid" ]; then
        # Left by a machine that was switched off: the number is somebody else's by now, and Postgres would wait for him.
        rm -f "$folder/data/postmaster.pid"
    fi
    cd "$folder"
    # Data that lives for one run needs no fsync.
    options="-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
    lasting || options="$options -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    for try in 1 2 3; do
        # Whoever was connected looks for it where it was.
        [ "$try" = 1 ] && [ -s "$folder/port" ] || free_port >"$folder/port"
        port=$(cat "$folder/port")
        # pg_ctl keeps its standard output open in the server: it must not be the pipe that our caller reads.
        if as_owner "$bin/pg_ctl" -D "$folder/data" -w -t 60 -l "$folder/data/server.log" -o "$options -c port=$port" \
            start >/dev/null 2>&1; then
            echo "$folder postgres://fixpoint:$(cat "$folder/password")@127.0.0.1:$port/postgres"
            return
        fi
    done
    tail -n 20 "$folder/data/server.log" >&2
    lasting || rm -rf "$folder"
    stop "Postgres did not start"
}

# Prints the server's process id; fails when there is none, or when the number belongs to somebody else by now.
server() {
    pid=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
    [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$folder/data")" ] && echo "$pid"
}

end() { # end fast|immediate
    bin=$(where)
    server >/dev/null || return 0
    cd "$folder"
    as_owner "$bin/pg_ctl" -D "$folder/data" -m "$1" -w -t 30 stop >/dev/null 2>&1 ||
        as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    cd /
}

command=${1:-}
folder=''
[ -z "${2:-}" ] || folder=$(readlink -m "$2")
case $command in
where) where ;;
start) start "$folder" ;;
halt | stop)
    [ -f "$folder/data/PG_VERSION" ] || stop "postgres.sh $command needs the folder that start printed"
    if [ "$command" = halt ]; then
        end fast
    else
        end immediate
        rm -rf "$folder"
    fi
    ;;
*) stop "usage: postgres.sh where | start [FOLDER] | halt FOLDER | stop FOLDER" ;;
esac
