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

/// A run of `sha` has ended.
#[must_use]
pub fn after_run(known: Option<Head>, sha: &str, run_id: i64, now: DateTime<Utc>) -> Standing {
    match known {
        Some(head) if head.sha == sha => Standing::Newest(Head {
            run_id: Some(head.run_id.map_or(run_id, |known| known.max(run_id))),
            ..head
        }),
        // The commit is another one, and a run of the known one was started later, or the push of the known one is all
        // that we have: then the run is of an older commit. Only a run with a higher number proves that a push was missed.
        Some(head) if head.run_id.is_none_or(|known| run_id < known) => Standing::Old { newest: head.sha },
        _ => Standing::Newest(Head {
            sha: sha.to_owned(),
            run_id: Some(run_id),
            seen_at: now,
        }),
    }
}

/// Somebody pushed `sha`, and we heard of it at `at`. `None` when something newer is known.
#[must_use]
pub fn after_push(known: Option<Head>, sha: &str, at: DateTime<Utc>) -> Option<Head> {
    match known {
        Some(head) if head.sha == sha || head.seen_at > at => None,
        _ => Some(Head {
            sha: sha.to_owned(),
            run_id: None,
            seen_at: at,
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
        })
    }

    #[test]
    fn runs_of_older_commits_are_told_apart() {
        for (what, known, sha, run, newest) in [
            ("nothing is known", None, "a", 5, true),
            ("the same commit", head("a", None), "a", 5, true),
            ("a run from before the push", head("b", None), "a", 5, false),
            ("a run from before a known run", head("b", Some(6)), "a", 5, false),
            ("a push was missed", head("a", Some(5)), "b", 6, true),
            ("a second try of an old run", head("b", Some(6)), "a", 5, false),
        ] {
            let standing = after_run(known, sha, run, at(20));
            assert_eq!(matches!(standing, Standing::Newest(_)), newest, "{what}");
        }
    }

    #[test]
    fn late_news_of_a_push_changes_nothing() {
        assert_eq!(after_push(head("a", Some(1)), "b", at(5)), None);
        assert_eq!(after_push(head("a", Some(1)), "b", at(11)).unwrap().sha, "b");
        assert_eq!(
            after_push(head("a", Some(1)), "a", at(11)),
            None,
            "the run's number is kept"
        );
        assert!(after_push(None, "a", at(1)).is_some());
    }
}
