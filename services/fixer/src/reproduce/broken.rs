//! Tells an environment that is broken from code that is.

use super::last_line;
use crate::suite::SuiteRun;
use domain::evidence::TestId;
use std::collections::BTreeMap;

/// Why a run says nothing about the code: the command is absent, or a module that is not the project's own.
pub(super) fn broken_environment(run: &SuiteRun, sources: &BTreeMap<String, String>) -> Option<String> {
    if run.timed_out {
        return Some("the test command ran out of time".into());
    }
    if matches!(run.exit_code, 126 | 127) {
        return Some(format!(
            "the test command could not be started: {}",
            last_line(&run.output)
        ));
    }
    if run.tests.is_empty() && RAN_NOTHING.iter().any(|said| run.output.contains(said)) {
        return Some(format!("the test command ran no test: {}", last_line(&run.output)));
    }
    let collected = run.tests.values().any(|test| !test.collecting);
    if collected || run.exit_code == 0 {
        return None;
    }
    let messages = run.tests.values().filter_map(|test| test.message.as_deref());
    if let Some(module) = messages.chain([run.output.as_str()]).find_map(missing_module)
        && is_foreign(&module, sources)
    {
        return Some(absent(&module));
    }
    let did_not_start = run.tests.is_empty() && NOT_STARTED.iter().any(|said| run.output.contains(said));
    did_not_start.then(|| format!("the tests could not start: {}", last_line(&run.output)))
}

/// What runners say that found nothing to run.
const RAN_NOTHING: [&str; 4] = [
    "Ran 0 tests in",
    "NO TESTS RAN",
    "no tests ran in",
    "collected 0 items\n",
];
/// What Python and its runners say before there is any test.
const NOT_STARTED: [&str; 6] = [
    ": can't open file ",
    "Start directory is not importable",
    "error: unrecognized arguments",
    "ERROR: file or directory not found",
    ": No module named ",
    "ERROR: usage:",
];

/// Why the tests in question say nothing about the code, though others ran: each of them lacks a module that is not the
/// project's own.
pub(super) fn lacks_modules(run: &SuiteRun, failing: &[TestId], sources: &BTreeMap<String, String>) -> Option<String> {
    let mut lacking = failing.iter().map(|test| {
        let answer = run.tests.get(test)?;
        let module = missing_module(answer.message.as_deref()?)?;
        (answer.error_type.as_deref() != Some("AssertionError") && is_foreign(&module, sources)).then_some(module)
    });
    let first = lacking.next()??;
    lacking.all(|module| module.is_some()).then(|| absent(&first))
}

fn absent(module: &str) -> String {
    format!(
        "the Python module `{module}` is not in the environment; add it to the project's requirements or set the setup command"
    )
}

fn missing_module(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("No module named ")?;
    let module = rest.trim_start_matches('\'').split(['\'', '\n', ' ']).next()?;
    (!module.is_empty()).then(|| module.to_owned())
}

fn is_foreign(module: &str, sources: &BTreeMap<String, String>) -> bool {
    let head = module.split('.').next().unwrap_or(module);
    !sources.keys().any(|path| {
        path.split('/')
            .any(|part| part == head || part.strip_suffix(".py") == Some(head))
    })
}
