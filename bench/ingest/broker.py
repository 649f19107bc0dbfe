"""A private RabbitMQ for the run, and who keeps its queues short."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import List, Optional, Sequence

from amqp import Amqp, NoQueue
from process import cpu_seconds, pinned
from servers import ROOT, WORK

SCRIPT = str(ROOT / "scripts" / "rabbitmq.sh")
# Shorter than a bounded queue of 2,000 takes to fill at 20,000 messages a second.
PURGE_SECONDS = 0.05


class Broker:
    """A RabbitMQ that was started here, and that is stopped with it."""

    def __init__(self, cores: Sequence[int]) -> None:
        # On the disk that holds the repository: a temporary folder may be in memory.
        env = {**os.environ, "TMPDIR": str(WORK)}
        started = subprocess.run(
            pinned(cores, ["sh", SCRIPT, "start"]), env=env, stdout=subprocess.PIPE, text=True, check=True
        )
        self.folder, self.url = started.stdout.split()
        named = subprocess.run(["sh", SCRIPT, "pid", self.folder], stdout=subprocess.PIPE, text=True, check=True)
        self.pid = int(named.stdout)

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        subprocess.run(["sh", SCRIPT, "stop", self.folder], check=False)

    def cpu(self) -> float:
        """User and system seconds so far."""
        return cpu_seconds([self.pid])

    def freeze(self) -> None:
        """It keeps its connections and says nothing any more."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        try:
            os.kill(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def drop(self, queue: str) -> None:
        """Delete a queue, so that each server begins with an empty one that it declares itself."""
        connection = Amqp(self.url)
        connection.delete(queue)
        connection.close()

    def has(self, queue: str, patience: float) -> bool:
        """Wait until somebody has declared a queue."""
        connection = Amqp(self.url)
        deadline = time.monotonic() + patience
        try:
            while time.monotonic() < deadline:
                try:
                    connection.ready(queue)
                    return True
                except NoQueue:
                    time.sleep(0.1)
            return False
        finally:
            connection.close()

    def alarms(self) -> int:
        """Return how often it was out of memory or disk: it then lets nobody publish."""
        logs = (Path(self.folder) / "log").glob("*.log")
        return sum(log.read_text(errors="replace").count("resource limit alarm set") for log in logs)

    def version(self) -> str:
        """Return the versions of RabbitMQ and of Erlang."""
        asked: List[List[str]] = [
            ["dpkg-query", "-W", "-f", "RabbitMQ ${Version}", "rabbitmq-server"],
            ["erl", "-noshell", "-eval", 'io:format("Erlang ~s", [erlang:system_info(otp_release)]), halt().'],
        ]
        said = []
        for command in asked:
            try:
                said.append(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)
            except OSError:
                pass
        return ", ".join(filter(None, said))


class Purger:
    """Empties one queue again and again, and counts what was in it. The same for every server."""

    def __init__(self, broker: Broker, queue: str) -> None:
        self._connection = Amqp(broker.url)
        self._queue = queue
        self._over = threading.Event()
        self._failed: Optional[BaseException] = None
        self.stored = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            while not self._over.wait(PURGE_SECONDS):
                try:
                    self.stored += self._connection.purge(self._queue)
                except NoQueue:
                    pass
        except BaseException as error:  # told to whoever waits
            self._failed = error

    def reaches(self, count: int, patience: float) -> Optional[float]:
        """Wait until so many messages were stored; return the seconds, or None when it took too long."""
        begin = time.monotonic()
        while self.stored < count:
            if self._failed is not None:
                raise self._failed
            if time.monotonic() - begin > patience:
                return None
            time.sleep(0.02)
        return time.monotonic() - begin

    def stop(self) -> None:
        """Stop, and hang up."""
        self._over.set()
        self._thread.join(30)
        self._connection.close()
