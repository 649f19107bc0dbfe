//! Candidates judged in forks of a process that has imported the project, against the same candidates in processes of their own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engines::runner::{Framework, Outcome, RunReport, RunRequest, Runner, RunnerSpec};
use sandbox::Mount;
use tempfile::TempDir;

use crate::runner::{VENV_INSIDE, machine, project};

const CODE: &str = r#"import contextlib
import dataclasses
import functools
import os
import sys
import time

RATE = 2
LOG = []


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        LOG.append(function.__name__)
        return function(*args)
    return wrapper


def at_import(x):
    return x + 1


LIMIT = at_import(9)


def add(a, b=1):
    return a - b


@logged
def twice(x):
    return x * 3


def outer(x):
    def inner(y):
        return x - y
    return inner


def made(kind):
    def run(x):
        return x + kind
    return run


plus_five = made(5)


class Thing:
    kind = "plain"

    def __init__(self, size):
        self.size = size

    @property
    def double(self):
        return self.size * 3

    @double.setter
    def double(self, value):
        self.size = value

    @classmethod
    def of(cls, size):
        return cls(size + 1)

    @staticmethod
    def fixed():
        return 6

    def describe(self):
        """What it is."""
        return "%s %d" % (self.kind, self.size)


class Child(Thing):
    def describe(self):
        return "child " + super().describe()


def numbers(n):
    for i in range(n):
        yield i + 1


async def fetch(x):
    return x - 1


shorten = lambda text: text[:3]


def evens(items):
    return [i for i in items if i % 2 == 1]


@functools.lru_cache(maxsize=None)
def cached(x):
    LOG.append(x)
    return x * 3


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0

    def __post_init__(self):
        self.y = self.x


@contextlib.contextmanager
def opened():
    yield "open?"


def remember(x):
    LOG.append(x)
    return len(LOG)


def helper(x):
    return add(x, 0)
"#;

const TESTS: &str = r#"import asyncio
import subprocess
import sys
import pytest
from pkg import code


def test_add():
    assert code.add(1, 2) == 3

def test_default():
    assert code.add(1) == 2

def test_twice():
    assert code.twice(2) == 4

def test_outer():
    assert code.outer(2)(1) == 3

def test_made():
    assert code.plus_five(1) == 6

def test_property():
    thing = code.Thing(2)
    assert thing.double == 4

def test_of():
    assert code.Thing.of(1).size == 1

def test_fixed():
    assert code.Thing.fixed() == 7

def test_describe():
    assert code.Child(1).describe() == "child plain 1"

def test_numbers():
    assert list(code.numbers(2)) == [0, 1]

def test_fetch():
    assert asyncio.run(code.fetch(1)) == 1

def test_shorten():
    assert code.shorten("abcd") == "ab"

def test_evens():
    assert code.evens([1, 2]) == [2]

def test_cached():
    assert code.cached(2) == 4
    assert code.cached(2) == 4
    assert code.LOG == [2]

def test_point():
    assert code.Point(1, 2).y == 2

def test_opened():
    with code.opened() as found:
        assert found == "open"

def test_limit():
    assert code.LIMIT == 10 and code.RATE == 2

def test_state():
    assert code.remember(1) == 1

def test_doc():
    assert code.Thing.describe.__doc__ == "What it is."

def test_child_process():
    out = subprocess.run([sys.executable, "-c", "from pkg import code; print(code.add(1, 2))"], capture_output=True, text=True, cwd=".")
    assert out.stdout.strip() == "3", out.stderr

def test_fixture(base):
    assert code.add(base, 1) == 11

def test_session(shared):
    shared.append(code.helper(1))
    assert shared == [1]

@pytest.mark.parametrize("a, expected", [(1, 2), (2, 3)])
def test_many(a, expected):
    assert code.add(a, 1) == expected

def test_patch(monkeypatch):
    monkeypatch.setattr(code, "add", lambda a, b: 40)
    assert code.helper(1) == 40

def test_output(capfd):
    print("seen")
    code.add(1, 2)
    assert capfd.readouterr().out == "seen\n"

def test_temporary(tmp_path):
    assert not any((folder / "x").exists() for folder in tmp_path.parent.iterdir())
    (tmp_path / "x").write_text(str(code.add(1, 2)))
    assert sys.stdout.fileno() > 0
"#;

const CONFTEST: &str = "import pytest\nfrom pkg import code\n\n\n@pytest.fixture\ndef base():\n    return code.add(10, 0)\n\n\n\
                        @pytest.fixture(scope='session')\ndef shared():\n    return []\n";

