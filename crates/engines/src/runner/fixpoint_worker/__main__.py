"""Runs a project's tests many times over, once per candidate, without starting Python each time.

The zygote never imports the project. It imports the test framework and the third-party modules that the project's tests were seen to
use, and forks. A child imports the project afresh for one request. A live process imports the project and collects its tests once,
never runs one, and forks for each candidate that changes nothing but the insides of functions. Either way no state of a module
survives from one candidate to the next. Requests and answers are JSON lines on the standard input and output that this process was
started with; the tests themselves see other ones. Works with Python 3.8 and later, with pytest 6 and later, and without pytest.
"""
import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    # Compiled files live apart from the tree: none that came with it is ever used, and none is left in it.
    sys.pycache_prefix = os.path.join(os.environ.get("TMPDIR") or "/tmp", "pycache")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    sys.path.insert(0, os.path.dirname(HERE))
    from fixpoint_worker.zygote import Zygote

    # Our own folders are no place that the project's imports should look at.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") not in (HERE, os.path.dirname(HERE))]
    sys.path_importer_cache.pop(os.path.dirname(HERE), None)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    zygote = Zygote(requests, answers, json.loads(requests.readline()))
    try:
        zygote.serve()
    finally:
        shutil.rmtree(zygote.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
