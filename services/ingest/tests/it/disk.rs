//! A disk that is really full: the process may write no more, as the kernel tells it in the middle of a record.

use crate::site::{GITHUB_SECRET, PATIENT, Site, answer, memory, push};
use domain::message::Decision;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use testkit::{eventually, github_signature, http_client};
use uuid::Uuid;

/// The doors as a process, whose files may have only so many bytes; killed when this is dropped.
struct Doors {
    process: Child,
    url: String,
    client: reqwest::Client,
}

impl Doors {
    #[allow(clippy::disallowed_methods, reason = "the test starts the program that it is about")]
    async fn open(home: &Path) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        // Without the trap the kernel would end the process instead of refusing the write.
        let script = "trap '' XFSZ; ulimit -S -f 64; exec \"$0\"";
        let process = Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_ingest")])
            .env("FIXPOINT__DATA__DIR", home)
            .env("FIXPOINT__BUS__URL", "memory://")
            .env("FIXPOINT__SERVER__LISTEN", free.to_string())
            .env("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let doors = Self {
            process,
            url: format!("http://{free}"),
            client: http_client(PATIENT).unwrap(),
        };
        let ready = async || {
            let asked = doors.client.get(format!("{}/health/ready", doors.url)).send().await;
            asked.ok().filter(|answer| answer.status() == 200)
        };
        eventually("it is ready", PATIENT, ready).await.unwrap();
        doors
    }

    /// Sends a push; its delivery's id when it was taken, else nothing.
    async fn send(&self, payload: &Value) -> Option<String> {
        let body = payload.to_string();
        let tag = github_signature(GITHUB_SECRET, body.as_bytes());
        let request = self.client.post(format!("{}/webhooks/github", self.url));
        let request = request
            .header("X-GitHub-Event", "push")
            .header("X-Hub-Signature-256", tag);
        let (status, said) = answer(request.body(body)).await;
        assert!(matches!(status, 202 | 503), "{status}: {said}");
        (status == 202).then(|| said["deliveryId"].as_str().unwrap().to_owned())
    }

    #[allow(clippy::disallowed_methods, reason = "the test makes room on the disk")]
    fn make_room(&self) {
        let pid = self.process.id().to_string();
        let raised = Command::new("prlimit")
            .args(["--pid", &pid, "--fsize=unlimited"])
            .status();
        assert!(raised.unwrap().success());
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A push that takes about four KiB, also when it is packed.
fn large(number: u32) -> Value {
    let mut payload = push(number);
    payload["noise"] = (0..128).map(|_| Uuid::new_v4().simple().to_string()).collect();
    payload
}

#[tokio::test]
async fn a_disk_that_is_full_is_a_503_until_there_is_room_and_nothing_is_lost() {
    let home = Arc::new(tempfile::tempdir().unwrap());
    let doors = Doors::open(home.path()).await;
    let mut accepted = BTreeSet::new();
    let mut refused = 0;
    for number in 0..100 {
        match doors.send(&large(number)).await {
            Some(delivery) => assert!(accepted.insert(delivery)),
            None => refused += 1,
        }
        if refused == 3 {
            break;
        }
    }
    assert!(!accepted.is_empty() && refused == 3, "{} were accepted", accepted.len());
    let ready = doors
        .client
        .get(format!("{}/health/ready", doors.url))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), 503);
    doors.make_room();
    // Smaller than what was cut off in the middle.
    accepted.insert(doors.send(&push(100)).await.expect("there is room"));
    drop(doors);

    let mut site = Site::reopen(Arc::clone(&home), memory(), |_| {}).await;
    let heard = site.decide(|_| Some(Decision::Noted));
    eventually("the spool is empty", PATIENT, async || {
        (site.ingest.depth().entries == 0).then_some(())
    })
    .await
    .unwrap();
    let heard: Vec<String> = heard
        .lock()
        .unwrap()
        .iter()
        .map(|one| one.delivery.id.to_string())
        .collect();
    assert_eq!((heard.len(), heard.into_iter().collect()), (accepted.len(), accepted));
    let damaged = home.path().join("spool/0000000001.damaged");
    assert!(!damaged.exists(), "what was refused has left something behind");
}
