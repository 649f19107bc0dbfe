//! The planner's memory: one database, Postgres or SQLite, behind `store.tx(|db, now| …)`. One file per table.

pub mod attempts;
pub mod branch_heads;
mod db;
pub mod decisions;
pub mod deliveries;
pub mod flaky_tests;
pub mod incidents;
pub mod jobs;
pub mod leases;
pub mod notices;
pub mod outbox;
pub mod publish_leases;
pub mod pull_requests;
mod schema;
pub mod stages;
pub mod types;

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use diesel::connection::{AnsiTransactionManager, Connection, SimpleConnection, TransactionManager};
use diesel::r2d2::{ManageConnection, Pool, R2D2Connection};
use diesel::{QueryResult, QueryableByName, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::time::Duration;
use types::{Db, DbTime, Time};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");
/// One pair of planners migrates at a time; the number means nothing.
const MIGRATION_LOCK: i64 = 0x0F1C_5B01;
/// A planner that was stopped in the middle of a transaction must not hold up the others, and none waits for ever.
const POSTGRES_SETUP: &str =
    "set idle_in_transaction_session_timeout = '5s'; set lock_timeout = '10s'; set statement_timeout = '30s';";
const SQLITE_SETUP: &str =
    "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;";

const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether a database that is away is back.
const LOOK: Duration = Duration::from_millis(250);

/// For the few statements that the multi backend cannot express: `on conflict` and batch inserts.
macro_rules! each {
    ($db:expr, $c:ident => $query:expr) => {
        match $db {
            $crate::store::types::Db::Postgres($c) => $query,
            $crate::store::types::Db::Sqlite($c) => $query,
        }
    };
}
pub(crate) use each;

/// Picks the database by the URL: the derived `establish` tries both and loses the cause.
struct Manager(String);

impl Manager {
    fn open(&self) -> diesel::ConnectionResult<Db> {
        let Some(path) = sqlite_path(&self.0) else {
            let mut db = diesel::PgConnection::establish(&self.0)?;
            db.batch_execute(POSTGRES_SETUP)
                .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            return Ok(Db::Postgres(db));
        };
        let mut db = diesel::SqliteConnection::establish(path)?;
        db.batch_execute(SQLITE_SETUP)
            .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(Db::Sqlite(db))
    }
}

impl ManageConnection for Manager {
    type Connection = Db;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Db, Self::Error> {
        self.open().map_err(diesel::r2d2::Error::ConnectionError)
    }
    fn is_valid(&self, db: &mut Db) -> Result<(), Self::Error> {
        db.ping().map_err(diesel::r2d2::Error::QueryError)
    }
    /// True as well when a panic left a transaction open.
    fn has_broken(&self, db: &mut Db) -> bool {
        std::thread::panicking() || db.is_broken()
    }
}

fn sqlite_path(url: &str) -> Option<&str> {
    url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))
}

fn connect(url: &str) -> Result<Db> {
    if let Some(path) = sqlite_path(url) {
        if path.is_empty() || path.contains(":memory:") {
            bail!("database.url `{url}` names no file; write sqlite://<path>");
        }
        if let Some(folder) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("the folder of database.url cannot be made: {}", folder.display()))?;
        }
    } else if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!("database.url must begin with sqlite:// or postgres://");
    }
    // The URL is not repeated here: it may hold a password. The databases explain themselves over several lines.
    Manager(url.to_owned()).open().map_err(|cause| {
        let said = cause.to_string();
        let first = said.lines().map(str::trim).find(|line| !line.is_empty());
        anyhow::Error::msg(first.unwrap_or("no reason is given").to_owned())
            .context("the database of database.url cannot be opened")
    })
}

/// Runs every migration that has not been run. Returns how many.
///
/// # Errors
/// When the database cannot be reached or a step fails; a failed step leaves nothing behind.
pub fn migrate(url: &str) -> Result<usize> {
    locked(url, |db| {
        Ok(db
            .run_pending_migrations(MIGRATIONS)
            .map_err(|cause| anyhow::anyhow!("a migration failed: {cause}"))?
            .len())
    })
}

