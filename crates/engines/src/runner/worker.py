"""Runs a project's tests many times over, once per candidate, without starting Python each time.

This process never imports the project. It imports the test framework and the third-party modules that the project's tests were seen
to use, and forks one child per request; the child imports the project afresh, so no module state survives from one candidate to
the next. Requests and answers are JSON lines on the standard input and output that this process was started with; the tests
themselves see other ones. Works with Python 3.8 and later, with pytest 6 and later, and without pytest.
"""
import gc
import importlib
import importlib.util
import json
import os
import resource
import select
import shutil
import signal
import stat
import sys
import time
import traceback

MESSAGE = 2048
CAPTURED = 4096
FRAMES = 60
LINE = 1 << 20
# Children answer on a file descriptor this high, out of the way of tests that close "all" of theirs.
CHANNEL = 700
PRELOAD_SECONDS = 20
TIDY_FILES = 20000
TIDY_BYTES = 64 << 20
IGNORED = {".git", "node_modules", "__pycache__", ".tox", ".venv"}


# ---- The zygote: reads requests, forks, watches, puts the tree back. ----


class Zygote:
    def __init__(self, requests, answers, init):
        self.requests = requests
        self.answers = answers
        self.root = os.path.realpath(init["root"])
        self.cwd = os.path.join(self.root, init["cwd"]) if init["cwd"] else self.root
        self.pythonpath = [os.path.join(self.root, path) for path in init["pythonpath"]]
        self.confined = init["confined"]
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
        os.makedirs(self.scratch, exist_ok=True)

    def say(self, message):
        data = json.dumps(message).encode() + b"\n"
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
        started = time.monotonic()
        self.count += 1
        place = os.path.join(self.scratch, str(self.count))
        os.makedirs(place, exist_ok=True)
        changed = None
        try:
            changed = Change(self.root, request["files"], self.count)
            done = self.supervise(request, place, started)
        except OSError as error:
            done = {"crashed": "the worker could not run this: %s" % error, "hung": None, "missing": [], "cpu": 0.0, "code": None}
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
                os.close(self.answers)
                os.close(0)
                Child(self, request, place, writing).main(log)
            finally:
                os._exit(70)
        os.close(writing)
        gc.unfreeze()
        watch = Watch(self, request, child, reading, started)
        try:
            watch.until_end()
        finally:
            self.kill(child)
            os.close(reading)
        if watch.modules and self.lessons and not request["files"]:
            self.lessons -= 1
            self.preload(watch.modules)
            shorten_listings()
        crashed = watch.crashed
        if crashed:
            crashed = (crashed + "\n" + tail_of(log)).strip()[-CAPTURED:]
        return {"crashed": crashed, "hung": watch.hung, "missing": watch.missing, "cpu": watch.cpu, "code": watch.code}

    def kill(self, child):
        """Ends all that a request started, also what left its session. Without a sandbox only the group can be known."""
        try:
            os.killpg(child, signal.SIGKILL)
        except OSError:
            pass
        if self.confined:
            keep = {1, os.getpid()}
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


class Change:
    """A candidate's files, written into the tree, and how to take them back."""

    def __init__(self, root, files, number):
        self.undoing = []
        try:
            for path, content in files.items():
                self.write(root, path, content, number)
        except BaseException:
            self.undo()
            raise

    def write(self, root, path, content, number):
        full = os.path.normpath(os.path.join(root, path))
        if within(root, full) is None:
            raise OSError("%s lies outside of the tree" % path)
        made = []
        folder = os.path.dirname(full)
        while not os.path.isdir(folder):
            made.append(folder)
            folder = os.path.dirname(folder)
        try:
            before = os.lstat(full)
            with open(full, "rb") as file:
                original = file.read()
        except FileNotFoundError:
            before, original = None, None
        self.undoing.append((full, before, original, made))
        if content is None:
            if before:
                os.unlink(full)
        else:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(content.encode())
            # A time that no other version of this file ever had: what was compiled from another one can never be taken for it.
            stamp = 1_000_000_000 + number
            os.utime(full, (stamp, stamp))
        forget_compiled(full)

    def undo(self):
        for full, before, original, made in reversed(self.undoing):
            try:
                if before is None:
                    if os.path.lexists(full):
                        os.unlink(full)
                else:
                    os.makedirs(os.path.dirname(full), exist_ok=True)
                    with open(full, "wb") as file:
                        file.write(original)
                    os.chmod(full, stat.S_IMODE(before.st_mode))
                    os.utime(full, ns=(before.st_atime_ns, before.st_mtime_ns))
                for folder in made:
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError as error:
                sys.stderr.write("cannot put %s back: %s\n" % (full, error))
            forget_compiled(full)
        self.undoing = []


