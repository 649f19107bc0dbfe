#!/usr/bin/env python3
"""Measures Fixpoint on bugs that were put in by hand, and judges its fixes with tests that it never sees.

    python bench/corpus/run.py                      every bug: outcome, correctness, cost
    python bench/corpus/run.py --only tally         one project, or one bug as tally/03-oldest-rate
    python bench/corpus/run.py --check              is the corpus itself sound? (does not run Fixpoint)

Needs Python 3.9, git and pytest; without pytest a virtual environment with it is made for the run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Fixpoint may prepare an environment before its budget begins.
PREPARATION_SECONDS = 300
TEST_SECONDS = 120
_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_GLOBAL": os.devnull}


@dataclass(frozen=True)
class Bug:
    """One bug: an overlay over a project, and how a fix is judged."""

    project: str
    name: str
    folder: Path
    about: Dict[str, Any]

    @property
    def label(self) -> str:
        return f"{self.project}/{self.name}"

    @property
    def clean(self) -> Path:
        return HERE / self.project / "project"

    def copy_to(self, target: Path, buggy: bool = True) -> None:
        """Write the project, with the bug or without."""
        shutil.copytree(self.clean, target, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
        if buggy:
            shutil.copytree(self.folder / "files", target, dirs_exist_ok=True)

    def add_hidden(self, target: Path) -> None:
        """Put the hidden tests among the tests of a checkout."""
        shutil.copy(self.folder / self.about["hidden_tests"], target / "tests" / "test_hidden.py")


def all_bugs(only: Sequence[str]) -> List[Bug]:
    """Return the bugs of the corpus, or those whose label begins with one of ``only``."""
    bugs = []
    for file in sorted(HERE.glob("*/bugs/*/bug.json")):
        folder = file.parent
        bug = Bug(folder.parent.parent.name, folder.name, folder, json.loads(file.read_text(encoding="utf-8")))
        if not only or any(bug.label == wanted or bug.label.startswith(wanted.rstrip("/") + "/") for wanted in only):
            bugs.append(bug)
    return bugs


# --- running tests -----------------------------------------------------------------------------------------------


def uses_pytest(checkout: Path) -> bool:
    """Tell whether a project's tests are for pytest; otherwise they are for unittest."""
    return "pytest" in (checkout / "pyproject.toml").read_text(encoding="utf-8")


def run_tests(python: str, checkout: Path, *files: str) -> Tuple[int, Set[str], str]:
    """Run all tests, or those of some files; return exit code, ids of failing tests, and what was printed."""
    if uses_pytest(checkout):
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
        pattern = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py(?:::(?:[^\[\s]+(?:\[.*?\])?))?)(?: - .*)?$", re.MULTILINE)
    else:
        modules = [file[: -len(".py")].replace("/", ".") for file in files]
        command = [python, "-m", "unittest", *modules]
        pattern = re.compile(r"^(?:FAIL|ERROR): \w+ \(([\w.]+)\)", re.MULTILINE)
    try:
        done = subprocess.run(
            command, cwd=checkout, env=_ENVIRONMENT, capture_output=True, text=True, timeout=TEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return 124, set(), f"no end after {TEST_SECONDS} s"
    output = done.stdout + done.stderr
    return done.returncode, set(pattern.findall(output)), output


def python_with_pytest(scratch: Path) -> str:
    """Return a Python that has pytest."""
    probe = subprocess.run([sys.executable, "-c", "import pytest"], capture_output=True, check=False)
    if probe.returncode == 0:
        return sys.executable
    place = scratch / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = str(place / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "pytest>=7"], check=True)
    return python


# --- is the corpus sound? ----------------------------------------------------------------------------------------


def problems_of(bug: Bug, python: str, scratch: Path) -> List[str]:
    """Return what is wrong with a bug of the corpus."""
    found: List[str] = []
    clean, buggy = scratch / "clean", scratch / "buggy"
    bug.copy_to(clean, buggy=False)
    bug.copy_to(buggy)

    overlay = sorted(str(file.relative_to(bug.folder / "files")) for file in (bug.folder / "files").rglob("*.py"))
    if overlay != bug.about["files"]:
        found.append(f"the overlay has {overlay}, bug.json says {bug.about['files']}")
    for name in overlay:
        if not (bug.clean / name).exists():
            found.append(f"{name} is not a file of the project")

    code, failed, _ = run_tests(python, clean)
    if code != 0:
        found.append(f"the clean project fails: {sorted(failed)}")
    code, failed, _ = run_tests(python, buggy)
    wanted = set(bug.about["failing_tests"])
    if failed != wanted:
        found.append(f"fails {sorted(failed)}, bug.json says {sorted(wanted)}")
    if (code != 0) != bool(wanted):
        found.append(f"the tests of the buggy project end with {code}")
    if bug.about["kind"] == "test" and not 1 <= len(wanted) <= 4:
        found.append("a test bug has one to four failing tests")

    for place, should_pass in ((clean, True), (buggy, False)):
        bug.add_hidden(place)
        code, failed, output = run_tests(python, place, "tests/test_hidden.py")
        hidden_failures = code == 1 and bool(failed)
        if should_pass and code != 0:
            found.append(f"hidden tests fail on the clean project:\n{output}")
        if not should_pass and not hidden_failures:
            found.append("no hidden test fails on the buggy project")

    if bug.about["kind"] == "alert":
        found.extend(_alert_problems(bug, clean, buggy))
    log = bug.folder / "ci.log"
    if log.exists():
        text = log.read_text(encoding="utf-8")
        for name in wanted:
            if name.rpartition("::")[2].rpartition(".")[2] not in text:
                found.append(f"ci.log does not name {name}")
    return found


