//! JUnit XML files.
use quick_xml::Reader as Xml;
use quick_xml::events::{BytesStart, Event};

use super::reading::{Counts, FailedTest, Framework, ParsedRun, repository_path};
use super::{MAX_MESSAGE, MAX_TESTS, python};

/// Deepest nesting that is read; no report of a real runner comes near.
const MAX_DEPTH: usize = 64;

/// Whether the bytes begin like a JUnit report.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2_000)]);
    let head = head.trim_start();
    head.starts_with('<') && (head.contains("<testsuite") || head.contains("<testrun") && head.contains("<testcase"))
}

#[derive(Default)]
struct Case {
    test: FailedTest,
    class: String,
    failed: bool,
    error: bool,
    skipped: bool,
    text: String,
    /// Whether text belongs to the failure.
    inside: bool,
}

/// Reads a report as far as it is well formed.
pub(super) fn parse(bytes: &[u8]) -> Vec<ParsedRun> {
    let text = String::from_utf8_lossy(bytes);
    let mut xml = Xml::from_str(&text);
    let config = xml.config_mut();
    config.check_end_names = false;
    let (mut counts, mut failed) = (Counts::default(), Vec::new());
    let mut case: Option<Case> = None;
    let (mut framework, mut complete, mut depth) = (Framework::Junit, false, 0usize);
    loop {
        match xml.read_event() {
            Ok(Event::Start(tag)) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    break;
                }
                open(&tag, &mut case, &mut framework);
            }
            Ok(Event::Empty(tag)) => {
                open(&tag, &mut case, &mut framework);
                if tag.local_name().as_ref() == "testcase" {
                    close(case.take(), framework, &mut counts, &mut failed);
                } else if let Some(case) = &mut case {
                    case.inside = false;
                }
            }
            Ok(Event::End(tag)) => {
                depth = depth.saturating_sub(1);
                match tag.local_name().as_ref() {
                    "testcase" => close(case.take(), framework, &mut counts, &mut failed),
                    "testsuites" | "testsuite" => complete = true,
                    _ => {
                        if let Some(case) = &mut case {
                            case.inside = false;
                        }
                    }
                }
            }
            Ok(Event::Text(text)) => {
                if let Some(case) = case
                    .as_mut()
                    .filter(|case| case.inside && case.text.len() < MAX_MESSAGE)
                {
                    case.text.push_str(&text);
                }
            }
            Ok(Event::CData(text)) => {
                if let Some(case) = case
                    .as_mut()
                    .filter(|case| case.inside && case.text.len() < MAX_MESSAGE)
                {
                    case.text.push_str(&text);
                }
            }
            Ok(Event::GeneralRef(name)) => {
                if let Some(case) = case
                    .as_mut()
                    .filter(|case| case.inside && case.text.len() < MAX_MESSAGE)
                {
                    case.text.push_str(&unescape(&format!("&{};", &*name)));
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    vec![ParsedRun {
        framework,
        counts,
        failed,
        complete,
        step: 0,
    }]
}

fn open(tag: &BytesStart<'_>, case: &mut Option<Case>, framework: &mut Framework) {
    match tag.local_name().as_ref() {
        "testsuite" if attribute(tag, "name").as_deref() == Some("pytest") => *framework = Framework::Pytest,
        "testcase" => {
            let name = attribute(tag, "name").unwrap_or_default();
            *case = Some(Case {
                class: attribute(tag, "classname").unwrap_or_default(),
                test: FailedTest {
                    name,
                    file: attribute(tag, "file").map(|file| repository_path(&file)),
                    line: attribute(tag, "line").and_then(|line| line.parse().ok()),
                    ..FailedTest::default()
                },
                ..Case::default()
            });
        }
        kind @ ("failure" | "error" | "rerunFailure" | "rerunError" | "skipped") => {
            let Some(case) = case else { return };
            match kind {
                "failure" => case.failed = true,
                "error" => case.error = true,
                "skipped" => case.skipped = true,
                _ => return,
            }
            case.inside = kind != "skipped";
            if case.inside {
                case.test.message = case.test.message.take().or(attribute(tag, "message"));
                let kind = attribute(tag, "type");
                case.test.error_type = case
                    .test
                    .error_type
                    .take()
                    .or(kind.filter(|kind| python::is_type(kind)));
            }
        }
        _ => {}
    }
}

fn close(case: Option<Case>, framework: Framework, counts: &mut Counts, failed: &mut Vec<FailedTest>) {
    let Some(mut case) = case else { return };
    if case.failed || case.error {
        counts.run += 1;
        if case.failed {
            counts.failed += 1
        } else {
            counts.errors += 1
        }
        if failed.len() < MAX_TESTS {
            fill(&mut case, framework);
            failed.push(case.test);
        }
    } else if case.skipped {
        counts.skipped += 1;
    } else {
        counts.run += 1;
        counts.passed += 1;
    }
}

/// The selectable id, the frames and the type, from what the report has.
fn fill(case: &mut Case, framework: Framework) {
    let test = &mut case.test;
    test.id = match framework {
        Framework::Pytest => node_id(&case.class, &test.name, test.file.as_deref()),
        _ if case.class.is_empty() || test.name.starts_with(&case.class) => test.name.clone(),
        _ => format!("{}.{}", case.class, test.name),
    };
    if framework == Framework::Pytest && test.file.is_none() {
        test.file = test.id.split_once("::").map(|(file, _)| file.to_owned());
    }
    let mut raised = None;
    for line in case.text.lines() {
        if let Some(frame) = python::frame(line) {
            test.frames.push(frame);
        } else if let Some(text) = line.strip_prefix("E   ") {
            raised = raised.or_else(|| python::exception(text.trim()).map(|(kind, _)| kind.to_owned()));
        }
    }
    let first = test
        .message
        .as_deref()
        .or(Some(case.text.trim()))
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    test.error_type = test
        .error_type
        .take()
        .or(raised)
        .or_else(|| python::exception(first).map(|(kind, _)| kind.to_owned()));
    if test.message.as_deref().is_none_or(str::is_empty) && !case.text.trim().is_empty() {
        test.message = Some(case.text.trim().to_owned());
    }
}

/// `tests.test_a.TestB` and `test_c` as `tests/test_a.py::TestB::test_c`.
fn node_id(class: &str, name: &str, file: Option<&str>) -> String {
    let parts: Vec<&str> = class.split('.').filter(|part| !part.is_empty()).collect();
    let classes = match file {
        Some(file) => {
            let module: Vec<&str> = file.trim_end_matches(".py").split('/').collect();
            let shared = parts.iter().zip(&module).take_while(|(a, b)| a == b).count();
            &parts[shared.min(parts.len())..]
        }
        None => {
            let at = parts
                .iter()
                .position(|part| part.starts_with(|c: char| c.is_ascii_uppercase()))
                .unwrap_or(parts.len());
            &parts[at..]
        }
    };
    let file = file.map_or_else(
        || format!("{}.py", parts[..parts.len() - classes.len()].join("/")),
        str::to_owned,
    );
    let mut id = file;
    for part in classes.iter().chain([&name]) {
        id.push_str("::");
        id.push_str(part);
    }
    id
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let mut value = unescape(&attribute.value);
    super::reading::cut(&mut value, MAX_MESSAGE);
    Some(value)
}

/// Replaces the entities that XML knows by itself; what cannot be one stays as it is.
fn unescape(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}
