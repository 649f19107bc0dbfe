#!/bin/sh
# A private RabbitMQ on the loopback interface; it touches no server that it did not start.
#
#   rabbitmq.sh where          prints the folder of its programs, or fails
#   rabbitmq.sh start          starts one in a new temporary folder; prints "<folder> <url>"
#   rabbitmq.sh start FOLDER   starts one in that folder, made when it is missing, or again with what is in it; prints the same
#   rabbitmq.sh pid FOLDER     prints the process id of its server
#   rabbitmq.sh halt FOLDER    stops the server and keeps the folder, so that it can be started again
#   rabbitmq.sh stop FOLDER    stops the server and removes the folder
set -eu
. "$(dirname "$0")/say.sh"

where() {
    for folder in /usr/lib/rabbitmq/bin /usr/lib/rabbitmq/lib/*/sbin "$(dirname "$(command -v rabbitmq-server 2>/dev/null || echo none/none)")"; do
        if [ -x "$folder/rabbitmq-server" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}

# The server, its port mapper and its cookie are all below one folder, so that two of them never meet.
environment() {
    . "$folder/ports"
    export HOME="$folder" ERL_EPMD_PORT="$mapper" ERL_EPMD_ADDRESS=127.0.0.1
    export RABBITMQ_NODENAME="fixpoint@localhost" RABBITMQ_DIST_PORT="$distribution" RABBITMQ_NODE_PORT="$port"
    export RABBITMQ_MNESIA_BASE="$folder/data" RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_PID_FILE="$folder/pid"
    export RABBITMQ_CONFIG_FILE="$folder/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/enabled_plugins"
    export RABBITMQ_CONF_ENV_FILE="$folder/none" RABBITMQ_FEATURE_FLAGS_FILE="$folder/data/feature_flags"
    # Erlang would spin on an idle machine, and the tests need the cores.
    export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none"
}

make_folder() {
    umask 077
    folder=$(readlink -m "${folder:-$(mktemp -d "${TMPDIR:-/tmp}/fixpoint-rabbitmq.XXXXXX")}")
    mkdir -p "$folder/data" "$folder/log"
    echo '[].' >"$folder/enabled_plugins"
    choose_ports
}

choose_ports() {
    port=$(free_port) distribution=$(free_port) mapper=$(free_port)
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    [ ! -f "$folder/password" ] || password=$(cat "$folder/password")
    echo "$password" >"$folder/password"
    printf 'port=%s distribution=%s mapper=%s\n' "$port" "$distribution" "$mapper" >"$folder/ports"
    cat >"$folder/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$port
default_user = fixpoint
default_pass = $password
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 100MB
log.file.level = warning
CONF
}

# Whether nobody listens on the broker's port.
untaken() {
    python3 - "$port" <<'PYTHON' 2>/dev/null
import socket, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
PYTHON
}

answers() {
    python3 - "$port" <<'PYTHON'
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2) as broker:
    broker.sendall(b"AMQP\x00\x00\x09\x01")
    sys.exit(0 if broker.recv(1) == b"\x01" else 1)
PYTHON
}

# Waits until it speaks AMQP; fails when the process is gone or a minute has passed.
await() {
    tries=0
    while ! answers 2>/dev/null; do
        tries=$((tries + 1))
        kill -0 "$1" 2>/dev/null && [ "$tries" -le 240 ] || return 1
        sleep 0.25
    done
}

start() {
    bin=$(where) || stop "no RabbitMQ programs found: install the package rabbitmq-server or set FIXPOINT_TEST_AMQP_URL"
    fresh=''
    if [ -z "$folder" ] || [ ! -e "$folder" ]; then
        fresh=yes
        make_folder
    elif [ ! -f "$folder/ports" ]; then
        stop "$folder is not a folder that rabbitmq.sh made"
    elif running; then
        stop "the RabbitMQ in $folder runs already"
    else
        # A broker that is started again keeps its port, unless somebody has taken it meanwhile.
        . "$folder/ports"
        untaken || choose_ports
    fi
    for try in 1 2 3; do
        environment
        # Its own session: an interrupt of the terminal is for whoever started it, who then stops it.
        setsid "$bin/rabbitmq-server" >"$folder/log/out" 2>&1 </dev/null &
        pid=$!
        echo "$pid" >"$folder/server"
        if await "$pid"; then
            echo "$folder amqp://fixpoint:$(cat "$folder/password")@127.0.0.1:$port/%2f"
            return
        fi
        end
        # Somebody may have taken a port meanwhile.
        [ -n "$fresh" ] || break
        choose_ports
    done
    tail -n 20 "$folder/log/out" >&2
    [ -z "$fresh" ] || rm -rf "$folder"
    stop "RabbitMQ did not start"
}

# The server's own process: what was started is a script that has become it, or waits for it. Fails when it is gone; its number
# may be somebody else's by now.
server() {
    for file in "$folder/data/fixpoint@localhost.pid" "$folder/pid" "$folder/server"; do
        pid=$(cat "$file" 2>/dev/null) && ours "$pid" && echo "$pid" && return
    done
    return 1
}

# One that was killed just now is given a moment to be gone.
running() {
    for try in 1 2 3 4 5 6 7 8; do
        server >/dev/null || return 1
        sleep 0.25
    done
}

ours() { 2>/dev/null tr '\0' '\n' <"/proc/$1/environ" | grep -qxF "HOME=$folder"; }

end() {
    environment
    if pid=$(server); then
        kill -CONT "$pid" 2>/dev/null || true
        kill "$pid" 2>/dev/null || true
        tries=0
        while kill -0 "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -le 80 ] || kill -9 "$pid" 2>/dev/null || true
            [ "$tries" -le 100 ] || break
            sleep 0.25
        done
    fi
    epmd -port "$mapper" -kill >/dev/null 2>&1 || true
}

folder=''
[ -z "${2:-}" ] || folder=$(readlink -m "$2")
case ${1:-} in
where) where ;;
start) start ;;
pid) server ;;
halt | stop)
    [ -f "$folder/ports" ] || stop "rabbitmq.sh $1 needs the folder that start printed"
    end
    [ "$1" = halt ] || rm -rf "$folder"
    ;;
*) stop "usage: rabbitmq.sh where | start [FOLDER] | pid FOLDER | halt FOLDER | stop FOLDER" ;;
esac
