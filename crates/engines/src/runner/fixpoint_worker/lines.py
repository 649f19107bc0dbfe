"""Which lines a test runs."""
import sys

from .text import within


class Lines:
    """Which lines of the project, tests aside, run during each test. Lines that run while modules are imported are kept apart."""

    def __init__(self, root):
        self.root = root
        self.known = {}
        self.importing = {}
        self.current = self.importing

    def name(self, file):
        if file not in self.known:
            path = within(self.root, file)
            if path is not None and is_test_file(path):
                path = None
            self.known[file] = path
        return self.known[file]

    def start(self):
        monitoring = getattr(sys, "monitoring", None)
        if monitoring is not None:
            # Each line reports once and is silent until the next test begins.
            self.monitoring = monitoring
            monitoring.use_tool_id(4, "fixpoint")
            monitoring.register_callback(4, monitoring.events.LINE, self.line)
            monitoring.set_events(4, monitoring.events.LINE)
        else:
            import threading

            self.monitoring = None
            threading.settrace(self.trace)
            sys.settrace(self.trace)

    def line(self, code, number):
        path = self.name(code.co_filename)
        if path is not None:
            self.current.setdefault(path, set()).add(number)
        return self.monitoring.DISABLE

    def trace(self, frame, event, _):
        path = self.name(frame.f_code.co_filename)
        if path is None:
            return None

        def local(frame, event, _):
            if event == "line":
                self.current.setdefault(path, set()).add(frame.f_lineno)
            return local

        return local

    def begin(self):
        self.current = {}
        if self.monitoring is not None:
            self.monitoring.restart_events()
        elif sys.gettrace() is None:
            # A test may have taken the trace function away.
            sys.settrace(self.trace)

    def take(self):
        taken, self.current = self.current, self.importing
        return {path: sorted(lines) for path, lines in list(taken.items())}

    def imported(self):
        return {path: sorted(lines) for path, lines in list(self.importing.items())}


def is_test_file(path):
    *folders, name = path.split("/")
    if name in ("conftest.py",) or name.startswith("test_") or name.endswith("_test.py"):
        return True
    return any(folder in ("test", "tests") for folder in folders)
