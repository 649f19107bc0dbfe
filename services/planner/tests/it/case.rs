//! A fresh database, a planner and a bus for each test; the test plays the fixer.

use bus::{Answer, Bus, Consume, Envelope, MemoryBus, Queue, handler};
use chrono::{DateTime, Utc};
use diesel::RunQueryDsl as _;
use domain::attempt::{Fence, Report, Stage};
use domain::diagnosis::Diagnosis;
use domain::id::{AttemptId, DeliveryId};
use domain::job::SkipReason;
use domain::message::{
    AttemptClaim, AttemptFinished, AttemptProgressed, AttemptRequested, ClaimAnswer, Decision, MayPublish,
    MayPublishAnswer, Message, NoticeRaised, SignalDecided, SignalReceived,
};
use domain::repo::{BranchName, CommitSha};
use planner::store::types::{DbTime, Id, Time};
use planner::store::{Store, decisions, jobs};
use planner::{Planner, Settings};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use testkit::FreshDatabase;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(20);

/// One test per database, from one story.
macro_rules! both {
    ($($(#[doc = $doc:literal])* async fn $name:ident($database:ident: Database) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports, reason = "not every story needs everything")]
            use super::*;
            $(#[doc = $doc])*
            async fn story($database: $crate::case::Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                Box::pin(story($crate::case::Database::sqlite())).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::case::Database::postgres() {
                    Box::pin(story(database)).await;
                }
            }
        }
    )* };
}

/// A fresh database that is gone after the test.
pub struct Database {
    pub url: String,
    pub fresh: FreshDatabase,
}

impl Database {
    pub fn sqlite() -> Self {
        let fresh = FreshDatabase::sqlite().unwrap();
        Self {
            url: fresh.url().to_owned(),
            fresh,
        }
    }

    /// `None` where no server is offered; in CI that is a failure.
    pub fn postgres() -> Option<Self> {
        let Some(fresh) = FreshDatabase::postgres().unwrap() else {
            eprintln!("SKIPPED: {} is not set", testkit::database::POSTGRES);
            return None;
        };
        Some(Self {
            url: fresh.url().to_owned(),
            fresh,
        })
    }
}

/// Settings over a database, changed by a document.
pub fn settings(url: &str, more: &serde_json::Value) -> Settings {
    let mut all = json!({
        "database": {"url": url},
        "sentry": {"enabled": true},
        "project": {"owner": "acme", "name": "shop"},
    });
    fn overlay(under: &mut serde_json::Value, over: &serde_json::Value) {
        match (under, over) {
            (serde_json::Value::Object(under), serde_json::Value::Object(over)) => {
                over.iter()
                    .for_each(|(key, value)| overlay(under.entry(key.clone()).or_insert(json!(null)), value));
            }
            (under, over) => *under = over.clone(),
        }
    }
    overlay(&mut all, more);
    serde_json::from_value(all).unwrap()
}

/// A running planner.
pub struct Case {
    pub bus: MemoryBus,
    pub planner: Planner,
    /// The test's own connection.
    pub store: Store,
    pub stop: CancellationToken,
    pub running: JoinHandle<anyhow::Result<()>>,
    requested: Mutex<UnboundedReceiver<AttemptRequested>>,
    told: Mutex<UnboundedReceiver<NoticeRaised>>,
    pub database: Database,
}

impl Case {
    pub async fn on(database: Database) -> Self {
        Self::with(database, json!({})).await
    }

    /// Windows off, and no wait between attempts.
    pub async fn eager(database: Database) -> Self {
        Self::with(
            database,
            json!({"sentry": {"dedup_minutes": 0, "rate_limit_minutes": 0}, "planner": {"backoff_seconds": 0}}),
        )
        .await
    }

    pub async fn with(database: Database, more: serde_json::Value) -> Self {
        let bus = MemoryBus::default();
        let planner = Planner::open(&settings(&database.url, &more), Arc::new(bus.clone()))
            .await
            .unwrap();
        let (url, stop) = (database.url.clone(), CancellationToken::new());
        let store = tokio::task::spawn_blocking(move || Store::open(&url, 2))
            .await
            .unwrap()
            .unwrap();
        let running = tokio::spawn(planner.clone().run(stop.clone()));
        let requested = hear(&bus, Queue::FixerFix);
        let told = hear(&bus, Queue::NotifierNotices("slack".into()));
        Self {
            bus,
            planner,
            store,
            stop,
            running,
            requested: Mutex::new(requested),
            told: Mutex::new(told),
            database,
        }
    }

    /// Sends a signal as ingest does, and waits for the decision.
    pub async fn signal(&self, signal: SignalReceived) -> Decision {
        let envelope = Envelope::of(&signal)
            .unwrap()
            .with_attachment(bytes::Bytes::from_static(b"\x1f\x8bpayload\x00"));
        self.bus
            .request(envelope, PATIENCE)
            .await
            .unwrap()
            .read::<SignalDecided>()
            .unwrap()
            .decision
    }

    /// A signal that leads to a job, up to the attempt that the fixer is asked for.
    pub async fn admitted(&self, signal: SignalReceived) -> AttemptRequested {
        let decision = self.signal(signal).await;
        assert!(matches!(decision, Decision::Enqueued { .. }), "{decision:?}");
        self.requested().await
    }

    /// The rule that a signal is skipped by.
    pub async fn skipped(&self, signal: SignalReceived) -> SkipReason {
        match self.signal(signal).await {
            Decision::Skipped { reason } => reason,
            other => panic!("not skipped: {other:?}"),
        }
    }

    pub async fn requested(&self) -> AttemptRequested {
        tokio::time::timeout(PATIENCE, self.requested.lock().await.recv())
            .await
            .expect("an attempt is requested")
            .unwrap()
    }

    pub async fn told(&self) -> NoticeRaised {
        tokio::time::timeout(PATIENCE, self.told.lock().await.recv())
            .await
            .expect("somebody is told")
            .unwrap()
    }

    /// Nothing more is said within a second, which is longer than a tick.
    pub async fn silence(&self) {
        tokio::time::sleep(Duration::from_millis(1300)).await;
        assert!(
            self.requested.lock().await.try_recv().is_err(),
            "no other attempt is requested"
        );
        assert!(
            self.told.lock().await.try_recv().is_err(),
            "nobody is told anything else"
        );
    }

    async fn ask<Q: Message, A: Message>(&self, question: &Q) -> A {
        self.bus
            .request(Envelope::of(question).unwrap(), PATIENCE)
            .await
            .unwrap()
            .read()
            .unwrap()
    }

    pub async fn tell<M: Message>(&self, message: &M) {
        self.bus
            .publish(Envelope::of(message).unwrap())
            .await
            .unwrap()
            .wait()
            .await
            .unwrap();
    }

    pub async fn claim_answer(&self, request: &AttemptRequested, public_key: &str) -> ClaimAnswer {
        self.ask(&AttemptClaim {
            attempt: request.attempt,
            fence: request.fence,
            worker: "test".into(),
            public_key: public_key.into(),
        })
        .await
    }

    pub async fn claim(&self, request: &AttemptRequested) -> Fence {
        match self.claim_answer(request, "").await {
            ClaimAnswer::Granted {
                fence,
                read_token: None,
            } => fence,
            other => panic!("not granted: {other:?}"),
        }
    }

    pub async fn may_publish(&self, attempt: AttemptId, fence: Fence, diagnosis: &Diagnosis) -> MayPublishAnswer {
        self.ask(&MayPublish {
            attempt,
            fence,
            diagnosis: diagnosis.clone(),
            tree: "t".repeat(40),
            base: BranchName::parse("main").unwrap(),
            base_sha: CommitSha::parse(&"a".repeat(40)).unwrap(),
            public_key: String::new(),
        })
        .await
    }

    /// The branch that is granted.
    pub async fn granted(&self, attempt: AttemptId, fence: Fence, diagnosis: &Diagnosis) -> BranchName {
        match self.may_publish(attempt, fence, diagnosis).await {
            MayPublishAnswer::Granted {
                branch,
                write_token: None,
                ..
            } => branch,
            other => panic!("not granted: {other:?}"),
        }
    }

    pub async fn finish(&self, attempt: AttemptId, fence: Fence, report: Report) {
        self.tell(&AttemptFinished {
            attempt,
            fence,
            report: Box::new(report),
        })
        .await;
    }

    pub async fn progress(&self, attempt: AttemptId, fence: Fence, stage: Stage, lines: &[&str]) {
        self.say(&AttemptProgressed {
            attempt,
            fence,
            stage,
            percent: stage.percent(),
            candidates_tried: 3,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            at: crate::signal::now(),
            limited_until: None,
        })
        .await;
    }

    pub async fn say(&self, said: &AttemptProgressed) {
        // The bus keeps no promise about these; the answer to a question that comes later says that it was heard.
        drop(self.bus.publish(Envelope::of(said).unwrap()).await.unwrap());
        self.bus.idle().await;
    }

    /// A red run or alert, all the way to an open pull request. Returns its branch.
    pub async fn opened(&self, signal: SignalReceived, diagnosis: &Diagnosis, number: u64) -> BranchName {
        let request = self.admitted(signal).await;
        let fence = self.claim(&request).await;
        let branch = self.granted(request.attempt, fence, diagnosis).await;
        self.finish(
            request.attempt,
            fence,
            crate::signal::proved(number, &branch, diagnosis),
        )
        .await;
        self.told().await;
        branch
    }

    pub async fn job(&self, request: &AttemptRequested) -> jobs::Job {
        let id = Id::from(request.job);
        self.store
            .tx(move |db, _| Ok(jobs::find(db, id)?.unwrap()))
            .await
            .unwrap()
    }

    pub async fn jobs(&self) -> Vec<jobs::Job> {
        self.store
            .tx(|db, _| {
                Ok(jobs::page(
                    db,
                    &jobs::Page {
                        limit: 100,
                        ..jobs::Page::default()
                    },
                )?)
            })
            .await
            .unwrap()
    }

    pub async fn reasons(&self, code: &str) -> Vec<decisions::WhyNot> {
        let page = decisions::Page {
            code: Some(code.into()),
            limit: 100,
            ..decisions::Page::default()
        };
        self.store
            .tx(move |db, _| Ok(decisions::page(db, &page)?))
            .await
            .unwrap()
    }

    /// Sets a time of all rows to so many minutes ago: `age("jobs", "created_at", 40)`.
    pub async fn age(&self, table: &'static str, column: &'static str, minutes: i64) {
        self.store
            .tx(move |db, now| {
                let then: DateTime<Utc> = (now + chrono::Duration::minutes(-minutes)).into();
                let statement = format!("update {table} set {column} = $1");
                Ok(diesel::sql_query(statement)
                    .bind::<DbTime, _>(Time::from(then))
                    .execute(db)?)
            })
            .await
            .unwrap();
    }

    /// Kills the planner: nothing is allowed to end.
    pub async fn kill(self) -> Database {
        self.running.abort();
        let _ = self.running.await;
        self.database
    }
}

fn hear<M: Message>(bus: &MemoryBus, queue: Queue) -> UnboundedReceiver<M> {
    let (heard, hearing) = unbounded_channel();
    let ear = handler(move |incoming| {
        let heard = heard.clone();
        async move {
            heard.send(incoming.envelope.read::<M>().unwrap()).map_or_else(
                |_| Answer::Again {
                    reason: "the test has ended".into(),
                },
                |()| Answer::Done,
            )
        }
    });
    let bus = bus.clone();
    tokio::spawn(async move {
        bus.consume(Consume::from(queue, 4), ear, CancellationToken::new())
            .await
    });
    hearing
}

/// A new delivery's id.
pub fn delivery_id() -> DeliveryId {
    DeliveryId::from_uuid(Uuid::now_v7())
}
