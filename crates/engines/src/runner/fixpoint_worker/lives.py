"""The zygote's side of live processes: which there are, what suits them, and what they answer."""
import gc
import json
import os
import select
import shutil
import signal
import time

from .child import Child
from .live import Live
from .watch import kill

MOST = 3
START_SECONDS = 10
# What the project noted when it was imported, such as a time, should be about as fresh as in a process of its own.
OLDEST_SECONDS = 120
# On top of a request's own time, in which a live process itself ends what takes too long.
GRACE_SECONDS = 3
LONGEST = 64 << 20
MOST_KEYS = 10000


class Lives:
    """At most a few live processes. Each has imported the test files of one kind of request, and no others: just what a process of
    the request's own would import."""

    def __init__(self, zygote, on):
        self.zygote = zygote
        self.on = on
        self.running = {}
        self.refused = set()
        # By key: requests since it was last started, and how often it was.
        self.asked = {}
        self.starts = {}
        self.deaths = 0
        self.count = 0

    def suited(self, request):
        """The live process for a request, started when it is worth it, or None."""
        if not self.on or not request["files"] or not request["tests"] or request["coverage"] or request["collect_only"]:
            return None
        files = tuple(dict.fromkeys(test.split("::", 1)[0] for test in request["tests"]))
        key = (files, tuple(request["plugins_off"]))
        if key in self.refused:
            return None
        live = self.running.get(key)
        old = live is not None and time.monotonic() - live.since > OLDEST_SECONDS
        if old:
            self.end(key)
        elif live is None:
            if len(self.asked) > MOST_KEYS:
                self.asked.clear()
            self.asked[key] = self.asked.get(key, 0) + 1
            # The first is always worth it; later ones when they come again, and the more so the more often they had to go.
            if self.running and self.asked[key] < 2 + 8 * self.starts.get(key, 0):
                return None
        if live is None or old:
            if len(self.running) >= MOST:
                self.end(min(self.running, key=lambda other: self.running[other].used))
            live = self.start(key, request)
        if live:
            live.used = time.monotonic()
        return live

    def start(self, key, request):
        self.count += 1
        self.asked[key] = 0
        self.starts[key] = self.starts.get(key, 0) + 1
        live = Handle(self, key, os.path.join(self.zygote.scratch, "live-%d" % self.count))
        self.running[key] = live
        ready = live.start(request)
        # Files that the import makes, or processes that it starts, would be there for the first candidate only.
        changed = self.zygote.tree.tidy()
        keep = self.zygote.kept_processes()
        strays = keep is not None and any(name.isdigit() and int(name) not in keep for name in os.listdir("/proc"))
        if ready and not changed and not strays:
            return live
        self.end(key)
        self.refused.add(key)
        return None

    def end(self, key):
        self.running.pop(key).end()

    def died(self, key):
        """One may die, as of a candidate that kills its parent. After the second all is done without."""
        self.end(key)
        self.deaths += 1
        if self.deaths > 1:
            self.on = False
            for other in list(self.running):
                self.end(other)

    def processes(self):
        return {live.pid for live in self.running.values()}

    def leave(self):
        for live in self.running.values():
            live.leave()


class Handle:
    def __init__(self, lives, key, place):
        self.lives = lives
        self.zygote = lives.zygote
        self.key = key
        self.place = place
        self.pid = None
        self.asking = None
        self.hearing = None
        self.pending = b""
        self.since = self.used = time.monotonic()

    def start(self, request):
        room = os.path.join(self.place, "room")
        os.makedirs(room)
        log = os.path.join(self.place, "log")
        requests, self.asking = os.pipe()
        self.hearing, answers = os.pipe()
        gc.collect()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            try:
                # This one is among the running, so its ends here are closed with the others'.
                self.zygote.leave()
                child = Child(self.zygote, request, room, None)
                child.live = Live(child, requests, answers, log, self.key[0])
                child.main(log)
            finally:
                os._exit(70)
        self.pid = pid
        gc.unfreeze()
        os.close(requests)
        os.close(answers)
        deadline = time.monotonic() + min(START_SECONDS, request["wall"])
        line = self.read(deadline)
        self.since = time.monotonic()
        return line is not None and line[:1] == b"!" and json.loads(line[1:])["e"] == "ready"

    def judge(self, request, started):
        """Has a candidate judged whose files are in place. None when that must be done in another way; nothing was said then."""
        question = dict(request, files=list(request["files"]), started=started, keep=list(self.zygote.kept_processes() or []))
        data = json.dumps(question).encode() + b"\n"
        lines = []
        size = 0
        child = None
        try:
            while data:
                data = data[os.write(self.asking, data):]
            deadline = started + request["wall"] + GRACE_SECONDS
            while size < LONGEST:
                line = self.read(deadline)
                if line is None:
                    break
                if line[:1] != b"!":
                    lines.append(line)
                    size += len(line)
                    continue
                message = json.loads(line[1:])
                if message["e"] == "no":
                    return None
                if message["e"] == "child":
                    child = message["pid"]
                else:
                    self.zygote.pass_on(lines)
                    return message
        except OSError:
            pass
        self.lives.died(self.key)
        if child:
            kill(child, self.zygote.kept_processes())
        return None

    def read(self, deadline):
        """The next line, or None when there is none in time."""
        while b"\n" not in self.pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.hearing], [], [], left)[0]:
                return None
            data = os.read(self.hearing, 65536)
            if not data:
                return None
            self.pending += data
        line, self.pending = self.pending.split(b"\n", 1)
        return line

    def leave(self):
        os.close(self.asking)
        os.close(self.hearing)

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except OSError:
            pass
        self.leave()
        shutil.rmtree(self.place, ignore_errors=True)