/// What it shows, what is replaced by what, and whether it can be judged live.
const EDITS: [(&str, &str, &str, bool); 48] = [
    ("a function", "return a - b", "return a + b", true),
    (
        "a function that raises",
        "return a - b",
        "raise LookupError('no ' + str(a))",
        true,
    ),
    (
        "more lines",
        "    return a - b",
        "    if b:\n        a = a + b\n    return a",
        true,
    ),
    (
        "a decorated function",
        "return x * 3\n\n\ndef outer",
        "return x * 2\n\n\ndef outer",
        true,
    ),
    ("a nested function", "return x - y", "return x + y", true),
    (
        "a closure of more",
        "        return x - y",
        "        z = x + y\n        return (lambda: z)()",
        true,
    ),
    ("a closure made at import", "return x + kind", "return x * kind", false),
    (
        "the wrapper of a decorator",
        "LOG.append(function.__name__)",
        "LOG.clear()",
        false,
    ),
    ("a property", "return self.size * 3", "return self.size * 2", true),
    ("a setter", "self.size = value", "self.size = value // 2", true),
    ("a constructor", "self.size = size", "self.size = size - 1", true),
    ("a class method", "return cls(size + 1)", "return cls(size)", true),
    ("a static method", "return 6", "return 7", true),
    ("an overridden method", "\"child \" + super", "\"kid \" + super", true),
    (
        "a method without super",
        "return \"child \" + super().describe()",
        "return 1",
        false,
    ),
    ("a generator", "yield i + 1", "yield i", true),
    ("no generator any more", "yield i + 1", "return [0, 1]", false),
    ("a coroutine", "return x - 1", "return x", true),
    ("a lambda", "text[:3]", "text[:2]", true),
    ("a comprehension", "if i % 2 == 1", "if i % 2 == 0", true),
    (
        "a cached function",
        "return x * 3\n\n\n@data",
        "return x * 2\n\n\n@data",
        true,
    ),
    ("a post-init", "self.y = self.x", "pass", true),
    ("a context manager", "yield \"open?\"", "yield \"open\"", true),
    ("a default", "def add(a, b=1)", "def add(a, b=-1)", false),
    ("another default type", "def add(a, b=1)", "def add(a, b=True)", false),
    ("a signature", "def add(a, b=1)", "def add(b, a=1)", false),
    ("one more argument", "def helper(x)", "def helper(x, y)", false),
    ("a constant", "RATE = 2", "RATE = 3", false),
    ("a constant's type", "RATE = 2", "RATE = 2.0", false),
    ("a class attribute", "kind = \"plain\"", "kind = \"fancy\"", false),
    ("a field", "y: int = 0", "y: int = 1", false),
    ("used at import", "return x + 1\n", "return x + 2\n", false),
    (
        "an import inside",
        "return a - b",
        "import operator; return operator.add(a, b)",
        true,
    ),
    ("an import that fails", "return a - b", "import absent_module", true),
    ("an import at the top", "import time", "import time, math", false),
    ("a name that does not exist", "return a - b", "return a - c", true),
    ("nonsense", "return a - b", "return a -", false),
    ("a bad escape", "return a - b", "return '\\d'", false),
    ("no end", "return a - b", "while True: pass", true),
    ("an exit of the process", "return a - b", "os._exit(3)", true),
    ("an exit", "return a - b", "sys.exit(3)", true),
    ("an interrupt", "return a - b", "raise KeyboardInterrupt", true),
    ("endless recursion", "return a - b", "return add(a, b)", true),
    ("a killed group", "return a - b", "os.kill(0, 9)", true),
    ("a docstring", "\"\"\"What it is.\"\"\"", "\"\"\"What.\"\"\"", false),
    (
        "a docstring too many",
        "return a - b",
        "\"\"\"Adds.\"\"\"; return a + b",
        false,
    ),
    ("a comment", "return a - b", "return a - b  # less", true),
    ("a global", "return a - b", "global RATE; RATE += 1; return RATE", false),
];

async fn start(project: &TempDir, framework: Framework, live: bool) -> Option<Runner> {
    let (sandbox, venv) = machine()?;
    let mut spec = RunnerSpec::new(project.path(), format!("{VENV_INSIDE}/bin/python"));
    spec.mounts = vec![Mount::read_only(venv, VENV_INSIDE)];
    spec.framework = framework;
    spec.live = live;
    Some(Runner::start(sandbox, spec).await.expect("the runner starts"))
}

