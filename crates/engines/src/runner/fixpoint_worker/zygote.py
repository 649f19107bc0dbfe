"""The process that never imports the project: reads requests, has them run in children, and puts the tree back."""
import gc
import importlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import time

from .child import Child
from .lives import Lives
from .text import CAPTURED, tail_of, temporary, within
from .tree import Change, Tree
from .warm import quiet_rewriting, remember_entry_points, shorten_listings
from .watch import Watch, kill

PRELOAD_SECONDS = 20


class Zygote:
    def __init__(self, requests, answers, init):
        self.requests = requests
        self.answers = answers
        self.root = os.path.realpath(init["root"])
        self.cwd = os.path.join(self.root, init["cwd"]) if init["cwd"] else self.root
        self.pythonpath = [os.path.join(self.root, path) for path in init["pythonpath"]]
        self.confined = init["confined"]
        self.discover = init.get("discover") or [".", "test*.py", ""]
        self.scratch = os.path.join(temporary(), "runner-%d" % os.getpid())
        self.framework = init["framework"]
        if self.framework == "auto":
            self.framework = "pytest" if importlib.util.find_spec("pytest") else "unittest"
        # What the children told: where pytest found its settings, and unittest's own names of the tests.
        self.settings = {}
        self.names = {}
        self.lessons = 2
        self.count = 0
        self.tree = Tree(self.root)
        self.lives = Lives(self, init.get("live", True))
        os.makedirs(self.scratch, exist_ok=True)

    def say(self, message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.answers, data):]

    def pass_on(self, lines):
        """Says what a live process wrote, as it wrote it."""
        data = b"".join(line + b"\n" for line in lines)
        while data:
            data = data[os.write(self.answers, data):]

    def serve(self):
        version = None
        if self.framework == "pytest":
            import pytest

            version = pytest.__version__
            quiet_rewriting()
            shorten_listings()
            remember_entry_points(self.root)
        self.say({"e": "ready", "python": "%d.%d.%d" % sys.version_info[:3], "framework": self.framework, "pytest": version})
        for line in self.requests:
            self.run(json.loads(line))

    def run(self, request):
        self.count += 1
        # Before the candidate is written: a live process imports the project as it was.
        live = self.lives.suited(request)
        started = time.monotonic()
        place = os.path.join(self.scratch, str(self.count))
        os.makedirs(place, exist_ok=True)
        changed = None
        done = None
        try:
            changed = Change(self.root, request["files"], self.count)
            if live:
                done = live.judge(request, started)
            if done is None:
                done = self.supervise(request, place, started)
        except OSError as error:
            done = {"crashed": "the worker could not run this: %s" % error, "hung": None, "missing": [], "cpu": 0.0}
        finally:
            if changed:
                changed.undo()
            self.tree.tidy()
            shutil.rmtree(place, ignore_errors=True)
        done["e"] = "done"
        done["wall"] = time.monotonic() - started
        self.say(done)

    def supervise(self, request, place, started):
        reading, writing = os.pipe()
        log = os.path.join(place, "log")
        gc.collect()
        gc.freeze()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                self.leave()
                Child(self, request, place, writing).main(log)
            finally:
                os._exit(70)
        os.close(writing)
        gc.unfreeze()
        watch = Watch(self, request, child, reading, started)
        try:
            watch.until_end()
        finally:
            kill(child, self.kept_processes())
            os.close(reading)
        if watch.modules and self.lessons and not request["files"]:
            self.lessons -= 1
            self.preload(watch.modules)
            shorten_listings()
        crashed = watch.crashed
        if crashed:
            crashed = (crashed + "\n" + tail_of(log)).strip()[-CAPTURED:]
        return {"crashed": crashed, "hung": watch.hung, "missing": watch.missing, "cpu": watch.cpu}

    def leave(self):
        """In a child: closes what only this process talks through."""
        os.close(self.answers)
        os.close(self.requests.fileno())
        os.close(0)
        self.lives.leave()

    def kept_processes(self):
        """Who lives on when a request has ended. None where other processes cannot be told from strangers'."""
        return {1, os.getpid()} | self.lives.processes() if self.confined else None

    def preload(self, modules):
        """Imports what the project's tests import from elsewhere, so that the next child finds it there."""

        def too_long(*_):
            raise TimeoutError

        before = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(PRELOAD_SECONDS)
        path = list(sys.path)
        try:
            for name in modules:
                if name in sys.modules:
                    continue
                known = set(sys.modules)
                try:
                    importlib.import_module(name)
                except TimeoutError:
                    break
                except BaseException:
                    pass
                fresh = set(sys.modules) - known
                # A module from elsewhere that pulls in the project cannot be kept.
                if any(self.is_project(sys.modules[found]) for found in fresh if sys.modules.get(found)):
                    for found in fresh:
                        sys.modules.pop(found, None)
        except TimeoutError:
            pass
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
            sys.path[:] = path

    def is_project(self, module):
        file = getattr(module, "__file__", None)
        return bool(file) and within(self.root, file) is not None
