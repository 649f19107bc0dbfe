"""Runs tests with pytest and reports each."""
import os
import sys

from .options import filtered
from .text import MESSAGE, clip, result, words


def run_pytest(child):
    import pytest
    from _pytest.config import Config

    validate = Config._validate_args
    Config._validate_args = lambda self, args, via: validate(self, filtered(list(args)), via)

    request = child.request
    args = ["-p", "no:randomly", "-o", "cache_dir=" + os.path.join(child.place, "cache"), "--basetemp", os.path.join(child.place, "base")]
    args += ["--tb=native"]
    for plugin in request["plugins_off"]:
        args += ["-p", "no:" + plugin]
    if request["stop"]:
        args.append("-x")
    if request["collect_only"]:
        args.append("--collect-only")
    settings = child.zygote.settings
    if settings:
        args += ["--rootdir", settings["rootdir"]]
        if settings["inipath"]:
            args += ["-c", settings["inipath"]]
    if request["tests"] is not None:
        base = settings["rootdir"] if settings else child.zygote.cwd
        files = []
        for test in request["tests"]:
            file = os.path.join(base, test.split("::", 1)[0])
            if file not in files and os.path.exists(file):
                files.append(file)
        if not files:
            child.missing = list(request["tests"])
            return
        args += files
    sys.argv = ["pytest"] + args
    plugins = [make_reporter(child)]
    if child.live:
        plugins.append(make_server(child))
    code = int(pytest.main(args, plugins=plugins))
    # An internal error, or a conftest or option that cannot be used: nothing of that run can be believed.
    if code in (3, 4):
        child.tell({"e": "crash", "text": "pytest ended with exit code %d" % code})


def make_reporter(child):
    import pytest

    class Reporter:
        def __init__(self):
            self.wrong = None
            self.current = None

        @pytest.hookimpl(trylast=True)
        def pytest_configure(self, config):
            path = getattr(config, "rootpath", None) or config.rootdir
            ini = getattr(config, "inipath", None)
            if ini is None:
                ini = getattr(config, "inifile", None)
            child.tell({"e": "settings", "rootdir": str(path), "inipath": str(ini) if ini else None})
            # Nobody will ask which tests failed last; the cache itself stays for tests that use it.
            for name in ("lfplugin", "nfplugin"):
                if config.pluginmanager.has_plugin(name):
                    config.pluginmanager.unregister(name=name)

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items):
            # A live process keeps all, and chooses once it knows for what.
            if not child.live:
                choose(child, items)

        def pytest_collection_finish(self, session):
            if child.request["collect_only"]:
                for item in session.items:
                    child.tell({"e": "item", "id": item.nodeid})

        def pytest_collectreport(self, report):
            if report.failed:
                child.tell({"e": "broken", "at": report.nodeid, "message": clip(report.longreprtext, MESSAGE, from_end=True)})

        def pytest_runtest_logstart(self, nodeid, location):
            self.current = {"id": nodeid, "outcome": None, "seconds": 0.0, "wrong": None, "captured": ""}
            self.wrong = None
            child.begin(nodeid)

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(self, item, call):
            yield
            if call.excinfo is not None:
                error = call.excinfo
                self.wrong = (error.type.__name__, words(error.value), child.frames(error.tb))

        def pytest_runtest_logreport(self, report):
            current = self.current
            if current is None:
                return
            current["seconds"] += getattr(report, "duration", 0.0)
            outcome = None
            if report.when == "call" and report.passed:
                outcome = "passed"
            elif report.skipped:
                outcome = "xfailed" if hasattr(report, "wasxfail") else "skipped"
            elif report.failed:
                outcome = "failed" if report.when == "call" else "error"
            # What failed stays failed; a broken teardown makes an error of what passed.
            if outcome and current["outcome"] not in ("failed", "error"):
                current["outcome"] = outcome
                if outcome not in ("passed",):
                    current["wrong"] = self.wrong or (None, str(getattr(report, "longreprtext", "") or ""), [])
                if outcome in ("failed", "error"):
                    current["captured"] = "".join(text for _, text in report.sections)

        def pytest_runtest_logfinish(self, nodeid, location):
            current, self.current = self.current, None
            if current is None or current["outcome"] is None:
                return
            exception, message, frames = current["wrong"] or (None, None, [])
            captured = current["captured"]
            child.finish(result(current["id"], current["outcome"], current["seconds"], exception, message, frames, captured))

        def pytest_internalerror(self, excrepr):
            child.tell({"e": "crash", "text": clip(excrepr, MESSAGE, from_end=True)})

    return Reporter()


def choose(child, items):
    """Leaves the tests that were asked for, in that order."""
    if child.request["tests"] is None:
        return
    wanted = {}
    for test in child.request["tests"]:
        wanted.setdefault(test, len(wanted))
    found = [item for item in items if item.nodeid in wanted]
    found.sort(key=lambda item: wanted[item.nodeid])
    names = {item.nodeid for item in found}
    child.missing = [test for test in wanted if test not in names]
    items[:] = found


def make_server(child):
    import pytest

    class Server:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session):
            """Forks for each request, between collection and the first test. Returns only in a fork, which then goes on as any
            other pytest does; the process itself never runs a test."""
            if session.testsfailed:
                return
            config = session.config
            files = captures(config)
            child.live.serve({item.nodeid for item in session.items}, files)
            renew(files, child.place)
            choose(child, session.items)
            session.testscollected = len(session.items)
            # Nobody reads the summary of failures, and writing it takes longer than most tests.
            config.option.tbstyle = "no"
            config.option.maxfail = 1 if child.request["stop"] else 0

    return Server()


def captures(config):
    """The descriptors of the files into which pytest catches output."""
    manager = config.pluginmanager.getplugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    found = []
    for name in ("out", "err"):
        try:
            found.append(getattr(capturing, name).tmpfile.fileno())
        except (AttributeError, OSError, ValueError):
            continue
    return found


def renew(descriptors, place):
    """Puts an empty file behind each, so that what one fork prints is not seen by the next."""
    for descriptor in descriptors:
        try:
            fresh = os.memfd_create("caught")
        except (AttributeError, OSError):
            path = os.path.join(place, "caught")
            fresh = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            os.unlink(path)
        os.dup2(fresh, descriptor, inheritable=False)
        os.close(fresh)
