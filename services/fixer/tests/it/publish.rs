//! Publishing against a GitHub on loopback: whoever was stopped for too long leaves it alone, and nobody's commit is overwritten.

use domain::pull_request::OpenedPullRequest;
use domain::repo::{BranchName, CommitSha, RepoName};
use fixer::publish::{Publication, PublishError, publish};
use fixer::text::Words;
use fixer::workspace::git::Credential;
use fixer::workspace::mirror::{Mirror, Mirrors};
use fixer::workspace::tree::Committer;
use github::{AuthSettings, Door};
use github_sim::{Fault, FaultHandle, FaultKind, Sim, SimOptions, Token};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

const SHOP: &str = "acme/shop";
const TOKEN: &str = "ghp_0123456789abcdefABCDEF";
const OURS: &str = "fixpoint/ci-0123-g1";
/// A right that lasts longer than a test.
const LONG: Duration = Duration::from_secs(60);

/// A repository with a fix that is ready to be published.
struct Desk {
    sim: Sim,
    door: Door,
    mirror: Mirror,
    base: CommitSha,
    tree: String,
    /// Every attempt has a later time.
    clock: AtomicI64,
    _home: TempDir,
}

impl Desk {
    async fn new() -> Self {
        let tokens = vec![Token::write(TOKEN, "fixpoint-bot")];
        let sim = Sim::start(SimOptions {
            tokens,
            ..SimOptions::default()
        })
        .await
        .unwrap();
        sim.repository(SHOP).file("cart.py", "broken\n").create().unwrap();
        sim.commit(SHOP, "mended", [("cart.py", "mended\n")], "fixpoint-bot", "Mend")
            .unwrap();
        let door = Door::new(&github::Settings {
            api_url: sim.url().to_owned(),
            auth: AuthSettings {
                token: Some(TOKEN.into()),
                app: None,
            },
            ..github::Settings::default()
        });
        let (door, home) = (door.unwrap(), tempfile::tempdir().unwrap());
        let url = door.clone_url(&shop());
        let credential = Credential {
            origin: sim.web_url().to_owned(),
            user: "x-access-token".to_owned(),
            password: TOKEN.into(),
        };
        let mirror = Mirrors::under(home.path())
            .open(&shop(), url, Some(credential))
            .await
            .unwrap();
        let base = mirror.fetch(&branch("main")).await.unwrap();
        let mended = mirror.fetch(&branch("mended")).await.unwrap();
        let tree = mirror.git().tree_of(mended.as_str()).await.unwrap();
        Self {
            sim,
            door,
            mirror,
            base,
            tree,
            clock: AtomicI64::new(1_800_000_000),
            _home: home,
        }
    }

    /// Publishes by a right that lasts for so long.
    async fn publish(&self, lasts: Duration) -> Result<OpenedPullRequest, PublishError> {
        let words = Words {
            title: "Mend the cart".into(),
            body: "Because.".into(),
            commit: "Mend the cart".into(),
        };
        let committer = Committer {
            name: "Fixpoint".into(),
            email: "fixpoint@example.com".into(),
            at: self.clock.fetch_add(60, Ordering::SeqCst),
        };
        let until = Instant::now() + lasts;
        let what = Publication {
            repo: &shop(),
            branch: &branch(OURS),
            base: &branch("main"),
            base_sha: &self.base,
            tree: &self.tree,
            words: &words,
            committer: &committer,
            draft_reasons: &[],
            proof: "3 tests pass",
            unverified: false,
            until,
            mark_until: until,
        };
        publish(&self.mirror, &self.door, &what).await
    }

    fn block(&self, method: &str, path: &str) -> FaultHandle {
        self.sim
            .faults()
            .push(Fault::once(method, path, FaultKind::Block))
            .unwrap()
    }

    fn head(&self) -> Option<String> {
        self.sim.head(SHOP, OURS).unwrap()
    }
}

fn shop() -> RepoName {
    RepoName::parse(SHOP).unwrap()
}

fn branch(name: &str) -> BranchName {
    BranchName::parse(name).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_comes_back_after_its_right_has_ended_pushes_nothing() {
    let desk = Desk::new().await;
    // It is stopped while it looks at the branch.
    let look = desk.block("GET", r"shop\.git/info/refs");
    let (published, ()) = tokio::join!(desk.publish(Duration::from_secs(1)), async {
        look.reached().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        look.release();
    });
    assert!(matches!(published, Err(PublishError::TooLate)), "{published:?}");
    assert_eq!((desk.head(), desk.sim.pulls(SHOP).len()), (None, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_comes_back_after_its_push_proposes_nothing() {
    let desk = Desk::new().await;
    let push = desk.block("POST", r"shop\.git/git-receive-pack$");
    let (published, ()) = tokio::join!(desk.publish(Duration::from_secs(3)), async {
        push.reached().await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        push.release();
    });
    assert!(matches!(published, Err(PublishError::TooLate)), "{published:?}");
    assert!(desk.head().is_some());
    assert_eq!(desk.sim.pulls(SHOP).len(), 0);
    // The next attempt finds what was pushed, and makes one pull request of it.
    let head = desk.head();
    let opened = desk.publish(LONG).await.unwrap();
    assert_eq!(
        (Some(opened.head_sha.to_string()), desk.sim.pulls(SHOP).len()),
        (head, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_pushes_between_our_look_and_our_push_stays() {
    let desk = Desk::new().await;
    let look = desk.block("POST", r"shop\.git/git-upload-pack$");
    let (published, theirs) = tokio::join!(desk.publish(LONG), async {
        look.reached().await;
        // The next time that git asks for the references, it is about to push.
        let pushing = desk.block("GET", r"shop\.git/info/refs");
        look.release();
        pushing.reached().await;
        let theirs = desk
            .sim
            .commit(SHOP, OURS, [("NOTES.md", "mine\n")], "ada", "I was first")
            .unwrap();
        pushing.release();
        theirs
    });
    assert!(matches!(published, Err(PublishError::HandsOff(_))), "{published:?}");
    assert_eq!((desk.head(), desk.sim.pulls(SHOP).len()), (Some(theirs), 0));
}
