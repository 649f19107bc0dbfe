//! The other names of a file: what symbolic links of the tree show it as.

use super::{Objection, Policy, Rule, TreeChange, Verdict, blocked, is_test, steers_tests};
use crate::path::{RepoPath, resolve_link};
use std::collections::BTreeSet;

/// Links of links that are followed.
const LINK_ROUNDS: usize = 4;
/// Most names of one file that are looked at; a file with more is refused.
const MOST_NAMES: usize = 1_000;

/// A name of a file.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    path: RepoPath,
    /// Whether links name the file itself, rather than a folder that it is in.
    own: bool,
}

pub(super) fn judge_other_names(
    policy: &Policy,
    change: &TreeChange,
    links: &[(RepoPath, String)],
    verdict: &mut Verdict,
) {
    let Ok(path) = RepoPath::parse(&change.path) else {
        return;
    };
    let mut names = vec![Name { path, own: true }];
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
    for Name { path: name, own } in &names[1..] {
        if let Some(why) = blocked(policy, name) {
            object(Rule::BlockedPath, format!("a link shows it as `{name}`: {why}"));
        }
        // Tests often link to a folder of the product, as an example to work on: that makes no test of it.
        if *own && (steers_tests(name) || (is_test(name) && !policy.allow_test_edits)) {
            object(
                Rule::ProtectedOracle,
                format!("a link shows it as `{name}`, which decides or steers the test run"),
            );
        }
    }
}

/// The name under which a link shows a file, if it leads to the file or to a folder above it.
fn shown_as(file: &Name, link: &RepoPath, target: &str) -> Option<Name> {
    let target = resolve_link(link, target)?;
    let rest = file.path.as_str().strip_prefix(target.as_str())?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    Some(Name {
        path: RepoPath::parse(&format!("{link}{rest}")).ok()?,
        own: file.own && rest.is_empty(),
    })
}
