//! A fleet of stand-ins for the services: each is a small program that says what it was told, and answers that it is ready.
//! The servers are real.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use fleet::{Ended, Fleet, Options, Service};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Writes what it was told into its folder, starts something that outlives it, and answers.
const STAND_IN: &str = r#"#!/usr/bin/env python3
import http.server, os, subprocess, sys
folder = os.environ["FIXPOINT__DATA__DIR"]
print(f"{sys.argv[0]} starts", flush=True)
if "BREAK" in os.environ:
    sys.exit("this setting cannot work")
with open(f"{folder}/told", "w") as told:
    told.write("\n".join(sorted(os.environ)))
if "FORK" in os.environ:
    subprocess.Popen(["sleep", "300"])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_):
        pass
host, port = os.environ["FIXPOINT__SERVER__LISTEN"].split(":")
http.server.HTTPServer((host, int(port)), Answer).serve_forever()
"#;

/// Programs and home of a fleet, below the workspace, where its scripts are found.
fn folder() -> TempDir {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for service in Service::ALL {
        let program = folder.path().join(service.as_str());
        std::fs::write(&program, STAND_IN).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn options(folder: &Path) -> Options {
    Options {
        broker: Some("amqp://nobody".into()),
        ..Options::new(folder, folder.join("home"))
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < end, "this did not come true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn processes_are_killed_frozen_asked_to_end_and_started_again() {
    let folder = folder();
    let options = Options {
        planners: 2,
        ..options(folder.path())
    }
    .set("GITHUB_TOKEN", "t")
    .set("FORK", "1");
    let fleet = Fleet::start(options).await.unwrap();
    let names: Vec<&str> = fleet.processes().iter().map(|process| process.name()).collect();
    assert_eq!(names, ["ingest-1", "planner-1", "planner-2", "fixer-1", "notifier-1"]);
    assert_eq!(fleet.of(Service::Planner).count(), 2);

    let told = |name: &str| std::fs::read_to_string(folder.path().join("home").join(name).join("told")).unwrap();
    assert!(told("planner-1").contains("GITHUB_TOKEN") && told("planner-1").contains("DATABASE_URL"));
    for other in ["ingest-1", "fixer-1", "notifier-1"] {
        assert!(!told(other).contains("GITHUB_TOKEN") && !told(other).contains("DATABASE_URL"));
    }
    assert!(!told("fixer-1").contains("CARGO"), "our own surroundings stay ours");

    let fixer = fleet.process("fixer-1").unwrap();
    let first = fixer.pid().unwrap();
    assert!(fixer.usage().unwrap().resident > 1 << 20);
    fixer.kill().unwrap();
    assert!(!fixer.is_alive() && fixer.fell().is_none() && fixer.kill().is_err());
    assert_eq!(
        fixer
            .strays()
            .iter()
            .map(|stray| stray.name.as_str())
            .collect::<Vec<_>>(),
        ["sleep"]
    );
    fixer.start().unwrap();
    fixer.ready(Duration::from_secs(10)).await.unwrap();
    assert_ne!(fixer.pid().unwrap(), first);

    let planner = fleet.process("planner-2").unwrap();
    planner.freeze();
    assert!(planner.is_alive() && planner.ready(Duration::from_millis(50)).await.is_err());
    planner.thaw();
    planner.ready(Duration::from_secs(10)).await.unwrap();

    assert!(matches!(
        planner.terminate(Duration::from_secs(10)).await,
        Ended::Asked(_)
    ));
    assert_eq!(planner.terminate(Duration::from_secs(10)).await, Ended::NotRunning);
    assert!(planner.fell().is_none(), "it was asked");
    let stray = fixer.strays().remove(0);
    for (name, ended) in fleet.stop(Duration::from_secs(10)).await {
        assert_eq!(
            matches!(ended, Ended::Asked(_)),
            name != "planner-2",
            "{name}: {ended:?}"
        );
    }
    until("what was left behind is gone", || !stray.is_alive()).await;
}

#[tokio::test]
async fn a_service_that_does_not_start_is_named_with_its_log() {
    let folder = folder();
    let error = Fleet::start(options(folder.path()).set("BREAK", "1"))
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("ended before it was ready") && error.contains("this setting cannot work"),
        "{error}"
    );
    std::fs::remove_file(folder.path().join("notifier")).unwrap();
    let error = Fleet::start(options(folder.path())).await.err().unwrap().to_string();
    assert!(error.contains("notifier: build it first"), "{error}");
}

#[tokio::test]
async fn the_servers_go_and_come_back_with_what_they_had() {
    let folder = folder();
    let fleet = Fleet::start(Options {
        broker: None,
        ..options(folder.path())
    })
    .await
    .unwrap();
    let (broker, postgres) = (fleet.broker(), fleet.postgres());

    postgres
        .query("create table kept (x text); insert into kept values ('a b')")
        .await
        .unwrap();
    assert_eq!(postgres.query("show synchronous_commit").await.unwrap(), [["on"]]);
    postgres.halt().await.unwrap();
    assert!(postgres.query("select 1").await.is_err());
    postgres.start_again().await.unwrap();
    assert_eq!(postgres.query("select x, 1 from kept").await.unwrap(), [["a b", "1"]]);
    assert_eq!(postgres.terminate_backends().await.unwrap(), 0);

    let port = broker
        .url()
        .split_once('@')
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0
        .to_owned();
    let answers = || {
        let mut stream = std::net::TcpStream::connect(&port).ok()?;
        stream.set_read_timeout(Some(Duration::from_millis(500))).ok()?;
        std::io::Write::write_all(&mut stream, b"AMQP\x00\x00\x09\x01").ok()?;
        std::io::Read::read_exact(&mut stream, &mut [0]).ok()
    };
    assert!(answers().is_some());
    broker.freeze().await.unwrap();
    assert!(answers().is_none(), "frozen");
    broker.thaw().await.unwrap();
    until("it answers again", || answers().is_some()).await;
    broker.kill().await.unwrap();
    until("it is gone", || answers().is_none()).await;
    broker.start_again().await.unwrap();
    assert!(answers().is_some());
    broker.halt().await.unwrap();
    assert!(answers().is_none(), "halted");
    broker.start_again().await.unwrap();
    assert!(answers().is_some());
    drop(fleet);
    assert!(answers().is_none(), "nothing is left");
}
