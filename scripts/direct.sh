#!/bin/sh
# Fixpoint in processes of their own, without containers: the services, a private Postgres and RabbitMQ, and nginx before them.
#
#   direct.sh start   starts them, as the environment says: LISTEN, INGESTS, PLANNERS, FIXERS, BINARIES, DATABASE_URL, AMQP_URL
#   direct.sh stop    stops exactly these
#
# Of process ids and addresses there is one file each in .data/run; logs are in .data/log. What has to last is in .data/postgres,
# .data/rabbitmq and .data/ingest-N; .data/fixer-N has what can be fetched and built again.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1
PATH=$PATH:/usr/sbin:/sbin
data=$PWD/.data
run=$data/run
log=$data/log

# The process id of what was started under a name (`planner-2` is a `planner`), unless the number is somebody else's by now.
alive() {
    pid=$(cat "$run/$1.pid" 2>/dev/null) || return 1
    case $(readlink "/proc/$pid/exe" 2>/dev/null) in
    */"${1%-*}" | */"${1%-*} (deleted)") echo "$pid" ;;
    *) return 1 ;;
    esac
}

# The names of what was started of these programs.
names() {
    for program in "$@"; do
        for file in "$run/$program"*.pid; do
            [ ! -f "$file" ] || basename "$file" .pid
        done
    done
}

# Every service gets the settings that it reads, and nobody else's secrets.
only_for() {
    slack=${SLACK_WEBHOOK_URL:-}${SLACK_BOT_TOKEN:-}${FIXPOINT__SLACK__WEBHOOK_URL:-}${FIXPOINT__SLACK__BOT_TOKEN:-}
    for variable in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        case $1:$variable in
        *:AMQP_URL | *:DEBUG | *:FIXPOINT__TELEMETRY__*) ;;
        ingest:*_WEBHOOK_SECRET | ingest:SENTRY_FIXER_ENABLED | ingest:FIXPOINT__SENTRY__ENABLED | ingest:FIXPOINT__INGEST__*) ;;
        *:*_WEBHOOK_SECRET | fixer:FIXPOINT__GITHUB__AUTH__*) unset "$variable" ;;
        planner:DATABASE_URL | planner:SENTRY_FIXER_* | planner:GITHUB_*) ;;
        planner:FIXPOINT__DATABASE__* | planner:FIXPOINT__SENTRY__* | planner:FIXPOINT__PROJECT*) ;;
        planner:FIXPOINT__GITHUB__* | planner:FIXPOINT__PLANNER__*) ;;
        fixer:GITHUB_API_URL | fixer:FIXPOINT__GITHUB__*) ;;
        fixer:FIXPOINT__FIXER__* | fixer:FIXPOINT__PREPARE__* | fixer:FIXPOINT__SANDBOX__*) ;;
        notifier:SLACK_* | notifier:FIXPOINT__SLACK__*) ;;
        *:FIXPOINT__* | *:SENTRY_* | *:GITHUB_* | *:SLACK_* | *:*_PASSWORD | *:DATABASE_URL | *:PORT) unset "$variable" ;;
        esac
    done
    # What was written behind `make up` is in there once more.
    unset MAKEFLAGS MFLAGS MAKEOVERRIDES
    # The planner tells people whether Slack is set up, and for this any word will do.
    if [ "$1" = planner ] && [ -n "$slack" ]; then export SLACK_WEBHOOK_URL=set; fi
}

# The log of the run before stays beside the new one; older ones go.
fresh_log() { [ ! -f "$log/$1.log" ] || mv "$log/$1.log" "$log/$1.log.before"; }

serve() { # serve <name>
    name=$1
    port=$(free_port)
    echo "http://127.0.0.1:$port" >"$run/$name.url"
    fresh_log "$name"
    (
        only_for "${name%-*}"
        export FIXPOINT__SERVER__LISTEN="127.0.0.1:$port" FIXPOINT__DATA__DIR="$data/$name"
        mkdir -p -m 700 "$FIXPOINT__DATA__DIR"
        # A session of its own: an interrupt of the terminal is for whoever starts it, who then stops it.
        exec setsid "$binaries/${name%-*}" >>"$log/$name.log" 2>&1 </dev/null
    ) &
    echo $! >"$run/$name.pid"
}

