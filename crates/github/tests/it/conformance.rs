//! Every request of the door, and the simulator's answers, through a proxy that checks both against GitHub's own description.
//! `make conformance` (scripts/conformance.sh) starts the proxy; without it these tests do not run.

use crate::{SHOP, TOKEN, branch, new_pull, settings, shop, with_token};
use domain::repo::CommitSha;
use github::{
    Access, AppSettings, AuthSettings, CheckConclusion, Door, NewCheckRun, Permission, PullChange, Settings,
    StatusState,
};
use github_sim::{AppIdentity, Sim, SimOptions, Step, Token};
use secrecy::SecretString;

#[expect(clippy::disallowed_methods, reason = "the script tells the test where the proxy is")]
fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/conformance.sh"))
}

/// The simulator where the proxy expects it, and settings that lead through the proxy.
async fn world(auth: AuthSettings) -> (Sim, Settings) {
    let port = address("FIXPOINT_CONFORMANCE_LISTEN")
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let options = SimOptions {
        port,
        app: Some(AppIdentity::simulated(4711, "fixpoint").unwrap()),
        tokens: vec![Token::write(TOKEN, "octocat")],
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await.unwrap();
    sim.repository(SHOP).file("README.md", "# Shop\n").create().unwrap();
    let settings = Settings {
        api_url: address("FIXPOINT_CONFORMANCE_PROXY"),
        timeout_secs: 20,
        ..settings(&sim, auth)
    };
    (sim, settings)
}

#[tokio::test]
#[ignore = "needs the proxy of scripts/conformance.sh"]
async fn conformance_with_a_token() {
    let (sim, settings) = world(with_token(TOKEN)).await;
    let door = Door::new(&settings).unwrap();
    let main = CommitSha::parse(&sim.head(SHOP, "main").unwrap().unwrap()).unwrap();
    let sha = crate::pushed(&sim, "fixpoint/a");
    assert_eq!(door.repository(&shop()).await.unwrap().default_branch, branch("main"));
    assert_eq!(
        door.branch_head(&shop(), &branch("fixpoint/a")).await.unwrap(),
        Some(sha.clone())
    );
    assert_eq!(door.compare(&shop(), &main, &sha).await.unwrap().ahead_by, 1);
    assert!(door.file(&shop(), "README.md", &main).await.unwrap().is_some());
    assert_eq!(door.permission(&shop(), "acme").await.unwrap(), Permission::Admin);

    let opened = door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap();
    let change = PullChange {
        title: Some("Better".to_owned()),
        body: Some("Proved.".to_owned()),
        open: Some(true),
    };
    assert_eq!(
        door.update_pull(&shop(), opened.pull.number, &change)
            .await
            .unwrap()
            .title,
        "Better"
    );
    assert_eq!(
        door.pull(&shop(), opened.pull.number).await.unwrap().unwrap().head_sha,
        sha
    );
    assert_eq!(door.pulls_of_commit(&shop(), &sha).await.unwrap().len(), 1);
    assert!(door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap().already);
    let posted = door.comment(&shop(), opened.pull.number, "Hello").await.unwrap();
    door.edit_comment(&shop(), posted.id, "Hello again").await.unwrap();
    door.set_status(&shop(), &sha, StatusState::Success, "fixpoint", "proved", None)
        .await
        .unwrap();

    let steps = vec![Step::fails("Test", "pytest", "FAILED")];
    let run = sim
        .fail_workflow(SHOP, "fixpoint/a", sha.as_str(), "Tests", "test", steps)
        .unwrap();
    assert_eq!(door.run(&shop(), run).await.unwrap().head_sha, sha);
    assert_eq!(
        door.failed_runs(&shop(), Some(&branch("fixpoint/a")))
            .await
            .unwrap()
            .len(),
        1
    );
    // The logs are left out: the proxy follows their redirect itself and carries our credential along.
    assert!(door.jobs(&shop(), run).await.unwrap()[0].failed());
    assert!(
        door.update_pull(
            &shop(),
            opened.pull.number,
            &PullChange {
                open: Some(false),
                ..PullChange::default()
            }
        )
        .await
        .is_ok()
    );
    sim.stop().await;
}

#[tokio::test]
#[ignore = "needs the proxy of scripts/conformance.sh"]
async fn conformance_with_an_app() {
    let key = Some(SecretString::from(AppIdentity::simulated_key()));
    let app = AppSettings {
        id: 4711,
        private_key_path: None,
        private_key: key,
        installation_id: None,
    };
    let (sim, settings) = world(AuthSettings {
        token: None,
        app: Some(app),
    })
    .await;
    let door = Door::new(&settings).unwrap();
    let sha = crate::pushed(&sim, "fixpoint/a");
    assert!(door.mint(&shop(), Access::Read).await.unwrap().expires_at.is_some());
    assert!(!door.open_pull(&shop(), &new_pull("fixpoint/a")).await.unwrap().already);
    let check = NewCheckRun {
        name: "Fixpoint".to_owned(),
        head_sha: sha,
        conclusion: CheckConclusion::Success,
        title: "Proved".to_owned(),
        summary: "12 tests pass.".to_owned(),
        text: Some("All of them.".to_owned()),
        details_url: Some("http://127.0.0.1/jobs/1".to_owned()),
        external_id: "attempt-1".to_owned(),
    };
    door.create_check_run(&shop(), &check).await.unwrap();
    sim.stop().await;
}
