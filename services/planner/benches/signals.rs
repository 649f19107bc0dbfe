//! How many signals a planner decides in a second on Postgres, and what a long history costs.
//!
//! `make bench BENCH=planner` starts a private Postgres with its usual durability and runs this. Two databases are filled, one
//! with a thousand past incidents and one with a million; both are asked in turn, so that whatever the machine does meanwhile
//! hits both.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use domain::delivery::{Delivery, Provider};
use domain::id::DeliveryId;
use domain::message::{Decision, SignalReceived};
use domain::repo::{BranchName, CommitSha, RepoName};
use domain::signal::{Signal, WorkflowRun};
use futures::StreamExt as _;
use planner::flow::Flow;
use planner::store::Store;
use planner::{Planner, Settings};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::FreshDatabase;
use uuid::Uuid;

/// Signals in flight at once.
const IN_FLIGHT: usize = 64;
const SIGNALS: u64 = 20_000;
const SHORT: u64 = 1_000;
const LONG: u64 = 1_000_000;
/// Turns of either history, and decisions in each.
const TURNS: u64 = 20;
const DECISIONS: u64 = 100;

fn settings(url: &str) -> Settings {
    serde_json::from_value(json!({
        "database": {"url": url, "pool": 16},
        "sentry": {"enabled": true},
        "project": {"owner": "acme", "name": "shop"},
    }))
    .unwrap()
}

/// A red run that nobody has seen before.
fn red_run(number: u64) -> SignalReceived {
    let repo = RepoName::parse(&format!("acme/r{}", number % 5_000)).unwrap();
    let run = WorkflowRun {
        repo: repo.clone(),
        head_repo: Some(repo),
        run_id: 1_000_000_000 + number,
        run_attempt: 1,
        workflow: "Tests".into(),
        workflow_path: Some(".github/workflows/ci.yml".into()),
        event: "push".into(),
        conclusion: "failure".into(),
        head_branch: BranchName::parse(&format!("b{number}")).unwrap(),
        head_sha: CommitSha::parse(&format!("{number:040x}")).unwrap(),
        actor: None,
        url: None,
        installation: None,
        default_branch: None,
        title: None,
    };
    SignalReceived {
        delivery: Delivery {
            id: DeliveryId::from_uuid(Uuid::now_v7()),
            provider: Provider::GitHub,
            transport_id: Some(Uuid::new_v4().to_string()),
            semantic_key: format!("workflow_run:completed:{number}:1"),
            event: "workflow_run.completed".into(),
            received_at: chrono::Utc::now(),
        },
        signal: Signal::WorkflowRun(Box::new(run)),
    }
}

async fn open(url: &str) -> Arc<Flow> {
    let planner = Planner::open(&settings(url), Arc::new(bus::MemoryBus::default()))
        .await
        .unwrap();
    Arc::clone(planner.flow())
}

async fn decide(flow: &Flow, number: u64) -> Duration {
    let (signal, payload) = (red_run(number), bytes::Bytes::from(vec![b'x'; 1_600]));
    let began = Instant::now();
    let decision = flow.on_signal(signal, Some(payload), BTreeMap::new()).await.unwrap();
    assert!(matches!(decision, Decision::Enqueued { .. }), "{decision:?}");
    began.elapsed()
}

/// Past incidents, each with its delivery, its job and its attempt, as they are when they have ended.
async fn history(url: &str, incidents: u64) {
    let url = url.to_owned();
    let store = tokio::task::spawn_blocking(move || Store::open(&url, 1))
        .await
        .unwrap()
        .unwrap();
    let statements = format!(
        "insert into deliveries (id, provider, transport_id, semantic_key, event, received_at, payload, decision)
           select gen_random_uuid(), 'github', 'old-' || n, 'old-' || n, 'workflow_run.completed', now() - interval '2 days', null, '{{\"decision\": \"noted\"}}'
           from generate_series(1, {incidents}) n;
         insert into incidents (id, repo, what, key_body, key_fingerprint, fingerprint, generation, state, title, first_seen, last_seen, seen)
           select ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'acme/r' || (n % 5000), 'ci', '{{}}', 'old-' || n, 'old-' || n, 1, 'resolved',
             'Tests failed', now() - interval '2 days', now() - interval '2 days', 1
           from generate_series(1, {incidents}) n;
         insert into jobs (id, incident_id, repo, kind, state, retry, max_retries, not_before, fence, generation, cause, project, created_at, updated_at, finished_at)
           select ('00000000-0000-7001-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
             'acme/r' || (n % 5000), 'fix', 'succeeded', 0, 3, now() - interval '2 days', 2, 1, '{{}}', '{{}}', now() - interval '2 days', now() - interval '2 days', now() - interval '2 days'
           from generate_series(1, {incidents}) n;
         insert into attempts (id, job_id, fence, retry, state, percent, candidates, deadline, requested_at, finished_at)
           select gen_random_uuid(), ('00000000-0000-7001-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 2, 0, 'finished', 100, 5, now() - interval '2 days', now() - interval '2 days', now() - interval '2 days'
           from generate_series(1, {incidents}) n;
         analyze;"
    );
    store
        .tx(move |db, _| {
            diesel::sql_query("set local statement_timeout = 0").execute(db)?;
            Ok(db.batch_execute(&statements)?)
        })
        .await
        .unwrap();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::main]
async fn main() {
    let Some(short) = FreshDatabase::postgres().unwrap() else {
        println!("SKIPPED 1: {} is not set", testkit::database::POSTGRES);
        return;
    };
    let flow = open(short.url()).await;
    let began = Instant::now();
    let times: Vec<Duration> = futures::stream::iter(0..SIGNALS)
        .map(|number| {
            let flow = Arc::clone(&flow);
            async move { tokio::spawn(async move { decide(&flow, number).await }).await.unwrap() }
        })
        .buffer_unordered(IN_FLIGHT)
        .collect()
        .await;
    let rate = SIGNALS as f64 / began.elapsed().as_secs_f64();
    println!("| signals decided in a second, {IN_FLIGHT} in flight | {rate:.0} | target: 1000 |");
    println!(
        "| median of one of them | {:.1} ms | |",
        median(times).as_secs_f64() * 1e3
    );
    drop(flow);

    let (small, large) = (
        FreshDatabase::postgres().unwrap().unwrap(),
        FreshDatabase::postgres().unwrap().unwrap(),
    );
    let flows = [open(small.url()).await, open(large.url()).await];
    eprintln!("▸ filling two histories, {SHORT} and {LONG} incidents");
    history(small.url(), SHORT).await;
    history(large.url(), LONG).await;
    let mut costs = [Vec::new(), Vec::new()];
    for turn in 0..TURNS {
        for (flow, costs) in flows.iter().zip(&mut costs) {
            for number in turn * DECISIONS..(turn + 1) * DECISIONS {
                costs.push(decide(flow, number).await);
            }
        }
    }
    let [few, many] = costs.map(median);
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!(
        "| a decision after {SHORT} incidents | {:.2} ms | |",
        few.as_secs_f64() * 1e3
    );
    println!(
        "| a decision after {LONG} incidents | {:.2} ms, {ratio:.2} times as long | target: at most 1.2 |",
        many.as_secs_f64() * 1e3
    );
}
