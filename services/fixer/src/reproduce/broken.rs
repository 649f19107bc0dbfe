//! Tells an environment that is broken from code that is.

use super::last_line;
use crate::suite::SuiteRun;
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
    let own = |module: &str| {
        let head = module.split('.').next().unwrap_or(module);
        sources.keys().any(|path| {
            path.split('/')
                .any(|part| part == head || part.strip_suffix(".py") == Some(head))
        })
    };
    let missing = |text: &str| {
        text.split_once("No module named ").map(|(_, rest)| {
            rest.trim_start_matches('\'')
                .split(['\'', '\n', ' '])
                .next()
                .unwrap_or("")
                .to_owned()
        })
    };
    let collected = run.tests.values().any(|test| !test.collecting);
    if !collected && run.exit_code != 0 {
        let said = run
            .tests
            .values()
            .filter_map(|test| test.message.as_deref())
            .find_map(missing)
            .or_else(|| missing(&run.output));
        if let Some(module) = said.filter(|module| !module.is_empty() && !own(module)) {
            return Some(format!(
                "the Python module `{module}` is not in the environment; add it to the project's requirements or set the setup command"
            ));
        }
    }
    None
}
