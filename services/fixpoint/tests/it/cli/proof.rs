//! What is no proof: each of these was a way in which a wrong fix could have looked like a right one.

use super::{commit, fix_in, write};
use crate::shop::File;
use serde_json::Value;
use tempfile::TempDir;

const SUITE: &str = "python3 -m unittest";

/// A repository with these files and links: exit code and object of `fixpoint fix`.
fn fix(command: &str, files: &[File], links: &[(&str, &str)]) -> (i32, Value) {
    let folder = TempDir::new().unwrap();
    let repo = folder.path().join("repo");
    write(&repo, files);
    for (link, target) in links {
        std::os::unix::fs::symlink(target, repo.join(link)).unwrap();
    }
    commit(&repo, "Begin");
    fix_in(&repo, folder.path(), &["--test", command, "--budget", "20s"])
}

fn rules(found: &Value) -> Vec<&str> {
    let objections = found["objections"].as_array().unwrap();
    objections.iter().map(|one| one["rule"].as_str().unwrap()).collect()
}

#[test]
fn a_fix_whose_traces_break_another_test_is_none() {
    let (_, found) = fix(
        SUITE,
        &[
            (
                "reg.py",
                "REG = []\n\n\ndef register(name):\n    scratch = list(REG)\n    scratch.append(name)\n    return name\n",
            ),
            (
                "test_reg.py",
                "import unittest, reg\nclass T(unittest.TestCase):\n    def test_a(self):\n        reg.register('a')\n        self.assertIn('a', reg.REG)\n    def test_c_starts_empty(self):\n        self.assertEqual(reg.REG, [])\n",
            ),
        ],
        &[],
    );
    assert_eq!(found["outcome"], "no_fix", "{found}");
}

#[test]
fn a_test_that_is_unsteady_before_must_not_be_broken_for_good() {
    // It fails in about every second run without the fix, and always with it.
    let (_, found) = fix(
        SUITE,
        &[
            ("calc.py", "def add(a, b):\n    return a - b\n"),
            (
                "test_calc.py",
                "import unittest, calc, time\nclass T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(calc.add(2, 3), 5)\n    def test_sub(self):\n        if calc.add(2, 1) != 1 or time.time_ns() // 1000 % 2:\n            self.fail('broken')\n",
            ),
        ],
        &[],
    );
    assert_ne!(found["outcome"], "proved", "{found}");
}

#[test]
fn skipped_is_not_passed() {
    let (_, found) = fix(
        SUITE,
        &[
            (
                "feature.py",
                "READY = False\n\n\ndef limit():\n    table = {'a': 10}\n    return table['b']\n",
            ),
            (
                "test_new.py",
                "import unittest, feature\nLIMIT = feature.limit()\n@unittest.skipUnless(feature.READY, 'off')\nclass T(unittest.TestCase):\n    def test_x(self):\n        self.assertEqual(LIMIT, 10)\n",
            ),
            (
                "test_other.py",
                "import unittest, feature\nclass T(unittest.TestCase):\n    def test_ready(self):\n        self.assertIs(feature.READY, False)\n",
            ),
        ],
        &[],
    );
    assert_eq!(found["outcome"], "no_fix", "{found}");
}

#[test]
fn a_command_that_cannot_fail_proves_nothing() {
    let files = [
        ("calc.py", "def add(a, b):\n    return a - b\n"),
        (
            "test_calc.py",
            "import unittest, calc\nclass T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(calc.add(2, 3), 5)\n",
        ),
    ];
    let (code, found) = fix("python3 -m unittest || true", &files, &[]);
    assert_eq!((code, &found["outcome"]), (5, &"not_reproduced".into()), "{found}");
    assert!(found["message"].as_str().unwrap().contains("ends with 0"), "{found}");
}

