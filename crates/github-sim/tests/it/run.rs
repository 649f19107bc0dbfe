//! Runs of Actions and their logs.

use crate::{SHOP, WRITER, call, client, send, sim};
use github_sim::{RunSpec, Sim, Step};
use serde_json::json;

fn red(sim: &Sim) -> u64 {
    let sha = sim.head(SHOP, "main").unwrap().unwrap();
    let steps = vec![
        Step::passes("Install", "pip install -e .", "ok"),
        Step::fails(
            "Test",
            "pytest -q",
            "FAILED tests/test_cart.py::test_total - assert 1 == 2",
        ),
        Step::passes("Upload", "upload", "never seen"),
    ];
    sim.fail_workflow(SHOP, "main", &sha, "Tests", "test / 3.12", steps)
        .unwrap()
}

#[tokio::test]
async fn a_failed_run_has_jobs_steps_and_a_log_behind_a_redirect() {
    let sim = sim().await;
    let id = red(&sim);
    let (_, runs) = call(
        &sim,
        "GET",
        "/repos/acme/shop/actions/runs?branch=main&status=failure",
        WRITER,
        None,
    )
    .await;
    assert_eq!(
        (&runs["total_count"], &runs["workflow_runs"][0]["id"]),
        (&json!(1), &json!(id))
    );
    let (_, jobs) = call(
        &sim,
        "GET",
        &format!("/repos/acme/shop/actions/runs/{id}/jobs?filter=latest"),
        WRITER,
        None,
    )
    .await;
    let steps: Vec<&str> = jobs["jobs"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["conclusion"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["success", "success", "failure", "skipped", "success"]);

    let job = jobs["jobs"][0]["id"].as_u64().unwrap();
    let answer = send(
        &sim,
        "GET",
        &format!("/repos/acme/shop/actions/jobs/{job}/logs"),
        WRITER,
        None,
    )
    .await;
    assert_eq!(answer.status(), 302);
    let link = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(
        client().get(&link).bearer_auth(WRITER).send().await.unwrap().status(),
        400
    );
    let log = client().get(&link).send().await.unwrap().text().await.unwrap();
    let line = log
        .lines()
        .find(|line| line.contains("FAILED tests/test_cart.py"))
        .unwrap();
    assert_eq!(line.find(" FAILED"), Some(28));
    assert!(log.contains("##[error]Process completed with exit code 1.") && !log.contains("never seen"));
}

#[tokio::test]
async fn the_logs_of_a_run_are_a_zip_until_they_are_gone() {
    let sim = sim().await;
    let id = red(&sim);
    let path = format!("/repos/acme/shop/actions/runs/{id}/logs");
    let link = send(&sim, "GET", &path, WRITER, None).await.headers()["location"]
        .to_str()
        .unwrap()
        .to_owned();
    let bytes = client().get(&link).send().await.unwrap().bytes().await.unwrap();
    let zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "0_test _ 3.12.txt",
            "test _ 3.12/1_Set up job.txt",
            "test _ 3.12/2_Install.txt",
            "test _ 3.12/3_Test.txt",
            "test _ 3.12/4_Complete job.txt"
        ]
    );
    sim.expire_logs(SHOP, id).unwrap();
    assert_eq!(send(&sim, "GET", &path, WRITER, None).await.status(), 410);
}

#[tokio::test]
async fn attempts_and_forks() {
    let sim = sim().await;
    let id = red(&sim);
    let sha = sim.head(SHOP, "main").unwrap().unwrap();
    let green =
        RunSpec::new("Tests", "main", &sha).job("test / 3.12", vec![Step::passes("Test", "pytest -q", "1 passed")]);
    sim.rerun_workflow(SHOP, id, green).unwrap();
    let (_, run) = call(
        &sim,
        "GET",
        &format!("/repos/acme/shop/actions/runs/{id}"),
        WRITER,
        None,
    )
    .await;
    assert_eq!(
        (&run["run_attempt"], &run["conclusion"]),
        (&json!(2), &json!("success"))
    );
    let path = format!("/repos/acme/shop/actions/runs/{id}/jobs");
    assert_eq!(call(&sim, "GET", &path, WRITER, None).await.1["total_count"], json!(1));
    assert_eq!(
        call(&sim, "GET", &format!("{path}?filter=all"), WRITER, None).await.1["total_count"],
        json!(2)
    );

    let mut spec = RunSpec::new("Tests", "main", &sha).job("test", vec![Step::fails("Test", "pytest", "no")]);
    spec.fork = Some("mallory/shop".to_owned());
    let id = sim.run_workflow(SHOP, spec).unwrap();
    let (_, run) = call(
        &sim,
        "GET",
        &format!("/repos/acme/shop/actions/runs/{id}"),
        WRITER,
        None,
    )
    .await;
    assert_eq!(
        (&run["head_repository"]["full_name"], &run["pull_requests"]),
        (&json!("mallory/shop"), &json!([]))
    );
    assert_eq!(run["repository"]["full_name"], json!(SHOP));
}
