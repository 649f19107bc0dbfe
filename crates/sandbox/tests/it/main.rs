//! One binary of integration tests: hostile programs in the real sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests look at their own environment and prepare toolchains"
)]

mod confinement;
mod egress;
mod limits;
mod unconfined;

use std::time::Duration;

use sandbox::{Bubblewrap, Command, Finished, Limits, Sandbox, Settings};

/// The sandbox of this machine, or `None`, said aloud, where there is no bubblewrap. In CI that is a failure.
fn bubblewrap() -> Option<Bubblewrap> {
    match Bubblewrap::detect(&Settings::default()) {
        Ok(found) => Some(found),
        Err(reason) => {
            #[allow(
                clippy::disallowed_methods,
                reason = "tests look at CI to know whether they may skip"
            )]
            let ci = std::env::var_os("CI").is_some();
            assert!(!ci, "in CI the sandbox must work: {reason}");
            println!("SKIPPED 1: {reason}");
            None
        }
    }
}

fn small() -> Limits {
    Limits {
        wall: Duration::from_secs(20),
        cpu: Duration::from_secs(20),
        memory_bytes: 256 << 20,
        processes: 32,
        ..Limits::default()
    }
}

fn python(program: &str) -> Command {
    Command::new(["/usr/bin/python3", "-I", "-c", program]).limits(small())
}

fn shell(script: &str) -> Command {
    Command::new(["/bin/sh", "-c", script]).limits(small())
}

async fn run(sandbox: &impl Sandbox, command: Command) -> Finished {
    let finished = sandbox.run(&command).await.expect("the sandbox starts");
    println!(
        "{:?}\n{}\n{}",
        finished.exit, finished.stdout.text, finished.stderr.text
    );
    finished
}
