//! The sandbox that is none: its limits still hold, and nobody gets it without asking.

use std::path::Path;
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
    match sandbox::open(&Settings::default()) {
        Ok(sandbox) => assert_ne!(sandbox.level(), Level::Unconfined),
        Err(reason) => assert!(reason.to_string().contains("sandbox.allow_unconfined")),
    }
}

#[test]
fn a_program_that_was_named_is_not_replaced() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (folder, not_executable) = (file.path().parent().unwrap(), file.path());
    for (path, allow_unconfined) in [
        (Path::new("/absent/bwrap"), false),
        (not_executable, false),
        (folder, false),
        (Path::new("/absent/bwrap"), true),
    ] {
        let settings = Settings {
            bwrap: Some(path.to_owned()),
            allow_unconfined,
            ..Settings::default()
        };
        let error = sandbox::open(&settings).err().unwrap().to_string();
        assert_eq!(
            error,
            format!("sandbox.bwrap is {}: there is no such program", path.display())
        );
    }
}
