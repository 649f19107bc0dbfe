//! Where tests may be, and how they may be started: the same small bug is found in each of these repositories.

use super::{commit, fix_in, write};
use crate::shop::File;
use tempfile::TempDir;

const LOW: &str = "def bounds(values):\n    low, high = min(values), max(values)\n    return low, low\n";
const CASES: &str = "import unittest\nfrom low import bounds\nclass T(unittest.TestCase):\n    def test_low(self):\n        self.assertEqual(bounds([1, 2])[0], 1)\n    def test_high(self):\n        self.assertEqual(bounds([1, 2])[1], 2)\n";

fn outcome(files: &[File], command: Option<&str>) -> (String, serde_json::Value) {
    let folder = TempDir::new().unwrap();
    let repo = folder.path().join("repo");
    write(&repo, files);
    commit(&repo, "Begin");
    let mut arguments = vec!["--budget", "30s"];
    arguments.extend(command.into_iter().flat_map(|command| ["--test", command]));
    let (_, found) = fix_in(&repo, folder.path(), &arguments);
    (found["outcome"].as_str().unwrap_or_default().to_owned(), found)
}

#[test]
fn tests_are_found_wherever_they_are() {
    let flat = [("low.py", LOW), ("tests/test_low.py", CASES)];
    let source = [("src/low.py", LOW), ("tests/test_low.py", CASES)];
    let beside = [("low.py", LOW), ("low_test.py", CASES)];
    let below = [("backend/low.py", LOW), ("backend/test_low.py", CASES)];
    let stories: [(&[File], Option<&str>); 8] = [
        (&flat, None),
        (&flat, Some("python3 -m unittest discover -s tests")),
        (&source, None),
        (&source, Some("PYTHONPATH=src python3 -m unittest discover -s tests")),
        (&beside, None),
        (&beside, Some("python3 -m unittest discover -p '*_test.py'")),
        (&below, None),
        (&below, Some("cd backend && python3 -m unittest")),
    ];
    for (files, command) in stories {
        let (outcome, found) = outcome(files, command);
        assert_eq!(outcome, "proved", "{command:?} {found:#}");
        assert_eq!(found["evidence"]["after"]["passed"], 2, "{command:?} {found:#}");
    }
}

#[test]
fn a_command_that_runs_no_test_is_the_environment() {
    let flat = [("low.py", LOW), ("tests/test_low.py", CASES)];
    for command in [
        "python3 nope.py",
        "python3 -m unittest discover",
        "python3 -m unittest discover -s tests -t .",
    ] {
        let (outcome, found) = outcome(&flat, Some(command));
        assert_eq!(outcome, "environment", "{command} {found:#}");
    }
}
