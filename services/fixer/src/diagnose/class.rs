//! Sorts failures, so that each is dealt with in its own way.
use std::collections::VecDeque;
use std::sync::LazyLock;

use regex::RegexSet;

use super::reading::{FailedTest, Framework, Status};

pub use domain::diagnosis::FailureClass;

/// In this order, the first that matches is taken.
const RULES: [(FailureClass, &str); 8] = [
    (
        FailureClass::Infrastructure,
        r"(?i)no space left on device|runner has received a shutdown signal|lost communication with the server|the operation was canceled|cannot connect to the docker daemon|toomanyrequests|api rate limit exceeded|5\d\d (?:server error|service unavailable|bad gateway)|oom-?kill|connection (?:reset by peer|timed out)|temporary failure in name resolution|could not resolve host",
    ),
    (
        FailureClass::Timeout,
        r"(?i)exceeded the maximum execution time|timed out after \d|^timeout: sending signal|has timed out after",
    ),
    (
        FailureClass::Dependency,
        r"(?i)no matching distribution found|could not find a version that satisfies|ResolutionImpossible|npm ERR! (?:code (?:E404|ERESOLVE|ETARGET|EUSAGE)|notarget)|Could not resolve dependencies|could not find artifact|could not resolve all (?:files|dependencies)|unable to resolve dependency tree|ERR_PNPM_OUTDATED_LOCKFILE|frozen-lockfile|failed to select a version for|missing go\.sum entry|E: Unable to locate package|ModuleNotFoundError: No module named|Cannot find module '[^./]",
    ),
    (
        FailureClass::Format,
        r"(?i)would reformat|files? would be reformatted|imports are incorrectly sorted|code style issues? found|run prettier|^diff in .*\.rs|gofmt|spotless(?:check)?.*(?:violations|failed)|not formatted",
    ),
    (
        FailureClass::TypeCheck,
        r"error TS\d+|: error: .*\[[a-z-]+\]$|^Found \d+ errors? in \d+ files?|- error: .*\(report[A-Za-z]+\)|is not assignable to (?:parameter of )?type",
    ),
    (
        FailureClass::Build,
        r"error\[E\d{4}\]|could not compile `|COMPILATION ERROR|Fatal error compiling|Compilation failed|fatal error: .*: No such file|: error: (?:expected|use of undeclared|no matching function)|undefined reference to|\[build failed\]|cannot find symbol|^make(?:\[\d+\])?: \*\*\*.*\.o\]|Failed to compile|SyntaxError: |IndentationError: |Module build failed",
    ),
    (
        FailureClass::Lint,
        r"✖ \d+ problems?|^\S+:\d+:\d+: [A-Z]+\d{2,4}\b|^\*{13} Module |^Found \d+ errors?\.?$|eslint.*(?:error|failed)|clippy::|golangci-lint|checkstyle.*violation|rubocop.*offenses|hadolint|\d+ offenses? detected",
    ),
    (
        FailureClass::TestFailure,
        r"(?i)there (?:are|were) (?:test failures|failing tests)|\d+ tests? failed|tests? suites? failed",
    ),
];

static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(RULES.iter().map(|(_, pattern)| pattern)).ok());

/// Decides from what was read and the failing step's last lines.
pub(super) fn classify(
    status: Status,
    failed: &[FailedTest],
    exit_code: Option<i32>,
    tail: &VecDeque<String>,
    framework: Option<Framework>,
) -> FailureClass {
    if status == Status::Passed || status == Status::Unknown && failed.is_empty() && exit_code.is_none() {
        return FailureClass::Unknown;
    }
    if !failed.is_empty() {
        return of_tests(failed);
    }
    // Exit code 124 is timeout(1)'s, 137 a kill for want of memory most of the time.
    match exit_code {
        Some(124) => return FailureClass::Timeout,
        Some(137 | 143) => return FailureClass::Infrastructure,
        // Tests were running and the process died of a signal.
        Some(129..=192) if framework.is_some() => return FailureClass::TestFailure,
        _ => {}
    }
    let mut hits = [false; RULES.len()];
    if let Some(set) = SET.as_ref() {
        for line in tail {
            for at in set.matches(line) {
                hits[at] = true;
            }
        }
    }
    match RULES.iter().zip(hits).find(|(_, hit)| *hit) {
        Some(((class, _), _)) => *class,
        None => FailureClass::Unknown,
    }
}

/// Tests that could not even be imported because something is not installed are not failures of the code.
fn of_tests(failed: &[FailedTest]) -> FailureClass {
    let missing = |test: &FailedTest| {
        let foreign = test
            .message
            .as_deref()
            .and_then(|message| message.split("No module named '").nth(1))
            .and_then(|rest| rest.split('\'').next())
            .is_some_and(|module| {
                !module.contains('.')
                    && test
                        .frames
                        .iter()
                        .all(|frame| !frame.file.contains(&format!("{module}/")))
            });
        foreign
            && test
                .error_type
                .as_deref()
                .is_some_and(|kind| kind.ends_with("ModuleNotFoundError"))
    };
    if failed.iter().all(missing) {
        FailureClass::Dependency
    } else {
        FailureClass::TestFailure
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    fn class(line: &str) -> FailureClass {
        classify(Status::Broken, &[], Some(1), &VecDeque::from([line.to_owned()]), None)
    }

    #[test]
    fn the_rules_are_valid() {
        RegexSet::new(RULES.iter().map(|(_, pattern)| pattern)).expect("every rule compiles");
    }

    #[test]
    fn lines_of_real_tools_are_told_apart() {
        use FailureClass as C;
        for (line, expected) in [
            ("ERROR: No matching distribution found for nosuch==1", C::Dependency),
            ("src/a.py:3:1: F401 `os` imported but unused", C::Lint),
            ("would reformat src/a.py", C::Format),
            ("src/a.ts(3,1): error TS2345: Argument of type", C::TypeCheck),
            (
                "src/a.py:1: error: Name \"x\" is not defined  [name-defined]",
                C::TypeCheck,
            ),
            ("error[E0308]: mismatched types", C::Build),
            ("fatal: unable to access: Could not resolve host: x", C::Infrastructure),
            ("hello", C::Unknown),
        ] {
            assert_eq!(class(line), expected, "{line}");
        }
    }
}