fn candidate(path: &str, text: String, tests: &[String]) -> RunRequest {
    RunRequest {
        files: BTreeMap::from([(path.to_owned(), Some(text))]),
        tests: Some(tests.to_vec()),
        per_test: Duration::from_millis(1500),
        wall: Duration::from_secs(20),
        ..RunRequest::default()
    }
}

fn edited(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?}");
    text.replace(from, to)
}

/// What must be equal however a candidate was judged. The log that a crash ends with tells of the framework, not of the tests.
type Essence<'a> = (
    Vec<(
        &'a str,
        Outcome,
        Option<&'a str>,
        Option<&'a str>,
        Vec<(&'a str, u32, &'a str)>,
    )>,
    usize,
    Option<&'a str>,
    Option<&'a str>,
    &'a [String],
);

fn essence(report: &RunReport) -> Essence<'_> {
    let tests = report.tests.iter().map(|test| {
        let frames = test
            .frames
            .iter()
            .map(|frame| (frame.file.as_str(), frame.line, frame.function.as_str()));
        // The words of a test that hung tell how long it took; others quote addresses in memory.
        let message = test
            .message
            .as_deref()
            .filter(|text| report.hung.is_none() && !text.contains("0x"));
        (
            test.id.as_str(),
            test.outcome,
            test.exception.as_deref(),
            message,
            frames.collect(),
        )
    });
    (
        tests.collect(),
        report.collection_errors.len(),
        report.crashed.as_deref().and_then(|text| text.lines().next()),
        report.hung.as_deref(),
        &report.missing,
    )
}

fn package() -> TempDir {
    project(&[
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\npythonpath = [\".\"]\nfilterwarnings = [\"error\"]\n",
        ),
        ("pkg/__init__.py", ""),
        ("pkg/code.py", CODE),
        ("tests/conftest.py", CONFTEST),
        ("tests/test_code.py", TESTS),
        ("tests/test_other.py", "def test_other():\n    pass\n"),
    ])
}

#[tokio::test]
async fn live_verdicts_are_those_of_a_process_of_its_own() {
    let project = package();
    let Some(mut live) = start(&project, Framework::Pytest, true).await else {
        return;
    };
    let mut slow = start(&project, Framework::Pytest, false).await.unwrap();
    let tests: Vec<String> = live.collect().await.unwrap().tests;
    let tests: Vec<String> = tests.into_iter().filter(|id| !id.contains("other")).collect();
    assert_eq!(tests.len(), 27);
    for (about, from, to, expected) in EDITS {
        let request = candidate("pkg/code.py", edited(CODE, from, to), &tests);
        let one = live.run(&request).await.unwrap();
        let other = slow.run(&request).await.unwrap();
        assert_eq!(essence(&one), essence(&other), "{about}");
        assert_eq!((one.live, other.live), (expected, false), "{about}: {one:?}");
        let first = candidate("pkg/code.py", edited(CODE, from, to), &tests[..1]);
        let first = RunRequest {
            stop_at_first_failure: true,
            ..first
        };
        let (one, other) = (live.run(&first).await.unwrap(), slow.run(&first).await.unwrap());
        assert_eq!(essence(&one), essence(&other), "{about}, alone");
    }
    // Backwards, and ended at the first failure.
    let backwards: Vec<String> = tests.iter().rev().cloned().collect();
    let request = RunRequest {
        stop_at_first_failure: true,
        ..candidate("pkg/code.py", edited(CODE, "return a - b", "return a + b"), &backwards)
    };
    let (one, other) = (live.run(&request).await.unwrap(), slow.run(&request).await.unwrap());
    assert!(one.live && one.tests.len() < 27, "{one:?}");
    assert_eq!(essence(&one), essence(&other));
    // What cannot be live: other files, and tests that do not exist.
    let files = [
        ("tests/test_code.py", TESTS.replace("== 3", "== -1")),
        ("tests/conftest.py", CONFTEST.replace("code.add(10, 0)", "7")),
        ("pkg/other.py", "x = 1\n".to_owned()),
    ];
    for (path, text) in files {
        let request = candidate(path, text, &tests);
        let (one, other) = (live.run(&request).await.unwrap(), slow.run(&request).await.unwrap());
        assert_eq!(essence(&one), essence(&other), "{path}");
        assert!(!one.live, "{path}");
    }
    let unknown = [tests[0].clone(), "tests/test_code.py::test_absent".to_owned()];
    let report = live
        .run(&candidate("pkg/code.py", CODE.replace("a - b", "a + b"), &unknown))
        .await
        .unwrap();
    assert_eq!((report.missing.len(), report.tests.len(), report.live), (1, 1, false));
}

