//! The warm runner against real projects, in the real sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use engines::runner::{Framework, Outcome, RunReport, RunRequest, Runner, RunnerSpec};
use sandbox::{Mount, Sandbox, Settings};
use tempfile::TempDir;

pub const VENV_INSIDE: &str = "/opt/venv";

/// A sandbox and a virtual environment with pytest, made once per target folder, or `None`, said aloud. In CI that is a failure.
pub fn machine() -> Option<(Arc<dyn Sandbox>, PathBuf)> {
    static VENV: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = sandbox::open(&Settings::default())
        .map_err(|error| error.to_string())
        .and_then(|sandbox| Ok((sandbox, VENV.get_or_init(venv).clone()?)));
    match found {
        Ok(found) => Some(found),
        Err(reason) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "in CI the runner must be tested: {reason}"
            );
            println!("SKIPPED 1: {reason}");
            None
        }
    }
}

fn venv() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytest-venv");
    let ready = folder.join("ready");
    if !ready.exists() {
        let _ = std::fs::remove_dir_all(&folder);
        let mut make = Command::new("/usr/bin/python3");
        succeed(make.args(["-m", "venv"]).arg(&folder))?;
        succeed(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", "pytest"]))?;
        std::fs::write(ready, "").map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

pub fn project(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

async fn start(project: &TempDir, framework: Framework) -> Option<Runner> {
    let (sandbox, venv) = machine()?;
    let mut spec = RunnerSpec::new(project.path(), format!("{VENV_INSIDE}/bin/python"));
    spec.mounts = vec![Mount::read_only(venv, VENV_INSIDE)];
    spec.framework = framework;
    Some(Runner::start(sandbox, spec).await.expect("the runner starts"))
}

fn changed(path: &str, text: &str) -> RunRequest {
    RunRequest {
        files: BTreeMap::from([(path.to_owned(), Some(text.to_owned()))]),
        ..RunRequest::default()
    }
}

fn outcomes(report: &RunReport) -> Vec<(String, Outcome)> {
    report
        .tests
        .iter()
        .map(|test| (test.id.clone(), test.outcome))
        .collect()
}

/// A src layout with fixtures in conftest files, parametrised tests, every outcome, and options that must not disturb.
fn shop() -> TempDir {
    project(&[
        (
            "pyproject.toml",
            "[tool.pytest.ini_options]\npythonpath = [\"src\"]\ntestpaths = [\"tests\"]\naddopts = \"-q --maxfail=1 -x\"\n",
        ),
        ("src/shop/__init__.py", ""),
        (
            "src/shop/cart.py",
            "PRICES = {'tea': 3, 'cup': 5}\n\n\ndef total(items):\n    result = 0\n    for name in items:\n        result += price(name)\n    return result\n\n\n\
             def price(name):\n    return PRICES[name]\n\n\ndef discount(amount):\n    if amount > 10:\n        return amount - 1\n    return amount\n",
        ),
        (
            "src/shop/state.py",
            "seen = []\n\n\ndef remember(x):\n    seen.append(x)\n    return len(seen)\n",
        ),
        (
            "tests/conftest.py",
            "import pytest\n\n\n@pytest.fixture\ndef items():\n    return ['tea', 'cup']\n",
        ),
        (
            "tests/test_cart.py",
            "import pytest\nfrom shop.cart import discount, price, total\n\n\ndef test_total(items):\n    assert total(items) == 8\n\n\n\
             @pytest.mark.parametrize('amount, expected', [(5, 5), (11, 10), (10, 9)])\ndef test_discount(amount, expected):\n    print('amount', amount)\n    assert discount(amount) == expected\n\n\n\
             class TestPrice:\n    def test_known(self):\n        assert price('tea') == 3\n\n    def test_unknown(self):\n        price('pot')\n",
        ),
        (
            "tests/deep/test_more.py",
            "import unittest\nimport pytest\nfrom shop.state import remember\n\n\n@pytest.fixture\ndef broken():\n    raise RuntimeError('no database')\n\n\n\
             def test_setup(broken):\n    pass\n\n\n@pytest.mark.skip(reason='later')\ndef test_skipped():\n    pass\n\n\n\
             @pytest.mark.xfail(reason='known')\ndef test_xfailed():\n    assert False\n\n\n@pytest.mark.xfail(strict=True)\ndef test_xpassed():\n    pass\n\n\n\
             def test_state():\n    assert remember(1) == 1\n\n\nclass Old(unittest.TestCase):\n    def test_sub(self):\n        self.assertEqual(1, 1)\n",
        ),
    ])
}

#[tokio::test]
async fn finds_what_plain_pytest_finds() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Auto).await else {
        return;
    };
    assert_eq!(runner.about().framework, "pytest");
    let collected = runner.collect().await.unwrap();
    assert_eq!(
        (collected.tests.len(), &collected.errors, &collected.crashed),
        (12, &vec![], &None)
    );
    let report = runner.run(&RunRequest::default()).await.unwrap();
    assert_eq!(report.crashed, None);

    let (_, venv) = machine().unwrap();
    let plain = Command::new(venv.join("bin/python"))
        .args([
            "-B",
            "-m",
            "pytest",
            "-o",
            "addopts=",
            "-p",
            "no:cacheprovider",
            "-rA",
            "-q",
            "--no-header",
            "--tb=no",
        ])
        .current_dir(project.path())
        .env("PYTHONPATH", "")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&plain.stdout);
    let mut expected: Vec<(String, Outcome)> = Vec::new();
    for line in text.lines() {
        let Some((word, rest)) = line.split_once(' ') else {
            continue;
        };
        let outcome = match word {
            "PASSED" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "ERROR" => Outcome::Error,
            "XFAIL" => Outcome::Xfailed,
            _ => continue,
        };
        expected.push((rest.split(" - ").next().unwrap().to_owned(), outcome));
    }
    // The short summary of pytest does not name skipped tests by id.
    expected.push(("tests/deep/test_more.py::test_skipped".into(), Outcome::Skipped));
    expected.sort();
    let mut found = outcomes(&report);
    assert_eq!(
        found.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(),
        collected.tests
    );
    found.sort();
    assert_eq!(found, expected, "{text}");

    let unknown = report.result("tests/test_cart.py::TestPrice::test_unknown").unwrap();
    assert_eq!(
        (unknown.exception.as_deref(), unknown.message.as_deref()),
        (Some("KeyError"), Some("'pot'"))
    );
    let frames: Vec<_> = unknown
        .frames
        .iter()
        .map(|frame| (frame.file.as_str(), frame.line, frame.function.as_str()))
        .collect();
    assert_eq!(
        frames,
        [
            ("tests/test_cart.py", 20, "test_unknown"),
            ("src/shop/cart.py", 12, "price")
        ]
    );
    let wrong = report.result("tests/test_cart.py::test_discount[10-9]").unwrap();
    assert_eq!(wrong.captured, "amount 10\n");
    assert!(wrong.message.as_deref().unwrap().contains("assert 10 == 9"));
    runner.stop().await;
}