class Tree:
    """Remembers the tree as it was, so that files which tests make or change do not reach the next candidate."""

    def __init__(self, root):
        self.root = root
        self.foreign = mounted_below(root)
        self.kept = {}
        size = 0
        for path, found in self.walk():
            content = None
            if stat.S_ISREG(found.st_mode) and size + found.st_size <= TIDY_BYTES:
                with open(path, "rb") as file:
                    content = file.read()
                size += found.st_size
            self.kept[path] = (self.mark(found), found, content)
            if len(self.kept) > TIDY_FILES:
                self.kept = None
                return

    def walk(self):
        waiting = [self.root]
        while waiting:
            try:
                entries = list(os.scandir(waiting.pop()))
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in IGNORED and entry.path not in self.foreign:
                        waiting.append(entry.path)
                else:
                    try:
                        yield entry.path, entry.stat(follow_symlinks=False)
                    except OSError:
                        continue

    @staticmethod
    def mark(found):
        return found.st_mtime_ns, found.st_size, found.st_mode

    def tidy(self):
        if self.kept is None:
            return
        missing = set(self.kept)
        for path, found in list(self.walk()):
            missing.discard(path)
            kept = self.kept.get(path)
            try:
                if kept is None:
                    os.unlink(path)
                elif kept[0] != self.mark(found):
                    self.restore(path, kept)
            except OSError as error:
                sys.stderr.write("cannot tidy %s: %s\n" % (path, error))
        for path in missing:
            try:
                self.restore(path, self.kept[path])
            except OSError as error:
                sys.stderr.write("cannot tidy %s: %s\n" % (path, error))

    def restore(self, path, kept):
        _, found, content = kept
        if content is None:
            return
        if os.path.lexists(path):
            os.unlink(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, stat.S_IMODE(found.st_mode))
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        forget_compiled(path)


def remember_entry_points(root):
    """pytest reads which plugins every installed package brings, several times per child. Packages do not change here: they are
    read once. Those of the project itself are read anew."""
    try:
        from importlib.metadata import PathDistribution, distributions

        read = PathDistribution.read_text
        known = {}
        for found in distributions():
            if isinstance(found, PathDistribution) and within(root, str(found._path)) is None:
                known[str(found._path)] = found.read_text("entry_points.txt")

        def read_text(self, filename):
            if filename == "entry_points.txt" and str(self._path) in known:
                return known[str(self._path)]
            return read(self, filename)

        PathDistribution.read_text = read_text
    except Exception as error:
        sys.stderr.write("entry points are read by each child: %s\n" % error)


def mounted_below(root):
    """Folders of the tree that are mounts of their own, such as a layer of packages."""
    try:
        with open("/proc/self/mounts") as file:
            places = [line.split(" ")[1].replace("\\040", " ") for line in file]
    except OSError:
        return set()
    return {place for place in places if place.startswith(root + os.sep)}


