//! Admission: does a signal lead to a job? First what the signal says of itself, then what is known of its incident.

use chrono::{DateTime, Duration, Utc};
use domain::job::SkipReason;
use domain::repo::RepoName;
use domain::signal::{ErrorAlert, WorkflowRun};

/// The operator's rules.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Whether alerts are dealt with (`SENTRY_FIXER_ENABLED`).
    pub fix_alerts: bool,
    /// Whether failed runs are dealt with.
    pub fix_runs: bool,
    /// A repeated signal within this window is a duplicate; zero switches the rule off.
    pub dedup: Duration,
    /// No second job for one incident within this window; zero switches the rule off.
    pub rate_limit: Duration,
    /// The login of our own account, where it is known.
    pub bot_login: Option<String>,
}

/// Judges an alert by what it says of itself. `repo` is where the project's code lives, where that is known.
///
/// # Errors
/// Why it leads to no job.
pub fn alert(alert: &ErrorAlert, repo: Option<&RepoName>, rules: &Rules) -> Result<RepoName, SkipReason> {
    if !rules.fix_alerts {
        return Err(SkipReason::Disabled {
            setting: "SENTRY_FIXER_ENABLED".into(),
        });
    }
    let Some(repo) = repo else {
        return Err(SkipReason::UnknownProject {
            project: alert
                .project
                .clone()
                .unwrap_or_else(|| "a project without a name".into()),
        });
    };
    if alert.exceptions.is_empty() {
        return Err(SkipReason::NothingToDo {
            detail: "the event carries no exception".into(),
        });
    }
    Ok(repo.clone())
}

/// Where a run's code comes from when it is not the repository itself. A pull request whose own repository is not named came
/// from a fork that is gone.
#[must_use]
pub fn foreign(run: &WorkflowRun) -> Option<&str> {
    match &run.head_repo {
        Some(head) => Some(head.as_str()).filter(|head| !head.eq_ignore_ascii_case(run.repo.as_str())),
        None if run.event.starts_with("pull_request") => Some("a repository that is gone"),
        None => None,
    }
}

/// What is known of a run's branch.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    /// Its newest commit, when the run is of an older one.
    pub newest: Option<String>,
    /// Whether it is one of ours.
    pub own: bool,
}

/// Judges a run by what it says of itself and by what is known of its branch.
///
/// # Errors
/// Why it leads to no job.
pub fn run(run: &WorkflowRun, branch: &Branch, rules: &Rules) -> Result<(), SkipReason> {
    if !matches!(run.conclusion.as_str(), "failure" | "timed_out") {
        return Err(SkipReason::NotAFailure {
            conclusion: run.conclusion.clone(),
        });
    }
    if !rules.fix_runs {
        return Err(SkipReason::Disabled {
            setting: "planner.fix_ci".into(),
        });
    }
    if let Some(head) = foreign(run) {
        return Err(SkipReason::Fork { head_repo: head.into() });
    }
    if branch.own {
        return Err(SkipReason::OwnBranch {
            branch: run.head_branch.as_str().into(),
        });
    }
    if let (Some(actor), Some(own)) = (&run.actor, &rules.bot_login)
        && actor.login.eq_ignore_ascii_case(own)
    {
        return Err(SkipReason::OwnBot {
            login: actor.login.clone(),
        });
    }
    if let Some(newest) = &branch.newest {
        return Err(SkipReason::NotTheNewestHead {
            head: run.head_sha.short().into(),
            newest: newest.chars().take(12).collect(),
        });
    }
    Ok(())
}

/// What is known of an incident when another signal of it comes.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When its newest job was made.
    pub newest_job: Option<DateTime<Utc>>,
    /// Its queued or running job.
    pub active_job: Option<String>,
    /// The address of its open pull request.
    pub open_pull_request: Option<String>,
    /// Its open pull request's branch, when a person has pushed to it.
    pub hands_off: Option<String>,
}

