//! A database for one test: SQLite in a folder of its own, Postgres in a schema of its own.

use anyhow::{Context, bail};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// The variable that names a Postgres whose user may create schemas.
pub const POSTGRES: &str = "FIXPOINT_TEST_POSTGRES_URL";

/// A database for one test, gone with this value.
#[derive(Debug)]
pub struct FreshDatabase {
    url: String,
    keep: Keep,
}

#[derive(Debug)]
enum Keep {
    Folder(#[allow(dead_code, reason = "held for its Drop")] TempDir),
    Schema { server: String, name: String },
}

impl FreshDatabase {
    /// Its address, for `database.url`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An SQLite file that does not exist yet.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn sqlite() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for SQLite")?;
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Ok(Self {
            url,
            keep: Keep::Folder(folder),
        })
    }

    /// A new schema of the Postgres that [`POSTGRES`] names; `None` where it names none.
    ///
    /// # Errors
    /// When that Postgres refuses, or none is named though `CI` is set.
    #[allow(
        clippy::disallowed_methods,
        reason = "what a machine offers to tests is no setting of the product"
    )]
    pub fn postgres() -> anyhow::Result<Option<Self>> {
        let Ok(server) = std::env::var(POSTGRES) else {
            if std::env::var_os("CI").is_some() {
                bail!("{POSTGRES} is not set: in CI no database test may be skipped");
            }
            return Ok(None);
        };
        let name = format!("t_{}", Uuid::new_v4().simple());
        execute(&server, &format!("CREATE SCHEMA {name}"))?;
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sign}options=-csearch_path%3D{name}&application_name={name}");
        Ok(Some(Self {
            url,
            keep: Keep::Schema { server, name },
        }))
    }
}

impl FreshDatabase {
    /// Ends every connection to it from the server's side, as a restart of the server would. SQLite has none.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn end_connections(&self) -> anyhow::Result<()> {
        let Keep::Schema { server, name } = &self.keep else {
            return Ok(());
        };
        let statement = "select pg_terminate_backend(pid) from pg_stat_activity where application_name";
        execute(server, &format!("{statement} = '{name}'"))
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        if let Keep::Schema { server, name } = &self.keep
            && let Err(error) = execute(server, &format!("DROP SCHEMA {name} CASCADE"))
        {
            eprintln!("the schema {name} is left behind: {error:#}");
        }
    }
}

fn execute(server: &str, statement: &str) -> anyhow::Result<()> {
    let mut connection =
        PgConnection::establish(server).with_context(|| format!("connecting to the Postgres of {POSTGRES}"))?;
    connection
        .batch_execute(statement)
        .with_context(|| statement.to_owned())
}

/// One fresh database of every kind that this machine offers: SQLite always, Postgres where [`POSTGRES`] names one.
///
/// # Errors
/// See [`FreshDatabase::sqlite`] and [`FreshDatabase::postgres`].
pub fn fresh_databases() -> anyhow::Result<Vec<FreshDatabase>> {
    let mut all = vec![FreshDatabase::sqlite()?];
    all.extend(FreshDatabase::postgres()?);
    Ok(all)
}