#[tokio::test]
async fn nothing_of_a_live_candidate_is_left_for_the_next() {
    let project = package();
    let Some(mut runner) = start(&project, Framework::Pytest, true).await else {
        return;
    };
    let tests =
        ["test_add", "test_state", "test_temporary", "test_output"].map(|name| format!("tests/test_code.py::{name}"));
    let dirt = "import os, tempfile, pathlib; LOG.append(1); os.environ['DIRT'] = '1'; sys.path.insert(0, '/dirt'); globals()['RATE'] = 9; \
                pathlib.Path('dirt').write_text('x'); pathlib.Path(tempfile.gettempdir(), 'dirt').write_text('x'); print('d' * 5000); \
                sys.modules['dirt'] = os; os.write(1, b'dirt'); setattr(Thing, 'kind', 'dirty'); return a + b";
    let stray = "import os\n    if os.fork() == 0:\n        os.setsid()\n        while True: open('/work/beat', 'a').write('x'); time.sleep(0.01)\n    return a + b";
    let clean = "import os, tempfile, pathlib; time.sleep(0.05); assert not LOG and 'DIRT' not in os.environ and '/dirt' not in sys.path and RATE == 2; \
                 assert not pathlib.Path('dirt').exists() and not pathlib.Path(tempfile.gettempdir(), 'dirt').exists(); \
                 assert 'dirt' not in sys.modules and Thing.kind == 'plain' and not os.path.exists('/work/beat'); print('mine'); raise LookupError";
    for round in 0..3 {
        for body in [dirt, stray, clean] {
            let request = candidate("pkg/code.py", edited(CODE, "return a - b", body), &tests[..1]);
            let report = runner.run(&request).await.unwrap();
            assert!(report.live, "{round}: {report:?}");
            let test = &report.tests[0];
            if body == clean {
                assert_eq!(
                    (test.exception.as_deref(), test.captured.as_str()),
                    (Some("LookupError"), "mine\n")
                );
            } else {
                assert_eq!(test.outcome, Outcome::Passed, "{test:?}");
            }
        }
        let request = candidate("pkg/code.py", edited(CODE, "return a - b", "return a + b"), &tests);
        let report = runner.run(&request).await.unwrap();
        assert!(report.live && report.all_passed(), "{report:?}");
    }
    let report = runner
        .run(&RunRequest {
            tests: Some(tests.to_vec()),
            ..RunRequest::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (report.live, report.failed().count()),
        (false, 1),
        "the code is as it was: {report:?}"
    );
}

#[tokio::test]
async fn does_without_a_live_process_that_dies() {
    let project = package();
    let Some(mut runner) = start(&project, Framework::Pytest, true).await else {
        return;
    };
    let tests = ["tests/test_code.py::test_add".to_owned()];
    let good = candidate("pkg/code.py", edited(CODE, "return a - b", "return a + b"), &tests);
    // In a process of its own this kills the worker; the live process dies first, and so does the worker then.
    let deadly = candidate(
        "pkg/code.py",
        edited(CODE, "return a - b", "os.kill(os.getppid(), 9); time.sleep(1)"),
        &tests,
    );
    for _ in 0..2 {
        let report = runner.run(&good).await.unwrap();
        assert!(report.live && report.all_passed(), "{report:?}");
        let report = runner.run(&deadly).await.unwrap();
        assert!(
            report.crashed.as_deref().unwrap().contains("started again"),
            "{report:?}"
        );
    }
    // Only the live process: the candidate is then judged in another way, and a new live process comes up; but only once.
    let once = edited(
        CODE,
        "return a - b",
        "parent = open('/proc/%d/stat' % os.getppid()).read().split()[3]\n    if parent != '1' and len(os.listdir('/proc')) and os.getppid() != int(min((n for n in os.listdir('/proc') if n.isdigit() and b'fixpoint_worker' in open('/proc/' + n + '/cmdline', 'rb').read()), key=int)):\n        os.kill(os.getppid(), 9); time.sleep(1)\n    return a + b",
    );
    let once = candidate("pkg/code.py", once, &tests);
    let mut lives = Vec::new();
    for _ in 0..3 {
        let report = runner.run(&good).await.unwrap();
        assert!(report.all_passed(), "{report:?}");
        lives.push(report.live);
        runner.run(&once).await.unwrap();
    }
    assert!(lives[0] && !lives[2], "{lives:?}");
}

#[tokio::test]
async fn refuses_projects_whose_import_leaves_something_shared() {
    for import in [
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "file = open(__file__)",
        "import socket; pair = socket.socketpair()",
        "import tempfile; folder = tempfile.mkdtemp()",
        "open('made', 'w').close()",
        "import sys; sys.setprofile(None)",
        "import subprocess; child = subprocess.Popen(['sleep', '60'])",
    ] {
        let project = project(&[
            ("code.py", ""),
            ("shared.py", &format!("{import}\n\n\ndef one():\n    return 2\n")),
            (
                "test_shared.py",
                "import shared\n\n\ndef test_one():\n    assert shared.one() == 1\n",
            ),
        ]);
        let Some(mut runner) = start(&project, Framework::Pytest, true).await else {
            return;
        };
        let text = format!("{import}\n\n\ndef one():\n    return 1\n");
        for _ in 0..2 {
            let report = runner
                .run(&candidate(
                    "shared.py",
                    text.clone(),
                    &["test_shared.py::test_one".to_owned()],
                ))
                .await
                .unwrap();
            assert!(report.all_passed() && !report.live, "{import}: {report:?}");
        }
    }
}

#[tokio::test]
async fn judges_unittest_live() {
    let code = "def add(a, b):\n    return a - b\n\n\ndef seen(x, log=[]):\n    log.append(x)\n    return len(log)\n";
    let project = project(&[
        ("bank/__init__.py", ""),
        ("bank/account.py", code),
        ("tests/__init__.py", ""),
        (
            "tests/test_account.py",
            "import unittest\nfrom bank import account\n\n\nclass AddTest(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n        cls.two = account.add(1, 1)\n\n    \
             def test_sum(self):\n        print('adding')\n        self.assertEqual(account.add(1, 2), 3)\n\n    def test_class(self):\n        self.assertEqual(self.two, 2)\n\n    \
             def test_seen(self):\n        self.assertEqual(account.seen(1), 1)\n\n    def test_parts(self):\n        for n in (0, 1):\n            with self.subTest(n=n):\n                \
             self.assertEqual(account.add(1, n), 1 + n)\n\n    @unittest.skip('later')\n    def test_later(self):\n        pass\n",
        ),
    ]);
    let Some(mut live) = start(&project, Framework::Unittest, true).await else {
        return;
    };
    let mut slow = start(&project, Framework::Unittest, false).await.unwrap();
    let tests = live.collect().await.unwrap().tests;
    assert_eq!(tests.len(), 5);
    for (to, expected) in [
        ("return a + b", true),
        ("return a * b", true),
        ("raise KeyError(a)", true),
        ("import os; os._exit(4)", true),
        ("while True: pass", true),
        ("return a +", false),
    ] {
        for tests in [&tests[..], &tests[1..2], &tests[3..]] {
            let request = RunRequest {
                wall: Duration::from_secs(3),
                stop_at_first_failure: tests.len() == 2,
                ..candidate("bank/account.py", edited(code, "return a - b", to), tests)
            };
            let (one, other) = (live.run(&request).await.unwrap(), slow.run(&request).await.unwrap());
            assert_eq!(essence(&one), essence(&other), "{to}");
            assert_eq!(one.live, expected, "{to}: {one:?}");
        }
    }
}

/// What a candidate costs either way, printed. The bound is loose, for machines under load.
#[tokio::test]
async fn costs_a_fraction() {
    let project = package();
    let Some(mut live) = start(&project, Framework::Pytest, true).await else {
        return;
    };
    let mut slow = start(&project, Framework::Pytest, false).await.unwrap();
    let tests = ["tests/test_code.py::test_add".to_owned()];
    let mut cost = Vec::new();
    for runner in [&mut live, &mut slow] {
        let (mut cpu, started) = (Duration::ZERO, Instant::now());
        for number in 0..30 {
            let text = edited(CODE, "return a - b", &format!("return a * b + {number}"));
            let report = runner.run(&candidate("pkg/code.py", text, &tests)).await.unwrap();
            assert_eq!(report.all_passed(), number == 1);
            cpu += report.cpu;
        }
        cost.push(cpu / 30);
        println!(
            "{:?} of processor time and {:?} per candidate",
            cpu / 30,
            started.elapsed() / 30
        );
    }
    assert!(cost[0] * 3 < cost[1] * 2, "{cost:?}");
}
