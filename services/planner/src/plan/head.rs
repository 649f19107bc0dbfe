//! Which commit of a branch is the newest, as far as deliveries tell. They come out of order, and some never come.

use chrono::{DateTime, Utc};

/// The newest known commit of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub sha: String,
    /// The highest number of a run of that commit; numbers of runs only grow.
    pub run_id: Option<i64>,
    /// When it was heard of.
    pub seen_at: DateTime<Utc>,
    /// The commit that it took the place of, as far as that was heard of.
    pub replaced: Option<String>,
}

impl Head {
    /// Whether a run of another commit is known to be of an older one.
    fn is_newer_than(&self, sha: &str, run_id: i64) -> bool {
        match self.run_id {
            Some(known) => run_id < known,
            None => self.replaced.as_deref() == Some(sha),
        }
    }
}

/// What a run says about its branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The run is of the newest commit; keep this.
    Newest(Head),
    /// The branch has moved on.
    Old {
        /// To this commit.
        newest: String,
    },
}

/// A run of `sha` has ended. It is of an older commit when a run with a higher number is known of another commit, or when
/// the newest known head took the place of its own; any other commit may be that of a push that was missed, and is dealt with:
/// whoever checks it out sees where the branch really is.
#[must_use]
pub fn after_run(known: Option<Head>, sha: &str, run_id: i64, now: DateTime<Utc>) -> Standing {
    match known {
        Some(head) if head.sha == sha => Standing::Newest(Head {
            run_id: Some(head.run_id.map_or(run_id, |known| known.max(run_id))),
            ..head
        }),
        Some(head) if head.is_newer_than(sha, run_id) => Standing::Old { newest: head.sha },
        known => Standing::Newest(Head {
            sha: sha.to_owned(),
            run_id: Some(run_id),
            seen_at: now,
            replaced: known.map(|head| head.sha),
        }),
    }
}

/// Somebody pushed `sha`, and we heard of it at `at`: what to keep. `None` when nothing is new.
#[must_use]
pub fn after_push(known: Option<Head>, sha: &str, at: DateTime<Utc>) -> Option<Head> {
    match known {
        Some(head) if head.sha == sha => None,
        // Deliveries overtake each other: this one is only what the known head took the place of.
        Some(head) if head.seen_at > at => Some(Head {
            replaced: Some(sha.to_owned()),
            ..head
        }),
        known => Some(Head {
            sha: sha.to_owned(),
            run_id: None,
            seen_at: at,
            replaced: known.map(|head| head.sha),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(minute: u32) -> DateTime<Utc> {
        format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap()
    }
    fn head(sha: &str, run_id: Option<i64>) -> Option<Head> {
        Some(Head {
            sha: sha.into(),
            run_id,
            seen_at: at(10),
            replaced: Some("before".into()),
        })
    }

    #[test]
    fn runs_of_older_commits_are_told_apart() {
        for (what, known, sha, run, newest) in [
            ("nothing is known", None, "a", 5, true),
            ("the same commit", head("a", None), "a", 5, true),
            ("a run of what the push replaced", head("b", None), "before", 5, false),
            ("a push was missed after a push", head("b", None), "c", 5, true),
            ("it was pushed back", head("b", Some(5)), "before", 6, true),
            ("a run from before a known run", head("b", Some(6)), "a", 5, false),
            ("a push was missed", head("a", Some(5)), "b", 6, true),
            ("a second try of an old run", head("b", Some(6)), "a", 5, false),
        ] {
            let standing = after_run(known, sha, run, at(20));
            assert_eq!(matches!(standing, Standing::Newest(_)), newest, "{what}");
        }
    }

    #[test]
    fn late_news_of_a_push_does_not_move_the_head() {
        let late = after_push(head("a", None), "b", at(5)).unwrap();
        assert_eq!(
            (late.sha.as_str(), late.seen_at, late.replaced.as_deref()),
            ("a", at(10), Some("b"))
        );
        let standing = after_run(Some(late), "b", 5, at(20));
        assert_eq!(standing, Standing::Old { newest: "a".into() });
        let pushed = after_push(head("a", Some(1)), "b", at(11)).unwrap();
        assert_eq!((pushed.sha.as_str(), pushed.replaced.as_deref()), ("b", Some("a")));
        assert_eq!(
            after_push(head("a", Some(1)), "a", at(11)),
            None,
            "the run's number is kept"
        );
        assert!(after_push(None, "a", at(1)).is_some());
    }
}
