//! Which kinds of attempts a fixer takes.

use bus::Queue;
use domain::job::JobKind;
use std::collections::BTreeSet;

/// What this build can carry out. What it cannot is refused at the start: taken from its queue, it would be lost.
const CARRIED_OUT: [JobKind; 1] = [JobKind::Fix];

/// The kinds of attempts that a fixer takes: at least one, and none that it cannot carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(BTreeSet<JobKind>);

impl Kinds {
    /// The kinds of these names.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let kinds = names
            .into_iter()
            .map(kind)
            .collect::<Result<BTreeSet<JobKind>, String>>()?;
        if kinds.is_empty() {
            return Err("without a kind no attempt is ever begun; `fix` is one".into());
        }
        Ok(Self(kinds))
    }

    /// Each of them once.
    pub fn iter(&self) -> impl Iterator<Item = JobKind> {
        self.0.iter().copied()
    }

    /// The queues of their attempts.
    pub(crate) fn queues(&self) -> Vec<Queue> {
        self.iter().map(queue).collect()
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self(BTreeSet::from(CARRIED_OUT))
    }
}

const fn queue(kind: JobKind) -> Queue {
    match kind {
        JobKind::Fix => Queue::FixerFix,
        JobKind::Analyse => Queue::FixerAnalyse,
        JobKind::Validate => Queue::FixerValidate,
    }
}

fn kind(name: &str) -> Result<JobKind, String> {
    let known = JobKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    let Some(kind) = known else {
        return Err(format!("`{name}` is no kind of attempt: fix, analyse and validate are"));
    };
    if CARRIED_OUT.contains(&kind) {
        Ok(kind)
    } else {
        Err(format!("`{name}` cannot be carried out by this version; `fix` can"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_carried_out_is_taken() {
        assert_eq!(Kinds::of(["fix", "fix"]), Ok(Kinds::default()));
        assert_eq!(Kinds::default().queues(), [Queue::FixerFix]);
        for (names, why) in [
            (&[][..], "without a kind no attempt is ever begun; `fix` is one"),
            (
                &["fix", "mend"],
                "`mend` is no kind of attempt: fix, analyse and validate are",
            ),
            (
                &["fix", "analyse"],
                "`analyse` cannot be carried out by this version; `fix` can",
            ),
            (
                &["validate"],
                "`validate` cannot be carried out by this version; `fix` can",
            ),
        ] {
            assert_eq!(Kinds::of(names.iter().copied()), Err(why.to_owned()));
        }
    }
}
