//! Deliveries are dealt with once, and every skip has its reason.

use crate::case::Case;
use crate::signal::{alert, branch, change, changed_run, diagnosis, push, red_run, sha};
use domain::message::Decision;
use domain::repo::{BranchName, RepoName};
use domain::signal::{PullRequestAction, Signal};
use futures::future::join_all;
use serde_json::json;

both! {
    async fn ten_copies_make_one_job(database: Database) {
        let case = Case::on(database).await;
        let first = red_run('a');
        // A retry has another transport id, what was reconciled has none, and GitHub repeats its own.
        let copies = (0..10).map(|copy| {
            let mut signal = first.clone();
            signal.delivery.id = crate::case::delivery_id();
            signal.delivery.transport_id = match copy % 3 {
                0 => first.delivery.transport_id.clone(),
                1 => Some(format!("retry-{copy}")),
                _ => None,
            };
            case.signal(signal)
        });
        let decisions = join_all(copies).await;
        assert_eq!(decisions.iter().filter(|decision| matches!(decision, Decision::Enqueued { .. })).count(), 1, "{decisions:?}");
        assert_eq!(case.jobs().await.len(), 1);
        assert_eq!(case.reasons("duplicate_delivery").await.len(), 9);
        case.requested().await;
        case.silence().await;
    }

    async fn ten_signals_of_one_incident_make_one_job(database: Database) {
        let case = Case::on(database).await;
        let decisions = join_all((0..10).map(|_| case.signal(alert("7")))).await;
        assert_eq!(decisions.iter().filter(|decision| matches!(decision, Decision::Enqueued { .. })).count(), 1, "{decisions:?}");
        assert_eq!(case.reasons("duplicate_alert").await.len(), 9);
        case.requested().await;
        case.silence().await;
    }

    /// The broker may hand over a delivery again: it is told what was decided.
    async fn the_same_delivery_again_gets_the_same_answer(database: Database) {
        let case = Case::on(database).await;
        let signal = alert("7");
        let decision = case.signal(signal.clone()).await;
        assert!(matches!(decision, Decision::Enqueued { .. }));
        assert_eq!(case.signal(signal).await, decision);
        assert_eq!(case.jobs().await.len(), 1);
    }

    async fn windows_are_counted_from_the_job(database: Database) {
        let case = Case::on(database).await;
        let request = case.admitted(alert("7")).await;
        assert_eq!(case.skipped(alert("7")).await.code(), "duplicate_alert");
        case.age("jobs", "created_at", 45).await;
        let reason = case.skipped(alert("7")).await;
        assert_eq!(reason, domain::job::SkipReason::RateLimited { minutes_since: 45, window_minutes: 60 });
        case.age("jobs", "created_at", 61).await;
        assert_eq!(case.skipped(alert("7")).await.code(), "already_in_progress");
        assert!(matches!(case.signal(alert("8")).await, Decision::Enqueued { .. }), "another issue is another incident");
        let row = &case.reasons("rate_limited").await[0];
        assert_eq!(row.would_change, "a signal more than 60 min after that job began");
        assert_eq!(row.incident_id, Some(request.incident.into()));
    }

    async fn what_is_skipped_says_why(database: Database) {
        let case = Case::with(database, json!({"planner": {"bot_login": "fixpoint[bot]"}, "project": {"owner": null, "name": null}})).await;
        for (signal, code) in [
            (changed_run(|run| run.conclusion = "success".into()), "not_a_failure"),
            (changed_run(|run| run.head_repo = Some("eve/shop".parse().unwrap())), "fork"),
            (changed_run(|run| run.head_branch = "fixpoint/ci-0123456789abcdef-g1".parse().unwrap()), "own_branch"),
            (changed_run(|run| run.actor = Some(domain::signal::Actor { login: "fixpoint[bot]".into(), bot: true })), "own_bot"),
            (alert("1"), "unknown_project"),
        ] {
            assert_eq!(case.skipped(signal).await.code(), code);
            assert_eq!(case.reasons(code).await.len(), 1, "{code}");
        }
        assert!(case.jobs().await.is_empty());
    }

    async fn only_the_newest_commit_is_worth_a_fix(database: Database) {
        let case = Case::on(database).await;
        assert_eq!(case.signal(push('a', "main", "ada")).await, Decision::Noted);
        assert_eq!(case.signal(push('b', "main", "ada")).await, Decision::Noted);
        assert_eq!(case.skipped(red_run('a')).await.code(), "not_the_newest_head");
        assert_eq!(case.admitted(red_run('b')).await.project.repo.as_str(), "acme/shop");
        // A fork's branch of the same name says nothing about ours.
        let fork = changed_run(|run| (run.head_repo, run.run_id, run.head_sha) = (Some("eve/shop".parse().unwrap()), 999, sha('e')));
        assert_eq!(case.skipped(fork).await.code(), "fork");
        assert_eq!(case.skipped(red_run('b')).await.code(), "duplicate_alert");
    }

    /// Deliveries are lost: the run of a commit that nobody has told of is dealt with, and what is older than it stays old.
    async fn a_push_that_was_missed_hides_no_failure(database: Database) {
        let case = Case::on(database).await;
        assert_eq!(case.signal(push('a', "main", "ada")).await, Decision::Noted);
        case.admitted(red_run('b')).await;
        assert_eq!(case.skipped(red_run('a')).await.code(), "not_the_newest_head");
    }

    /// Where a pull request's own repository is gone, its branch is not the one of ours that has the same name.
    async fn a_fork_that_is_gone_moves_no_branch(database: Database) {
        let case = Case::on(database).await;
        assert_eq!(case.signal(push('a', "main", "ada")).await, Decision::Noted);
        let gone = changed_run(|run| {
            (run.head_repo, run.event) = (None, "pull_request".into());
            (run.run_id, run.head_sha) = (999, sha('e'));
        });
        assert_eq!(case.skipped(gone).await.code(), "fork");
        let mut opened = change(7, PullRequestAction::Opened, &branch("main"), 'f');
        if let Signal::PullRequest(change) = &mut opened.signal {
            change.head_repo = None;
        }
        assert_eq!(case.signal(opened).await, Decision::Noted);
        case.admitted(red_run('a')).await;
    }

    async fn another_projects_prefix_takes_nobodys_branch(database: Database) {
        let case = Case::with(database, json!({"projects": {"acme/till": {"branch_prefix": "fix/"}}})).await;
        let typo = |name: &str| {
            let repo: RepoName = name.parse().unwrap();
            changed_run(|run| {
                (run.repo, run.head_repo) = (repo.clone(), Some(repo));
                run.head_branch = branch("fix/typo");
            })
        };
        case.admitted(typo("acme/shop")).await;
        assert_eq!(case.skipped(typo("Acme/till")).await.code(), "own_branch");
    }

    async fn our_branches_stay_ours_when_the_prefix_is_changed(database: Database) {
        let case = Case::eager(database).await;
        let ours = case.opened(red_run('a'), &diagnosis("test_total"), 1).await;
        let database = case.kill().await;
        let case = Case::with(database, json!({"project": {"branch_prefix": "robot/"}})).await;
        let failed = |name: BranchName| changed_run(|run| (run.head_branch, run.head_sha) = (name, sha('c')));
        assert_eq!(case.skipped(failed(ours)).await.code(), "own_branch");
        assert_eq!(case.skipped(failed(branch("robot/ci-1-g1"))).await.code(), "own_branch");
        case.admitted(failed(branch("fixpoint/by-a-person"))).await;
    }

    async fn switched_off_means_skipped(database: Database) {
        let case = Case::with(database, json!({"sentry": {"enabled": false}})).await;
        let reason = case.skipped(alert("1")).await;
        assert_eq!(reason.observed(), "SENTRY_FIXER_ENABLED is off");
    }
}
