#!/bin/sh
# Starts Fixpoint in the background, waits until it is ready, and says where to look.
#
#   PROFILE=distributed   four services, Postgres, RabbitMQ and a front door: in containers where a Docker daemon answers, else in
#                         processes of their own (the default)
#   PROFILE=compose       the same, in containers or not at all
#   PROFILE=direct        the same, in processes of their own
#   PROFILE=embedded      one process, with the database in a file
#
# LISTEN is where the front door listens. INGESTS, PLANNERS and FIXERS say how many there are of each; DATABASE_URL and AMQP_URL name
# a Postgres and a RabbitMQ that are used instead of starting them. Apart from containers: RELEASE=1 builds with optimisation,
# BINARIES=FOLDER uses the programs that are there. Settings come from the environment, then from the file .env.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
STOP_CODE=1

# What the environment has set stays.
read_env() {
    [ -f .env ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in '' | '#'*) continue ;; esac
        name=${line%%=*}
        value=${line#*=}
        case $name in "$line" | '' | [0-9]* | *[!A-Za-z0-9_]*) stop ".env: \"$name\" is not a NAME=value" ;; esac
        case $value in
        \"*\") value=${value#\"} value=${value%\"} ;;
        \'*\') value=${value#\'} value=${value%\'} ;;
        esac
        eval "[ -n \"\${$name:-}\" ]" || export "$name=$value"
    done <.env
}

read_env
LISTEN=${LISTEN:-127.0.0.1:${PORT:-8080}}
INGESTS=${INGESTS:-1} PLANNERS=${PLANNERS:-1} FIXERS=${FIXERS:-1}
export LISTEN INGESTS PLANNERS FIXERS
for count in "INGESTS $INGESTS" "PLANNERS $PLANNERS" "FIXERS $FIXERS"; do
    case ${count#* } in [1-9] | [1-9][0-9]) ;; *) stop "${count% *} is \"${count#* }\": write a number from 1 to 99" ;; esac
done

docker_answers() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

profile=${PROFILE:-distributed}
case $profile in
embedded | direct) ;;
compose) docker_answers || stop "no Docker daemon with the compose plugin answers here: make up PROFILE=direct" ;;
distributed)
    profile=direct
    if docker_answers; then profile=compose; fi
    ;;
*) stop "PROFILE is \"$profile\": write distributed, compose, direct or embedded" ;;
esac
for other in embedded:.data/fixpoint.pid direct:.data/run compose:.data/compose; do
    [ "${other%%:*}" = "$profile" ] || [ ! -e "${other#*:}" ] || stop "PROFILE=${other%%:*} was started last: make down first"
done
mkdir -p .data

embedded() {
    if [ -f .data/fixpoint.pid ] && kill -0 "$(cat .data/fixpoint.pid)" 2>/dev/null; then
        stop "Fixpoint already runs as process $(cat .data/fixpoint.pid): make down"
    fi
    sh scripts/need.sh demo
    say "building"
    cargo build --workspace --bin fixpoint
    say "starting on http://$LISTEN, data and log in .data"
    nohup target/debug/fixpoint up --listen "$LISTEN" --data .data >.data/fixpoint.log 2>&1 &
    echo $! >.data/fixpoint.pid
    tries=0
    until answers "http://$LISTEN/health" >/dev/null; do
        tries=$((tries + 1))
        if ! kill -0 "$(cat .data/fixpoint.pid)" 2>/dev/null || [ "$tries" -gt 60 ]; then
            tail -n 15 .data/fixpoint.log >&2
            sh scripts/down.sh
            stop "Fixpoint did not come up; the whole log is in .data/fixpoint.log"
        fi
        sleep 0.5
    done
}

compose() {
    if [ ! -f .env ]; then
        say "writing .env from deploy/env.example, with new passwords; your settings belong there"
        script=''
        for name in POSTGRES_PASSWORD RABBITMQ_PASSWORD GRAFANA_PASSWORD; do
            script="$script;s/^$name=\$/$name=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')/"
        done
        (umask 077 && sed "$script" deploy/env.example >.env)
    fi
    case $INGESTS in
    1) set -- ;;
    2) set -- --profile second-ingest ;;
    *) stop "INGESTS is $INGESTS: containers have one or two, each with a spool of its own" ;;
    esac
    set -- "$@" up --detach --build --wait --wait-timeout 600 --scale "planner=$PLANNERS" --scale "fixer=$FIXERS"
    [ -z "${DATABASE_URL:-}" ] || set -- "$@" --scale postgres=0
    [ -z "${AMQP_URL:-}" ] || set -- "$@" --scale rabbitmq=0
    : >.data/compose
    say "building and starting containers (the first time takes some minutes)"
    docker compose "$@" || {
        docker compose ps --all >&2
        docker compose logs --tail 15 >&2
        sh scripts/down.sh
        stop "Fixpoint did not come up"
    }
}

case $profile in
embedded)
    embedded
    logs="tail -f .data/fixpoint.log"
    ;;
direct)
    sh scripts/direct.sh start
    logs="tail -f .data/log/*.log"
    ;;
compose)
    compose
    logs="docker compose logs --follow"
    ;;
esac
say "up: http://$LISTEN (webhooks at /webhooks/…, jobs at /api/v1/jobs, health at /health)"
say "follow it with $logs, stop it with make down"
