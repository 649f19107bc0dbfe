//! Logs behind redirects.

use crate::{SHOP, break_once, door, shop, sim};
use github::GitHubError;
use github_sim::{FaultKind, Sim, Step};

fn red(sim: &Sim) -> u64 {
    let sha = sim.head(SHOP, "main").unwrap().unwrap();
    let steps = vec![
        Step::passes("Install", "pip install .", "ok"),
        Step::fails("Test", "pytest -q", "FAILED tests/test_cart.py::test_total"),
    ];
    sim.fail_workflow(SHOP, "main", &sha, "Tests", "test", steps).unwrap()
}

#[tokio::test]
async fn a_failed_run_is_read_to_its_log() {
    let sim = sim().await;
    let (id, door) = (red(&sim), door(&sim));
    let run = door.run(&shop(), id).await.unwrap();
    assert_eq!(
        (run.conclusion.as_deref(), run.path.as_str()),
        (Some("failure"), ".github/workflows/ci.yml")
    );
    assert_eq!(
        door.failed_runs(&shop(), Some(&crate::branch("main")))
            .await
            .unwrap()
            .len(),
        1
    );
    let jobs = door.jobs(&shop(), id).await.unwrap();
    assert!(jobs[0].failed() && jobs[0].failed_step().unwrap().name == "Test");
    let log = door.job_log(&shop(), jobs[0].id).await.unwrap();
    assert!(
        log.contains("FAILED tests/test_cart.py::test_total") && log.starts_with("20"),
        "{log}"
    );
    let files = door.run_logs(&shop(), id).await.unwrap();
    assert!(
        files
            .iter()
            .any(|file| file.name == "test/3_Test.txt" && file.text.contains("FAILED tests"))
    );
    // The storage host would have refused our credential.
    let storage: Vec<_> = sim
        .requests()
        .into_iter()
        .filter(|one| one.path.starts_with("/_storage/"))
        .collect();
    assert!(
        storage.len() == 2
            && storage
                .iter()
                .all(|one| one.token_kind == "none" && one.status == Some(200))
    );
}

#[tokio::test]
async fn logs_that_are_gone_are_not_found() {
    let sim = sim().await;
    let (id, door) = (red(&sim), door(&sim));
    let job = door.jobs(&shop(), id).await.unwrap()[0].id;
    sim.expire_logs(SHOP, id).unwrap();
    assert!(matches!(
        door.run_logs(&shop(), id).await,
        Err(GitHubError::NotFound { .. })
    ));
    assert!(matches!(
        door.job_log(&shop(), job).await,
        Err(GitHubError::NotFound { .. })
    ));
    assert!(matches!(
        door.job_log(&shop(), 123_456).await,
        Err(GitHubError::NotFound { .. })
    ));
}

#[tokio::test]
async fn a_link_that_fails_is_asked_for_again() {
    let sim = sim().await;
    let (id, door) = (red(&sim), door(&sim));
    let job = door.jobs(&shop(), id).await.unwrap()[0].id;
    break_once(
        &sim,
        "GET",
        "^/_storage/",
        FaultKind::Status {
            code: 403,
            body: "<Error/>".to_owned(),
            headers: Vec::new(),
        },
    );
    assert!(door.job_log(&shop(), job).await.unwrap().contains("FAILED"));
    assert_eq!(crate::seen(&sim, "GET", "/logs"), 2);
}

#[tokio::test]
async fn a_zip_that_is_none_and_a_log_that_is_endless_are_refused() {
    let sim = sim().await;
    let (id, door) = (red(&sim), door(&sim));
    break_once(
        &sim,
        "GET",
        "^/_storage/",
        FaultKind::Status {
            code: 200,
            body: "<html>".to_owned(),
            headers: Vec::new(),
        },
    );
    assert!(matches!(
        door.run_logs(&shop(), id).await,
        Err(GitHubError::Invalid { .. })
    ));
    let job = door.jobs(&shop(), id).await.unwrap()[0].id;
    break_once(
        &sim,
        "GET",
        "^/_storage/",
        FaultKind::Status {
            code: 200,
            body: "x".repeat(65 << 20),
            headers: Vec::new(),
        },
    );
    assert!(matches!(
        door.job_log(&shop(), job).await,
        Err(GitHubError::TooLarge { .. })
    ));
}
