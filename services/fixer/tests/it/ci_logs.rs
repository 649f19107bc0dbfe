//! Conformance: real logs of other people's CI with known answers, when a folder with them is at hand.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fixer::diagnose::{Framework, LogReading, Status, read};
use serde_json::Value;

fn samples() -> Option<PathBuf> {
    let root = std::env::var_os("FIXPOINT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let logs = root.join("samples/ci-logs");
    logs.is_dir().then_some(logs)
}

/// The frameworks that a reading must get right; the others are scored but do not fail the test.
const REQUIRED: [&str; 4] = ["pytest", "unittest", "jest", "mocha"];

/// The answers' normal form of an id, and the forms of ours that mean the same.
fn same_name(framework: Option<Framework>, gold: &str, id: &str) -> bool {
    let gold = gold.trim_end_matches(':');
    match framework {
        Some(Framework::Pytest) => {
            // A path is dotted there and without its suffix; a file that could not be collected stands in brackets; where the answers
            // have only the name, ours may know the file as well.
            let (file, test) = id.split_once("::").map_or((id, ""), |(file, test)| (file, test));
            let module = file.strip_suffix(".py").unwrap_or(file).replace('/', ".");
            let dotted = test.replace("::", ".");
            gold == format!("({module})") || gold == format!("{module}::{test}") || gold == dotted || gold == id
        }
        Some(Framework::Unittest) => {
            let old_style = gold
                .strip_suffix(')')
                .and_then(|gold| gold.split_once(" ("))
                .map(|(test, class)| format!("{class}.{test}"));
            gold == id || old_style.is_some_and(|name| name == id)
        }
        Some(Framework::Surefire | Framework::Gradle) => {
            // `method(package.Class)` there.
            let turned = gold
                .strip_suffix(')')
                .and_then(|gold| gold.split_once('('))
                .filter(|(_, class)| !class.is_empty())
                .map(|(test, class)| format!("{class}.{test}"));
            gold == id || turned.is_some_and(|name| name == id || id.ends_with(&format!(".{name}")))
        }
        _ => gold == id,
    }
}

/// What is wrong with a reading, nothing when all that is known of the answer is met.
fn wrong(gold: &Value, reading: &LogReading) -> Vec<String> {
    let mut wrong = Vec::new();
    let number = |key: &str| gold.get(key).and_then(Value::as_u64);
    let framework = reading.framework;
    if let Some(status) = gold["status"].as_str() {
        let ours = matches!(reading.status, Status::Failed | Status::Broken);
        if ours != (status == "broken") {
            wrong.push(format!("status {status}, read {:?}", reading.status));
        }
    }
    if let Some(name) = gold["frameworks"]
        .as_str()
        .filter(|name| !name.is_empty() && *name != "JUnit")
        && framework.map(Framework::name) != Some(name)
    {
        wrong.push(format!("framework {name}, read {framework:?}"));
    }
    let counts = reading.counts;
    let failed = counts.failed + counts.errors;
    // Skipped tests count as run where the runner says so itself.
    let run = match framework {
        Some(Framework::Unittest | Framework::Surefire | Framework::Gradle) => counts.run + counts.skipped,
        _ => counts.run,
    };
    for (key, ours) in [("run", run), ("failed", failed), ("skipped", counts.skipped)] {
        if number(key).is_some_and(|gold| gold != ours) {
            wrong.push(format!("{key} {:?}, read {ours}", number(key)));
        }
    }
    if let Some(ok) = number("ok") {
        let xfailed = number("xfailed").unwrap_or(0) + number("xpassed").unwrap_or(0);
        if run - failed - xfailed != ok {
            wrong.push(format!("ok {ok}, read {}", run - failed - xfailed));
        }
    }
    if let Some(names) = gold["failed_tests"].as_array() {
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !reading.failed.iter().any(|test| same_name(framework, name, &test.id)))
            .collect();
        let extra: Vec<_> = reading
            .failed
            .iter()
            .filter(|test| !names.iter().any(|name| same_name(framework, name, &test.id)))
            .map(|test| &test.id)
            .collect();
        if !missing.is_empty() || !extra.is_empty() {
            wrong.push(format!("missing {missing:?}, extra {extra:?}"));
        }
    }
    wrong
}

