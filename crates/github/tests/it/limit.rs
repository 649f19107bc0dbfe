//! A limit that one call meets holds for every call of the same credential.

use crate::retry::answer;
use crate::{SHOP, TOKEN, break_once, door, pushed, seen, shop, sim};
use github::GitHubError;
use github_sim::FaultKind;
use secrecy::SecretString;
use std::time::{Duration, Instant};

fn slow_down(seconds: &str) -> FaultKind {
    answer(429, "slow down", &[("retry-after", seconds)])
}

#[tokio::test]
async fn whoever_shares_the_credential_waits_too_and_others_do_not() {
    let sim = sim().await;
    let root = door(&sim);
    let (hasty, patient) = (
        root.with_patience(Duration::ZERO),
        root.with_token(SecretString::from(TOKEN)),
    );
    let mut limits = patient.limits();
    assert_eq!(root.limited_until(), None);
    break_once(&sim, "GET", "/repos/acme/shop$", slow_down("2"));
    assert!(matches!(
        hasty.repository(&shop()).await,
        Err(GitHubError::Limited { .. })
    ));
    let told = patient.limited_until().expect("it is known to the other door");
    tokio::time::timeout(Duration::from_secs(1), limits.met())
        .await
        .expect("it is told at once");

    // It is not worth a request: the answer is known.
    match hasty.job_log(&shop(), 1).await.unwrap_err() {
        GitHubError::Limited { until, message } => assert_eq!((until, message.as_str()), (told, "slow down")),
        other => panic!("{other}"),
    }
    assert_eq!(seen(&sim, "GET", "/logs"), 0);
    let begun = Instant::now();
    door(&sim).repository(&shop()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    patient.repository(&shop()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(root.limited_until(), None);
    assert_eq!(seen(&sim, "GET", "/repos/acme/shop"), 3);
}

#[tokio::test]
async fn an_owner_is_limited_for_himself() {
    let sim = sim().await;
    let root = door(&sim).with_patience(Duration::ZERO);
    break_once(&sim, "GET", "/repos/acme/shop$", slow_down("2"));
    assert!(root.of_owner("acme").repository(&shop()).await.is_err());
    let (same, other) = (root.of_owner("Acme"), root.of_owner("other"));
    assert!(same.limited_until().is_some() && other.limited_until().is_none() && root.limited_until().is_none());
    other.repository(&shop()).await.unwrap();
}

#[tokio::test]
async fn those_who_waited_do_not_come_all_at_once() {
    let sim = sim().await;
    let root = door(&sim);
    break_once(&sim, "GET", "/repos/acme/shop$", slow_down("1"));
    let hasty = root.with_patience(Duration::ZERO);
    assert!(hasty.repository(&shop()).await.is_err());
    let repo = shop();
    let (one, two, three) = tokio::join!(root.repository(&repo), root.repository(&repo), root.repository(&repo));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    let requests = sim.requests();
    assert_eq!(requests.len(), 4);
    let gaps: Vec<i64> = requests
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).num_milliseconds())
        .collect();
    assert!(gaps[0] >= 900 && gaps[1] >= 100 && gaps[2] >= 100, "{gaps:?}");
}

#[tokio::test]
async fn a_write_that_meets_a_limit_holds_nobody_for_ever() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    pushed(&sim, "fixpoint/b");
    break_once(&sim, "POST", "/pulls$", slow_down("1"));
    break_once(&sim, "POST", "/pulls$", slow_down("1"));
    let root = door(&sim);
    let (repo, a, b) = (shop(), crate::new_pull("fixpoint/a"), crate::new_pull("fixpoint/b"));
    let (one, two) = tokio::join!(root.open_pull(&repo, &a), root.open_pull(&repo, &b));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(sim.pulls(SHOP).len(), 2);
}