/// Judges by what is known of the incident.
///
/// # Errors
/// Why there is no new job.
pub fn incident(facts: &Facts, rules: &Rules, now: DateTime<Utc>) -> Result<(), SkipReason> {
    if let Some(made) = facts.newest_job {
        let since = now - made;
        let minutes_since = since.num_minutes().max(0);
        if since < rules.dedup {
            return Err(SkipReason::DuplicateAlert {
                minutes_since,
                window_minutes: rules.dedup.num_minutes(),
            });
        }
        if since < rules.rate_limit {
            return Err(SkipReason::RateLimited {
                minutes_since,
                window_minutes: rules.rate_limit.num_minutes(),
            });
        }
    }
    if let Some(job) = &facts.active_job {
        return Err(SkipReason::AlreadyInProgress { job: job.clone() });
    }
    // The more telling of the two: such a pull request is open as well.
    if let Some(branch) = &facts.hands_off {
        return Err(SkipReason::HandsOff { branch: branch.clone() });
    }
    if let Some(pull_request) = &facts.open_pull_request {
        return Err(SkipReason::PullRequestOpen {
            pull_request: pull_request.clone(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::repo::{BranchName, CommitSha};
    use domain::signal::{Actor, ExceptionInfo};

    fn rules() -> Rules {
        Rules {
            fix_alerts: true,
            fix_runs: true,
            dedup: Duration::minutes(30),
            rate_limit: Duration::minutes(60),
            bot_login: Some("fixpoint[bot]".into()),
        }
    }

    fn failed() -> WorkflowRun {
        WorkflowRun {
            repo: RepoName::parse("acme/shop").unwrap(),
            head_repo: Some(RepoName::parse("Acme/shop").unwrap()),
            run_id: 7,
            run_attempt: 1,
            workflow: "Tests".into(),
            workflow_path: None,
            event: "push".into(),
            conclusion: "failure".into(),
            head_branch: BranchName::parse("main").unwrap(),
            head_sha: CommitSha::parse(&"a".repeat(40)).unwrap(),
            actor: Some(Actor {
                login: "ada".into(),
                bot: false,
            }),
            url: None,
            installation: None,
            default_branch: None,
            title: None,
        }
    }

    #[test]
    fn whose_failures_are_dealt_with() {
        type Case = (&'static str, fn(&mut WorkflowRun, &mut Branch), Option<&'static str>);
        let cases: [Case; 11] = [
            ("a red run", |_, _| {}, None),
            (
                "one that ran out of time",
                |run, _| run.conclusion = "timed_out".into(),
                None,
            ),
            (
                "a push whose repository is not named",
                |run, _| run.head_repo = None,
                None,
            ),
            (
                "a green run",
                |run, _| run.conclusion = "success".into(),
                Some("not_a_failure"),
            ),
            (
                "a cancelled run",
                |run, _| run.conclusion = "cancelled".into(),
                Some("not_a_failure"),
            ),
            (
                "a fork",
                |run, _| run.head_repo = Some(RepoName::parse("eve/shop").unwrap()),
                Some("fork"),
            ),
            (
                "a fork that is gone",
                |run, _| (run.head_repo, run.event) = (None, "pull_request".into()),
                Some("fork"),
            ),
            (
                "a fork that is gone, with the base's rights",
                |run, _| (run.head_repo, run.event) = (None, "pull_request_target".into()),
                Some("fork"),
            ),
            ("our branch", |_, branch| branch.own = true, Some("own_branch")),
            (
                "our account",
                |run, _| {
                    run.actor = Some(Actor {
                        login: "Fixpoint[bot]".into(),
                        bot: true,
                    })
                },
                Some("own_bot"),
            ),
            (
                "an older commit",
                |_, branch| branch.newest = Some("bbbbbbbbbbbbbbb".into()),
                Some("not_the_newest_head"),
            ),
        ];
        for (what, change, expected) in cases {
            let (mut signal, mut branch) = (failed(), Branch::default());
            change(&mut signal, &mut branch);
            assert_eq!(
                run(&signal, &branch, &rules()).err().map(|reason| reason.code()),
                expected,
                "{what}"
            );
        }
        let off = Rules {
            fix_runs: false,
            ..rules()
        };
        assert_eq!(run(&failed(), &Branch::default(), &off).unwrap_err().code(), "disabled");
    }

    #[test]
    fn which_alerts_are_dealt_with() {
        let repo = RepoName::parse("acme/shop").unwrap();
        let event = ErrorAlert {
            issue_id: "1".into(),
            event_id: "2".into(),
            title: "KeyError".into(),
            issue_url: None,
            organization: None,
            project: Some("shop".into()),
            environment: None,
            release: None,
            platform: None,
            rule: None,
            occurred_at: None,
            exceptions: vec![ExceptionInfo::default()],
            request: None,
        };
        assert_eq!(alert(&event, Some(&repo), &rules()), Ok(repo.clone()));
        assert_eq!(
            alert(&event, None, &rules()),
            Err(SkipReason::UnknownProject { project: "shop".into() })
        );
        let bare = ErrorAlert {
            exceptions: Vec::new(),
            ..event.clone()
        };
        assert_eq!(alert(&bare, Some(&repo), &rules()).unwrap_err().code(), "nothing_to_do");
        let off = Rules {
            fix_alerts: false,
            ..rules()
        };
        assert_eq!(
            alert(&event, Some(&repo), &off).unwrap_err(),
            SkipReason::Disabled {
                setting: "SENTRY_FIXER_ENABLED".into()
            }
        );
    }

    #[test]
    fn windows_and_work_in_progress() {
        let now: DateTime<Utc> = "2026-01-01T12:00:00Z".parse().unwrap();
        let ago = |minutes| Facts {
            newest_job: Some(now - Duration::minutes(minutes)),
            ..Facts::default()
        };
        let with = |change: fn(&mut Facts)| {
            let mut facts = ago(90);
            change(&mut facts);
            facts
        };
        for (what, facts, expected) in [
            ("nothing known", Facts::default(), None),
            ("29 minutes ago", ago(29), Some("duplicate_alert")),
            ("30 minutes ago", ago(30), Some("rate_limited")),
            ("59 minutes ago", ago(59), Some("rate_limited")),
            ("60 minutes ago", ago(60), None),
            ("a clock that went back", ago(-3), Some("duplicate_alert")),
            (
                "a job runs",
                with(|f| f.active_job = Some("j".into())),
                Some("already_in_progress"),
            ),
            (
                "a pull request is open",
                with(|f| f.open_pull_request = Some("#1".into())),
                Some("pull_request_open"),
            ),
            (
                "a person's now",
                with(|f| (f.open_pull_request, f.hands_off) = (Some("#1".into()), Some("b".into()))),
                Some("hands_off"),
            ),
        ] {
            assert_eq!(
                incident(&facts, &rules(), now).err().map(|reason| reason.code()),
                expected,
                "{what}"
            );
        }
        let off = Rules {
            dedup: Duration::zero(),
            rate_limit: Duration::zero(),
            ..rules()
        };
        assert_eq!(incident(&ago(0), &off, now), Ok(()));
    }
}