def _alert_problems(bug: Bug, clean: Path, buggy: Path) -> List[str]:
    found = []
    event = json.loads((bug.folder / "event.json").read_text(encoding="utf-8"))
    last = event["exception"]["values"][-1]
    if last["type"] != bug.about["exception"]:
        found.append(f"the event is a {last['type']}, not a {bug.about['exception']}")
    if not any("vars" in frame for frame in last["stacktrace"]["frames"]):
        found.append("the event has no local variables")
    for place, should_fail in ((clean, False), (buggy, True)):
        done = subprocess.run(
            [sys.executable, str(bug.folder / "trigger.py")],
            cwd=place,
            env={**_ENVIRONMENT, "PYTHONPATH": str(place / "src")},
            capture_output=True,
            text=True,
            timeout=TEST_SECONDS,
            check=False,
        )
        raised = done.returncode != 0 and bug.about["exception"] in done.stderr.strip().splitlines()[-1]
        if should_fail and not raised:
            found.append("trigger.py does not raise with the bug")
        if not should_fail and done.returncode != 0:
            found.append(f"trigger.py fails without the bug: {done.stderr}")
    return found


def check(bugs: Sequence[Bug], python: str, scratch: Path) -> int:
    """Check the corpus and print one line per bug."""
    bad = 0
    for bug in bugs:
        place = Path(tempfile.mkdtemp(dir=scratch))
        found = problems_of(bug, python, place)
        shutil.rmtree(place)
        bad += bool(found)
        symptom = bug.about["exception"] if bug.about["kind"] == "alert" else f"{len(bug.about['failing_tests'])} failing"
        if (bug.folder / "ci.log").exists():
            symptom += ", log"
        print(f"{'BAD ' if found else 'ok  '} {bug.label:<48} {bug.about['kind']:<6} {symptom:<19} {bug.about['description']}")
        for problem in found:
            print(f"     {problem}")
    print(f"{len(bugs)} bugs, {bad} of them not sound")
    return 1 if bad else 0


# --- running Fixpoint --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What Fixpoint made of a bug."""

    bug: Bug
    outcome: str
    correct: Optional[bool]
    template: str
    tried: Optional[int]
    cpu: float
    wall: float
    note: str = ""


def git(repository: Path, *arguments: str) -> None:
    """Run git."""
    identity = ["-c", "user.name=Corpus", "-c", "user.email=corpus@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=repository, env=_ENVIRONMENT, check=True, capture_output=True)


def run_fixpoint(command: List[str], limit: float, scratch: Path) -> Tuple[Optional[int], str, str, float, float]:
    """Run Fixpoint; return exit code (None: too slow), output, errors, seconds of processor and by the clock."""
    out, err = scratch / "stdout", scratch / "stderr"
    started = time.monotonic()
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=os.environ, cwd=scratch)
        while True:
            # wait4 tells what this child and those it waited for have used, even with several at work.
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                code: Optional[int] = os.waitstatus_to_exitcode(status)
                break
            if time.monotonic() - started > limit:
                process.kill()
                _, _, usage = os.wait4(process.pid, 0)
                code = None
                break
            time.sleep(0.05)
        process.returncode = code if code is not None else -9
    wall = time.monotonic() - started
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
    return code, texts[0], texts[1], usage.ru_utime + usage.ru_stime, wall


def is_correct(bug: Bug, repository: Path, branch: str, python: str, scratch: Path) -> Tuple[bool, str]:
    """Run the project's tests and the hidden ones on a branch."""
    place = scratch / "judged"
    git(scratch, "clone", "-q", "--branch", branch, str(repository), str(place))
    bug.add_hidden(place)
    code, failed, _ = run_tests(python, place)
    return code == 0, ", ".join(sorted(failed)) or ("" if code == 0 else f"tests end with {code}")


