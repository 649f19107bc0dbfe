//! Which commit of a branch is the newest, as far as deliveries tell. They come out of order, and some never come.

use chrono::{DateTime, Utc};

/// The newest known commit of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit.
    pub sha: String,
    /// The highest number of a run that is known of the branch, up to that commit; numbers of runs only grow.
    pub run_id: Option<i64>,
    /// When it was heard of.
    pub seen_at: DateTime<Utc>,
    /// The commit that it took the place of, until a run of its own is known.
    pub replaced: Option<String>,
}

impl Head {
    /// Whether a run of another commit is known to be of an older one.
    fn is_newer_than(&self, sha: &str, run_id: i64) -> bool {
        self.run_id.is_some_and(|known| run_id <= known) || self.replaced.as_deref() == Some(sha)
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

/// A run of `sha` has ended. It is of an older commit when a run with a higher number is known of the branch, or when a push
/// has just taken the place of its commit; any other commit may be that of a push that was missed, and is dealt with: whoever
/// checks it out sees where the branch really is.
#[must_use]
pub fn after_run(known: Option<Head>, sha: &str, run_id: i64, now: DateTime<Utc>) -> Standing {
    match known {
        Some(head) if head.sha == sha => Standing::Newest(Head {
            run_id: Some(head.run_id.map_or(run_id, |known| known.max(run_id))),
            replaced: None,
            ..head
        }),
        Some(head) if head.is_newer_than(sha, run_id) => Standing::Old { newest: head.sha },
        _ => Standing::Newest(Head {
            sha: sha.to_owned(),
            run_id: Some(run_id),
            seen_at: now,
            replaced: None,
        }),
    }
}

/// Somebody pushed `sha`, and we heard of it at `at`: what to keep. `None` when nothing is new.
#[must_use]
pub fn after_push(known: Option<Head>, sha: &str, at: DateTime<Utc>) -> Option<Head> {
    match known {
        Some(head) if head.sha == sha => None,
        // Deliveries overtake each other: this one is only what the known head took the place of. Where a run of that head is
        // known, its number says more.
        Some(head) if head.seen_at > at => (head.run_id.is_none() || head.replaced.is_some()).then(|| Head {
            replaced: Some(sha.to_owned()),
            ..head
        }),
        known => {
            let (replaced, run_id) = known.map(|head| (head.sha, head.run_id)).unzip();
            Some(Head {
                sha: sha.to_owned(),
                run_id: run_id.flatten(),
                seen_at: at,
                replaced,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(minute: u32) -> DateTime<Utc> {
        format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap()
    }
    /// A head that was pushed, or that a run has told of.
    fn head(sha: &str, run_id: Option<i64>, replaced: Option<&str>) -> Option<Head> {
        Some(Head {
            sha: sha.into(),
            run_id,
            seen_at: at(10),
            replaced: replaced.map(str::to_owned),
        })
    }

    #[test]
    fn runs_of_older_commits_are_told_apart() {
        for (what, known, sha, run, newest) in [
            ("nothing is known", None, "a", 5, true),
            ("the same commit", head("a", None, None), "a", 5, true),
            ("a second workflow of it", head("a", Some(6), None), "a", 5, true),
            ("what the push replaced", head("b", None, Some("a")), "a", 5, false),
            (
                "the same after other runs",
                head("b", Some(4), Some("a")),
                "a",
                5,
                false,
            ),
            ("a push was missed after a push", head("a", None, None), "b", 5, true),
            ("the same after other runs", head("a", Some(4), Some("z")), "b", 5, true),
            ("older than a known run", head("b", Some(6), None), "a", 5, false),
            (
                "older than a run before two pushes",
                head("d", Some(6), Some("c")),
                "a",
                5,
                false,
            ),
            (
                "a second try of an old run",
                head("d", Some(5), Some("c")),
                "a",
                5,
                false,
            ),
            ("a push was missed after a run", head("a", Some(5), None), "b", 6, true),
        ] {
            let standing = after_run(known, sha, run, at(20));
            assert_eq!(matches!(standing, Standing::Newest(_)), newest, "{what}");
        }
    }

    #[test]
    fn a_run_of_its_own_says_more_than_what_a_commit_replaced() {
        let Standing::Newest(own) = after_run(head("b", Some(4), Some("a")), "b", 5, at(20)) else {
            panic!("it is the same commit")
        };
        assert_eq!((own.run_id, own.replaced.as_deref()), (Some(5), None));
        // Somebody has pushed the branch back, and we have missed it.
        let standing = after_run(Some(own), "a", 6, at(20));
        assert!(matches!(standing, Standing::Newest(_)), "{standing:?}");
    }

    #[test]
    fn late_news_of_a_push_does_not_move_the_head() {
        let late = after_push(head("b", None, None), "a", at(5));
        assert_eq!(late, head("b", None, Some("a")));
        let standing = after_run(late, "a", 5, at(20));
        assert_eq!(standing, Standing::Old { newest: "b".into() });
        assert_eq!(after_push(head("b", Some(5), None), "a", at(5)), None);
    }

    #[test]
    fn a_push_moves_the_head_and_forgets_no_run() {
        let pushed = after_push(head("a", Some(1), None), "b", at(11)).unwrap();
        assert_eq!(
            (pushed.sha.as_str(), pushed.run_id, pushed.replaced.as_deref()),
            ("b", Some(1), Some("a"))
        );
        assert_eq!(after_push(head("a", Some(1), None), "a", at(11)), None);
        assert!(after_push(None, "a", at(1)).is_some());
    }
}
