"""Hears what a child tells, decides when it has had enough time, and ends all that it started."""
import json
import os
import select
import signal
import time

from .text import LINE, result


class Watch:
    """Reads what a child tells, and decides when it has had enough time."""

    def __init__(self, zygote, request, child, reading, started):
        self.zygote = zygote
        self.request = request
        self.child = child
        self.reading = reading
        self.deadline = started + request["wall"]
        self.running = None
        self.since = None
        self.hung = None
        self.crashed = None
        self.missing = []
        self.modules = None
        self.ended = False
        self.code = None
        self.cpu = 0.0

    def until_end(self):
        os.set_blocking(self.reading, False)
        pending = b""
        open_end = True
        alive = True
        while alive or open_end:
            limit = self.deadline
            if self.running is not None:
                limit = min(limit, self.since + self.request["per_test"])
            left = limit - time.monotonic()
            if left <= 0:
                self.out_of_time()
                self.reap(0)
                return
            # A child that is dead may leave a grandchild that keeps the channel open, so both are looked at.
            patience = min(left, 0.25 if open_end else 0.005) if alive else 0
            if select.select([self.reading] if open_end else [], [], [], patience)[0]:
                data = os.read(self.reading, 65536)
                if data:
                    *lines, pending = (pending + data).split(b"\n")
                    for line in lines:
                        self.hear(line)
                    if len(pending) > 2 * LINE:
                        self.crashed = "the tests wrote nonsense to the channel of their results"
                        self.reap(0)
                        return
                    continue
                open_end = False
                # A child that closed the channel can tell no more: it gets a moment to end by itself.
                self.deadline = min(self.deadline, time.monotonic() + 1)
            if not alive:
                break
            alive = not self.reap(os.WNOHANG)
        if not self.ended and not self.crashed:
            self.crashed = "%s while %s" % (self.code, "running " + self.running if self.running else "no test was running")
            self.fail_running("the process ended during this test: %s" % self.code)

    def reap(self, flags):
        if flags == 0:
            try:
                os.killpg(self.child, signal.SIGKILL)
            except OSError:
                # It has not made its own group yet.
                os.kill(self.child, signal.SIGKILL)
        try:
            pid, status, usage = os.wait4(self.child, flags)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
        self.cpu = usage.ru_utime + usage.ru_stime
        if os.WIFSIGNALED(status):
            self.code = "killed by signal %d" % os.WTERMSIG(status)
        else:
            self.code = "exit code %d" % os.WEXITSTATUS(status)
        return True

    def out_of_time(self):
        if self.ended:
            return
        if self.running is not None:
            self.hung = self.running
            self.fail_running("no result within %.1f s" % (time.monotonic() - self.since))
        else:
            self.crashed = "out of time after %.1f s, while no test was running" % self.request["wall"]

    def fail_running(self, message):
        if self.running is not None:
            kind = "Timeout" if self.hung else "Crash"
            self.zygote.say(result(self.running, "error", time.monotonic() - self.since, kind, message))
            self.running = None

    def hear(self, line):
        try:
            message = json.loads(line)
            kind = message["e"]
        except (ValueError, TypeError, KeyError):
            return
        if kind == "start":
            self.running, self.since = str(message["id"]), time.monotonic()
        elif kind == "test":
            self.running = None
            if message.get("name"):
                self.zygote.names[message["id"]] = message.pop("name")
            self.zygote.say(message)
        elif kind == "item":
            if message.get("name"):
                self.zygote.names[message["id"]] = message.pop("name")
            self.zygote.say(message)
        elif kind in ("broken", "lines"):
            self.zygote.say(message)
        elif kind == "settings":
            self.zygote.settings = message
        elif kind == "crash":
            self.crashed = message["text"]
        elif kind == "end":
            self.ended = True
            self.missing = message["missing"]
            self.modules = message["modules"]


def kill(child, keep):
    """Ends all that a request started, also what left its session. Without a sandbox only the group can be known."""
    try:
        os.killpg(child, signal.SIGKILL)
    except OSError:
        pass
    if keep is not None:
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) not in keep:
                try:
                    os.kill(int(name), signal.SIGKILL)
                except OSError:
                    pass
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
