"""Runs tests with unittest and reports each."""
import io
import os
import sys
import time
import traceback
import unittest

from .text import MESSAGE, clip, result, within, words


def run_unittest(child):
    request = child.request
    start, pattern, top = child.zygote.discover
    # Discovery puts its folder on the import path; a later process that loads a test by its name needs it as well.
    base = os.path.normpath(os.path.join(child.zygote.cwd, top or start))
    sys.path[:0] = [folder for folder in dict.fromkeys([child.zygote.cwd, base]) if folder not in sys.path]
    if start == "." and os.path.isdir("tests") and not os.path.exists("tests/__init__.py"):
        sys.path.append(os.path.join(child.zygote.cwd, "tests"))
    sys.argv = ["python -m unittest"]
    loader = unittest.TestLoader()
    names = child.zygote.names
    wanted = request["tests"]
    if wanted is not None and all(test in names for test in wanted):
        if child.live:
            # All that later requests may ask for, file by file.
            files = child.live.files
            wanted = sorted((test for test in names if test.split("::", 1)[0] in files), key=lambda test: files.index(test.split("::", 1)[0]))
        tests = [test for name in wanted for test in flat(loader.loadTestsFromName(names[name]))]
    else:
        tests = list(flat(loader.discover(start, pattern, top or None)))
        if not tests and start == "." and os.path.isdir("tests"):
            tests = list(flat(unittest.TestLoader().discover("tests", pattern)))
    ids = {}
    runnable = []
    for test in tests:
        if type(test).__name__ in ("_FailedTest", "ModuleImportFailure", "LoadTestsFailure"):
            error = getattr(test, "_exception", None)
            child.tell({"e": "broken", "at": test.id().replace("unittest.loader._FailedTest.", ""), "message": clip(error or test.id(), MESSAGE, from_end=True)})
            continue
        ids[id(test)] = unittest_id(child.root, child.zygote.cwd, test)
        runnable.append(test)
    if child.live:
        if len(runnable) < len(tests):
            return
        child.live.serve(set(ids.values()), [])
        request, wanted = child.request, child.request["tests"]
    if wanted is not None:
        order = {}
        for test in wanted:
            order.setdefault(test, len(order))
        runnable = [test for test in runnable if ids[id(test)] in order]
        runnable.sort(key=lambda test: order[ids[id(test)]])
        found = {ids[id(test)] for test in runnable}
        child.missing = [test for test in order if test not in found]
    if request["collect_only"]:
        for test in runnable:
            child.tell({"e": "item", "id": ids[id(test)], "name": test.id()})
        return

    class Result(unittest.TestResult):
        def __init__(self):
            super().__init__()
            self.failfast = request["stop"]
            self.outcome = None
            self.wrong = None
            self.since = time.monotonic()
            self.real = sys.stdout, sys.stderr

        def startTest(self, test):
            super().startTest(test)
            self.outcome, self.wrong, self.since = "passed", None, time.monotonic()
            self.text = io.StringIO()
            sys.stdout = sys.stderr = self.text
            child.begin(self.name(test))

        def stopTest(self, test):
            sys.stdout, sys.stderr = self.real
            exception, message, frames = self.wrong or (None, None, [])
            captured = self.text.getvalue() if self.outcome in ("failed", "error") else ""
            seconds = time.monotonic() - self.since
            child.finish(result(self.name(test), self.outcome, seconds, exception, message, frames, captured, test.id()))
            super().stopTest(test)

        def name(self, test):
            return ids.get(id(test)) or unittest_id(child.root, child.zygote.cwd, test)

        def note(self, outcome, error):
            if self.outcome not in ("failed", "error"):
                self.outcome = outcome
                self.wrong = (error[0].__name__, words(error[1]), child.frames(error[2]))

        def addFailure(self, test, error):
            super().addFailure(test, error)
            self.note("failed", error)

        def addError(self, test, error):
            super().addError(test, error)
            if not isinstance(test, unittest.TestCase):
                # setUpClass and setUpModule fail outside of any test.
                text = "%s: %s" % (error[0].__name__, words(error[1]))
                child.tell({"e": "broken", "at": test.id(), "message": clip(text, MESSAGE)})
                return
            self.note("failed" if in_test(error[2], test) else "error", error)

        def addSubTest(self, test, subtest, error):
            super().addSubTest(test, subtest, error)
            if error is not None:
                self.note("failed", error)

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            if isinstance(test, unittest.TestCase) and self.outcome not in ("failed", "error"):
                self.outcome, self.wrong = "skipped", ("SkipTest", reason, [])

        def addExpectedFailure(self, test, error):
            super().addExpectedFailure(test, error)
            self.note("xfailed", error)

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            self.outcome, self.wrong = "failed", (None, "it was expected to fail", [])

    unittest.TestSuite(runnable).run(Result())


def in_test(tb, test):
    """Whether an exception came out of the test itself, and not out of its setUp or tearDown; pytest calls the latter an error."""
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(tb)]
    return getattr(test, "_testMethodName", None) in names or not {"setUp", "tearDown", "asyncSetUp", "asyncTearDown"} & set(names)


def flat(suite):
    for test in suite:
        if hasattr(test, "__iter__"):
            yield from flat(test)
        else:
            yield test


def unittest_id(root, cwd, test):
    """The id that pytest would give it."""
    module = sys.modules.get(type(test).__module__)
    file = getattr(module, "__file__", None) or type(test).__module__
    path = within(cwd, file) or within(root, file) or file
    method = getattr(test, "_testMethodName", None) or test.id()
    return "%s::%s::%s" % (path, type(test).__qualname__.replace(".", "::"), method)
