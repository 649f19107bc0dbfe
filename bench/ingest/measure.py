"""What is measured of one server: cost per request, memory, latency at a fixed rate, and what a frozen broker does."""

from __future__ import annotations

import http.client
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

import load
import payload
from amqp import Amqp, NoQueue, everything
from broker import Broker, Purger
from servers import Server

BEGIN_SECONDS = 20
WARM_UP_SECONDS = 2
# How long what was accepted may take to reach the broker after the last answer.
SETTLE_SECONDS = 120
FROZEN_DELIVERIES = 20


@dataclass
class Plan:
    """How it is measured."""

    connections: int
    seconds: float
    rate: float
    rate_seconds: float
    server_cores: Sequence[int]
    other_cores: Sequence[int]


def round_of(server: Server, broker: Broker, plan: Plan) -> Dict[str, Any]:
    """Start a server, load it in a closed loop and at a fixed rate, and stop it."""
    purger = None
    try:
        begin(server, broker, plan)
        purger = Purger(broker, server.queue)
        measured(server, broker, purger, plan, WARM_UP_SECONDS, 0)
        closed = measured(server, broker, purger, plan, plan.seconds, 0)
        fixed = measured(server, broker, purger, plan, plan.rate_seconds, plan.rate)
        memory = server.process.memory() if server.process else {}
    finally:
        server.stop()
        if purger is not None:
            purger.stop()
    return {"closed": closed, "fixed": fixed, "memory_mib": memory}


def begin(server: Server, broker: Broker, plan: Plan) -> None:
    """Start a server on a broker without its queue, and wait until it has declared it: before, it has no connection."""
    broker.drop(server.queue)
    server.start(broker.url, plan.server_cores)
    if not broker.has(server.queue, BEGIN_SECONDS):
        raise RuntimeError(f"{server.name} has not declared {server.queue} within {BEGIN_SECONDS} s")


def measured(
    server: Server, broker: Broker, purger: Purger, plan: Plan, seconds: float, rate: float
) -> Dict[str, Any]:
    """Send, and wait until all that was accepted is in the broker: only then has the server done its work."""
    assert server.process is not None
    cpu, broker_cpu, stored = server.process.cpu(), broker.cpu(), purger.stored
    # As many connections as the closed loop has would hide a server that stalls at a fixed rate.
    connections = plan.connections if rate == 0 else max(plan.connections, 256)
    report = load.send(server.port, plan.other_cores[:1], connections, seconds, rate)
    behind = purger.reaches(stored + report["accepted"], SETTLE_SECONDS)
    deadline = time.monotonic() + SETTLE_SECONDS
    while server.waiting() and time.monotonic() < deadline:
        time.sleep(0.02)
    report["server_cpu_seconds"] = round(server.process.cpu() - cpu, 3)
    report["broker_cpu_seconds"] = round(broker.cpu() - broker_cpu, 3)
    report["stored"] = purger.stored - stored
    report["behind_seconds"] = None if behind is None else round(behind, 2)
    return report


# --- a broker that says nothing any more -------------------------------------------------------------------------


def frozen(server: Server, broker: Broker, plan: Plan) -> Dict[str, Any]:
    """Freeze the broker, deliver, kill the server, go on, start the server again; count what of it is in the queue."""
    answers: Dict[str, Tuple[int, float]] = {}
    try:
        begin(server, broker, plan)
        broker.freeze()
        try:
            deliver_all(server.port, answers)
            assert server.process is not None
            server.process.kill()
        finally:
            broker.thaw()
        time.sleep(1)
        server.start(broker.url, plan.server_cores)
        settled(server, broker)
    finally:
        server.stop()
    connection = Amqp(broker.url)
    messages = everything(connection, server.queue)
    connection.close()
    # The id is in a message whoever wrote it: among its properties, or in our envelope.
    copies = {delivery: sum(delivery.encode() in message for message in messages) for delivery in answers}
    accepted = {delivery for delivery, (status, _) in answers.items() if 200 <= status < 300}
    stored = {delivery for delivery, count in copies.items() if count}
    times = sorted(seconds for _, seconds in answers.values())
    return {
        "sent": len(answers),
        "accepted": len(accepted),
        "refused": len(answers) - len(accepted),
        "stored": len(stored),
        "lost_after_2xx": len(accepted - stored),
        "refused_but_stored": len(stored - accepted),
        "stored_twice": sum(count > 1 for count in copies.values()),
        "statuses": sorted({status for status, _ in answers.values()}),
        "answer_seconds": {"median": round(times[len(times) // 2], 3), "max": round(times[-1], 3)},
    }


def deliver_all(port: int, answers: Dict[str, Tuple[int, float]]) -> None:
    """Deliver at once, and wait for every answer as long as a sender would and longer."""
    threads = [
        threading.Thread(target=deliver, args=(port, str(uuid.uuid4()), answers)) for _ in range(FROZEN_DELIVERIES)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def deliver(port: int, delivery: str, answers: Dict[str, Tuple[int, float]]) -> None:
    """Deliver once; status 0 stands for no answer."""
    body = load.BODY.read_bytes()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "workflow_run",
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": payload.signature(body),
    }
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", "/webhooks/github", body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    answers[delivery] = (status, time.monotonic() - begin)


def settled(server: Server, broker: Broker) -> None:
    """Wait until nothing waits in the server and the queue has not grown for three seconds; a minute at most."""
    connection = Amqp(broker.url)
    seen: List[int] = []
    for _ in range(120):
        try:
            ready = connection.ready(server.queue)
        except NoQueue:
            ready = 0
        seen.append(ready)
        if len(seen) > 6 and len(set(seen[-7:])) == 1 and server.waiting() == 0:
            break
        time.sleep(0.5)
    connection.close()
