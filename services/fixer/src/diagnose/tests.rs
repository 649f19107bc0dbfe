//! Small logs of every framework, and bytes of no meaning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const PYTEST: &str = "\
============================= test session starts ==============================
collected 3 items

tests/test_cart.py .F.                                                   [100%]

=================================== FAILURES ===================================
________________________ TestCart.test_total[two - one] ________________________

self = <tests.test_cart.TestCart object at 0x7f>

    def test_total(self):
>       assert total([1, 2]) == 3

tests/test_cart.py:12: 
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 

    def total(items):
>       return sum(items) / none
E       TypeError: unsupported operand type(s)
E         for /

src/shop/cart.py:7: TypeError
----------------------------- Captured stdout call -----------------------------
E       not part of it
=========================== short test summary info ============================
FAILED tests/test_cart.py::TestCart::test_total[two - one] - TypeError: unsup...
========================= 1 failed, 2 passed in 0.03s ==========================
";

#[test]
fn pytest_gives_node_ids_frames_and_the_whole_message() {
    let reading = read(PYTEST.as_bytes());
    assert_eq!(
        (reading.framework, reading.status),
        (Some(Framework::Pytest), Status::Failed)
    );
    let [test] = reading.failed.as_slice() else {
        panic!("{:?}", reading.failed)
    };
    assert_eq!(test.id, "tests/test_cart.py::TestCart::test_total[two - one]");
    assert_eq!(test.name, "test_total[two - one]");
    assert_eq!(
        (test.file.as_deref(), test.line),
        (Some("tests/test_cart.py"), Some(12))
    );
    assert_eq!(test.error_type.as_deref(), Some("TypeError"));
    assert_eq!(
        test.message.as_deref(),
        Some("TypeError: unsupported operand type(s)\nfor /")
    );
    assert_eq!(test.frames.iter().map(|frame| frame.line).collect::<Vec<_>>(), [12, 7]);
    assert_eq!(
        reading.counts,
        Counts {
            run: 3,
            passed: 2,
            failed: 1,
            ..Counts::default()
        }
    );
    assert_eq!(reading.failure_class, FailureClass::TestFailure);
    assert!(
        reading
            .headline
            .starts_with("tests/test_cart.py::TestCart::test_total[two - one]: TypeError")
    );
}

