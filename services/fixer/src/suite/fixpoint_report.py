"""Pytest plugin: writes one JSON line per test to $FIXPOINT_REPORT, and keeps only the tests that $FIXPOINT_ONLY lists.

It runs inside the sandbox, in the project's own Python, so it must work with every pytest since 6 and Python since 3.8.
"""

import json
import os

import pytest

ROOT = os.environ.get("FIXPOINT_ROOT", os.getcwd())
REPORT = os.environ.get("FIXPOINT_REPORT")
_answers = {}


def _write(record):
    if REPORT:
        with open(REPORT, "a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")


def _frames(excinfo):
    frames = []
    for entry in excinfo.traceback:
        path = os.path.relpath(str(entry.path), ROOT)
        if not path.startswith(".."):
            frames.append([path, entry.lineno + 1, entry.name])
    return frames[-40:]


def _exception(excinfo):
    if excinfo is None:
        return {}
    return {
        "type": excinfo.type.__name__,
        "message": str(excinfo.value)[:2000],
        "frames": _frames(excinfo),
        "assertion": issubclass(excinfo.type, (AssertionError, pytest.fail.Exception)),
    }


def pytest_configure(config):
    config._fixpoint_writes = not hasattr(config, "workerinput")


def pytest_collection_modifyitems(config, items):
    only = os.environ.get("FIXPOINT_ONLY")
    if not only:
        return
    with open(only, encoding="utf-8") as lines:
        wanted = {line.rstrip("\n") for line in lines}
    kept = [item for item in items if item.nodeid in wanted]
    dropped = [item for item in items if item.nodeid not in wanted]
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    # A test may run a suite of its own in another process, which is not the project's.
    os.environ.pop("FIXPOINT_REPORT", None)
    os.environ.pop("FIXPOINT_ONLY", None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if call.excinfo is not None and report.outcome == "failed":
        # User properties travel from xdist's workers to the process that writes.
        report.user_properties.append(("fixpoint", _exception(call.excinfo)))


def pytest_runtest_logreport(report):
    answer = "passed"
    if report.outcome == "failed":
        answer = "failed" if report.when == "call" else "error"
    elif report.outcome == "skipped":
        answer = "xfailed" if hasattr(report, "wasxfail") else "skipped"
    elif report.when != "call":
        return
    exception = next((value for name, value in report.user_properties if name == "fixpoint"), {})
    previous = _answers.get(report.nodeid)
    if previous in (None, "passed") or answer in ("failed", "error"):
        _answers[report.nodeid] = answer
        _write({"id": report.nodeid, "answer": answer, **exception})


def pytest_exception_interact(node, call, report):
    if isinstance(report, pytest.CollectReport):
        _write({"id": report.nodeid or node.nodeid, "answer": "error", "collect": True, **_exception(call.excinfo)})