#[test]
fn real_actions_logs_are_read_as_their_answers_say() {
    let Some(folder) = samples() else {
        println!("SKIPPED 1: no samples of CI logs (set FIXPOINT_SHARED)");
        return;
    };
    let folder = folder.join("github-actions");
    let gold: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let mut score: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut read_bytes, start) = (0, std::time::Instant::now());
    for (file, gold) in &gold {
        let log = std::fs::read(folder.join(file)).unwrap();
        read_bytes += log.len();
        let reading = read(&log);
        let kind = match gold["frameworks"].as_str() {
            Some(name) if REQUIRED.contains(&name) => name.to_owned(),
            _ if file.starts_with("python") => "pytest".to_owned(),
            _ => file.split('-').next().unwrap_or(file).to_owned(),
        };
        let wrong = wrong(gold, &reading);
        let entry = score.entry(kind).or_default();
        entry.1 += 1;
        if wrong.is_empty() {
            entry.0 += 1;
        } else {
            println!("{file}: {}", wrong.join("; "));
        }
        assert!(!reading.headline.is_empty(), "{file}");
        println!(
            "  {file}: {:?} {:?} · {}",
            reading.failure_class, reading.exit_code, reading.headline
        );
    }
    println!("{read_bytes} bytes in {:?}", start.elapsed());
    let (mut right, mut all) = (0, 0);
    for (kind, (ok, of)) in &score {
        println!("{kind}: {ok} of {of}");
        if REQUIRED.contains(&kind.as_str()) {
            right += ok;
            all += of;
        }
    }
    println!("required frameworks: {right} of {all}");
    assert!(
        all >= 20 && right * 100 >= all * 95,
        "{right} of {all} logs are read as their answers say"
    );
}

#[test]
fn outputs_of_the_tools_themselves_are_read() {
    let Some(folder) = samples() else {
        println!("SKIPPED 1: no samples of tool outputs (set FIXPOINT_SHARED)");
        return;
    };
    for (file, framework, ids) in [
        ("real-tools/jest-fail.txt", Framework::Jest, vec!["gcd2", "throws"]),
        (
            "real-tools/vitest-fail.txt",
            Framework::Vitest,
            vec!["gcd > bad", "gcd > throws"],
        ),
        (
            "real-tools/go-test-fail-v.txt",
            Framework::Go,
            vec!["ex/TestDiv", "ex/TestDiv/x#01"],
        ),
        (
            "real-tools/go-test-panic.txt",
            Framework::Go,
            vec!["ex/TestDiv", "ex/TestDiv/x#01", "ex/TestPanic"],
        ),
    ] {
        let reading = read(&std::fs::read(folder.join(file)).unwrap());
        let found: Vec<_> = reading.failed.iter().map(|test| test.id.as_str()).collect();
        assert_eq!((reading.framework, found), (Some(framework), ids), "{file}");
        assert!(reading.failed.iter().any(|test| test.line.is_some()), "{file}");
    }
}

/// `suite_tests=31,` of the answers beside a report.
fn answer(text: &str, key: &str) -> u64 {
    let rest = text.split(&format!("{key}=")).nth(1).unwrap();
    rest[..rest.find(',').unwrap()].parse().unwrap()
}

#[test]
fn junit_reports_have_the_numbers_of_their_answers() {
    let Some(folder) = samples() else {
        println!("SKIPPED 1: no samples of JUnit reports (set FIXPOINT_SHARED)");
        return;
    };
    let (mut right, mut all) = (0, 0);
    for entry in std::fs::read_dir(folder.join("junit-xml")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "results") {
            continue;
        }
        let gold = std::fs::read_to_string(&path).unwrap();
        let reading = read(&std::fs::read(path.with_extension("xml")).unwrap());
        let cases = gold.matches("UnitTestCase(").count() as u64;
        let results: Vec<u64> = ["'failure'", "'error'", "'skipped'"]
            .map(|kind| gold.matches(&format!("result={kind}")).count() as u64)
            .to_vec();
        let counts = reading.counts;
        let ours = vec![counts.failed, counts.errors, counts.skipped];
        all += 1;
        if ours == results && counts.run + counts.skipped == cases {
            right += 1;
        } else {
            println!(
                "{}: answers {results:?} of {cases} (suites say {}), read {counts:?}",
                path.display(),
                answer(&gold, "suite_tests")
            );
        }
    }
    println!("JUnit: {right} of {all}");
    assert!(all >= 5 && right * 100 >= all * 80, "{right} of {all} reports");
}

#[test]
fn go_streams_name_each_failed_test_of_the_stream() {
    let Some(folder) = samples() else {
        println!("SKIPPED 1: no samples of go streams (set FIXPOINT_SHARED)");
        return;
    };
    let mut all = 0;
    for entry in std::fs::read_dir(folder.join("gotestsum/testjson/testdata/input")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "out") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let mut expected: Vec<String> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["Action"] == "fail" && event["Test"].is_string())
            .map(|event| {
                format!(
                    "{}/{}",
                    event["Package"].as_str().unwrap(),
                    event["Test"].as_str().unwrap()
                )
            })
            .collect();
        let reading = read(&bytes);
        let mut found: Vec<String> = reading
            .failed
            .iter()
            .filter(|test| expected.contains(&test.id))
            .map(|test| test.id.clone())
            .collect();
        expected.sort();
        expected.dedup();
        found.sort();
        assert_eq!(found, expected, "{}", path.display());
        all += 1;
    }
    assert!(all >= 5);
}