await() { # await <name> <path>: until it answers 200 there
    tries=0
    until answer=$(answers "$(cat "$run/$1.url")$2"); do
        tries=$((tries + 1))
        if ! readlink "/proc/$(cat "$run/$1.pid")/exe" >/dev/null; then
            tail -n 15 "$log/$1.log" >&2
            stop "$1 has ended; its whole log is in .data/log/$1.log"
        elif [ "$tries" -gt 120 ]; then
            tail -n 15 "$log/$1.log" >&2
            stop "$1 does not get ready: ${answer:-it does not answer}; its whole log is in .data/log/$1.log"
        fi
        sleep 0.5
    done
    case $1 in nginx) say "the front door is open" ;; *) say "$1 is ready" ;; esac
}

upstream() { # upstream <program>: nginx' list of its processes
    for name in $(names "$1-"); do
        # One that did not answer is asked again at once: it may be all that there is.
        printf 'server %s max_fails=0; ' "$(sed 's|^http://||' "$run/$name.url")"
    done
}

front_door() {
    folder=$data/front
    rm -rf "$folder"
    mkdir -m 755 "$folder"
    [ "$(id -u)" != 0 ] || runuser -u nobody -- test -x "$folder" ||
        stop "the user nobody, as whom nginx works, cannot reach $folder: let others pass through the folders above it (chmod o+x)"
    ingests=$(upstream ingest) planners=$(upstream planner)
    for file in front direct; do
        sed -e 's|${FRONT_RESOLVER}||' -e "s|\${FRONT_INGEST}|$ingests|" -e "s|\${FRONT_PLANNERS}|$planners|" \
            -e "s|\${FRONT_LISTEN}|$LISTEN|" -e "s|\${FRONT_LOG}|$log/requests.log|" -e "s|\${FRONT_FOLDER}|$folder|" \
            "deploy/nginx/$file.conf.template" >"$folder/$file.conf"
    done
    echo "http://$LISTEN" >"$run/nginx.url"
    fresh_log nginx
    fresh_log requests
    setsid nginx -p "$folder" -c "$folder/direct.conf" -g 'daemon off;' >"$log/nginx.log" 2>&1 </dev/null &
    echo $! >"$run/nginx.pid"
}

