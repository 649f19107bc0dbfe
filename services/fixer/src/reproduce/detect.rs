//! Which test command a repository's files suggest.

use std::collections::BTreeMap;

/// Whether the project's tests are pytest's.
#[must_use]
fn uses_pytest(files: &BTreeMap<String, String>) -> bool {
    files.iter().any(|(path, text)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name == "conftest.py"
            || name == "pytest.ini"
            || (matches!(
                name,
                "pyproject.toml" | "tox.ini" | "setup.cfg" | "setup.py" | "Pipfile"
            ) || (name.starts_with("requirements") && name.ends_with(".txt")))
                && text.contains("pytest")
            || (is_python_test(path)
                && (text.contains("import pytest")
                    || text.contains("from pytest")
                    || text.lines().any(|line| line.starts_with("def test_"))))
    })
}

fn is_python_test(path: &str) -> bool {
    path.ends_with(".py") && domain::path::RepoPath::parse(path).is_ok_and(|path| domain::guardrail::is_test(&path))
}

/// What the repository's files suggest.
pub(super) fn detect(files: &BTreeMap<String, String>) -> Option<String> {
    if uses_pytest(files) {
        return Some("python -m pytest -q".to_owned());
    }
    let unittests: Vec<&str> = files
        .iter()
        .filter(|(path, text)| is_python_test(path) && text.contains("unittest"))
        .map(|(path, _)| path.as_str())
        .collect();
    if !unittests.is_empty() {
        return Some(discover(&unittests, files));
    }
    let script = files
        .get("package.json")
        .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    if script.is_some_and(|package| {
        package["scripts"]["test"]
            .as_str()
            .is_some_and(|test| !test.contains("no test specified"))
    }) {
        return Some("npm test".to_owned());
    }
    if files.contains_key("go.mod") {
        return Some("go test ./...".to_owned());
    }
    files
        .contains_key("Cargo.toml")
        .then(|| "cargo test --offline".to_owned())
}

/// unittest's discovery from the place, and for the names, where it finds tests: it goes into packages only.
fn discover(tests: &[&str], files: &BTreeMap<String, String>) -> String {
    // The topmost folder from which packages lead down to a test.
    let start = |test: &str| {
        let mut at = test.rsplit_once('/').map_or("", |(folder, _)| folder);
        while !at.is_empty() && files.contains_key(&format!("{at}/__init__.py")) {
            at = at.rsplit_once('/').map_or("", |(above, _)| above);
        }
        at.to_owned()
    };
    let starts: Vec<String> = tests.iter().map(|test| start(test)).collect();
    let mut command = "python -m unittest discover".to_owned();
    if !starts.iter().any(String::is_empty)
        && let Some(first) = starts.first().filter(|start| !start.contains([' ', '\'', '$', '"']))
    {
        command.push_str(&format!(" -s {first}"));
    }
    let name = |test: &str| test.rsplit('/').next().unwrap_or(test).to_owned();
    if tests
        .iter()
        .all(|test| !name(test).starts_with("test") && name(test).ends_with("_test.py"))
    {
        command.push_str(" -p '*_test.py'");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_suggest_a_command() {
        let one = |path: &str, text: &str| detect(&BTreeMap::from([(path.to_owned(), text.to_owned())]));
        let cases = "import unittest\nclass T(unittest.TestCase): pass";
        let packed = BTreeMap::from([
            ("tests/__init__.py".to_owned(), String::new()),
            ("tests/test_a.py".to_owned(), cases.to_owned()),
        ]);
        assert_eq!(detect(&packed).as_deref(), Some("python -m unittest discover"));
        assert_eq!(
            one("shop/cart_test.py", cases).as_deref(),
            Some("python -m unittest discover -s shop -p '*_test.py'")
        );
        assert_eq!(
            one("tests/test_a.py", "import unittest\nclass T(unittest.TestCase): pass"),
            Some("python -m unittest discover -s tests".to_owned())
        );
        assert_eq!(
            one("tests/test_a.py", "def test_a(): pass"),
            Some("python -m pytest -q".to_owned())
        );
        assert_eq!(
            one("package.json", r#"{"scripts":{"test":"jest"}}"#),
            Some("npm test".to_owned())
        );
        assert_eq!(one("go.mod", ""), Some("go test ./...".to_owned()));
        assert_eq!(one("README.md", ""), None);
    }
}
