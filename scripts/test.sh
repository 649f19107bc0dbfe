#!/bin/sh
# Every test. With CI set, a test that skips for want of a database or a broker is a failure; here it is always set.
set -eu
cd "$(dirname "$0")/.."
. scripts/say.sh
sh scripts/need.sh test

postgres=''
rabbitmq=''
finish() {
    code=$?
    trap - EXIT INT TERM
    if [ -n "$postgres" ]; then
        say "stopping the private Postgres"
        sh scripts/postgres.sh stop "$postgres" || true
    fi
    if [ -n "$rabbitmq" ]; then
        say "stopping the private RabbitMQ"
        sh scripts/rabbitmq.sh stop "$rabbitmq" || true
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "${FIXPOINT_TEST_POSTGRES_URL:-}" ]; then
    say "using the Postgres of FIXPOINT_TEST_POSTGRES_URL"
else
    say "starting a private Postgres"
    started=$(sh scripts/postgres.sh start)
    postgres=${started%% *}
    FIXPOINT_TEST_POSTGRES_URL=${started#* }
    export FIXPOINT_TEST_POSTGRES_URL
fi
if [ -n "${FIXPOINT_TEST_AMQP_URL:-}" ]; then
    say "using the broker of FIXPOINT_TEST_AMQP_URL"
else
    say "starting a private RabbitMQ"
    started=$(sh scripts/rabbitmq.sh start)
    rabbitmq=${started%% *}
    FIXPOINT_TEST_AMQP_URL=${started#* }
    export FIXPOINT_TEST_AMQP_URL
fi

# The test of the layers reads the manifests of every platform, also of those that are not built here.
say "cargo fetch"
cargo fetch --locked
say "cargo test --workspace"
CI=${CI:-1} cargo test --workspace
say "the stories again, over RabbitMQ and Postgres"
CI=${CI:-1} FIXPOINT_TEST_PROFILE=distributed cargo test --workspace --test it story::
