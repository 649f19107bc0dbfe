//! Lifecycle: what a change of a pull request means for it and its incident. Changes come out of order.

use chrono::{DateTime, Utc};
use domain::pull_request::PullRequestState;
use domain::signal::{Actor, PullRequestAction};

/// What is known of a pull request of ours.
#[derive(Clone, Debug)]
pub struct Known {
    /// Where it stands.
    pub state: PullRequestState,
    /// The newest commit that is ours.
    pub head_sha: String,
    /// The sender's time of the newest change that was applied.
    pub changed_at: Option<DateTime<Utc>>,
    /// Our account's login, where it is known.
    pub bot_login: Option<String>,
    /// An attempt of its own job holds the right to write to the repository at the moment.
    pub being_written: bool,
}

/// What happened to it.
#[derive(Clone, Debug)]
pub struct Happened<'a> {
    /// What.
    pub action: PullRequestAction,
    /// The newest commit of the branch.
    pub head_sha: &'a str,
    /// Who did it.
    pub actor: Option<&'a Actor>,
    /// When, by the sender's clock.
    pub at: Option<DateTime<Utc>>,
}

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing that changes what we know.
    Nothing,
    /// It stands so already; what happened before this is no news any more.
    Still,
    /// A person merged it: the incident is resolved, a recurrence is the next generation.
    Merged,
    /// A person closed it: the next signal is the next generation.
    Closed,
    /// It is open again.
    Reopened,
    /// It is no longer a draft.
    Ready,
    /// We have pushed this commit.
    OurCommit,
    /// A person has pushed: the branch is theirs from now on.
    HandsOff {
        /// Who.
        by: String,
    },
}

/// What a change means.
#[must_use]
pub fn meaning(known: &Known, happened: &Happened<'_>) -> Meaning {
    if let (Some(applied), Some(at)) = (known.changed_at, happened.at)
        && at < applied
    {
        return Meaning::Nothing;
    }
    match happened.action {
        PullRequestAction::Merged if known.state.may_become(PullRequestState::Merged) => Meaning::Merged,
        PullRequestAction::Closed if known.state.may_become(PullRequestState::Closed) => Meaning::Closed,
        PullRequestAction::Reopened if known.state.may_become(PullRequestState::Open) => Meaning::Reopened,
        PullRequestAction::Merged if known.state == PullRequestState::Merged => Meaning::Still,
        PullRequestAction::Closed if known.state == PullRequestState::Closed => Meaning::Still,
        PullRequestAction::Reopened if known.state == PullRequestState::Open => Meaning::Still,
        PullRequestAction::ReadyForReview if known.state == PullRequestState::Open => Meaning::Ready,
        PullRequestAction::Synchronized => pushed(known, happened.head_sha, happened.actor),
        _ => Meaning::Nothing,
    }
}

/// What a push to the branch means.
#[must_use]
pub fn pushed(known: &Known, head_sha: &str, actor: Option<&Actor>) -> Meaning {
    if head_sha == known.head_sha || known.state != PullRequestState::Open {
        return Meaning::Nothing;
    }
    let ours = match (actor, &known.bot_login) {
        (Some(actor), Some(own)) => actor.login.eq_ignore_ascii_case(own),
        _ => false,
    };
    // Without a login of our own, a push while an attempt may write is taken for that attempt's.
    if ours || (known.being_written && known.bot_login.is_none()) {
        return Meaning::OurCommit;
    }
    Meaning::HandsOff {
        by: actor.map_or_else(|| "somebody".into(), |actor| actor.login.clone()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use PullRequestAction::{Closed, Merged, Opened, ReadyForReview, Reopened, Synchronized};

    fn known(state: PullRequestState) -> Known {
        Known {
            state,
            head_sha: "a".into(),
            changed_at: None,
            bot_login: Some("bot".into()),
            being_written: false,
        }
    }

    #[test]
    fn each_change_has_its_meaning() {
        let person = Actor {
            login: "ada".into(),
            bot: false,
        };
        let bot = Actor {
            login: "Bot".into(),
            bot: true,
        };
        let happened = |action, head_sha, actor| Happened {
            action,
            head_sha,
            actor,
            at: None,
        };
        use PullRequestState as State;
        for (state, happened, expected) in [
            (State::Open, happened(Merged, "a", Some(&person)), Meaning::Merged),
            (State::Closed, happened(Merged, "a", Some(&person)), Meaning::Merged),
            (State::Merged, happened(Merged, "a", Some(&person)), Meaning::Still),
            (State::Closed, happened(Closed, "a", Some(&person)), Meaning::Still),
            (State::Open, happened(Reopened, "a", Some(&person)), Meaning::Still),
            (State::Open, happened(Closed, "a", Some(&person)), Meaning::Closed),
            (State::Merged, happened(Closed, "a", Some(&person)), Meaning::Nothing),
            (State::Merged, happened(Reopened, "a", Some(&person)), Meaning::Nothing),
            (State::Closed, happened(Reopened, "a", Some(&person)), Meaning::Reopened),
            (State::Open, happened(Opened, "a", Some(&bot)), Meaning::Nothing),
            (
                State::Open,
                happened(ReadyForReview, "a", Some(&person)),
                Meaning::Ready,
            ),
            (
                State::Open,
                happened(Synchronized, "a", Some(&person)),
                Meaning::Nothing,
            ),
            (State::Open, happened(Synchronized, "b", Some(&bot)), Meaning::OurCommit),
            (
                State::Open,
                happened(Synchronized, "b", Some(&person)),
                Meaning::HandsOff { by: "ada".into() },
            ),
            (
                State::Closed,
                happened(Synchronized, "b", Some(&person)),
                Meaning::Nothing,
            ),
        ] {
            assert_eq!(meaning(&known(state), &happened), expected, "{state:?} {happened:?}");
        }
        let nameless = Known {
            bot_login: None,
            being_written: true,
            ..known(State::Open)
        };
        assert_eq!(
            meaning(&nameless, &happened(Synchronized, "b", Some(&person))),
            Meaning::OurCommit
        );
    }

    #[test]
    fn an_older_change_is_not_applied() {
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let known = Known {
            changed_at: at("2026-01-01T00:00:02Z"),
            ..known(PullRequestState::Closed)
        };
        let reopened = |time| Happened {
            action: Reopened,
            head_sha: "a",
            actor: None,
            at: at(time),
        };
        assert_eq!(meaning(&known, &reopened("2026-01-01T00:00:01Z")), Meaning::Nothing);
        assert_eq!(meaning(&known, &reopened("2026-01-01T00:00:02Z")), Meaning::Reopened);
    }
}
