//! The database keeps what must hold, and the two databases agree.

use crate::case::settings;
use crate::signal::{red_run, repo, run, sha};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use domain::incident::{IncidentKey, Trigger};
use domain::job::JobState;
use planner::settings::Rules;
use planner::store::types::{Id, Word};
use planner::store::{Store, deliveries, incidents, jobs, migrate, outbox, revert};
use serde_json::json;
use std::collections::BTreeMap;

async fn open(url: &str) -> Store {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || Store::open(&url, 8))
        .await
        .unwrap()
        .unwrap()
}

/// An incident with a queued job.
async fn queued(store: &Store) -> (Id, jobs::Job) {
    store
        .tx(|db, now| {
            let trigger = Trigger::WorkflowRun(Box::new(run(sha('a'), 1)));
            let key = IncidentKey::WorkflowRun {
                repo: repo(),
                workflow: "Tests".into(),
                head_sha: sha('a'),
            };
            let incident = incidents::sight(db, &key, &repo(), &trigger, now)?;
            let project = Rules::of(&settings("sqlite://x", &json!({})))?.project(&repo())?;
            let new = jobs::New {
                incident: incident.id,
                delivery: None,
                generation: 1,
                max_retries: 3,
                trigger: &trigger,
                project: &project,
                trace: &BTreeMap::new(),
            };
            Ok((incident.id, jobs::open(db, &new, now)?))
        })
        .await
        .unwrap()
}

