//! What the one process of `fixpoint up` says of itself, and the page that says what is measured.

use regex::Regex;
use serde_json::{Value, json};
use settings::Source;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use testkit::{eventually, http_client};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_is_ready_when_all_of_its_parts_are() {
    let home = tempfile::tempdir().unwrap();
    let source = Source::default()
        .set("data.dir", home.path().to_str().unwrap())
        .set("server.listen", "127.0.0.1:0");
    let stop = CancellationToken::new();
    let running = fixpoint::up::start(&source, stop.clone()).await.unwrap();
    let (address, client) = (running.address, http_client(PATIENCE).unwrap());
    let get = async |path: &str| {
        let answer = client.get(format!("http://{address}{path}")).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    };
    let ready = async |status: u16, reasons: Value| {
        let said = async || {
            let (now, said) = get("/health/ready").await?;
            let said: Value = serde_json::from_str(&said).unwrap();
            (now == status && said["reasons"] == reasons && said["spool"]["deliveries"] == 0).then_some(())
        };
        eventually(&format!("it says {status} {reasons}"), PATIENCE, said)
            .await
            .unwrap();
    };
    ready(200, json!([])).await;
    assert_eq!(get("/health/live").await, Some((200, r#"{"status":"ok"}"#.to_owned())));
    assert_eq!(get("/health").await.unwrap().0, 200);
    let measured = async || {
        let (_, text) = get("/metrics").await?;
        let of_each = [
            "ingest_spool_deliveries",
            "bus_queue_ready{queue=\"fixer.fix\"}",
            "fixer_attempts_running{kind=\"fix\"}",
            "notifier_notices_waiting{channel=\"slack\"}",
        ];
        of_each.iter().all(|name| text.contains(name)).then_some(())
    };
    eventually("all parts are measured", PATIENCE, measured).await.unwrap();

    // Somebody else has the whole database for a while.
    let url = format!("sqlite://{}", home.path().join("fixpoint.db").display());
    let other = tokio::task::spawn_blocking(move || planner::store::Store::open(&url, 1).unwrap());
    let other = other.await.unwrap();
    let long = other.tx(|_, _| {
        std::thread::sleep(Duration::from_secs(4));
        Ok(())
    });
    let (locked, ()) = tokio::join!(long, ready(503, json!(["the database does not answer"])));
    locked.unwrap();
    ready(200, json!([])).await;
    stop.cancel();
    tokio::time::timeout(PATIENCE, running.wait(&stop))
        .await
        .unwrap()
        .unwrap();
}

/// Every source file below a folder, as one text without its tests.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            all.push_str(text.split("#[cfg(test)]").next().unwrap_or_default());
        }
    }
}

#[test]
fn the_page_of_metrics_and_the_source_name_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut source = String::new();
    for member in ["crates", "services"] {
        for folder in std::fs::read_dir(root.join(member)).unwrap() {
            sources(&folder.unwrap().path().join("src"), &mut source);
        }
    }
    let made = Regex::new(r#"metric::(counter|gauge|duration|seconds|level|table)\(\s*"([^"]+)""#).unwrap();
    let shown: BTreeSet<String> = made
        .captures_iter(&source)
        .map(|found| {
            let name = found[2].replace('.', "_");
            match &found[1] {
                "counter" => format!("{name}_total"),
                "duration" => format!("{name}_seconds"),
                "seconds" => format!("{name}_seconds_total"),
                _ => name,
            }
        })
        .collect();
    let page = std::fs::read_to_string(root.join("docs/METRICS.md")).unwrap();
    let row = Regex::new(r"(?m)^\| `([a-z_]+)` \| (?:counter|gauge|histogram) \|").unwrap();
    let documented: BTreeSet<String> = row.captures_iter(&page).map(|found| found[1].to_owned()).collect();
    assert!(shown.len() > 20, "{shown:?}");
    assert_eq!(shown, documented);
}