def forget_compiled(path):
    """Removes every compiled form of a source file, pytest's rewritten ones too."""
    if not path.endswith(".py"):
        return
    folder, front = os.path.split(importlib.util.cache_from_source(path))
    front = front.split(".")[0] + "."
    beside = os.path.join(os.path.dirname(path), "__pycache__")
    for place in {folder, beside}:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            if name.startswith(front) and name.endswith(".pyc"):
                os.unlink(os.path.join(place, name))


def quiet_rewriting():
    """pytest warns about plugins that were imported before it could rewrite their assertions: ours are, on purpose."""
    try:
        from _pytest.assertion.rewrite import AssertionRewritingHook

        AssertionRewritingHook._warn_already_imported = lambda self, name: None
    except ImportError:
        pass


def shorten_listings():
    """pytest looks through every name of each of its modules for hooks and fixtures, anew in each child. Here they list only those,
    which saves each child some five milliseconds."""
    for name, module in list(sys.modules.items()):
        if not name.startswith("_pytest.") or "__dir__" in vars(module):
            continue
        names = [
            found
            for found, value in vars(module).items()
            if found.startswith("pytest") or type(value).__module__ == "_pytest.fixtures" or hasattr(value, "_pytestfixturefunction")
        ]
        module.__dir__ = lambda names=names: names


def within(root, path):
    """The path relative to the root, with slashes, or None when it lies elsewhere."""
    if path.startswith("<"):
        return None
    path = os.path.abspath(path)
    if path.startswith(root + os.sep):
        return path[len(root) + 1:].replace(os.sep, "/")
    return None


def tail_of(path):
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - CAPTURED))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def words(error):
    """The text of an exception, whatever its `__str__` does."""
    try:
        return str(error)
    except Exception:
        return "<its text cannot be read>"


def clip(text, limit, from_end=False):
    text = str(text).encode("utf-8", "replace")
    if len(text) > limit:
        text = text[-limit:] if from_end else text[:limit]
    return text.decode("utf-8", "replace")


def result(test, outcome, seconds, exception=None, message=None, frames=None, captured="", name=None):
    return {
        "e": "test",
        "id": test,
        "outcome": outcome,
        "seconds": max(0.0, seconds),
        "exception": exception,
        "message": None if message is None else clip(message, MESSAGE),
        "frames": frames or [],
        "captured": clip(captured, CAPTURED, from_end=True),
        "name": name,
    }


# ---- The child: one request, in a process of its own. ----