both! {
    async fn migrations_go_up_and_down_and_up(database: Database) {
        let url = database.url.clone();
        tokio::task::spawn_blocking(move || {
            let steps = migrate(&url).unwrap();
            assert!(steps >= 1);
            assert_eq!(migrate(&url).unwrap(), 0, "there is nothing left to do");
            assert_eq!(revert(&url, 99).unwrap(), steps);
            assert_eq!(revert(&url, 1).unwrap(), 0);
            assert_eq!(migrate(&url).unwrap(), steps);
        })
        .await
        .unwrap();
        let store = open(&database.url).await;
        assert_eq!(store.tx(|db, _| Ok(outbox::depth(db)?)).await.unwrap(), 0);
    }

    async fn an_incident_has_one_active_job(database: Database) {
        let store = open(&database.url).await;
        let (_, job) = queued(&store).await;
        let second = store
            .tx(move |db, now| {
                let (trigger, project) = (job.trigger()?, job.project()?);
                let new = jobs::New { incident: job.incident_id, delivery: None, generation: 1, max_retries: 3, trigger: &trigger, project: &project, trace: &BTreeMap::new() };
                jobs::open(db, &new, now)
            })
            .await;
        let error = second.unwrap_err();
        let unique = matches!(error.downcast_ref(), Some(DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)));
        assert!(unique, "{error:#}");
    }

    async fn a_final_job_is_never_left(database: Database) {
        let store = open(&database.url).await;
        let (_, job) = queued(&store).await;
        let outcome = domain::attempt::Outcome::Failed;
        let ended = job.clone();
        store.tx(move |db, now| jobs::end(db, &ended, JobState::Failed, None, outcome, "x", now)).await.unwrap();
        let stale = job.clone();
        let moved = store.tx(move |db, now| jobs::run(db, &stale, now)).await;
        assert!(moved.unwrap_err().to_string().contains("cannot become running"));
        let skipped = store.tx(move |db, _| Ok(db.batch_execute(&format!("update jobs set state = 'skipped' where id = '{}'", *job.id))?)).await;
        assert!(skipped.is_err(), "a skip without its reason is refused by the table");
    }

    async fn of_eight_claimants_one_gets_the_fence(database: Database) {
        let store = open(&database.url).await;
        let (_, job) = queued(&store).await;
        let raised = futures::future::join_all((0..8).map(|_| {
            let job = job.clone();
            store.tx(move |db, now| Ok(jobs::raise_fence(db, &job, now)?))
        }))
        .await;
        let winners: Vec<i64> = raised.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(winners, [1]);
    }

    /// Postgres answers a commit after a failed statement with a silent rollback: nothing may be lost without an error.
    async fn nothing_is_lost_silently(database: Database) {
        let store = open(&database.url).await;
        let said = store
            .tx(|db, now| {
                outbox::put(db, "x", None, vec![1], now)?;
                let _ = db.batch_execute("insert into no_such_table values (1)");
                Ok(())
            })
            .await;
        let kept = store.tx(|db, _| Ok(outbox::depth(db)?)).await.unwrap();
        assert_eq!(said.is_ok(), kept == 1, "{said:?}");
        let failed: anyhow::Result<()> = store.tx(|db, now| {
            outbox::put(db, "y", None, vec![2], now)?;
            anyhow::bail!("no")
        }).await;
        assert_eq!(failed.unwrap_err().to_string(), "no");
        assert_eq!(store.tx(|db, _| Ok(outbox::depth(db)?)).await.unwrap(), kept);
    }

    async fn a_panic_keeps_nothing_and_harms_nobody(database: Database) {
        let store = open(&database.url).await;
        let panicked: anyhow::Result<()> = store.tx(|db, now| {
            outbox::put(db, "x", None, vec![1], now)?;
            panic!("in a transaction")
        }).await;
        assert!(panicked.is_err());
        assert_eq!(store.tx(|db, _| Ok(outbox::depth(db)?)).await.unwrap(), 0);
    }

    async fn lanes_keep_their_order(database: Database) {
        let store = open(&database.url).await;
        store.tx(|db, now| {
            for number in 0..20_u8 {
                outbox::put(db, if number % 2 == 0 { "even" } else { "odd" }, None, vec![number], now)?;
            }
            Ok(())
        }).await.unwrap();
        let even = store.tx(|db, now| Ok(outbox::due(db, "even", &[], now, 100)?)).await.unwrap();
        assert_eq!(even.iter().map(|parcel| parcel.envelope[0]).collect::<Vec<_>>(), (0..20).step_by(2).collect::<Vec<u8>>());
        let out = vec![even[0].id];
        let rest = store.tx(move |db, now| Ok(outbox::due(db, "even", &out, now, 2)?)).await.unwrap();
        assert_eq!(rest.iter().map(|parcel| parcel.envelope[0]).collect::<Vec<_>>(), [2, 4]);
        let mut lanes = store.tx(|db, _| Ok(outbox::lanes(db)?)).await.unwrap();
        lanes.sort();
        assert_eq!(lanes, ["even", "odd"]);
    }

    async fn old_deliveries_are_forgotten_unless_a_job_came_of_them(database: Database) {
        let store = open(&database.url).await;
        let (_, job) = queued(&store).await;
        let (kept, lost) = (red_run('a').delivery, red_run('b').delivery);
        let left = store
            .tx(move |db, now| {
                deliveries::remember(db, &kept, Some(b"\x00\x01"))?;
                deliveries::remember(db, &lost, None)?;
                diesel::sql_query(format!("update jobs set delivery_id = '{}' where id = '{}'", kept.id, *job.id)).execute(db)?;
                let forgotten = deliveries::forget(db, now + chrono::Duration::days(1), 10)?;
                assert_eq!(forgotten, 1);
                Ok((deliveries::received_at(db, kept.id.into())?, deliveries::received_at(db, lost.id.into())?))
            })
            .await
            .unwrap();
        assert!(left.0.is_some() && left.1.is_none());
    }

    async fn pages_are_newest_first(database: Database) {
        let store = open(&database.url).await;
        let (_, job) = queued(&store).await;
        let page = jobs::Page { state: Some(JobState::Queued), repo: Some("acme/shop".into()), before: None, limit: 10 };
        let rows = store.tx({ let page = page.clone(); move |db, _| Ok(jobs::page(db, &page)?) }).await.unwrap();
        assert_eq!(rows.iter().map(|row| (row.id, row.state)).collect::<Vec<_>>(), [(job.id, Word(JobState::Queued))]);
        let before = jobs::Page { before: Some(job.id), ..page };
        assert!(store.tx(move |db, _| Ok(jobs::page(db, &before)?)).await.unwrap().is_empty());
    }
}

#[test]
fn wrong_addresses_are_one_sentence() {
    for (url, said) in [
        ("mysql://x", "database.url must begin with sqlite:// or postgres://"),
        (
            "sqlite://",
            "database.url `sqlite://` names no file; write sqlite://<path>",
        ),
        (
            "sqlite://:memory:",
            "database.url `sqlite://:memory:` names no file; write sqlite://<path>",
        ),
    ] {
        assert_eq!(migrate(url).unwrap_err().to_string(), said);
    }
    let refused = format!("{:#}", migrate("postgres://me:hunter2@127.0.0.1:1/x").unwrap_err());
    assert!(
        refused.starts_with("the database of database.url cannot be opened: ")
            && !refused.contains('\n')
            && !refused.contains("hunter2"),
        "{refused}"
    );
}