#[tokio::test]
async fn runs_what_is_asked_for_in_that_order() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let ids = [
        "tests/test_cart.py::TestPrice::test_known",
        "tests/deep/test_more.py::test_state",
        "tests/test_cart.py::test_discount[10-9]",
        "tests/test_cart.py::test_total",
    ];
    let request = RunRequest {
        tests: Some(ids.map(str::to_owned).to_vec()),
        ..RunRequest::default()
    };
    let report = runner.run(&request).await.unwrap();
    assert_eq!(
        report.tests.iter().map(|test| test.id.as_str()).collect::<Vec<_>>(),
        ids
    );
    let report = runner
        .run(&RunRequest {
            stop_at_first_failure: true,
            ..request
        })
        .await
        .unwrap();
    assert_eq!(report.tests.len(), 3);
    assert_eq!(report.failed().collect::<Vec<_>>(), [ids[2]]);
    let request = RunRequest {
        tests: Some(vec![
            ids[3].into(),
            "tests/test_cart.py::test_gone".into(),
            "tests/gone.py::test_a".into(),
        ]),
        ..RunRequest::default()
    };
    let report = runner.run(&request).await.unwrap();
    assert_eq!(report.tests.len(), 1);
    assert_eq!(report.missing.len(), 2);
    assert!(!report.all_passed());
}

