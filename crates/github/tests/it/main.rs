//! The door against a GitHub on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod app;
mod conformance;
mod limit;
mod log;
mod pull;
mod repository;
mod retry;

use domain::repo::{BranchName, CommitSha, RepoName};
use github::{AuthSettings, Door, NewPull, RetrySettings, Settings};
use github_sim::{AppIdentity, Fault, FaultKind, Sim, SimOptions, Token};
use secrecy::SecretString;

const SHOP: &str = "acme/shop";
const TOKEN: &str = "ghp_0123456789abcdefABCDEF";

fn shop() -> RepoName {
    RepoName::parse(SHOP).unwrap()
}

fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

async fn sim() -> Sim {
    let options = SimOptions {
        app: Some(AppIdentity::simulated(4711, "fixpoint").unwrap()),
        tokens: vec![Token::write(TOKEN, "octocat"), Token::read("ghp_reader", "reader")],
        ..SimOptions::default()
    };
    let sim = Sim::start(options).await.unwrap();
    sim.repository(SHOP)
        .file("README.md", "# Shop\n")
        .collaborator("grace", "maintain")
        .create()
        .unwrap();
    sim
}

/// Settings with waits that tests can afford.
fn settings(sim: &Sim, auth: AuthSettings) -> Settings {
    Settings {
        api_url: sim.url().to_owned(),
        auth,
        timeout_secs: 2,
        retry: RetrySettings {
            ladder_ms: vec![10, 20, 40],
            secondary_wait_secs: 60,
            patience_secs: 5,
        },
        ..Settings::default()
    }
}

fn with_token(token: &str) -> AuthSettings {
    AuthSettings {
        token: Some(SecretString::from(token)),
        app: None,
    }
}

fn door(sim: &Sim) -> Door {
    Door::new(&settings(sim, with_token(TOKEN))).unwrap()
}

/// A branch with one commit more than main.
fn pushed(sim: &Sim, name: &str) -> CommitSha {
    CommitSha::parse(&sim.commit(SHOP, name, [("fix.txt", name)], "fixpoint", "Fix").unwrap()).unwrap()
}

fn new_pull(head: &str) -> NewPull {
    NewPull {
        title: "Fix the cart".to_owned(),
        body: "Because.".to_owned(),
        head: branch(head),
        base: branch("main"),
        draft: false,
    }
}

fn break_once(sim: &Sim, method: &str, path: &str, kind: FaultKind) -> github_sim::FaultHandle {
    sim.faults().push(Fault::once(method, path, kind)).unwrap()
}

/// How often the simulator saw such a request.
fn seen(sim: &Sim, method: &str, end: &str) -> usize {
    sim.requests()
        .iter()
        .filter(|one| one.method == method && one.path.ends_with(end))
        .count()
}