/// Takes back the newest `steps` migrations, with everything that they hold. Returns how many there were to take back.
///
/// # Errors
/// As [`migrate`].
pub fn revert(url: &str, steps: usize) -> Result<usize> {
    locked(url, |db| {
        let there = db
            .applied_migrations()
            .map_err(|cause| anyhow::anyhow!("the migrations cannot be listed: {cause}"))?
            .len();
        let steps = steps.min(there);
        for _ in 0..steps {
            db.revert_last_migration(MIGRATIONS)
                .map_err(|cause| anyhow::anyhow!("a migration cannot be taken back: {cause}"))?;
        }
        Ok(steps)
    })
}

fn locked<T>(url: &str, work: impl FnOnce(&mut Db) -> Result<T>) -> Result<T> {
    let mut db = connect(url)?;
    if let Db::Postgres(pg) = &mut db {
        // The lock ends with the connection, whatever happens.
        pg.batch_execute(&format!(
            "set lock_timeout = '60s'; set statement_timeout = 0; select pg_advisory_lock({MIGRATION_LOCK})"
        ))
        .context("another process is migrating this database for more than a minute")?;
    }
    work(&mut db)
}

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Store(Pool<Manager>);

impl Store {
    /// Opens and migrates the database. `url` is `sqlite://<path>` or `postgres://…`; `connections` bounds the pool on
    /// Postgres, SQLite gets one (it has one writer, and one connection is as fast).
    ///
    /// # Errors
    /// When the database cannot be opened or migrated.
    pub fn open(url: &str, connections: u32) -> Result<Self> {
        migrate(url)?;
        let size = if sqlite_path(url).is_some() {
            1
        } else {
            connections.max(1)
        };
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(CONNECTION_TIMEOUT)
            .build(Manager(url.to_owned()))
            .context("no connection to the database")?;
        Ok(Self(pool))
    }

    /// Runs `work` in one transaction on a blocking thread, with the time by the database's clock. The transaction ends
    /// (in a commit when `work` is well) even if the caller is dropped meanwhile.
    ///
    /// # Errors
    /// What `work` says, after a rollback; or that no connection could be had in time.
    pub async fn tx<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db, Time) -> Result<T> + Send + 'static,
    {
        let pool = self.0.clone();
        tokio::task::spawn_blocking(move || {
            let db = &mut *pool.get().context("no connection to the database in time")?;
            begin(db)?;
            // Postgres answers COMMIT with a silent rollback once a statement has failed; the probe turns that into an error.
            let done = now(db)
                .map_err(Into::into)
                .and_then(|now| work(db, now))
                .and_then(|value| Ok(db.batch_execute("select 1").map(|()| value)?));
            match done {
                Ok(value) => {
                    <Db as TransactionManager<Db>>::commit_transaction(db)?;
                    Ok(value)
                }
                Err(cause) => {
                    // A failed rollback marks the connection as broken, and the pool drops it.
                    let _ = <Db as TransactionManager<Db>>::rollback_transaction(db);
                    Err(cause)
                }
            }
        })
        .await
        .context("a transaction was aborted")?
    }

    /// Waits until the database answers; false when it has not until then.
    pub async fn answers(&self, until: tokio::time::Instant) -> bool {
        loop {
            match tokio::time::timeout_at(until, self.now()).await {
                Ok(Ok(_)) => return true,
                Ok(Err(_)) if tokio::time::Instant::now() < until => tokio::time::sleep(LOOK).await,
                _ => return false,
            }
        }
    }

    /// The time by the database's clock on Postgres, by this host's on SQLite.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now(&self) -> Result<DateTime<Utc>> {
        self.tx(|_, now| Ok(now.into())).await
    }
}

/// SQLite takes the write lock at once: a deferred transaction that reads, then writes, fails as locked.
fn begin(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Postgres(pg) => AnsiTransactionManager::begin_transaction(pg),
        Db::Sqlite(lite) => AnsiTransactionManager::begin_transaction_sql(lite, "begin immediate"),
    }
}

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = DbTime)]
    now: Time,
}

#[allow(
    clippy::disallowed_methods,
    reason = "the edge: SQLite has no clock of its own, so the host's is read here, once per transaction"
)]
fn now(db: &mut Db) -> QueryResult<Time> {
    match db {
        Db::Postgres(pg) => Ok(diesel::sql_query("select clock_timestamp() as now")
            .get_result::<Clock>(pg)?
            .now),
        Db::Sqlite(_) => Ok(Utc::now().into()),
    }
}
