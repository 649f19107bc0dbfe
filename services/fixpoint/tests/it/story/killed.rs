//! kill -9 of the fixer wherever an attempt can be: there is one pull request in the end, one branch, one message.

use crate::world::World;
use domain::attempt::Stage;
use domain::message::Kind;
use github_sim::{Fault, FaultKind};
use serde_json::{Value, json};

/// Where the fixer dies.
#[derive(Clone, Copy)]
enum At {
    /// When it says that it has entered a stage. The message is lost with it; the work may be a moment further by then.
    Stage(Stage),
    /// When it sends a message, which is lost with it.
    Message(Kind),
    /// While GitHub holds a request of it. The request goes on when the next fixer has done everything.
    RequestBefore(&'static str, &'static str),
    /// The same, and the request goes on before the next fixer starts.
    RequestAfter(&'static str, &'static str),
}

/// The fence of the newest attempt, and the fixer that has claimed it.
fn held(job: &Value) -> (i64, Value) {
    let attempt = job["attempts"].as_array().unwrap().last().unwrap();
    (attempt["fence"].as_i64().unwrap(), attempt["worker"].clone())
}

async fn dies(at: At) {
    let mut world = World::new().await;
    let (sha, log) = world.pushed_by_mistake("main");
    world.settle().await;
    let mut late = None;
    let killed = match at {
        At::Stage(_) | At::Message(_) => {
            let hold = match at {
                At::Stage(stage) => world.hold_stage(stage),
                At::Message(kind) => world.hold(kind),
                _ => unreachable!("these are requests"),
            };
            world.github.fail_workflow_with("main", &sha, &log);
            hold.caught().await;
            let killed = held(&world.job().await);
            world.kill_fixer().await;
            hold.release();
            killed
        }
        At::RequestBefore(method, path) | At::RequestAfter(method, path) => {
            let fault = world
                .github
                .faults()
                .push(Fault::once(method, path, FaultKind::Block))
                .unwrap();
            world.github.fail_workflow_with("main", &sha, &log);
            world.within(path, fault.reached()).await;
            let killed = held(&world.job().await);
            world.kill_fixer().await;
            late = Some(fault);
            killed
        }
    };
    if let (At::RequestAfter(..), Some(fault)) = (at, &late) {
        fault.release();
    }
    world.start_fixer();
    let job = world
        .job_until("the next fixer publishes", |job| job["state"] == "succeeded")
        .await;
    if let Some(fault) = late {
        fault.release();
    }
    world.settle().await;

    let next = held(&job);
    let claimed = !matches!(at, At::Message(Kind::AttemptClaim));
    assert_eq!(killed.1.is_string(), claimed, "the first fixer had claimed: {killed:?}");
    assert!(
        next.0 > killed.0,
        "the second fixer has a newer fence: {killed:?}, {next:?}"
    );
    assert!(
        next.1.is_string() && next.1 != killed.1,
        "it is another fixer: {killed:?}, {next:?}"
    );
    let pull = world.pull();
    assert_eq!(job["pull_request"]["head_sha"], json!(pull.head_sha));
    assert_eq!(world.own_branches(), std::slice::from_ref(&pull.head));
    assert_eq!(world.job().await["pull_request"]["hands_off"], json!(false));
    assert_eq!(world.said().len(), 1, "{:#?}", world.said());
    assert!(world.github.run_tests(&pull.head_sha).0, "the branch is green");
    world.done().await;
}

macro_rules! dies {
    ($($name:ident: $at:expr;)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            dies($at).await;
        }
    )* };
}

dies! {
    when_it_claims: At::Message(Kind::AttemptClaim);
    when_it_checks_out: At::RequestBefore("", r"shop\.git/");
    when_it_reads_the_log: At::RequestBefore("GET", r"/actions/jobs/\d+/logs$");
    when_it_prepares: At::Stage(Stage::Prepare);
    when_it_reproduces: At::Stage(Stage::Reproduce);
    when_it_proposes: At::Stage(Stage::Propose);
    when_it_judges: At::Stage(Stage::Judge);
    when_it_proves: At::Stage(Stage::Prove);
    when_it_asks: At::Message(Kind::MayPublish);
    when_it_pushes_and_the_push_comes_late: At::RequestBefore("POST", r"shop\.git/git-receive-pack$");
    when_it_pushes_and_the_push_comes_early: At::RequestAfter("POST", r"shop\.git/git-receive-pack$");
    when_it_opens_the_pull_request_and_that_comes_late: At::RequestBefore("POST", r"/pulls$");
    when_it_opens_the_pull_request_and_that_comes_early: At::RequestAfter("POST", r"/pulls$");
    when_it_reports: At::Message(Kind::AttemptFinished);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_the_attempt_end() {
    let mut world = World::new().await;
    let (sha, log) = world.pushed_by_mistake("main");
    let proving = world.hold_stage(Stage::Reproduce);
    world.github.fail_workflow_with("main", &sha, &log);
    proving.caught().await;
    proving.release();
    world.stop_fixer().await;
    let job = world
        .job_until("the attempt ends", |job| job["state"] == "succeeded")
        .await;
    assert_eq!(job["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(world.pulls().len(), 1);
    world.done().await;
}