#[test]
fn pytest_without_a_summary_takes_the_file_from_the_frames() {
    let log: String = PYTEST
        .lines()
        .filter(|line| !line.starts_with("FAILED") && !line.contains("short test summary"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        read(log.as_bytes()).failed[0].id,
        "tests/test_cart.py::TestCart::test_total[two - one]"
    );
}

#[test]
fn unittest_gives_dotted_ids() {
    let log = "..E\n======================================================================\nERROR: test_x (pkg.mod.Case.test_x)\nA doc line\n----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \"/home/runner/work/r/r/pkg/mod.py\", line 5, in test_x\n    f()\n  File \"/home/runner/work/r/r/app.py\", line 9, in f\n    raise KeyError(1)\nKeyError: 1\n\n----------------------------------------------------------------------\nRan 3 tests in 0.001s\n\nFAILED (errors=1, skipped=1)\n";
    let reading = read(log.as_bytes());
    assert_eq!(reading.failed[0].id, "pkg.mod.Case.test_x");
    assert_eq!(reading.failed[0].error_type.as_deref(), Some("KeyError"));
    assert_eq!(
        (reading.failed[0].file.as_deref(), reading.failed[0].line),
        (Some("app.py"), Some(9))
    );
    assert_eq!(
        reading.counts,
        Counts {
            run: 2,
            passed: 1,
            failed: 0,
            errors: 1,
            skipped: 1
        }
    );
}

#[test]
fn jest_lists_a_failure_once_although_it_prints_it_twice() {
    let block = "FAIL src/a.test.js\n  ● cart › total\n\n    expect(received).toBe(expected)\n\n    Expected: 1\n    Received: 2\n\n    > 8 | expect(x)\n        |\n\n      at Object.toBe (src/a.test.js:8:3)\n\n";
    let log = format!(
        "  ● Console\n\n{block}Summary of all failing tests\n{block}Test Suites: 1 failed, 1 total\nTests:       1 failed, 2 skipped, 3 passed, 6 total\n"
    );
    let reading = read(log.as_bytes());
    let [test] = reading.failed.as_slice() else {
        panic!("{:?}", reading.failed)
    };
    assert_eq!((test.id.as_str(), test.line), ("cart › total", Some(8)));
    assert_eq!(
        reading.counts,
        Counts {
            run: 4,
            passed: 3,
            failed: 1,
            errors: 0,
            skipped: 2
        }
    );
}

#[test]
fn vitest_gives_the_path_of_describes() {
    let log = " RUN  v4.1.12 /repo\n\n FAIL  b.spec.mjs > gcd > bad\nAssertionError: expected 4 to be 3\n\n ❯ b.spec.mjs:1:192\n\n⎯⎯⎯⎯[1/1]⎯\n\n Test Files  1 failed (1)\n      Tests  1 failed | 1 passed (2)\n";
    let reading = read(log.as_bytes());
    assert_eq!(reading.framework, Some(Framework::Vitest));
    assert_eq!(
        (reading.failed[0].id.as_str(), reading.failed[0].file.as_deref()),
        ("gcd > bad", Some("b.spec.mjs"))
    );
    assert_eq!(reading.counts.failed, 1);
}

#[test]
fn mocha_gives_full_titles() {
    let log = "  3 passing (3s)\n  1 pending\n  1 failing\n\n  1) Cart\n       when full\n         counts:\n     TypeError: x is not a function\n      at add (lib/cart.js:4:5)\n      at Context.<anonymous> (test/cart.js:8:4)\n\n";
    let reading = read(log.as_bytes());
    assert_eq!(reading.failed[0].id, "Cart when full counts");
    assert_eq!(reading.failed[0].error_type.as_deref(), Some("TypeError"));
    assert_eq!(
        reading.failed[0]
            .frames
            .iter()
            .map(|frame| frame.line)
            .collect::<Vec<_>>(),
        [8, 4]
    );
    assert_eq!(
        reading.counts,
        Counts {
            run: 4,
            passed: 3,
            failed: 1,
            errors: 0,
            skipped: 1
        }
    );
}

#[test]
fn go_gives_package_and_test() {
    let log = "=== RUN   TestDiv\n=== RUN   TestDiv/x#01\n    a_test.go:3: Div(9,3)=3 want 4\n--- FAIL: TestDiv (0.00s)\n    --- FAIL: TestDiv/x#01 (0.00s)\n    --- PASS: TestDiv/y (0.00s)\nFAIL\nFAIL\texample.org/ex\t0.003s\nFAIL\n";
    let reading = read(log.as_bytes());
    let ids: Vec<_> = reading.failed.iter().map(|test| test.id.as_str()).collect();
    assert_eq!(ids, ["example.org/ex/TestDiv", "example.org/ex/TestDiv/x#01"]);
    assert_eq!(
        reading.failed[1].message.as_deref(),
        Some("a_test.go:3: Div(9,3)=3 want 4")
    );
    assert_eq!((reading.counts.run, reading.counts.failed), (3, 2));
}

#[test]
fn go_json_gives_the_same() {
    let log = "{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"TestA\",\"Output\":\"    a_test.go:3: no\\n\"}\n{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"TestB\"}\n{\"Action\":\"fail\",\"Package\":\"p\"}\n";
    let reading = read(log.as_bytes());
    assert_eq!(reading.failed.len(), 1);
    assert_eq!(
        (reading.failed[0].id.as_str(), reading.failed[0].line),
        ("p/TestA", Some(3))
    );
    assert_eq!(
        reading.counts,
        Counts {
            run: 2,
            passed: 1,
            failed: 1,
            errors: 0,
            skipped: 0
        }
    );
}

#[test]
fn a_go_package_that_does_not_build_is_an_error() {
    let reading = read(b"FAIL\texample.org/ex [build failed]\nFAIL\n");
    assert_eq!(
        (reading.counts.errors, reading.failed[0].id.as_str()),
        (1, "example.org/ex")
    );
}

#[test]
fn cargo_gives_module_paths_and_the_place_of_the_panic() {
    let log = "running 2 tests\ntest cart::tests::total ... FAILED\ntest cart::tests::empty ... ok\n\nfailures:\n\n---- cart::tests::total stdout ----\n\nthread 'cart::tests::total' (12) panicked at src/cart.rs:9:5:\nassertion `left == right` failed\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1`\n\n\nfailures:\n    cart::tests::total\n\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\nerror: test failed, to rerun pass `--lib`\n";
    let reading = read(log.as_bytes());
    let [test] = reading.failed.as_slice() else {
        panic!("{:?}", reading.failed)
    };
    assert_eq!(
        (test.id.as_str(), test.file.as_deref(), test.line),
        ("cart::tests::total", Some("src/cart.rs"), Some(9))
    );
    assert!(
        test.message
            .as_deref()
            .unwrap()
            .starts_with("assertion `left == right` failed")
    );
    assert_eq!(
        reading.counts,
        Counts {
            run: 2,
            passed: 1,
            failed: 1,
            errors: 0,
            skipped: 0
        }
    );
}

#[test]
fn nextest_gives_the_same() {
    let log = "        FAIL [   0.005s] shop cart::tests::total\n     Summary [   0.010s] 3 tests run: 2 passed, 1 failed, 1 skipped\n        FAIL [   0.005s] shop cart::tests::total\n";
    let reading = read(log.as_bytes());
    assert_eq!(reading.failed.len(), 1);
    assert_eq!(reading.failed[0].id, "cart::tests::total");
    assert_eq!(
        reading.counts,
        Counts {
            run: 3,
            passed: 2,
            failed: 1,
            errors: 0,
            skipped: 1
        }
    );
}

#[test]
fn junit_of_pytest_gives_node_ids() {
    let xml = "<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\"><testcase classname=\"tests.test_a.TestB\" name=\"test_c\"><failure message=\"ValueError: &lt;no&gt;\">E   ValueError: &lt;no&gt;</failure></testcase><testcase classname=\"tests.test_a\" name=\"ok\"/><testcase classname=\"x\" name=\"s\"><skipped/></testcase></testsuite></testsuites>";
    let reading = read(xml.as_bytes());
    assert_eq!(reading.failed[0].id, "tests/test_a.py::TestB::test_c");
    assert_eq!(reading.failed[0].message.as_deref(), Some("ValueError: <no>"));
    assert_eq!(reading.failed[0].error_type.as_deref(), Some("ValueError"));
    assert_eq!(
        reading.counts,
        Counts {
            run: 2,
            passed: 1,
            failed: 1,
            errors: 0,
            skipped: 1
        }
    );
}

#[test]
fn a_later_command_that_fails_after_green_tests_is_not_a_test_failure() {
    let log = "2024-07-16T20:33:23.0572170Z ##[group]Run make\n2024-07-16T20:33:23.0572170Z ##[endgroup]\n2024-07-16T20:33:23.0572170Z 3 passed in 0.10s\n2024-07-16T20:33:23.0572170Z src/a.py:1: error: Name \"x\" is not defined  [name-defined]\n2024-07-16T20:33:23.0572170Z ##[error]Process completed with exit code 1.\n";
    let reading = read(log.as_bytes());
    assert_eq!(
        (reading.status, reading.failure_class),
        (Status::Failed, FailureClass::TypeCheck)
    );
    assert_eq!(reading.exit_code, Some(1));
    assert_eq!(reading.failing_step.unwrap().name, "make");
    assert!(reading.failed.is_empty());
}

#[test]
fn what_is_not_a_log_is_unknown() {
    let reading = read(b"hello\n");
    assert_eq!((reading.status, reading.framework), (Status::Unknown, None));
}

#[test]
fn many_failures_are_counted_and_bounded() {
    let mut log = "=== x ===\n= short test summary info =\n".to_owned();
    for at in 0..MAX_TESTS * 3 {
        log.push_str(&format!("FAILED tests/t.py::t{at} - E: {}\n", "x".repeat(50)));
    }
    log.push_str("= 6000 failed in 1.0s =\n");
    let reading = read(log.as_bytes());
    assert_eq!((reading.failed.len(), reading.counts.failed), (MAX_TESTS, 6000));
    assert!(reading.excerpt.len() < 7_000);
}

#[test]
fn sixty_four_mebibytes_take_linear_time() {
    // Lines that make every parser look twice; a fourth of the largest log, to keep the debug build's time short.
    let line = b"[gw0] FAILED E   ___ :1: (( 1) == --- ---- FAIL: \x1b[31m test in 1s \xff \xe2\x80\xba\n";
    let log: Vec<u8> = line.iter().copied().cycle().take(16 << 20).collect();
    let start = Instant::now();
    read(&log);
    let quarter = start.elapsed();
    assert!(quarter < Duration::from_secs(20), "{quarter:?}");
}

#[test]
fn many_runs_with_many_failures_take_linear_time() {
    let mut run = "=== test session starts ===\n=== FAILURES ===\n".to_owned();
    for at in 0..MAX_TESTS {
        run.push_str(&format!("___ T.t{at}[a - b] ___\nE   x\n"));
    }
    run.push_str("=== short test summary info ===\n");
    for at in 0..MAX_TESTS {
        run.push_str(&format!("FAILED a.py::T::t{at}[a - b] - x\n"));
    }
    run.push_str("=== 2000 failed in 1s ===\n");
    let sections = "running 1 test\n".to_owned() + &"---- a::b stdout ----\n".repeat(20_000);
    let start = Instant::now();
    let reading = read((run.repeat(20) + &sections).as_bytes());
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert_eq!(reading.counts.failed, 40_000);
    assert_eq!(reading.failed.len(), MAX_TESTS);
    let short = read("1 passed in 0.10s\n".repeat(100_000).as_bytes());
    assert_eq!((short.runs.len(), short.counts.passed), (MAX_RUNS, 100_000));
}

/// Pieces of real syntax in any order reach deeper than bytes alone.
fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"=== FAILURES ===\n",
        b"___ a.b[ ___\n",
        b"E   x: ",
        b"FAILED a.py::b[ - ",
        b"= 1 failed in 1s =\n",
        b"\n",
        b" ",
        b"FAIL src/a.js\n",
        "  ● a › b\n".as_bytes(),
        b"Tests: 1 failed, 1 total\n",
        b"  1 passing\n",
        b"  1 failing\n",
        b"  1) a\n",
        b"       b:\n",
        b"--- FAIL: T (0s)\n",
        b"FAIL\tp\t1s\n",
        b"{\"Action\":\"fail\"}\n",
        b"running 1 test\n",
        b"test a ... FAILED\n",
        b"---- a stdout ----\n",
        b"thread 'a' panicked at b:1:2:\n",
        b"test result: FAILED. 1 failed;\n",
        b"<testsuite><testcase name='a'><failure>",
        b"</testcase>",
        b"##[group]Run a\n",
        b"##[endgroup]\n",
        b"##[error]Process completed with exit code 1.\n",
        b"2024-07-16T20:33:23.05Z ",
        b"\x1b[36;1m",
        b"\x1b[",
        b"\r",
        b"\xff\xfe",
        b"Ran 1 test in 1s\n",
        b"======================================================================\n",
        b"FAIL: a (b.c)\n",
        "❯ a:1:2\n".as_bytes(),
        " FAIL  a > b\n".as_bytes(),
        b" RUN  v1\n",
        b"      at a (b:1:2)\n",
        b"  File \"a\", line 1, in b\n",
        b"Tests run: 1, Failures: 1, Errors: 0, Skipped: 0\n",
        b"x > y FAILED\n",
        b"  FAIL [ 1s] a b\n",
        b"Summary [1s] 1 tests run: 1 failed\n",
        b"99999999999999999999",
        b":1: ",
    ];
    prop::collection::vec(prop_oneof![4 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..12)], 0..60)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_or_take_long(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..4_000), fragments()]) {
        let start = Instant::now();
        let reading = read(&bytes);
        prop_assert!(start.elapsed() < Duration::from_secs(5));
        prop_assert!(reading.headline.chars().count() <= 140);
        prop_assert!(!reading.headline.contains('\n'));
        prop_assert!(reading.excerpt.len() <= 6_100);
    }

    #[test]
    fn no_workflow_text_panics(text in "\\PC{0,300}|(jobs:|  a:|    steps:|      - run: x|&a|\\*a|\n|\\{|\\[|: ){0,40}") {
        let _ = workflow::find_step(&text, "a", "Run x");
    }
}
