#!/usr/bin/env python3
"""Measures `ingest` beside servers that somebody would write in its place; README.md says how.

    python3 bench/ingest/run.py                          everything
    python3 bench/ingest/run.py --only ingest --only go  some servers
    python3 bench/ingest/run.py --check                  only: can the generator be trusted?

Prints tables in Markdown and writes target/bench/ingest.json. Exit code 1 when a server was prepared and could not be
measured, or ours is missing; whether the targets are met is in the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import load
import report
import servers
from broker import Broker
from measure import Plan, frozen, round_of
from servers import OURS, ROOT, WORK, Server, say


def split_cores() -> Tuple[List[int], List[int]]:
    """Return the core of the server, and those of everything else; nothing is bound on a machine with one core."""
    cores = sorted(os.sched_getaffinity(0))
    return (cores[-1:], cores[:-1]) if len(cores) > 1 else ([], [])


def machine() -> Dict[str, Any]:
    """Return what the numbers depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model[0] if model else platform.machine(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "load_average_before": [round(value, 2) for value in os.getloadavg()],
    }


def candidates(arguments: argparse.Namespace, workers: int) -> Tuple[List[Server], bool]:
    """Return the servers to be measured, and whether one that was asked for is not there."""
    found = []
    broken = False
    if not arguments.only or OURS in arguments.only:
        if arguments.ingest.exists():
            found.append(servers.ours(arguments.ingest.resolve(), arguments.queue))
        else:
            print(f"SKIPPED 1: {OURS}: there is no {arguments.ingest}", flush=True)
            broken = True
    return found + servers.prepared(workers, arguments.only), broken


def measure(found: List[Server], broker: Broker, plan: Plan, rounds: int, failed: Dict[str, str]) -> report.Rounds:
    """Measure all servers in turn, as often as there are rounds."""
    shown: report.Rounds = {server.name: [] for server in found}
    for number in range(rounds):
        # To and fro, so that neither the drift of the machine nor a neighbour is always at the same server's cost.
        for server in found if number % 2 == 0 else reversed(found):
            if server.name in failed:
                continue
            try:
                one = round_of(server, broker, plan)
            except Exception as error:
                failed[server.name] = str(error)
                print(f"SKIPPED 1: {server.name}: {error}", flush=True)
                continue
            shown[server.name].append(one)
            p99 = one["fixed"]["latency_ms"].get("p99", 0)
            say(
                f"round {number + 1} of {rounds}, {server.name}: {report.per_cpu_second(one):,.0f} requests per "
                f"CPU-second, p99 {p99:.1f} ms at {plan.rate:,.0f}/s, {one['memory_mib']['rss']:.0f} MiB"
            )
    # A server that failed in a later round would be paired with the wrong rounds of the others.
    return {name: rows for name, rows in shown.items() if len(rows) == rounds}


def freeze(found: List[Server], broker: Broker, plan: Plan, failed: Dict[str, str]) -> Dict[str, Dict[str, Any]]:
    """See what each server does when the broker freezes."""
    stood: Dict[str, Dict[str, Any]] = {}
    for server in found:
        if server.name in failed:
            continue
        try:
            stood[server.name] = one = frozen(server, broker, plan)
        except Exception as error:
            failed[server.name] = f"frozen broker: {error}"
            print(f"SKIPPED 1: {server.name} with a frozen broker: {error}", flush=True)
            continue
        say(f"frozen broker, {server.name}: {one['accepted']} accepted, {one['lost_after_2xx']} of them lost")
    return stood


def show(result: Dict[str, Any]) -> None:
    """Print the tables."""
    facts = result["machine"]
    loads = ", ".join(map(str, facts["load_average_before"]))
    print("\n## Webhooks to RabbitMQ\n")
    print(f"{facts['cores']} cores ({facts['processor']}), {facts['memory_mib']:,} MiB, load average before: {loads}")
    print("\n" + "; ".join(f"{name}: {version}" for name, version in result["versions"].items()))
    if facts["load_average_before"][0] > facts["cores"] / 4:
        print("\n**The machine was busy before the run: these numbers show that everything works, and nothing else.**")
    if result["broker_alarms"]:
        print("\n**The broker was out of memory or disk and let nobody publish: the load table is worth nothing.**")
    plan = result["plan"]
    print(
        f"\n{plan['rounds']} rounds; closed loop: {plan['connections']} connections for {plan['seconds']:g} s; "
        f"fixed rate: {plan['rate']:,.0f}/s for {plan['rate_seconds']:g} s. Median (least–most). "
        "Ratios are paired within a round.\n"
    )
    print(report.load_table(result["rounds"], plan["rate"]))
    print("\n### Broker frozen, 20 deliveries, server killed, broker resumed, server started again\n")
    print(report.frozen_table(result["frozen"]))
    print("\n### Targets\n")
    print(report.targets_table(result["targets"]), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="SERVER", help="may be given several times")
    parser.add_argument("--ingest", type=Path, default=ROOT / "target/release/ingest", help="our program")
    parser.add_argument("--queue", default="planner.signals", help="the queue that ours fills")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of the closed loop, per server and round")
    parser.add_argument("--connections", type=int, default=32, help="of the closed loop")
    parser.add_argument("--rate", type=float, default=1000, help="requests per second of the open loop")
    parser.add_argument("--rate-seconds", type=float, default=10, help="of the open loop, per server and round")
    parser.add_argument("--check", action="store_true", help="only check the generator")
    arguments = parser.parse_args()
    # An end from outside still stops the broker and the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    WORK.mkdir(parents=True, exist_ok=True)
    server_cores, other_cores = split_cores()
    load.build()
    load.check(other_cores)
    if arguments.check:
        return 0
    facts = machine()
    found, broken = candidates(arguments, max(1, len(server_cores)))
    if not found:
        return 1
    shutil.rmtree(WORK / "data", ignore_errors=True)
    for server in found:
        (WORK / f"{server.name}.log").unlink(missing_ok=True)
    plan = Plan(
        arguments.connections, arguments.seconds, arguments.rate, arguments.rate_seconds, server_cores, other_cores
    )
    say("starting a private RabbitMQ")
    failed: Dict[str, str] = {}
    with Broker(other_cores) as broker:
        versions = {"broker": broker.version(), **servers.versions()}
        rounds = measure(found, broker, plan, arguments.rounds, failed)
        alarms = broker.alarms()
    stood: Dict[str, Dict[str, Any]] = {}
    if len(failed) < len(found):
        # What a broker still takes out of the connection of a killed server depends on its cores: this one has all.
        say("starting another, to be frozen")
        with Broker([]) as broker:
            stood = freeze(found, broker, replace(plan, server_cores=[]), failed)
    result: Dict[str, Any] = {"machine": facts, "versions": versions}
    result["plan"] = {**vars(plan), "rounds": arguments.rounds, "queue": arguments.queue}
    result.update(broker_alarms=alarms, rounds=rounds, frozen=stood, failed=failed, targets=report.targets(rounds, stood))
    show(result)
    written = WORK.parent / "ingest.json"
    written.write_text(json.dumps(result, indent=1) + "\n")
    say(f"all numbers are in {written.relative_to(ROOT)}")
    return 1 if broken or result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
