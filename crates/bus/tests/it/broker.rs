//! A broker of one test's own, that can be killed, frozen and started again.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A private broker, gone with this value.
pub struct Broker {
    folder: String,
    url: String,
}

#[allow(clippy::disallowed_methods, reason = "a test starts the server that it speaks to")]
fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn script(arguments: &[&str]) -> String {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/rabbitmq.sh");
    let mut all = vec![script.to_str().unwrap()];
    all.extend(arguments);
    let output = run("sh", &all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Broker {
    pub fn start() -> Self {
        let started = script(&["start"]);
        let (folder, url) = started.split_once(' ').unwrap();
        Self {
            folder: folder.to_owned(),
            url: url.to_owned(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    fn signal(&self, signal: &str) {
        let pid = script(&["pid", &self.folder]);
        assert!(run("kill", &[signal, &pid]).status.success(), "kill {signal} {pid}");
    }

    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    pub fn kill(&self) {
        self.signal("-KILL");
    }

    pub fn start_again(&self) {
        script(&["start", &self.folder]);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        script(&["stop", &self.folder]);
    }
}