def measure(bug: Bug, fixpoint: str, budget: int, python: str, scratch: Path) -> Result:
    """Let Fixpoint repair one bug and judge the result."""
    place = Path(tempfile.mkdtemp(dir=scratch))
    repository = place / bug.project
    bug.copy_to(repository)
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", f"{bug.project} as it is")
    command = [fixpoint, "fix", "--repo", str(repository), "--json", "--budget", f"{budget}s"]
    if (bug.folder / "event.json").exists():
        command += ["--event", str(bug.folder / "event.json")]
    elif (bug.folder / "ci.log").exists():
        command += ["--log", str(bug.folder / "ci.log")]
    code, out, err, cpu, wall = run_fixpoint(command, budget + PREPARATION_SECONDS, place)
    try:
        report: Dict[str, Any] = json.loads(out)
    except ValueError:
        shutil.rmtree(place, ignore_errors=True)
        outcome = "timeout" if code is None else f"exit {code}"
        return Result(bug, outcome, None, "-", None, cpu, wall, (err.strip().splitlines() or [""])[-1])
    if isinstance(report.get("cpu_ms"), (int, float)):
        # Work that a sandbox did outside the process tree is only in the report.
        cpu = max(cpu, report["cpu_ms"] / 1000)
    correct, note = None, ""
    if report.get("branch"):
        correct, note = is_correct(bug, repository, report["branch"], python, place)
    else:
        note = str(report.get("message") or "")
    result = Result(
        bug,
        str(report.get("outcome")),
        correct,
        str(report.get("template") or "-"),
        report.get("candidates_tried"),
        cpu,
        wall,
        note.splitlines()[0] if note else "",
    )
    shutil.rmtree(place, ignore_errors=True)
    return result


def show(result: Result) -> None:
    """Print one line."""
    correct = "-" if result.correct is None else "yes" if result.correct else "no"
    tried = "-" if result.tried is None else str(result.tried)
    print(
        f"{result.bug.label:<48} {result.outcome:<15} {correct:<7} {result.template:<28} {tried:>6} "
        f"{result.cpu:>7.1f} {result.wall:>7.1f}  {result.note}".rstrip(),
        flush=True,
    )


def totals(results: Sequence[Result]) -> None:
    """Print the sums, and what was missed."""
    if not results:
        return
    answered = [result for result in results if result.correct is not None]
    right = [result for result in answered if result.correct]
    costs = sorted(result.cpu for result in results)
    p90 = costs[min(len(costs) - 1, -(-len(costs) * 9 // 10) - 1)]
    print(f"\nanswered  {len(answered)} of {len(results)}")
    print(f"correct   {len(right)} of {len(answered)} answered")
    for kind in ("test", "alert"):
        group = [result for result in results if result.bug.about["kind"] == kind]
        if group:
            print(f"  {kind:<7} {sum(result.correct is True for result in group)} correct of {len(group)}")
    print(f"CPU       median {statistics.median(costs):.1f} s, p90 {p90:.1f} s")
    for title, missed in (
        ("wrong", [result for result in answered if not result.correct]),
        ("missed", [result for result in results if result.correct is None]),
    ):
        for result in missed:
            print(f"{title:<9} {result.bug.label}: {result.bug.about['description']}")


def find_fixpoint() -> Optional[str]:
    """Return the program to be measured."""
    named = os.environ.get("FIXPOINT")
    if named:
        return shutil.which(named)
    built = ROOT / "target" / "debug" / "fixpoint"
    return str(built) if built.exists() else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="PROJECT[/BUG]", help="may be given several times")
    parser.add_argument("--jobs", type=int, default=1, help="bugs at the same time (default 1; more distorts the clock)")
    parser.add_argument("--budget", type=int, default=120, metavar="SECONDS", help="time for each search (default 120)")
    parser.add_argument("--check", action="store_true", help="check the corpus instead")
    arguments = parser.parse_args()
    bugs = all_bugs(arguments.only)
    if not bugs:
        parser.error("no such bug")
    with tempfile.TemporaryDirectory(prefix="corpus-") as name:
        scratch = Path(name)
        python = python_with_pytest(scratch)
        if arguments.check:
            return check(bugs, python, scratch)
        fixpoint = find_fixpoint()
        if fixpoint is None:
            parser.error("no fixpoint: set FIXPOINT to the program, or build target/debug/fixpoint")
        print(f"{'bug':<48} {'outcome':<15} {'correct':<7} {'template':<28} {'tried':>6} {'cpu s':>7} {'wall s':>7}")
        results: List[Result] = []
        with ThreadPoolExecutor(max_workers=max(1, arguments.jobs)) as pool:
            for result in pool.map(lambda bug: measure(bug, fixpoint, arguments.budget, python, scratch), bugs):
                show(result)
                results.append(result)
        totals(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
