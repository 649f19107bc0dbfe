//! The sandbox that is none: its limits still hold, and nobody gets it without asking.

use std::time::{Duration, Instant};

use sandbox::{Exit, Level, Limits, Mount, Sandbox, Settings, Unconfined};

use crate::{python, run, shell, small};

#[tokio::test]
async fn keeps_the_limits() {
    let sandbox = Unconfined::accept_the_risk();
    assert_eq!(sandbox.level(), Level::Unconfined);
    let folder = tempfile::tempdir().unwrap();
    let finished = run(
        &sandbox,
        shell("pwd; cat /work/file; env | cut -d= -f1 | sort | tr '\\n' ' '")
            .env("GIVEN", "1")
            .mount({
                std::fs::write(folder.path().join("file"), "text\n").unwrap();
                Mount::read_write(folder.path(), "/work")
            })
            .cwd("/work"),
    )
    .await;
    let host = folder.path().canonicalize().unwrap();
    assert_eq!(
        finished.stdout.text,
        format!("{}\ntext\nGIVEN HOME LANG PATH PWD TMPDIR ", host.display())
    );

    let limits = Limits {
        wall: Duration::from_secs(1),
        ..small()
    };
    let started = Instant::now();
    let hung = run(&sandbox, shell("(sleep 60) & sleep 60").limits(limits)).await;
    assert_eq!(hung.exit, Exit::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(3));
    let eater = run(
        &sandbox,
        python("b = bytearray()\nwhile True: b += b'x' * (1 << 20)").address_space_ok(true),
    )
    .await;
    assert!(
        eater.exit == Exit::OutOfMemory || eater.stderr.text.contains("MemoryError"),
        "{:?}",
        eater.exit
    );
    assert_eq!(run(&sandbox, shell("kill -SEGV $$")).await.exit, Exit::Signal(11));
}

#[test]
fn nobody_gets_it_without_asking() {
    let absent = Settings {
        bwrap: Some("/absent/bwrap".into()),
        ..Settings::default()
    };
    match sandbox::open(&absent) {
        Ok(sandbox) => assert_ne!(sandbox.level(), Level::Unconfined),
        Err(reason) => assert!(reason.to_string().contains("apt-get install -y bubblewrap")),
    }
}
