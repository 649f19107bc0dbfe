//! Which files decide whether a fix is right, beyond those whose names say that they are tests.

use crate::suite::SuiteRun;
use domain::guardrail::is_test;
use domain::path::{RepoPath, folded};
use std::collections::{BTreeMap, BTreeSet};

/// What folders and files are called that tests share.
const SUPPORT: [&str; 24] = [
    "qa",
    "verify",
    "verification",
    "verifiers",
    "check",
    "checks",
    "checkers",
    "asserts",
    "assertions",
    "expect",
    "expectations",
    "matchers",
    "helper",
    "helpers",
    "support",
    "fixtures",
    "factories",
    "fakes",
    "mocks",
    "stubs",
    "harness",
    "testkit",
    "testutil",
    "testutils",
];

/// Files that hold a test that ran, whose assertion failed, or that only tests import, are called as what tests share is
/// called, and took part in a failure.
pub(super) fn files(run: &SuiteRun, sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for id in run.tests.keys() {
        if let Some((file, _)) = id.as_str().split_once("::") {
            files.insert(file.to_owned());
        } else if let Some((module, _)) = id
            .as_str()
            .rsplit_once('.')
            .and_then(|(class, _)| class.rsplit_once('.'))
        {
            files.insert(format!("{}.py", module.replace('.', "/")));
        }
    }
    let mut shared = BTreeSet::new();
    for answer in run.tests.values().filter(|answer| answer.answer.is_failure()) {
        if answer.assertion {
            files.extend(answer.frames.last().map(|frame| frame.file.clone()));
            files.extend(answer.frames.first().map(|frame| frame.file.clone()));
        }
        shared.extend(answer.frames.iter().map(|frame| frame.file.as_str()));
    }
    shared.retain(|file| !files.contains(*file) && is_support(file));
    shared.retain(|file| !is_imported_by_product(file, sources, &files));
    files.extend(shared.into_iter().map(str::to_owned));
    files
}

fn is_support(file: &str) -> bool {
    file.split('/').any(|part| {
        let part = folded(part);
        SUPPORT.contains(&part.strip_suffix(".py").unwrap_or(&part))
    })
}

/// Whether a file that is neither a test nor shared by tests imports this one.
fn is_imported_by_product(file: &str, sources: &BTreeMap<String, String>, tests: &BTreeSet<String>) -> bool {
    let Some(name) = module_name(file) else { return false };
    sources.iter().any(|(path, text)| {
        let is_product = path != file
            && !tests.contains(path)
            && !is_support(path)
            && RepoPath::parse(path).is_ok_and(|path| !is_test(&path) && path.file_name() != "conftest.py");
        is_product && text.lines().any(|line| imports(line, name))
    })
}

/// The last part of a file's module.
fn module_name(file: &str) -> Option<&str> {
    let module = file.strip_suffix(".py")?;
    let module = module.strip_suffix("/__init__").unwrap_or(module);
    module.rsplit('/').next()
}

/// Whether a line is an import statement in which a module of that name occurs.
fn imports(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    (line.starts_with("import ") || line.starts_with("from "))
        && line
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .any(|word| word == name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::suite::{Answer, TestAnswer};
    use domain::diagnosis::CodeFrame;
    use domain::evidence::TestId;
    use std::time::Duration;

    fn run(error: &str, assertion: bool, frames: &[&str]) -> SuiteRun {
        let frame = |file: &&str| CodeFrame {
            file: (*file).to_owned(),
            line: 1,
            function: "f".into(),
        };
        let answer = TestAnswer {
            answer: Answer::Failed,
            error_type: Some(error.into()),
            message: None,
            frames: frames.iter().map(frame).collect(),
            collecting: false,
            assertion,
        };
        SuiteRun {
            tests: BTreeMap::from([(TestId::new("tests/test_a.py::test_a"), answer)]),
            exit_code: 1,
            reported: true,
            output: String::new(),
            timed_out: false,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        }
    }

    fn sources(product: &str) -> BTreeMap<String, String> {
        [
            (
                "tests/test_a.py",
                "from qa.verify import same\nfrom shop.cart import total\n",
            ),
            ("qa/verify.py", "class Mismatch(Exception): ...\n"),
            ("shop/cart.py", product),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into()
    }

    #[test]
    fn what_tests_share_decides_too() {
        let seen = run("Mismatch", false, &["tests/test_a.py", "qa/verify.py"]);
        let found = files(&seen, &sources("import os\n"));
        assert!(
            found.contains("qa/verify.py") && found.contains("tests/test_a.py"),
            "{found:?}"
        );
        assert!(!files(&seen, &sources("from qa import verify\n")).contains("qa/verify.py"));
        let product = run("ValueError", false, &["tests/test_a.py", "shop/cart.py"]);
        assert!(!files(&product, &sources("")).contains("shop/cart.py"));
    }

    #[test]
    fn an_assertion_of_any_class_protects_where_it_was_made() {
        let seen = run("Unequal", true, &["tests/test_a.py", "tools/compare.py"]);
        assert!(files(&seen, &sources("")).contains("tools/compare.py"));
    }
}