#[tokio::test]
async fn candidates_do_not_touch_each_other() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let state = vec!["tests/deep/test_more.py::test_state".to_owned()];
    let total = vec!["tests/test_cart.py::test_total".to_owned()];
    // State of modules is new each time.
    for _ in 0..3 {
        let report = runner
            .run(&RunRequest {
                tests: Some(state.clone()),
                ..RunRequest::default()
            })
            .await
            .unwrap();
        assert!(report.all_passed(), "{report:?}");
    }
    // Same size, same second: what was compiled from one candidate must not be used for the next.
    let source = std::fs::read_to_string(project.path().join("src/shop/cart.py")).unwrap();
    for round in 0..6 {
        let text = if round % 2 == 0 {
            source.replace("'tea': 3", "'tea': 4")
        } else {
            source.clone()
        };
        let report = runner
            .run(&RunRequest {
                tests: Some(total.clone()),
                ..changed("src/shop/cart.py", &text)
            })
            .await
            .unwrap();
        assert_eq!(report.all_passed(), round % 2 == 1, "round {round}: {report:?}");
        let report = runner
            .run(&RunRequest {
                tests: Some(total.clone()),
                ..RunRequest::default()
            })
            .await
            .unwrap();
        assert!(
            report.all_passed(),
            "the original is back after round {round}: {report:?}"
        );
    }
    // New, deleted and overwritten files are gone, back and restored.
    let mut files = BTreeMap::from([
        ("src/shop/cart.py".to_owned(), None),
        ("src/shop/new/thing.py".to_owned(), Some("x = 1\n".to_owned())),
    ]);
    let report = runner
        .run(&RunRequest {
            files: files.clone(),
            tests: Some(total.clone()),
            ..RunRequest::default()
        })
        .await
        .unwrap();
    assert!(
        !report.collection_errors.is_empty() && report.tests.is_empty(),
        "{report:?}"
    );
    files.clear();
    files.insert("tests/test_spoil.py".into(), Some(
        "import pathlib\ndef test_spoil():\n    assert not pathlib.Path('src/shop/new').exists()\n    assert pathlib.Path('src/shop/cart.py').exists()\n    \
         pathlib.Path('src/shop/cart.py').write_text('boom')\n    pathlib.Path('left').write_text('x')\n    pathlib.Path('src/shop/state.py').unlink()\n".into(),
    ));
    let spoil = vec!["tests/test_spoil.py::test_spoil".to_owned()];
    for _ in 0..2 {
        let report = runner
            .run(&RunRequest {
                files: files.clone(),
                tests: Some(spoil.clone()),
                ..RunRequest::default()
            })
            .await
            .unwrap();
        assert!(report.all_passed(), "{report:?}");
    }
    let report = runner
        .run(&RunRequest {
            tests: Some([total, state].concat()),
            ..RunRequest::default()
        })
        .await
        .unwrap();
    assert!(report.all_passed(), "{report:?}");
    assert_eq!(
        std::fs::read_to_string(project.path().join("src/shop/cart.py")).unwrap(),
        source,
        "the caller's tree is never changed"
    );
    assert!(
        matches!(runner.run(&changed("../outside.py", "x")).await.unwrap().crashed, Some(reason) if reason.contains("outside"))
    );
}

