"""Run `fixpoint fix --json` on fresh copies of the demo shop and print one line each.

    python bench.py FIXPOINT [BUG…]

Seconds are those that Fixpoint reports; misses are printed like hits. Exit code 1 when a run broke (exit code 1 or 2 of
`fixpoint fix`, or no JSON), 0 otherwise: whether the outcomes are good is for the reader.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent / "services/fixpoint/demo"
RUNS = Path("target/bench/run").resolve()
BUGS = ("reviews", "coupon", "zone", "best-sellers", "label", "auth")
COMMIT = "commit"
MINUTES = 10 * 60


def git(repo, *words):
    me = ("-c", "user.name=Bench", "-c", "user.email=bench@example.org")
    subprocess.run(("git", *me, *words), cwd=repo, check=True, capture_output=True, timeout=60)


def python(*words, **options):
    return subprocess.run((sys.executable, "-B", *map(str, words)), capture_output=True, text=True, timeout=MINUTES, **options)


def prepare(name):
    """A fresh repository and the option that names the incident."""
    run = RUNS / name
    shutil.rmtree(run, ignore_errors=True)
    repo = run / "shop"
    shutil.copytree(DEMO / "shop", repo, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "The shop as it is in production")
    if name != COMMIT:
        captured = python(DEMO / "capture.py", "--bug", name, "--app", repo)
        if captured.returncode != 0:
            sys.exit(f"{name}: {captured.stderr.strip()}")
        event = run / "event.json"
        event.write_text(captured.stdout)
        return repo, ("--event", event)
    shutil.copytree(DEMO / "commit", repo, dirs_exist_ok=True, ignore=shutil.ignore_patterns("MESSAGE"))
    git(repo, "commit", "-q", "-a", "-F", str(DEMO / "commit/MESSAGE"))
    log = run / "ci.log"
    log.write_text(python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=repo).stdout)
    return repo, ("--log", log)


def fix(fixpoint, repo, incident):
    """The report of one `fixpoint fix`, or the reason why there is none."""
    command = (fixpoint, "fix", "--repo", repo, *incident, "--json")
    done = subprocess.run(tuple(map(str, command)), capture_output=True, text=True, timeout=MINUTES)
    if done.returncode in (1, 2):
        return None, (done.stderr.strip().splitlines() or ["no message"])[-1]
    try:
        return json.loads(done.stdout), ""
    except ValueError:
        return None, "standard output is not one JSON object"


def main():
    fixpoint = Path(sys.argv[1]).resolve()
    names = sys.argv[2:] or (*BUGS, COMMIT)
    row = "{:<14}{:<16}{:<28}{:>11}{:>9}{:>9}".format
    print(row("bug", "outcome", "template", "candidates", "cpu s", "wall s"))
    broken = False
    for name in names:
        report, reason = fix(fixpoint, *prepare(name))
        if report is None:
            broken = True
            print(f"{name:<14}broken: {reason}", flush=True)
            continue
        seconds = (f"{report[key] / 1000:.1f}" for key in ("cpu_ms", "wall_ms"))
        print(row(name, report["outcome"], report["template"] or "-", report["candidates_tried"], *seconds), flush=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
