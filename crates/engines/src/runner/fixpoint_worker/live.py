"""A process that has imported the project, collected its tests and never runs one: it forks for each candidate.

A fork exchanges the code of the functions that the candidate changes and then goes on as a process of the candidate's own would.
Whatever cannot be had that way, or might come out differently, is refused and done in such a process.
"""
import gc
import json
import os
import shutil
import signal
import sys
import time

from .swap import Sources, Unlike
from .text import CAPTURED, tail_of
from .warm import remember_lines
from .watch import Watch, kill


class Live:
    def __init__(self, child, requests, answers, log, files):
        self.child = child
        self.requests = os.fdopen(requests, "rb")
        self.answers = answers
        self.log = log
        # The test files, in the order in which they are imported.
        self.files = files
        self.called = {}
        self.descriptors = set()
        # What a watch looks for.
        self.names = {}
        self.settings = {}
        self.sources = None

    def start(self):
        """Before the project is imported: from here on it is noted which code runs."""
        self.descriptors = set(descriptors())
        called = self.called

        def note(frame, event, _):
            if event == "call":
                called[id(frame.f_code)] = frame.f_code

        self.note = note
        sys.setprofile(note)

    def serve(self, tests, caught):
        """Answers requests that ask for some of the tests. Returns only in a fork, whose request is then that of the child."""
        noted = sys.getprofile() is self.note
        sys.setprofile(None)
        if not noted or not self.can_be_forked(caught):
            os._exit(0)
        self.sources = Sources(self.child.root, self.called)
        remember_lines()
        gc.collect()
        gc.freeze()
        self.answer(b"!", {"e": "ready"})
        for line in self.requests:
            request = json.loads(line)
            began = time.process_time()
            try:
                if not tests.issuperset(request["tests"]):
                    raise Unlike("a test that is not here")
                swaps = self.sources.swaps(request["files"])
            except Unlike:
                self.answer(b"!", {"e": "no"})
                continue
            if self.judge(request, swaps, began):
                return
        os._exit(0)

    def can_be_forked(self, caught):
        """Whether nothing was made that forks would share, or would lack."""
        if len(os.listdir("/proc/self/task")) > 1 or signal.getitimer(signal.ITIMER_REAL)[0]:
            return False
        try:
            os.waitpid(-1, os.WNOHANG)
            return False
        except ChildProcessError:
            pass
        harmless = {os.devnull, os.readlink("/proc/self/fd/1"), os.readlink("/proc/self/fd/2")}
        for number, target in descriptors().items():
            if number not in self.descriptors and number not in caught and target not in harmless:
                return False
        return not os.listdir(self.child.place)

    def judge(self, request, swaps, began):
        os.truncate(self.log, 0)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self.become(request, writing, swaps)
            return True
        os.close(writing)
        self.answer(b"!", {"e": "child", "pid": pid})
        watch = Watch(self, request, pid, reading, request["started"])
        try:
            watch.until_end()
        finally:
            kill(pid, set(request["keep"]) or None)
            os.close(reading)
        for name in os.listdir(self.child.place):
            self.remove(os.path.join(self.child.place, name))
        crashed = watch.crashed
        if crashed:
            crashed = (crashed + "\n" + tail_of(self.log)).strip()[-CAPTURED:]
        cpu = watch.cpu + time.process_time() - began
        self.answer(b"!", {"e": "done", "crashed": crashed, "hung": watch.hung, "missing": watch.missing, "cpu": cpu, "live": True})
        return False

    def become(self, request, writing, swaps):
        child = self.child
        os.close(self.requests.fileno())
        os.close(self.answers)
        os.setsid()
        child.pid = os.getpid()
        child.answer_on(writing)
        child.request = request
        child.live = None
        # In a fork it costs milliseconds to take all this apart.
        child.kept = self
        child.limit()
        for function, code in swaps:
            function.__code__ = code

    @staticmethod
    def remove(path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)

    def say(self, message):
        self.answer(b"", message)

    def answer(self, mark, message):
        data = mark + json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.answers, data):]


def descriptors():
    """What is open, by number."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            # The listing's own.
            continue
    return found
