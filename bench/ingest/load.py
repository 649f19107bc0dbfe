"""The generator: how it is compiled, called and read, and that it can be trusted (``check``)."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from typing import Any, Dict, List, Sequence, Set

import payload
from process import pinned
from servers import HERE, WORK, say

PROGRAM = WORK / "load"
BODY = WORK / "body.json"


def build() -> None:
    """Compile it, and write down what it sends."""
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", str(PROGRAM), str(HERE / "load.c")], check=True)
    BODY.write_bytes(payload.body())


def send(port: int, cores: Sequence[int], connections: int, seconds: float, rate: float = 0) -> Dict[str, Any]:
    """Send for so many seconds, in a closed loop unless there is a rate; return what came back."""
    words = (PROGRAM, port, connections, seconds, rate, BODY, payload.signature(BODY.read_bytes()))
    command = pinned(cores, [str(word) for word in words])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=seconds + 90, check=True)
    report: Dict[str, Any] = json.loads(done.stdout)
    report["accepted"] = sum(count for status, count in report["statuses"].items() if status.startswith("2"))
    report["refused"] = report["answered"] - report["accepted"] + report["broken"] + report["unanswered"]
    return report


class Trivial:
    """A server whose answers are known beforehand: each takes ``delay``, and once nobody is answered for ``stall``."""

    def __init__(self, delay: float, stall: float, stall_after: float) -> None:
        self._delay, self._stall, self._stall_after = delay, stall, stall_after
        self._begin = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.ids: List[str] = []
        self.wrong: Set[str] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        unread = b""
        while True:
            while b"\r\n\r\n" not in unread or len(unread.partition(b"\r\n\r\n")[2]) < payload.SIZE:
                got = connection.recv(65536)
                if not got:
                    return
                unread += got
            head, _, rest = unread.partition(b"\r\n\r\n")
            body, unread = rest[: payload.SIZE], rest[payload.SIZE :]
            self._begin = self._begin or time.monotonic()
            fields = dict(re.findall(rb"([\w-]+): (.*?)\r\n", head + b"\r\n"))
            self.ids.append(fields[b"X-GitHub-Delivery"].decode())
            if fields[b"X-Hub-Signature-256"].decode() != payload.signature(body):
                self.wrong.add("signature")
            time.sleep(self._delay)
            left = self._begin + self._stall_after + self._stall - time.monotonic()
            if 0 < left < self._stall:
                time.sleep(left)
            # Both ways of saying how long an answer is, and one connection in a hundred answers that is closed.
            last = len(self.ids) % 100 == 0
            closing = b"Connection: close\r\n" if last else b""
            if len(self.ids) % 2:
                connection.sendall(b"HTTP/1.1 202 Accepted\r\n" + closing + b"Content-Length: 6\r\n\r\nqueued")
            else:
                connection.sendall(
                    b"HTTP/1.1 202 Accepted\r\n" + closing + b"Transfer-Encoding: chunked\r\n\r\n6\r\nqueued\r\n0\r\n\r\n"
                )
            if last:
                connection.close()
                return


def check(cores: Sequence[int]) -> None:
    """Measure a server whose answers are known; fail when the generator says otherwise, three times."""
    for _ in range(3):
        say("the generator against a server whose answers are known")
        wrong = _wrong(cores)
        if not wrong:
            return
        say("; ".join(wrong))
    raise SystemExit("✗ the generator is not to be trusted on this machine now")


def _wrong(cores: Sequence[int]) -> List[str]:
    open_loop = Trivial(delay=0.005, stall=0.5, stall_after=1)
    report = send(open_loop.port, cores, 64, 4, 250)
    wrong = sorted(open_loop.wrong)
    if report["sent"] != 1000 or report["accepted"] != 1000 or report["refused"]:
        wrong.append(f"1000 requests were to be sent and accepted: {report['sent']} and {report['accepted']} were")
    if len(set(open_loop.ids)) != 1000:
        wrong.append(f"1000 delivery ids were to come: {len(set(open_loop.ids))} did")
    latency, lag = report["latency_ms"], report["lag_ms"]
    # An eighth of the requests falls into the stall; a hundredth waits for nearly all of it.
    if not (5 <= latency["p50"] < 15 and 420 < latency["p99"] < 560 and latency["max"] < 600):
        wrong.append(f"5 ms each and one stall of 500 ms were to be seen: {latency}")
    closed_loop = Trivial(delay=0.010, stall=0, stall_after=0)
    report = send(closed_loop.port, cores, 8, 2)
    rate = report["answered"] / report["seconds"]
    if not (8 / 0.014 < rate <= 8 / 0.010 and report["accepted"] == report["sent"] == len(set(closed_loop.ids))):
        wrong.append(f"eight connections at 10 ms were to give 570 to 800 requests a second: {rate:.0f}")
    if not wrong:
        say(f"sound: p50 {latency['p50']} ms, p99 {latency['p99']} ms, its own lag p99 {lag['p99']} ms")
    return wrong
