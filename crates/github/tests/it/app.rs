//! The App from its private key to the check run.

use crate::{SHOP, new_pull, pushed, seen, settings, shop, sim};
use domain::repo::RepoName;
use github::{Access, AppSettings, AuthSettings, CheckConclusion, Door, GitHubError, NewCheckRun, Opener, seal};
use github_sim::{AppIdentity, FaultKind, Sim, SimOptions};
use secrecy::{ExposeSecret as _, SecretString};

fn with_key(id: u64, key: &str) -> AuthSettings {
    let app = AppSettings {
        id,
        private_key_path: None,
        private_key: Some(SecretString::from(key)),
        installation_id: None,
    };
    AuthSettings {
        token: None,
        app: Some(app),
    }
}

fn door(sim: &Sim) -> Door {
    Door::new(&settings(sim, with_key(4711, AppIdentity::simulated_key()))).unwrap()
}

fn check(sha: domain::repo::CommitSha) -> NewCheckRun {
    NewCheckRun {
        name: "Fixpoint / proof".to_owned(),
        head_sha: sha,
        conclusion: CheckConclusion::Success,
        title: "Proved".to_owned(),
        summary: "s".repeat(70_000),
        text: None,
        details_url: None,
        external_id: "attempt-1".to_owned(),
    }
}

#[tokio::test]
async fn does_all_its_work_with_tokens_for_one_repository() {
    let sim = sim().await;
    let door = door(&sim);
    let sha = pushed(&sim, "fixpoint/a");
    let opened = door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    assert_eq!(opened.pull.author, "fixpoint[bot]");
    assert!(door.can_check());
    door.create_check_run(&shop(), &check(sha)).await.unwrap();
    assert_eq!(
        sim.check_runs(SHOP)[0].summary.as_ref().unwrap().chars().count(),
        65_535
    );
    // One token to read and one to write, each bought once.
    assert_eq!(
        (seen(&sim, "POST", "/access_tokens"), seen(&sim, "GET", "/installation")),
        (2, 1)
    );

    let token = door.mint(&shop(), Access::Write).await.unwrap();
    assert!(token.expires_at.is_some());
    sim.repository("acme/other").file("a", "1").create().unwrap();
    let narrow = door.with_token(token.secret);
    assert!(narrow.repository(&shop()).await.is_ok());
    assert!(matches!(
        narrow.repository(&RepoName::parse("acme/other").unwrap()).await,
        Err(GitHubError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_read_token_cannot_write() {
    let sim = sim().await;
    pushed(&sim, "fixpoint/a");
    let token = door(&sim).mint(&shop(), Access::Read).await.unwrap();
    let narrow = door(&sim).with_token(token.secret);
    assert!(matches!(
        narrow.open_pull(&shop(), &new_pull("fixpoint/a")).await,
        Err(GitHubError::Forbidden { .. })
    ));
}

#[tokio::test]
async fn a_revoked_token_is_replaced() {
    let sim = sim().await;
    let door = door(&sim);
    let token = door.mint(&shop(), Access::Read).await.unwrap();
    sim.revoke(token.secret.expose_secret());
    door.repository(&shop()).await.unwrap();
    assert_eq!(seen(&sim, "POST", "/access_tokens"), 2);
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_purchase() {
    let sim = sim().await;
    let (door, repo) = (door(&sim), shop());
    let (one, two, three) = tokio::join!(
        door.mint(&repo, Access::Read),
        door.mint(&repo, Access::Read),
        door.mint(&repo, Access::Read)
    );
    assert_eq!(one.unwrap().secret.expose_secret(), two.unwrap().secret.expose_secret());
    assert!(three.is_ok());
    assert_eq!(seen(&sim, "POST", "/access_tokens"), 1);
}

#[tokio::test]
async fn both_forms_of_the_key_work_and_a_wrong_one_says_so() {
    let sim = sim().await;
    let pkcs8 = Door::new(&settings(&sim, with_key(4711, include_str!("simulated-app.pkcs8.pem")))).unwrap();
    assert!(pkcs8.repository(&shop()).await.is_ok());
    let one_line = AppIdentity::simulated_key().replace('\n', "\\n");
    assert!(
        Door::new(&settings(&sim, with_key(4711, &one_line)))
            .unwrap()
            .repository(&shop())
            .await
            .is_ok()
    );

    let stranger = Door::new(&settings(&sim, with_key(4711, include_str!("stranger.pem")))).unwrap();
    let error = stranger.repository(&shop()).await.unwrap_err();
    assert!(
        matches!(&error, GitHubError::Unauthorized { .. }) && error.to_string().contains("private key belong together"),
        "{error}"
    );

    let cut = AppIdentity::simulated_key().get(..200).unwrap();
    let error = Door::new(&settings(&sim, with_key(4711, cut)))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("github.auth.app.private_key") && error.contains("cut off") && !error.contains("MII"),
        "{error}"
    );

    let mut both = with_key(4711, AppIdentity::simulated_key());
    both.token = Some(SecretString::from("ghp_x"));
    assert!(
        Door::new(&settings(&sim, both))
            .err()
            .unwrap()
            .to_string()
            .contains("not both")
    );
}

#[tokio::test]
async fn says_which_permission_or_installation_is_missing() {
    let mut app = AppIdentity::simulated(4711, "fixpoint").unwrap();
    app.permissions.insert("contents".to_owned(), "read".to_owned());
    app.repositories = Some(vec![SHOP.to_owned()]);
    let sim = Sim::start(SimOptions {
        app: Some(app),
        ..SimOptions::default()
    })
    .await
    .unwrap();
    sim.repository(SHOP).file("a", "1").create().unwrap();
    sim.repository("acme/other").file("a", "1").create().unwrap();
    let door = door(&sim);
    assert!(door.repository(&shop()).await.is_ok());
    let error = door.mint(&shop(), Access::Write).await.unwrap_err();
    assert!(
        matches!(&error, GitHubError::Forbidden { .. }) && error.to_string().contains("contents: write"),
        "{error}"
    );
    let error = door
        .repository(&RepoName::parse("acme/other").unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, GitHubError::NotFound { .. }) && error.to_string().contains("install it there"),
        "{error}"
    );
}

#[tokio::test]
async fn a_check_run_is_made_once() {
    let sim = sim().await;
    let sha = pushed(&sim, "fixpoint/a");
    crate::break_once(&sim, "POST", "/check-runs$", FaultKind::DoThenStatus(502));
    let id = door(&sim).create_check_run(&shop(), &check(sha)).await.unwrap();
    assert_eq!(sim.check_runs(SHOP).iter().map(|run| run.id).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn a_grant_travels_sealed_and_works_on_the_other_side() {
    let sim = sim().await;
    let (opener, public) = Opener::new().unwrap();
    let token = door(&sim).mint(&shop(), Access::Read).await.unwrap();
    let sealed = seal(&public, &token.secret).unwrap();
    let opened = opener.open(&sealed).unwrap();
    let anonymous = Door::new(&settings(&sim, AuthSettings::default())).unwrap();
    assert!(anonymous.with_token(opened).repository(&shop()).await.is_ok());
}