#[tokio::test]
async fn survives_what_candidates_do() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let total = vec!["tests/test_cart.py::test_total".to_owned()];
    let body = |body: &str| {
        changed(
            "src/shop/cart.py",
            &format!(
                "import os, sys, time, signal, subprocess, threading\n\ndef price(n): pass\ndef discount(n): pass\ndef total(items):\n    {body}\n"
            ),
        )
    };
    let fast = |request: RunRequest| RunRequest {
        tests: Some(total.clone()),
        per_test: Duration::from_millis(500),
        wall: Duration::from_secs(5),
        ..request
    };

    for hang in [
        "while True: pass",
        "10**10**8",
        "time.sleep(60)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); time.sleep(60)",
        "subprocess.run(['sleep', '60'])",
    ] {
        let started = Instant::now();
        let report = runner.run(&fast(body(hang))).await.unwrap();
        assert_eq!(report.hung.as_deref(), Some(total[0].as_str()), "{hang}: {report:?}");
        assert_eq!(report.tests[0].outcome, Outcome::Error);
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{hang}: {:?}",
            started.elapsed()
        );
    }
    let report = runner
        .run(&RunRequest {
            wall: Duration::from_secs(1),
            ..fast(changed("src/shop/cart.py", "while True: pass\n"))
        })
        .await
        .unwrap();
    assert!(report.crashed.as_deref().unwrap().contains("out of time"), "{report:?}");

    for (death, said) in [
        ("os._exit(0)", "exit code 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
        ("os.closerange(0, 4096); os._exit(3)", "exit code 3"),
        ("os.kill(os.getppid(), 0); os.abort()", "signal 6"),
    ] {
        let report = runner.run(&fast(body(death))).await.unwrap();
        assert!(report.crashed.as_deref().unwrap().contains(said), "{death}: {report:?}");
        assert_eq!((report.tests.len(), report.tests[0].outcome), (1, Outcome::Error));
    }
    let cpu = RunRequest {
        cpu: Some(Duration::from_secs(1)),
        per_test: Duration::from_secs(20),
        wall: Duration::from_secs(20),
        ..fast(body("while True: pass"))
    };
    assert!(runner.run(&cpu).await.unwrap().crashed.unwrap().contains("signal 24"));
    let memory = RunRequest {
        memory_bytes: Some(200 << 20),
        per_test: Duration::from_secs(20),
        ..fast(body("return len(b'x' * (1 << 30))"))
    };
    assert_eq!(
        runner.run(&memory).await.unwrap().tests[0].exception.as_deref(),
        Some("MemoryError")
    );

    // What ends or confuses only the test itself.
    for noise in [
        "sys.exit(0)",
        "print('{\"e\": \"done\"}'); sys.__stdout__.write('noise\\n'); os.write(1, b'noise\\n'); os.close(1); return 7",
        "raise KeyboardInterrupt",
    ] {
        let report = runner.run(&fast(body(noise))).await.unwrap();
        assert!(!report.all_passed(), "{noise}: {report:?}");
    }
    let stray = "\n    if os.fork() == 0:\n        os.setsid()\n        while True: open('/work/beat', 'a').write('x'); time.sleep(0.01)\n    return 8";
    assert!(runner.run(&fast(body(stray))).await.unwrap().all_passed());
    let probe = body(
        "a = os.path.exists('/work/beat'); time.sleep(0.1); return 8 if not a and not os.path.exists('/work/beat') else 0",
    );
    assert!(
        runner.run(&fast(probe)).await.unwrap().all_passed(),
        "a stray process lives on"
    );

    let report = runner.run(&fast(RunRequest::default())).await.unwrap();
    assert!(report.all_passed(), "all is well afterwards: {report:?}");
}

#[tokio::test]
async fn a_worker_that_dies_is_replaced() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let total = Some(vec!["tests/test_cart.py::test_total".to_owned()]);
    let deadly = "import os, signal\ndef price(n): pass\ndef discount(n): pass\ndef total(i): os.kill(os.getppid(), signal.SIGKILL)\n";
    let report = runner
        .run(&RunRequest {
            tests: total.clone(),
            ..changed("src/shop/cart.py", deadly)
        })
        .await
        .unwrap();
    assert!(
        report.crashed.as_deref().unwrap().contains("started again"),
        "{report:?}"
    );
    let report = runner
        .run(&RunRequest {
            tests: total.clone(),
            ..RunRequest::default()
        })
        .await
        .unwrap();
    assert!(report.all_passed(), "{report:?}");

    // A caller that gives up in the middle does not confuse the next one.
    let endless = changed("src/shop/cart.py", "import time\ntime.sleep(30)\n");
    assert!(
        tokio::time::timeout(Duration::from_millis(300), runner.run(&endless))
            .await
            .is_err()
    );
    let report = runner
        .run(&RunRequest {
            tests: total,
            ..RunRequest::default()
        })
        .await
        .unwrap();
    assert!(report.all_passed(), "{report:?}");
}

