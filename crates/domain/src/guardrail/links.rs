//! The other names of a file: what symbolic links of the tree show it as.

use super::{Objection, Policy, Rule, TreeChange, Verdict, blocked, is_test, steers_tests};
use crate::path::{RepoPath, resolve_link};
use std::collections::BTreeSet;

/// Links of links that are followed.
const LINK_ROUNDS: usize = 4;
/// Most names of one file that are looked at; a file with more is refused.
const MOST_NAMES: usize = 1_000;

pub(super) fn judge_other_names(
    policy: &Policy,
    change: &TreeChange,
    links: &[(RepoPath, String)],
    verdict: &mut Verdict,
) {
    let Ok(path) = RepoPath::parse(&change.path) else {
        return;
    };
    let mut names = vec![path];
    let mut looked_at = 0;
    for _ in 0..LINK_ROUNDS {
        let shown = names[looked_at..]
            .iter()
            .flat_map(|name| links.iter().filter_map(|(link, target)| shown_as(name, link, target)))
            .filter(|shown| !names.contains(shown))
            .collect::<BTreeSet<_>>();
        looked_at = names.len();
        names.extend(shown.into_iter().take(MOST_NAMES));
        if names.len() == looked_at {
            break;
        }
    }
    let mut object = |rule, detail: String| {
        verdict.objections.push(Objection {
            rule,
            path: change.path.clone(),
            detail,
        });
    };
    if names.len() >= MOST_NAMES {
        object(Rule::EntryKind, "too many links lead to it".into());
    }
    for name in &names[1..] {
        if let Some(why) = blocked(policy, name) {
            object(Rule::BlockedPath, format!("a link shows it as `{name}`: {why}"));
        }
        if steers_tests(name) || (is_test(name) && !policy.allow_test_edits) {
            object(
                Rule::ProtectedOracle,
                format!("a link shows it as `{name}`, which decides or steers the test run"),
            );
        }
    }
}

/// The name under which a link shows a file, if it leads to the file or to a folder above it.
fn shown_as(file: &RepoPath, link: &RepoPath, target: &str) -> Option<RepoPath> {
    let target = resolve_link(link, target)?;
    let rest = file.as_str().strip_prefix(target.as_str())?;
    (rest.is_empty() || rest.starts_with('/'))
        .then(|| RepoPath::parse(&format!("{link}{rest}")).ok())
        .flatten()
}
