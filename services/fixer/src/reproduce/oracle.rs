//! Which files decide whether a fix is right, beyond those whose names say that they are tests.

use crate::suite::SuiteRun;
use domain::guardrail::is_test;
use domain::path::{RepoPath, folded};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

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
    let mut files: BTreeSet<String> = run.tests.keys().filter_map(|id| file_of(id.as_str())).collect();
    files.retain(|file| sources.get(file).is_none_or(|text| holds_tests(file, text)));
    let mut others = BTreeSet::new();
    for answer in run.tests.values().filter(|answer| answer.answer.is_failure()) {
        let (first, last) = (answer.frames.first(), answer.frames.last());
        if answer.assertion {
            files.extend(first.map(|frame| frame.file.clone()).filter(|file| is_named_test(file)));
            others.extend(first.into_iter().chain(last).map(|frame| frame.file.as_str()));
        }
        let shared = answer.frames.iter().map(|frame| frame.file.as_str());
        others.extend(shared.filter(|file| is_support(file)));
    }
    // Product code asserts as well, and is called as tests' helpers are: what product code uses is product code.
    others.retain(|file| !files.contains(*file) && !is_imported_by_product(file, sources, &files));
    files.extend(others.into_iter().map(str::to_owned));
    files
}

/// The file of a test's identifier: before `::`, or the module of a dotted one.
fn file_of(id: &str) -> Option<String> {
    if let Some((file, _)) = id.split_once("::") {
        return Some(file.to_owned());
    }
    let (class, _) = id.rsplit_once('.')?;
    let (module, _) = class.rsplit_once('.')?;
    Some(format!("{}.py", module.replace('.', "/")))
}

/// Whether a file is one of tests, and not one whose examples or style are checked beside them.
fn holds_tests(file: &str, text: &str) -> bool {
    is_named_test(file)
        || ["def test", "TestCase", "class Test"]
            .iter()
            .any(|word| text.contains(word))
}

fn is_named_test(file: &str) -> bool {
    RepoPath::parse(file).is_ok_and(|path| is_test(&path) || path.file_name() == "conftest.py")
}

fn is_support(file: &str) -> bool {
    file.split('/').any(|part| {
        let part = folded(part);
        SUPPORT.contains(&part.strip_suffix(".py").unwrap_or(&part))
    })
}

/// Whether a file that is no test imports this one, or the package that it is in.
fn is_imported_by_product(file: &str, sources: &BTreeMap<String, String>, tests: &BTreeSet<String>) -> bool {
    let (folder, _) = file.rsplit_once('/').unwrap_or_default();
    let package = folder.rsplit('/').next().filter(|name| !name.is_empty());
    let Some(module) = module_name(file) else { return false };
    let own_package = format!("{folder}/__init__.py");
    let mut product = sources
        .iter()
        .filter(|(path, _)| *path != file && **path != own_package && !tests.contains(*path) && !is_named_test(path));
    product.any(|(path, text)| {
        let is_inside = path.rsplit_once('/').is_some_and(|(its, _)| its == folder);
        imported_words(text).any(|word| word == module || (!is_inside && Some(word) == package))
    })
}

/// The last part of a file's module.
fn module_name(file: &str) -> Option<&str> {
    let module = file.strip_suffix(".py")?;
    let module = module.strip_suffix("/__init__").unwrap_or(module);
    module.rsplit('/').next()
}

/// All words of the import statements of a text, those that go on in brackets included.
fn imported_words(text: &str) -> impl Iterator<Item = &str> {
    static IMPORT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)^[ \t]*(?:from|import)[ \t]([^\n(#]*(?:\([^)]*\))?)").ok());
    let statements = IMPORT
        .as_ref()
        .into_iter()
        .flat_map(move |import| import.captures_iter(text));
    let written = statements.filter_map(|found| found.get(1)).map(|found| found.as_str());
    written.flat_map(|words| words.split(|c: char| !(c.is_alphanumeric() || c == '_')))
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
    fn product_code_is_none_whatever_it_is_called_and_asserts() {
        let with = |importer: &str, file: &str| {
            let mut all = sources("");
            all.insert("shop/cart.py".into(), importer.into());
            all.insert(file.into(), "def money(): assert False\n".into());
            all
        };
        let file = "shop/helpers/money.py";
        for importer in [
            "from shop.helpers import (\n    rate,\n    money,\n)\n",
            "from .helpers import rate\n",
            "    import shop.helpers.money as money\n",
        ] {
            let seen = run("AssertionError", true, &["tests/test_a.py", file]);
            let found = files(&seen, &with(importer, file));
            assert!(
                !found.contains(file) && found.contains("tests/test_a.py"),
                "{importer}: {found:?}"
            );
        }
    }

    #[test]
    fn a_file_whose_examples_are_run_is_no_test() {
        let mut seen = run("ValueError", false, &[]);
        let answer = seen.tests.values().next().unwrap().clone();
        seen.tests.insert(TestId::new("shop/cart.py::shop.cart.total"), answer);
        assert!(!files(&seen, &sources("def total(): ...\n")).contains("shop/cart.py"));
    }

    #[test]
    fn an_assertion_of_any_class_protects_where_it_was_made() {
        let seen = run("Unequal", true, &["tests/test_a.py", "tools/compare.py"]);
        assert!(files(&seen, &sources("")).contains("tools/compare.py"));
    }
}