#[tokio::test]
async fn notes_the_lines_of_each_test() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let tests =
        ["test_total", "test_discount[5-5]", "test_discount[11-10]"].map(|name| format!("tests/test_cart.py::{name}"));
    let report = runner
        .run(&RunRequest {
            tests: Some(tests.to_vec()),
            coverage: true,
            ..RunRequest::default()
        })
        .await
        .unwrap();
    let coverage = report.coverage.unwrap();
    let lines = |test: &str| coverage[test].clone();
    assert_eq!(
        lines(&tests[0]),
        BTreeMap::from([("src/shop/cart.py".to_owned(), vec![5, 6, 7, 8, 12])])
    );
    assert_eq!(lines(&tests[1])["src/shop/cart.py"], [16, 18]);
    assert_eq!(lines(&tests[2])["src/shop/cart.py"], [16, 17]);
    assert_eq!(report.import_coverage["src/shop/cart.py"], [1, 4, 11, 15]);
    assert!(
        report.import_coverage.keys().all(|file| file.starts_with("src/")),
        "{:?}",
        report.import_coverage
    );
}

#[tokio::test]
async fn says_what_cannot_be_collected() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let report = runner
        .run(&changed("src/shop/cart.py", "def broken(:\n"))
        .await
        .unwrap();
    assert_eq!(report.collection_errors.len(), 1);
    assert_eq!(report.collection_errors[0].at, "tests/test_cart.py");
    assert!(report.collection_errors[0].message.contains("SyntaxError"));
    let report = runner
        .run(&changed("tests/conftest.py", "raise RuntimeError('unusable')\n"))
        .await
        .unwrap();
    assert!(report.crashed.as_deref().unwrap().contains("unusable"), "{report:?}");
    assert!(runner.run(&RunRequest::default()).await.unwrap().crashed.is_none());
}

#[tokio::test]
async fn runs_unittest_without_pytest() {
    let project = project(&[
        ("bank/__init__.py", ""),
        (
            "bank/account.py",
            "def add(a, b):\n    return a - b\n\n\ndef unused():\n    return 1\n",
        ),
        ("tests/__init__.py", ""),
        (
            "tests/test_account.py",
            "import unittest\nfrom bank.account import add\n\n\nclass AddTest(unittest.TestCase):\n    def test_zero(self):\n        self.assertEqual(add(1, 0), 1)\n\n    \
             def test_sum(self):\n        print('adding')\n        self.assertEqual(add(1, 2), 3)\n\n    def test_parts(self):\n        for n in (0, 1):\n            \
             with self.subTest(n=n):\n                self.assertEqual(add(1, n), 1 + n)\n\n    @unittest.skip('later')\n    def test_later(self):\n        pass\n\n    \
             @unittest.expectedFailure\n    def test_known(self):\n        self.fail()\n\n\nclass Fixture(unittest.TestCase):\n    def setUp(self):\n        raise OSError('gone')\n\n    \
             def test_a(self):\n        pass\n",
        ),
        ("tests/test_broken.py", "import absent_module\n"),
    ]);
    let Some(mut runner) = start(&project, Framework::Unittest).await else {
        return;
    };
    assert_eq!(runner.about().pytest, None);
    let collected = runner.collect().await.unwrap();
    assert_eq!(collected.tests.len(), 6);
    assert_eq!(collected.errors.len(), 1);
    assert!(collected.errors[0].message.contains("absent_module"));
    let report = runner.run(&RunRequest::default()).await.unwrap();
    let outcome = |name: &str| {
        report
            .result(&format!("tests/test_account.py::{name}"))
            .unwrap()
            .outcome
    };
    assert_eq!(
        [
            "AddTest::test_zero",
            "AddTest::test_sum",
            "AddTest::test_parts",
            "AddTest::test_later",
            "AddTest::test_known",
            "Fixture::test_a"
        ]
        .map(outcome),
        [
            Outcome::Passed,
            Outcome::Failed,
            Outcome::Failed,
            Outcome::Skipped,
            Outcome::Xfailed,
            Outcome::Error
        ]
    );
    let sum = report.result("tests/test_account.py::AddTest::test_sum").unwrap();
    assert_eq!((sum.captured.as_str(), sum.frames.len()), ("adding\n", 1));
    let tests = Some(vec![
        sum.id.clone(),
        "tests/test_account.py::AddTest::test_zero".to_owned(),
    ]);
    let fixed = RunRequest {
        tests,
        coverage: true,
        ..changed("bank/account.py", "def add(a, b):\n    return a + b\n")
    };
    let report = runner.run(&fixed).await.unwrap();
    assert!(report.all_passed(), "{report:?}");
    assert_eq!(
        report.coverage.unwrap()["tests/test_account.py::AddTest::test_sum"]["bank/account.py"],
        [2]
    );
}

