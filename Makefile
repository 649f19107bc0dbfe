# What a person types. Each target is one script, which says what it does.
.PHONY: help demo test check up down bench gauntlet guards conformance

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## two incidents become pull requests before your eyes; needs no account (PROFILE=embedded|distributed)
	@sh scripts/demo.sh $(PROFILE)

test: ## every test, in memory and over RabbitMQ, on SQLite and on Postgres; private servers
	@sh scripts/test.sh

check: ## what CI runs: tests, lints, format, docs, dependencies, conformance
	@.ci/run

up: ## start Fixpoint in the background (LISTEN=127.0.0.1:8080 PLANNERS=1 FIXERS=1 PROFILE=distributed|embedded)
	@sh scripts/up.sh

down: ## stop what `make up` started
	@sh scripts/down.sh

bench: ## every bug repaired, webhooks beside other servers, signals into Postgres (BENCH=repair, ingest or planner: only that)
	@sh scripts/bench.sh $(BENCH)

gauntlet: ## the four services as processes on the worst of days (SEED=1 SHORT=1|LONG=1|DELIVERIES=1)
	@sh scripts/gauntlet.sh

guards: ## each guard against a fault is taken out of a copy, where its test has to fail (GUARDS="07 12": only those)
	@sh scripts/guards.sh $(GUARDS)

conformance: ## requests and simulator against GitHub's own description
	@sh scripts/conformance.sh