#[test]
fn a_suite_within_a_test_is_not_the_projects() {
    let files = [(
        "test_runner.py",
        "import subprocess, sys, unittest\nclass Inner(unittest.TestCase):\n    def runTest(self):\n        self.fail('on purpose')\nclass T(unittest.TestCase):\n    def test_reports_failures(self):\n        result = unittest.TestResult()\n        Inner().run(result)\n        self.assertEqual(len(result.failures), 1)\n    def test_in_a_process(self):\n        code = 'import unittest\\nclass X(unittest.TestCase):\\n  def test_y(self): self.fail()\\nunittest.main()'\n        self.assertEqual(subprocess.run([sys.executable, '-c', code], stderr=subprocess.DEVNULL).returncode, 1)\ndef load_tests(loader, tests, pattern):\n    return loader.loadTestsFromTestCase(T)\n",
    )];
    let (code, found) = fix(SUITE, &files, &[]);
    assert_eq!((code, &found["message"]), (5, &"no test fails".into()), "{found}");
}

#[test]
fn what_goes_away_with_time_is_not_proved() {
    let now = TempDir::new().unwrap().path().metadata().unwrap().modified().unwrap();
    let opens = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() + 3.0;
    // Whatever is tried, the test passes as soon as the runs before the fix are over.
    let test = format!(
        "import os, time, unittest, calc\nclass T(unittest.TestCase):\n    def test_open(self):\n        calc.grade(50, 1)\n        self.assertGreater(time.time(), {})\n",
        opens
    );
    let calc = "def grade(score, bonus):\n    total = score + bonus\n    if total >= 90:\n        return 'A'\n    if total >= 80:\n        return 'B'\n    return 'C'\n";
    let (_, found) = fix(
        SUITE,
        &[("calc.py", calc), ("test_calc.py", Box::leak(test.into_boxed_str()))],
        &[],
    );
    assert_ne!(found["outcome"], "proved", "{found}");
}

#[test]
fn a_checker_that_tests_share_is_not_switched_off() {
    let (_, found) = fix(
        SUITE,
        &[
            ("auth/__init__.py", ""),
            ("auth/limits.py", "def allowed(n):\n    return n - 1\n"),
            ("qa/__init__.py", ""),
            (
                "qa/verify.py",
                "class Mismatch(Exception):\n    pass\n\n\ndef same(got, want):\n    if got != want:\n        raise Mismatch(f'{got!r} is not {want!r}')\n",
            ),
            (
                "test_limits.py",
                "import unittest\nfrom auth.limits import allowed\nfrom qa.verify import same\nclass T(unittest.TestCase):\n    def test_allowed(self):\n        same(allowed(3), 4)\n    def test_same(self):\n        same(1, 1)\n",
            ),
        ],
        &[],
    );
    assert_eq!(
        (&found["outcome"], rules(&found)),
        (&"refused".into(), vec!["blocked_path"]),
        "{found}"
    );
}

#[test]
fn a_link_does_not_lead_around_a_guardrail() {
    let files = [
        ("core/__init__.py", ""),
        ("core/login/__init__.py", ""),
        ("core/login/limits.py", "def allowed(n):\n    return n - 1\n"),
        (
            "test_limits.py",
            "import unittest\nfrom auth.limits import allowed\nclass T(unittest.TestCase):\n    def test_allowed(self):\n        self.assertEqual(allowed(3), 4)\n",
        ),
    ];
    let (_, found) = fix(SUITE, &files, &[("auth", "core/login")]);
    assert_eq!(
        (&found["outcome"], rules(&found)),
        (&"refused".into(), vec!["blocked_path"]),
        "{found}"
    );
}

#[test]
fn a_slow_suite_is_out_of_time_and_not_out_of_failures() {
    let files = [
        ("calc.py", "def add(a, b):\n    return a - b\n"),
        (
            "test_calc.py",
            "import time, unittest, calc\nclass T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(calc.add(2, 3), 5)\n    def test_slow(self):\n        time.sleep(1)\n",
        ),
    ];
    let folder = TempDir::new().unwrap();
    let repo = folder.path().join("repo");
    write(&repo, &files);
    commit(&repo, "Begin");
    let (_, found) = fix_in(&repo, folder.path(), &["--test", SUITE, "--budget", "0s"]);
    assert_eq!(
        (&found["outcome"], &found["budget_exhausted"]),
        (&"no_fix".into(), &true.into()),
        "{found}"
    );
}
