//! Patience: how long, how often, and when not at all.

use crate::{SHOP, TOKEN, break_once, door, pushed, seen, settings, shop, sim, with_token};
use github::{Door, GitHubError, StatusState};
use github_sim::{Fault, FaultKind};
use std::time::{Duration, Instant};

pub(crate) fn answer(code: u16, message: &str, headers: &[(&str, &str)]) -> FaultKind {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    FaultKind::Status {
        code,
        body: format!("{{\"message\":\"{message}\"}}"),
        headers,
    }
}

#[tokio::test]
async fn a_read_outlasts_a_stumble() {
    let sim = sim().await;
    sim.faults()
        .push(Fault::once("GET", "/repos/acme/shop$", answer(503, "", &[])).times(3))
        .unwrap();
    assert_eq!(
        door(&sim).repository(&shop()).await.unwrap().default_branch.as_str(),
        "main"
    );
    assert_eq!(seen(&sim, "GET", "/repos/acme/shop"), 4);
    sim.faults()
        .push(Fault::once("GET", "/repos/acme/shop$", answer(503, "", &[])).times(4))
        .unwrap();
    let error = door(&sim).repository(&shop()).await.unwrap_err();
    assert!(matches!(error, GitHubError::Unavailable { .. }) && error.is_passing());
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let sim = sim().await;
    break_once(
        &sim,
        "GET",
        "/repos/acme/shop$",
        answer(403, "You have exceeded a secondary rate limit", &[("retry-after", "1")]),
    );
    let begun = Instant::now();
    door(&sim).repository(&shop()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(seen(&sim, "GET", "/repos/acme/shop"), 2);
}

#[tokio::test]
async fn a_write_waits_for_a_limit_too_since_it_was_not_done() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    break_once(
        &sim,
        "POST",
        "/pulls$",
        answer(429, "slow down", &[("retry-after", "1")]),
    );
    let opened = door(&sim)
        .open_pull(&shop(), &crate::new_pull("fixpoint/a"))
        .await
        .unwrap();
    assert!(!opened.already);
    assert_eq!((sim.pulls(SHOP).len(), seen(&sim, "POST", "/pulls")), (1, 2));
}

#[tokio::test]
async fn a_wait_beyond_patience_is_given_back() {
    let sim = sim().await;
    for (kind, least) in [
        (answer(403, "You have exceeded a secondary rate limit", &[]), 55),
        (
            answer(
                429,
                "no",
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999")],
            ),
            1_000,
        ),
        (answer(403, "no", &[("retry-after", "600")]), 595),
    ] {
        break_once(&sim, "GET", "/repos/acme/shop$", kind);
        let before = chrono_now();
        match door(&sim).repository(&shop()).await.unwrap_err() {
            GitHubError::Limited { until, .. } => assert!(until.timestamp() - before >= least),
            other => panic!("{other}"),
        }
    }
    assert_eq!(seen(&sim, "GET", "/repos/acme/shop"), 3);
}

#[expect(clippy::disallowed_methods, reason = "a test compares with the wall clock")]
fn chrono_now() -> i64 {
    i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    )
    .unwrap()
}

#[tokio::test]
async fn refusals_are_final_and_say_what_to_do() {
    let sim = sim().await;
    let with = |token: &str| Door::new(&settings(&sim, with_token(token))).unwrap();
    let error = with("ghp_unknown").repository(&shop()).await.unwrap_err().to_string();
    assert!(
        error.contains("GITHUB_TOKEN") && !error.contains("ghp_unknown"),
        "{error}"
    );
    let sha = pushed(&sim, "fixpoint/a");
    let error = with("ghp_reader")
        .set_status(&shop(), &sha, StatusState::Success, "fixpoint", "ok", None)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, GitHubError::Forbidden { .. }) && error.to_string().contains("commit statuses"),
        "{error}"
    );
    let nobody = Door::new(&settings(&sim, github::AuthSettings::default())).unwrap();
    assert!(matches!(
        nobody.repository(&shop()).await,
        Err(GitHubError::NotFound { .. })
    ));
    assert!(matches!(
        nobody.mint(&shop(), github::Access::Read).await,
        Err(GitHubError::Misconfigured(_))
    ));
    assert_eq!(seen(&sim, "GET", "/repos/acme/shop"), 2);
}

#[tokio::test]
async fn a_dead_host_is_unavailable_and_its_error_holds_no_token() {
    let sim = sim().await;
    let mut settings = settings(&sim, with_token(TOKEN));
    settings.api_url = "http://127.0.0.1:9/api/v3".to_owned();
    let error = Door::new(&settings).unwrap().repository(&shop()).await.unwrap_err();
    assert!(
        matches!(error, GitHubError::Unavailable { .. }) && !format!("{error:?}").contains(TOKEN),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_status_can_be_set_twice_without_harm() {
    let sim = sim().await;
    let sha = pushed(&sim, "fixpoint/a");
    break_once(&sim, "POST", "/statuses/", FaultKind::DoThenStatus(500));
    let long = "x".repeat(200);
    door(&sim)
        .set_status(
            &shop(),
            &sha,
            StatusState::Success,
            "fixpoint",
            &long,
            Some("http://127.0.0.1/x"),
        )
        .await
        .unwrap();
    let statuses = sim.statuses(SHOP);
    assert_eq!(
        (
            statuses.len(),
            statuses[1].description.as_ref().unwrap().chars().count()
        ),
        (2, 140)
    );
}

/// Whoever runs this on several threads needs futures that can move.
#[tokio::test]
async fn futures_can_be_spawned() {
    let sim = sim().await;
    let door = door(&sim);
    let sha = pushed(&sim, "fixpoint/a");
    let task = tokio::spawn(async move {
        door.open_pull(&shop(), &crate::new_pull("fixpoint/a")).await.unwrap();
        door.comment(&shop(), 1, "Hi").await.unwrap();
        assert!(door.job_log(&shop(), 1).await.is_err());
        door.pulls_of_commit(&shop(), &sha).await.unwrap().len()
    });
    assert_eq!(task.await.unwrap(), 1);
}