start() {
    for name in $(names ''); do
        ! alive "$name" >/dev/null || stop "$name already runs as process $(alive "$name"): make down"
    done
    [ ! -d "$run" ] || end
    python3 - "$LISTEN" <<'PYTHON' || stop "LISTEN=$LISTEN cannot be used: choose another address"
import socket, sys
host, _, port = sys.argv[1].rpartition(":")
family = socket.AF_INET6 if ":" in host else socket.AF_INET
listener = socket.socket(family)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    listener.bind((host.strip("[]"), int(port)))
except (OSError, ValueError) as error:
    sys.exit(f"  {error}")
PYTHON
    sh scripts/need.sh up
    if [ -n "${BINARIES:-}" ]; then
        binaries=$(readlink -f "$BINARIES")
    else
        binaries=$PWD/target/debug
        [ -z "${RELEASE:-}" ] || binaries=$PWD/target/release
        say "building (the first time takes some minutes)"
        # --workspace keeps one set of features, so that the tests later do not compile the dependencies again.
        cargo build ${RELEASE:+--release} --workspace --bin ingest --bin planner --bin fixer --bin notifier
    fi
    mkdir -p "$log"
    mkdir -m 700 "$run"
    trap 'finish $?' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    if [ -n "${DATABASE_URL:-}" ]; then
        say "Postgres is the one of DATABASE_URL"
    else
        say "starting Postgres in .data/postgres"
        : >"$run/postgres.address"
        started=$(sh scripts/postgres.sh start "$data/postgres")
        DATABASE_URL=${started##* }
        echo "$DATABASE_URL" >"$run/postgres.address"
    fi
    if [ -n "${AMQP_URL:-}" ]; then
        say "RabbitMQ is the one of AMQP_URL"
    else
        say "starting RabbitMQ in .data/rabbitmq"
        : >"$run/rabbitmq.address"
        started=$(sh scripts/rabbitmq.sh start "$data/rabbitmq")
        AMQP_URL=${started##* }
        echo "$AMQP_URL" >"$run/rabbitmq.address"
    fi
    export DATABASE_URL AMQP_URL

    # There were more of them in an earlier run: what they accepted is passed on by nobody else.
    while [ -n "$(find "$data/ingest-$((INGESTS + 1))/spool" -name '*.spool' -size +0 2>/dev/null)" ]; do
        INGESTS=$((INGESTS + 1))
        say "ingest-$INGESTS has deliveries in its spool, so it is started too"
    done
    say "starting $INGESTS × ingest, $PLANNERS × planner, $FIXERS × fixer, 1 × notifier; logs in .data/log"
    for number in $(seq "$INGESTS"); do serve "ingest-$number"; done
    for number in $(seq "$PLANNERS"); do serve "planner-$number"; done
    for number in $(seq "$FIXERS"); do serve "fixer-$number"; done
    serve notifier-1
    for name in $(names planner ingest fixer notifier); do
        await "$name" /health/ready
    done
    front_door
    await nginx /health
    for name in $(names ingest planner fixer notifier); do
        say "  $name at $(cat "$run/$name.url") (/health/ready, /metrics)"
    done
}

# Whatever keeps a part from coming up ends the others too.
finish() {
    trap - EXIT INT TERM
    [ "$1" = 0 ] || end
    exit "$1"
}

halt() { # halt <seconds> <signal> <name…>: asks all of them, waits for all of them, then insists
    limit=$(($1 * 4))
    signal=$2
    shift 2
    for name in "$@"; do
        if pid=$(alive "$name"); then
            say "stopping $name"
            kill -s "$signal" "$pid" 2>/dev/null || true
        fi
    done
    tries=0
    for name in "$@"; do
        while pid=$(alive "$name"); do
            tries=$((tries + 1))
            # nginx' own quick way: its workers would survive a kill of their master.
            if [ "$tries" -gt "$limit" ]; then
                case $name in nginx) kill "$pid" 2>/dev/null || true ;; *) kill -s KILL "$pid" 2>/dev/null || true ;; esac
            fi
            sleep 0.25
        done
        rm -f "$run/$name.pid" "$run/$name.url"
    done
}

# Workers of an nginx whose master was killed; they would keep its port. They are of the session that it was given.
orphans() {
    master=$(cat "$run/nginx.pid" 2>/dev/null) || return 0
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe" 2>/dev/null) in
        */nginx) [ "$(cut -d ' ' -f 6 "${exe%/exe}/stat")" != "$master" ] || basename "${exe%/exe}" ;;
        esac
    done
}

# Nobody new comes in; what was accepted is passed on; attempts go on for half a minute, while their planner is there to be told.
end() {
    alive nginx >/dev/null || for pid in $(orphans); do kill "$pid" || true; done
    halt 10 QUIT $(names nginx)
    halt 35 TERM $(names ingest fixer)
    halt 20 TERM $(names planner notifier)
    if [ -f "$run/rabbitmq.address" ]; then
        say "stopping RabbitMQ"
        sh scripts/rabbitmq.sh halt "$data/rabbitmq" || true
    fi
    if [ -f "$run/postgres.address" ]; then
        say "stopping Postgres"
        sh scripts/postgres.sh halt "$data/postgres" || true
    fi
    rm -rf "$run"
}

case ${1:-} in
start) start ;;
stop) end ;;
*) stop "usage: direct.sh start | stop" ;;
esac
