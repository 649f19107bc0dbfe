"""The process that imports the project and runs tests: for one request, or to be forked for many."""
import fcntl
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import traceback

from .lines import Lines
from .text import LINE, MESSAGE, clip, within
from .under_pytest import run_pytest
from .under_unittest import run_unittest

FRAMES = 60
# Children answer on a file descriptor this high, out of the way of tests that close "all" of theirs.
CHANNEL = 700
OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Child:
    def __init__(self, zygote, request, place, writing):
        self.zygote = zygote
        self.root = zygote.root
        self.request = request
        self.place = place
        self.channel = None
        self.answer_on(writing)
        self.pid = None
        # Set in a process that does not run tests itself but forks for each request.
        self.live = None
        self.missing = []
        self.lines = None

    def answer_on(self, writing):
        if writing is not None:
            self.channel = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, CHANNEL)
            os.close(writing)

    def tell(self, message):
        # Something that a test forked may run our hooks again: only this process reports.
        if os.getpid() != self.pid:
            return
        data = json.dumps(message).encode()
        if len(data) > LINE:
            data = json.dumps({"e": "broken", "at": str(message.get("id")), "message": "its report is too long"}).encode()
        data += b"\n"
        while data:
            data = data[os.write(self.channel, data):]

    def main(self, log):
        os.setsid()
        # A live process has nothing to tell: those that it forks do.
        self.pid = None if self.live else os.getpid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not self.live:
            self.limit()
        os.environ["TMPDIR"] = self.place
        tempfile.tempdir = None
        os.chdir(self.zygote.cwd)
        sys.path[:0] = self.zygote.pythonpath
        if self.zygote.pythonpath:
            old = os.environ.get("PYTHONPATH")
            os.environ["PYTHONPATH"] = os.pathsep.join(self.zygote.pythonpath + ([old] if old else []))
        if self.request["files"]:
            sys.dont_write_bytecode = True
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        importlib.invalidate_caches()
        if self.request["coverage"]:
            self.lines = Lines(self.root)
            self.lines.start()
        if self.live:
            self.live.start()
        try:
            (run_pytest if self.zygote.framework == "pytest" else run_unittest)(self)
            if self.lines:
                self.tell({"e": "lines", "id": None, "files": self.lines.imported()})
            self.tell({"e": "end", "missing": self.missing, "modules": self.modules()})
        except BaseException:
            self.tell({"e": "crash", "text": clip(traceback.format_exc(), MESSAGE, from_end=True)})
        sys.stdout.flush()
        os._exit(0)

    def limit(self):
        def lower(what, value):
            hard = resource.getrlimit(what)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(what, (value, hard))

        lower(resource.RLIMIT_CORE, 0)
        if self.request["cpu"]:
            lower(resource.RLIMIT_CPU, int(self.request["cpu"]) + 1)
        if self.request["memory"]:
            lower(resource.RLIMIT_DATA, int(self.request["memory"]))

    def modules(self):
        """What was imported from outside of the project, in the order of import."""
        if not self.zygote.lessons or self.request["files"]:
            return []
        found = []
        for name, module in list(sys.modules.items()):
            if module is None or name == "__main__" or getattr(module, "__spec__", None) is None:
                continue
            if module.__spec__.name == name and not self.zygote.is_project(module):
                found.append(name)
        return found

    def begin(self, test):
        self.tell({"e": "start", "id": test})
        if self.lines:
            self.lines.begin()

    def finish(self, message):
        if self.lines:
            self.tell({"e": "lines", "id": message["id"], "files": self.lines.take()})
        self.tell(message)

    def frames(self, tb):
        found = []
        for frame, line in traceback.walk_tb(tb):
            file = frame.f_code.co_filename
            if os.sep + "_pytest" + os.sep in file or os.sep + "pluggy" + os.sep in file or file.startswith(OURS):
                continue
            if os.path.dirname(file).endswith(os.sep + "unittest"):
                continue
            found.append([within(self.root, file) or file, line, frame.f_code.co_name])
        if len(found) > FRAMES:
            found = found[:FRAMES // 2] + found[-FRAMES // 2:]
        return found