class Child:
    def __init__(self, zygote, request, place, writing):
        self.zygote = zygote
        self.root = zygote.root
        self.request = request
        self.place = place
        import fcntl

        self.channel = fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, CHANNEL)
        os.close(writing)
        self.pid = None
        self.missing = []
        self.lines = None

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
        self.pid = os.getpid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.limit()
        os.environ["TMPDIR"] = self.place
        import tempfile

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
        if not self.zygote.lessons:
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
            if os.sep + "_pytest" + os.sep in file or os.sep + "pluggy" + os.sep in file or file == __file__:
                continue
            if os.path.dirname(file).endswith(os.sep + "unittest"):
                continue
            found.append([within(self.root, file) or file, line, frame.f_code.co_name])
        if len(found) > FRAMES:
            found = found[:FRAMES // 2] + found[-FRAMES // 2:]
        return found


# ---- pytest ----

# Options of a project that would change what is measured here, with the number of values that follow them: None means "one, unless
# the next word is an option".
DROPPED = {
    "--cov": None, "--cov-report": 1, "--cov-config": 1, "--cov-fail-under": 1, "--cov-context": 1, "--cov-precision": 1,
    "--cov-append": 0, "--cov-branch": 0, "--cov-reset": 0, "--no-cov": 0, "--no-cov-on-fail": 0,
    "-n": 1, "--numprocesses": 1, "--maxprocesses": 1, "--dist": 1, "--tx": 1, "-d": 0, "--boxed": 0, "--forked": 0,
    "--reruns": 1, "--reruns-delay": 1, "--only-rerun": 1, "--rerun-except": 1,
    "-x": 0, "--exitfirst": 0, "--maxfail": 1,
    "--randomly-seed": 1, "--randomly-dont-reset-seed": 0, "--randomly-dont-reorganize": 0, "--random-order": 0,
    "--random-order-bucket": 1, "--random-order-seed": 1,
    "--lf": 0, "--last-failed": 0, "--ff": 0, "--failed-first": 0, "--nf": 0, "--new-first": 0, "--sw": 0, "--stepwise": 0,
    "--pdb": 0, "--trace": 0, "--junitxml": 1, "--junit-xml": 1, "--html": 1, "--basetemp": 1,
}


def filtered(options):
    """A project's addopts without what would stop early, run in parallel, repeat, shuffle or measure coverage."""
    kept = []
    skip = 0
    for at, option in enumerate(options):
        if skip:
            skip -= 1
            continue
        name = option.split("=", 1)[0]
        if name in DROPPED:
            values = DROPPED[name]
            if "=" not in option:
                following = options[at + 1] if at + 1 < len(options) else "-"
                skip = (0 if following.startswith("-") else 1) if values is None else values
            continue
        if name.startswith("-n") and name[2:].isdigit():
            continue
        if name == "-p" and at + 1 < len(options) and options[at + 1].split(".")[0] in ("xdist", "randomly", "pytest_randomly"):
            skip = 1
            continue
        # Short flags that are written together, such as -xvs.
        if len(option) > 2 and option[0] == "-" and option[1] != "-" and set(option[1:]) <= set("xvqsl"):
            option = option.replace("x", "")
        kept.append(option)
    return kept


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
    code = int(pytest.main(args, plugins=[make_reporter(child)]))
    # An internal error, or a conftest or option that cannot be used: nothing of that run can be believed.
    if code in (3, 4):
        child.tell({"e": "crash", "text": "pytest ended with exit code %d" % code})


def make_reporter(child):
    import pytest

    request = child.request

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
            if request["tests"] is None:
                return
            wanted = {}
            for test in request["tests"]:
                wanted.setdefault(test, len(wanted))
            found = [item for item in items if item.nodeid in wanted]
            found.sort(key=lambda item: wanted[item.nodeid])
            names = {item.nodeid for item in found}
            child.missing = [test for test in wanted if test not in names]
            items[:] = found

        def pytest_collection_finish(self, session):
            if request["collect_only"]:
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


# ---- unittest ----


def run_unittest(child):
    import io
    import unittest

    request = child.request
    if child.zygote.cwd not in sys.path:
        sys.path.insert(0, child.zygote.cwd)
    sys.argv = ["python -m unittest"]
    loader = unittest.TestLoader()
    names = child.zygote.names
    wanted = request["tests"]
    if wanted is not None and all(test in names for test in wanted):
        tests = [test for name in wanted for test in flat(loader.loadTestsFromName(names[name]))]
    else:
        tests = list(flat(loader.discover(".")))
        if not tests and os.path.isdir("tests"):
            tests = list(flat(unittest.TestLoader().discover("tests")))
    ids = {}
    runnable = []
    for test in tests:
        if type(test).__name__ in ("_FailedTest", "ModuleImportFailure", "LoadTestsFailure"):
            error = getattr(test, "_exception", None)
            child.tell({"e": "broken", "at": test.id().replace("unittest.loader._FailedTest.", ""), "message": clip(error or test.id(), MESSAGE, from_end=True)})
            continue
        ids[id(test)] = unittest_id(child.root, child.zygote.cwd, test)
        runnable.append(test)
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


# ---- Lines that a test runs. ----


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


def temporary():
    return os.environ.get("TMPDIR") or "/tmp"


def main():
    # Compiled files live apart from the tree: none that came with it is ever used, and none is left in it.
    sys.pycache_prefix = os.path.join(temporary(), "pycache")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    # Our own folder is no place that the project's imports should look at.
    if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
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