#[tokio::test]
async fn works_where_confinement_was_given_up() {
    let project = shop();
    let Some((_, venv)) = machine() else { return };
    let mut spec = RunnerSpec::new(project.path(), format!("{VENV_INSIDE}/bin/python"));
    spec.mounts = vec![Mount::read_only(venv, VENV_INSIDE)];
    let mut runner = Runner::start(Arc::new(sandbox::Unconfined::accept_the_risk()), spec)
        .await
        .unwrap();
    assert_eq!(runner.collect().await.unwrap().tests.len(), 12);
    let total = Some(vec!["tests/test_cart.py::test_total".to_owned()]);
    let hang = RunRequest {
        tests: total.clone(),
        per_test: Duration::from_millis(500),
        ..changed(
            "src/shop/cart.py",
            "price = discount = None\ndef total(i):\n    while True: pass\n",
        )
    };
    assert_eq!(
        runner.run(&hang).await.unwrap().hung.as_deref(),
        Some("tests/test_cart.py::test_total")
    );
    let report = runner
        .run(&RunRequest {
            tests: total,
            ..RunRequest::default()
        })
        .await
        .unwrap();
    assert!(report.all_passed(), "{report:?}");
}

#[tokio::test]
async fn says_why_python_does_not_come_up() {
    let project = shop();
    let Some((sandbox, _)) = machine() else { return };
    let spec = RunnerSpec::new(project.path(), "/absent/python");
    let reason = Runner::start(sandbox.clone(), spec).await.err().unwrap().to_string();
    assert!(
        reason.contains("/absent/python") && reason.contains("Check the interpreter"),
        "{reason}"
    );
    let mut spec = RunnerSpec::new(project.path(), "/usr/bin/python3");
    spec.framework = Framework::Pytest;
    spec.env = vec![("PYTHONPATH".into(), "/absent".into())];
    match Runner::start(sandbox, spec).await {
        Err(reason) => assert!(reason.to_string().contains("pytest"), "{reason}"),
        Ok(runner) => assert!(runner.about().pytest.is_some(), "this system's Python has pytest"),
    }
}

/// The figure that the search depends on. The bound is loose, for machines under load; the time is printed.
#[tokio::test]
async fn judges_candidates_quickly() {
    let project = shop();
    let Some(mut runner) = start(&project, Framework::Pytest).await else {
        return;
    };
    let total = Some(vec!["tests/test_cart.py::test_total".to_owned()]);
    let source = std::fs::read_to_string(project.path().join("src/shop/cart.py")).unwrap();
    runner
        .run(&RunRequest {
            tests: total.clone(),
            ..RunRequest::default()
        })
        .await
        .unwrap();
    let count = 40;
    let started = Instant::now();
    for number in 0..count {
        let text = source.replace("'tea': 3", &format!("'tea': {number}"));
        let report = runner
            .run(&RunRequest {
                tests: total.clone(),
                ..changed("src/shop/cart.py", &text)
            })
            .await
            .unwrap();
        assert_eq!(report.all_passed(), number == 3);
    }
    let each = started.elapsed() / count;
    println!("{each:?} per candidate");
    assert!(each < Duration::from_millis(400), "{each:?} per candidate");
}
