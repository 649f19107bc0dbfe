//! What the fixer says of itself, and what may be typed.

use bus::{Bus, MemoryBus};
use fixer::{Fixer, Settings, process};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use testkit::{eventually, http_client};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(20);

fn own(home: &TempDir) -> Settings {
    let source = ::settings::Source::default()
        .set("data.dir", home.path().to_str().unwrap())
        // No code of a repository is run.
        .set("sandbox.allow_unconfined", "true");
    Settings::read(&::settings::Settings::load(&source).unwrap()).unwrap()
}

#[tokio::test]
async fn a_process_says_whether_it_can_do_its_work() {
    let client = http_client(PATIENCE).unwrap();
    let memory: Arc<dyn Bus> = Arc::new(MemoryBus::default());
    // Nobody listens there.
    let url = "amqp://127.0.0.1:9".to_owned().into();
    let away = bus::open(&bus::Settings { url }).await.unwrap();
    for (bus, status, wanted) in [
        (memory, 200, json!({"status": "ok", "reasons": []})),
        (
            away,
            503,
            json!({"status": "not ready", "reasons": ["the broker does not answer"]}),
        ),
    ] {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let stop = CancellationToken::new();
        let home = tempfile::tempdir().unwrap();
        let (own, until) = (own(&home), stop.clone());
        let served = tokio::spawn(async move { process::serve(own, &address.to_string(), bus, until).await });
        let get = async |path: &str| {
            let answer = client.get(format!("http://{address}{path}")).send().await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        };
        let said = async || {
            let (now, said) = get("/health/ready").await?;
            let said: Value = serde_json::from_str(&said).unwrap();
            ((now, &said) == (status, &wanted)).then_some(())
        };
        eventually(&format!("it says {wanted}"), PATIENCE, said).await.unwrap();
        assert_eq!(get("/health/live").await, Some((200, r#"{"status":"ok"}"#.to_owned())));
        let (_, metrics) = get("/metrics").await.unwrap();
        assert!(metrics.contains("fixer_attempts_running{kind=\"fix\"} 0"), "{metrics}");
        stop.cancel();
        tokio::time::timeout(PATIENCE, served).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn it_is_ready_while_its_queue_is_consumed() {
    let home = tempfile::tempdir().unwrap();
    let (stop, bus): (_, Arc<dyn Bus>) = (CancellationToken::new(), Arc::new(MemoryBus::default()));
    let fixer = Fixer::open(own(&home), bus, stop.clone()).unwrap();
    let health = fixer.health();
    assert_eq!(health.reasons().await, ["the queue fixer.fix is not consumed"]);
    let working = tokio::spawn(fixer.work());
    eventually("it is ready", PATIENCE, async || {
        health.reasons().await.is_empty().then_some(())
    })
    .await
    .unwrap();
    stop.cancel();
    working.await.unwrap().unwrap();
    assert_eq!(
        health.reasons().await,
        ["the queue fixer.fix is not consumed", "it is stopping"]
    );
}

fn fixer(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fixer"))
        .env_clear()
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_mistake_on_the_command_line_is_one_sentence() {
    for (arguments, sentence) in [
        (
            &["--kind", "fix"][..],
            "fixer: `--kind` is no flag of the fixer: --kinds, --workers and --help are",
        ),
        (&["--workers"], "fixer: --workers needs a value; --help shows one"),
        (
            &["--workers", "many"],
            "fixer: fixer.workers is \"many\": a whole number is needed",
        ),
        (
            &["--workers=0"],
            "fixer: fixer.workers cannot be used: without a worker no attempt is ever begun; 1 is the least",
        ),
        (
            &["--kinds", "fix,mend"],
            "fixer: fixer.kinds cannot be used: `mend` is no kind of attempt: fix, analyse and validate are",
        ),
        (
            &["--kinds=fix,analyse"],
            "fixer: fixer.kinds cannot be used: `analyse` cannot be carried out by this version; `fix` can",
        ),
    ] {
        let output = fixer(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.trim_end()), (Some(2), sentence));
    }
    let help = fixer(&["--help"]);
    let said = String::from_utf8(help.stdout).unwrap();
    assert!(
        help.status.success() && said.contains("--kinds KIND,…") && said.contains("--workers N"),
        "{said}"
    );
}
